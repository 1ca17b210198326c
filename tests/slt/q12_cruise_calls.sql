-- What a cruise call does: the vehicles and visitors of each day with a call at Otaru, less the median of the
-- same weekday without one.
-- Rules: the day is that of the arrival in Japan; usual days are those of the season from April to October
-- without a call; a traffic day needs nine tenths of its intervals, both directions ok, and is scaled by those
-- it has; a day that was not observed has no difference.
WITH calls AS (
    SELECT arrived::date AS day, count(*) AS ships, sum(passengers) AS passengers
    FROM kowan.port_calls
    WHERE kind = 'cruise'
    GROUP BY 1
),
traffic AS (
    SELECT time::date AS day,
           avg(up_small + up_large + down_small + down_large) * 288 AS vehicles,
           count(*) AS intervals
    FROM douro.traffic_5min
    WHERE counter_id = '1110080'
      AND up_quality IN ('normal', 'quasi_normal') AND down_quality IN ('normal', 'quasi_normal')
    GROUP BY 1
    HAVING count(*) >= 0.9 * 288
),
days AS (
    SELECT v.date AS day, date_part('dow', v.date) AS weekday, c.ships, c.passengers,
           t.vehicles, t.intervals,
           CASE WHEN v.quality IN ('normal', 'quasi_normal') THEN v.visitors END AS visitors
    FROM kanko.visits_daily v
    LEFT JOIN calls c ON c.day = v.date
    LEFT JOIN traffic t ON t.day = v.date
    WHERE v.site_id = 'V01' AND month(v.date) BETWEEN 4 AND 10
),
usual AS (
    SELECT weekday, median(vehicles) AS vehicles, median(visitors) AS visitors
    FROM days
    WHERE ships IS NULL
    GROUP BY weekday
)
SELECT d.day, d.passengers,
       d.vehicles - u.vehicles AS more_vehicles,
       d.visitors - u.visitors AS more_visitors,
       coalesce(d.intervals, 0) + CASE WHEN d.visitors IS NULL THEN 0 ELSE 1 END AS observations,
       coalesce(d.intervals, 0) / 288.0 AS coverage
FROM days d
JOIN usual u USING (weekday)
WHERE d.ships IS NOT NULL
ORDER BY d.day
