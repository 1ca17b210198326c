-- The latest month of each town and nationality against its first.
WITH numbered AS (
    SELECT town, country, month, guests, row_number() OVER (PARTITION BY town, country ORDER BY month DESC) AS back,
           row_number() OVER (PARTITION BY town, country ORDER BY month) AS forth
    FROM month_1.guests WHERE quality IN ('normal', 'quasi_normal')
)
SELECT a.town, a.country, a.month, a.guests, CASE WHEN b.guests = 0 THEN NULL ELSE a.guests * 1.0 / b.guests END AS of_first
FROM numbered a JOIN numbered b ON b.town = a.town AND b.country = a.country AND b.forth = 1
WHERE a.back = 1 ORDER BY 1, 2
