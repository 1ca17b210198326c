-- All hours of the rivers, out.
SELECT * FROM river_1.hourly
