-- A value's extremes where another is high, over all series.
SELECT count(*) AS n, max(temperature) AS greatest, avg(wind_speed) AS wind
FROM wx_1.weather WHERE precipitation >= 3 AND temperature_quality IN ('normal', 'quasi_normal')
