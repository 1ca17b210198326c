-- Traffic on icy hours: how many vehicles an hour, and what share of them heavy, by the temperature that the
-- counter's nearest station had last.
-- Rules: an interval counts where both directions are ok, an hour with at least 10 of its 12 intervals, and its
-- volume is the mean interval times 12; the weather is the latest ok temperature of the two hours up to the
-- hour's end, at a station that observes it.
WITH places AS (
    SELECT DISTINCT ON (c.counter_id) c.counter_id, s.station_id
    FROM douro.counters c
    CROSS JOIN kisho.stations s
    WHERE s.observes IN ('full', 'no_snow')
    ORDER BY c.counter_id, power(s.latitude - c.latitude, 2) + power((s.longitude - c.longitude) * 0.73, 2)
),
hours AS (
    SELECT counter_id,
           date_trunc('hour', time) + INTERVAL '1 hour' AS hour_end,
           count(*) AS intervals,
           sum(up_small + up_large + down_small + down_large) * 12.0 / count(*) AS vehicles,
           sum(up_large + down_large) * 12.0 / count(*) AS heavy
    FROM douro.traffic_5min
    WHERE up_quality IN ('normal', 'quasi_normal') AND down_quality IN ('normal', 'quasi_normal')
    GROUP BY 1, 2
    HAVING count(*) >= 10
),
weather AS (
    SELECT station_id, time,
           last_value(CASE WHEN temperature_quality IN ('normal', 'quasi_normal') THEN temperature END) IGNORE NULLS
               OVER (PARTITION BY station_id ORDER BY time
                     RANGE BETWEEN INTERVAL '1 hour' PRECEDING AND CURRENT ROW) AS temperature
    FROM kisho.weather_hourly
),
joined AS (
    SELECT CASE WHEN w.temperature < -10 THEN '1: under -10'
                WHEN w.temperature < -3 THEN '2: -10 to -3'
                WHEN w.temperature < 0 THEN '3: -3 to 0'
                WHEN w.temperature < 3 THEN '4: 0 to 3'
                ELSE '5: 3 and over' END AS band,
           h.vehicles, h.heavy, h.intervals
    FROM hours h
    JOIN places p ON p.counter_id = h.counter_id
    JOIN weather w ON w.station_id = p.station_id AND w.time = h.hour_end
    WHERE w.temperature IS NOT NULL
)
SELECT band,
       count(*) AS hours,
       avg(vehicles) AS vehicles_per_hour,
       sum(heavy) / sum(vehicles) AS heavy_share,
       sum(intervals) AS observations,
       sum(intervals) / (12.0 * count(*)) AS coverage
FROM joined
GROUP BY band
ORDER BY band
