//! Versions against each other.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, Float64Array, RecordBatch},
    util::pretty::pretty_format_batches,
};
use futures::TryStreamExt;
use hub_lake::Snapshot;
use hub_model::Contract;

use crate::{
    DiffRequest, QueryError,
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
    let (all, contract) = (&bench.tables[0].snapshot, &bench.tables[0].contract);
    let request = |old: &[usize], new: &[usize]| DiffRequest {
        contract: Arc::clone(contract),
        old: of_files(all, old),
        new: of_files(all, new),
        limit: None,
    };
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
    let whole = bench.table("otaru.joined", Arc::clone(contract), &[changed]).await;
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
    let table = &bench.tables[0];
    let request = DiffRequest {
        contract: Arc::clone(&table.contract),
        old: of_files(&table.snapshot, &[0]),
        new: of_files(&table.snapshot, &[1]),
        limit: None,
    };
    let mut stream = bench.engine.diff(request).await.unwrap();
    let mut rows = 0;
    while let Some(batch) = stream.try_next().await.unwrap() {
        assert_eq!(batch.column(0).null_count(), 0);
        rows += batch.num_rows();
    }
    assert_eq!(rows, 200_000);
}
