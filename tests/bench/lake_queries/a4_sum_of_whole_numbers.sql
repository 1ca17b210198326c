-- Sums of whole numbers, which are exact, and are asked of the rows since it is what each row adds up to.
SELECT counter, sum(up_small + down_small) AS small, sum(up_large + down_large) AS large, sum(up_small + 3 * up_large) AS up
FROM road_1.traffic GROUP BY counter ORDER BY counter
