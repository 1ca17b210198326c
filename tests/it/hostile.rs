//! What the hub is attacked with by those who only speak HTTP to it: each is refused with a sentence that
//! helps, or bounded, and nothing of it is seen by others.

use std::time::Duration;

use reqwest::{Method, StatusCode, redirect};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{RIVER_HEADER, Site};

#[tokio::test]
async fn explain_opens_no_door_that_is_shut() {
    let site = Site::with_rows(&["a"], 1).await;
    let forms = ["EXPLAIN", "EXPLAIN VERBOSE", "EXPLAIN FORMAT TREE", "EXPLAIN ANALYZE"];
    for form in forms {
        for statement in [
            "COPY (SELECT 1) TO '/tmp/x.csv'",
            "INSERT INTO otaru.river SELECT * FROM otaru.river",
            "CREATE TABLE t AS SELECT 1",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "SET datafusion.execution.time_zone = 'UTC'",
            "EXPLAIN SELECT 1",
            "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM otaru.river TABLESAMPLE (10)",
            "SELECT 1; SELECT 2",
        ] {
            let sql = format!("{form} {statement}");
            for request in [site.sql(&sql), site.sql_by_address(&sql)] {
                let answer = site.ask(request).await;
                assert_eq!(answer.status, 400, "{sql}: {answer:?}");
                let kind = answer.json()["type"].as_str().unwrap().to_owned();
                assert!(
                    ["/problems/sql-not-allowed", "/problems/sql-invalid"].contains(&kind.as_str()),
                    "{sql}: {answer:?}"
                );
            }
        }
    }
    let plan =
        site.ask(site.sql("EXPLAIN VERBOSE SELECT level FROM otaru.river")).await.ok().text();
    let folder = site.hub.data_dir().display().to_string();
    assert!(!plan.contains(&folder) && !plan.contains(".parquet"), "{plan}");
    assert_eq!(site.rows("SELECT count(*) AS n FROM otaru.river").await, json!([{"n": 1}]));
}

#[tokio::test]
async fn what_the_log_holds_is_neither_token_nor_sql_nor_cell() {
    for filter in ["info", "debug"] {
        let site = Site::with_config(&format!("[log]\nfilter = \"{filter}\"")).await;
        let asked =
            site.sql("SELECT count(*) AS n FROM otaru.river WHERE station = 'asked-for-this'");
        site.ask(asked.bearer_auth(&site.publisher)).await.ok();
        let by_address = site.sql_by_address("SELECT 'asked-by-address' AS a");
        site.ask(by_address.bearer_auth(&site.publisher)).await.ok();
        let cell = format!("{RIVER_HEADER}said-in-a-cell,2026-04-01 01:00,what,1\n");
        assert_eq!(site.ask(site.upload("append", cell)).await.status, 422);
        let misplaced = site.get(&format!("/v1/me?token={}", site.publisher));
        assert!(site.ask(misplaced).await.status >= 400);

        let log = site.hub.log();
        assert!(log.contains("answered"), "{log}");
        assert!(!log.contains(&site.publisher), "a token is in the log at {filter}");
        if filter == "info" {
            for said in ["asked-for-this", "asked-by-address", "said-in-a-cell"] {
                assert!(!log.contains(said), "{said}: {log}");
            }
        }
    }
}

/// What the hub answers to these bytes on a connection of their own.
async fn answer_to(site: &Site, sent: &[u8]) -> String {
    let address = site.hub.url("").trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may answer and close before all was sent.
    let _ = stream.write_all(sent).await;
    let mut got = Vec::new();
    let read = stream.read_to_end(&mut got);
    let _ = tokio::time::timeout(Duration::from_secs(20), read).await.expect("it is closed");
    String::from_utf8_lossy(&got).into_owned()
}

#[tokio::test]
async fn heads_that_are_no_heads_are_refused_and_others_go_on() {
    let site = Site::with_config("[server]\nheader_timeout_ms = 500").await;
    let many: String = (0..500).map(|n| format!("X-Flood-{n}: 1\r\n")).collect();
    let begin = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let flood = answer_to(&site, format!("{begin}{many}\r\n").as_bytes()).await;
    assert!(flood.starts_with("HTTP/1.1 431"), "{flood}");
    let address = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000));
    let address = answer_to(&site, address.as_bytes()).await;
    assert!(address.is_empty() || address.starts_with("HTTP/1.1 4"), "{address}");
    for broken in [
        &b"GET /livez HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\0b\r\n\r\n"[..],
        b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET  /livez\r\n\r\n",
    ] {
        let answer = answer_to(&site, broken).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let long = format!("{begin}Authorization: Bearer {}\r\n\r\n", "x".repeat(50_000));
    let long = long.replace("/livez", "/v1/me");
    let long = answer_to(&site, long.as_bytes()).await;
    assert!(long.starts_with("HTTP/1.1 401"), "{long}");
    for method in ["TRACE", "FOO"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = site.ask(site.hub.client().request(method, site.hub.url("/v1/sql"))).await;
        assert!(answer.status >= 400, "{answer:?}");
    }
    site.ask(site.get("/livez")).await.ok();
}

#[tokio::test]
async fn no_address_leads_to_another_host() {
    let site = Site::start().await;
    let client = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none());
    let client = client.build().unwrap();
    for path in [
        "/docs",
        "//evil.example/docs",
        "/docs//evil.example",
        "/docs/..//evil.example/",
        "/docs?next=//evil.example",
        "/%2f%2fevil.example",
        "/\\evil.example",
    ] {
        let answer =
            client.get(site.hub.url(path)).header("host", "evil.example").send().await.unwrap();
        let led = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        let stays = |to: &String| to.starts_with('/') && !to.starts_with("//");
        assert!(led.as_ref().is_none_or(stays), "{path} leads to {led:?}");
    }
}

#[tokio::test]
async fn a_small_question_waits_for_no_large_ones_batch() {
    let site = Site::start().await;
    // One batch of each is seconds of work that does not give way, and there are more than cores.
    let large = "SELECT levenshtein(repeat('a', 12000), repeat('b', 12000)) AS n";
    let asked: Vec<_> = (0..4).map(|_| tokio::spawn(site.sql(large).send())).collect();
    site.until_metric("mochiyori_queries_running 4").await;
    assert_eq!(site.rows("SELECT 1 AS one").await, json!([{"one": 1}]));
    assert!(!asked.iter().all(|large| large.is_finished()), "they were too small to show anything");
    for large in asked {
        assert_eq!(large.await.unwrap().unwrap().status(), StatusCode::OK);
    }
}
