-- Days about freezing beside what happened near the station.
WITH days AS (
    SELECT station, CAST(time - INTERVAL '10 minutes' AS DATE) AS day,
           min(temperature) < 0 AND max(temperature) > 0 AS freezing, count(*) AS readings
    FROM wx_1.weather WHERE temperature_quality IN ('normal', 'quasi_normal') GROUP BY 1, 2
),
near AS (
    SELECT DISTINCT ON (e.event) e.event, e.date, e.kind, s.station
    FROM day_1.events e CROSS JOIN wx_1.stations s
    ORDER BY e.event, power(s.latitude - e.latitude, 2) + power((s.longitude - e.longitude) * 0.73, 2)
)
SELECT d.freezing, n.kind, count(*) AS events, sum(d.readings) AS readings
FROM near n JOIN days d ON d.station = n.station AND d.day = n.date
GROUP BY 1, 2 ORDER BY 1, 2
