//! What every store must give: one suite, run in memory, in a local folder and over the S3 protocol.

use std::{future::Future, sync::Arc, time::Duration};

use arrow::array::{Array, StringArray};
use futures::TryStreamExt;
use hub_lake::{
    Bound, CompactOptions, Lake, LakeConfig, LakeError, SnapshotAt, StageOptions, VacuumOptions,
};
use hub_model::{Contract, ErrorKind, UploadId, UploadMode};
use hub_testkit::s3::S3Server;
use object_store::memory::InMemory;

use crate::support::*;

/// Every case, with two lakes on the same store, as two processes would have them.
async fn every_case(open: impl Fn() -> Lake) {
    let (lake, other) = (open(), open());
    let lakes = (&lake, &other);
    named("a dataset begins empty", begins_empty(lakes)).await;
    named("appends add and replacements replace", appends_and_replaces(lakes)).await;
    named("an upload is published once", published_once(lakes)).await;
    named("a contract grows", contract_grows(lakes)).await;
    named("compaction keeps rows", compaction_keeps_rows(lakes)).await;
    named("old versions expire only when asked", expires_when_asked(lakes)).await;
    named("a pinned version outlives the retention", keeps_what_is_pinned(lakes)).await;
    named("revisions touch what they must", revisions(lakes)).await;
    named("uploaded files are kept", keeps_originals(lakes)).await;
    named("a long log is read from its checkpoint", long_log(lakes, open())).await;
}

async fn named(name: &str, case: impl Future<Output = ()>) {
    println!("case: {name}");
    case.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_passes_every_case() {
    let store = Arc::new(InMemory::new());
    every_case(|| Lake::on_store(Arc::clone(&store) as _)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_folder_passes_every_case() {
    let (_, config, _folder) = folder();
    every_case(|| Lake::open(&config).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_passes_every_case() {
    let Some(server) = S3Server::start() else { return };
    let config = LakeConfig { url: server.url("hub/data"), options: server.options() };
    every_case(|| Lake::open(&config).unwrap()).await;
}

async fn begins_empty((lake, other): (&Lake, &Lake)) {
    let id = dataset("empty");
    lake.probe().await.unwrap();
    let error = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    lake.create(&id, &contract()).await.unwrap();
    lake.create(&id, &contract()).await.unwrap();
    other.create(&id, &contract()).await.unwrap();
    let wider = Contract::parse(br#"{"fields":[{"name":"a","type":"string"}]}"#).unwrap();
    let error = other.create(&id, &wider).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BreakingChange, "{error}");
    let snapshot = other.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((snapshot.version, snapshot.log_version, snapshot.rows()), (0, 0, 0));
    assert_eq!(snapshot.schema, contract().storage_schema());
    assert_eq!(*snapshot.sort_columns, ["station".to_owned(), "time".to_owned()]);
    let error = other.snapshot(&id, SnapshotAt::Log(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

async fn appends_and_replaces((lake, other): (&Lake, &Lake)) {
    let id = dataset("steps");
    lake.create(&id, &contract()).await.unwrap();
    let (a, b, c) = (series("a", 0, 5), series("b", 3, 4), series("c", 0, 2));
    let first = publish(lake, &id, UploadMode::Append, &a).await;
    let second = publish(other, &id, UploadMode::Append, &b).await;
    let third = publish(lake, &id, UploadMode::Replace, &c).await;
    let fourth = publish(other, &id, UploadMode::Append, &[]).await;
    assert_eq!([first.number, second.number, third.number, fourth.number], [1, 2, 3, 4]);
    assert_eq!([first.rows_total, second.rows_total, third.rows_total], [5, 9, 2]);
    assert_eq!((second.rows_added, fourth.rows_added, fourth.rows_total), (4, 0, 2));
    let both = sorted([a.clone(), b].concat());
    for (at, rows, version) in [
        (SnapshotAt::Log(first.log_version), a, 1),
        (SnapshotAt::Log(second.log_version), both, 2),
        (SnapshotAt::Log(third.log_version), c.clone(), 3),
        (SnapshotAt::Latest, c, 4),
    ] {
        for lake in [lake, other] {
            let snapshot = lake.snapshot(&id, at).await.unwrap();
            assert_eq!(snapshot.version, version);
            assert_eq!(read(lake, &snapshot).await, rows);
        }
    }
    let records = [first, second, third, fourth];
    assert_eq!(other.versions_since(&id, None).await.unwrap(), records);
    let after = records[1].log_version;
    assert_eq!(lake.versions_since(&id, Some(after)).await.unwrap(), records[2..]);
    let end = records[3].log_version;
    assert_eq!(lake.versions_since(&id, Some(end)).await.unwrap(), []);
}

async fn keeps_originals((lake, other): (&Lake, &Lake)) {
    let id = dataset("kept");
    lake.create(&id, &contract()).await.unwrap();
    publish(lake, &id, UploadMode::Append, &series("a", 0, 5)).await;
    let upload = UploadId::generate();
    assert!(lake.original(&id, &upload, None).await.unwrap().is_none());
    // Larger than what is sent at once, so that it goes in several parts.
    let bytes: Vec<u8> =
        (0..24_u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    lake.keep_original(&id, &upload, file.path()).await.unwrap();
    lake.keep_upload_record(&id, &upload, b"{}".to_vec()).await.unwrap();

    let options = VacuumOptions {
        grace: Duration::ZERO,
        retention: Some(Duration::ZERO),
        now: chrono::Utc::now() + chrono::TimeDelta::days(9_000),
        ..VacuumOptions::default()
    };
    lake.vacuum(&id, &options).await.unwrap();
    let read = async |range: Option<std::ops::Range<u64>>| {
        let original = other.original(&id, &upload, range).await.unwrap().unwrap();
        let parts: Vec<_> = original.bytes.try_collect().await.unwrap();
        (original.size, original.range, parts.concat())
    };
    let size = bytes.len() as u64;
    assert_eq!(other.original_size(&id, &upload).await.unwrap(), Some(size));
    let (whole, range, found) = read(None).await;
    assert_eq!((whole, range), (size, 0..size));
    assert!(found == bytes, "the file is another");
    let (whole, range, found) = read(Some(5..9)).await;
    assert_eq!((whole, range, &found[..]), (size, 5..9, &bytes[5..9]));
    assert_eq!(other.upload_record(&id, &upload).await.unwrap().unwrap(), &b"{}"[..]);

    let kept: Vec<_> = other.kept_uploads(&id).unwrap().try_collect().await.unwrap();
    assert!(kept.iter().all(|kept| kept.id == upload) && kept.len() == 2, "{kept:?}");
    for _ in 0..2 {
        lake.forget_upload(&id, &upload).await.unwrap();
        assert!(other.original(&id, &upload, None).await.unwrap().is_none());
        assert_eq!(other.upload_record(&id, &upload).await.unwrap(), None);
    }
}

async fn published_once((lake, other): (&Lake, &Lake)) {
    let id = dataset("once");
    lake.create(&id, &contract()).await.unwrap();
    let rows = series("a", 0, 5);
    let upload = publication(UploadMode::Append);
    assert_eq!(lake.published(&id, upload.upload_id).await.unwrap(), None);
    let staged = stage(lake, &id, &rows).await.staged;
    let first = lake.commit(staged, upload.clone()).await.unwrap();
    publish(lake, &id, UploadMode::Append, &series("b", 0, 1)).await;
    let again = stage(other, &id, &rows).await.staged;
    assert_eq!(other.commit(again, upload.clone()).await.unwrap(), first);
    assert_eq!(other.published(&id, upload.upload_id).await.unwrap(), Some(first));
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((snapshot.version, snapshot.rows()), (2, 6));
    // The files that were staged again are of no use and are gone.
    let options = VacuumOptions { now: tomorrow(), ..VacuumOptions::default() };
    assert_eq!(lake.vacuum(&id, &options).await.unwrap().orphans, 0);
}

fn tomorrow() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now() + chrono::TimeDelta::days(2)
}

async fn contract_grows((lake, other): (&Lake, &Lake)) {
    let id = dataset("growing");
    lake.create(&id, &contract()).await.unwrap();
    publish(lake, &id, UploadMode::Append, &series("a", 0, 3)).await;
    let mut grown = contract();
    grown.fields.insert(0, hub_model::Field::new("remark", hub_model::FieldType::String));
    let grown = grown.validated().unwrap();

    let early = grown_batch(&grown);
    let options = small_options();
    let staged =
        stage_with(other, &id, &grown, vec![(early.clone(), 1)], options.clone()).await.unwrap();
    let error = other.commit(staged.staged, publication(UploadMode::Append)).await.unwrap_err();
    assert!(matches!(error, LakeError::Incompatible { .. }), "{error}");

    lake.change_contract(&id, &grown).await.unwrap();
    lake.change_contract(&id, &grown).await.unwrap();
    let staged = stage_with(other, &id, &grown, vec![(early, 1)], options).await.unwrap();
    let record = other.commit(staged.staged, publication(UploadMode::Append)).await.unwrap();
    // Rows staged under the old contract, as by an upload that was under way, still fit.
    publish(other, &id, UploadMode::Append, &series("c", 0, 2)).await;
    assert_eq!(record.number, 2, "a contract's growth is no version of the data");
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!(snapshot.schema, grown.storage_schema());
    let of_remark = snapshot.files.iter().map(|file| file.columns.contains_key("remark"));
    assert_eq!(of_remark.collect::<Vec<_>>(), [false, true, false]);

    let options = CompactOptions { at_least_files: 2, ..CompactOptions::default() };
    assert_eq!(lake.compact(&id, &options).await.unwrap().files_added, 1);
    let snapshot = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((snapshot.rows(), snapshot.version), (6, 3));
    assert_eq!(snapshot.files[0].columns["remark"].nulls, Some(5));

    for breaking in [
        r#"{"fields":[{"name":"station","type":"string"}]}"#,
        r#"{"fields":[{"name":"remark","type":"integer"},{"name":"station","type":"string"},
            {"name":"time","type":"datetime"},{"name":"level","type":"number"}]}"#,
        r#"{"fields":[{"name":"station","type":"string"},{"name":"time","type":"datetime"},
            {"name":"level","type":"number"},{"name":"remark","type":"string"},
            {"name":"new","type":"string","constraints":{"required":true}}]}"#,
    ] {
        let breaking = Contract::parse(breaking.as_bytes()).unwrap();
        let error = lake.change_contract(&id, &breaking).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BreakingChange, "{error}");
    }
}

fn grown_batch(contract: &Contract) -> arrow::array::RecordBatch {
    let rows = batch(&series("b", 0, 1));
    let mut columns: Vec<Arc<dyn Array>> = vec![Arc::new(StringArray::from(vec!["備考"]))];
    columns.extend(rows.columns().iter().cloned());
    arrow::array::RecordBatch::try_new(contract.storage_schema(), columns).unwrap()
}

async fn compaction_keeps_rows((lake, other): (&Lake, &Lake)) {
    let id = dataset("compacted");
    lake.create(&id, &contract()).await.unwrap();
    let mut all = Vec::new();
    let mut last = None;
    for part in 0..9 {
        let rows = series(if part % 2 == 0 { "a" } else { "b" }, part * 10, 10);
        last = Some(publish(lake, &id, UploadMode::Append, &rows).await);
        all.extend(rows);
    }
    let all = sorted(all);
    let before = other.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!(before.files.len(), 9);
    let outcome = lake.compact(&id, &CompactOptions::default()).await.unwrap();
    assert_eq!((outcome.files_removed, outcome.files_added, outcome.rows), (9, 1, 90));
    let after = other.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((after.version, after.files.len()), (9, 1));
    assert_eq!(read(other, &after).await, all);
    // What was opened before, and what is opened as it was before, still reads.
    assert_eq!(read(other, &before).await, all);
    let log = last.unwrap().log_version;
    let old = lake.snapshot(&id, SnapshotAt::Log(log)).await.unwrap();
    assert_eq!(old.files.len(), 9);
    assert_eq!(other.versions_since(&id, None).await.unwrap().len(), 9);
    let again = lake.compact(&id, &CompactOptions::default()).await.unwrap();
    assert_eq!(again.files_removed, 0);
    let next = publish(other, &id, UploadMode::Append, &series("c", 0, 1)).await;
    assert_eq!((next.number, next.rows_total), (10, 91));
}

async fn expires_when_asked((lake, other): (&Lake, &Lake)) {
    let id = dataset("expiring");
    lake.create(&id, &contract()).await.unwrap();
    let first = publish(lake, &id, UploadMode::Append, &series("a", 0, 5)).await;
    let second = publish(lake, &id, UploadMode::Replace, &series("b", 0, 3)).await;
    let third = publish(lake, &id, UploadMode::Append, &series("c", 0, 2)).await;
    let options = CompactOptions { at_least_files: 2, ..CompactOptions::default() };
    lake.compact(&id, &options).await.unwrap();

    let keep = VacuumOptions { now: tomorrow(), ..VacuumOptions::default() };
    let outcome = lake.vacuum(&id, &keep).await.unwrap();
    assert_eq!((outcome.orphans, outcome.expired), (0, 0));
    let day = std::time::Duration::from_secs(24 * 3600);
    let plan = VacuumOptions { retention: Some(day), dry_run: true, ..keep.clone() };
    assert_eq!(lake.vacuum(&id, &plan).await.unwrap().expired, 3);
    let old = other.snapshot(&id, SnapshotAt::Log(first.log_version)).await.unwrap();
    assert_eq!(read(other, &old).await.len(), 5, "a dry run deletes nothing");

    let plan = VacuumOptions { dry_run: false, ..plan };
    let outcome = lake.vacuum(&id, &plan).await.unwrap();
    assert_eq!((outcome.orphans, outcome.expired), (0, 3));
    for gone in [&first, &second] {
        for lake in [lake, other] {
            let at = SnapshotAt::Log(gone.log_version);
            let error = lake.snapshot(&id, at).await.unwrap_err();
            assert!(matches!(error, LakeError::Expired { .. }), "{error}");
        }
    }
    // The newest version stays, also by the log entry that made it: its rows live on in other files.
    for at in [SnapshotAt::Latest, SnapshotAt::Log(third.log_version)] {
        let snapshot = other.snapshot(&id, at).await.unwrap();
        assert_eq!(snapshot.version, 3);
        assert_eq!(read(other, &snapshot).await.len(), 5);
    }
    assert_eq!(lake.vacuum(&id, &plan).await.unwrap().expired, 0);
}

async fn keeps_what_is_pinned((lake, other): (&Lake, &Lake)) {
    let id = dataset("pinned");
    lake.create(&id, &contract()).await.unwrap();
    let mut versions = Vec::new();
    for (station, hours) in [("a", 5), ("b", 4), ("c", 3), ("d", 2)] {
        let rows = series(station, 0, hours);
        versions.push(publish(lake, &id, UploadMode::Replace, &rows).await);
    }
    let (first, cited) = (&versions[0], &versions[1]);
    let plan = VacuumOptions {
        now: tomorrow(),
        retention: Some(std::time::Duration::from_secs(24 * 3600)),
        pinned: vec![cited.log_version],
        ..VacuumOptions::default()
    };
    let dry = VacuumOptions { dry_run: true, ..plan.clone() };
    assert_eq!(lake.vacuum(&id, &dry).await.unwrap().expired, 2);
    // What is said to expire goes no sooner than the vacuum itself, and the second run finds nothing.
    lake.expire(&id, &plan).await.unwrap();
    let kept = other.snapshot(&id, SnapshotAt::Log(cited.log_version)).await.unwrap();
    assert_eq!(read(other, &kept).await.len(), 4);
    assert_eq!(lake.vacuum(&id, &plan).await.unwrap().expired, 2);
    assert_eq!(other.vacuum(&id, &plan).await.unwrap().expired, 0);
    for lake in [lake, other] {
        let kept = lake.snapshot(&id, SnapshotAt::Log(cited.log_version)).await.unwrap();
        assert_eq!((kept.version, read(lake, &kept).await.len()), (2, 4));
        let gone = lake.snapshot(&id, SnapshotAt::Log(first.log_version)).await.unwrap_err();
        assert!(matches!(gone, LakeError::Expired { .. }), "{gone}");
    }
    // A pin that comes too late brings nothing back, and one that is let go is let go.
    let late = VacuumOptions { pinned: vec![first.log_version], ..plan.clone() };
    lake.expire(&id, &late).await.unwrap();
    let gone = lake.snapshot(&id, SnapshotAt::Log(first.log_version)).await.unwrap_err();
    assert!(matches!(gone, LakeError::Expired { .. }), "{gone}");
    publish(lake, &id, UploadMode::Replace, &series("e", 0, 1)).await;
    let free = VacuumOptions { pinned: Vec::new(), ..plan };
    assert_eq!(lake.vacuum(&id, &free).await.unwrap().expired, 2);
    for gone in [cited.log_version, versions[3].log_version] {
        let gone = other.snapshot(&id, SnapshotAt::Log(gone)).await.unwrap_err();
        assert!(matches!(gone, LakeError::Expired { .. }), "{gone}");
    }
}

async fn revisions((lake, other): (&Lake, &Lake)) {
    let id = dataset("revised");
    lake.create(&id, &contract()).await.unwrap();
    let mut model = Model::default();
    let mut revised = series("a", 5, 20);
    revised[0].2 = None;
    revised[1].2 = Some(-1.0);
    let steps = [
        (UploadMode::Append, [series("a", 0, 10), series("b", 0, 10)].concat()),
        (UploadMode::Append, series("c", 0, 10)),
        (UploadMode::Upsert, revised),
        (UploadMode::ReplacePeriod, series("b", 4, 3)),
        (UploadMode::Upsert, series("c", 0, 10)),
        (UploadMode::Replace, series("d", 0, 4)),
    ];
    let mut states = Vec::new();
    for (place, (mode, rows)) in steps.into_iter().enumerate() {
        let writer = if place % 2 == 0 { lake } else { other };
        let record = publish(writer, &id, mode, &rows).await;
        assert_eq!(counts(&record), model.publish(mode, &rows), "{mode:?}");
        states.push((record, model.rows()));
    }
    let error = lake
        .commit(stage(lake, &id, &series("d", 3, 2)).await.staged, publication(UploadMode::Append));
    let error = error.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContractViolated, "{error}");
    for (record, rows) in states {
        for lake in [lake, other] {
            let at = SnapshotAt::Log(record.log_version);
            let snapshot = lake.snapshot(&id, at).await.unwrap();
            assert_eq!(read(lake, &snapshot).await, rows);
        }
    }
    let options = VacuumOptions { now: tomorrow(), ..VacuumOptions::default() };
    assert_eq!(lake.vacuum(&id, &options).await.unwrap().orphans, 0);
}

async fn long_log((lake, other): (&Lake, &Lake), fresh: Lake) {
    let id = dataset("long");
    lake.create(&id, &contract()).await.unwrap();
    other.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    let long = "あ".repeat(70);
    let mut records = Vec::new();
    for part in 0..45 {
        let name = if part == 3 { &long } else { "a" };
        let rows = [(name.to_owned(), part * HOUR, Some(0.1 + part as f64))];
        records.push(publish(lake, &id, UploadMode::Append, &rows).await);
    }
    let cold = fresh.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    let warm = lake.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    let behind = other.snapshot(&id, SnapshotAt::Latest).await.unwrap();
    assert_eq!((cold.version, cold.rows()), (45, 45));
    assert_eq!(cold.files, warm.files, "a checkpoint says the same as the entries");
    assert_eq!(behind.files, warm.files);
    let file = &cold.files[3].columns["station"];
    assert!(!file.exact);
    let Some(Bound::Text(greatest)) = &file.maximum else { panic!("no bound") };
    assert!(*greatest >= long && greatest.chars().count() == 64);
    assert_eq!(cold.files[7].columns["level"].maximum, Some(Bound::Number(7.1)));
    let upload = records[1].upload_id;
    assert_eq!(fresh.published(&id, upload).await.unwrap(), Some(records[1].clone()));
    assert_eq!(fresh.versions_since(&id, None).await.unwrap(), records);
    let middle = SnapshotAt::Log(records[29].log_version);
    assert_eq!(fresh.snapshot(&id, middle).await.unwrap().version, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lakes_see_one_another_at_once() {
    let (lake, config, _folder) = folder();
    let other = Lake::open(&config).unwrap();
    let id = dataset("seen");
    lake.create(&id, &contract()).await.unwrap();
    for version in 1..=5 {
        let record = publish(&lake, &id, UploadMode::Append, &series("a", version, 1)).await;
        let seen = other.snapshot(&id, SnapshotAt::Latest).await.unwrap();
        assert_eq!((seen.version, seen.log_version), (record.number, record.log_version));
    }
}

#[test]
fn staging_outside_a_runtime_is_refused() {
    let lake = Lake::open(&LakeConfig::new("memory:///")).unwrap();
    let error = lake.stager(&dataset("x"), &contract(), StageOptions::default()).unwrap_err();
    assert!(error.to_string().contains("spawn_blocking"), "{error}");
}
