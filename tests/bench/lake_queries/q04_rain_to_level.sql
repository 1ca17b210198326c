-- The level 0 to 12 hours after the rain: a small list of lags, then a join on a computed time.
WITH rain AS (
    SELECT station, date_trunc('hour', time - INTERVAL '10 minutes') + INTERVAL '1 hour' AS time, sum(precipitation) AS rain
    FROM wx_1.weather WHERE precipitation_quality IN ('normal', 'quasi_normal') GROUP BY 1, 2
),
lags(lag, shift) AS (
    VALUES (0, INTERVAL '0 hours'), (1, INTERVAL '1 hours'), (2, INTERVAL '2 hours'), (3, INTERVAL '3 hours'),
           (4, INTERVAL '4 hours'), (5, INTERVAL '5 hours'), (6, INTERVAL '6 hours'), (7, INTERVAL '7 hours'),
           (8, INTERVAL '8 hours'), (9, INTERVAL '9 hours'), (10, INTERVAL '10 hours'), (11, INTERVAL '11 hours'),
           (12, INTERVAL '12 hours')
)
SELECT r.gauge, l.lag, count(*) AS pairs, corr(w.rain, r.level) AS correlation
FROM river_1.hourly r
JOIN river_1.gauges g ON g.gauge = r.gauge
CROSS JOIN lags l
JOIN rain w ON w.station = g.station AND w.time = r.time - l.shift
WHERE r.level_quality IN ('normal', 'quasi_normal')
GROUP BY 1, 2 ORDER BY 1, 2
