-- Bus access: the stops within each municipality's area, the departures of a day, here the Coming of Age Day of
-- 2025, and departures for each thousand residents of 65 and over.
-- Rules: what runs is what the services in force say for that day, with the day's exceptions before the day of
-- the week; times after 24:00 belong to the service day; places are joined by area and people by code.
WITH asked AS (
    SELECT DATE '2025-01-13' AS day
),
running AS (
    SELECT s.service_id
    FROM basu.services s
    CROSS JOIN asked a
    LEFT JOIN basu.service_dates e ON e.service_id = s.service_id AND e.date = a.day
    WHERE e.exception_type = 1
       OR (e.exception_type IS NULL AND a.day BETWEEN s.start_date AND s.end_date
           AND CASE date_part('dow', a.day)
                   WHEN 0 THEN s.sunday WHEN 1 THEN s.monday WHEN 2 THEN s.tuesday WHEN 3 THEN s.wednesday
                   WHEN 4 THEN s.thursday WHEN 5 THEN s.friday ELSE s.saturday END)
),
inside AS (
    SELECT s.stop_id, a.municipality_code
    FROM basu.stops s
    JOIN shicho.municipality_areas a ON ST_Contains(a.geometry, ST_Point(s.longitude, s.latitude))
),
departures AS (
    SELECT st.stop_id, count(*) AS departures, max(st.departure_time) AS last_departure
    FROM basu.stop_times st
    JOIN basu.trips t USING (trip_id)
    JOIN running r USING (service_id)
    GROUP BY st.stop_id
)
SELECT m.code, m.name_ja,
       count(i.stop_id) AS stops,
       coalesce(sum(d.departures), 0) AS departures,
       max(d.last_departure) AS last_departure,
       coalesce(sum(d.departures), 0) * 1000.0 / max(p.aged_65_over) AS per_1000_aged,
       count(d.departures) AS observations,
       count(d.departures) * 1.0 / nullif(count(i.stop_id), 0) AS coverage
FROM shicho.municipalities m
JOIN shicho.population_yearly p ON p.municipality_code = m.code AND p.year = 2025
LEFT JOIN inside i ON i.municipality_code = m.code
LEFT JOIN departures d ON d.stop_id = i.stop_id
GROUP BY m.code, m.name_ja
ORDER BY per_1000_aged DESC, m.code
