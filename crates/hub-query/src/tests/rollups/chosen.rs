//! Which questions are answered from rollups, from which of them, and which from rows.

use super::*;

#[tokio::test]
async fn the_coarsest_rollup_that_can_tell_is_read() {
    let pair = ten_days().await;
    let days = pair
        .rolled(
            "SELECT station, date_trunc('day', time) AS day, count(*), count(level), sum(cars), avg(level), \
             min(level), max(cars), avg(cars) FROM otaru.gauges GROUP BY 1, 2",
            &["rollup=day files=2/2"],
        )
        .await;
    assert_eq!(days.len(), 20);
    assert_eq!(days[0][2], "144");
    let whole = "SELECT 観測所, sum(水位), max(時刻) FROM otaru.gauges GROUP BY 観測所";
    assert_eq!(pair.rolled(whole, &["rollup=series files=2/2"]).await.len(), 2);
    let hours = "SELECT date_trunc('hour', time), sum(cars) FROM otaru.gauges GROUP BY 1";
    assert_eq!(pair.rolled(hours, &["rollup=hour"]).await.len(), 240);
    for (sql, groups) in [
        ("SELECT CAST(time AS DATE) d, count(*) FROM otaru.gauges GROUP BY d", 10),
        ("SELECT extract(dow FROM time), max(level) FROM otaru.gauges GROUP BY 1", 7),
        ("SELECT date_trunc('month', time), sum(level) FROM otaru.gauges GROUP BY 1", 1),
        (
            "SELECT date_trunc('week', time) w, left(station, 1), count(cars) FROM otaru.gauges GROUP BY 1, 2",
            4,
        ),
        (
            "SELECT day, max(n) FROM (SELECT date_trunc('day', time) day, station, sum(cars) n FROM otaru.gauges GROUP BY 1, 2) GROUP BY day",
            10,
        ),
        (
            "WITH g AS (SELECT station AS s, time AS t, level AS l FROM otaru.gauges WHERE station <> 'x') SELECT date_trunc('day', t), s, avg(l) FROM g GROUP BY 1, 2",
            20,
        ),
        ("SELECT time_bucket('1 day', time) b, count(*) FROM otaru.gauges GROUP BY b", 10),
        (
            "SELECT time_bucket(INTERVAL '7 days', time) b, sum(cars) FROM otaru.gauges GROUP BY b",
            2,
        ),
        (
            "SELECT time_bucket('P1M', 時刻) b, station, max(level) FROM otaru.gauges GROUP BY 1, 2",
            2,
        ),
        (
            "SELECT time_bucket('1 year', time, DATE '2000-04-01') b, count(level) FROM otaru.gauges GROUP BY b",
            1,
        ),
        ("SELECT fiscal_year(time) y, station, avg(level) FROM otaru.gauges GROUP BY 1, 2", 2),
        ("SELECT jun_start(time) j, jun_name(time), sum(cars) FROM otaru.gauges GROUP BY 1, 2", 1),
        (
            "SELECT winter_season(time), is_jp_holiday(time), count(*) FROM otaru.gauges GROUP BY 1, 2",
            1,
        ),
        ("SELECT observed_day(time) d, count(*) FROM otaru.gauges GROUP BY d", 10),
        ("SELECT to_char(time, '%Y年%-m月') m, count(*) FROM otaru.gauges GROUP BY m", 1),
        (
            "SELECT extract(year FROM time) y, extract(month FROM time) m, min(level) FROM otaru.gauges \
             WHERE station = '余市' AND time_bucket('1 day', time) >= '2024-04-03' GROUP BY 1, 2",
            1,
        ),
    ] {
        assert_eq!(pair.rolled(sql, &["rollup=day"]).await.len(), groups, "{sql}");
    }
    for (sql, groups) in [
        ("SELECT time_bucket('1 hour', time) b, count(*) FROM otaru.gauges GROUP BY b", 240),
        (
            "SELECT time_bucket('6 hours', time) b, station, sum(cars) FROM otaru.gauges GROUP BY 1, 2",
            80,
        ),
        (
            "SELECT time_bucket('1 day', time, '2024-04-01T09:00:00+09:00') b, count(*) FROM otaru.gauges GROUP BY b",
            11,
        ),
        ("SELECT to_char(time, '%m-%d %H時') h, max(level) FROM otaru.gauges GROUP BY h", 240),
    ] {
        assert_eq!(pair.rolled(sql, &["rollup=hour"]).await.len(), groups, "{sql}");
    }
    let bins = "SELECT date_bin(INTERVAL '1 day', time) b, count(*) FROM otaru.gauges GROUP BY b";
    assert_eq!(pair.rolled(bins, &["rollup=day"]).await.len(), 10);
    let bins = "SELECT date_bin(INTERVAL '1 day', time, '2024-04-01 09:00') b, count(*) FROM otaru.gauges \
                GROUP BY b";
    assert_eq!(pair.rolled(bins, &["rollup=hour"]).await.len(), 11);
}

#[tokio::test]
async fn a_range_that_begins_amid_a_day_is_read_from_days_and_rows() {
    let pair = ten_days().await;
    let sql = "SELECT station, count(*), sum(cars), max(time) FROM otaru.gauges \
               WHERE time >= '2024-04-02T10:20:00+09:00' AND time <= '2024-04-08T06:00:00+09:00' \
               GROUP BY station";
    let plan = pair.plan(sql).await;
    assert!(plan.contains("rollup=day files=2/2"), "{plan}");
    let counted = pair.same(sql, SnapshotAt::Latest).await;
    // From 10:20 on the second to 06:00 on the eighth, both included: five days, 82 and 37 readings.
    assert_eq!(counted[0][1], (5 * 144 + 82 + 37).to_string());
    // A file that is in the range as a whole needs no days.
    let second =
        "SELECT station, count(*) FROM otaru.gauges WHERE time >= '2024-04-06' GROUP BY station";
    assert_eq!(pair.rolled(second, &["rollup=series files=1/2"]).await[0][1], "720");
    let station =
        "SELECT sum(cars) FROM otaru.gauges WHERE station = '余市' AND time < '2024-04-04'";
    pair.rolled(station, &["rollup=day files=1/2"]).await;
    // Days in their order, partly from each: both tell them in one form, so that the order is kept.
    let days = "SELECT time::date AS day, max(cars) FROM otaru.gauges \
                WHERE station = '余市' AND time >= '2024-04-02T10:20:00+09:00' GROUP BY 1 ORDER BY 1";
    assert_eq!(pair.rolled(days, &["rollup=day"]).await.len(), 9);
    let july =
        "SELECT count(*) FROM otaru.gauges WHERE extract(month FROM time) = 4 AND cars IS NULL";
    pair.unrolled(july).await;
}

#[tokio::test]
async fn what_rollups_cannot_tell_is_read_from_rows() {
    let pair = ten_days().await;
    for sql in [
        "SELECT date_trunc('minute', time), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT time_bucket('10 minutes', time), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT time_bucket('1 hour', time, '2024-04-01T00:20:00+09:00') b, count(*) FROM otaru.gauges GROUP BY b",
        "SELECT period_start(time, '1 hour', 'end'), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT observed_day(time, 'end'), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT to_char(time, '%H:%M'), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT station, count(*) FROM otaru.gauges WHERE level > 3 GROUP BY 1",
        "SELECT station, sum(level * 2) FROM otaru.gauges GROUP BY 1",
        "SELECT station, count(DISTINCT cars) FROM otaru.gauges GROUP BY 1",
        "SELECT station, sum(cars) FILTER (WHERE level > 1) FROM otaru.gauges GROUP BY 1",
        "SELECT station, count(remark) FROM otaru.gauges GROUP BY 1",
        "SELECT cars, count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT station, stddev(level) FROM otaru.gauges GROUP BY 1",
        "SELECT date_trunc('day', time + INTERVAL '1 minute'), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT station, count(*) FROM (SELECT * FROM otaru.gauges LIMIT 100000) GROUP BY 1",
        "SELECT count(*), max(time) FROM otaru.gauges",
    ] {
        pair.unrolled(sql).await;
    }
}

#[tokio::test]
async fn a_request_may_do_without_rollups_and_costs_say_what_is_read() {
    let pair = ten_days().await;
    let sql = "SELECT station, date_trunc('day', time), sum(cars) FROM otaru.gauges GROUP BY 1, 2";
    let files: Vec<_> = {
        let snapshot = pair.lake.snapshot(&pair.id, SnapshotAt::Latest).await.unwrap();
        snapshot.files.to_vec()
    };
    let kept: u64 = files
        .iter()
        .map(|file| file.rollups.as_ref().unwrap().file(hub_lake::RollupLevel::Day).unwrap().rows)
        .sum();
    for (rollups, rows) in [(true, kept), (false, 4 * 5 * 144)] {
        let request = QueryRequest { rollups, ..pair.request(sql, SnapshotAt::Latest).await };
        let cost = pair.with.cost(request).await.unwrap();
        assert_eq!((cost.rows(), cost.tables[0].files), (rows, 2), "with rollups: {rollups}");
    }
    let shown = QueryRequest {
        rollups: false,
        ..pair.request(&format!("EXPLAIN {sql}"), SnapshotAt::Latest).await
    };
    let batches: Vec<RecordBatch> =
        pair.with.run(shown).await.unwrap().try_collect().await.unwrap();
    assert!(!format!("{batches:?}").contains("rollup="));
}

#[tokio::test]
async fn measures_of_a_grid_are_rolled_beside_those_that_need_rows() {
    let pair = ten_days().await;
    let grid = "SELECT station, time, cars_sum, cars_sum_coverage, level_first, level_max \
                FROM align('otaru.gauges', '1 day', 'cars:sum', 'level:first', 'level:max')";
    assert_eq!(pair.rolled(grid, &["rollup=day files=2/2"]).await.len(), 20);
    let one =
        format!("{grid} WHERE station = '余市' AND time >= '2024-04-03' AND time < '2024-04-05'");
    assert_eq!(pair.rolled(&one, &["rollup=day files=2/2"]).await.len(), 2);
    let filled = "SELECT station, time, cars_sum, cars_sum_filled, level_last FROM align('otaru.gauges', '12 hours', \
                  'cars:sum', 'level:last', start => '2024-04-09', finish => '2024-04-13', fill => 'locf')";
    assert_eq!(pair.rolled(filled, &["rollup=hour"]).await.len(), 16);
    // Where no rollup tells, rows are read once.
    let fine = "SELECT station, time, cars_sum, level_first \
                FROM align('otaru.gauges', '10 minutes', 'cars:sum', 'level:first')";
    pair.unrolled(fine).await;
    assert!(!pair.plan(fine).await.contains("Join"));
}
