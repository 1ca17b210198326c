-- Rain-to-level lag: after how many hours, 0 to 12, does the level of each gauge follow the rain of the
-- nearest station best?
-- Rules: June to October, when no snow lies; pairs of ok hours only, each lag with its own number of pairs;
-- hours are joined by their time and never by their position, so that a gap moves nothing.
WITH places AS (
    SELECT DISTINCT ON (g.gauge_id) g.gauge_id, g.river_en, s.station_id
    FROM otaru_kaihatsu.river_gauges g
    CROSS JOIN kisho.stations s
    ORDER BY g.gauge_id, distance_m(g.latitude, g.longitude, s.latitude, s.longitude)
),
rain AS (
    SELECT p.gauge_id, w.time, w.precipitation
    FROM kisho.weather_hourly w
    JOIN places p USING (station_id)
    WHERE w.precipitation_quality IN ('normal', 'quasi_normal')
      AND month(period_start(w.time)) BETWEEN 6 AND 10
),
levels AS (
    SELECT gauge_id, time, level
    FROM otaru_kaihatsu.river_hourly
    WHERE level_quality IN ('normal', 'quasi_normal')
),
correlations AS (
    SELECT r.gauge_id, l.lag, corr(r.precipitation, v.level) AS correlation, count(*) AS pairs
    FROM rain r
    CROSS JOIN generate_series(0, 12) AS l(lag)
    JOIN levels v ON v.gauge_id = r.gauge_id AND v.time = r.time + l.lag * INTERVAL '1 hour'
    GROUP BY r.gauge_id, l.lag
)
SELECT p.gauge_id, p.river_en, p.station_id,
       c.lag AS lag_hours,
       c.correlation,
       c.pairs AS observations,
       c.pairs * 1.0 / (SELECT count(DISTINCT time) FROM rain) AS coverage
FROM correlations c
JOIN places p USING (gauge_id)
QUALIFY row_number() OVER (PARTITION BY p.gauge_id ORDER BY c.correlation DESC) = 1
ORDER BY p.gauge_id
