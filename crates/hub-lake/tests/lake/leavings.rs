//! What is left behind when an upload ends half-way: invisible to readers, and collected in time.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use hub_lake::{Lake, LakeError, SnapshotAt, VacuumOptions};
use hub_model::{ErrorKind, UploadMode};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};

use crate::support::*;

async fn data_files(lake: &Lake) -> usize {
    let objects: Vec<_> = lake.object_store().list(None).collect().await;
    let is_data = |object: &&Result<ObjectMeta>| {
        object.as_ref().unwrap().location.as_ref().ends_with(".parquet")
            && !object.as_ref().unwrap().location.as_ref().contains("_delta_log")
    };
    objects.iter().filter(is_data).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_leaves_is_invisible_and_collected() {
    let (lake, config, _folder) = folder();
    let id = dataset("crashed");
    lake.create(&id, &contract()).await.unwrap();
    publish(&lake, &id, UploadMode::Append, &series("a", 0, 5)).await;
    let staged = stage(&lake, &id, &series("b", 0, 5)).await.staged;
    // A process that ends runs no destructors.
    std::mem::forget(staged);
    assert_eq!(data_files(&lake).await, 2);
    let restarted = Lake::open(&config).unwrap();
    let snapshot = restarted.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((snapshot.version, snapshot.rows()), (1, 5));

    let young = restarted.vacuum(&id, &VacuumOptions::default()).await.unwrap();
    assert_eq!(young.orphans, 0, "an upload may still be under way");
    let later = chrono::Utc::now() + chrono::TimeDelta::days(2);
    let options = VacuumOptions { now: later, dry_run: true, ..VacuumOptions::default() };
    assert_eq!(restarted.vacuum(&id, &options).await.unwrap().orphans, 1);
    assert_eq!(data_files(&lake).await, 2);
    let options = VacuumOptions { dry_run: false, ..options };
    let outcome = restarted.vacuum(&id, &options).await.unwrap();
    assert!(outcome.orphans == 1 && outcome.bytes > 0);
    assert_eq!(data_files(&lake).await, 1);
    assert_eq!(read(&restarted, &snapshot).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn discarded_rows_are_deleted() {
    let (lake, _, _folder) = folder();
    let id = dataset("discarded");
    lake.create(&id, &contract()).await.unwrap();
    let staged = stage(&lake, &id, &series("b", 0, 5)).await.staged;
    assert_eq!(data_files(&lake).await, 1);
    lake.discard(staged).await;
    assert_eq!(data_files(&lake).await, 0);
}

/// A store that answers late or not at all when a log entry is added.
#[derive(Debug)]
struct Faulty {
    inner: InMemory,
    fault: AtomicU8,
}

/// The entry is written and the answer is lost.
const LATE: u8 = 1;
/// Nothing is written.
const DEAD: u8 = 2;
/// The entry is written, the answer is lost, and the client's own second attempt finds it there.
const REPEATED: u8 = 3;

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

fn lost() -> object_store::Error {
    object_store::Error::Generic { store: "Faulty", source: "connection reset".into() }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let is_entry = location.as_ref().ends_with(".json");
        match if is_entry { self.fault.swap(0, Ordering::SeqCst) } else { 0 } {
            LATE => {
                self.inner.put_opts(location, payload, opts).await?;
                Err(lost())
            }
            DEAD => Err(lost()),
            REPEATED => {
                self.inner.put_opts(location, payload.clone(), opts.clone()).await?;
                self.inner.put_opts(location, payload, opts).await
            }
            _ => self.inner.put_opts(location, payload, opts).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_answers_late_loses_and_doubles_nothing() {
    let store = Arc::new(Faulty { inner: InMemory::new(), fault: AtomicU8::new(0) });
    let lake = Lake::on_store(Arc::clone(&store) as _);
    let id = dataset("late");
    lake.create(&id, &contract()).await.unwrap();
    for (fault, rows, version) in [(LATE, 5, 1), (REPEATED, 10, 2)] {
        let staged = stage(&lake, &id, &series(&version.to_string(), 0, 5)).await.staged;
        store.fault.store(fault, Ordering::SeqCst);
        let record = lake.commit(staged, publication(UploadMode::Append)).await.unwrap();
        assert_eq!((record.number, record.rows_total), (version, rows));
        let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
        assert_eq!((snapshot.version, snapshot.rows()), (version, rows));
        assert_eq!(read(&lake, &snapshot).await.len() as u64, rows);
    }
    let staged = stage(&lake, &id, &series("x", 0, 5)).await.staged;
    let upload = publication(UploadMode::Append);
    store.fault.store(DEAD, Ordering::SeqCst);
    let error = lake.commit(staged, upload.clone()).await.unwrap_err();
    assert!(matches!(error, LakeError::Store { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    // The sender tries again with the same upload.
    let staged = stage(&lake, &id, &series("x", 0, 5)).await.staged;
    assert_eq!(lake.commit(staged, upload).await.unwrap().number, 3);
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!(snapshot.rows(), 15);
}
