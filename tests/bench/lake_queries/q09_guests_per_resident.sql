-- Guests by town and fiscal year for each resident.
SELECT g.town, CAST(date_part('year', g.month - INTERVAL '3 months') AS BIGINT) AS fiscal_year,
       sum(g.guests) AS guests, sum(g.nights) * 1.0 / sum(g.guests) AS nights, sum(g.guests) * 1.0 / max(p.residents) AS a_head
FROM month_1.guests g
JOIN month_1.people p ON p.town = g.town AND p.year = CAST(date_part('year', g.month) AS BIGINT)
WHERE g.quality IN ('normal', 'quasi_normal')
GROUP BY 1, 2 ORDER BY 1, 2
