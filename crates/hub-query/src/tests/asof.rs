//! `ASOF JOIN` in SQL: its forms, what it answers, how it is planned, and what is refused.

use std::time::Duration;

use futures::StreamExt;
use hub_model::ErrorKind;
use serde_json::json;

use crate::{
    EngineConfig, Position, SqlBounds, parse,
    tests::support::{APRIL, Bench, HOUR, RIVER, river, small},
};

const MINUTE: i64 = HOUR / 60;

/// River at every full hour, and a dam twenty minutes later for one of its two stations.
async fn bench() -> Bench {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市", "朝里"], APRIL, 4)]).await;
    let first = river(&["余市"], APRIL + 20 * MINUTE, 2);
    bench.add("otaru.dam", RIVER, &[first]).await;
    bench
}

/// The rows as text: station, hour, and the level of the match.
async fn matches(bench: &Bench, from: &str) -> Vec<String> {
    let sql = format!(
        "SELECT a.station || ' ' || to_char(a.time, '%H:%M') || ' ' || coalesce(b.level::text, '-') AS t \
         FROM {from} ORDER BY a.station, a.time"
    );
    let shown = bench.show(&sql).await;
    let rows = shown.lines().skip(3).filter_map(|line| line.strip_prefix("| "));
    rows.map(|row| row.trim_end_matches(['|', ' ']).to_owned()).collect()
}

#[tokio::test]
async fn each_comparison_finds_its_nearest_row() {
    let bench = bench().await;
    for (condition, found) in [
        ("a.time >= b.time", ["-", "0.0", "1.0", "1.0"]),
        ("a.time > b.time", ["-", "0.0", "1.0", "1.0"]),
        ("a.time <= b.time", ["0.0", "1.0", "-", "-"]),
        ("b.time > a.time", ["0.0", "1.0", "-", "-"]),
        ("b.time <= a.time", ["-", "0.0", "1.0", "1.0"]),
        ("a.time >= b.time + INTERVAL '40 minutes'", ["-", "0.0", "1.0", "1.0"]),
        ("a.time > b.time + INTERVAL '40 minutes'", ["-", "-", "0.0", "1.0"]),
        ("a.time - INTERVAL '40 minutes' >= b.time", ["-", "0.0", "1.0", "1.0"]),
    ] {
        let from = format!(
            "otaru.river a ASOF JOIN otaru.dam b MATCH_CONDITION ({condition}) ON a.station = b.station"
        );
        let mut wanted: Vec<String> = found
            .iter()
            .zip(0..)
            .map(|(level, hour): (_, i64)| format!("余市 {hour:02}:00 {level}"))
            .collect();
        wanted.extend((0..4).map(|hour| format!("朝里 {hour:02}:00 -")));
        assert_eq!(matches(&bench, &from).await, wanted, "{condition}");
    }
}

#[tokio::test]
async fn an_asof_join_is_written_in_several_ways() {
    let bench = bench().await;
    let on = "MATCH_CONDITION (a.time >= b.time) ON a.station = b.station";
    let duck = "ON a.station = b.station AND a.time >= b.time";
    let outer = ["余市 00:00 -", "余市 01:00 0.0", "余市 02:00 1.0", "余市 03:00 1.0"];
    let rest = ["朝里 00:00 -", "朝里 01:00 -", "朝里 02:00 -", "朝里 03:00 -"];
    let outer: Vec<_> = outer.into_iter().chain(rest).collect();
    for form in [
        format!("ASOF JOIN otaru.dam b {on}"),
        format!("asof join otaru.dam AS b {on}"),
        format!("LEFT ASOF JOIN otaru.dam b {on}"),
        format!("LEFT OUTER ASOF JOIN otaru.dam b {on}"),
        format!("ASOF LEFT JOIN otaru.dam b {on}"),
        format!("ASOF /* the nearest before */ LEFT OUTER JOIN otaru.dam b {on}"),
        "ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) USING (station)".to_owned(),
        format!("ASOF LEFT JOIN otaru.dam b {duck}"),
        format!("ASOF JOIN (SELECT * FROM otaru.dam) b {on}"),
        format!("ASOF JOIN otaru.dam b {on} AND b.level >= 0"),
    ] {
        assert_eq!(matches(&bench, &format!("otaru.river a {form}")).await, outer, "{form}");
    }
    for form in [
        format!("INNER ASOF JOIN otaru.dam b {on}"),
        format!("ASOF INNER JOIN otaru.dam b {on}"),
        format!("ASOF JOIN otaru.dam b {duck}"),
        format!("ASOF INNER JOIN otaru.dam b {duck}"),
    ] {
        assert_eq!(matches(&bench, &format!("otaru.river a {form}")).await, outer[1..4], "{form}");
    }
    // Without keys every station is near; of two dams at one time the greater is taken.
    let free = "otaru.river a ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time)";
    assert_eq!(matches(&bench, free).await[5], "朝里 01:00 0.0");
    // A column may still be called so.
    assert_eq!(bench.value("SELECT asof FROM (VALUES (1)) AS t(asof)").await, "1");
}

#[tokio::test]
async fn a_gap_that_is_too_great_is_no_match() {
    let bench = bench().await;
    for (gap, found) in [
        ("INTERVAL '40 minutes'", ["-", "0.0", "1.0", "-"]),
        ("INTERVAL '39 minutes'", ["-", "-", "-", "-"]),
        ("INTERVAL '1' HOUR", ["-", "0.0", "1.0", "-"]),
        ("INTERVAL '2 hours'", ["-", "0.0", "1.0", "1.0"]),
        ("'1 hour'", ["-", "0.0", "1.0", "-"]),
        ("(INTERVAL '1 day')", ["-", "0.0", "1.0", "1.0"]),
    ] {
        let from = format!(
            "otaru.river a ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) WITHIN {gap} \
             ON a.station = b.station"
        );
        let found: Vec<_> =
            (0..4).zip(found).map(|(hour, level)| format!("余市 {hour:02}:00 {level}")).collect();
        assert_eq!(matches(&bench, &from).await[..4], found, "{gap}");
    }
    let sql = "SELECT count(b.level) FROM otaru.river a ASOF JOIN otaru.dam b \
               MATCH_CONDITION (a.time >= b.time) WITHIN $1 USING (station)";
    let mut request = bench.request(parse(sql, &SqlBounds::default()).unwrap());
    request.parameters = vec![json!("1 hour")];
    let mut stream = bench.engine.run(request).await.unwrap();
    let batch = stream.next().await.unwrap().unwrap();
    assert_eq!(arrow::util::display::array_value_to_string(batch.column(0), 0).unwrap(), "2");
    let levels = "SELECT count(b.level) FROM otaru.river a ASOF JOIN otaru.dam b \
                  MATCH_CONDITION (a.level >= b.level) WITHIN 1.5 ON a.station = b.station";
    assert_eq!(bench.value(levels).await, "3");
}

#[tokio::test]
async fn names_are_those_of_any_join() {
    let bench = bench().await;
    let columns = async |sql: &str| -> Vec<String> {
        let schema = bench.start(sql).await.unwrap().schema();
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    assert_eq!(
        columns(
            "SELECT * FROM otaru.river ASOF JOIN otaru.dam AS d \
             MATCH_CONDITION (river.時刻 >= d.時刻) USING (観測所)"
        )
        .await,
        ["観測所", "時刻", "level", "流量", "samples", "時刻_2", "level_2", "流量_2", "samples_2"]
    );
    let sql = "SELECT station, d.discharge AS out, river.time FROM otaru.river \
               ASOF JOIN otaru.dam AS d MATCH_CONDITION (river.time >= d.time) USING (station) \
               WHERE station = '余市' ORDER BY river.time DESC LIMIT 1";
    let stream = bench.start(sql).await.unwrap();
    assert_eq!(stream.schema().field(1).metadata()["unit"], "m3/s");
    assert!(bench.show(sql).await.contains("| 余市    | 2.0 | 2024-04-01T03:00:00+09:00 |"));
}

#[tokio::test]
async fn it_stands_wherever_a_join_stands() {
    let bench = bench().await;
    let asof = "otaru.river a ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) \
                ON a.station = b.station";
    for (sql, value) in [
        (format!("WITH j AS (SELECT a.level, b.level AS before FROM {asof}) SELECT count(before) FROM j"), "3"),
        (format!("SELECT count(*) FROM {asof} JOIN otaru.river c ON c.station = a.station AND c.time = a.time"), "8"),
        (format!("SELECT count(c.level) FROM {asof} ASOF JOIN otaru.dam c MATCH_CONDITION (b.time > c.time) ON c.station = b.station"), "2"),
        (format!("SELECT count(*) FROM ({asof}) JOIN otaru.dam d ON d.time = b.time"), "3"),
        (format!("SELECT count(*) FROM (SELECT a.level FROM {asof} UNION ALL SELECT b.level FROM {asof}) u"), "16"),
        (format!("SELECT count(*) FROM otaru.dam WHERE level IN (SELECT b.level FROM {asof})"), "2"),
        (format!("SELECT count(*) FROM otaru.dam d WHERE EXISTS (SELECT 1 FROM {asof} WHERE b.time = d.time)"), "2"),
        (format!("SELECT count(*) FROM otaru.dam x, {asof}"), "16"),
        ("SELECT count(b.level) FROM otaru.dam d JOIN otaru.river a ON a.level = d.level ASOF INNER JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) ON b.station = d.station".to_owned(), "1"),
    ] {
        assert_eq!(bench.value(&sql).await, value, "{sql}");
    }
}

#[tokio::test]
async fn times_of_different_types_meet() {
    let bench = bench().await;
    for (condition, found) in [
        // A day begins at midnight in Japan.
        ("a.time >= b.day", "8"),
        ("a.time::date >= b.day", "8"),
        ("a.time > b.day", "6"),
        ("a.time >= b.naive", "4"),
    ] {
        let sql = format!(
            "SELECT count(b.day) FROM otaru.river a ASOF JOIN (SELECT DATE '2024-04-01' AS day, \
             arrow_cast('2024-04-01T02:00:00', 'Timestamp(Second, None)') AS naive) b \
             MATCH_CONDITION ({condition})"
        );
        let plan = bench.show(&format!("EXPLAIN {sql}")).await;
        assert_eq!(bench.value(&sql).await, found, "{condition}\n{plan}");
    }
}

#[tokio::test]
async fn what_can_not_be_joined_so_is_told_with_its_place() {
    let bench = bench().await;
    for (join, said, column) in [
        ("ASOF JOIN otaru.dam b", "MATCH_CONDITION (a.time >= b.time)", Some(29)),
        ("ASOF JOIN otaru.dam b USING (station)", "MATCH_CONDITION (a.time >= b.time)", Some(29)),
        ("RIGHT ASOF JOIN otaru.dam b ON a.time >= b.time", "LEFT or INNER", Some(29)),
        ("ASOF FULL JOIN otaru.dam b ON a.time >= b.time", "LEFT or INNER", Some(34)),
        ("ASOF JOIN otaru.dam b MATCH_CONDITION a.time", "in brackets", Some(51)),
        (
            "ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) WITHIN ON true",
            "INTERVAL '1 hour'",
            Some(86),
        ),
        ("ASOF JOIN otaru.dam b MATCH_CONDITION (a.time = b.time)", "one comparison", None),
        ("ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= a.time)", "one comparison", None),
        (
            "ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time AND true)",
            "one comparison",
            None,
        ),
        (
            "ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) ON a.station = b.station OR true",
            "WHERE",
            None,
        ),
        ("ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) ON a.level > 1", "WHERE", None),
        (
            "ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) ON a.level = b.station",
            "cast one",
            None,
        ),
        (
            "ASOF JOIN otaru.dam b MATCH_CONDITION (a.station >= b.station)",
            "times, dates or numbers",
            None,
        ),
        ("ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.level)", "cast one", None),
        (
            "ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) WITHIN INTERVAL '1 month'",
            "days or hours",
            None,
        ),
        (
            "ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) WITHIN 3",
            "INTERVAL '1 hour'",
            None,
        ),
        (
            "ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) WITHIN INTERVAL '-1 hour'",
            "negative",
            None,
        ),
        (
            "ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= b.time) WITHIN (a.time - b.time)",
            "is a value",
            None,
        ),
        (
            "ASOF JOIN otaru.dam b ON a.time >= b.time AND a.level > b.level",
            "MATCH_CONDITION",
            None,
        ),
        ("ASOF JOIN LATERAL (SELECT 1 AS time) b MATCH_CONDITION (a.time >= b.time)", "WITH", None),
    ] {
        let error = bench.error(&format!("SELECT 1 FROM otaru.river a {join}")).await;
        assert_eq!(error.kind(), ErrorKind::SqlInvalid, "{join}: {error:?}");
        assert!(error.to_string().contains(said), "{join}: {error}");
        if let Some(column) = column {
            assert_eq!(error.position(), Some(Position { line: 1, column }), "{join}: {error}");
        }
    }
    let misspelt = "SELECT 1 FROM otaru.river a\nASOF LEFT JOIN otaru.dam b MATCH_CONDITION (a.time >= b.tmie) USING (station)";
    let error = bench.error(misspelt).await;
    assert_eq!(error.position(), Some(Position { line: 2, column: 57 }), "{error:?}");
    let broken =
        "SELECT 1 FROM otaru.river a ASOF JOIN otaru.dam b MATCH_CONDITION (a.time >= ) ON true";
    let error = bench.error(broken).await;
    assert_eq!(error.position(), Some(Position { line: 1, column: 78 }));
    assert!(error.to_string().contains("here is )"), "{error}");
    // The name of what carries the words is nobody's function.
    let error = bench.error("SELECT __asof(true, 'left')").await;
    assert!(error.to_string().contains("no function"), "{error}");
}

#[tokio::test]
async fn a_dataset_that_may_not_be_seen_is_none_in_an_asof_join_too() {
    let mut bench = bench().await;
    bench.tables.pop();
    bench.listed.pop();
    let ask = |table: &str| {
        format!(
            "SELECT 1 FROM otaru.river a ASOF JOIN {table} b MATCH_CONDITION (a.time >= b.time) \
             ON a.station = b.station"
        )
    };
    let hidden = bench.error(&ask("otaru.dam")).await;
    let absent = bench.error(&ask("otaru.fog")).await;
    assert_eq!(hidden.to_string().replace("dam", "fog"), absent.to_string());
    assert_eq!(hidden.suggestions(), absent.suggestions());
    assert_eq!(hidden.position(), absent.position());
}

#[tokio::test]
async fn conditions_reach_the_files_of_both_sides() {
    let mut bench = Bench::new(small());
    let day = |day: i64| river(&["余市", "朝里"], APRIL + day * 24 * HOUR, 24);
    let days: Vec<_> = (0..10).map(day).collect();
    bench.add("otaru.river", RIVER, &days).await;
    bench.add("otaru.dam", RIVER, &days).await;
    let scanned = async |sql: &str| {
        let before = bench.engine.gauges().files_scanned;
        let count = bench.value(sql).await;
        (bench.engine.gauges().files_scanned - before, count)
    };
    let asof = "SELECT count(b.level) FROM otaru.river a ASOF JOIN otaru.dam b \
                MATCH_CONDITION (a.time >= b.time)";
    let third = "WHERE a.time >= '2024-04-03' AND a.time < '2024-04-04'";
    assert_eq!(scanned(&format!("{asof} USING (station)")).await, (20, "480".to_owned()));
    // One day of the left side, and of the right side all until its end, or that day and the one before.
    let until = format!("{asof} USING (station) {third}");
    assert_eq!(scanned(&until).await, (1 + 3, "48".to_owned()));
    let within = format!("{asof} WITHIN INTERVAL '1 hour' USING (station) {third}");
    assert_eq!(scanned(&within).await, (1 + 2, "48".to_owned()));
    let none = format!("{asof} USING (station) WHERE a.station = 'no such'");
    assert_eq!(scanned(&none).await, (0, "0".to_owned()));
    let inner = "SELECT count(*) FROM otaru.river a ASOF INNER JOIN otaru.dam b \
                 MATCH_CONDITION (a.time >= b.time) ON a.station = b.station WHERE b.station = '余'";
    assert_eq!(scanned(inner).await, (0, "0".to_owned()));
    // A condition on other columns of the right side must not make another row the nearest.
    let level = format!("{asof} USING (station) WHERE b.level = 5");
    assert_eq!(scanned(&level).await, (20, "10".to_owned()));
    let plan = bench.plan(&until).await;
    assert!(plan.contains("AsOfJoinExec: mode=lookup, join_type=Left, match=time@"), "{plan}");
    assert!(!plan.contains("流量") && !plan.contains("SortExec"), "{plan}");
}

/// A right side whose rows nobody can count beforehand.
const UNCOUNTED: &str = "(SELECT d.* FROM otaru.dam d JOIN otaru.dam e USING (station, time))";

#[tokio::test]
async fn both_ways_of_running_it_answer_the_same() {
    let mut bench = Bench::new(small());
    let files = |minutes: i64| {
        vec![
            river(&["a", "b", "c"], APRIL + minutes * MINUTE, 700),
            river(&["a", "b", "d"], APRIL + minutes * MINUTE + 700 * HOUR, 700),
        ]
    };
    bench.add("otaru.river", RIVER, &files(0)).await;
    bench.add("otaru.dam", RIVER, &files(25)).await;
    for sign in [">=", ">", "<=", "<"] {
        for gap in ["", "WITHIN INTERVAL '30 minutes'"] {
            let ask = |right: &str| {
                format!(
                    "SELECT a.station, a.time, b.time, b.level FROM otaru.river a ASOF JOIN {right} b \
                     MATCH_CONDITION (a.time {sign} b.time) {gap} ON a.station = b.station \
                     ORDER BY 1, 2"
                )
            };
            let lookup = bench.plan(&ask("otaru.dam")).await;
            let merge = bench.plan(&ask(UNCOUNTED)).await;
            assert!(lookup.contains("mode=lookup") && merge.contains("mode=merge"), "{merge}");
            assert_eq!(bench.show(&ask("otaru.dam")).await, bench.show(&ask(UNCOUNTED)).await);
        }
    }
    // Both sides come in the order of the files, which spares sorting them.
    let ask = |right: &str| {
        format!(
            "SELECT a.level, b.level FROM otaru.river a ASOF JOIN {right} b \
             MATCH_CONDITION (a.time >= b.time) ON a.station = b.station"
        )
    };
    let plan = bench.plan(&ask(UNCOUNTED)).await;
    assert!(!plan.contains("SortExec") && plan.contains("SortPreservingMergeExec"), "{plan}");
    let shuffled = UNCOUNTED
        .replace("d.*", "d.station, d.level, d.time + INTERVAL '1 minute' * d.level AS time");
    assert!(bench.plan(&ask(&shuffled)).await.contains("SortExec"), "{plan}");
}

#[tokio::test]
async fn a_right_side_over_the_memory_is_sorted_on_disk() {
    let tight = EngineConfig { memory_bytes_per_query: 24 << 20, target_partitions: 1, ..small() };
    let mut bench = Bench::new(tight);
    bench.add("otaru.river", RIVER, &[river(&["a"], APRIL, 4)]).await;
    let many = "(SELECT value AS n, value * 7919 % 1000003 AS t, repeat('x', 40) AS text \
                FROM generate_series(1, 600000))";
    let sql = format!(
        "SELECT count(*) AS n, sum(CASE WHEN b.t = a.n THEN 1 END) AS same FROM \
         (SELECT value AS n FROM generate_series(1, 1000)) a ASOF JOIN {many} b \
         MATCH_CONDITION (a.n >= b.t)"
    );
    let plan = bench.plan(&sql).await;
    assert!(plan.contains("mode=merge"), "{plan}");
    let shown = bench.show(&sql).await;
    assert!(shown.contains("| 1000 |"), "{shown}");
}

#[tokio::test]
async fn a_long_asof_join_stops_when_nobody_wants_it() {
    let brief = EngineConfig { time_limit: Duration::from_millis(300), ..small() };
    let mut bench = Bench::new(brief);
    bench.add("otaru.river", RIVER, &[river(&["a"], APRIL, 4)]).await;
    let endless = "(SELECT value AS n FROM generate_series(1, 1000000000000))";
    let shuffled = "(SELECT value % 1000 AS n FROM generate_series(1, 1000000000000))";
    for (left, right) in [
        (endless, "(SELECT samples AS n FROM otaru.river)"),
        ("(SELECT samples AS n FROM otaru.river)", shuffled),
    ] {
        let sql = format!(
            "SELECT count(b.n) FROM {left} a ASOF JOIN {right} b MATCH_CONDITION (a.n >= b.n)"
        );
        let error = bench.error(&sql).await;
        assert_eq!(error.kind(), ErrorKind::TimeLimit, "{sql}: {error:?}");
        while bench.engine.gauges().running > 0 || bench.engine.gauges().memory_reserved_bytes > 0 {
            tokio::task::yield_now().await;
        }
    }
    // What is in order is read no further than its matches are.
    let sql = format!(
        "SELECT count(b.n) FROM (SELECT samples AS n FROM otaru.river) a ASOF JOIN {endless} b \
         MATCH_CONDITION (a.n >= b.n)"
    );
    assert_eq!(bench.value(&sql).await, "3");
}
