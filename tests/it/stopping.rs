//! A hub that is asked to stop: what is under way comes to its end, or is cut off so that it can be seen.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt, channel::mpsc};
use hub_testkit::hub::{Hub, HubOptions};
use reqwest::{Body, StatusCode};
use serde_json::json;
use tokio::net::TcpStream;

use crate::support::{RIVER, Site, river_csv};

/// Waits for what must come to pass.
async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happened().await {
        assert!(Instant::now() < deadline, "{what} did not come to pass");
        tokio::task::yield_now().await;
    }
}

/// Whether the hub has stopped to listen.
async fn is_shut(site: &Site) -> bool {
    let address = site.hub.url("").trim_start_matches("http://").to_owned();
    TcpStream::connect(address).await.is_err()
}

#[tokio::test]
async fn an_upload_under_way_is_published_before_the_hub_leaves() {
    let mut site = Site::start().await;
    let file = river_csv(&["a"], 0, 24);
    let (first, rest) = file.split_at(file.len() / 2);
    let (send, body) = mpsc::unbounded::<Result<Bytes, std::io::Error>>();
    send.unbounded_send(Ok(Bytes::copy_from_slice(first.as_bytes()))).unwrap();
    let request = site
        .hub
        .client()
        .post(site.hub.url("/v1/datasets/otaru/river/uploads"))
        .bearer_auth(&site.publisher)
        .header("content-type", "text/csv")
        .body(Body::wrap_stream(body));
    let upload = tokio::spawn(request.send());
    let scratch = site.hub.data_dir().join("scratch");
    let arrives = || std::fs::read_dir(&scratch).is_ok_and(|mut files| files.next().is_some());
    until("the first half", async || arrives()).await;

    site.hub.terminate();
    until("no new connections", async || is_shut(&site).await).await;
    send.unbounded_send(Ok(Bytes::copy_from_slice(rest.as_bytes()))).unwrap();
    drop(send);
    let answer = upload.await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let published: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((&published["version"], &published["rows_added"]), (&json!(1), &json!(24)));
    assert!(site.hub.left().await.success());

    site.hub.restart().await;
    let count = format!("SELECT count(*) AS n FROM {RIVER}");
    assert_eq!(site.rows(&count).await, json!([{"n": 24}]));
}

#[tokio::test]
async fn an_answer_that_would_never_end_is_cut_off_and_looks_so() {
    let mut site = Site::with_config("[server]\nstop_timeout_ms = 300").await;
    let endless = "SELECT value FROM generate_series(1, 1000000000000)";
    let response = site.hub.sql_request(endless, "text/csv").send().await.unwrap();
    let mut body = response.bytes_stream();
    assert!(!body.next().await.unwrap().unwrap().is_empty());
    site.hub.terminate();
    let end = loop {
        match body.next().await {
            Some(Ok(_)) => {}
            end => break end,
        }
    };
    assert!(matches!(end, Some(Err(_))), "the answer looks whole");
    assert!(site.hub.left().await.success());
}

#[tokio::test]
async fn a_data_folder_belongs_to_one_hub() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        || HubOptions { data_dir: Some(folder.path().join("data")), ..HubOptions::default() };
    let mut hub = Hub::start_with(options()).await;
    let (status, log) = Hub::start_and_fail(options()).await;
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("another hub is running on") && log.contains("--data-dir"), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
    // A registry's file is one hub's too, wherever it is.
    let elsewhere = format!("sqlite://{}", folder.path().join("data/registry.sqlite").display());
    let shared = |name: &str| HubOptions {
        data_dir: Some(folder.path().join(name)),
        env: vec![("MOCHIYORI_REGISTRY__URL".to_owned(), elsewhere.replace("registry", "other"))],
        ..HubOptions::default()
    };
    let _other = Hub::start_with(shared("one")).await;
    let (_, log) = Hub::start_and_fail(shared("two")).await;
    assert!(log.contains("another hub is running on") && log.contains("other.sqlite"), "{log}");
    // However a hub ends, its folder is free again.
    hub.kill();
    let mut hub = Hub::start_with(options()).await;
    assert!(hub.stop().await.success());
    Hub::start_with(options()).await;
}
