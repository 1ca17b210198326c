-- Daily means and sums of every station: what rollups hold. The times end their intervals.
SELECT station, date_trunc('day', time - INTERVAL '1 microsecond') AS day, count(temperature) AS n, avg(temperature) AS mean, min(temperature) AS least, max(temperature) AS greatest
FROM wx_1.weather GROUP BY 1, 2 ORDER BY 1, 2
