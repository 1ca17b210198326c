-- Means of the growing season by town and year, beside the harvest of the same year and of the next.
WITH flow AS (
    SELECT g.town, CAST(date_part('year', r.time) AS BIGINT) AS year, avg(r.flow) AS flow, count(*) AS hours
    FROM river_1.hourly r JOIN river_1.gauges g ON g.gauge = r.gauge
    WHERE r.flow_quality IN ('normal', 'quasi_normal') AND date_part('month', r.time) BETWEEN 5 AND 9
    GROUP BY 1, 2
),
weather AS (
    SELECT s.town, CAST(date_part('year', w.time) AS BIGINT) AS year,
           avg(w.temperature) AS temperature, avg(w.precipitation) AS rain
    FROM wx_1.weather w JOIN wx_1.stations s ON s.station = w.station
    WHERE w.temperature_quality IN ('normal', 'quasi_normal') AND date_part('month', w.time) BETWEEN 5 AND 9
    GROUP BY 1, 2
)
SELECT l.lag, count(*) AS pairs, sum(f.hours) AS hours, corr(f.flow, y.kg) AS with_flow,
       corr(w.temperature, y.kg) AS with_warmth, corr(w.rain, y.kg) AS with_rain
FROM flow f JOIN weather w ON w.town = f.town AND w.year = f.year
CROSS JOIN (VALUES (0), (1)) AS l(lag)
JOIN month_1.rice y ON y.town = f.town AND y.harvest = f.year + l.lag
GROUP BY l.lag ORDER BY l.lag
