//! Functions of the hub's own, as a query meets them.

use hub_model::ErrorKind;

use crate::tests::support::{APRIL, Bench, HOUR, RIVER, river, small};

async fn bench() -> Bench {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市", "仁木"], APRIL, 72)]).await;
    bench
}

#[tokio::test]
async fn buckets_begin_at_japanese_midnight_mondays_and_firsts() {
    let bench = Bench::new(small());
    for (call, begin) in [
        ("'1 hour', TIMESTAMP '2026-04-01 09:59:59.999'", "2026-04-01T09:00:00"),
        ("'5 minutes', TIMESTAMP '2026-04-01 09:59:59.999'", "2026-04-01T09:55:00"),
        ("INTERVAL '1 day', TIMESTAMP '2026-04-01 00:00:00'", "2026-04-01T00:00:00"),
        ("INTERVAL '1 day', TIMESTAMPTZ '2026-04-01T00:00:00+09:00'", "2026-04-01T00:00:00+09:00"),
        ("INTERVAL '1 day', TIMESTAMPTZ '2026-03-31T23:59:59+09:00'", "2026-03-31T00:00:00+09:00"),
        // 1 April 2026 is a Wednesday.
        ("INTERVAL '7 days', TIMESTAMPTZ '2026-04-01T08:00:00+09:00'", "2026-03-30T00:00:00+09:00"),
        (
            "INTERVAL '1 month', TIMESTAMPTZ '2026-03-31T23:59:59+09:00'",
            "2026-03-01T00:00:00+09:00",
        ),
        ("'P1Y', TIMESTAMPTZ '2026-03-31T23:59:59+09:00'", "2026-01-01T00:00:00+09:00"),
        ("'PT15M', TIMESTAMPTZ '1969-12-31T23:59:59+09:00'", "1969-12-31T23:45:00+09:00"),
        (
            "INTERVAL '1 year', TIMESTAMPTZ '2026-03-31T00:00:00+09:00', DATE '2000-04-01'",
            "2025-04-01T00:00:00+09:00",
        ),
        ("INTERVAL '3 months', DATE '2026-05-31'", "2026-04-01"),
        ("INTERVAL '10 days', DATE '2026-05-31', DATE '2026-05-01'", "2026-05-31"),
        ("INTERVAL '1 day', DATE '2026-05-31'", "2026-05-31"),
        ("INTERVAL '1 hour', '2026-04-01T09:30:00+09:00'", "2026-04-01T09:00:00+09:00"),
    ] {
        let sql = format!("SELECT time_bucket({call})");
        assert_eq!(bench.value(&sql).await, begin, "{sql}");
    }
    assert_eq!(bench.value("SELECT time_bucket('1 day', NULL) IS NULL").await, "true");
}

#[tokio::test]
async fn what_cuts_nothing_is_refused_with_a_way_out() {
    let bench = bench().await;
    for (sql, said) in [
        ("SELECT time_bucket('0 hours', now())", "1 hour"),
        ("SELECT time_bucket('-1 hours', now())", "greater than nothing"),
        ("SELECT time_bucket('1 month 1 day', now())", "not both"),
        ("SELECT time_bucket('soon', now())", "interval"),
        ("SELECT time_bucket('1 hour', DATE '2026-01-01')", "whole days"),
        ("SELECT time_bucket('1 month', now(), DATE '2026-01-02')", "first of a month"),
        ("SELECT time_bucket(station, time) FROM otaru.river", "constant"),
        ("SELECT time_bucket('1 hour')", "time_bucket(interval, time [, origin])"),
        (
            "SELECT time_bucket('1 hour', level) FROM otaru.river",
            "a timestamp or a date, not a number",
        ),
        ("SELECT jun('yesterday')", "yesterday"),
        ("SELECT mesh_code(42.9, 140.7, 9)", "1 to 6"),
        ("SELECT ST_X('nowhere')", "WKT"),
        ("SELECT observed_day(TIMESTAMP '2026-04-01 00:00:00')", "'start'"),
        ("SELECT observed_day(TIMESTAMP '2026-04-01 00:00:00', 'middle')", "'start' or 'end'"),
        ("SELECT period_start(TIMESTAMP '2026-04-01 00:00:00')", "INTERVAL '1 hour'"),
        ("SELECT convert(1, 'cm', 's')", "\"cm\" can't be converted to \"s\""),
        ("SELECT convert(1, 'furlong', 'm')", "furlong"),
        ("SELECT convert(1, 'm')", "nothing says which unit"),
        ("SELECT convert(level, 'cm', 'mm') FROM otaru.river", "level is in m, not in cm"),
        ("SELECT convert(level, 'mm/h') FROM otaru.river", "measure different things"),
    ] {
        let error = bench.error(sql).await;
        assert!(
            matches!(error.kind(), ErrorKind::SqlExecution | ErrorKind::SqlInvalid),
            "{sql}: {error:?}"
        );
        assert!(error.to_string().contains(said), "{sql}: {error}");
    }
}

#[tokio::test]
async fn sorted_files_are_grouped_as_they_stream() {
    let bench = bench().await;
    for bucket in
        ["time_bucket('1 day', time)", "observed_day(time)", "fiscal_year(time)", "jun_start(time)"]
    {
        let plan = bench
            .plan(&format!("SELECT station, {bucket} AS t, avg(level) FROM otaru.river GROUP BY station, {bucket}"))
            .await;
        assert!(plan.contains("ordering_mode=Sorted"), "{bucket}: {plan}");
        assert!(!plan.contains("SortExec"), "{bucket}: {plan}");
    }
    let plan =
        bench.plan("SELECT station, jun(time), avg(level) FROM otaru.river GROUP BY 1, 2").await;
    assert!(!plan.contains("ordering_mode=Sorted"), "{plan}");
}

#[tokio::test]
async fn a_comparison_becomes_one_with_the_time_itself() {
    let bench = bench().await;
    for (condition, count) in [
        ("time_bucket('1 day', time) = TIMESTAMPTZ '2024-04-02T00:00:00+09:00'", 48),
        ("time_bucket(INTERVAL '1 month', time) >= TIMESTAMPTZ '2024-04-01T00:00:00+09:00'", 144),
        ("observed_day(time) = DATE '2024-04-01'", 48),
        ("observed_day(time) < DATE '2024-04-01'", 2),
        ("fiscal_year(time) = 2024", 144),
        ("winter_season(time) <> 2024", 0),
        ("jun_start(time) = DATE '2024-04-01'", 144),
    ] {
        let sql = format!("SELECT count(*) FROM otaru.river WHERE {condition}");
        assert_eq!(bench.value(&sql).await, count.to_string(), "{sql}");
        let plan = bench.plan(&format!("SELECT level FROM otaru.river WHERE {condition}")).await;
        let name = condition.split('(').next().unwrap();
        assert!(!plan.contains(name), "{condition}: {plan}");
    }
    // A time at which no bucket begins is none of them.
    let sql = "SELECT count(*) FROM otaru.river WHERE time_bucket('1 day', time) = \
        TIMESTAMPTZ '2024-04-02T01:00:00+09:00'";
    assert_eq!(bench.value(sql).await, "0");
}

#[tokio::test]
async fn hours_that_name_their_end_belong_to_the_day_before_midnight() {
    let bench = bench().await;
    let days = "SELECT observed_day(time) AS day, count(*) AS n FROM otaru.river WHERE station = '余市' \
        GROUP BY 1 ORDER BY 1";
    insta::assert_snapshot!(bench.show(days).await, @r"
    +------------+----+
    | day        | n  |
    +------------+----+
    | 2024-03-31 | 1  |
    | 2024-04-01 | 24 |
    | 2024-04-02 | 24 |
    | 2024-04-03 | 23 |
    +------------+----+
    ");
    let sql = "SELECT min(period_start(time)) FROM otaru.river";
    assert_eq!(bench.value(sql).await, "2024-03-31T23:00:00+09:00");
    let sql = "SELECT min(period_end(time)) FROM otaru.river";
    assert_eq!(bench.value(sql).await, "2024-04-01T00:00:00+09:00");
    // Through a subquery the contract is still known; after arithmetic it is not.
    let sql = "SELECT count(DISTINCT observed_day(t)) FROM (SELECT time AS t FROM otaru.river)";
    assert_eq!(bench.value(sql).await, "4");
    let error = bench.error("SELECT observed_day(time + INTERVAL '1 hour') FROM otaru.river").await;
    assert!(error.to_string().contains("'start'"), "{error}");
}

#[tokio::test]
async fn converted_values_bear_their_unit() {
    let bench = bench().await;
    let sql = "SELECT convert(level, 'cm') AS cm, convert(流量, 'm3/h') AS hourly, convert(2, 'h', 'min') AS m \
        FROM otaru.river WHERE level = 2 AND station = '余市'";
    let batches = bench.batches(sql).await.unwrap();
    let schema = batches[0].schema();
    let units: Vec<_> = schema.fields().iter().map(|f| f.metadata()["unit"].clone()).collect();
    assert_eq!(units, ["cm", "m3/h", "min"]);
    assert_eq!(schema.field(0).metadata()["title"], "水位");
    let value = |column: usize| {
        arrow::util::display::array_value_to_string(batches[0].column(column), 0).unwrap()
    };
    assert_eq!([value(0), value(1), value(2)], ["200.0", "14400.0", "120.0"]);
    let plan = bench.plan("SELECT convert(level, 'cm') FROM otaru.river").await;
    assert!(plan.contains(", m, cm)"), "{plan}");
}

#[tokio::test]
async fn missing_arguments_give_missing_results_and_columns_are_taken_in_every_type() {
    let bench = bench().await;
    for (sql, value) in [
        (
            "SELECT jun(NULL) IS NULL AND wareki(NULL) IS NULL AND convert(NULL, 'm', 'cm') IS NULL",
            "true",
        ),
        ("SELECT municipality_code(NULL) IS NULL AND mesh_code(NULL, 140, 3) IS NULL", "true"),
        (
            "SELECT ST_Contains(NULL, ST_Point(1, 2)) IS NULL AND distance_m(1, NULL, 2, 3) IS NULL",
            "true",
        ),
        (
            "SELECT count(DISTINCT jun(t)) FROM (VALUES (DATE '2024-01-01'), (NULL), (DATE '2024-01-31')) v(t)",
            "2",
        ),
        // A code that was read as a number lost its zero.
        ("SELECT municipality_code(1400)", "014001"),
        ("SELECT municipality_name(column1) FROM (VALUES (14001)) v", "倶知安町"),
        (
            "SELECT string_agg(municipality_code(c), ',') FROM (VALUES ('R01400'), ('二セコ町'), ('?')) v(c)",
            "014001,013951",
        ),
        ("SELECT fiscal_year(TIMESTAMPTZ '2024-03-31T15:00:00Z')", "2024"),
        ("SELECT jun_start('2024-02-29')", "2024-02-21"),
        ("SELECT is_jp_holiday(DATE '1948-07-19') IS NULL", "true"),
        (
            "SELECT mesh_code(42.9::real::double, 140.7567::decimal(9, 4), 3::smallint) IS NOT NULL",
            "true",
        ),
        ("SELECT mesh_bounds('6440')['west']", "140.0"),
        ("SELECT arrow_typeof(municipality_code(station)) FROM otaru.river LIMIT 1", "Utf8View"),
    ] {
        assert_eq!(bench.value(sql).await, value, "{sql}");
    }
}

#[tokio::test]
async fn buckets_of_columns_are_as_those_of_constants() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["a"], APRIL - 40 * 24 * HOUR, 2_000)]).await;
    for step in ["1 hour", "7 hours", "1 day", "10 days", "1 month", "2 years"] {
        let sql = format!(
            "SELECT count(*) FROM (SELECT time, time_bucket('{step}', time) AS b, \
             lead(time_bucket('{step}', time)) OVER (ORDER BY time) AS next FROM otaru.river) \
             WHERE b > time OR next < b OR b + INTERVAL '{step}' <= time"
        );
        assert_eq!(bench.value(&sql).await, "0", "{step}");
    }
}
