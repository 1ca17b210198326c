-- The last good temperature put into gaps of up to an hour, and the line between those around it.
SELECT station, count(*) AS rows, count(carried) AS carried, avg(carried) AS mean, count(line) AS line, avg(line) AS mean_between
FROM (
    SELECT station, time_bucket_gapfill('10 minutes', time) AS at,
           locf(avg(temperature), INTERVAL '1 hour') AS carried,
           interpolate(avg(temperature), INTERVAL '1 hour') AS line
    FROM wx_1.weather WHERE snow_depth_quality = 'normal' GROUP BY station, at
) GROUP BY station ORDER BY station
