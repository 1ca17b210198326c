//! Revisions: rows renewed by key and by period, held against a plain model of what they should come to.

use std::sync::Arc;

use arrow::array::{Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use hub_lake::{
    CompactOptions, Lake, LakeError, SnapshotAt, StageOptions, StoredKeys, WithdrawRequest,
};
use hub_model::{Contract, ErrorKind, UploadMode};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::support::*;

/// Files of few rows, so that an upload makes several.
fn many_files() -> StageOptions {
    StageOptions { file_rows: 7, ..small_options() }
}

async fn publish_in(
    lake: &Lake,
    id: &hub_model::DatasetId,
    mode: UploadMode,
    rows: &[Row],
    options: StageOptions,
) -> Result<hub_model::VersionRecord, LakeError> {
    let staged = stage_with(lake, id, &contract(), vec![(batch(rows), 2)], options).await?.staged;
    lake.commit(staged, publication(mode)).await
}

#[derive(Debug, Clone)]
enum Step {
    Publish(UploadMode, Vec<Row>, bool),
    Compact,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let level =
        proptest::option::of(prop_oneof![(0u8..3).prop_map(f64::from), Just(f64::NAN), Just(-0.0)]);
    let row = ((0u8..3), (0i64..12), level)
        .prop_map(|(station, hour, level)| (format!("s{station}"), hour * HOUR, level));
    let rows = proptest::collection::vec(row, 0..24).prop_map(|rows| {
        let mut seen = std::collections::HashSet::new();
        let distinct = rows.into_iter().filter(|row| seen.insert((row.0.clone(), row.1)));
        distinct.collect::<Vec<Row>>()
    });
    let mode = prop_oneof![
        3 => Just(UploadMode::Append),
        6 => Just(UploadMode::Upsert),
        3 => Just(UploadMode::ReplacePeriod),
        1 => Just(UploadMode::Replace),
    ];
    let step = prop_oneof![
        6 => (mode, rows, any::<bool>()).prop_map(|(mode, rows, small)| Step::Publish(mode, rows, small)),
        1 => Just(Step::Compact),
    ];
    proptest::collection::vec(step, 1..7)
}

/// NaN is no equal of itself in Rust, so levels are compared as they are stored.
fn bits(rows: &[Row]) -> Vec<(String, i64, Option<u64>)> {
    rows.iter().map(|row| (row.0.clone(), row.1, row.2.map(f64::to_bits))).collect()
}

#[test]
fn revisions_come_to_what_a_plain_model_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lake = Lake::on_store(Arc::new(object_store::memory::InMemory::new()));
    let number = std::sync::atomic::AtomicU32::new(0);
    let mut runner = TestRunner::new(ProptestConfig { cases: 96, ..ProptestConfig::default() });
    let ran = runner.run(&steps(), |steps| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let id = dataset(&format!("case_{number}"));
        runtime.block_on(async {
            lake.create(&id, &contract()).await.unwrap();
            let mut model = BitModel::default();
            for step in steps {
                match step {
                    Step::Compact => {
                        let options =
                            CompactOptions { at_least_files: 2, ..CompactOptions::default() };
                        lake.compact(&id, &options).await.unwrap();
                    }
                    Step::Publish(mode, rows, small) => {
                        let options = if small { many_files() } else { small_options() };
                        let stored: Vec<u64> = rows
                            .iter()
                            .enumerate()
                            .filter(|(_, row)| mode == UploadMode::Append && model.holds(row))
                            .map(|(place, _)| place as u64 + 2)
                            .collect();
                        let published = publish_in(&lake, &id, mode, &rows, options).await;
                        if stored.is_empty() {
                            let expected = model.publish(mode, &rows);
                            prop_assert_eq!(counts(&published.unwrap()), expected);
                        } else {
                            let Err(LakeError::KeysStored { keys, .. }) = published else {
                                panic!("{published:?}")
                            };
                            let count = stored.len() as u64;
                            prop_assert_eq!(keys, StoredKeys { count, rows: stored });
                        }
                    }
                }
                let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
                prop_assert_eq!(bits(&read(&lake, &snapshot).await), model.rows());
            }
            Ok(())
        })
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}

/// [`Model`] with levels compared bit by bit.
#[derive(Debug, Default)]
struct BitModel(std::collections::BTreeMap<(String, i64), Option<u64>>);

impl BitModel {
    fn holds(&self, row: &Row) -> bool {
        self.0.contains_key(&(row.0.clone(), row.1))
    }

    fn publish(&mut self, mode: UploadMode, rows: &[Row]) -> Counts {
        let before = self.0.len();
        let times = rows.iter().map(|row| row.1);
        match (mode, times.clone().min(), times.max()) {
            (UploadMode::Replace, ..) => self.0.clear(),
            (UploadMode::ReplacePeriod, Some(first), Some(last)) => {
                self.0.retain(|(_, time), _| !(first..=last).contains(time));
            }
            _ => {}
        }
        let removed = (before - self.0.len()) as u64;
        let (mut added, mut changed, mut unchanged) = (0, 0, 0);
        for (station, time, level) in bits(rows) {
            match self.0.insert((station, time), level) {
                None => added += 1,
                Some(old) if old == level => unchanged += 1,
                Some(_) => changed += 1,
            }
        }
        [added, changed, removed, unchanged, self.0.len() as u64]
    }

    fn rows(&self) -> Vec<(String, i64, Option<u64>)> {
        let rows = self.0.iter();
        rows.map(|((station, time), level)| (station.clone(), *time, *level)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_files_that_hold_affected_rows_are_written_again() {
    let (lake, _, _folder) = folder();
    let id = dataset("touched");
    lake.create(&id, &contract()).await.unwrap();
    // Ten files, one after the other in time.
    for part in 0..10 {
        let rows = [series("a", part * 100, 100), series("b", part * 100, 100)].concat();
        publish(&lake, &id, UploadMode::Append, &rows).await;
    }
    let before = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    let paths = |snapshot: &hub_lake::Snapshot| {
        snapshot.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>()
    };

    // One old row is other, one is the same, and one is new: one file is renewed and one added.
    let mut revised = series("a", 350, 2);
    revised[0].2 = Some(-1.0);
    revised.extend(series("a", 5000, 1));
    let record = publish(&lake, &id, UploadMode::Upsert, &revised).await;
    assert_eq!(counts(&record), [1, 1, 0, 1, 2001]);
    let after = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    let kept = paths(&after).into_iter().filter(|path| paths(&before).contains(path)).count();
    assert_eq!((kept, after.files.len()), (9, 11));
    let rows: Vec<u64> = after.files[9..].iter().map(|file| file.rows).collect();
    assert!(rows == [200, 1] || rows == [1, 200], "{rows:?}");

    // The same file again changes nothing and writes nothing, and is a version all the same.
    let record = publish(&lake, &id, UploadMode::Upsert, &revised).await;
    assert_eq!(counts(&record), [0, 0, 0, 3, 2001]);
    assert_eq!(record.bytes_added, 0);
    let again = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!(paths(&again), paths(&after));

    // A period that covers one file and half of the next: the one goes unread, the other is renewed.
    let record = publish(&lake, &id, UploadMode::ReplacePeriod, &series("c", 500, 150)).await;
    assert_eq!(counts(&record), [150, 0, 300, 0, 1851]);
    let last = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    let kept = paths(&last).into_iter().filter(|path| paths(&again).contains(path)).count();
    assert_eq!((kept, last.files.len()), (9, 11));
    // What was read before is still there to be read.
    assert_eq!(read(&lake, &before).await.len(), 2000);
    assert_eq!(read(&lake, &after).await.len(), 2001);

    // Nothing is left in the store that no version has.
    let vacuum = hub_lake::VacuumOptions {
        now: chrono::Utc::now() + chrono::TimeDelta::days(2),
        ..hub_lake::VacuumOptions::default()
    };
    assert_eq!(lake.vacuum(&id, &vacuum).await.unwrap().orphans, 0);
}

fn events() -> Contract {
    Contract::parse(
        br#"{"fields":[{"name":"id","type":"integer"},
            {"name":"time","type":"datetime","role":"time"},
            {"name":"name","type":"string"}],"primaryKey":["id"]}"#,
    )
    .unwrap()
}

fn event_batch(rows: &[(i64, Option<i64>, &str)]) -> RecordBatch {
    let time: TimestampMicrosecondArray = rows.iter().map(|row| row.1.map(|h| h * HOUR)).collect();
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>()),
        Arc::new(time.with_timezone("UTC")),
        Arc::new(rows.iter().map(|row| Some(row.2)).collect::<StringArray>()),
    ];
    RecordBatch::try_new(events().storage_schema(), columns).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_time_holds_across_periods() {
    let (lake, _, _folder) = folder();
    let id = dataset("events");
    lake.create(&id, &events()).await.unwrap();
    let send = async |mode: UploadMode, rows: &[(i64, Option<i64>, &str)]| {
        let batches = vec![(event_batch(rows), 1)];
        let staged = stage_with(&lake, &id, &events(), batches, small_options()).await?.staged;
        lake.commit(staged, publication(mode)).await
    };
    let first = [(1, Some(1), "snow"), (2, Some(2), "fire"), (3, None, "later"), (4, Some(9), "x")];
    send(UploadMode::Append, &first).await.unwrap();
    // Event 4 lies outside of the period, so its key is not free.
    let moved = [(2, Some(2), "fires"), (4, Some(3), "x")];
    let error = send(UploadMode::ReplacePeriod, &moved).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContractViolated);
    let LakeError::KeysStored { keys, .. } = error else { panic!("{error}") };
    assert_eq!(keys, StoredKeys { count: 1, rows: vec![2] });
    // Event 1 lies inside, so it may come again at another time; event 3 has no time and stays.
    let record = send(UploadMode::ReplacePeriod, &[(1, Some(2), "snow"), (5, Some(1), "new")]);
    let record = record.await.unwrap();
    assert_eq!(counts(&record), [2, 0, 2, 0, 4]);
    // An upsert moves an event in time.
    let record = send(UploadMode::Upsert, &[(4, Some(3), "x"), (3, None, "later")]).await.unwrap();
    assert_eq!(counts(&record), [0, 1, 0, 1, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_prepared_was_held_against_the_dataset_and_follows_later_writers() {
    let (lake, _, _folder) = folder();
    let id = dataset("prepared");
    lake.create(&id, &contract()).await.unwrap();
    publish(&lake, &id, UploadMode::Append, &series("a", 0, 3)).await;
    let taken = stage(&lake, &id, &series("a", 2, 3)).await.staged;
    let error = lake.prepare(taken, UploadMode::Append).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContractViolated);

    let staged = stage(&lake, &id, &series("b", 0, 3)).await.staged;
    let prepared = lake.prepare(staged, UploadMode::Append).await.unwrap();
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!(read(&lake, &snapshot).await.len(), 3, "nobody sees what is only prepared");
    publish(&lake, &id, UploadMode::Append, &series("c", 0, 2)).await;
    let publish_b = publication(UploadMode::Append);
    let record = lake.commit_prepared(prepared, publish_b).await.unwrap();
    assert_eq!(counts(&record), [3, 0, 0, 0, 8]);

    // Another writer's rows are found even after it was prepared.
    let staged = stage(&lake, &id, &series("d", 0, 3)).await.staged;
    let prepared = lake.prepare(staged, UploadMode::Append).await.unwrap();
    publish(&lake, &id, UploadMode::Append, &series("d", 1, 1)).await;
    let late = lake.commit_prepared(prepared, publication(UploadMode::Append)).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::ContractViolated);
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_that_a_contract_cannot_bear_are_refused() {
    let (lake, _, _folder) = folder();
    let id = dataset("plain");
    let plain = Contract::parse(br#"{"fields":[{"name":"name","type":"string"}]}"#).unwrap();
    lake.create(&id, &plain).await.unwrap();
    for (mode, named) in
        [(UploadMode::Upsert, "primary key"), (UploadMode::ReplacePeriod, "role time")]
    {
        let names: Arc<dyn Array> = Arc::new(StringArray::from(vec!["a"]));
        let rows = RecordBatch::try_new(plain.storage_schema(), vec![names]).unwrap();
        let staged =
            stage_with(&lake, &id, &plain, vec![(rows, 1)], small_options()).await.unwrap();
        let error = lake.commit(staged.staged, publication(mode)).await.unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
    }
}

/// Rows of one key in two files, as they could be published before appends were held against what is
/// there: the table is told that the key is another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_stored_twice_is_mended_by_an_upsert() {
    let (lake, _, _folder) = folder();
    let id = dataset("doubled");
    lake.create(&id, &contract()).await.unwrap();
    let mut without_key = contract();
    without_key.primary_key.clear();
    for level in [1.0, 2.0] {
        let rows = [("a".to_owned(), 0, Some(level)), ("a".to_owned(), HOUR, Some(level))];
        let batches = vec![(batch(&rows), 1)];
        let schema = without_key.storage_schema();
        let batches = batches
            .into_iter()
            .map(|(rows, first)| {
                (RecordBatch::try_new(Arc::clone(&schema), rows.columns().to_vec()).unwrap(), first)
            })
            .collect();
        let staged = stage_with(&lake, &id, &without_key, batches, small_options()).await.unwrap();
        lake.commit(staged.staged, publication(UploadMode::Append)).await.unwrap();
    }
    let record = publish(&lake, &id, UploadMode::Upsert, &[("a".to_owned(), 0, Some(3.0))]).await;
    assert_eq!(counts(&record), [0, 1, 1, 0, 3]);
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    let firsts: Vec<Row> =
        read(&lake, &snapshot).await.into_iter().filter(|row| row.1 == 0).collect();
    assert_eq!(firsts, [("a".to_owned(), 0, Some(3.0))]);
}

pub(crate) fn withdrawal(
    version: &hub_model::VersionRecord,
    restored: Option<&hub_model::VersionRecord>,
    newest: u64,
) -> WithdrawRequest {
    WithdrawRequest {
        id: hub_model::UploadId::generate(),
        newest,
        withdrawal: hub_model::Withdrawal {
            version: version.number,
            restores: restored.map_or(0, |version| version.number),
            reason: "水位計の故障のため".to_owned(),
        },
        restore_from: restored.map(|version| version.log_version),
        keeps_rows: false,
        by: "river staff".to_owned(),
        at: at(9),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_brings_an_earlier_state_back_as_a_version() {
    let (lake, config, _folder) = folder();
    let other = Lake::open(&config).unwrap();
    let id = dataset("withdrawn");
    lake.create(&id, &contract()).await.unwrap();
    let first = publish(&lake, &id, UploadMode::Append, &series("a", 0, 5)).await;
    let mut revised = series("a", 3, 5);
    revised[0].2 = Some(9.9);
    let second = publish(&other, &id, UploadMode::Upsert, &revised).await;
    let request = withdrawal(&second, Some(&first), 2);
    let third = lake.withdraw(&id, &request).await.unwrap();
    assert_eq!((third.number, third.rows_total, third.shows()), (3, 5, 1));
    assert_eq!(third.withdrawal.as_ref(), Some(&request.withdrawal));
    assert_eq!(third.bytes_total, first.bytes_total);
    // The same withdrawal again is answered and not made again; on an old state it is a conflict.
    assert_eq!(other.withdraw(&id, &request).await.unwrap(), third);
    let late = withdrawal(&first, None, 2);
    assert!(matches!(lake.withdraw(&id, &late).await, Err(LakeError::Conflict { .. })));
    for lake in [&lake, &other, &Lake::open(&config).unwrap()] {
        let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
        assert_eq!((snapshot.version, snapshot.files.len()), (3, 1));
        assert_eq!(read(lake, &snapshot).await, series("a", 0, 5));
        let before = lake.snapshot(&id, SnapshotAt::Log(second.log_version)).await.unwrap();
        assert_eq!(read(lake, &before).await.len(), 8);
    }
    assert_eq!(other.versions_since(&id, None).await.unwrap(), [first.clone(), second, third]);

    // What comes next builds on what is seen; files that came back go like any others.
    let fourth = publish(&lake, &id, UploadMode::Upsert, &revised).await;
    assert_eq!(counts(&fourth), [3, 1, 0, 1, 8]);
    let options = CompactOptions { at_least_files: 2, ..CompactOptions::default() };
    lake.compact(&id, &options).await.unwrap();
    let fifth = lake.withdraw(&id, &withdrawal(&fourth, None, 4)).await.unwrap();
    assert_eq!((fifth.number, fifth.rows_total), (5, 0));
    let empty = other.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((empty.files.len(), empty.version), (0, 5));
    // Long enough a log for a checkpoint: the list of files is the same from it as from the entries.
    for hour in 0..20 {
        publish(&lake, &id, UploadMode::Append, &series("c", hour, 1)).await;
    }
    let fresh = Lake::open(&config).unwrap();
    let snapshot = fresh.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!(read(&fresh, &snapshot).await, series("c", 0, 20));
    let back = fresh.snapshot(&id, SnapshotAt::Log(fifth.log_version - 2)).await.unwrap();
    assert_eq!(read(&fresh, &back).await.len(), 8);
    // Vacuum without a retention deletes none of it.
    let vacuum = hub_lake::VacuumOptions {
        now: chrono::Utc::now() + chrono::TimeDelta::days(2),
        ..hub_lake::VacuumOptions::default()
    };
    let outcome = lake.vacuum(&id, &vacuum).await.unwrap();
    assert_eq!((outcome.orphans, outcome.expired), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_whose_files_are_gone_does_not_come_back() {
    let (lake, _, _folder) = folder();
    let id = dataset("expired");
    lake.create(&id, &contract()).await.unwrap();
    let first = publish(&lake, &id, UploadMode::Append, &series("a", 0, 5)).await;
    let second = publish(&lake, &id, UploadMode::Replace, &series("b", 0, 5)).await;
    let vacuum = hub_lake::VacuumOptions {
        now: chrono::Utc::now() + chrono::TimeDelta::days(2),
        retention: Some(std::time::Duration::from_secs(3600)),
        ..hub_lake::VacuumOptions::default()
    };
    lake.vacuum(&id, &vacuum).await.unwrap();
    let refused = lake.withdraw(&id, &withdrawal(&second, Some(&first), 2)).await;
    assert!(matches!(refused, Err(LakeError::Expired { .. })), "{refused:?}");
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((snapshot.version, snapshot.rows()), (2, 5));
}
