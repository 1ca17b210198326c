-- Hours far from what their station has at that time of the year and day: the observations are read twice.
WITH usual AS (
    SELECT station, extract(month FROM time) AS month, extract(hour FROM time) AS hour,
           avg(temperature) AS mean, stddev_samp(temperature) AS spread
    FROM bench_weather.observations
    GROUP BY 1, 2, 3
)
SELECT f.office, count(*) AS hours, avg(abs(o.temperature - u.mean)) AS distance
FROM bench_weather.observations o
JOIN usual u ON u.station = o.station
            AND u.month = extract(month FROM o.time)
            AND u.hour = extract(hour FROM o.time)
JOIN bench_road.offices f ON f.station = o.station
WHERE abs(o.temperature - u.mean) > 2.5 * u.spread
GROUP BY f.office
ORDER BY f.office
