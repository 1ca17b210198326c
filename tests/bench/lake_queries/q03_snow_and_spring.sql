-- A winter's greatest depth beside the flow of the spring after it.
WITH winters AS (
    SELECT station, CAST(date_part('year', time + INTERVAL '2 months') AS BIGINT) AS winter, max(snow_depth) AS depth
    FROM wx_1.weather WHERE snow_depth_quality IN ('normal', 'quasi_normal') AND date_part('month', time) IN (11, 12, 1, 2, 3, 4)
    GROUP BY 1, 2
),
springs AS (
    SELECT gauge, CAST(date_part('year', time) AS BIGINT) AS year, avg(flow) AS flow, count(*) AS hours
    FROM river_1.hourly WHERE flow_quality IN ('normal', 'quasi_normal') AND date_part('month', time) BETWEEN 4 AND 6
    GROUP BY 1, 2
)
SELECT g.gauge, w.winter, w.depth, s.flow, s.hours
FROM river_1.gauges g JOIN winters w ON w.station = g.station
JOIN springs s ON s.gauge = g.gauge AND s.year = w.winter
ORDER BY 1, 2
