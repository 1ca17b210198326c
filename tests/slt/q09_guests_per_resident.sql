-- Inbound guests per resident: by block and fiscal year, and how many nights a guest stays.
-- Rules: months are calendar months and a fiscal year takes in January to March of the next; residents are
-- those of the month's own calendar year, joined by code; months whose figures are not ok are left out of
-- guests and of residents alike, so that the rate is one of months that were observed.
WITH months AS (
    SELECT municipality_code, month,
           sum(guests) AS guests,
           sum(guest_nights) AS nights,
           max(inns_surveyed) AS surveyed,
           max(inns_answered) AS answered,
           count(guests) AS observations
    FROM hokkaido.inbound_monthly
    WHERE quality IN ('normal', 'quasi_normal')
    GROUP BY ALL
)
SELECT m.block,
       fiscal_year(g.month) AS fiscal_year,
       count(*) AS municipality_months,
       sum(g.guests) AS guests,
       sum(g.nights) * 1.0 / sum(g.guests) AS nights_per_guest,
       -- Guests of a year's twelve months for each who lives there.
       sum(g.guests) * 12.0 / sum(p.population) AS guests_per_resident,
       sum(g.observations) AS observations,
       sum(g.answered) * 1.0 / sum(g.surveyed) AS coverage
FROM months g
JOIN shicho.municipalities m ON m.code = g.municipality_code
JOIN shicho.population_yearly p
  ON p.municipality_code = g.municipality_code AND p.year = year(g.month)
GROUP BY 1, 2
ORDER BY 2, 1
