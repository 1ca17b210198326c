-- Sites' vehicles by town of the nearest station, for each resident who is old.
SELECT p.town, count(DISTINCT c.site) AS sites, sum(c.vehicles) AS vehicles, sum(c.vehicles) * 1.0 / max(p.aged) AS a_head
FROM day_1.counts c
JOIN wx_1.stations s ON s.station = 's' || substr(c.site, 2)
JOIN month_1.people p ON p.town = s.town AND p.year = CAST(date_part('year', c.date) AS BIGINT)
WHERE c.quality IN ('normal', 'quasi_normal')
GROUP BY 1 ORDER BY 1
