WITH known AS (
    SELECT station, time AS slot, avg(temperature) AS temperature
    FROM wx_1.weather WHERE snow_depth_quality = 'normal' GROUP BY station, slot
),
grid AS (
    SELECT station, unnest(generate_series(min(slot), max(slot), INTERVAL '10 minutes')) AS slot FROM known GROUP BY station
),
around AS (
    SELECT station, slot, temperature,
           last_value(temperature IGNORE NULLS) OVER past AS earlier,
           last_value(CASE WHEN temperature IS NOT NULL THEN slot END IGNORE NULLS) OVER past AS since,
           first_value(temperature IGNORE NULLS) OVER coming AS later,
           first_value(CASE WHEN temperature IS NOT NULL THEN slot END IGNORE NULLS) OVER coming AS till
    FROM grid LEFT JOIN known USING (station, slot)
    WINDOW past AS (PARTITION BY station ORDER BY slot ROWS UNBOUNDED PRECEDING),
           coming AS (PARTITION BY station ORDER BY slot ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
),
filled AS (
    SELECT station,
           CASE WHEN slot - since <= INTERVAL '1 hour' THEN earlier END AS carried,
           CASE WHEN since = till THEN temperature
                WHEN till - since <= INTERVAL '1 hour'
                THEN earlier + (later - earlier) * (epoch(slot) - epoch(since)) / (epoch(till) - epoch(since)) END AS line
    FROM around
)
SELECT station, count(*) AS rows, count(carried), avg(carried), count(line), avg(line)
FROM filled GROUP BY station ORDER BY station
