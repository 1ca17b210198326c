-- The busiest intervals.
SELECT counter, time, up_small FROM road_1.traffic
WHERE up_small IS NOT NULL ORDER BY up_small DESC, counter, time LIMIT 20
