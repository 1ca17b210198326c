-- Traffic on icy hours: how many vehicles an hour, and what share of them heavy, by the temperature that the
-- counter's nearest station had last.
-- Rules: an interval counts where both directions are ok, an hour with at least 10 of its 12 intervals, and its
-- volume is the mean interval times 12; the weather is the latest ok temperature at the hour's end or an hour
-- before, at a station that observes it.
WITH places AS (
    SELECT DISTINCT ON (c.counter_id) c.counter_id, s.station_id
    FROM douro.counters c
    CROSS JOIN kisho.stations s
    WHERE s.observes IN ('full', 'no_snow')
    ORDER BY c.counter_id, distance_m(c.latitude, c.longitude, s.latitude, s.longitude)
),
hours AS (
    SELECT p.station_id, t.counter_id,
           date_trunc('hour', t.time) + INTERVAL '1 hour' AS hour_end,
           count(*) AS intervals,
           avg(t.up_small + t.up_large + t.down_small + t.down_large) * 12 AS vehicles,
           avg(t.up_large + t.down_large) * 12 AS heavy
    FROM douro.traffic_5min t
    JOIN places p USING (counter_id)
    WHERE t.up_quality IN ('normal', 'quasi_normal') AND t.down_quality IN ('normal', 'quasi_normal')
    GROUP BY 1, 2, 3
    HAVING count(*) >= 10
),
weather AS (
    SELECT station_id, time, temperature
    FROM kisho.weather_hourly
    WHERE temperature_quality IN ('normal', 'quasi_normal')
)
SELECT CASE WHEN w.temperature < -10 THEN '1: under -10'
            WHEN w.temperature < -3 THEN '2: -10 to -3'
            WHEN w.temperature < 0 THEN '3: -3 to 0'
            WHEN w.temperature < 3 THEN '4: 0 to 3'
            ELSE '5: 3 and over' END AS band,
       count(*) AS hours,
       avg(h.vehicles) AS vehicles_per_hour,
       sum(h.heavy) / sum(h.vehicles) AS heavy_share,
       sum(h.intervals) AS observations,
       sum(h.intervals) / (12.0 * count(*)) AS coverage
FROM hours h
ASOF INNER JOIN weather w MATCH_CONDITION (h.hour_end >= w.time) WITHIN INTERVAL '1 hour' USING (station_id)
GROUP BY band
ORDER BY band
