-- From points to lines: of the day's vehicles at Otaru, how many go on to Yoichi, Niki and Furubira, on
-- weekdays and on days off?
-- Rules: intervals name their beginning, so a day runs from 00:00 to 23:55 in Japan; a counter's day needs nine
-- tenths of its 288 intervals with both directions ok, and is scaled by those it has; a day counts where all
-- four counters have it; days off are weekends and the holidays of the table.
WITH days AS (
    SELECT counter_id,
           CAST(time AS DATE) AS day,
           sum(up_small + up_large + down_small + down_large) * 288.0 / count(*) AS vehicles,
           count(*) AS intervals
    FROM douro.traffic_5min
    WHERE counter_id IN ('1110080', '1110060', '1110050', '1310340')
      AND up_quality IN ('normal', 'quasi_normal') AND down_quality IN ('normal', 'quasi_normal')
    GROUP BY 1, 2
    HAVING count(*) >= 0.9 * 288
),
lines AS (
    SELECT day,
           max(vehicles) FILTER (WHERE counter_id = '1110080') AS otaru,
           max(vehicles) FILTER (WHERE counter_id = '1110060') AS to_yoichi,
           max(vehicles) FILTER (WHERE counter_id = '1110050') AS niki,
           max(vehicles) FILTER (WHERE counter_id = '1310340') AS furubira,
           sum(intervals) AS observations
    FROM days
    GROUP BY day
    HAVING count(*) = 4
)
SELECT CASE WHEN h.date IS NOT NULL OR date_part('dow', l.day) IN (0, 6) THEN 'day off' ELSE 'weekday' END
           AS kind_of_day,
       count(*) AS days,
       avg(l.otaru) AS otaru,
       avg(l.to_yoichi / l.otaru) AS yoichi_of_otaru,
       avg(l.niki / l.to_yoichi) AS niki_of_yoichi,
       avg(l.furubira / l.to_yoichi) AS furubira_of_yoichi,
       sum(l.observations) AS observations,
       sum(l.observations) / (4.0 * 288 * count(*)) AS coverage
FROM lines l
LEFT JOIN toukei.holidays h ON h.date = l.day
GROUP BY 1
ORDER BY 1
