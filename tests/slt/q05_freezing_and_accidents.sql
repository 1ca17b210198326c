-- Freeze–thaw days and accidents: are there more accidents on days with a minimum under and a maximum over
-- 0 °C, and on which road surface?
-- Rules: each accident has the nearest station within 15 km that observes temperature; a station's day needs
-- 20 ok hours, period-ending, and is counted whether or not anything happened, so that rates have their days.
WITH days AS (
    SELECT station_id,
           observed_day(time) AS day,
           min(temperature) < 0 AND max(temperature) > 0 AS freeze_thaw,
           count(temperature) AS hours
    FROM kisho.weather_hourly
    WHERE temperature_quality IN ('normal', 'quasi_normal')
    GROUP BY 1, 2
    HAVING count(temperature) >= 20
),
accidents AS (
    SELECT a.accident_id, a.date, a.road_surface, s.station_id
    FROM keisatsu.accidents a
    JOIN kisho.stations s ON distance_m(a.latitude, a.longitude, s.latitude, s.longitude) <= 15000
    WHERE s.observes IN ('full', 'no_snow')
    QUALIFY row_number() OVER (PARTITION BY a.accident_id
                               ORDER BY distance_m(a.latitude, a.longitude, s.latitude, s.longitude)) = 1
),
observed AS (
    SELECT freeze_thaw, count(*) AS station_days, sum(hours) AS observations, sum(hours) / (24.0 * count(*)) AS coverage
    FROM days
    WHERE station_id IN (SELECT station_id FROM accidents)
    GROUP BY freeze_thaw
),
happened AS (
    SELECT d.freeze_thaw, a.road_surface, count(*) AS accidents
    FROM accidents a
    JOIN days d ON d.station_id = a.station_id AND d.day = a.date
    GROUP BY ALL
)
SELECT h.freeze_thaw, h.road_surface, h.accidents, o.station_days,
       h.accidents * 100.0 / o.station_days AS per_100_station_days,
       o.observations, o.coverage
FROM happened h
JOIN observed o USING (freeze_thaw)
ORDER BY h.freeze_thaw, h.road_surface
