-- Mean and extremes of every series.
SELECT station, count(temperature) AS n, avg(temperature) AS mean, min(temperature) AS least, max(temperature) AS greatest
FROM wx_1.weather GROUP BY station ORDER BY station
