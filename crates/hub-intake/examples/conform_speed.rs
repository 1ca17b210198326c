//! How fast files are conformed: generates observations as CSV in ASCII, as CSV with Japanese names in
//! UTF-8 and in CP932, and as Parquet, and prints rows per second for each, read in this process and in a
//! worker. `cargo run --release --example conform_speed -- [ROWS] [FOLDER]`; with a folder the
//! files stay there, for other programs to read.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for the terminal that has no one to tell of errors"
)]

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::{
    array::{Float64Array, StringArray, TimestampMicrosecondArray},
    record_batch::RecordBatch,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use hub_intake::{
    ConformedBatch, FormatHint, IntakeOptions, conform, recognise,
    worker::{self, Sinks, Watch, WorkerConfig, conform_in_worker},
};
use hub_model::Contract;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

const CONTRACT: &str = r#"{"fields":[
    {"name":"station","type":"string","role":"key"},
    {"name":"time","type":"datetime","role":"time"},
    {"name":"level","type":"number","unit":"m","constraints":{"minimum":-50,"maximum":200}},
    {"name":"flow","type":"number","unit":"m3/s"},
    {"name":"quality","type":"string","role":"quality","quality_of":"level"}],
    "primaryKey":["station","time"]}"#;

const STATIONS: u64 = 50;

/// How often each file is read each way; the median counts.
const RUNS: usize = 5;

/// The observations of a row; the same row is the same in every run.
fn observation(row: u64) -> (String, i64, Option<f64>, f64, &'static str) {
    let noise =
        row.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33;
    let station = format!("0164{:03}", row % STATIONS);
    let minute = (row / STATIONS) as i64 * 10;
    let level = (!noise.is_multiple_of(97)).then(|| (noise % 1_000) as f64 / 100.0);
    let quality = if level.is_some() { "normal" } else { "missing" };
    (station, 1_577_804_400 + minute * 60, level, (noise % 100_000) as f64 / 1_000.0, quality)
}

/// A kind of file to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Ascii,
    Utf8,
    Cp932,
    Parquet,
}

impl Kind {
    fn file_end(self) -> &'static str {
        match self {
            Self::Ascii => ".csv",
            Self::Utf8 => "_utf8.csv",
            Self::Cp932 => "_cp932.csv",
            Self::Parquet => ".parquet",
        }
    }
}

fn write_csv(path: &Path, rows: u64, kind: Kind) {
    let names = ["余市川", "尻別川", "堀株川", "朱太川", "古平川"];
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    writeln!(out, "station,time,level,flow,quality").unwrap();
    for row in 0..rows {
        let (station, seconds, level, flow, quality) = observation(row);
        let time = chrono::DateTime::from_timestamp(seconds + 9 * 3_600, 0).unwrap();
        let time = time.format("%Y-%m-%d %H:%M:%S");
        let level = level.map(|level| level.to_string()).unwrap_or_default();
        let name = if kind == Kind::Ascii { "" } else { names[(row % STATIONS) as usize % 5] };
        let line = format!("{name}{station},{time},{level},{flow},{quality}\n");
        if kind == Kind::Cp932 {
            out.write_all(&encoding_rs::SHIFT_JIS.encode(&line).0).unwrap();
        } else {
            out.write_all(line.as_bytes()).unwrap();
        }
    }
    out.flush().unwrap();
}

fn write_parquet(path: &Path, rows: u64) {
    let schema = Arc::new(Schema::new(vec![
        Field::new("station", DataType::Utf8, false),
        Field::new("time", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        Field::new("level", DataType::Float64, true),
        Field::new("flow", DataType::Float64, true),
        Field::new("quality", DataType::Utf8, true),
    ]));
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(Default::default())).build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).unwrap();
    for start in (0..rows).step_by(65_536) {
        let rows: Vec<_> = (start..rows.min(start + 65_536)).map(observation).collect();
        let times: TimestampMicrosecondArray =
            rows.iter().map(|row| Some(row.1 * 1_000_000)).collect();
        let batch = RecordBatch::try_new(
            schema.clone(),
            vec![
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0))),
                Arc::new(times.with_timezone("UTC")),
                Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
                Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.3))),
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.4))),
            ],
        )
        .unwrap();
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
}

/// Reads a file once, in this process or in a worker, and answers the seconds that took.
fn read(path: &Path, rows: u64, worker: Option<&WorkerConfig>) -> f64 {
    let contract = Contract::parse(CONTRACT.as_bytes()).unwrap();
    let options = IntakeOptions::default();
    let file = File::open(path).unwrap();
    let mut taken = 0;
    let mut sink = |batch: ConformedBatch| {
        taken += batch.batch.num_rows() as u64;
        Ok(())
    };
    let begun = Instant::now();
    let report = match worker {
        None => {
            let recognised = recognise(file, &FormatHint::default()).unwrap();
            conform(&recognised, &contract, &options, &mut sink)
        }
        Some(worker) => {
            let hint = FormatHint::default();
            let watch = Watch::default();
            let sinks = Sinks { rows: &mut sink, kept_back: &mut |_| Ok(()) };
            conform_in_worker(worker, file, &hint, &contract, &options, &watch, sinks)
        }
    };
    let (report, seconds) = (report.unwrap(), begun.elapsed().as_secs_f64());
    assert_eq!((report.error_count, taken), (0, rows), "{:?}", report.errors.first());
    seconds
}

fn median(mut seconds: [f64; RUNS]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[RUNS / 2]
}

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|word| word == "intake-worker") {
        return worker::main();
    }
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().map_or(2_000_000, |rows| rows.parse().unwrap());
    let folder = arguments.next().map_or_else(
        || std::env::temp_dir().join(format!("conform_speed_{}", std::process::id())),
        PathBuf::from,
    );
    let stays = std::env::args().len() > 2;
    std::fs::create_dir_all(&folder).unwrap();
    let worker = WorkerConfig {
        program: std::env::current_exe().unwrap(),
        args: vec!["intake-worker".into()],
        memory_bytes: 2 << 30,
        cpu_time: Duration::from_secs(3_600),
        wait_time: Duration::from_secs(3_600),
    };
    for kind in [Kind::Ascii, Kind::Utf8, Kind::Cp932, Kind::Parquet] {
        let path = folder.join(format!("observations_{rows}{}", kind.file_end()));
        if !path.exists() {
            match kind {
                Kind::Parquet => write_parquet(&path, rows),
                _ => write_csv(&path, rows, kind),
            }
        }
        let megabytes = std::fs::metadata(&path).unwrap().len() as f64 / 1e6;
        // One after the other each time, so that a busy machine is busy for both.
        let (mut here, mut there) = ([0.0; RUNS], [0.0; RUNS]);
        for run in 0..RUNS {
            here[run] = read(&path, rows, None);
            there[run] = read(&path, rows, Some(&worker));
        }
        let (here, there) = (median(here), median(there));
        for (place, seconds) in [("in this process", here), ("in a worker", there)] {
            println!(
                "{kind:?} {place}: {rows} rows, {megabytes:.0} MB in {seconds:.2} s: {:.1} million rows/s, {:.0} MB/s",
                rows as f64 / seconds / 1e6,
                megabytes / seconds,
            );
        }
        println!("{kind:?}: the worker takes {:.2} times as long", there / here);
    }
    if !stays {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    ExitCode::SUCCESS
}
