-- Rain-to-level lag: after how many hours, 0 to 12, does the level of each gauge follow the rain of the
-- nearest station best?
-- Rules: June to October, when no snow lies; pairs of ok hours only, each lag with its own number of pairs;
-- hours are joined by their time and never by their position, so that a gap moves nothing.
WITH places AS (
    SELECT DISTINCT ON (g.gauge_id) g.gauge_id, s.station_id
    FROM otaru_kaihatsu.river_gauges g
    CROSS JOIN kisho.stations s
    ORDER BY g.gauge_id, power(s.latitude - g.latitude, 2) + power((s.longitude - g.longitude) * 0.73, 2)
),
rain AS (
    SELECT p.gauge_id, w.time, w.precipitation
    FROM kisho.weather_hourly w
    JOIN places p ON p.station_id = w.station_id
    WHERE w.precipitation_quality IN ('normal', 'quasi_normal')
      AND date_part('month', w.time - INTERVAL '1 hour') BETWEEN 6 AND 10
),
lags AS (
    SELECT value AS lag FROM generate_series(0, 12)
),
later AS (
    SELECT r.gauge_id, l.lag, r.precipitation, to_unixtime(r.time) + l.lag * 3600 AS second
    FROM rain r
    CROSS JOIN lags l
),
levels AS (
    SELECT gauge_id, to_unixtime(time) AS second, level
    FROM otaru_kaihatsu.river_hourly
    WHERE level_quality IN ('normal', 'quasi_normal')
),
correlations AS (
    SELECT gauge_id, lag, corr(precipitation, level) AS correlation, count(*) AS pairs
    FROM later
    JOIN levels USING (gauge_id, second)
    GROUP BY gauge_id, lag
)
SELECT c.gauge_id, g.river_en, p.station_id,
       c.lag AS lag_hours,
       c.correlation,
       c.pairs AS observations,
       c.pairs / (SELECT count(DISTINCT time) * 1.0 FROM rain) AS coverage
FROM correlations c
JOIN otaru_kaihatsu.river_gauges g ON g.gauge_id = c.gauge_id
JOIN places p ON p.gauge_id = c.gauge_id
QUALIFY row_number() OVER (PARTITION BY c.gauge_id ORDER BY c.correlation DESC) = 1
ORDER BY c.gauge_id
