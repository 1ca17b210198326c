//! Files that are sent past the hub, by a signed link to the store.

use std::process::Command;

use hub_testkit::{hub::HubOptions, s3::S3Server, shared::python};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::json;

use crate::{
    support::{RIVER_HEADER, RIVER_PATH, Site, river, river_csv},
    transfers::{COUNT, ended, uploads},
};

/// A hub that keeps its lake in an S3 store.
async fn site_on(s3: &S3Server, config: Option<&str>) -> Site {
    let mut env = vec![("MOCHIYORI_LAKE__URL".to_owned(), s3.url("links"))];
    for (key, value) in s3.options() {
        env.push((format!("MOCHIYORI_LAKE__OPTIONS__{}", key.to_uppercase()), value));
    }
    let config = config.map(str::to_owned);
    Site::with_options(HubOptions { env, config, ..HubOptions::default() }).await
}

/// A link to send a file by, and its upload's id.
async fn link(site: &Site) -> (String, String) {
    let link = site.post(&uploads("/links")).bearer_auth(&site.publisher);
    let link = site.ask(link.query(&[("file_name", "april.csv")])).await;
    assert_eq!(link.status, 201, "{link:?}");
    let link = link.json();
    (link["url"].as_str().unwrap().to_owned(), link["id"].as_str().unwrap().to_owned())
}

async fn put(site: &Site, url: &str, file: &str) {
    let put = site.hub.client().put(url).body(file.to_owned()).send().await.unwrap();
    assert!(put.status().is_success(), "{put:?}");
}

fn complete(site: &Site, id: &str) -> RequestBuilder {
    site.post(&uploads(&format!("/{id}/complete"))).bearer_auth(&site.publisher)
}

/// Whether the store has a file of this name of an upload.
async fn is_stored(site: &Site, s3: &S3Server, id: &str, name: &str) -> bool {
    let folder = format!("links/otaru/river/_uploads/{id}/");
    let listing = site.hub.client().get(format!("{}/lake", s3.endpoint()));
    let listing = listing.query(&[("list-type", "2"), ("prefix", &folder)]).send().await.unwrap();
    assert_eq!(listing.status(), StatusCode::OK);
    listing.text().await.unwrap().contains(&format!("<Key>{folder}{name}</Key>"))
}

async fn clean(site: &Site) {
    let vacuum = site.post(&format!("{RIVER_PATH}/vacuum")).bearer_auth(&site.publisher);
    site.ask(vacuum.json(&json!({}))).await.ok();
}

async fn kept_file(site: &Site, id: &str) -> String {
    let kept = site.get(&uploads(&format!("/{id}/file"))).bearer_auth(&site.publisher);
    site.ask(kept).await.ok().text()
}

#[tokio::test]
async fn a_file_goes_past_the_hub_by_a_signed_link() {
    let Some(s3) = S3Server::start() else { return };
    let site = site_on(&s3, None).await;
    let (url, id) = link(&site).await;
    site.ask(complete(&site, &id)).await.problem(StatusCode::CONFLICT, "conflict");
    let csv = river_csv(&["a"], 0, 3);
    // What is sent before it is said to be there may be sent again.
    put(&site, &url, "a draft").await;
    put(&site, &url, &csv).await;
    clean(&site).await;
    let answer = site.ask(complete(&site, &id)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert!(!is_stored(&site, &s3, &id, "sent").await, "a second copy is left");
    assert_eq!(ended(&site, &id).await["state"], "committed");
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));

    // The link is good for hours yet, and changes nothing any more.
    put(&site, &url, &river_csv(&["b"], 0, 9)).await;
    site.ask(complete(&site, &id)).await.problem(StatusCode::CONFLICT, "conflict");
    assert_eq!(kept_file(&site, &id).await, csv);
    assert!(is_stored(&site, &s3, &id, "sent").await);
    clean(&site).await;
    assert!(!is_stored(&site, &s3, &id, "sent").await, "what came too late stays");
    assert_eq!(kept_file(&site, &id).await, csv);
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));
}

#[tokio::test]
async fn what_came_by_a_link_and_is_too_large_or_rejected_does_not_stay() {
    let Some(s3) = S3Server::start() else { return };
    let site = site_on(&s3, Some("[uploads]\nmax_bytes = 1000")).await;
    let (url, id) = link(&site).await;
    put(&site, &url, &river_csv(&["a"], 0, 300)).await;
    let refused = site.ask(complete(&site, &id)).await;
    refused.problem(StatusCode::PAYLOAD_TOO_LARGE, "upload-too-large");
    assert!(!is_stored(&site, &s3, &id, "sent").await);
    site.ask(complete(&site, &id)).await.problem(StatusCode::NOT_FOUND, "not-found");

    let (url, id) = link(&site).await;
    let bad = format!("{RIVER_HEADER}a,yesterday,1,1\n");
    put(&site, &url, &bad).await;
    assert_eq!(site.ask(complete(&site, &id)).await.status, 202);
    assert_eq!(ended(&site, &id).await["state"], "rejected");
    assert!(!is_stored(&site, &s3, &id, "sent").await);
    assert_eq!(kept_file(&site, &id).await, bad);
}

#[tokio::test]
async fn a_completion_that_a_crash_left_unanswered_can_be_asked_again() {
    let Some(s3) = S3Server::start() else { return };
    let mut site = site_on(&s3, None).await;
    let (url, first) = link(&site).await;
    put(&site, &url, &river_csv(&["a"], 0, 3)).await;
    assert_eq!(site.ask(complete(&site, &first)).await.status, 202);
    assert_eq!(ended(&site, &first).await["state"], "committed");
    let (url, second) = link(&site).await;
    let csv = river_csv(&["b"], 0, 4);
    put(&site, &url, &csv).await;
    site.hub.kill();
    // As a process leaves it that dies after the upload was recorded and before its file was kept.
    let columns = "dataset, mode, file_name, bytes, uploaded_by, created_at, seen_at";
    let begun = format!(
        "INSERT INTO uploads (id, state, {columns}) SELECT '{second}', 'checking', {columns} FROM uploads \
         WHERE id = '{first}'"
    );
    let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])";
    let registry = site.hub.data_dir().join("registry.sqlite");
    let written = Command::new(python()).args(["-c", script]).arg(registry).arg(begun).status();
    assert!(written.unwrap().success());
    site.hub.restart().await;
    let unknown = site.get(&uploads(&format!("/{second}"))).bearer_auth(&site.publisher);
    site.ask(unknown).await.problem(StatusCode::NOT_FOUND, "not-found");
    let answer = site.ask(complete(&site, &second)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(ended(&site, &second).await["state"], "committed");
    assert_eq!(site.rows(COUNT).await, json!([{"n": 7}]));
    assert_eq!(kept_file(&site, &second).await, csv);
}

#[tokio::test]
async fn a_folder_has_no_links() {
    let site = Site::start().await;
    let link = site.post(&uploads("/links")).bearer_auth(&site.publisher);
    let problem = site.ask(link).await.problem(StatusCode::CONFLICT, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("folder"), "{problem}");
    let stranger = site.ask(site.post(&uploads("/links"))).await;
    assert_eq!(stranger.status, 401);
}

/// Completes an upload at other datasets, where it must look like one that nobody ever began.
async fn is_nowhere_else(site: &Site, id: &str, stranger: &str) {
    let nobodys = "01234567-89ab-7def-8123-456789abcdef";
    for (dataset, token) in [("otaru/level", site.publisher.as_str()), ("muroran/level", stranger)]
    {
        let said = async |id: &str| {
            let path = format!("/v1/datasets/{dataset}/uploads/{id}/complete");
            let answer = site.ask(site.post(&path).bearer_auth(token)).await;
            let problem = answer.problem(StatusCode::NOT_FOUND, "not-found");
            problem["detail"].as_str().unwrap().replace(id, "X")
        };
        assert_eq!(said(id).await, said(nobodys).await, "{dataset}");
    }
}

/// A publisher of another agency, which has a dataset of its own; the first agency has one more.
async fn stranger(site: &Site) -> String {
    site.hub.create_agency("muroran", "室蘭", "Muroran").await;
    let stranger = site.hub.create_token("muroran", "publisher").await;
    site.hub.create_dataset("muroran.level", &river("public"), &stranger).await;
    site.hub.create_dataset("otaru.level", &river("public"), &site.publisher).await;
    stranger
}

#[tokio::test]
async fn an_upload_of_another_dataset_is_not_told_from_none() {
    let site = Site::start().await;
    let stranger = stranger(&site).await;
    let published = site.publish(river_csv(&["a"], 0, 3)).await;
    let id = published["id"].as_str().unwrap();
    site.ask(complete(&site, id)).await.problem(StatusCode::CONFLICT, "conflict");
    is_nowhere_else(&site, id, &stranger).await;
}

#[tokio::test]
async fn a_link_is_completed_at_its_own_dataset_only() {
    let Some(s3) = S3Server::start() else { return };
    let site = site_on(&s3, None).await;
    let stranger = stranger(&site).await;
    let (url, id) = link(&site).await;
    is_nowhere_else(&site, &id, &stranger).await;
    put(&site, &url, &river_csv(&["a"], 0, 3)).await;
    is_nowhere_else(&site, &id, &stranger).await;
    assert!(is_stored(&site, &s3, &id, "sent").await, "it was taken");
    assert_eq!(site.ask(complete(&site, &id)).await.status, 202);
    assert_eq!(ended(&site, &id).await["state"], "committed");
    is_nowhere_else(&site, &id, &stranger).await;
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));
    assert_eq!(site.rows("SELECT count(*) AS n FROM otaru.level").await, json!([{"n": 0}]));
}
