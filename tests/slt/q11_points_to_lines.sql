-- From points to lines: of the day's vehicles at Otaru, how many go on to Yoichi, Niki and Furubira, on
-- weekdays and on days off?
-- Rules: intervals name their beginning, so a day runs from 00:00 to 23:55 in Japan; a counter's day needs nine
-- tenths of its 288 intervals with both directions ok, and is scaled by those it has; a day counts where all
-- four counters have it; days off are weekends and the holidays of the table.
WITH days AS (
    SELECT counter_id, time::date AS day,
           avg(up_small + up_large + down_small + down_large) * 288 AS vehicles,
           count(*) AS intervals
    FROM douro.traffic_5min
    WHERE counter_id IN ('1110080', '1110060', '1110050', '1310340')
      AND up_quality IN ('normal', 'quasi_normal') AND down_quality IN ('normal', 'quasi_normal')
    GROUP BY ALL
    HAVING count(*) >= 0.9 * 288
),
lines AS (
    SELECT *
    FROM (SELECT counter_id, day, vehicles FROM days)
    PIVOT (max(vehicles) FOR counter_id IN
           ('1110080' AS otaru, '1110060' AS yoichi, '1110050' AS niki, '1310340' AS furubira))
),
whole AS (
    SELECT day, sum(intervals) AS observations FROM days GROUP BY day HAVING count(*) = 4
)
SELECT CASE WHEN h.date IS NOT NULL OR date_part('dow', l.day) IN (0, 6) THEN 'day off' ELSE 'weekday' END
           AS kind_of_day,
       count(*) AS days,
       avg(l.otaru) AS otaru,
       avg(l.yoichi / l.otaru) AS yoichi_of_otaru,
       avg(l.niki / l.yoichi) AS niki_of_yoichi,
       avg(l.furubira / l.yoichi) AS furubira_of_yoichi,
       sum(w.observations) AS observations,
       sum(w.observations) / (4.0 * 288 * count(*)) AS coverage
FROM lines l
JOIN whole w USING (day)
LEFT JOIN toukei.holidays h ON h.date = l.day
GROUP BY 1
ORDER BY 1
