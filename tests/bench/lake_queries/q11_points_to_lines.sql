-- A day's counts at four counters beside each other, on weekdays and on days off.
WITH days AS (
    SELECT counter, CAST(time AS DATE) AS day, sum(up_small + up_large + down_small + down_large) * 288.0 / count(*) AS vehicles
    FROM road_1.traffic
    WHERE counter IN ('c000', 'c001', 'c002', 'c003') AND up_quality IN ('normal', 'quasi_normal') AND down_quality IN ('normal', 'quasi_normal')
    GROUP BY 1, 2 HAVING count(*) >= 200
),
lines AS (
    SELECT day, max(CASE WHEN counter = 'c000' THEN vehicles END) AS a, max(CASE WHEN counter = 'c001' THEN vehicles END) AS b,
           max(CASE WHEN counter = 'c002' THEN vehicles END) AS c, max(CASE WHEN counter = 'c003' THEN vehicles END) AS d
    FROM days GROUP BY day
)
SELECT h.date IS NOT NULL OR date_part('dow', l.day) IN (0, 6) AS off, count(*) AS days,
       avg(l.b / l.a) AS b_of_a, avg(l.c / l.b) AS c_of_b, avg(l.d / l.b) AS d_of_b
FROM lines l LEFT JOIN day_1.holidays h ON h.date = l.day
GROUP BY 1 ORDER BY 1
