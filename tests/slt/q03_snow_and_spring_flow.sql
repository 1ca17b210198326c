-- Snowpack and spring flow: a winter's greatest snow depth at the nearest station, joined to the mean flow of
-- the April to June that follow.
-- Rules: a winter is named by the year in which it ends and runs from November to April; both are counted by
-- period-ending hours and ok values, and both need four fifths of their hours.
WITH places AS (
    SELECT DISTINCT ON (g.gauge_id) g.gauge_id, g.river_en, s.station_id
    FROM otaru_kaihatsu.river_gauges g
    CROSS JOIN kisho.stations s
    WHERE s.observes IN ('full', 'rain_snow')
    ORDER BY g.gauge_id, distance_m(g.latitude, g.longitude, s.latitude, s.longitude)
),
winters AS (
    SELECT station_id,
           winter_season(period_start(time)) AS winter,
           max(snow_depth) AS snow_depth,
           count(snow_depth) AS hours,
           count(snow_depth) / (181.0 * 24) AS coverage
    FROM kisho.weather_hourly
    WHERE snow_depth_quality IN ('normal', 'quasi_normal')
      AND month(period_start(time)) IN (11, 12, 1, 2, 3, 4)
    GROUP BY 1, 2
),
springs AS (
    SELECT gauge_id,
           year(period_start(time)) AS year,
           avg(flow) AS flow,
           count(flow) AS hours,
           count(flow) / (91.0 * 24) AS coverage
    FROM otaru_kaihatsu.river_hourly
    WHERE flow_quality IN ('normal', 'quasi_normal')
      AND month(period_start(time)) BETWEEN 4 AND 6
    GROUP BY 1, 2
)
SELECT p.gauge_id, p.river_en, p.station_id, w.winter, w.snow_depth, s.flow,
       w.hours + s.hours AS observations,
       least(w.coverage, s.coverage) AS coverage
FROM places p
JOIN winters w USING (station_id)
JOIN springs s ON s.gauge_id = p.gauge_id AND s.year = w.winter
WHERE w.coverage >= 0.8 AND s.coverage >= 0.8
ORDER BY p.gauge_id, w.winter
