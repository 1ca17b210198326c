//! `kill -9` at random moments of uploads: what was acknowledged is there, what was not is there whole or
//! not at all, and leavings are collected.

use std::{
    collections::HashSet,
    path::Path,
    time::{Duration, SystemTime},
};

use hub_testkit::hub::Hub;
use serde_json::{Value, json};

/// How often the server is killed.
const KILLS: u32 = 100;
/// Rows of one upload.
const ROWS: u32 = 2_000;
const DATASET: &str = "kawa.flow";

/// One upload's file: every row carries the upload's number, so that a version can be recognised.
fn file(upload: u32) -> String {
    let mut csv = String::from("station,seq,flow\n");
    for row in 0..ROWS {
        csv.push_str(&format!("u{upload:05},{row},{}.25\n", row % 97));
    }
    csv
}

/// Moments spread over an upload's way without a pattern; the same in every run.
fn moment(kill: u32) -> Duration {
    let spread = u64::from(kill).wrapping_mul(2_654_435_761) % 211;
    Duration::from_millis(spread)
}

async fn start() -> (Hub, String) {
    let hub = Hub::start().await;
    hub.create_agency("kawa", "川", "River").await;
    let token = hub.create_token("kawa", "publisher").await;
    let description = json!({
        "metadata": {"title": {"ja": "流量"}, "licence": "CC0-1.0", "attribution": ""},
        "contract": {"fields": [
            {"name": "station", "type": "string", "role": "key"},
            {"name": "seq", "type": "integer", "role": "key"},
            {"name": "flow", "type": "number", "unit": "m3/s", "role": "value"}
        ], "primaryKey": ["station", "seq"]}
    });
    hub.create_dataset(DATASET, &description, &token).await;
    (hub, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_keeps_what_it_acknowledged_and_shows_nothing_half() {
    let (mut hub, token) = start().await;
    let mut acknowledged = HashSet::new();
    let mut sent = 0;
    for kill in 0..KILLS {
        let deadline = tokio::time::Instant::now() + moment(kill);
        // Uploads follow each other until the moment comes, in the midst of one.
        loop {
            sent += 1;
            let request = hub.upload_request(DATASET, "append", file(sent), "text/csv");
            let upload = request.bearer_auth(&token).send();
            match tokio::time::timeout_at(deadline, upload).await {
                Ok(Ok(response)) => {
                    assert_eq!(response.status(), 201, "{}", response.text().await.unwrap());
                    acknowledged.insert(sent);
                }
                Ok(Err(error)) => panic!("the server went before it was killed: {error}"),
                Err(_) => break,
            }
        }
        hub.kill();
        hub.restart().await;
    }
    assert!(!acknowledged.is_empty(), "every moment came before the first acknowledgement");

    let answer = hub
        .sql_json(&format!("SELECT station, count(*) AS n FROM {DATASET} GROUP BY station"))
        .await;
    let rows = answer["rows"].as_array().unwrap();
    let visible: HashSet<u32> = rows
        .iter()
        .map(|row| {
            assert_eq!(row["n"], ROWS, "half of an upload is visible: {row}");
            row["station"].as_str().unwrap()[1..].parse().unwrap()
        })
        .collect();
    assert!(acknowledged.is_subset(&visible), "lost: {:?}", acknowledged.difference(&visible));

    let versions = every_version(&hub).await;
    assert_eq!(versions.len(), visible.len(), "a version for each visible upload");
    for (index, version) in versions.iter().rev().enumerate() {
        assert_eq!(version["number"], index + 1);
        assert_eq!(version["rows_total"], (u64::try_from(index).unwrap() + 1) * u64::from(ROWS));
    }
    let uploads = hub.client().get(hub.url("/v1/datasets/kawa/flow/uploads?limit=1000"));
    let uploads = hub.succeed(uploads, Some(&token)).await;
    for upload in uploads["uploads"].as_array().unwrap() {
        let state = upload["state"].as_str().unwrap();
        assert!(state == "committed" || state == "failed", "an upload was left {state}");
    }
    leavings_are_collected(&hub, &token, rows.len()).await;
}

#[tokio::test]
async fn the_list_of_versions_is_made_again_from_the_lake() {
    let (mut hub, token) = start().await;
    for upload in 1..=3 {
        hub.upload(DATASET, file(upload), "text/csv", &token).await;
    }
    let before = every_version(&hub).await;
    hub.stop().await;
    let emptied = std::process::Command::new(hub_testkit::shared::python())
        .args(["-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute('DELETE FROM versions')"])
        .arg(hub.data_dir().join("registry.sqlite"))
        .status();
    assert!(emptied.unwrap().success());
    hub.restart().await;
    assert_eq!(before.len(), 3);
    assert_eq!(every_version(&hub).await, before);
}

async fn every_version(hub: &Hub) -> Vec<Value> {
    let mut versions = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = hub.get_json(&format!("/v1/datasets/kawa/flow/versions?limit=50{cursor}")).await;
        versions.extend(page["versions"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return versions,
        }
    }
}

/// Files that no version names are kept for a day, since an upload may still be under way; older ones go.
async fn leavings_are_collected(hub: &Hub, token: &str, stations: usize) {
    let folder = hub.data_dir().join("lake/kawa/flow");
    let long_ago = SystemTime::now() - Duration::from_secs(3 * 86_400);
    let orphan = folder.join("part-01890000-0000-7000-8000-000000000000.parquet");
    std::fs::write(&orphan, "left by a killed upload").unwrap();
    for path in parquet_files(&folder) {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }
    let request = hub.client().post(hub.url("/v1/datasets/kawa/flow/vacuum")).json(&json!({}));
    let outcome = hub.succeed(request, Some(token)).await;
    assert!(outcome["orphans"].as_u64().unwrap() >= 1, "{outcome}");
    assert!(!orphan.exists(), "a leaving is still there");
    let answer = hub
        .sql_json(&format!("SELECT count(DISTINCT station) AS n, count(*) AS r FROM {DATASET}"))
        .await;
    assert_eq!(answer["rows"][0], json!({"n": stations, "r": stations * ROWS as usize}));
}

fn parquet_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect()
}
