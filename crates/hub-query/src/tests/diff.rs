//! Versions against each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, UInt32Array},
    compute::take_record_batch,
    datatypes::Float64Type,
    util::pretty::pretty_format_batches,
};
use futures::TryStreamExt;
use hub_lake::Snapshot;
use hub_model::Contract;
use proptest::{collection::vec, prelude::*};

use crate::{
    DiffRequest, EngineConfig, QueryError, ReadableTable,
    tests::support::{APRIL, Bench, HOUR, RIVER, river, small},
};

/// The rows of a day with another level for some.
fn revised(batch: &RecordBatch, revise: impl Fn(usize) -> Option<f64>) -> RecordBatch {
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    let level: Float64Array = (0..batch.num_rows()).map(revise).collect();
    columns[2] = Arc::new(level);
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

/// A snapshot of some of the table's files.
fn of_files(all: &Snapshot, files: &[usize]) -> Snapshot {
    let files = files.iter().map(|place| all.files[*place].clone());
    Snapshot { files: files.collect(), ..all.clone() }
}

/// What these files of a table differ in from those.
fn between(table: &ReadableTable, old: &[usize], new: &[usize]) -> DiffRequest {
    DiffRequest {
        contract: Arc::clone(&table.contract),
        old: of_files(&table.snapshot, old),
        new: of_files(&table.snapshot, new),
        limit: None,
    }
}

async fn show(bench: &Bench, request: DiffRequest) -> String {
    let batches: Vec<RecordBatch> =
        bench.engine.diff(request).await.unwrap().try_collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

#[tokio::test]
async fn rows_are_added_changed_and_removed_and_only_other_files_are_read() {
    let mut bench = Bench::new(small());
    let (first, second) = (river(&["余市"], APRIL, 3), river(&["余市"], APRIL + 3 * HOUR, 2));
    let changed = revised(&first, |row| [Some(0.0), None, Some(7.5)][row]);
    bench
        .add("otaru.river", RIVER, &[first, second, changed.slice(0, 2), changed.slice(2, 1)])
        .await;
    let table = &bench.tables[0];
    let request = |old: &[usize], new: &[usize]| between(table, old, new);
    let before = bench.engine.gauges().files_scanned;
    insta::assert_snapshot!(show(&bench, request(&[0, 1], &[1, 2, 3])).await, @"
    +---------+--------+---------------------------+-----------+-----------+----------+----------+-------------+-------------+
    | change  | 観測所 | 時刻                      | level_old | level_new | 流量_old | 流量_new | samples_old | samples_new |
    +---------+--------+---------------------------+-----------+-----------+----------+----------+-------------+-------------+
    | changed | 余市   | 2024-04-01T01:00:00+09:00 | 1.0       |           | 2.0      | 2.0      | 1           | 1           |
    | changed | 余市   | 2024-04-01T02:00:00+09:00 | 2.0       | 7.5       | 4.0      | 4.0      | 2           | 2           |
    +---------+--------+---------------------------+-----------+-----------+----------+----------+-------------+-------------+
    ");
    assert_eq!(bench.engine.gauges().files_scanned - before, 3, "the shared file is not read");
    let only = async |old: &[usize], new: &[usize]| {
        let shown = show(&bench, request(old, new)).await;
        let changes = shown.lines().skip(3).filter_map(|line| line.split_whitespace().nth(1));
        changes.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(only(&[0], &[0, 1]).await, ["added", "added"]);
    assert_eq!(only(&[1, 3], &[3]).await, ["removed", "removed"]);
    assert_eq!(only(&[0, 1], &[2]).await, ["changed", "removed", "removed", "removed"]);
    // The same rows in other files are no difference.
    let whole = bench.table("otaru.joined", Arc::clone(&table.contract), &[changed]).await;
    let same = DiffRequest { new: whole.snapshot, ..request(&[2, 3], &[]) };
    let none: Vec<RecordBatch> =
        bench.engine.diff(same).await.unwrap().try_collect().await.unwrap();
    assert_eq!(none.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
    let limited = DiffRequest { limit: Some(1), ..request(&[0], &[]) };
    let rows: Vec<RecordBatch> =
        bench.engine.diff(limited).await.unwrap().try_collect().await.unwrap();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
}

#[tokio::test]
async fn a_dataset_without_a_key_cannot_be_compared() {
    let mut bench = Bench::new(small());
    let contract = RIVER.replace(r#""primaryKey":["観測所","時刻"]"#, r#""primaryKey":[]"#);
    bench.add("otaru.river", &contract, &[river(&["a"], APRIL, 1)]).await;
    let snapshot = &bench.tables[0].snapshot;
    let request = DiffRequest {
        contract: Arc::new(Contract::parse(contract.as_bytes()).unwrap()),
        old: snapshot.clone(),
        new: snapshot.clone(),
        limit: None,
    };
    let error = bench.engine.diff(request).await.unwrap_err();
    assert!(matches!(error, QueryError::InvalidRequest { .. }), "{error:?}");
}

#[tokio::test]
async fn a_replacement_of_many_rows_is_compared_as_a_stream() {
    let mut bench = Bench::new(small());
    let stations: Vec<String> = (0..40).map(|number| format!("station {number:03}")).collect();
    let names: Vec<&str> = stations.iter().map(String::as_str).collect();
    let old = river(&names, APRIL, 5_000);
    let new = revised(&old, |row| Some(row as f64 + 0.5));
    bench.add("otaru.river", RIVER, &[old, new]).await;
    let request = between(&bench.tables[0], &[0], &[1]);
    let mut stream = bench.engine.diff(request).await.unwrap();
    let mut rows = 0;
    while let Some(batch) = stream.try_next().await.unwrap() {
        assert_eq!(batch.column(0).null_count(), 0);
        rows += batch.num_rows();
    }
    assert_eq!(rows, 200_000);
}

/// Less memory than half a million rows need to be sorted or joined, and time for a slow machine.
fn tight() -> EngineConfig {
    EngineConfig {
        memory_bytes: 24 << 20,
        memory_bytes_per_query: 12 << 20,
        time_limit: Duration::from_secs(600),
        ..small()
    }
}

/// Rows of an answer, and those of them that are of this kind.
async fn count(bench: &Bench, request: DiffRequest, kind: &str) -> (usize, usize) {
    let mut stream = bench.engine.diff(request).await.unwrap();
    let (mut rows, mut of_kind) = (0, 0);
    while let Some(batch) = stream.try_next().await.unwrap() {
        rows += batch.num_rows();
        let changes = batch.column(0).as_string::<i32>();
        of_kind += changes.iter().flatten().filter(|change| *change == kind).count();
    }
    (rows, of_kind)
}

#[tokio::test]
async fn half_a_million_changed_rows_need_no_more_memory_than_a_few() {
    let mut bench = Bench::new(tight());
    let stations: Vec<String> = (0..100).map(|number| format!("station {number:03}")).collect();
    let names: Vec<&str> = stations.iter().map(String::as_str).collect();
    let old = river(&names, APRIL, 5_000);
    let new = revised(&old, |row| Some(row as f64 + 0.5));
    bench.add("otaru.river", RIVER, &[old, new]).await;
    let request = between(&bench.tables[0], &[0], &[1]);
    assert_eq!(count(&bench, request, "changed").await, (500_000, 500_000));
    assert_eq!(bench.engine.gauges().spilled_bytes, 0, "nothing goes by the disk");
}

#[tokio::test]
async fn more_overlapping_files_than_are_open_at_once_are_compared_too() {
    let mut bench = Bench::new(tight());
    let names: Vec<String> = (0..20).map(|number| format!("station {number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Each file has hours of every station, so that each overlaps each.
    let mut files: Vec<RecordBatch> =
        (0..60).map(|file| river(&names, APRIL + file * 100 * HOUR, 100)).collect();
    files.push(revised(&river(&names, APRIL, 6_000), |row| (row % 2 == 0).then_some(-1.0)));
    bench.add("otaru.river", RIVER, &files).await;
    let many: Vec<usize> = (0..60).collect();
    let request = between(&bench.tables[0], &many, &[60]);
    assert_eq!(count(&bench, request, "changed").await, (120_000, 120_000));
}

/// Rows of two stations by their hour, with a level for some.
type Rows = BTreeMap<(usize, u8), Option<i8>>;

/// A file of some of the rows.
fn file_of<'a>(rows: impl Iterator<Item = (&'a (usize, u8), &'a Option<i8>)>) -> RecordBatch {
    let rows: Vec<_> = rows.collect();
    let all = river(&["a", "b"], APRIL, 256);
    let places: Vec<u32> =
        rows.iter().map(|((station, hour), _)| (station * 256) as u32 + u32::from(*hour)).collect();
    let chosen = take_record_batch(&all, &UInt32Array::from(places)).unwrap();
    revised(&chosen, |row| rows[row].1.map(f64::from))
}

/// A row of a difference: what became of it, its station, and its level in both versions.
type Change = (String, String, Option<f64>, Option<f64>);

fn expected(old: &Rows, new: &Rows) -> Vec<Change> {
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let changed = keys.into_iter().filter(|key| old.get(key) != new.get(key));
    changed
        .map(|key| {
            let (before, after) = (old.get(key), new.get(key));
            let change = match (before, after) {
                (None, _) => "added",
                (_, None) => "removed",
                _ => "changed",
            };
            let level = |level: Option<&Option<i8>>| level.copied().flatten().map(f64::from);
            let station = ["a", "b"][key.0];
            (change.to_owned(), station.to_owned(), level(before), level(after))
        })
        .collect()
}

/// The rows in so many files that overlap; fewer where some would be empty.
fn divided(rows: &Rows, parts: usize) -> Vec<RecordBatch> {
    let files = (0..parts).map(|part| {
        let of_part = |((station, hour), _): &(&(usize, u8), &Option<i8>)| {
            (station + usize::from(*hour)) % parts == part
        };
        file_of(rows.iter().filter(of_part))
    });
    files.filter(|file| file.num_rows() > 0).collect()
}

async fn found(before: &[RecordBatch], after: &[RecordBatch]) -> Vec<Change> {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[before, after].concat()).await;
    let places: Vec<usize> = (0..before.len() + after.len()).collect();
    let (old, new) = places.split_at(before.len());
    let request = between(&bench.tables[0], old, new);
    let batches: Vec<RecordBatch> =
        bench.engine.diff(request).await.unwrap().try_collect().await.unwrap();
    let mut found = Vec::new();
    for batch in &batches {
        let text =
            |column: usize, row| batch.column(column).as_string::<i32>().value(row).to_owned();
        let level = |column: usize, row| {
            let levels = batch.column(column).as_primitive::<Float64Type>();
            levels.is_valid(row).then(|| levels.value(row))
        };
        let rows = 0..batch.num_rows();
        found.extend(rows.map(|row| (text(0, row), text(1, row), level(3, row), level(4, row))));
    }
    found
}

fn some_rows() -> impl Strategy<Value = Vec<((usize, u8), Option<i8>)>> {
    vec(((0..2usize, any::<u8>()), any::<Option<i8>>()), 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_difference_is_that_of_the_rows_however_they_are_divided_into_files(
        old in some_rows(),
        new in some_rows(),
        shared in some_rows(),
        parts in (1..4usize, 1..4usize),
    ) {
        let shared: Rows = shared.into_iter().collect();
        let [old, new]: [Rows; 2] = [old, new]
            .map(|rows| shared.iter().map(|(key, level)| (*key, *level)).chain(rows).collect());
        let (before, after) = (divided(&old, parts.0), divided(&new, parts.1));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        prop_assert_eq!(runtime.block_on(found(&before, &after)), expected(&old, &new));
    }
}
