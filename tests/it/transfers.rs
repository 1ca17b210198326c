//! Files on their way: kept as they came, worked on while their sender is away, sent in pieces, and sent
//! past the hub.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hub_testkit::{
    hub::{Hub, HubOptions},
    s3::S3Server,
    shared::python,
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{RIVER_HEADER, RIVER_PATH, Site, river_csv};

const COUNT: &str = "SELECT count(*) AS n FROM otaru.river";

/// How long a test waits for what must come to pass.
const DEADLINE: Duration = Duration::from_secs(60);

fn uploads(rest: &str) -> String {
    format!("{RIVER_PATH}/uploads{rest}")
}

/// Waits for the end of an upload, and answers its record.
async fn ended(site: &Site, id: &str) -> Value {
    let start = Instant::now();
    loop {
        let request = site.get(&uploads(&format!("/{id}"))).bearer_auth(&site.publisher);
        let upload = site.ask(request).await.ok().json();
        if ["committed", "rejected", "failed"].contains(&upload["state"].as_str().unwrap()) {
            return upload;
        }
        assert!(start.elapsed() < DEADLINE, "the upload does not end: {upload}");
        tokio::task::yield_now().await;
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)))
}

#[tokio::test]
async fn a_file_is_kept_as_it_came_whether_published_or_rejected() {
    let site = Site::start().await;
    let good = river_csv(&["a"], 0, 100);
    let bad = format!("{RIVER_HEADER}a,yesterday,1,1\r\n\u{feff}");
    for (file, status) in [(good, 201), (bad, 422)] {
        let request = site.upload("append", file.clone()).query(&[("file_name", "四月 \"x\".csv")]);
        let answer = site.ask(request.header("content-type", "text/csv")).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let body = answer.json();
        let id = body["id"].as_str().or(body["upload_id"].as_str()).unwrap();
        let path = uploads(&format!("/{id}/file"));
        let asked = || site.get(&path).bearer_auth(&site.publisher);
        let kept = site.ask(asked()).await.ok();
        assert_eq!(kept.body, file.as_bytes());
        assert_eq!(kept.header("content-digest"), digest(file.as_bytes()));
        assert_eq!(
            kept.header("content-disposition"),
            "attachment; filename*=UTF-8''%E5%9B%9B%E6%9C%88%20%22x%22.csv"
        );
        // A compressed answer would not be the file.
        let packed = site.ask(asked().header("accept-encoding", "gzip, zstd")).await.ok();
        assert_eq!((packed.header("content-encoding"), &packed.body), ("", &kept.body));
        let part = site.ask(asked().header("range", "bytes=-5")).await;
        assert_eq!((part.status, &part.body[..]), (206, &file.as_bytes()[file.len() - 5..]));
        assert_eq!(part.header("repr-digest"), digest(file.as_bytes()));
        let beyond = site.ask(asked().header("range", "bytes=9999999-")).await;
        assert_eq!(beyond.status, 416, "{beyond:?}");

        assert_eq!(site.ask(site.get(&path)).await.status, 401);
        site.hub.create_agency("muroran", "室蘭", "Muroran").await;
        let other = site.hub.create_token("muroran", "publisher").await;
        assert_eq!(site.ask(site.get(&path).bearer_auth(&other)).await.status, 403);

        let vacuum = site.post(&format!("{RIVER_PATH}/vacuum")).bearer_auth(&site.publisher);
        let all = json!({"expire_versions_older_than_days": 0});
        site.ask(vacuum.json(&all)).await.ok();
        assert_eq!(site.ask(asked()).await.ok().body, file.as_bytes());
        let rows = site.rows(COUNT).await;
        let delete = || site.hub.client().delete(site.hub.url(&path));
        assert_eq!(site.ask(delete().bearer_auth(&other)).await.status, 403);
        assert_eq!(site.ask(delete().bearer_auth(&site.publisher)).await.status, 204);
        site.ask(asked()).await.problem(StatusCode::NOT_FOUND, "not-found");
        assert_eq!(site.rows(COUNT).await, rows);
    }
    let refused = site.ask(site.upload("append", "x").query(&[("format", "parquet")])).await;
    refused.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-format");
}

#[tokio::test]
async fn a_sender_need_not_wait() {
    let site = Site::start().await;
    let send = |file: String| site.upload("append", file).header("prefer", "respond-async");
    let answer = site.ask(send(river_csv(&["a"], 0, 3))).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let body = answer.json();
    let id = body["id"].as_str().unwrap();
    assert!(answer.header("location").ends_with(&uploads(&format!("/{id}"))), "{answer:?}");
    let upload = ended(&site, id).await;
    assert_eq!((&upload["state"], &upload["version"]), (&json!("committed"), &json!(1)));
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));

    let bad = format!("{RIVER_HEADER}a,yesterday,1,1\n");
    let answer = site.ask(site.upload("append", bad).query(&[("async", "true")])).await;
    let upload = ended(&site, answer.json()["id"].as_str().unwrap()).await;
    assert_eq!(
        (&upload["state"], &upload["report"]["error_count"]),
        (&json!("rejected"), &json!(1))
    );
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));
}

#[tokio::test]
async fn what_was_accepted_is_taken_up_again_after_a_crash() {
    let mut site = Site::with_options(HubOptions {
        config: Some("[uploads]\nat_once = 1\nworker_wait_s = 5".to_owned()),
        env: vec![("MOCHIYORI_TEST_FAULTS".to_owned(), "1".to_owned())],
        ..HubOptions::default()
    })
    .await;
    let send = async |site: &Site, station: &str, name: &str| {
        let request = site.upload("append", river_csv(&[station], 0, 3));
        let request = request.query(&[("file_name", name)]).header("prefer", "respond-async");
        let start = Instant::now();
        loop {
            let answer = site.ask(request.try_clone().unwrap()).await;
            if answer.status == 202 {
                return answer.json()["id"].as_str().unwrap().to_owned();
            }
            assert_eq!(answer.status, 503, "{answer:?}");
            assert!(start.elapsed() < DEADLINE, "there is no place");
        }
    };
    let good = send(&site, "a", "april.csv").await;
    assert_eq!(ended(&site, &good).await["state"], "committed");
    let hanging = send(&site, "b", "fault-hang.csv").await;
    site.hub.kill();
    site.hub.restart().await;
    let path = uploads(&format!("/{hanging}"));
    loop {
        let upload = site.ask(site.get(&path).bearer_auth(&site.publisher)).await.ok().json();
        assert_eq!(upload["state"], "checking", "{upload}");
        if upload["progress"]["stage"] == "checking" {
            break;
        }
    }
    let upload = ended(&site, &hanging).await;
    assert_eq!(upload["state"], "rejected", "{upload}");
    assert!(upload["problem"].as_str().unwrap().contains("takes too long"), "{upload}");
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));
    let kept = site.get(&format!("{path}/file")).bearer_auth(&site.publisher);
    assert_eq!(site.ask(kept).await.ok().text(), river_csv(&["b"], 0, 3));
}

/// A request to the addresses of uploads in pieces.
fn tus(site: &Site, method: Method, path: &str) -> RequestBuilder {
    let request = site.hub.client().request(method, site.hub.url(path));
    request.bearer_auth(&site.publisher).header("tus-resumable", "1.0.0")
}

fn piece(
    site: &Site,
    path: &str,
    offset: usize,
    bytes: impl Into<reqwest::Body>,
) -> RequestBuilder {
    tus(site, Method::PATCH, path)
        .header("upload-offset", offset)
        .header("content-type", "application/offset+octet-stream")
        .body(bytes)
}

async fn begin(site: &Site, length: usize) -> String {
    let request = tus(site, Method::POST, &uploads("/tus")).header("upload-length", length);
    let answer = site.ask(request).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.header("location").to_owned()
}

#[tokio::test]
async fn a_file_comes_in_pieces_with_a_stock_client_over_a_restart() {
    let installed = Command::new(python()).args(["-c", "import tusclient"]).status();
    if !installed.is_ok_and(|status| status.success()) {
        println!("skipped: tuspy is not installed");
        return;
    }
    let mut site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("april.csv");
    let csv = river_csv(&["a", "b", "c"], 0, 700);
    std::fs::write(&file, &csv).unwrap();
    let client = |hub: &Hub, token: &str, step: &[&str]| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/it/tus_client.py");
        let output = Command::new(python())
            .args([script, &hub.url("/"), token])
            .arg(&file)
            .arg(uploads("/tus"))
            .args(step)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let location = client(&site.hub, &site.publisher, &["begin"]);
    site.hub.kill();
    site.hub.restart().await;
    let from = client(&site.hub, &site.publisher, &["finish", &location]);
    assert_eq!(from, "20000");
    let id = location.rsplit('/').next().unwrap();
    let upload = ended(&site, id).await;
    assert_eq!((&upload["state"], &upload["file_name"]), (&json!("committed"), &json!("四月.csv")));
    assert_eq!(site.rows(COUNT).await, json!([{"n": 2100}]));
    let kept = site.get(&uploads(&format!("/{id}/file"))).bearer_auth(&site.publisher);
    assert_eq!(site.ask(kept).await.ok().text(), csv);
    // A client that missed the last answer learns that all is here.
    let again = site.ask(tus(&site, Method::HEAD, &location)).await;
    assert_eq!(again.header("upload-offset"), csv.len().to_string());
}

#[tokio::test]
async fn a_file_that_came_whole_before_a_crash_is_taken_in_when_it_is_asked_for() {
    let mut site = Site::start().await;
    let csv = river_csv(&["a"], 0, 3);
    let location = begin(&site, csv.len()).await;
    let sent = site.ask(piece(&site, &location, 0, csv[..30].to_owned())).await;
    assert_eq!(sent.status, 204, "{sent:?}");
    site.hub.kill();
    // As a process leaves it that dies between the last byte and what follows on it.
    let id = location.rsplit('/').next().unwrap().to_owned();
    let part = site.hub.data_dir().join("partial").join(format!("{id}.part"));
    std::fs::write(part, &csv).unwrap();
    site.hub.restart().await;
    for _ in 0..2 {
        let head = site.ask(tus(&site, Method::HEAD, &location)).await.ok();
        assert_eq!(head.header("upload-offset"), csv.len().to_string());
    }
    assert_eq!(ended(&site, &id).await["state"], "committed");
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));
}

#[tokio::test]
async fn a_file_that_the_store_did_not_take_is_taken_in_when_it_is_asked_for() {
    let site = Site::start().await;
    let csv = river_csv(&["a"], 0, 3);
    let location = begin(&site, csv.len()).await;
    let id = location.rsplit('/').next().unwrap().to_owned();
    let job = || site.get(&uploads(&format!("/{id}"))).bearer_auth(&site.publisher);
    // Where the store's folder is to be stands a file: nothing can be kept.
    let folder = site.hub.data_dir().join("lake/otaru/river/_uploads");
    std::fs::write(&folder, "").unwrap();
    let last = piece(&site, &location, 0, csv.clone()).header("accept-language", "ja");
    let told = site.ask(last).await.problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("すべて届いています") && detail.contains("送り直さずに"), "{detail}");
    for _ in 0..2 {
        let head = site.ask(tus(&site, Method::HEAD, &location)).await;
        assert_eq!((head.status, head.header("upload-offset")), (503, ""), "{head:?}");
        site.ask(job()).await.problem(StatusCode::NOT_FOUND, "not-found");
    }
    std::fs::remove_file(&folder).unwrap();
    let head = site.ask(tus(&site, Method::HEAD, &location)).await.ok();
    assert_eq!(head.header("upload-offset"), csv.len().to_string());
    assert_eq!(ended(&site, &id).await["state"], "committed");
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));
}

#[tokio::test]
async fn nobody_hears_that_all_is_here_of_an_upload_that_failed() {
    let site = Site::start().await;
    let csv = river_csv(&["a"], 0, 3);
    let location = begin(&site, csv.len()).await;
    let id = location.rsplit('/').next().unwrap().to_owned();
    // The file is kept, and its rows can't be staged.
    let folder = site.hub.data_dir().join("lake/otaru/river");
    let log = folder.join("_delta_log");
    std::fs::rename(&log, folder.join("aside")).unwrap();
    std::fs::write(&log, "").unwrap();
    let last = site.ask(piece(&site, &location, 0, csv.clone())).await;
    assert_eq!(last.status, 204, "{last:?}");
    let upload = ended(&site, &id).await;
    assert_eq!(upload["state"], "failed", "{upload}");
    assert!(upload["problem"].as_str().unwrap().contains("send the file again"), "{upload}");
    assert_eq!(site.ask(tus(&site, Method::HEAD, &location)).await.status, 404);
    let more = site.ask(piece(&site, &location, csv.len(), "")).await;
    let told = more.problem(StatusCode::NOT_FOUND, "not-found");
    assert!(told["detail"].as_str().unwrap().contains("as a new upload"), "{told}");

    std::fs::remove_file(&log).unwrap();
    std::fs::rename(folder.join("aside"), &log).unwrap();
    let location = begin(&site, csv.len()).await;
    assert_eq!(site.ask(piece(&site, &location, 0, csv)).await.status, 204);
    let id = location.rsplit('/').next().unwrap();
    assert_eq!(ended(&site, id).await["state"], "committed");
}

#[tokio::test]
async fn pieces_keep_to_the_protocol() {
    let site = Site::start().await;
    let options = site.hub.client().request(Method::OPTIONS, site.hub.url(&uploads("/tus")));
    let options = options.send().await.unwrap();
    assert_eq!(options.status(), 204);
    assert_eq!(options.headers()["tus-version"], "1.0.0");
    let csv = river_csv(&["a"], 0, 3);
    let (first, rest) = csv.split_at(30);

    let unversioned = site.post(&uploads("/tus")).bearer_auth(&site.publisher);
    let unversioned = site.ask(unversioned.header("upload-length", 5)).await;
    assert_eq!((unversioned.status, unversioned.header("tus-resumable")), (412, "1.0.0"));
    let long = tus(&site, Method::POST, &uploads("/tus")).header("upload-length", 1_u64 << 50);
    assert_eq!(site.ask(long).await.status, 413);
    assert_eq!(site.ask(tus(&site, Method::POST, &uploads("/tus"))).await.status, 400);

    // With the first piece at once, then one that breaks off, whose bytes stay.
    let created = tus(&site, Method::POST, &uploads("/tus"))
        .header("upload-length", csv.len())
        .header("content-type", "application/offset+octet-stream")
        .body(first.to_owned());
    let created = site.ask(created).await;
    assert_eq!((created.status, created.header("upload-offset")), (201, "30"), "{created:?}");
    let location = created.header("location").to_owned();
    let sum = |bytes: &str| format!("sha256 {}", STANDARD.encode(Sha256::digest(bytes)));
    let wrong = piece(&site, &location, 30, rest.to_owned()).header("upload-checksum", sum("x"));
    assert_eq!(site.ask(wrong).await.status, 460);
    let head = site.ask(tus(&site, Method::HEAD, &location)).await.ok();
    assert_eq!((head.header("upload-offset"), head.header("cache-control")), ("30", "no-store"));
    let elsewhere = site.ask(piece(&site, &location, 7, "x")).await;
    elsewhere.problem(StatusCode::CONFLICT, "conflict");
    let too_long = site.ask(piece(&site, &location, 30, "x".repeat(5_000))).await;
    assert_eq!(too_long.status, 400, "{too_long:?}");
    let untyped = tus(&site, Method::PATCH, &location).header("upload-offset", 30).body("x");
    assert_eq!(site.ask(untyped).await.status, 415);

    let some = rest[..10].to_owned();
    let broken = futures::stream::iter([
        Ok(bytes::Bytes::from(some)),
        Err(std::io::Error::other("the line is cut")),
    ]);
    let broken = piece(&site, &location, 30, reqwest::Body::wrap_stream(broken)).send().await;
    assert!(broken.is_err(), "the piece broke off");
    let start = Instant::now();
    loop {
        // Whether the ten bytes made it is the network's; where it goes on is the hub's to say.
        let head = site.ask(tus(&site, Method::HEAD, &location)).await.ok();
        let offset: usize = head.header("upload-offset").parse().unwrap();
        assert!([30, 40].contains(&offset), "{offset}");
        let next = piece(&site, &location, offset, csv[offset..].to_owned());
        let last = site.ask(next.header("upload-checksum", sum(&csv[offset..]))).await;
        if last.status == 204 {
            break;
        }
        assert_eq!(last.status, 409, "{last:?}");
        assert!(start.elapsed() < DEADLINE, "the broken piece holds the file");
    }
    assert_eq!(ended(&site, location.rsplit('/').next().unwrap()).await["state"], "committed");
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));

    let given_up = begin(&site, 100).await;
    let stranger =
        site.hub.client().delete(site.hub.url(&given_up)).header("tus-resumable", "1.0.0");
    assert_eq!(site.ask(stranger).await.status, 401);
    assert_eq!(site.ask(tus(&site, Method::DELETE, &given_up)).await.status, 204);
    assert_eq!(site.ask(tus(&site, Method::HEAD, &given_up)).await.status, 404);
    let left = std::fs::read_dir(site.hub.data_dir().join("partial")).unwrap();
    assert!(left.flatten().all(|file| file.path().extension().is_some_and(|e| e == "json")));
}

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
