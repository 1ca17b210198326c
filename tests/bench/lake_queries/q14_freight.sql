-- The heavy share by town and month beside the share of workers who farm.
SELECT c.town, date_trunc('month', t.time) AS month, count(*) AS n,
       sum(t.up_large + t.down_large) * 1.0 / sum(t.up_small + t.up_large + t.down_small + t.down_large) AS heavy_share,
       max(p.farming * 1.0 / p.workers) AS farming
FROM road_1.traffic t JOIN road_1.counters c ON c.counter = t.counter
JOIN month_1.people p ON p.town = c.town AND p.year = 2020
WHERE t.up_quality IN ('normal', 'quasi_normal') AND t.down_quality IN ('normal', 'quasi_normal')
GROUP BY 1, 2 ORDER BY 1, 2
