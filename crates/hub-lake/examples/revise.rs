//! Revises one row in a hundred of made-up observations and says what that touched and how long it took:
//! `revise [ROWS] [recent|scattered|same] [ROWS OF A FILE]`. `recent` revises the last hundredth of the
//! time, `scattered` every hundredth row, `same` sends the last hundredth again as it is. The rows are 200
//! stations' values every five minutes; a release build gives figures that count.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a tool for developers")]

use std::{collections::HashSet, sync::Arc, time::Instant};

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use hub_lake::{Lake, LakeConfig, Publication, SnapshotAt, StageOptions, Staged};
use hub_model::{Contract, DatasetId, UploadId, UploadMode, VersionRecord};

const STATIONS: u64 = 200;
const FIVE_MINUTES: i64 = 300_000_000;

fn contract() -> Contract {
    Contract::parse(
        br#"{"fields":[
            {"name":"station","type":"string","role":"key"},
            {"name":"time","type":"datetime","role":"time","interval":"PT5M","label":"start"},
            {"name":"level","type":"number"},{"name":"flow","type":"number"},
            {"name":"rain","type":"number"},{"name":"quality","type":"string"}],
           "primaryKey":["station","time"]}"#,
    )
    .expect("the contract is valid")
}

/// Rows by their numbers: all stations at one time, then at the next.
fn batch(contract: &Contract, rows: &[u64], quality: &str) -> RecordBatch {
    let number = |scale: f64, salt: u64| -> ArrayRef {
        let value = |row: &u64| {
            let mixed = (row * 7 + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52;
            (mixed as f64).round() * scale
        };
        Arc::new(Float64Array::from_iter_values(rows.iter().map(value)))
    };
    let times = rows.iter().map(|row| (row / STATIONS) as i64 * FIVE_MINUTES);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(
            rows.iter().map(|row| format!("3014112{:05}", row % STATIONS)),
        )),
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        number(0.01, 1),
        number(0.1, 2),
        number(0.5, 3),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|_| quality))),
    ];
    RecordBatch::try_new(contract.storage_schema(), columns).expect("the columns fit")
}

struct Bench {
    lake: Lake,
    dataset: DatasetId,
    file_rows: usize,
}

impl Bench {
    async fn stage(
        &self,
        rows: &[std::ops::Range<u64>],
        step: u64,
        quality: &'static str,
    ) -> Staged {
        let (lake, dataset, rows) = (self.lake.clone(), self.dataset.clone(), rows.to_vec());
        let options = StageOptions { file_rows: self.file_rows, ..StageOptions::default() };
        let work = tokio::task::spawn_blocking(move || {
            let contract = contract();
            let mut stager = lake.stager(&dataset, &contract, options).expect("staging begins");
            for range in rows {
                let numbers: Vec<u64> = range.step_by(step as usize).collect();
                for (place, part) in numbers.chunks(65_536).enumerate() {
                    let batch = batch(&contract, part, quality);
                    stager.push(batch, place as u64 * 65_536).expect("rows are taken in");
                }
            }
            stager.finish().expect("rows are written").staged
        });
        work.await.expect("staging ends")
    }

    async fn commit(&self, staged: Staged, mode: UploadMode) -> VersionRecord {
        let publication = Publication {
            mode,
            upload_id: UploadId::generate(),
            committed_by: "bench".to_owned(),
            committed_at: chrono::Utc::now(),
        };
        self.lake.commit(staged, publication).await.expect("the commit is made")
    }

    async fn files(&self) -> (HashSet<String>, u64) {
        let snapshot = self.lake.snapshot(&self.dataset, SnapshotAt::Latest).await;
        let snapshot = snapshot.expect("the snapshot is there");
        (snapshot.files.iter().map(|file| file.path.to_string()).collect(), snapshot.bytes())
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().map_or(2_000_000, |text| text.parse().expect("a number"));
    let which = arguments.next().unwrap_or_else(|| "recent".to_owned());
    let file_rows: usize =
        arguments.next().map_or(2_000_000, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = url::Url::from_directory_path(folder.path()).expect("the folder has an address");
    let lake = Lake::open(&LakeConfig::new(url)).expect("the lake opens");
    let dataset = DatasetId::parse("bench.observations").expect("the id is valid");
    lake.create(&dataset, &contract()).await.expect("the table is made");
    let bench = Bench { lake, dataset, file_rows };

    let begun = Instant::now();
    let all: Vec<_> =
        (0..rows).step_by(65_536).map(|from| from..(from + 65_536).min(rows)).collect();
    let staged = bench.stage(&all, 1, "provisional").await;
    bench.commit(staged, UploadMode::Append).await;
    let (before, bytes) = bench.files().await;
    println!(
        "{rows} rows in {} files, {bytes} bytes, published in {:.2} s",
        before.len(),
        begun.elapsed().as_secs_f64()
    );

    let last = rows - rows / 100;
    let begun = Instant::now();
    let staged = match which.as_str() {
        "recent" => bench.stage(&all_of(last..rows), 1, "final").await,
        "same" => bench.stage(&all_of(last..rows), 1, "provisional").await,
        "scattered" => bench.stage(&all_of(0..rows), 100, "final").await,
        other => panic!("{other:?} is none of recent, scattered and same"),
    };
    let (staging, staged_bytes) = (begun.elapsed().as_secs_f64(), staged.bytes());
    let begun = Instant::now();
    let record = bench.commit(staged, UploadMode::Upsert).await;
    let merging = begun.elapsed().as_secs_f64();
    let (after, _) = bench.files().await;
    println!(
        "{which}: {} added, {} changed, {} unchanged; staged {staged_bytes} bytes in {staging:.2} s, \
         merged and committed in {merging:.2} s",
        record.rows_added,
        record.rows_changed.unwrap_or_default(),
        record.rows_unchanged.unwrap_or_default()
    );
    println!(
        "{} of {} files written again, {} bytes of {bytes}",
        before.difference(&after).count(),
        before.len(),
        record.bytes_added
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("peak memory {}", peak.trim_start_matches("VmHWM:").trim());
    }
}

/// One span of rows, as a list of spans.
fn all_of(span: std::ops::Range<u64>) -> Vec<std::ops::Range<u64>> {
    std::iter::once(span).collect()
}
