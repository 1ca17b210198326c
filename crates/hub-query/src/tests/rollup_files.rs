//! The files of rollups: those of earlier releases, those of later ones, and those that are lost or damaged.
//! A folder of `golden/` holds a dataset with its rollups as a release wrote it; folders are only ever added.

use std::{path::PathBuf, sync::Arc};

use futures::TryStreamExt;
use hub_lake::{Lake, RollupLevel, SnapshotAt};
use hub_model::UploadMode;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, memory::InMemory, path::Path};

use crate::{
    ReadableTable,
    tests::{
        rollups::{Pair, series, ten_days},
        support::APRIL,
    },
};

const DAYS: &str = "SELECT station, date_trunc('day', time) AS day, count(*), sum(cars), max(level) \
                    FROM otaru.gauges GROUP BY 1, 2";

/// What a release wrote, with the log's text as `changed` makes it.
async fn written_by(release: &str, changed: impl Fn(String) -> String) -> Pair {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let golden = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/golden"));
    let golden = golden.join(release);
    let mut folders = vec![golden.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            if path.extension().is_some_and(|ending| ending == "json") {
                bytes = changed(String::from_utf8(bytes).unwrap()).into_bytes();
            }
            let key = path.strip_prefix(&golden).unwrap().to_str().unwrap();
            let key = Path::from(format!("otaru/gauges/{key}"));
            store.put(&key, PutPayload::from(bytes)).await.unwrap();
        }
    }
    Pair::on(Lake::on_store(store), "end")
}

#[tokio::test]
async fn rollups_written_before_are_still_read() {
    for release in ["rollups_v1", "rollups_v2", "rollups_v3"] {
        let pair = written_by(release, |log| log).await;
        for (level, sql) in [
            ("day", DAYS),
            ("hour", "SELECT date_trunc('hour', time), avg(level) FROM otaru.gauges GROUP BY 1"),
            ("series", "SELECT station, min(level), max(time) FROM otaru.gauges GROUP BY 1"),
        ] {
            pair.rolled(sql, &[&format!("rollup={level} files=1/1")]).await;
        }
        let days = pair.same(DAYS, SnapshotAt::Latest).await;
        let counts: Vec<_> = days.iter().map(|row| (row[0].as_str(), row[2].as_str())).collect();
        // Ten-minute intervals that end from 00:10 on the first to 00:00 on the third.
        let one = |station| [(station, "143"), (station, "144"), (station, "1")];
        assert_eq!(counts, [one("余市"), one("朝里")].concat(), "{release}");
    }
}

#[tokio::test]
async fn rollups_of_a_later_form_are_passed_over() {
    type Later = fn(String) -> String;
    let later: [(&str, Later); 3] = [
        ("other levels", |log| {
            log.replace("\\\"day\\\":{", "\\\"day-2\\\":{")
                .replace("\\\"hour\\\":{", "\\\"hour-2\\\":{")
                .replace("\\\"series\\\":{", "\\\"series-2\\\":{")
        }),
        ("another form", |log| log.replace("{\\\"series\\\":[", "{\\\"keys\\\":[")),
        ("no JSON", |log| log.replace("{\\\"series\\\":[", "v2 \\\"series\\\":[")),
    ];
    for (what, later) in later {
        let log = |text: String| {
            let changed = later(text.clone());
            assert!(changed != text || !text.contains("mochiyori.rollups"), "{what}");
            changed
        };
        let pair = written_by("rollups_v3", log).await;
        pair.unrolled(DAYS).await;
        assert_eq!(pair.same(DAYS, SnapshotAt::Latest).await.len(), 6, "{what}");
    }
    // What is added to the known form is passed over alone.
    let more = |log: String| {
        log.replace("{\\\"series\\\":[", "{\\\"sketches\\\":{\\\"level\\\":7},\\\"series\\\":[")
    };
    let pair = written_by("rollups_v3", more).await;
    pair.rolled(DAYS, &["rollup=day files=1/1"]).await;
}

#[tokio::test]
async fn a_lost_or_damaged_rollup_changes_no_answer() {
    type Damage = fn(Vec<u8>, Vec<u8>) -> Option<Vec<u8>>;
    let damages: [(&str, Damage); 6] = [
        ("lost", |_, _| None),
        ("empty", |_, _| Some(Vec::new())),
        ("cut short", |own, _| Some(own[..own.len() - 9].to_vec())),
        ("other bytes", |own, _| Some(vec![7; own.len()])),
        ("one bit", |mut own, _| {
            let middle = own.len() / 3;
            own[middle] ^= 4;
            Some(own)
        }),
        ("that of another file", |_, other| Some(other)),
    ];
    for (what, damage) in damages {
        let pair = ten_days().await;
        let snapshot = pair.lake.snapshot(&pair.id, SnapshotAt::Latest).await.unwrap();
        let path = |file: usize| {
            let rollups = snapshot.files[file].rollups.as_ref().unwrap();
            rollups.file(RollupLevel::Day).unwrap().path.clone()
        };
        let store = pair.lake.object_store();
        let read =
            async |at: usize| store.get(&path(at)).await.unwrap().bytes().await.unwrap().to_vec();
        match damage(read(0).await, read(1).await) {
            Some(bytes) => {
                store.put(&path(0), PutPayload::from(bytes)).await.unwrap();
            }
            None => store.delete(&path(0)).await.unwrap(),
        }
        let days = pair.same(DAYS, SnapshotAt::Latest).await;
        assert_eq!(days.len(), 20, "{what}");
        assert!(days.iter().all(|day| day[2] == "144"), "{what}");
        // From then on only the other is read.
        let plan = pair.plan(DAYS).await;
        assert!(plan.contains("rollup=day files=1/2"), "{what}: {plan}");
        let table =
            ReadableTable { contract: Arc::clone(&pair.contract), snapshot: snapshot.clone() };
        let stream = pair.with.day_rollup(table).await.unwrap();
        let batches: Vec<_> = stream.try_collect().await.unwrap();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 20, "{what}");
    }
}

/// Writes what `golden/` holds of this release, into the folder that the variable names.
#[tokio::test]
#[ignore = "it makes a new golden folder"]
async fn write_golden_rollups() {
    let pair = Pair::new("end").await;
    let first = APRIL + 600_000_000;
    let rows = [series("余市", first, 288), series("朝里", first, 288)].concat();
    pair.publish(UploadMode::Append, &rows, true).await;
    let store = pair.lake.object_store();
    let folder = PathBuf::from(std::env::var("GOLDEN_FOLDER").unwrap());
    let objects: Vec<_> = store.list(None).try_collect().await.unwrap();
    for object in objects {
        let key = object.location.as_ref().strip_prefix("otaru/gauges/").unwrap();
        let path = folder.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = store.get(&object.location).await.unwrap().bytes().await.unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}
