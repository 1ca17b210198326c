-- Risk per road segment, for route apps: each point of the roads with the latest weather of its nearest
-- station, as it was known on a winter morning, and a score from 0 to 100. Asked for as GeoJSON it is a layer.
-- Rules: an observation older than an hour is stale and gives no score; a missing one counts as none and never
-- as good weather; provisional values are the newest there are and count here, doubtful ones do not.
WITH asked AS (
    SELECT TIMESTAMP '2025-02-05 07:30:00' AT TIME ZONE 'Asia/Tokyo' AS at
),
places AS (
    SELECT DISTINCT ON (r.point_id) r.point_id, r.road_name, r.seq, r.longitude, r.latitude, r.slope, r.curve,
           s.station_id
    FROM douro.road_points r
    CROSS JOIN kisho.stations s
    WHERE s.observes = 'full'
    ORDER BY r.point_id, power(s.latitude - r.latitude, 2) + power((s.longitude - r.longitude) * 0.73, 2)
),
latest AS (
    SELECT DISTINCT ON (w.station_id) w.station_id, w.time, w.temperature, w.precipitation,
           CASE WHEN w.wind_quality IN ('normal', 'quasi_normal', 'provisional') THEN w.wind_speed END AS wind_speed
    FROM kisho.weather_hourly w
    CROSS JOIN asked a
    WHERE w.time <= a.at AND w.time > a.at - INTERVAL '6 hours'
      AND w.temperature_quality IN ('normal', 'quasi_normal', 'provisional')
      AND w.precipitation_quality IN ('normal', 'quasi_normal', 'provisional')
    ORDER BY w.station_id, w.time DESC
)
SELECT p.point_id, p.road_name, p.seq, p.longitude, p.latitude, p.station_id,
       l.time AS observed_at,
       coalesce(l.time < a.at - INTERVAL '1 hour', true) AS stale,
       CASE WHEN l.time >= a.at - INTERVAL '1 hour' THEN
           least(100.0,
                 CASE WHEN l.temperature BETWEEN -4 AND 1 THEN 35.0 WHEN l.temperature < -4 THEN 20.0 ELSE 0.0 END
               + least(30.0, l.precipitation * 10)
               + CASE WHEN l.temperature < 1 AND l.wind_speed >= 6 THEN 15.0 ELSE 0.0 END
               + p.slope * 2
               + CASE WHEN p.curve THEN 10.0 ELSE 0.0 END)
       END AS score,
       CASE WHEN l.time IS NULL THEN 0 ELSE 1 END AS observations,
       CASE WHEN l.time >= a.at - INTERVAL '1 hour' THEN 1.0 ELSE 0.0 END AS coverage
FROM places p
CROSS JOIN asked a
LEFT JOIN latest l ON l.station_id = p.station_id
ORDER BY p.point_id
