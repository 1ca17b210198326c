-- Snowpack and spring flow: a winter's greatest snow depth at the nearest station, joined to the mean flow of
-- the April to June that follow.
-- Rules: a winter is named by the year in which it ends and runs from November to April; both are counted by
-- period-ending hours and ok values, and both need four fifths of their hours.
WITH places AS (
    SELECT DISTINCT ON (g.gauge_id) g.gauge_id, g.river_en, s.station_id
    FROM otaru_kaihatsu.river_gauges g
    CROSS JOIN kisho.stations s
    WHERE s.observes IN ('full', 'rain_snow')
    ORDER BY g.gauge_id, power(s.latitude - g.latitude, 2) + power((s.longitude - g.longitude) * 0.73, 2)
),
winters AS (
    SELECT station_id,
           CAST(date_part('year', time - INTERVAL '1 hour' + INTERVAL '2 months') AS INT) AS winter,
           max(snow_depth) AS snow_depth,
           count(snow_depth) AS hours,
           count(snow_depth) / 4344.0 AS coverage
    FROM kisho.weather_hourly
    WHERE snow_depth_quality IN ('normal', 'quasi_normal')
      AND date_part('month', time - INTERVAL '1 hour') IN (11, 12, 1, 2, 3, 4)
    GROUP BY 1, 2
),
springs AS (
    SELECT gauge_id,
           CAST(date_part('year', time - INTERVAL '1 hour') AS INT) AS year,
           avg(flow) AS flow,
           count(flow) AS hours,
           count(flow) / 2184.0 AS coverage
    FROM otaru_kaihatsu.river_hourly
    WHERE flow_quality IN ('normal', 'quasi_normal')
      AND date_part('month', time - INTERVAL '1 hour') BETWEEN 4 AND 6
    GROUP BY 1, 2
)
SELECT p.gauge_id, p.river_en, p.station_id, w.winter, w.snow_depth, s.flow,
       w.hours + s.hours AS observations,
       least(w.coverage, s.coverage) AS coverage
FROM places p
JOIN winters w ON w.station_id = p.station_id
JOIN springs s ON s.gauge_id = p.gauge_id AND s.year = w.winter
WHERE least(w.coverage, s.coverage) >= 0.8
ORDER BY p.gauge_id, w.winter
