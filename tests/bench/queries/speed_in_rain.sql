-- How fast traffic goes in how much rain, by route: each count with its hour's weather at the station beside.
SELECT c.route,
       CASE WHEN o.precipitation = 0 THEN 0
            WHEN o.precipitation < 2 THEN 1
            WHEN o.precipitation < 5 THEN 2
            ELSE 3 END AS rain,
       count(*) AS hours,
       avg(t.speed) AS speed,
       avg(t.volume) AS volume
FROM bench_road.traffic t
JOIN bench_road.counters c ON c.counter = t.counter
JOIN bench_weather.observations o ON o.station = c.station AND o.time = t.time
WHERE o.precipitation IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
