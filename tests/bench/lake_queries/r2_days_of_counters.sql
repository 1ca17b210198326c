-- Daily sums of every counter.
SELECT counter, date_trunc('day', time) AS day, count(up_small) AS n, sum(up_small) AS up, sum(down_small) AS down
FROM road_1.traffic GROUP BY 1, 2 ORDER BY 1, 2
