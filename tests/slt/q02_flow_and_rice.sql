-- Flow and rice: do yield and grade follow the growing season's flow, rain, sunshine and warmth, in the same
-- year (lag 0) and in the year after (lag 1)?
-- Rules: May to September by period-ending hours; ok values only; a season counts with four fifths of its
-- hours for each of its four measures, rain as a mean of the hours that were observed and not as a sum across
-- gaps; places are joined by code, the weather is that of the nearest station with all instruments.
WITH places AS (
    SELECT DISTINCT ON (m.code) m.code, s.station_id
    FROM shicho.municipalities m
    CROSS JOIN kisho.stations s
    WHERE s.observes = 'full'
    ORDER BY m.code, distance_m(m.latitude, m.longitude, s.latitude, s.longitude)
),
flow AS (
    SELECT g.municipality_code AS code,
           year(period_start(r.time)) AS year,
           avg(r.flow) AS flow,
           count(r.flow) AS hours,
           count(r.flow) / (153.0 * 24 * count(DISTINCT r.gauge_id)) AS coverage
    FROM otaru_kaihatsu.river_hourly r
    JOIN otaru_kaihatsu.river_gauges g USING (gauge_id)
    WHERE r.flow_quality IN ('normal', 'quasi_normal') AND month(period_start(r.time)) BETWEEN 5 AND 9
    GROUP BY 1, 2
),
hours AS (
    SELECT station_id,
           year(period_start(time)) AS year,
           CASE WHEN precipitation_quality IN ('normal', 'quasi_normal') THEN precipitation END AS rain,
           CASE WHEN sunshine_quality IN ('normal', 'quasi_normal') THEN sunshine END AS sunshine,
           CASE WHEN temperature_quality IN ('normal', 'quasi_normal') THEN temperature END AS temperature
    FROM kisho.weather_hourly
    WHERE month(period_start(time)) BETWEEN 5 AND 9
),
weather AS (
    SELECT station_id, year,
           avg(rain) * 24 AS rain_mm_day,
           avg(sunshine) * 24 AS sunshine_h_day,
           avg(temperature) AS temperature,
           least(count(rain), count(sunshine), count(temperature)) AS hours
    FROM hours
    GROUP BY ALL
),
seasons AS (
    SELECT f.code, f.year, f.flow, w.rain_mm_day, w.sunshine_h_day, w.temperature,
           f.hours + w.hours AS observations,
           least(f.coverage, w.hours / (153.0 * 24)) AS coverage
    FROM flow f
    JOIN places p USING (code)
    JOIN weather w ON w.station_id = p.station_id AND w.year = f.year
)
SELECT l.lag,
       count(*) AS pairs,
       corr(s.flow, y.収量) AS flow_yield,
       corr(s.rain_mm_day, y.収量) AS rain_yield,
       corr(s.sunshine_h_day, y.収量) AS sunshine_yield,
       corr(s.temperature, y.収量) AS temperature_yield,
       corr(s.flow, y.一等米比率) AS flow_grade,
       corr(s.temperature, y.一等米比率) AS temperature_grade,
       sum(s.observations) AS observations,
       min(s.coverage) AS coverage
FROM seasons s
CROSS JOIN (VALUES (0), (1)) AS l(lag)
JOIN nosei.rice_yearly y ON y.市町村コード = s.code AND y.年 = s.year + l.lag
WHERE s.coverage >= 0.8 AND y.収量の品質 IN ('normal', 'quasi_normal')
GROUP BY l.lag
ORDER BY l.lag
