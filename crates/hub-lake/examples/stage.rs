//! Stages made-up observations and says how fast: `stage [ROWS] [hourly|shuffled|stations] [FOLDER]`.
//! The rows are 200 stations' values at a regular interval; a release build gives figures that count.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a tool for developers")]

use std::{sync::Arc, time::Instant};

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use hub_lake::{Lake, LakeConfig, Publication, StageOptions};
use hub_model::{Contract, DatasetId, UploadId, UploadMode};

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

/// Station and step of the row that comes at a place in the file.
fn place(row: u64, rows: u64, order: &str) -> (u64, u64) {
    let row = match order {
        // A step that shares no divisor with the number of rows visits every row once.
        "shuffled" => ((u128::from(row) * 1_000_000_007) % u128::from(rows)) as u64,
        _ => row,
    };
    match order {
        "stations" => (row / (rows / STATIONS), row % (rows / STATIONS)),
        _ => (row % STATIONS, row / STATIONS),
    }
}

fn batch(contract: &Contract, from: u64, to: u64, rows: u64, order: &str) -> RecordBatch {
    let places: Vec<_> = (from..to).map(|row| place(row, rows, order)).collect();
    let number = |scale: f64, salt: u64| -> ArrayRef {
        let value = |(station, step): &(u64, u64)| {
            let mixed = (station * 7 + step + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52;
            (mixed as f64).round() * scale
        };
        Arc::new(Float64Array::from_iter_values(places.iter().map(value)))
    };
    let times = places.iter().map(|(_, step)| *step as i64 * FIVE_MINUTES);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(
            places.iter().map(|(station, _)| format!("3014112{station:05}")),
        )),
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        number(0.01, 1),
        number(0.1, 2),
        number(0.5, 3),
        Arc::new(StringArray::from_iter_values(
            places.iter().map(|(_, step)| if step % 97 == 0 { "provisional" } else { "normal" }),
        )),
    ];
    RecordBatch::try_new(contract.storage_schema(), columns).expect("the columns fit")
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().map_or(2_000_000, |text| text.parse().expect("a number"));
    let order = arguments.next().unwrap_or_else(|| "hourly".to_owned());
    let folder = arguments.next();
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.map_or_else(|| scratch.path().join("lake"), Into::into);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let folder = folder.canonicalize().expect("the folder is there");
    let url = url::Url::from_directory_path(folder).expect("the folder has an address");
    let lake = Lake::open(&LakeConfig::new(url)).expect("the lake opens");
    let dataset = DatasetId::parse("bench.observations").expect("the id is valid");
    let contract = contract();
    lake.create(&dataset, &contract).await.expect("the table is made");
    let (to_lake, id, of_order) = (lake.clone(), dataset.clone(), order.clone());
    let outcome = tokio::task::spawn_blocking(move || {
        let options = StageOptions::default();
        let mut stager = to_lake.stager(&id, &contract, options).expect("staging begins");
        let (mut making, mut pushing) = (0.0, 0.0);
        for from in (0..rows).step_by(65_536) {
            let begun = Instant::now();
            let batch = batch(&contract, from, (from + 65_536).min(rows), rows, &of_order);
            making += begun.elapsed().as_secs_f64();
            let begun = Instant::now();
            stager.push(batch, from + 2).expect("rows are taken in");
            pushing += begun.elapsed().as_secs_f64();
        }
        let begun = Instant::now();
        let outcome = stager.finish().expect("rows are written");
        let finishing = begun.elapsed().as_secs_f64();
        let staging = pushing + finishing;
        println!(
            "{rows} rows {of_order}: made {making:.2} s, pushed {pushing:.2} s, finished \
             {finishing:.2} s: {:.0} rows/s while staging",
            rows as f64 / staging
        );
        outcome
    })
    .await
    .expect("staging ends");
    println!("{} bytes, {} repeated keys", outcome.staged.bytes(), outcome.duplicates.count);
    let publication = Publication {
        mode: UploadMode::Append,
        upload_id: UploadId::generate(),
        committed_by: "bench".to_owned(),
        committed_at: chrono::Utc::now(),
    };
    let record = lake.commit(outcome.staged, publication).await.expect("the commit is made");
    println!("version {} at log entry {}", record.number, record.log_version);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("peak memory {}", peak.trim_start_matches("VmHWM:").trim());
    }
}
