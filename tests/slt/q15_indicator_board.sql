-- Indicator board: how far each indicator has come from its baseline to its target, by its latest actual value.
-- Rules: the latest value that is ok; a calendar year ends in December and a fiscal year in March of the next;
-- progress is none without a target or a baseline, a baseline of zero is a number like any other, and where
-- target and baseline are the same it is kept or not kept.
WITH latest AS (
    SELECT DISTINCT ON (indicator_id) indicator_id, period, actual
    FROM toukei.indicator_actuals
    WHERE quality IN ('normal', 'quasi_normal') AND actual IS NOT NULL
    ORDER BY indicator_id, period DESC
),
known AS (
    SELECT indicator_id, count_if(quality IN ('normal', 'quasi_normal') AND actual IS NOT NULL) AS observations,
           count(*) AS reported
    FROM toukei.indicator_actuals
    GROUP BY indicator_id
)
SELECT i.indicator_id, i.municipality_code, i.name_en, i.period_kind,
       if(i.period_kind = 'fiscal_year', make_date(l.period + 1, 3, 31), make_date(l.period, 12, 31)) AS period_end,
       i.baseline, i.target, l.actual,
       CASE WHEN i.target IS NULL OR i.baseline IS NULL OR l.actual IS NULL THEN NULL
            WHEN i.target = i.baseline THEN
                CASE i.direction WHEN 'decrease' THEN CAST(l.actual <= i.target AS INT)
                                 ELSE CAST(l.actual >= i.target AS INT) END * 1.0
            ELSE (l.actual - i.baseline) / (i.target - i.baseline) END AS progress,
       coalesce(k.observations, 0) AS observations,
       k.observations * 1.0 / k.reported AS coverage
FROM shicho.indicators i
LEFT JOIN latest l ON l.indicator_id = i.indicator_id
LEFT JOIN known k ON k.indicator_id = i.indicator_id
ORDER BY i.indicator_id
