-- Shares of nationalities beside the month's mean depth.
WITH snow AS (
    SELECT s.town, CAST(date_trunc('month', w.time) AS DATE) AS month, avg(w.snow_depth) AS depth
    FROM wx_1.weather w JOIN wx_1.stations s ON s.station = w.station
    WHERE w.snow_depth_quality IN ('normal', 'quasi_normal') GROUP BY 1, 2
),
shares AS (
    SELECT town, month, country, guests * 1.0 / sum(guests) OVER (PARTITION BY town, month) AS share
    FROM month_1.guests WHERE coverage >= 70 AND quality IN ('normal', 'quasi_normal')
)
SELECT g.country, count(*) AS months, corr(g.share, s.depth) AS correlation
FROM shares g JOIN snow s ON s.town = g.town AND s.month = g.month
GROUP BY 1 ORDER BY 1
