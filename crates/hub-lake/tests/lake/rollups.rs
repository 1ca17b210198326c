//! What is kept of each file by hour, day and series, against the file's own rows.

mod sums;

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{
        Array, AsArray, Float64Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    compute::concat_batches,
};
use futures::StreamExt;
use hub_lake::{
    CompactOptions, DataFile, Lake, RolledValue, RollupFile, RollupLevel, Snapshot, SnapshotAt,
    StageOptions, VacuumOptions,
};
use hub_model::{Contract, DatasetId, UploadMode, VersionRecord};
use object_store::{ObjectStoreExt, path::Path};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use crate::support::{HOUR, dataset, folder, publication, stage_with};
use sums::{expected, said};

const MINUTE: i64 = HOUR / 60;
/// 2024-04-01T00:00:00+09:00.
const APRIL: i64 = 1_711_897_200_000_000;

fn gauges(label: &str) -> Contract {
    let json = format!(
        r#"{{"fields":[
        {{"name":"time","type":"datetime","role":"time","interval":"PT10M","label":"{label}"}},
        {{"name":"station","type":"string","role":"key"}},
        {{"name":"level","type":"number","role":"value","unit":"m"}},
        {{"name":"level_quality","type":"string","role":"quality","quality_of":"level"}},
        {{"name":"cars","type":"integer","role":"value"}},
        {{"name":"remark","type":"string","role":"value"}}],
       "primaryKey":["station","time"]}}"#
    );
    Contract::parse(json.as_bytes()).unwrap()
}

/// Station, time, level, its quality, cars, remark.
#[derive(Debug, Clone, PartialEq)]
struct Reading(String, i64, Option<f64>, Option<&'static str>, Option<i64>, Option<String>);

/// `count` readings of one station, each ten minutes.
fn readings(station: &str, from: i64, count: i64) -> Vec<Reading> {
    let reading = |step: i64| {
        let level = (step % 7 != 3).then_some(step as f64 / 8.0);
        let quality = ["normal", "quasi_normal", "doubtful"][(step % 3) as usize];
        let remark = (step % 5 == 0).then(|| "fog".to_owned());
        Reading(
            station.to_owned(),
            from + step * 10 * MINUTE,
            level,
            Some(quality),
            Some(step),
            remark,
        )
    };
    (0..count).map(reading).collect()
}

fn batch(contract: &Contract, rows: &[Reading]) -> RecordBatch {
    let time: TimestampMicrosecondArray = rows.iter().map(|row| Some(row.1)).collect();
    RecordBatch::try_new(
        contract.storage_schema(),
        vec![
            Arc::new(time.with_timezone("UTC")),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0))),
            Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| row.3).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| row.4).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.5.clone()).collect::<StringArray>()),
        ],
    )
    .unwrap()
}

fn options() -> StageOptions {
    StageOptions { memory_bytes: 16 << 20, rollup_rows: 0, ..StageOptions::default() }
}

async fn publish_readings(
    lake: &Lake,
    id: &DatasetId,
    contract: &Contract,
    mode: UploadMode,
    rows: &[Reading],
) -> VersionRecord {
    let batches = vec![(batch(contract, rows), 1)];
    let staged = stage_with(lake, id, contract, batches, options()).await.unwrap().staged;
    lake.commit(staged, publication(mode)).await.unwrap()
}

async fn rows_of(lake: &Lake, path: &Path, bytes: u64) -> RecordBatch {
    let stored = lake.object_store().get(path).await.unwrap().bytes().await.unwrap();
    assert_eq!(stored.len() as u64, bytes);
    let builder = ParquetRecordBatchReaderBuilder::try_new(stored).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Result<Vec<_>, _> = builder.build().unwrap().collect();
    concat_batches(&schema, &batches.unwrap()).unwrap()
}

/// Holds every companion of a snapshot against its data file's rows, and answers how many there are.
async fn check(lake: &Lake, snapshot: &Snapshot) -> usize {
    let mut companions = 0;
    for DataFile { path, bytes, rollups, .. } in snapshot.files.iter() {
        let Some(rollups) = rollups else { continue };
        let rows = rows_of(lake, path, *bytes).await;
        for RollupFile { level, path, bytes, rows: count, .. } in &rollups.files {
            let summed = rows_of(lake, path, *bytes).await;
            assert_eq!(summed.num_rows() as u64, *count);
            assert_eq!(said(&summed), expected(&rows, *level, rollups.edges), "{level:?}");
            companions += 1;
        }
        let quality = rows.column_by_name("level_quality").unwrap().as_string::<i32>();
        let level = rows.column_by_name("level").unwrap();
        let doubtful = (0..rows.num_rows())
            .filter(|row| level.is_valid(*row) && quality.is_valid(*row))
            .filter(|row| quality.value(*row) == "doubtful");
        assert_eq!(rollups.values["level"].left_out, doubtful.count() as u64);
        let whole = RolledValue { not_due: Some(0), ..RolledValue::default() };
        assert_eq!(rollups.values["cars"], whole);
    }
    companions
}

async fn newest(lake: &Lake, id: &DatasetId) -> Snapshot {
    lake.snapshot(id, SnapshotAt::Latest).await.unwrap()
}

async fn companions_stored(lake: &Lake) -> usize {
    let objects: Vec<_> = lake.object_store().list(None).collect().await;
    objects.iter().filter(|o| o.as_ref().unwrap().location.as_ref().contains("/_rollups/")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_changing_rows_keeps_rollups_exact() {
    for label in ["start", "end"] {
        let (lake, config, _folder) = folder();
        let (id, contract) = (dataset("gauges"), gauges(label));
        lake.create(&id, &contract).await.unwrap();
        let day = 144;
        let two = [readings("a", APRIL, 5 * day), readings("b", APRIL + HOUR, 3 * day)].concat();
        let first = publish_readings(&lake, &id, &contract, UploadMode::Append, &two).await;
        assert!(check(&lake, &newest(&lake, &id).await).await >= 2, "{label}");
        let next = readings("a", APRIL + 5 * 24 * HOUR, day);
        publish_readings(&lake, &id, &contract, UploadMode::Append, &next).await;
        let mut revised = readings("a", APRIL + 24 * HOUR, day + 7);
        revised.iter_mut().for_each(|row| row.2 = row.2.map(|level| level - 100.0));
        let third = publish_readings(&lake, &id, &contract, UploadMode::Upsert, &revised).await;
        assert_eq!(third.rows_changed, Some(revised.len() as u64));
        let late = readings("b", APRIL + 2 * 24 * HOUR, day);
        publish_readings(&lake, &id, &contract, UploadMode::ReplacePeriod, &late).await;
        let before = newest(&lake, &id).await;
        assert!(before.files.iter().all(|file| file.rollups.is_some()));
        check(&lake, &before).await;
        let compact =
            CompactOptions { stage: options(), at_least_files: 2, ..CompactOptions::default() };
        assert_eq!(lake.compact(&id, &compact).await.unwrap().files_added, 1);
        assert!(check(&lake, &newest(&lake, &id).await).await >= 2);
        // What other processes, and readers of an older version, see of companions is the same.
        let other = Lake::open(&config).unwrap();
        assert_eq!(newest(&other, &id).await.files, newest(&lake, &id).await.files);
        let old = other.snapshot(&id, SnapshotAt::Log(first.log_version)).await.unwrap();
        assert!(check(&other, &old).await >= 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_keeps_what_is_said_of_rollups() {
    let (lake, config, _folder) = folder();
    let (id, contract) = (dataset("long"), gauges("start"));
    lake.create(&id, &contract).await.unwrap();
    for day in 0..21 {
        let rows = readings("a", APRIL + day * 24 * HOUR, 144);
        publish_readings(&lake, &id, &contract, UploadMode::Append, &rows).await;
    }
    let warm = newest(&lake, &id).await;
    let cold = newest(&Lake::open(&config).unwrap(), &id).await;
    assert_eq!(cold.files, warm.files);
    assert_eq!(check(&lake, &cold).await, 3 * 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn companions_go_with_their_file_and_never_before() {
    let (lake, _, _folder) = folder();
    let (id, contract) = (dataset("kept"), gauges("start"));
    lake.create(&id, &contract).await.unwrap();
    let rows = readings("a", APRIL, 288);
    publish_readings(&lake, &id, &contract, UploadMode::Append, &rows).await;
    assert_eq!(companions_stored(&lake).await, 3);
    // Rows that are given up leave nothing; those of a process that ended are collected in time.
    let batches = || vec![(batch(&contract, &rows), 1)];
    let staged = stage_with(&lake, &id, &contract, batches(), options()).await.unwrap().staged;
    assert_eq!(companions_stored(&lake).await, 6);
    lake.discard(staged).await;
    assert_eq!(companions_stored(&lake).await, 3);
    std::mem::forget(stage_with(&lake, &id, &contract, batches(), options()).await.unwrap().staged);
    let later = chrono::Utc::now() + chrono::TimeDelta::days(2);
    let young = lake.vacuum(&id, &VacuumOptions::default()).await.unwrap();
    assert_eq!((young.orphans, companions_stored(&lake).await), (0, 6));
    let old = VacuumOptions { now: later, ..VacuumOptions::default() };
    assert_eq!(lake.vacuum(&id, &old).await.unwrap().orphans, 4);
    assert_eq!(companions_stored(&lake).await, 3);
    // A version that is let go takes its companions with it, and the newest keeps its own.
    publish_readings(&lake, &id, &contract, UploadMode::Replace, &rows[..200]).await;
    let day = std::time::Duration::from_secs(24 * 3600);
    let expire = VacuumOptions { retention: Some(day), ..old };
    assert_eq!(lake.vacuum(&id, &expire).await.unwrap().expired, 4);
    assert_eq!(companions_stored(&lake).await, 3);
    assert_eq!(check(&lake, &newest(&lake, &id).await).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_brings_the_companions_back() {
    let (lake, _, _folder) = folder();
    let (id, contract) = (dataset("withdrawn"), gauges("start"));
    lake.create(&id, &contract).await.unwrap();
    let rows = readings("a", APRIL, 144);
    let first = publish_readings(&lake, &id, &contract, UploadMode::Append, &rows).await;
    let before = newest(&lake, &id).await;
    let second = readings("a", APRIL, 288);
    let second = publish_readings(&lake, &id, &contract, UploadMode::Replace, &second).await;
    let request = crate::revisions::withdrawal(&second, Some(&first), 2);
    lake.withdraw(&id, &request).await.unwrap();
    let after = newest(&lake, &id).await;
    assert_eq!(after.files, before.files);
    assert_eq!(check(&lake, &after).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gains_nothing_or_cannot_be_said_has_no_companion() {
    let (lake, _, _folder) = folder();
    let contract = gauges("start");
    let levels = async |name: &str, rows: &[Reading], options: StageOptions| {
        let id = dataset(name);
        lake.create(&id, &contract).await.unwrap();
        let batches = vec![(batch(&contract, rows), 1)];
        let staged = stage_with(&lake, &id, &contract, batches, options).await.unwrap().staged;
        lake.commit(staged, publication(UploadMode::Append)).await.unwrap();
        let snapshot = newest(&lake, &id).await;
        check(&lake, &snapshot).await;
        let rollups = snapshot.files[0].rollups.clone();
        rollups.map(|r| r.files.iter().map(|f| f.level).collect::<Vec<_>>()).unwrap_or_default()
    };
    use RollupLevel::{Day, Hour, Series};
    assert_eq!(levels("plain", &readings("a", APRIL, 144), options()).await, [Hour, Day, Series]);
    assert_eq!(levels("few", &readings("a", APRIL, 144), StageOptions::default()).await, []);
    let sparse: Vec<_> = readings("a", APRIL, 144).into_iter().step_by(6).collect();
    assert_eq!(levels("sparse", &sparse, options()).await, [Day, Series]);
    // Before 1952 the clock was not always nine hours ahead.
    let old = readings("a", -600_000_000_000_000, 144);
    assert_eq!(levels("old", &old, options()).await, [Series]);
    let mut large = readings("a", APRIL, 144);
    large.iter_mut().for_each(|row| row.4 = Some(i64::MAX / 4));
    assert_eq!(levels("large", &large, options()).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_before_get_their_companions_later() {
    let (lake, config, _folder) = folder();
    let (id, contract) = (dataset("older"), gauges("end"));
    lake.create(&id, &contract).await.unwrap();
    let bare = StageOptions { rollup_rows: u64::MAX, ..options() };
    for part in 0..3 {
        let rows = readings("a", APRIL + part * 3 * 24 * HOUR, 300);
        let batches = vec![(batch(&contract, &rows), 1)];
        let staged = stage_with(&lake, &id, &contract, batches, bare.clone()).await.unwrap().staged;
        lake.commit(staged, publication(UploadMode::Append)).await.unwrap();
    }
    let before = newest(&lake, &id).await;
    assert!(before.files.iter().all(|file| file.rollups.is_none()));
    let two = CompactOptions { stage: options(), at_most_rows: 600, ..CompactOptions::default() };
    assert_eq!(lake.roll_up(&id, &two).await.unwrap(), 2);
    assert_eq!(lake.roll_up(&id, &two).await.unwrap(), 1);
    assert_eq!(lake.roll_up(&id, &two).await.unwrap(), 0);
    let after = newest(&lake, &id).await;
    assert_eq!((after.version, after.rows(), after.files.len()), (3, 900, 3));
    assert!(check(&lake, &after).await >= 6);
    let plain = |snapshot: &Snapshot| -> Vec<DataFile> {
        let files = snapshot.files.iter().cloned();
        files.map(|file| DataFile { rollups: None, ..file }).collect()
    };
    assert_eq!(plain(&after), plain(&before), "no file came twice, and none was changed");
    let other = Lake::open(&config).unwrap();
    assert_eq!(newest(&other, &id).await.files, after.files);
    // A checkpoint over the entries that came twice says the same.
    for day in 0..20 {
        let rows = readings("b", APRIL + day * 24 * HOUR, 144);
        publish_readings(&lake, &id, &contract, UploadMode::Append, &rows).await;
    }
    let (warm, cold) = (newest(&lake, &id).await, newest(&Lake::open(&config).unwrap(), &id).await);
    assert_eq!((cold.files.len(), cold.rows()), (23, 900 + 20 * 144));
    assert_eq!(cold.files, warm.files);
    // Who joins files, and who lets versions go, finds each of them once.
    let compact =
        CompactOptions { stage: options(), at_least_files: 2, ..CompactOptions::default() };
    assert_eq!(lake.compact(&id, &compact).await.unwrap().rows, cold.rows());
    let joined = newest(&Lake::open(&config).unwrap(), &id).await;
    assert_eq!((joined.files.len(), joined.rows()), (1, cold.rows()));
    check(&lake, &joined).await;
    let later = chrono::Utc::now() + chrono::TimeDelta::days(2);
    let options = VacuumOptions { now: later, ..VacuumOptions::default() };
    assert_eq!(lake.vacuum(&id, &options).await.unwrap().orphans, 0);
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        6 => (-1000i32..1000).prop_map(|v| Some(f64::from(v) / 8.0)),
        2 => Just(None),
        1 => prop::sample::select(vec![
            Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(-0.0), Some(0.0),
        ]),
    ]
}

fn reading() -> impl Strategy<Value = Reading> {
    // Times at, just before and just after the borders of hours and days, among others.
    let time = (0i64..6, 0i64..24, prop_oneof![Just(0i64), Just(1), Just(-1), 0..HOUR]);
    let time = time.prop_map(|(day, hour, more)| APRIL + (day * 24 + hour) * HOUR + more);
    let quality = prop::sample::select(vec![
        None,
        Some("normal"),
        Some("quasi_normal"),
        Some("doubtful"),
        Some("x"),
    ]);
    let remark = prop::option::of(Just("r".to_owned()));
    (
        prop::sample::select(vec!["a", "b", "小樽"]),
        time,
        value(),
        quality,
        prop::option::of(-9i64..9),
        remark,
    )
        .prop_map(|(station, time, level, quality, cars, remark)| {
            Reading(station.to_owned(), time, level, quality, cars, remark)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn rollups_say_what_the_rows_come_to(
        rows in prop::collection::vec(reading(), 1..300),
        more in prop::collection::vec(reading(), 1..60),
        label in prop::sample::select(vec!["start", "end"]),
    ) {
        let distinct = |rows: Vec<Reading>| -> Vec<Reading> {
            let keyed = rows.into_iter().map(|row| ((row.0.clone(), row.1), row));
            keyed.collect::<BTreeMap<_, _>>().into_values().collect()
        };
        let (rows, more) = (distinct(rows), distinct(more));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (lake, _, _folder) = folder();
            let (id, contract) = (dataset("random"), gauges(label));
            lake.create(&id, &contract).await.unwrap();
            publish_readings(&lake, &id, &contract, UploadMode::Append, &rows).await;
            check(&lake, &newest(&lake, &id).await).await;
            publish_readings(&lake, &id, &contract, UploadMode::Upsert, &more).await;
            check(&lake, &newest(&lake, &id).await).await;
        });
    }
}
