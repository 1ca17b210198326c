-- Hours of every gauge, those without a good level too.
SELECT gauge, time_bucket_gapfill('1 hour', time) AS hour, count(flow) AS n, avg(flow) AS flow
FROM river_1.hourly WHERE level_quality = 'normal' GROUP BY gauge, hour ORDER BY gauge, hour
