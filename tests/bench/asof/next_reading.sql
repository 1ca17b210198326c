-- How long does an hour with rain wait for the next look at the road?
SELECT count(*) AS hours, min(s.time) AS first_reading, max(s.time) AS last_reading, sum(s.temperature) AS total
FROM bench_weather.observations o
ASOF JOIN bench_road.surface s ON o.station = s.station AND o.time < s.time
WHERE o.precipitation > 0
