-- Risk per road segment, for route apps: each point of the roads with the latest weather of its nearest
-- station, as it was known on a winter morning, and a score from 0 to 100. Asked for as GeoJSON it is a layer.
-- Rules: an observation older than an hour is stale and gives no score; a missing one counts as none and never
-- as good weather; provisional values are the newest there are and count here, doubtful ones do not.
WITH asked AS (
    SELECT TIMESTAMPTZ '2025-02-05 07:30:00' AS at
),
places AS (
    SELECT DISTINCT ON (r.point_id) a.at, r.*, s.station_id
    FROM douro.road_points r
    CROSS JOIN asked a
    CROSS JOIN kisho.stations s
    WHERE s.observes = 'full'
    ORDER BY r.point_id, distance_m(r.latitude, r.longitude, s.latitude, s.longitude)
),
weather AS (
    SELECT station_id, time, temperature, precipitation,
           CASE WHEN wind_quality IN ('normal', 'quasi_normal', 'provisional') THEN wind_speed END AS wind_speed
    FROM kisho.weather_hourly
    WHERE temperature_quality IN ('normal', 'quasi_normal', 'provisional')
      AND precipitation_quality IN ('normal', 'quasi_normal', 'provisional')
),
latest AS (
    SELECT *, coalesce(w.time < p.at - INTERVAL '1 hour', true) AS stale
    FROM places p
    ASOF JOIN weather w MATCH_CONDITION (p.at >= w.time) WITHIN INTERVAL '6 hours' USING (station_id)
)
SELECT point_id, road_name, seq, longitude, latitude, station_id,
       time AS observed_at,
       stale,
       CASE WHEN NOT stale THEN
           least(100.0,
                 CASE WHEN temperature BETWEEN -4 AND 1 THEN 35.0 WHEN temperature < -4 THEN 20.0 ELSE 0.0 END
               + least(30.0, precipitation * 10)
               + CASE WHEN temperature < 1 AND wind_speed >= 6 THEN 15.0 ELSE 0.0 END
               + slope * 2
               + CASE WHEN curve THEN 10.0 ELSE 0.0 END)
       END AS score,
       CASE WHEN time IS NULL THEN 0 ELSE 1 END AS observations,
       CASE WHEN stale THEN 0.0 ELSE 1.0 END AS coverage
FROM latest
ORDER BY point_id
