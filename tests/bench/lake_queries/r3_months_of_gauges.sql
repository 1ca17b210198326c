-- Monthly means of every gauge, whose times end their intervals.
SELECT gauge, date_trunc('month', time - INTERVAL '1 microsecond') AS month, count(flow) AS n, avg(flow) AS mean, max(flow) AS greatest
FROM river_1.hourly GROUP BY 1, 2 ORDER BY 1, 2
