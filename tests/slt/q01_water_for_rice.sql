-- Is there enough water when rice needs it? Flow at each gauge by year and 旬 (a third of a month), against
-- the usual flow of that 旬 and against what the paddies of the gauge's municipality take at that stage.
-- Rules: an hour belongs to the day in which it ends up to 24:00; only values that are ok count; a day counts
-- with at least 20 of its 24 hours, a 旬 with four fifths of its hours, and neither is ever filled up with zeros.
WITH days AS (
    SELECT gauge_id, observed_day(time) AS day, avg(flow) AS flow, count(flow) AS hours
    FROM otaru_kaihatsu.river_hourly
    WHERE flow_quality IN ('normal', 'quasi_normal')
    GROUP BY ALL
    HAVING count(flow) >= 20
),
juns AS (
    SELECT gauge_id, jun_start(day) AS begin, avg(flow) AS flow, sum(hours) AS observations,
           -- Eleven days after its beginning is always the next 旬.
           24 * (jun_start(jun_start(day) + INTERVAL '11 days') - jun_start(day)) AS expected
    FROM days
    GROUP BY gauge_id, jun_start(day)
)
SELECT g.gauge_id, g.river_en, year(j.begin) AS year, month(j.begin) AS month, jun(j.begin) AS jun, s.stage,
       j.flow,
       n.flow AS usual_flow,
       j.flow / n.flow AS share_of_usual,
       convert(p.planted_area * s.water_mm_day, 'har.mm/d', 'm3/s') AS needed,
       j.observations,
       j.observations * 1.0 / j.expected AS coverage
FROM juns j
JOIN otaru_kaihatsu.river_gauges g ON g.gauge_id = j.gauge_id
JOIN otaru_kaihatsu.flow_normals n ON n.gauge_id = j.gauge_id AND n.month = month(j.begin) AND n.jun = jun(j.begin)
JOIN nosei.rice_stages s ON s.month = month(j.begin) AND s.jun = jun(j.begin)
LEFT JOIN nosei.rice_yearly p ON p.市町村コード = g.municipality_code AND p.年 = year(j.begin)
-- Four fifths in whole numbers: 0.8 * 24 * 10 is more than 192 in floating point.
WHERE 5 * j.observations >= 4 * j.expected
ORDER BY g.gauge_id, j.begin
