-- The latest reading of each station, beside the counters that it stands for.
WITH latest AS (
    SELECT DISTINCT ON (station) station, time, temperature, wind_speed
    FROM wx_1.weather ORDER BY station, time DESC
)
SELECT c.counter, c.station, l.time, l.temperature, l.wind_speed
FROM road_1.counters c JOIN latest l ON l.station = c.station ORDER BY c.counter
