-- How much warmer is the air than the road was last seen to be, for each station? Every hour of every
-- station gets its road's last reading.
SELECT o.station,
       count(*) AS hours,
       count(s.time) AS with_reading,
       avg(o.temperature - s.temperature) AS warmer
FROM bench_weather.observations o
ASOF LEFT JOIN bench_road.surface s ON o.station = s.station AND o.time >= s.time
WHERE o.quality IN ('normal', 'quasi_normal')
GROUP BY o.station
