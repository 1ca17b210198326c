-- Is there enough water when rice needs it? Flow at each gauge by year and 旬 (a third of a month), against
-- the usual flow of that 旬 and against what the paddies of the gauge's municipality take at that stage.
-- Rules: an hour belongs to the day in which it ends up to 24:00, so its beginning is asked for the day; only
-- values that are ok count; a day counts with at least 20 of its 24 hours, a 旬 with four fifths of its
-- hours, and neither is ever filled up with zeros.
WITH days AS (
    SELECT gauge_id,
           CAST(time - INTERVAL '1 hour' AS DATE) AS day,
           avg(flow) AS flow,
           count(flow) AS hours
    FROM otaru_kaihatsu.river_hourly
    WHERE flow_quality IN ('normal', 'quasi_normal')
    GROUP BY 1, 2
    HAVING count(flow) >= 20
),
juns AS (
    SELECT gauge_id,
           CAST(date_part('year', day) AS INT) AS year,
           CAST(date_part('month', day) AS INT) AS month,
           least(CAST((date_part('day', day) - 1) / 10 AS INT) + 1, 3) AS jun,
           avg(flow) AS flow,
           sum(hours) AS observations,
           max(CAST(date_part('day', date_trunc('month', day) + INTERVAL '1 month' - INTERVAL '1 day') AS INT))
               AS last_day
    FROM days
    GROUP BY 1, 2, 3, 4
),
planted AS (
    SELECT 市町村コード AS code, 年 AS harvest, 作付面積 AS hectares FROM nosei.rice_yearly
)
SELECT g.gauge_id, g.river_en, j.year, j.month, j.jun, s.stage,
       j.flow,
       n.flow AS usual_flow,
       j.flow / n.flow AS share_of_usual,
       -- A millimetre on a hectare is 10 cubic metres.
       p.hectares * s.water_mm_day * 10 / 86400 AS needed,
       j.observations,
       j.observations / (24.0 * CASE WHEN j.jun < 3 THEN 10 ELSE j.last_day - 20 END) AS coverage
FROM juns j
JOIN otaru_kaihatsu.flow_normals n ON n.gauge_id = j.gauge_id AND n.month = j.month AND n.jun = j.jun
JOIN nosei.rice_stages s ON s.month = j.month AND s.jun = j.jun
JOIN otaru_kaihatsu.river_gauges g ON g.gauge_id = j.gauge_id
LEFT JOIN planted p ON p.code = g.municipality_code AND p.harvest = j.year
-- Four fifths in whole numbers: 0.8 * 24 * 10 is more than 192 in floating point.
WHERE 5 * j.observations >= 4 * 24 * CASE WHEN j.jun < 3 THEN 10 ELSE j.last_day - 20 END
ORDER BY g.gauge_id, j.year, j.month, j.jun
