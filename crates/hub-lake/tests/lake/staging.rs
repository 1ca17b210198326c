//! Staging as its callers see it: any amount of rows in any order become files that each cover a span
//! of time and are sorted inside, and repeated keys are found wherever they are.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use hub_lake::{Lake, SnapshotAt, StageOptions, StageOutcome};
use hub_model::{Contract, UploadMode};
use proptest::{prelude::*, test_runner::Config};

use crate::support::*;

/// So little memory that everything is divided and goes through the scratch file.
fn tiny(scratch: &std::path::Path) -> StageOptions {
    StageOptions {
        scratch: scratch.to_owned(),
        memory_bytes: 4096,
        file_rows: 100,
        ..StageOptions::default()
    }
}

async fn publish_batches(
    lake: &Lake,
    name: &str,
    batches: &[Vec<Row>],
    options: StageOptions,
) -> (StageOutcomeSummary, Vec<Row>) {
    let id = dataset(name);
    lake.create(&id, &contract()).await.unwrap();
    let mut first_row = 2;
    let batches: Vec<_> = batches
        .iter()
        .map(|rows| {
            let numbered = (batch(rows), first_row);
            first_row += rows.len() as u64;
            numbered
        })
        .collect();
    let StageOutcome { staged, duplicates } =
        stage_with(lake, &id, &contract(), batches, options).await.unwrap();
    lake.commit(staged, publication(UploadMode::Append)).await.unwrap();
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    let rows = read(lake, &snapshot).await;
    let spans = snapshot
        .files
        .iter()
        .map(|file| {
            let time = &file.columns["time"];
            let of = |bound: &Option<hub_lake::Bound>| match bound {
                Some(hub_lake::Bound::Instant(value)) => *value,
                other => panic!("{other:?}"),
            };
            (of(&time.minimum), of(&time.maximum), file.rows)
        })
        .collect();
    (StageOutcomeSummary { spans, duplicates }, rows)
}

struct StageOutcomeSummary {
    /// Least time, greatest time and rows of each file.
    spans: Vec<(i64, i64, u64)>,
    duplicates: hub_lake::Duplicates,
}

#[tokio::test(flavor = "multi_thread")]
async fn large_uploads_become_files_of_disjoint_spans() {
    let scratch = tempfile::tempdir().unwrap();
    let lake = Lake::on_store(Arc::new(object_store::memory::InMemory::new()));
    let stations = ["b", "a", "d", "c"];
    // Station by station, as one agency sends it, and hour by hour, as another does.
    let by_station: Vec<_> = stations.iter().map(|s| series(s, 0, 500)).collect();
    let by_hour: Vec<Vec<Row>> =
        (0..500).map(|hour| stations.iter().flat_map(|s| series(s, hour, 1)).collect()).collect();
    let expected = sorted(by_station.concat());
    for (name, batches) in [("by_station", by_station), ("by_hour", by_hour)] {
        let (found, rows) = publish_batches(&lake, name, &batches, tiny(scratch.path())).await;
        assert_eq!(rows, expected, "{name}");
        assert_eq!(found.duplicates.count, 0, "{name}");
        let mut spans = found.spans;
        spans.sort_unstable();
        assert!(spans.len() > 4, "{name}: {spans:?}");
        assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "{name}: {spans:?}");
        assert!(spans.iter().all(|span| span.2 < 1000), "{name}: {spans:?}");
    }
    let left = std::fs::read_dir(scratch.path()).unwrap().count();
    assert_eq!(left, 0, "scratch files are left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_far_away_does_not_spoil_the_spans() {
    let scratch = tempfile::tempdir().unwrap();
    let lake = Lake::on_store(Arc::new(object_store::memory::InMemory::new()));
    let far = [series("a", -1_000_000, 1), series("a", 60_000_000, 1)].concat();
    let batches = [far, series("a", 0, 1000), series("b", 0, 1000)];
    let (found, rows) = publish_batches(&lake, "far", &batches, tiny(scratch.path())).await;
    assert_eq!(rows, sorted(batches.concat()));
    assert!(found.spans.len() > 4, "{:?}", found.spans);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_keys_are_found_and_the_first_are_named() {
    let scratch = tempfile::tempdir().unwrap();
    let lake = Lake::on_store(Arc::new(object_store::memory::InMemory::new()));
    // Rows 2–1001, and again 300 of them as rows 1002–1301, then the first row once more.
    let first = series("a", 0, 1000);
    let again = first[600..900].to_vec();
    let once_more = vec![first[0].clone()];
    let batches = [first, again, once_more];
    let mut options = tiny(scratch.path());
    options.duplicate_examples = 3;
    let (found, rows) = publish_batches(&lake, "repeated", &batches, options).await;
    assert_eq!(rows.len(), 1301);
    assert_eq!(found.duplicates.count, 301);
    assert_eq!(found.duplicates.examples, [(602, 1002), (603, 1003), (604, 1004)]);
}

fn keyed(fields: &str) -> Contract {
    Contract::parse(format!("{{\"fields\":[{fields}],\"primaryKey\":[\"code\"]}}").as_bytes())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_a_time_is_divided_by_its_key() {
    let scratch = tempfile::tempdir().unwrap();
    let lake = Lake::on_store(Arc::new(object_store::memory::InMemory::new()));
    let contract = keyed(r#"{"name":"code","type":"string"},{"name":"people","type":"integer"}"#);
    let id = dataset("municipalities");
    lake.create(&id, &contract).await.unwrap();
    let rows = |from: i64, to: i64| {
        let columns: Vec<ArrayRef> = vec![
            // Neither in order nor in the order of numbers.
            Arc::new(StringArray::from_iter_values(
                (from..to).map(|i| format!("{:05}", (i * 7919) % 10_007)),
            )),
            Arc::new(Int64Array::from_iter_values(from..to)),
        ];
        (RecordBatch::try_new(contract.storage_schema(), columns).unwrap(), from as u64)
    };
    let batches = vec![rows(1, 1001), rows(1001, 3001), rows(500, 501)];
    let outcome = stage_with(&lake, &id, &contract, batches, tiny(scratch.path())).await.unwrap();
    assert_eq!(outcome.duplicates.count, 1);
    assert_eq!(outcome.duplicates.examples[0].1, 500);
    lake.commit(outcome.staged, publication(UploadMode::Append)).await.unwrap();
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!(snapshot.rows(), 3001);
    let mut spans: Vec<_> = snapshot
        .files
        .iter()
        .map(|file| match (&file.columns["code"].minimum, &file.columns["code"].maximum) {
            (Some(hub_lake::Bound::Text(a)), Some(hub_lake::Bound::Text(b))) => (a, b),
            other => panic!("{other:?}"),
        })
        .collect();
    spans.sort();
    assert!(spans.len() > 4, "{spans:?}");
    assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "{spans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_break_the_schema_are_refused() {
    let lake = Lake::on_store(Arc::new(object_store::memory::InMemory::new()));
    let id = dataset("wrong");
    lake.create(&id, &contract()).await.unwrap();
    let wrong = RecordBatch::try_from_iter([(
        "station",
        Arc::new(StringArray::from(vec!["a"])) as ArrayRef,
    )])
    .unwrap();
    let refused =
        stage_with(&lake, &id, &contract(), vec![(wrong, 1)], StageOptions::default()).await;
    assert!(refused.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scratch_folder_that_is_gone_is_named_as_the_cause() {
    let lake = Lake::on_store(Arc::new(object_store::memory::InMemory::new()));
    let id = dataset("scratchless");
    lake.create(&id, &contract()).await.unwrap();
    let gone = tempfile::tempdir().unwrap().path().to_owned();
    let rows = batch(&series("a", 0, 5000));
    let error =
        stage_with(&lake, &id, &contract(), vec![(rows.clone(), 1), (rows, 1)], tiny(&gone))
            .await
            .unwrap_err();
    assert!(error.to_string().contains("scratch"), "{error}");
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    /// Whatever comes in comes out, in any order, amount and batches, with gaps and repetitions.
    #[test]
    fn what_is_staged_is_what_is_read(
        rows in proptest::collection::vec(
            ("[a-c]{1,2}", prop_oneof![0i64..400, -17_000_000i64..70_000_000], any::<bool>()),
            1..700,
        ),
        at_once in 1usize..300,
        file_rows in 20usize..400,
        memory_bytes in prop_oneof![Just(2048usize), Just(1 << 20)],
    ) {
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(station, hour, known)| (station, hour * HOUR, known.then_some(hour as f64)))
            .collect();
        let batches: Vec<Vec<Row>> = rows.chunks(at_once).map(<[Row]>::to_vec).collect();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let options =
            StageOptions { file_rows, memory_bytes, ..tiny(scratch.path()) };
        let lake = Lake::on_store(Arc::new(object_store::memory::InMemory::new()));
        let (found, read) = runtime.block_on(publish_batches(&lake, "any", &batches, options));
        let keys: std::collections::HashSet<_> = rows.iter().map(|r| (r.0.clone(), r.1)).collect();
        prop_assert_eq!(found.duplicates.count, (rows.len() - keys.len()) as u64);
        prop_assert_eq!(read.len(), rows.len());
        let counted = |rows: &[Row]| {
            let mut rows: Vec<_> = rows.iter().map(|r| format!("{r:?}")).collect();
            rows.sort();
            rows
        };
        prop_assert_eq!(counted(&read), counted(&rows));
    }
}
