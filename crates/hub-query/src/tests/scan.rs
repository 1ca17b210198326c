//! How scans choose and order files.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use hub_lake::{Bound, ColumnStatistics, DataFile};
use hub_model::Contract;

use crate::tests::support::{APRIL, Bench, HOUR, RIVER, river, small};

const DAY: i64 = 24 * HOUR;

async fn days(count: i64) -> Bench {
    let mut bench = Bench::new(small());
    let files: Vec<RecordBatch> =
        (0..count).map(|day| river(&["余市", "朝里"], APRIL + day * DAY, 24)).collect();
    bench.add("otaru.river", RIVER, &files).await;
    bench
}

#[tokio::test]
async fn files_outside_the_filter_are_not_read() {
    let bench = days(10).await;
    let scanned = async |sql: &str| {
        let before = bench.engine.gauges().files_scanned;
        bench.batches(sql).await.unwrap();
        bench.engine.gauges().files_scanned - before
    };
    let one = "SELECT * FROM otaru.river WHERE time >= '2024-04-03' AND time < '2024-04-04'";
    assert_eq!(scanned(one).await, 1);
    assert_eq!(scanned("SELECT * FROM otaru.river WHERE 時刻 < '2024-04-03'").await, 2);
    assert_eq!(scanned("SELECT * FROM otaru.river WHERE station = 'no such'").await, 0);
    assert_eq!(scanned("SELECT * FROM otaru.river").await, 10);
    assert_eq!(
        bench.batches("SELECT * FROM otaru.river WHERE station = 'x'").await.unwrap().len(),
        0
    );
}

/// One file of 20 stations' 1,000 hours: 40 groups of 512 rows, in pages of 64.
async fn stations(config: crate::EngineConfig) -> Bench {
    let names: Vec<String> = (0..20).map(|n| format!("s{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut bench = Bench::new(config);
    bench.add("otaru.river", RIVER, &[river(&names, APRIL, 1_000)]).await;
    bench
}

#[tokio::test]
async fn row_groups_and_pages_outside_the_filter_are_not_read() {
    let bench = stations(small()).await;
    let scanned = async |sql: &str| {
        let inner = &bench.engine.inner;
        let query = crate::parse(sql, &crate::SqlBounds::default()).unwrap();
        let environment = inner.environment_by_hand().await;
        let none = datafusion::common::ParamValues::List(Vec::new());
        let planned = inner.plan_sql(bench.request(query), none, environment).await.unwrap();
        crate::tests::support::Scanned::by(planned.plan, planned.context).await
    };
    let (rows, whole) = scanned("SELECT time, level FROM otaru.river WHERE level >= 0").await;
    assert_eq!((rows, whole.row_groups_pruned, whole.row_groups_read), (20_000, 0, 40));
    let day = "SELECT time, level FROM otaru.river WHERE station = 's07' \
               AND time >= '2024-04-11' AND time < '2024-04-12'";
    let (rows, day) = scanned(day).await;
    assert_eq!(rows, 24);
    // A station's hours lie in two or three groups of rows, and a day in one or two pages.
    assert!(day.row_groups_pruned >= 37, "{day:?}");
    assert!(day.row_groups_read <= 3, "{day:?}");
    assert!(day.pages_read <= 4 && day.pages_pruned >= 8, "{day:?}");
    assert!(day.bytes * 4 < whole.bytes, "{day:?} of {whole:?}");
}

#[tokio::test]
async fn filters_are_asked_inside_the_scan_where_they_name_keys() {
    let bench = stations(small()).await;
    for (condition, inside) in [
        ("station = 's07' AND level > 1", true),
        ("station IN ('s01', 's02', 's03', 's04', 's05')", true),
        ("station = 's07' OR station = 's08'", true),
        ("level > 1", false),
        ("station = 's07' OR level > 1", false),
        ("station > 's07'", false),
    ] {
        let sql = format!("SELECT sum(samples) FROM otaru.river WHERE {condition}");
        let plan = bench.plan(&sql).await;
        assert_eq!(!plan.contains("FilterExec"), inside, "{condition}: {plan}");
        assert!(plan.contains("predicate="), "{plan}");
    }
}

#[tokio::test]
async fn what_is_made_of_a_key_is_made_once_a_run() {
    let bench = stations(small()).await;
    let codes = "(SELECT DISTINCT 'x' || substr(station, 2) AS code FROM otaru.river)";
    let sql = format!(
        "SELECT c.code, count(*) AS n, max(r.time) - min(r.time) AS span FROM {codes} c \
         JOIN otaru.river r ON c.code = 'x' || substr(r.station, 2) \
         WHERE r.level IS NOT NULL GROUP BY 1 ORDER BY 1"
    );
    let of_rows =
        sql.replace("substr(r.station, 2)", "substr(r.station, 2 + r.samples - r.samples)");
    for (sql, by_runs) in [(&sql, 2), (&of_rows, 1)] {
        let plan = bench.plan(sql).await;
        assert_eq!(plan.matches("by runs").count(), by_runs, "{plan}");
    }
    let shown = bench.show(&sql).await;
    assert!(shown.contains("| x19 "), "{shown}");
    assert_eq!(shown, bench.show(&of_rows).await);
    // What is said of the key's column is said of its cast, too.
    let mut codes = Bench::new(small());
    codes.add("otaru.river", RIVER, &[river(&["16217", "21322"], APRIL, 24)]).await;
    let cast = "SELECT CAST(station AS BIGINT) AS code, level FROM otaru.river WHERE level >= 0";
    let plan = codes.plan(cast).await;
    assert!(plan.contains("by runs"), "{plan}");
    assert!(codes.show(cast).await.contains("| 21322 "));
    // Short runs, and rows without a key, are computed one by one.
    let mut bench = Bench::new(small());
    let names: Vec<String> = (0..200).map(|n| format!("s{n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bench.add("otaru.river", RIVER, &[river(&names, APRIL, 2)]).await;
    let join = "SELECT count(*), count(DISTINCT a.station) FROM otaru.river a \
                JOIN otaru.river b ON upper(a.station) || '!' = 'S' || substr(b.station, 2) || '!' \
                WHERE a.level >= 0 AND b.level >= 0";
    let plan = bench.plan(join).await;
    assert!(plan.contains("by runs"), "{plan}");
    let shown = bench.show(join).await;
    assert!(shown.contains("| 800 ") && shown.contains("| 200 "), "{shown}");
}

#[tokio::test]
async fn counts_and_exact_extremes_come_from_statistics() {
    let bench = days(3).await;
    let plan = bench.plan("SELECT count(*), min(time), max(level) FROM otaru.river").await;
    assert!(!plan.contains("DataSourceExec: file"), "{plan}");
    assert_eq!(bench.value("SELECT count(*) FROM otaru.river").await, "144");
    assert_eq!(bench.value("SELECT count(流量) FROM otaru.river").await, "126");
}

#[tokio::test]
async fn inexact_extremes_are_read_from_the_rows() {
    let mut bench = days(2).await;
    let rounded: Vec<DataFile> = bench.tables[0]
        .snapshot
        .files
        .iter()
        .cloned()
        .map(|mut file| {
            let time = file.columns.get_mut("time").unwrap();
            time.exact = false;
            // As the log does: rounded down to thousandths, for the greatest too.
            let round = |bound: &Option<Bound>| match bound {
                Some(Bound::Instant(us)) => Some(Bound::Instant(us - 500)),
                other => other.clone(),
            };
            time.minimum = round(&time.minimum);
            time.maximum = round(&time.maximum);
            file
        })
        .collect();
    bench.tables[0].snapshot.files = rounded.into();
    assert_eq!(bench.value("SELECT max(time) FROM otaru.river").await, "2024-04-02T23:00:00+09:00");
    let last = "SELECT count(*) FROM otaru.river WHERE time >= '2024-04-02T23:00:00+09:00'";
    assert_eq!(bench.value(last).await, "2");
}

#[tokio::test]
async fn the_order_of_the_files_spares_a_sort() {
    let bench = days(4).await;
    let plan = bench.plan("SELECT * FROM otaru.river ORDER BY station, time").await;
    assert!(!plan.contains("SortExec"), "{plan}");
    assert!(plan.contains("SortPreservingMergeExec"), "{plan}");
    let batches = bench.batches("SELECT * FROM otaru.river ORDER BY station, time").await.unwrap();
    let all = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    let sorted = arrow::compute::lexsort_to_indices(
        &[0, 1].map(|at| arrow::compute::SortColumn {
            values: Arc::clone(all.column(at)),
            options: None,
        }),
        None,
    )
    .unwrap();
    assert!(sorted.values().iter().enumerate().all(|(at, from)| at as u32 == *from));
    // Files of one station follow one another without overlap, and share a group.
    let mut bench = Bench::new(small());
    let files: Vec<RecordBatch> = (0..8).map(|d| river(&["a"], APRIL + d * DAY, 24)).collect();
    bench.add("otaru.river", RIVER, &files).await;
    let plan = bench.plan("SELECT * FROM otaru.river ORDER BY station, time").await;
    assert!(plan.contains("2 groups") || plan.contains("1 group"), "{plan}");
    assert!(!plan.contains("SortExec"), "{plan}");
}

#[tokio::test]
async fn missing_values_in_a_sort_column_do_not_break_the_order() {
    // Two files whose bounds follow one another; the first ends with a row without a time.
    let contract = Arc::new(
        Contract::parse(
            br#"{"fields":[{"name":"t","type":"integer","role":"key"},{"name":"v","type":"integer"}]}"#,
        )
        .unwrap(),
    );
    let file = |t: Vec<Option<i64>>| {
        let v: Vec<i64> = (0..t.len() as i64).collect();
        RecordBatch::try_new(
            contract.storage_schema(),
            vec![
                Arc::new(arrow::array::Int64Array::from(t)),
                Arc::new(arrow::array::Int64Array::from(v)),
            ],
        )
        .unwrap()
    };
    let mut bench = Bench::new(small());
    let files = [file(vec![Some(1), Some(2), None]), file(vec![Some(3), Some(4)])];
    let table = bench.table("a.b", Arc::clone(&contract), &files).await;
    bench.tables.push(table);
    let batches = bench.batches("SELECT t FROM a.b ORDER BY t").await.unwrap();
    let all = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    let t: Vec<_> =
        arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(all.column(0))
            .iter()
            .collect();
    assert_eq!(t, [Some(1), Some(2), Some(3), Some(4), None]);
}

#[tokio::test]
async fn a_file_from_before_a_column_answers_with_no_value() {
    let mut bench = Bench::new(small());
    let whole = river(&["余市"], APRIL + DAY, 24);
    let old = river(&["余市"], APRIL, 24).project(&[0, 1, 2]).unwrap();
    bench.add("otaru.river", RIVER, &[old, whole]).await;
    let count = "SELECT count(*) FROM otaru.river WHERE samples IS NULL";
    assert_eq!(bench.value(count).await, "24");
    assert_eq!(bench.value("SELECT count(samples) FROM otaru.river").await, "24");
    assert_eq!(bench.value("SELECT max(samples) FROM otaru.river").await, "23");
    assert_eq!(bench.value("SELECT count(*) FROM otaru.river WHERE samples > 5").await, "18");
    let sums = "SELECT sum(samples), sum(流量) IS NOT NULL FROM otaru.river WHERE level >= 0";
    assert_eq!(bench.value(sums).await, "276");
}

#[tokio::test]
async fn a_dataset_without_files_is_an_empty_table() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[]).await;
    assert_eq!(bench.value("SELECT count(*) FROM otaru.river").await, "0");
    let stream = bench.start("SELECT time, level FROM otaru.river").await.unwrap();
    assert_eq!(stream.schema().field(1).metadata()["unit"], "m");
}

#[tokio::test]
async fn a_file_without_statistics_is_read() {
    let mut bench = days(3).await;
    let bare: Vec<DataFile> = bench.tables[0]
        .snapshot
        .files
        .iter()
        .cloned()
        .map(|mut file| {
            file.columns.values_mut().for_each(|c| *c = ColumnStatistics::default());
            file
        })
        .collect();
    bench.tables[0].snapshot.files = bare.into();
    let sql = "SELECT count(*) FROM otaru.river WHERE time >= '2024-04-03'";
    assert_eq!(bench.value(sql).await, "48");
    let ordered =
        bench.batches("SELECT time FROM otaru.river ORDER BY station, time").await.unwrap();
    assert_eq!(ordered.iter().map(|b| b.column(0).len()).sum::<usize>(), 144);
}
