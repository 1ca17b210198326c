-- Rental cars and snow: do rental cars make up more of the traffic on days on which snow falls?
-- Rules: a snowy day is one whose greatest depth is 3 cm or more over that of the day before, which must have
-- been observed too; days of a camera that are not ok are left out of both sums and show in the coverage.
WITH places AS (
    SELECT DISTINCT ON (c.site_id) c.site_id, c.name_en, s.station_id
    FROM daigaku.camera_sites c
    CROSS JOIN kisho.stations s
    WHERE s.observes = 'full'
    ORDER BY c.site_id, distance_m(c.latitude, c.longitude, s.latitude, s.longitude)
),
days AS (
    SELECT station_id, observed_day(time) AS day, max(snow_depth) AS depth
    FROM kisho.weather_hourly
    WHERE snow_depth_quality IN ('normal', 'quasi_normal')
    GROUP BY 1, 2
    HAVING count(snow_depth) >= 20
),
snow AS (
    SELECT d.station_id, d.day, d.depth - b.depth >= 3 AS snowy
    FROM days d
    JOIN days b ON b.station_id = d.station_id AND b.day = d.day - INTERVAL '1 day'
),
plates AS (
    SELECT site_id, date,
           sum(vehicles) AS vehicles,
           sum(vehicles) FILTER (WHERE plate_class = 'rental') AS rental,
           sum(vehicles) FILTER (WHERE plate_prefecture <> '01') AS from_elsewhere,
           count(vehicles) AS observations,
           count(*) AS expected
    FROM daigaku.plate_counts_daily
    WHERE month(date) IN (12, 1, 2, 3)
    GROUP BY ALL
)
SELECT p.site_id, p.name_en, s.snowy,
       count_if(c.observations = c.expected) AS days,
       sum(c.vehicles) AS vehicles,
       sum(c.rental) * 1.0 / sum(c.vehicles) AS rental_share,
       sum(c.from_elsewhere) * 1.0 / sum(c.vehicles) AS share_from_elsewhere,
       sum(c.observations) AS observations,
       sum(c.observations) * 1.0 / sum(c.expected) AS coverage
FROM plates c
JOIN places p USING (site_id)
JOIN snow s ON s.station_id = p.station_id AND s.day = c.date
GROUP BY p.site_id, p.name_en, s.snowy
ORDER BY p.site_id, s.snowy
