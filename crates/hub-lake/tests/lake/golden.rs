//! The persisted form. A folder of `golden/` holds a log as a release wrote it; folders are only ever
//! added. What is written today is compared with the newest of them.

use std::{path::PathBuf, sync::Arc};

use hub_lake::{Bound, Lake, Publication, SnapshotAt};
use hub_model::{DatasetId, UploadId, UploadMode};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, memory::InMemory, path::Path};
use serde_json::Value;

use crate::support::*;

const LOG: &str = "bench/observations/_delta_log";

fn golden(release: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lake/golden")).join(release)
}

/// A lake that holds what a release wrote.
async fn written_by(release: &str, entries: u64) -> Lake {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    for entry in 0..entries {
        let name = format!("{entry:020}.json");
        let written = std::fs::read(golden(release).join(&name)).unwrap();
        let path = Path::from(format!("{LOG}/{name}"));
        store.put(&path, PutPayload::from(written)).await.unwrap();
    }
    Lake::on_store(store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_written_before_is_still_read() {
    let lake = written_by("v1", 3).await;
    let id = DatasetId::parse("bench.observations").unwrap();
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((snapshot.version, snapshot.log_version, snapshot.rows()), (2, 2, 1400));
    assert_eq!(*snapshot.sort_columns, ["station".to_owned(), "time".to_owned()]);
    let flow = &snapshot.files[0].columns["flow"];
    assert_eq!(flow.minimum, Some(Bound::Number(0.6000000000000001)));
    assert_eq!((flow.exact, flow.nulls), (true, Some(0)));
    let records = lake.versions_since(&id, None).await.unwrap();
    assert_eq!(records.iter().map(|r| r.rows_total).collect::<Vec<_>>(), [1000, 1400]);
    let upload = UploadId::parse("01a204ad-0918-71c4-855c-4244d15888c6").unwrap();
    assert_eq!(records[0].upload_id, upload);
    assert_eq!(lake.published(&id, upload).await.unwrap().as_ref(), Some(&records[0]));
    // What was not recorded then is not known, and not none.
    assert_eq!((records[1].rows_changed, records[1].rows_removed), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_revisions_is_still_read() {
    let lake = written_by("v2", 3).await;
    let id = DatasetId::parse("bench.observations").unwrap();
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((snapshot.version, snapshot.rows(), snapshot.files.len()), (2, 60, 2));
    let records = lake.versions_since(&id, None).await.unwrap();
    assert_eq!(counts(&records[0]), [48, 0, 0, 0, 48]);
    assert_eq!(counts(&records[1]), [12, 1, 0, 23, 60]);
    assert_eq!(records[1].mode, UploadMode::Upsert);

    // Then the upsert was withdrawn.
    let lake = written_by("v2", 4).await;
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((snapshot.version, snapshot.rows(), snapshot.files.len()), (3, 48, 1));
    let record = &lake.versions_since(&id, Some(2)).await.unwrap()[0];
    let withdrawal = record.withdrawal.as_ref().unwrap();
    assert_eq!((withdrawal.version, withdrawal.restores, record.shows()), (2, 1, 1));
    assert_eq!(withdrawal.reason, "水位計の故障のため");
    // What is written today has the same keys.
    let before = serde_json::to_value(record).unwrap();
    let (lake, _, _folder) = folder();
    let id = dataset("form");
    lake.create(&id, &contract()).await.unwrap();
    let first = publish(&lake, &id, UploadMode::Append, &series("a", 0, 2)).await;
    let second = publish(&lake, &id, UploadMode::Append, &series("a", 2, 2)).await;
    let request = crate::revisions::withdrawal(&second, Some(&first), 2);
    let today = serde_json::to_value(lake.withdraw(&id, &request).await.unwrap()).unwrap();
    let keys = |record: &Value| record.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&before), keys(&today));
    assert_eq!(keys(&before["withdrawal"]), keys(&today["withdrawal"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_written_in_the_known_form() {
    let (lake, _, _folder) = folder();
    let id = dataset("form");
    lake.create(&id, &contract()).await.unwrap();
    let staged = stage(&lake, &id, &series("a", 0, 2)).await.staged;
    let upload_id = UploadId::parse("019ab0c5-0000-7000-8000-000000000001").unwrap();
    let publication = Publication { upload_id, ..publication(UploadMode::Append) };
    lake.commit(staged, publication).await.unwrap();
    let path = Path::from("otaru/form/_delta_log/00000000000000000001.json");
    let bytes = lake.object_store().get(&path).await.unwrap().bytes().await.unwrap();
    let lines: Vec<Value> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let mut record = lines[0]["commitInfo"]["mochiyori.version"].clone();
    // Sizes follow the encoder's release, which is no part of the form.
    for size in ["bytes_added", "bytes_total"] {
        assert!(record[size].is_u64());
        record[size] = Value::Null;
    }
    insta::assert_snapshot!(record, @r#"{"number":1,"log_version":1,"committed_at":"2026-09-21T14:13:20Z","committed_by":"river staff","upload_id":"019ab0c5-0000-7000-8000-000000000001","mode":"append","rows_added":2,"rows_changed":0,"rows_removed":0,"rows_unchanged":0,"rows_total":2,"bytes_added":null,"bytes_total":null}"#);
    insta::assert_snapshot!(lines[1]["add"]["stats"].as_str().unwrap(), @r#"{"numRecords":2,"minValues":{"station":"a","time":"1970-01-01T00:00:00.000Z","level":0.0},"maxValues":{"station":"a","time":"1970-01-01T01:00:00.000Z","level":0.1},"nullCount":{"station":0,"time":0,"level":0}}"#);
    assert_eq!(lines[1]["add"]["tags"]["mochiyori.sha256"].as_str().unwrap().len(), 64);
    let transactions = serde_json::to_string(&lines[2..]).unwrap();
    insta::assert_snapshot!(transactions, @r#"[{"txn":{"appId":"mochiyori.version","version":1}},{"txn":{"appId":"mochiyori.upload.019ab0c5-0000-7000-8000-000000000001","version":1}}]"#);
    // The newest golden log has the same keys.
    let written = std::fs::read(golden("v2").join("00000000000000000001.json")).unwrap();
    let first = written.split(|byte| *byte == b'\n').next().unwrap();
    let before: Value = serde_json::from_slice(first).unwrap();
    let keys = |record: &Value| record.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&before["commitInfo"]["mochiyori.version"]), keys(&record));
}
