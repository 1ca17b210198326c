-- Monthly climate in each road office's area: every observation, joined with another agency's small table.
SELECT f.office,
       date_trunc('month', o.time) AS month,
       avg(o.temperature) AS temperature,
       sum(o.precipitation) AS precipitation,
       max(o.wind) AS wind,
       count(*) FILTER (WHERE o.quality = 'normal') AS normal_hours
FROM bench_weather.observations o
JOIN bench_road.offices f ON f.station = o.station
GROUP BY f.office, date_trunc('month', o.time)
ORDER BY f.office, month
