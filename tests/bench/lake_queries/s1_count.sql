-- How many rows.
SELECT count(*) AS n FROM road_1.traffic
