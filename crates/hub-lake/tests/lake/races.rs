//! Writers that meet: every way to publish and compaction, in every pair, from two lakes in one process
//! and from two processes. Whatever the order was, the log's list of versions says it, and the rows
//! must be what that list makes of them: none lost, none doubled.

use std::{
    collections::{HashMap, HashSet},
    process::{Command, Stdio},
    sync::Arc,
};

use hub_lake::{CompactOptions, Lake, LakeConfig, LakeError, Publication, SnapshotAt};
use hub_model::{DatasetId, UploadId, UploadMode};
use hub_testkit::s3::S3Server;
use object_store::memory::InMemory;

use crate::support::*;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Writer {
    Append,
    Replace,
    Upsert,
    ReplacePeriod,
    Compact,
}

impl Writer {
    const ALL: [Self; 5] =
        [Self::Append, Self::Replace, Self::Upsert, Self::ReplacePeriod, Self::Compact];

    fn pairs() -> impl Iterator<Item = (Self, Self)> {
        Self::ALL
            .into_iter()
            .enumerate()
            .flat_map(|(place, one)| Self::ALL[place..].iter().map(move |other| (one, *other)))
    }

    fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|writer| format!("{writer:?}") == text).unwrap()
    }

    fn mode(self) -> Option<UploadMode> {
        match self {
            Self::Append => Some(UploadMode::Append),
            Self::Replace => Some(UploadMode::Replace),
            Self::Upsert => Some(UploadMode::Upsert),
            Self::ReplacePeriod => Some(UploadMode::ReplacePeriod),
            Self::Compact => None,
        }
    }
}

/// Rows that an upload brings: of a station that is named for it, and in an upsert also of one that all
/// of them revise, with a value that names the upload.
fn rows_of(upload: UploadId, mode: UploadMode) -> Vec<Row> {
    let own = upload.to_string();
    match mode {
        UploadMode::Append | UploadMode::Replace => series(&own, 0, 2),
        UploadMode::ReplacePeriod => series(&own, 1, 1),
        UploadMode::Upsert => {
            let mark = own.bytes().fold(0u32, |mark, byte| mark.wrapping_mul(31) + u32::from(byte));
            let shared =
                (0..3).map(|hour| ("shared".to_owned(), hour * HOUR, Some(f64::from(mark))));
            shared.chain(series(&own, 0, 1)).collect()
        }
    }
}

/// Writes again and again; answers the uploads that were acknowledged.
async fn write(lake: &Lake, id: &DatasetId, writer: Writer, times: usize) -> Vec<UploadId> {
    let mut acknowledged = Vec::new();
    for _ in 0..times {
        let Some(mode) = writer.mode() else {
            let options = CompactOptions {
                at_least_files: 2,
                stage: small_options(),
                ..CompactOptions::default()
            };
            lake.compact(id, &options).await.unwrap();
            continue;
        };
        let upload = UploadId::generate();
        loop {
            let staged = stage(lake, id, &rows_of(upload, mode)).await.staged;
            let publication = Publication { upload_id: upload, ..publication(mode) };
            match lake.commit(staged, publication).await {
                Ok(_) => break acknowledged.push(upload),
                Err(LakeError::Conflict { .. }) => {}
                Err(error) => panic!("{error}: {error:?}"),
            }
        }
    }
    acknowledged
}

/// Some small files to begin with, so that a compaction has something to do.
async fn prepare(lake: &Lake, id: &DatasetId) -> Vec<UploadId> {
    lake.create(id, &contract()).await.unwrap();
    write(lake, id, Writer::Append, 4).await
}

/// Checks rows and versions against each other and against what was acknowledged.
async fn check(lake: &Lake, id: &DatasetId, acknowledged: &[UploadId]) {
    let records = lake.versions_since(id, None).await.unwrap();
    let numbers: Vec<u64> = records.iter().map(|record| record.number).collect();
    assert_eq!(numbers, (1..=records.len() as u64).collect::<Vec<_>>());
    let published: Vec<UploadId> = records.iter().map(|record| record.upload_id).collect();
    let distinct: HashSet<_> = published.iter().collect();
    assert_eq!(distinct.len(), published.len(), "an upload was published twice");
    assert_eq!(distinct, acknowledged.iter().collect(), "acknowledged is not what is published");
    let mut model = Model::default();
    for record in records {
        let expected = model.publish(record.mode, &rows_of(record.upload_id, record.mode));
        assert_eq!(counts(&record), expected, "{record:?}");
        let snapshot = lake.snapshot(id, SnapshotAt::Log(record.log_version)).await.unwrap();
        assert_eq!(read(lake, &snapshot).await, model.rows());
    }
    let latest = lake.snapshot(id, SnapshotAt::Latest).await.unwrap();
    assert_eq!(read(lake, &latest).await, model.rows());
}

async fn race_in_process(open: impl Fn() -> Lake) {
    for (index, pair) in Writer::pairs().enumerate() {
        println!("pair: {pair:?}");
        let id = dataset(&format!("race_{index}"));
        let (one, two) = (open(), open());
        let mut acknowledged = prepare(&one, &id).await;
        let (first, second) =
            tokio::join!(write(&one, &id, pair.0, 5), write(&two, &id, pair.1, 5));
        acknowledged.extend(first);
        acknowledged.extend(second);
        check(&open(), &id, &acknowledged).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_two_lakes_meet_in_memory() {
    let store = Arc::new(InMemory::new());
    race_in_process(|| Lake::on_store(Arc::clone(&store) as _)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_two_lakes_meet_in_a_folder() {
    let (_, config, _folder) = folder();
    race_in_process(|| Lake::open(&config).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_appends_at_once_are_all_kept() {
    let (lake, config, _folder) = folder();
    let id = dataset("many");
    lake.create(&id, &contract()).await.unwrap();
    let tasks: Vec<_> = (0..12)
        .map(|_| {
            let (lake, id) = (Lake::open(&config).unwrap(), id.clone());
            tokio::spawn(async move { write(&lake, &id, Writer::Append, 2).await })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for task in tasks {
        acknowledged.extend(task.await.unwrap());
    }
    check(&lake, &id, &acknowledged).await;
}

/// How often each of two processes writes.
const WRITES: usize = 3;

/// What a worker process is told, by variables of these names.
const URL: &str = "LAKE_WORKER_URL";
const OPTIONS: &str = "LAKE_WORKER_OPTIONS";
const DATASET: &str = "LAKE_WORKER_DATASET";
const WRITER: &str = "LAKE_WORKER_WRITER";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in the processes that the race tests start"]
async fn worker() {
    let read = |name| std::env::var(name).unwrap();
    let options: HashMap<String, String> = serde_json::from_str(&read(OPTIONS)).unwrap();
    let lake = Lake::open(&LakeConfig { url: read(URL), options }).unwrap();
    let id = DatasetId::parse(&read(DATASET)).unwrap();
    for upload in write(&lake, &id, Writer::parse(&read(WRITER)), WRITES).await {
        println!("\nacknowledged {upload}");
    }
}

async fn race_of_processes(config: &LakeConfig, every: usize) {
    for (index, pair) in Writer::pairs().enumerate().step_by(every) {
        let id = dataset(&format!("processes_{index}"));
        let lake = Lake::open(config).unwrap();
        let mut acknowledged = prepare(&lake, &id).await;
        let start = |writer: Writer| {
            Command::new(std::env::current_exe().unwrap())
                .args(["races::worker", "--exact", "--ignored", "--nocapture"])
                .env(URL, &config.url)
                .env(OPTIONS, serde_json::to_string(&config.options).unwrap())
                .env(DATASET, id.to_string())
                .env(WRITER, format!("{writer:?}"))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let workers = [start(pair.0), start(pair.1)];
        for worker in workers {
            let output = worker.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let problem = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{pair:?}: {said}{problem}");
            let uploads = said.lines().filter_map(|line| line.strip_prefix("acknowledged "));
            let before = acknowledged.len();
            acknowledged.extend(uploads.map(|upload| UploadId::parse(upload).unwrap()));
            let wrote = acknowledged.len() - before;
            assert!(wrote == WRITES || said.contains("1 passed"), "{said}");
        }
        check(&lake, &id, &acknowledged).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_two_processes_meet_in_a_folder() {
    let (_, config, _folder) = folder();
    race_of_processes(&config, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_two_processes_meet_on_s3() {
    let Some(server) = S3Server::start() else { return };
    let config = LakeConfig { url: server.url("races"), options: server.options() };
    // Starting processes against a server takes its time; a folder has met every pair.
    race_of_processes(&config, 2).await;
}
