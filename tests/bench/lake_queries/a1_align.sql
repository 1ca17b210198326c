-- Every measure of the large weather agency on a grid of hours, with coverage. The times end their intervals.
SELECT station, time, temperature, temperature_coverage, precipitation, precipitation_coverage, snow_depth, wind_speed
FROM align('wx_1.weather', '1 hour') ORDER BY station, time
