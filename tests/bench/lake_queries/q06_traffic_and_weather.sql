-- Five minutes to hours with their coverage, joined to the hour's temperature, by band.
WITH hours AS (
    SELECT counter, date_trunc('hour', time) + INTERVAL '1 hour' AS hour,
           sum(up_small + up_large + down_small + down_large) AS vehicles, sum(up_large + down_large) AS heavy, count(*) AS n
    FROM road_1.traffic WHERE up_quality IN ('normal', 'quasi_normal') AND down_quality IN ('normal', 'quasi_normal')
    GROUP BY 1, 2 HAVING count(*) >= 10
)
SELECT CAST(floor(w.temperature / 3) AS BIGINT) AS band, count(*) AS hours, sum(h.vehicles) AS vehicles,
       sum(h.heavy) * 1.0 / sum(h.vehicles) AS heavy_share, sum(h.n) AS intervals
FROM hours h JOIN road_1.counters c ON c.counter = h.counter
JOIN wx_1.weather w ON w.station = c.station AND w.time = h.hour
WHERE w.temperature_quality IN ('normal', 'quasi_normal')
GROUP BY 1 ORDER BY 1
