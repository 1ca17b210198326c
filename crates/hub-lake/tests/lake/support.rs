//! Datasets to test with: rows made, published and read back.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::{
    array::{Array, AsArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::{Float64Type, TimestampMicrosecondType},
};
use chrono::{DateTime, Utc};
use hub_lake::{
    Bound, Lake, LakeConfig, LakeError, Publication, Snapshot, StageOptions, StageOutcome,
};
use hub_model::{Contract, DatasetId, UploadId, UploadMode, VersionRecord};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

pub(crate) const HOUR: i64 = 3_600_000_000;

pub(crate) fn dataset(name: &str) -> DatasetId {
    DatasetId::parse(&format!("otaru.{name}")).unwrap()
}

pub(crate) fn contract() -> Contract {
    Contract::parse(
        r#"{"fields":[
            {"name":"station","type":"string","role":"key"},
            {"name":"time","type":"datetime","role":"time","interval":"PT1H","label":"end"},
            {"name":"level","type":"number","role":"value","unit":"m"}],
           "primaryKey":["station","time"]}"#
            .as_bytes(),
    )
    .unwrap()
}

/// One row: station, time in microseconds, level.
pub(crate) type Row = (String, i64, Option<f64>);

/// `hours` rows of one station, the level counting up.
pub(crate) fn series(station: &str, first_hour: i64, hours: i64) -> Vec<Row> {
    (first_hour..first_hour + hours)
        .map(|hour| (station.to_owned(), hour * HOUR, Some(hour as f64 / 10.0)))
        .collect()
}

pub(crate) fn batch(rows: &[Row]) -> RecordBatch {
    let time: TimestampMicrosecondArray = rows.iter().map(|row| Some(row.1)).collect();
    RecordBatch::try_new(
        contract().storage_schema(),
        vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0))),
            Arc::new(time.with_timezone("UTC")),
            Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
        ],
    )
    .unwrap()
}

pub(crate) fn small_options() -> StageOptions {
    StageOptions { memory_bytes: 16 << 20, ..StageOptions::default() }
}

pub(crate) async fn stage_with(
    lake: &Lake,
    dataset: &DatasetId,
    contract: &Contract,
    batches: Vec<(RecordBatch, u64)>,
    options: StageOptions,
) -> Result<StageOutcome, LakeError> {
    let (lake, dataset, contract) = (lake.clone(), dataset.clone(), contract.clone());
    tokio::task::spawn_blocking(move || {
        let mut stager = lake.stager(&dataset, &contract, options)?;
        for (batch, first_row) in batches {
            stager.push(batch, first_row)?;
        }
        stager.finish()
    })
    .await
    .unwrap()
}

pub(crate) async fn stage(lake: &Lake, dataset: &DatasetId, rows: &[Row]) -> StageOutcome {
    stage_with(lake, dataset, &contract(), vec![(batch(rows), 1)], small_options()).await.unwrap()
}

pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
}

pub(crate) fn publication(mode: UploadMode) -> Publication {
    Publication {
        mode,
        upload_id: UploadId::generate(),
        committed_by: "river staff".to_owned(),
        committed_at: at(0),
    }
}

pub(crate) async fn publish(
    lake: &Lake,
    dataset: &DatasetId,
    mode: UploadMode,
    rows: &[Row],
) -> VersionRecord {
    let staged = stage(lake, dataset, rows).await.staged;
    lake.commit(staged, publication(mode)).await.unwrap()
}

/// Reads every row of a snapshot, sorted, and checks on the way what readers rely on: the order inside
/// each file, its number of rows, and that statistics bound the values.
pub(crate) async fn read(lake: &Lake, snapshot: &Snapshot) -> Vec<Row> {
    let mut all = Vec::new();
    for file in snapshot.files.iter() {
        let bytes = lake.object_store().get(&file.path).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes.len() as u64, file.bytes);
        let batches = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
        let mut rows = Vec::new();
        for batch in batches {
            let batch = batch.unwrap();
            let station = batch.column(0).as_string::<i32>();
            let time = batch.column(1).as_primitive::<TimestampMicrosecondType>();
            let level = batch.column(2).as_primitive::<Float64Type>();
            rows.extend((0..batch.num_rows()).map(|i| {
                let level = level.is_valid(i).then(|| level.value(i));
                (station.value(i).to_owned(), time.value(i), level)
            }));
        }
        assert_eq!(rows.len() as u64, file.rows);
        let key = |row: &Row| (row.0.clone(), row.1);
        assert!(rows.is_sorted_by_key(key), "a file is not sorted by station and time");
        let time = &file.columns["time"];
        let (least, greatest) =
            (rows.iter().map(|r| r.1).min().unwrap(), rows.iter().map(|r| r.1).max().unwrap());
        assert_eq!(time.minimum, Some(Bound::Instant(least)));
        assert_eq!(time.maximum, Some(Bound::Instant(greatest)));
        assert!(time.exact);
        all.extend(rows);
    }
    all.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    all
}

pub(crate) fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    rows
}

/// A lake in a folder of its own, and the folder.
pub(crate) fn folder() -> (Lake, LakeConfig, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let config = LakeConfig {
        url: url::Url::from_directory_path(folder.path()).unwrap().to_string(),
        options: HashMap::new(),
    };
    (Lake::open(&config).unwrap(), config, folder)
}

/// What the rows of a dataset should be, kept as plainly as can be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model(BTreeMap<(String, i64), Option<f64>>);

/// What a version should count: rows added, changed, removed, unchanged and in all.
pub(crate) type Counts = [u64; 5];

pub(crate) fn counts(record: &VersionRecord) -> Counts {
    let known = |count: Option<u64>| count.unwrap();
    [
        record.rows_added,
        known(record.rows_changed),
        known(record.rows_removed),
        known(record.rows_unchanged),
        record.rows_total,
    ]
}

impl Model {
    /// Publishes rows whose keys differ; an append brings new keys only.
    pub(crate) fn publish(&mut self, mode: UploadMode, rows: &[Row]) -> Counts {
        let before = self.0.len();
        match mode {
            UploadMode::Append | UploadMode::Upsert => {}
            UploadMode::Replace => self.0.clear(),
            UploadMode::ReplacePeriod => {
                if let (Some(first), Some(last)) =
                    (rows.iter().map(|row| row.1).min(), rows.iter().map(|row| row.1).max())
                {
                    self.0.retain(|(_, time), _| !(first..=last).contains(time));
                }
            }
        }
        let removed = (before - self.0.len()) as u64;
        let (mut added, mut changed, mut unchanged) = (0, 0, 0);
        for (station, time, level) in rows {
            match self.0.insert((station.clone(), *time), *level) {
                None => added += 1,
                Some(old) if old == *level => unchanged += 1,
                Some(_) => changed += 1,
            }
        }
        assert!(mode == UploadMode::Upsert || changed + unchanged == 0);
        [added, changed, removed, unchanged, self.0.len() as u64]
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let rows = self.0.iter();
        rows.map(|((station, time), level)| (station.clone(), *time, *level)).collect()
    }
}
