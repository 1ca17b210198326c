-- Freight dependence: is the share of heavy vehicles greater where more people farm or fish?
-- Rules: a share is of intervals with both directions ok and is not changed by gaps; a month counts with half of
-- its intervals; workers are those of the latest census, joined by code.
WITH months AS (
    SELECT c.municipality_code,
           date_trunc('month', t.time)::date AS month,
           sum(t.up_large + t.down_large) * 1.0
               / sum(t.up_small + t.up_large + t.down_small + t.down_large) AS heavy_share,
           count(*) AS observations,
           count(DISTINCT t.counter_id) AS counters
    FROM douro.traffic_5min t
    JOIN douro.counters c USING (counter_id)
    WHERE t.up_quality IN ('normal', 'quasi_normal') AND t.down_quality IN ('normal', 'quasi_normal')
    GROUP BY 1, 2
),
workers AS (
    SELECT DISTINCT ON (municipality_code) municipality_code, year, primary_sector * 1.0 / workers AS primary_share
    FROM toukei.workers_by_industry
    ORDER BY municipality_code, year DESC
),
joined AS (
    SELECT m.municipality_code, m.month, m.heavy_share, w.primary_share, m.observations,
           m.observations / (288.0 * m.counters * (m.month + INTERVAL '1 month' - m.month)) AS coverage
    FROM months m
    JOIN workers w USING (municipality_code)
)
SELECT municipality_code, month, heavy_share, primary_share,
       corr(heavy_share, primary_share) OVER (PARTITION BY month) AS correlation_of_month,
       observations, coverage
FROM joined
WHERE coverage >= 0.5
ORDER BY municipality_code, month
