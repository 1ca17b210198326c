-- A selective question: one station's cold hours and the road's last reading.
SELECT o.time, o.temperature, s.temperature AS road
FROM bench_weather.observations o
ASOF JOIN bench_road.surface s ON o.station = s.station AND o.time >= s.time
WHERE o.station = '10317' AND o.quality IN ('normal', 'quasi_normal') AND o.temperature < -12
