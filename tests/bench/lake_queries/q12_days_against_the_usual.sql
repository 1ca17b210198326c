-- Daily sums of every counter less the median of their weekday, on the days of events.
WITH days AS (
    SELECT counter, CAST(time AS DATE) AS day, sum(up_small + down_small) AS vehicles, count(*) AS n
    FROM road_1.traffic WHERE up_quality IN ('normal', 'quasi_normal') AND down_quality IN ('normal', 'quasi_normal') GROUP BY 1, 2
),
usual AS (
    SELECT counter, date_part('dow', day) AS weekday, median(vehicles) AS vehicles FROM days GROUP BY 1, 2
)
SELECT d.counter, count(*) AS days, sum(d.n) AS intervals, avg(d.vehicles - u.vehicles) AS more
FROM days d JOIN usual u ON u.counter = d.counter AND u.weekday = date_part('dow', d.day)
JOIN (SELECT DISTINCT date FROM day_1.events WHERE kind = 'ice') e ON e.date = d.day
GROUP BY 1 ORDER BY 1
