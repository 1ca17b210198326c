-- The share of rental cars on days with fresh snow and without.
WITH depth AS (
    SELECT CAST(time - INTERVAL '10 minutes' AS DATE) AS day, max(snow_depth) AS depth
    FROM wx_1.weather WHERE station = 's001' AND snow_depth_quality IN ('normal', 'quasi_normal') GROUP BY 1
),
snow AS (SELECT day, depth - lag(depth) OVER (ORDER BY day) >= 1 AS snowy FROM depth)
SELECT s.snowy, c.prefecture, count(*) AS n, sum(c.vehicles) AS vehicles,
       sum(CASE WHEN c.class = 'rental' THEN c.vehicles ELSE 0 END) * 1.0 / sum(c.vehicles) AS rental_share
FROM day_1.counts c JOIN snow s ON s.day = c.date
WHERE c.quality IN ('normal', 'quasi_normal') AND s.snowy IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2
