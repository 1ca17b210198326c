-- Hourly flow to days, to thirds of a month, against the usual flow of each.
WITH days AS (
    SELECT gauge, CAST(time - INTERVAL '1 hour' AS DATE) AS day, avg(flow) AS flow, count(flow) AS hours
    FROM river_1.hourly WHERE flow_quality IN ('normal', 'quasi_normal') GROUP BY 1, 2 HAVING count(flow) >= 20
),
juns AS (
    SELECT gauge, CAST(date_part('year', day) AS BIGINT) AS year, CAST(date_part('month', day) AS BIGINT) AS month,
           CASE WHEN date_part('day', day) <= 10 THEN 1 WHEN date_part('day', day) <= 20 THEN 2 ELSE 3 END AS jun,
           avg(flow) AS flow, sum(hours) AS hours
    FROM days GROUP BY 1, 2, 3, 4
)
SELECT j.gauge, j.year, j.month, j.jun, j.flow / n.flow AS share, j.hours
FROM juns j JOIN river_1.normals n ON n.gauge = j.gauge AND n.month = j.month AND n.jun = j.jun
ORDER BY j.gauge, j.year, j.month, j.jun
