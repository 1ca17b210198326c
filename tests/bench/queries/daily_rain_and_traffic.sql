-- Both agencies' hours to days, then joined: does a counter's traffic follow the day's weather?
WITH weather AS (
    SELECT station, date_trunc('day', time) AS day, sum(precipitation) AS rain, avg(temperature) AS temperature
    FROM bench_weather.observations
    GROUP BY 1, 2
),
traffic AS (
    SELECT counter, date_trunc('day', time) AS day, sum(volume) AS volume
    FROM bench_road.traffic
    GROUP BY 1, 2
)
SELECT t.counter, count(*) AS days, corr(w.rain, t.volume) AS with_rain, corr(w.temperature, t.volume) AS with_warmth
FROM traffic t
JOIN bench_road.counters c ON c.counter = t.counter
JOIN weather w ON w.station = c.station AND w.day = t.day
GROUP BY t.counter
ORDER BY t.counter
