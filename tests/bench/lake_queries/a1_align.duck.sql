SELECT station, date_trunc('hour', time - INTERVAL '1 microsecond') AS hour,
       avg(temperature), count(temperature) / 6, sum(precipitation), count(precipitation) / 6,
       avg(snow_depth), avg(wind_speed)
FROM wx_1.weather GROUP BY station, hour ORDER BY station, hour
