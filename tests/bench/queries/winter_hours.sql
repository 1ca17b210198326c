-- A winter's rows themselves, traffic beside weather, as an analyst takes them into a notebook.
SELECT t.counter, c.route, t.time, t.volume, t.speed, o.temperature, o.precipitation, o.wind, o.quality
FROM bench_road.traffic t
JOIN bench_road.counters c ON c.counter = t.counter
JOIN bench_weather.observations o ON o.station = c.station AND o.time = t.time
WHERE t.time >= TIMESTAMP WITH TIME ZONE '2016-01-01 00:00:00+09:00'
  AND t.time < TIMESTAMP WITH TIME ZONE '2016-04-01 00:00:00+09:00'
ORDER BY t.counter, t.time
