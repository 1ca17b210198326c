//! Files on their way: kept as they came, worked on while their sender is away, and sent in pieces.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hub_testkit::{
    hub::{Hub, HubOptions},
    shared::python,
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{RIVER_HEADER, RIVER_PATH, Site, river_csv};

pub(crate) const COUNT: &str = "SELECT count(*) AS n FROM otaru.river";

/// How long a test waits for what must come to pass.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn uploads(rest: &str) -> String {
    format!("{RIVER_PATH}/uploads{rest}")
}

/// Waits for the end of an upload, and answers its record.
pub(crate) async fn ended(site: &Site, id: &str) -> Value {
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

#[tokio::test]
async fn what_is_left_in_the_scratch_folder_spoils_no_file_that_came_in_pieces() {
    let site = Site::start().await;
    let csv = river_csv(&["a"], 0, 3);
    for (station, own) in [("a", true), ("b", false)] {
        let csv = csv.replace("a,", &format!("{station},"));
        let location = begin(&site, csv.len()).await;
        let id = location.rsplit('/').next().unwrap();
        assert_eq!(site.ask(piece(&site, &location, 0, csv[..30].to_owned())).await.status, 204);
        // As a request leaves it that took the file in and was cut off: the same file under a second name, or
        // a copy of which half was written.
        let data = site.hub.data_dir();
        let left = data.join("scratch").join(id);
        if own {
            std::fs::hard_link(data.join("partial").join(format!("{id}.part")), left).unwrap();
        } else {
            std::fs::write(left, &csv[..10]).unwrap();
        }
        let last = site.ask(piece(&site, &location, 30, csv[30..].to_owned())).await;
        assert_eq!(last.status, 204, "{last:?}");
        assert_eq!(ended(&site, id).await["state"], "committed");
        let kept = site.get(&uploads(&format!("/{id}/file"))).bearer_auth(&site.publisher);
        assert_eq!(site.ask(kept).await.ok().text(), csv);
    }
    assert_eq!(site.rows(COUNT).await, json!([{"n": 6}]));
}

/// Keeps everybody else from writing to a hub's registry until it is dropped.
struct Held(std::process::Child);

impl Held {
    fn registry(site: &Site) -> Self {
        let script = "import sqlite3, sys\n\
                      held = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                      held.execute('BEGIN IMMEDIATE')\n\
                      print('held', flush=True)\n\
                      sys.stdin.read()";
        let mut process = Command::new(python())
            .args(["-c", script])
            .arg(site.hub.data_dir().join("registry.sqlite"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "held\n");
        Self(process)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_file_that_came_whole_is_worked_on_although_its_sender_leaves() {
    let site = Site::start().await;
    let csv = river_csv(&["a"], 0, 3);
    for (path, records) in [(uploads(""), 1), (uploads("?async=true"), 2)] {
        let file = csv.replace("a,", &format!("s{records},"));
        let held = Held::registry(&site);
        let address = site.hub.url("").trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: text/csv\r\n\
             Content-Length: {}\r\n\r\n",
            site.publisher,
            file.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(file.as_bytes()).await.unwrap();
        // The file is here whole, and nothing can be recorded of it yet.
        let bytes = file.len() * records;
        site.until_metric(&format!("mochiyori_upload_bytes_total {bytes}")).await;
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), "", "the hub gave the request up");
        let listed = async || {
            let list = site.get(&uploads("")).bearer_auth(&site.publisher);
            site.ask(list).await.ok().json()["uploads"].take()
        };
        assert_eq!(listed().await.as_array().unwrap().len(), records - 1);
        drop(held);

        let start = Instant::now();
        let id = loop {
            let listed = listed().await;
            if listed.as_array().unwrap().len() == records {
                break listed[0]["id"].as_str().unwrap().to_owned();
            }
            assert!(start.elapsed() < DEADLINE, "the upload is forgotten");
            tokio::task::yield_now().await;
        };
        assert_eq!(ended(&site, &id).await["state"], "committed");
        let kept = site.get(&uploads(&format!("/{id}/file"))).bearer_auth(&site.publisher);
        assert_eq!(site.ask(kept).await.ok().text(), file);
        assert_eq!(site.rows(COUNT).await, json!([{"n": 3 * records}]));
    }
}
