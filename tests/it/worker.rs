//! Files made to break their reader: each ends its own upload with a clear problem, and leaves the hub,
//! its other users and its disk as they were.

use std::{
    fs,
    io::{Cursor, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arrow::{
    array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    ipc::writer::StreamWriter,
};
use futures::StreamExt;
use hub_testkit::hub::{Hub, HubOptions};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};
use reqwest::StatusCode;
use serde_json::json;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::{Answer, RIVER_HEADER, Site, river_csv};

/// What a worker may allocate in these tests, in bytes.
const MEMORY: u64 = 192 << 20;

/// How long a test waits for what must come to pass.
const DEADLINE: Duration = Duration::from_secs(60);

async fn site(settings: &str) -> Site {
    let config = format!("[uploads]\nworker_memory_bytes = {MEMORY}\n{settings}");
    Site::with_options(HubOptions {
        config: Some(config),
        env: vec![("MOCHIYORI_TEST_FAULTS".to_owned(), "1".to_owned())],
        ..HubOptions::default()
    })
    .await
}

/// Uploads a good file whose name makes its reader break in a certain way.
async fn fault(site: &Site, what: &str) -> Answer {
    let name = format!("fault-{what}.csv");
    site.ask(site.upload("append", river_csv(&[what], 0, 3)).query(&[("file_name", &name)])).await
}

/// The processes that a hub has started and that are still there.
fn workers(hub: &Hub) -> Vec<u32> {
    let tasks = format!("/proc/{}/task", hub.process_id());
    let threads = fs::read_dir(tasks).into_iter().flatten().flatten();
    let children =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let ids =
        children.flat_map(|ids| ids.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    ids.filter_map(|id| id.parse().ok()).collect()
}

/// What a process says of its memory under this name, in bytes.
fn memory(process: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_matches([':', '\t', ' ']).strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// What must hold after whatever a file did.
async fn unharmed(site: &Site) {
    assert_eq!(site.rows("SELECT 1 AS one").await, json!([{"one": 1}]));
    assert_eq!(workers(&site.hub), Vec::<u32>::new(), "a worker is left");
    let scratch: Vec<_> = fs::read_dir(site.hub.data_dir().join("scratch"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(scratch.is_empty(), "what was received is still there: {scratch:?}");
}

#[tokio::test]
async fn a_fault_in_decoding_ends_that_upload_alone() {
    let site = site("worker_cpu_s = 2\nworker_wait_s = 4\nat_once = 4").await;
    for (what, said) in [
        ("panic", "broke down"),
        ("abort", "broke down"),
        ("leave", "broke down"),
        ("lie", "broke down"),
        ("allocate", "unpacks to too much"),
        ("spin", "takes too long"),
        ("hang", "takes too long"),
    ] {
        let (answer, beside) = tokio::join!(fault(&site, what), async {
            let start = Instant::now();
            let rows = site.rows("SELECT 1 AS one").await;
            (rows, start.elapsed())
        });
        assert_eq!(beside.0, json!([{"one": 1}]), "{what}");
        assert!(beside.1 < Duration::from_secs(2), "{what}: another waited {:?}", beside.1);
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-file");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{what}: {detail}");
        unharmed(&site).await;
    }
    assert_eq!(site.rows("SELECT count(*) AS n FROM otaru.river").await, json!([{"n": 0}]));
    site.publish(river_csv(&["a"], 0, 3)).await;
    let log = site.hub.log();
    assert!(!log.contains("on purpose"), "what a worker says may quote its file:\n{log}");
}

#[tokio::test]
async fn what_a_worker_takes_is_bounded() {
    let site = site("").await;
    let done = Arc::new(AtomicBool::new(false));
    let watcher = {
        let (done, hub) = (Arc::clone(&done), site.hub.process_id());
        let tasks = format!("/proc/{hub}/task");
        std::thread::spawn(move || {
            let mut peak = 0;
            while !done.load(Ordering::Relaxed) {
                let threads = fs::read_dir(&tasks).into_iter().flatten().flatten();
                for thread in threads {
                    let children = fs::read_to_string(thread.path().join("children"));
                    for child in children.unwrap_or_default().split_whitespace() {
                        let child = child.parse().ok();
                        peak = peak.max(child.and_then(|id| memory(id, "RssAnon")).unwrap_or(0));
                    }
                }
                std::thread::yield_now();
            }
            peak
        })
    };
    fault(&site, "allocate").await.problem(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-file");
    done.store(true, Ordering::Relaxed);
    let peak = watcher.join().unwrap();
    assert!((MEMORY / 4..=MEMORY).contains(&peak), "a worker took {peak} bytes");
}

#[tokio::test]
async fn a_worker_reaches_no_network_no_file_and_starts_nothing() {
    let site = site("").await;
    // Each is refused by the fence, whereupon the worker goes on with its file; one that is let through
    // breaks the upload.
    for what in ["connect", "open", "start"] {
        let answer = fault(&site, what).await;
        assert_eq!(answer.status, 201, "{what}: {answer:?}");
    }
    let metrics = site.ask(site.get("/metrics")).await.text();
    for fence in ["memory", "cpu_time", "files", "landlock", "system_calls"] {
        let line = format!("mochiyori_worker_fences{{fence=\"{fence}\"}}");
        assert!(metrics.contains(&line), "{line} is missing:\n{metrics}");
    }
}

#[tokio::test]
async fn workers_end_with_a_hub_that_is_killed() {
    let mut site = site("worker_wait_s = 600").await;
    let request = site.upload("append", river_csv(&["a"], 0, 3));
    let request = tokio::spawn(request.query(&[("file_name", "fault-hang.csv")]).send());
    let start = Instant::now();
    let worker = loop {
        if let Some(worker) = workers(&site.hub).first() {
            break *worker;
        }
        assert!(start.elapsed() < DEADLINE, "no worker was started");
        tokio::task::yield_now().await;
    };
    site.hub.kill();
    assert!(request.await.unwrap().is_err(), "a dead hub answered");
    while fs::exists(format!("/proc/{worker}/stat")).unwrap() {
        assert!(start.elapsed() < DEADLINE, "the worker outlives its hub");
        tokio::task::yield_now().await;
    }
}

/// Rows of the river with these stations.
fn rows(stations: StringArray) -> RecordBatch {
    let rows = stations.len() as i64;
    let times =
        TimestampMicrosecondArray::from_iter_values((0..rows).map(|row| row * 3_600_000_000));
    let zeros = || Arc::new(Float64Array::from_value(0.0, rows as usize)) as ArrayRef;
    let columns: [(&str, ArrayRef); 4] = [
        ("station", Arc::new(stations)),
        ("time", Arc::new(times.with_timezone("UTC"))),
        ("level", zeros()),
        ("流量", zeros()),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A small Parquet file.
fn small() -> Vec<u8> {
    let batch = rows(StringArray::from_iter_values((0..1_000).map(|_| "x")));
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// A Parquet file with one page of so many equal numbers, which is small only as long as it is packed.
fn one_page(rows_count: usize) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(usize::MAX)
        .set_data_page_row_count_limit(usize::MAX)
        .set_write_batch_size(rows_count)
        .set_max_row_group_row_count(Some(rows_count))
        .build();
    let level: ArrayRef = Arc::new(Float64Array::from_value(0.5, rows_count));
    let batch = RecordBatch::try_from_iter([("level", level)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// An Arrow stream whose texts are said to lie where nothing is.
fn bad_offsets() -> Vec<u8> {
    let batch = rows(StringArray::from(vec!["ABCDEFGH"; 64]));
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    let mut bytes = writer.into_inner().unwrap();
    let second = [8_i32, 16, 24].map(i32::to_le_bytes).concat();
    let at = bytes.windows(second.len()).position(|window| window == second).expect("the offsets");
    bytes[at..at + 4].copy_from_slice(&i32::MAX.to_le_bytes());
    bytes
}

#[tokio::test]
async fn bombs_and_forgeries_are_refused_within_bounds() {
    let site = site("worker_cpu_s = 5\nworker_wait_s = 20").await;
    let mut forged = small();
    let end = forged.len() - 8;
    forged[end..end + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut cut = small();
    cut.truncate(cut.len() - 100);
    let unclosed = format!("{RIVER_HEADER}\"a,2026-04-01 01:00,1,1\n{}", "b,\n".repeat(4 << 20));
    let long_line = format!("{RIVER_HEADER}{}", "a".repeat(64 << 20));
    for (what, file) in [
        ("a page of 256 MiB", one_page(32 << 20)),
        ("a footer of 4 GiB", forged),
        ("a footer cut short", cut),
        ("texts outside of the file", bad_offsets()),
        ("a quote that is never closed", unclosed.into_bytes()),
        ("a line of 64 MiB", long_line.into_bytes()),
    ] {
        let start = Instant::now();
        let answer = site.ask(site.upload("append", file)).await;
        assert!([413, 422].contains(&answer.status), "{what}: {answer:?}");
        assert!(start.elapsed() < Duration::from_secs(50), "{what} took {:?}", start.elapsed());
        unharmed(&site).await;
    }
    assert_eq!(site.rows("SELECT count(*) AS n FROM otaru.river").await, json!([{"n": 0}]));
    let peak = memory(site.hub.process_id(), "VmHWM").unwrap();
    assert!(peak < 700 << 20, "the hub itself took {peak} bytes");
}

/// A ZIP archive of one entry that repeats a piece.
fn packed(name: &str, head: &str, piece: &str, times: usize, tail: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    if name.starts_with("xl/") {
        for (name, text) in BOOK {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
    }
    zip.start_file(name, SimpleFileOptions::default()).unwrap();
    zip.write_all(head.as_bytes()).unwrap();
    let pieces = piece.repeat(1_000);
    for _ in 0..times / 1_000 {
        zip.write_all(pieces.as_bytes()).unwrap();
    }
    zip.write_all(tail.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

/// The parts of a workbook but for its sheet.
const BOOK: &[(&str, &str)] = &[
    ("[Content_Types].xml", "<Types/>"),
    (
        "_rels/.rels",
        r#"<Relationships><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    (
        "xl/workbook.xml",
        r#"<workbook><sheets><sheet name="one" sheetId="1" r:id="a"/></sheets></workbook>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/one.xml"/></Relationships>"#,
    ),
];

#[tokio::test]
async fn what_unpacks_repeats_or_nests_without_end_is_refused_within_bounds() {
    let sheet = "xl/worksheets/one.xml";
    let entities =
        "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]><worksheet>";
    let files = [
        ("400 MB in a ZIP", packed("a.csv", RIVER_HEADER, "0", 400_000_000, "")),
        (
            "a sheet of 300 MB",
            packed(sheet, "<worksheet><sheetData>", " ", 300_000_000, "</sheetData></worksheet>"),
        ),
        (
            "a row of a million cells",
            packed(
                sheet,
                "<worksheet><sheetData><row>",
                "<c><v>1</v></c>",
                1_000_000,
                "</row></sheetData></worksheet>",
            ),
        ),
        ("entities", packed(sheet, entities, "&b;", 1_000, "</worksheet>")),
        ("a million columns", format!("{}\n1\n", "a,".repeat(1_000_000)).into_bytes()),
        (
            "a row of ten million cells",
            format!("{RIVER_HEADER}{}\n", ",".repeat(10_000_000)).into_bytes(),
        ),
        ("a hundred thousand lists within lists", "[".repeat(100_000).into_bytes()),
        ("objects within objects", "{\"a\":".repeat(100_000).into_bytes()),
        (
            "a text of 64 MiB",
            format!("[{{\"station\":\"{}\"}}]", "a".repeat(64 << 20)).into_bytes(),
        ),
        ("NULs", format!("{RIVER_HEADER}a,2026-04-01 01:00,\0,1\n").into_bytes()),
    ];
    let site = site("worker_cpu_s = 10\nworker_wait_s = 40").await;
    for (what, file) in files {
        let start = Instant::now();
        let answer = site.ask(site.upload("append", file)).await;
        assert!([413, 415, 422].contains(&answer.status), "{what}: {answer:?}");
        assert!(start.elapsed() < Duration::from_secs(50), "{what} took {:?}", start.elapsed());
        unharmed(&site).await;
    }
    assert_eq!(site.rows("SELECT count(*) AS n FROM otaru.river").await, json!([{"n": 0}]));
    // A worker may take no more than it was given; the hub itself has taken none of it in.
    let peak = memory(site.hub.process_id(), "VmHWM").unwrap();
    assert!(peak < 500 << 20, "the hub itself took {peak} bytes");
}

#[tokio::test]
async fn a_line_without_end_is_not_held() {
    let site = site("").await;
    let piece = bytes::Bytes::from(vec![b'a'; 1 << 20]);
    let head = bytes::Bytes::from(RIVER_HEADER);
    let pieces = std::iter::once(head).chain(std::iter::repeat_n(piece, 1_024));
    let body = futures::stream::iter(pieces).map(Ok::<_, std::io::Error>);
    let request = site.upload("append", "").body(reqwest::Body::wrap_stream(body));
    let answer = site.ask(request).await;
    assert!([413, 422].contains(&answer.status), "{answer:?}");
    unharmed(&site).await;
    let peak = memory(site.hub.process_id(), "VmHWM").unwrap();
    assert!(peak < 400 << 20, "the hub itself took {peak} bytes");
}

#[tokio::test]
async fn proposals_are_fenced_in_alike() {
    let site = site("worker_cpu_s = 2\nworker_wait_s = 4").await;
    let propose = async |name: &str| {
        let request = site.post("/v1/proposals").bearer_auth(&site.publisher);
        let request = request.query(&[("file_name", name)]).body(river_csv(&["a"], 0, 3));
        site.ask(request).await
    };
    for name in ["fault-panic.csv", "fault-allocate.csv", "fault-spin.csv"] {
        let answer = propose(name).await;
        answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-file");
        unharmed(&site).await;
    }
    let proposal = propose("april.csv").await.ok().json();
    assert_eq!(proposal["contract"]["fields"][0]["name"], "station");
}
