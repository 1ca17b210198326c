WITH known AS (
    SELECT gauge, date_trunc('hour', time) AS hour, count(flow) AS n, avg(flow) AS flow
    FROM river_1.hourly WHERE level_quality = 'normal' GROUP BY gauge, hour
),
grid AS (
    SELECT gauge, unnest(generate_series(min(hour), max(hour), INTERVAL '1 hour')) AS hour FROM known GROUP BY gauge
)
SELECT gauge, hour, n, flow FROM grid LEFT JOIN known USING (gauge, hour) ORDER BY gauge, hour
