//! Gap filling against a brute force that is written here, and what is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use hub_model::{Contract, ErrorKind};
use proptest::{prelude::*, test_runner::TestRunner};

use super::support::{APRIL, Bench, HOUR, RIVER, river, small};

const LEVELS: &str = r#"{"fields":[
    {"name":"station","type":"string","role":"key"},
    {"name":"time","type":"datetime","role":"time"},
    {"name":"level","type":"number","role":"value","unit":"m"}],
    "primaryKey":["station","time"]}"#;

/// Rows by station and minute; a level may be missing.
type Rows = Vec<(u8, i64, Option<i8>)>;

const MINUTE: i64 = HOUR / 60;

fn file(rows: &Rows) -> RecordBatch {
    let stations = rows.iter().map(|(station, ..)| station.to_string()).collect::<Vec<_>>();
    let times = rows.iter().map(|(_, minute, _)| APRIL + minute * MINUTE);
    let levels = rows.iter().map(|(.., level)| level.map(f64::from));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(stations)),
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        Arc::new(levels.collect::<Float64Array>()),
    ];
    RecordBatch::try_new(Contract::parse(LEVELS.as_bytes()).unwrap().storage_schema(), columns)
        .unwrap()
}

async fn levels(rows: &Rows) -> Bench {
    let mut bench = Bench::new(small());
    bench.add("a.levels", LEVELS, &[file(rows)]).await;
    bench
}

/// One row of the answer: station, bucket, rows, mean, mean carried, mean interpolated.
type Filled = (String, i64, Option<i64>, Option<f64>, Option<f64>, Option<f64>);

/// The answer as a person would work it out: bucket by bucket, looking back and ahead each time.
fn by_hand(rows: &Rows, width: i64, range: Option<(i64, i64)>, gap: Option<i64>) -> Vec<Filled> {
    let mut groups: BTreeMap<(String, i64), Vec<Option<f64>>> = BTreeMap::new();
    for (station, minute, level) in rows {
        if range.is_some_and(|(from, to)| *minute < from || *minute >= to) {
            continue;
        }
        let key = (station.to_string(), minute.div_euclid(width) * width);
        groups.entry(key).or_default().push(level.map(f64::from));
    }
    let mean = |station: &str, bucket: i64| -> Option<f64> {
        let values = groups.get(&(station.to_owned(), bucket))?;
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    let mut stations: Vec<String> = groups.keys().map(|(station, _)| station.clone()).collect();
    stations.dedup();
    let mut answer = Vec::new();
    for station in stations {
        let own: Vec<i64> =
            groups.keys().filter(|(of, _)| *of == station).map(|(_, bucket)| *bucket).collect();
        let (first, last) = match range {
            Some((from, to)) => (from.div_euclid(width) * width, to - 1),
            None => (own[0], own[own.len() - 1]),
        };
        let mut bucket = first;
        while bucket <= last {
            let here = mean(&station, bucket);
            let before = own
                .iter()
                .rev()
                .filter(|b| **b < bucket)
                .find_map(|b| Some((*b, mean(&station, *b)?)));
            let after =
                own.iter().filter(|b| **b > bucket).find_map(|b| Some((*b, mean(&station, *b)?)));
            let near = |length: i64| gap.is_none_or(|gap| length <= gap);
            let carried = here.or(before.filter(|(at, _)| near(bucket - at)).map(|(_, v)| v));
            let line = before.zip(after).filter(|((from, _), (to, _))| near(to - from));
            let line = line.map(|((from, left), (to, right))| {
                left + (right - left) * ((bucket - from) as f64 / (to - from) as f64)
            });
            let n = groups.get(&(station.clone(), bucket)).map(|values| values.len() as i64);
            answer.push((station.clone(), bucket, n, here, carried, here.or(line)));
            bucket += width;
        }
    }
    answer
}

fn told(rows: &[Filled]) -> Vec<String> {
    let number = |value: &Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.6}"));
    rows.iter()
        .map(|(station, bucket, n, mean, carried, line)| {
            let n = n.map_or("-".to_owned(), |n| n.to_string());
            format!("{station} {bucket} {n} {} {} {}", number(mean), number(carried), number(line))
        })
        .collect()
}

async fn asked(bench: &Bench, sql: &str) -> Vec<String> {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
    let mut rows = Vec::new();
    for batch in bench.batches(sql).await.unwrap() {
        let stations =
            arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8).unwrap();
        let stations = stations.as_string::<i32>();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>();
        let counts = batch.column(2).as_primitive::<Int64Type>();
        let number = |column: usize, row: usize| {
            let column = batch.column(column).as_primitive::<Float64Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        for row in 0..batch.num_rows() {
            rows.push((
                stations.value(row).to_owned(),
                (times.value(row) - APRIL) / MINUTE,
                counts.is_valid(row).then(|| counts.value(row)),
                number(3, row),
                number(4, row),
                number(5, row),
            ));
        }
    }
    told(&rows)
}

#[test]
fn filled_gaps_are_those_of_a_brute_force() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let level = prop::option::weighted(0.7, -9_i8..9);
    let rows = prop::collection::btree_map((0_u8..4, -200_i64..400), level, 0..40);
    let asked_for = (
        rows,
        prop::sample::select(vec![1_i64, 5, 10, 60]),
        prop::option::of((-250_i64..100, 100_i64..450)),
        prop::option::of(prop::sample::select(vec![5_i64, 20, 60])),
    );
    let mut runner = TestRunner::new(ProptestConfig { cases: 60, ..ProptestConfig::default() });
    runner
        .run(&asked_for, |(rows, width, range, gap)| {
            let rows: Rows =
                rows.into_iter().map(|((station, minute), level)| (station, minute, level)).collect();
            let expected = told(&by_hand(&rows, width, range, gap));
            let instant = |minute: i64| {
                let time = chrono::DateTime::from_timestamp_micros(APRIL + minute * MINUTE).unwrap();
                time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
            };
            let filter = range.map_or_else(String::new, |(from, to)| {
                format!("WHERE time >= '{}' AND time < '{}'", instant(from), instant(to))
            });
            let gap = gap.map_or_else(String::new, |gap| format!(", INTERVAL '{gap} minutes'"));
            let sql = format!(
                "SELECT station, time_bucket_gapfill(INTERVAL '{width} minutes', time) AS bucket, count(*), \
                 avg(level), locf(avg(level){gap}), interpolate(avg(level){gap}) FROM a.levels {filter} \
                 GROUP BY station, bucket ORDER BY station, bucket"
            );
            let answer = runtime.block_on(async { asked(&levels(&rows).await, &sql).await });
            prop_assert_eq!(answer, expected);
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn both_ways_of_filling_may_stand_in_arithmetic_and_be_filtered() {
    let rows = vec![(1, 0, Some(1)), (1, 185, Some(4)), (2, 60, Some(7)), (2, 125, None)];
    let bench = levels(&rows).await;
    let sql = "SELECT time_bucket_gapfill('1 hour', time) AS hour, station, \
               coalesce(count(*), 0) AS n, locf(avg(level)) * 10 + interpolate(avg(level)) AS both, \
               avg(level) IS NULL AND locf(avg(level)) IS NOT NULL AS filled \
               FROM a.levels GROUP BY 1, 2 HAVING locf(avg(level)) > 0 ORDER BY 2, 1";
    insta::assert_snapshot!(bench.show(sql).await, @r"
    +---------------------------+---------+---+------+--------+
    | hour                      | station | n | both | filled |
    +---------------------------+---------+---+------+--------+
    | 2024-04-01T00:00:00+09:00 | 1       | 1 | 11.0 | false  |
    | 2024-04-01T01:00:00+09:00 | 1       | 0 | 12.0 | true   |
    | 2024-04-01T02:00:00+09:00 | 1       | 0 | 13.0 | true   |
    | 2024-04-01T03:00:00+09:00 | 1       | 1 | 44.0 | false  |
    | 2024-04-01T01:00:00+09:00 | 2       | 1 | 77.0 | false  |
    | 2024-04-01T02:00:00+09:00 | 2       | 1 |      | true   |
    +---------------------------+---------+---+------+--------+
    ");
    // A subquery around it knows that what is made has no count.
    let sql = "SELECT sum(coalesce(n, 100)) FROM (SELECT time_bucket_gapfill('1 hour', time) AS h, \
               station, count(*) AS n FROM a.levels GROUP BY 1, 2)";
    assert_eq!(bench.value(sql).await, "204");
}

#[tokio::test]
async fn a_range_is_filled_from_end_to_end_and_months_by_the_calendar() {
    let bench = levels(&vec![(1, 0, Some(1))]).await;
    for (condition, rows) in [
        ("time >= '2024-03-31' AND time < '2024-04-03'", "72"),
        ("time > '2024-03-31' AND '2024-04-02 23:00' >= time", "72"),
        ("time BETWEEN '2024-04-01' AND '2024-04-01 05:00'", "6"),
        (
            "time >= TIMESTAMP '2024-04-01 00:00:00' AND time < '2024-04-01'::timestamptz + INTERVAL '1 day'",
            "24",
        ),
        ("time >= '2024-03-31'", "1"),
        ("time >= '2024-03-31' AND time < '2024-04-03' AND time >= '2024-04-01'", "48"),
    ] {
        let sql = format!(
            "SELECT count(*) FROM (SELECT station, time_bucket_gapfill('1 hour', time), count(*) \
             FROM a.levels WHERE {condition} GROUP BY 1, 2)"
        );
        assert_eq!(bench.value(&sql).await, rows, "{condition}");
    }
    let sql = "SELECT string_agg(to_char(b, '%m-%d'), ' ' ORDER BY b) FROM (SELECT \
               time_bucket_gapfill('1 month', time, '2024-01-15', '2024-06-01') AS b, count(*) \
               FROM a.levels GROUP BY 1)";
    assert_eq!(bench.value(sql).await, "01-01 02-01 03-01 04-01 05-01");
    // Without keys the one series is known also where it has no rows.
    let sql = "SELECT count(*) FROM (SELECT time_bucket_gapfill('1 day', time) AS b, avg(level) FROM a.levels \
               WHERE time >= '2030-01-01' AND time < '2030-02-01' GROUP BY 1)";
    assert_eq!(bench.value(sql).await, "31");
    let sql = "SELECT count(*) FROM (SELECT station, time_bucket_gapfill('1 day', time) AS b, avg(level) \
               FROM a.levels WHERE time >= '2030-01-01' AND time < '2030-02-01' GROUP BY 1, 2)";
    assert_eq!(bench.value(sql).await, "0");
    let sql = "SELECT string_agg(d::text, ' ' ORDER BY d) FROM (SELECT time_bucket_gapfill('1 day', d) AS d \
               FROM (VALUES (DATE '2024-02-28'), (DATE '2024-03-01'), (NULL)) v(d) GROUP BY 1)";
    assert_eq!(bench.value(sql).await, "2024-02-28 2024-02-29 2024-03-01");
}

#[tokio::test]
async fn a_wrong_use_is_refused_with_the_right_form() {
    let bench = levels(&vec![(1, 0, Some(1))]).await;
    for sql in [
        "SELECT time_bucket_gapfill('1 hour', time) FROM a.levels",
        "SELECT count(*) FROM a.levels WHERE time_bucket_gapfill('1 hour', time) > '2024-01-01'",
        "SELECT time_bucket_gapfill('1 hour', time), time_bucket_gapfill('1 day', time), count(*) \
         FROM a.levels GROUP BY 1, 2",
        "SELECT date_trunc('day', time_bucket_gapfill('1 hour', time)), count(*) FROM a.levels GROUP BY 1",
        "SELECT time_bucket_gapfill('1 hour', time), station, count(*) FROM a.levels GROUP BY \
         ROLLUP (time_bucket_gapfill('1 hour', time), station)",
        "SELECT locf(level) FROM a.levels",
        "SELECT time_bucket('1 hour', time), locf(avg(level)) FROM a.levels GROUP BY 1",
        "SELECT time_bucket_gapfill('1 hour', time), locf(interpolate(avg(level))) FROM a.levels GROUP BY 1",
        "SELECT time_bucket_gapfill('1 hour', time), avg(locf(level)) FROM a.levels GROUP BY 1",
        "SELECT time_bucket_gapfill('1 hour', time, '2024-01-01'), count(*) FROM a.levels GROUP BY 1",
    ] {
        let error = bench.error(sql).await;
        assert_eq!(error.kind(), ErrorKind::SqlInvalid, "{sql}: {error}");
        assert!(error.to_string().contains("GROUP BY 1, 2"), "{sql}: {error}");
    }
    for (sql, said) in [
        (
            "SELECT time_bucket_gapfill('1 hour', time), locf(avg(level), '1 month') FROM a.levels GROUP BY 1",
            "one length",
        ),
        (
            "SELECT time_bucket_gapfill('1 hour', time), interpolate(min(station)) FROM a.levels GROUP BY 1",
            "number",
        ),
    ] {
        let error = bench.error(sql).await;
        assert!(error.to_string().contains(said), "{sql}: {error}");
    }
}

#[tokio::test]
async fn what_would_make_too_many_rows_is_stopped() {
    let bench = levels(&vec![(1, 0, Some(1)), (1, 60 * 24 * 365 * 20, Some(1))]).await;
    for sql in [
        "SELECT time_bucket_gapfill('1 second', time, '1900-01-01', '2100-01-01'), count(*) FROM a.levels GROUP BY 1",
        "SELECT max(n) FROM (SELECT time_bucket_gapfill('10 seconds', time), count(*) AS n FROM a.levels GROUP BY 1)",
    ] {
        let error = bench.error(sql).await;
        assert_eq!(error.kind(), ErrorKind::SqlTooComplex, "{sql}: {error}");
        assert!(error.to_string().contains("longer buckets"), "{error}");
    }
}

#[tokio::test]
async fn sorted_files_stream_through_and_conditions_on_series_reach_them() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市", "仁木"], APRIL, 72)]).await;
    let plan = bench
        .plan(
            "SELECT * FROM (SELECT station, time_bucket_gapfill('1 hour', time) AS hour, avg(level) AS level, \
             max(samples) FROM otaru.river GROUP BY 1, 2) WHERE station = '余市' ORDER BY station, hour",
        )
        .await;
    let (above, _) = plan.split_once("GapFillExec").expect("gaps are filled");
    assert!(!above.contains("SortExec"), "{plan}");
    assert!(plan.contains("ordering_mode=Sorted"), "{plan}");
    assert!(plan.contains("predicate="), "{plan}");
    // What nobody reads is not computed.
    let plan = bench
        .plan("SELECT h FROM (SELECT time_bucket_gapfill('1 hour', time) AS h, avg(level) FROM otaru.river GROUP BY 1)")
        .await;
    assert!(!plan.contains("avg"), "{plan}");
}
