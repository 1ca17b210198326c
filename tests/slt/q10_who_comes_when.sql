-- Who comes when: does a nationality's share of the guests grow with the snow at the place where they stay?
-- Rules: only municipalities and months in which at least 70 % of the inns answered; a month's mean depth needs
-- four fifths of its hours, ok and period-ending; shares are of persons and not of nights.
WITH places AS (
    SELECT DISTINCT ON (m.code) m.code, s.station_id
    FROM shicho.municipalities m
    CROSS JOIN kisho.stations s
    WHERE s.observes = 'full' AND m.block = '羊蹄山麓'
    ORDER BY m.code, distance_m(m.latitude, m.longitude, s.latitude, s.longitude)
),
snow AS (
    SELECT station_id,
           date_trunc('month', observed_day(time))::date AS month,
           avg(snow_depth) AS depth,
           count(snow_depth) AS hours
    FROM kisho.weather_hourly
    WHERE snow_depth_quality IN ('normal', 'quasi_normal')
    GROUP BY 1, 2
    HAVING count(snow_depth) >= 0.8 * 28 * 24
),
guests AS (
    SELECT municipality_code, month, country, guests, coverage,
           guests * 1.0 / nullif(sum(guests) OVER (PARTITION BY municipality_code, month), 0) AS share
    FROM hokkaido.inbound_monthly
    WHERE coverage >= 70 AND quality IN ('normal', 'quasi_normal')
)
SELECT g.country,
       count(*) AS municipality_months,
       corr(g.share, s.depth) AS correlation,
       avg(g.share) FILTER (WHERE s.depth >= 50) AS share_in_snow,
       avg(g.share) FILTER (WHERE s.depth < 1) AS share_without,
       sum(s.hours) + count(g.guests) AS observations,
       min(g.coverage) / 100 AS coverage
FROM guests g
JOIN places p ON p.code = g.municipality_code
JOIN snow s ON s.station_id = p.station_id AND s.month = g.month
WHERE g.share IS NOT NULL
GROUP BY g.country
ORDER BY correlation DESC NULLS LAST, g.country
