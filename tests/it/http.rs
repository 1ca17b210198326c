//! What any HTTP client relies on: problems in one form, pages and documents served by the hub itself,
//! browsers of other origins, and connections that are not kept waiting for.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{RIVER_PATH, Site, river};

#[tokio::test]
async fn every_refusal_is_a_problem_with_the_requests_id() {
    let site = Site::start().await;
    let client = site.hub.client();
    let request = |method: Method, path: &str| client.request(method, site.hub.url(path));
    for path in [
        "/v1",
        "/v2/sql",
        "/v1/datasets/",
        "//v1/datasets",
        "/v1/datasets/otaru/river/",
        "/V1/datasets",
        "/v1/datasets/otaru/river/rows;x=1",
        "/docs/../etc/passwd%00",
        "/.git/config",
    ] {
        let answer = site.ask(request(Method::GET, path)).await;
        answer.problem(StatusCode::NOT_FOUND, "no-such-address");
    }
    for path in [
        "/v1/datasets/otaru/nowhere",
        "/v1/datasets/OTARU/river",
        "/v1/datasets/otaru/river.",
        "/v1/datasets/otaru/..%2friver",
        "/v1/datasets/otaru/river%00",
        "/v1/agencies/nobody",
        "/v1/datasets/otaru/river/versions/1",
        "/v1/datasets/otaru/river/versions/x",
        "/v1/datasets/otaru/river/versions/-1",
    ] {
        let answer = site.ask(request(Method::GET, path)).await;
        answer.problem(StatusCode::NOT_FOUND, "not-found");
    }
    for (method, path) in [
        (Method::DELETE, "/v1/sql"),
        (Method::POST, RIVER_PATH),
        (Method::PATCH, "/v1/agencies/otaru"),
        (Method::POST, "/livez"),
    ] {
        let answer = site.ask(request(method, path)).await;
        answer.problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
        assert!(answer.header("allow").contains("GET"), "{answer:?}");
    }
    for path in [
        "/v1/datasets?limt=1",
        "/v1/datasets?limit=0",
        "/v1/agencies?cursor=A",
        "/v1/sql",
        "/v1/sql?q=a&x=1",
    ] {
        let answer = site.ask(request(Method::GET, path)).await;
        answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
}

#[tokio::test]
async fn every_answer_is_held_against_the_document() {
    let site = Site::start().await;
    for (method, path, status, listed) in [
        (Method::GET, "/v1/datasets", 200, true),
        (Method::HEAD, "/v1/datasets/otaru/river", 404, true),
        (Method::POST, "/v1/sql", 422, true),
        (Method::DELETE, "/v1/sql", 405, true),
        (Method::GET, "/v1/datasets", 201, false),
        (Method::POST, "/v1/sql", 418, false),
        (Method::GET, "/v1/align", 409, false),
        (Method::DELETE, "/v1/sql", 204, false),
    ] {
        assert_eq!(site.lists(&method, path, status), listed, "{method} {path} {status}");
    }
}

#[tokio::test]
async fn the_functions_of_sql_are_there_to_be_read() {
    let site = Site::start().await;
    let page = site.ask(site.get("/functions")).await.ok();
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    let text = page.text();
    for said in [
        "<code>fiscal_year(date)</code>",
        "年度（4月〜翌年3月）",
        "SELECT fiscal_year(DATE &#39;2024-03-31&#39;)\n→ 2023",
        "<code>upper(",
    ] {
        assert!(text.contains(said), "{said} is not there");
    }
    assert!(site.ask(site.get("/")).await.text().contains("href=\"/functions\""));
    let described = site.ask(site.get("/openapi.json")).await.json();
    assert!(described["info"]["description"].as_str().unwrap().contains("(/functions)"));
}

#[tokio::test]
async fn bodies_that_are_not_the_json_asked_for_are_refused() {
    let site = Site::start().await;
    let post =
        |body: String| site.post("/v1/sql").header("content-type", "application/json").body(body);
    let large = format!("{{\"sql\": \"{}\"}}", "x".repeat(5 << 20));
    site.ask(post(large)).await.problem(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
    for broken in ["{\"sql\": ", "", "\u{0}", "{\"sql\": \"SELECT 1\"} x"] {
        let answer = site.ask(post(broken.to_owned())).await;
        answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
    let deep = format!(
        "{{\"sql\": \"SELECT 1\", \"parameters\": {}1{}}}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    assert_eq!(site.ask(post(deep)).await.status, 400);
    for (shape, word) in [
        (json!({"sql": "SELECT 1", "timeout": 5}), "timeout"),
        (json!({"sql": 1}), "string"),
        (json!({}), "sql"),
    ] {
        let answer = site.ask(post(shape.to_string())).await;
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid-descriptor");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
    }
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "text/json"] {
        let request = site.post("/v1/sql").header("content-type", media_type);
        let answer = site.ask(request.body("{\"sql\": \"SELECT 1\"}")).await;
        answer.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-format");
    }
    let none = site.post("/v1/sql").body("{\"sql\": \"SELECT 1\"}");
    site.ask(none).await.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-format");
}

#[tokio::test]
async fn the_hub_says_that_it_lives_is_ready_and_what_it_counts() {
    let site = Site::start().await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(site.ask(site.get(path)).await.ok().json(), json!({"status": "ok"}));
    }
    site.ask(site.get("/v1/datasets/otaru/nowhere")).await;
    site.ask(site.sql("SELECT 1")).await.ok();
    let metrics = site.ask(site.get("/metrics")).await.ok();
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    let text = metrics.text();
    let counted = "mochiyori_http_requests_total{route=\"/v1/datasets/{agency}/{dataset}\",method=\"GET\",status=\"404\"} 1";
    for line in [counted, "mochiyori_queries_total{outcome=\"ok\"} 1"] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("nowhere"), "an address became a label");
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn pages_come_whole_from_the_hub_and_carry_no_script_of_publishers() {
    let site = Site::start().await;
    let mut hostile = river("public");
    hostile["metadata"]["title"]["ja"] = json!("<script>alert(1)</script>{{rows}}\"'");
    site.hub.create_dataset("otaru.river", &hostile, &site.publisher).await;
    let home = site.ask(site.get("/")).await.ok();
    assert!(home.header("content-type").starts_with("text/html"));
    assert!(home.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(home.header("x-content-type-options"), "nosniff");
    let text = home.text();
    assert!(text.contains("otaru.river") && text.contains("小樽開発建設部"));
    assert!(!text.contains("<script"), "{text}");
    assert!(text.contains("&lt;script&gt;alert(1)"));

    let docs = site.ask(site.get("/docs/")).await.ok();
    let html = docs.text();
    assert!(
        !html.contains("//cdn") && !html.contains("src=\"http") && !html.contains("href=\"http"),
        "{html}"
    );
    let assets: Vec<&str> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|mark| html.split(mark).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(assets.len() > 2, "{html}");
    for asset in assets {
        let path = format!("/docs/{}", asset.trim_start_matches("./"));
        assert!(!site.ask(site.get(&path)).await.ok().body.is_empty(), "{path}");
    }
    let document = site.ask(site.get("/openapi.json")).await.ok().json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(
                operation["responses"].as_object().is_some_and(|r| !r.is_empty()),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_read_and_only_those_that_are_named() {
    let site = Site::start().await;
    let preflight = |site: &Site| {
        site.hub
            .client()
            .request(Method::OPTIONS, site.hub.url("/v1/sql"))
            .header("origin", "https://map.example.jp")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,authorization")
    };
    let anyone = site.ask(preflight(&site)).await;
    assert_eq!((anyone.status, anyone.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(anyone.header("access-control-allow-credentials"), "");
    let headers = anyone.header("access-control-allow-headers");
    assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
    let read = site.ask(site.get(RIVER_PATH).header("origin", "https://map.example.jp")).await.ok();
    let exposed = read.header("access-control-expose-headers");
    for name in ["etag", "link", "mochiyori-sources", "mochiyori-next-cursor", "x-request-id"] {
        assert!(exposed.split(',').any(|exposed| exposed == name), "{name}: {exposed}");
    }

    let named = Site::with_config("[server]\ncors_origins = [\"https://our.example.jp\"]").await;
    assert_eq!(named.ask(preflight(&named)).await.header("access-control-allow-origin"), "");
    let ours = preflight(&named).header("origin", "https://our.example.jp");
    let ours = named.hub.client().execute({
        let mut request = ours.build().unwrap();
        request.headers_mut().insert("origin", "https://our.example.jp".parse().unwrap());
        request
    });
    let allowed = ours.await.unwrap().headers()["access-control-allow-origin"].clone();
    assert_eq!(allowed, "https://our.example.jp");
}

/// Writes to the hub, and returns what comes until it closes the connection, and how long that took.
async fn until_closed(site: &Site, sent: &str) -> (String, Duration) {
    let start = Instant::now();
    let address = site.hub.url("").trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut got = Vec::new();
    // Either the end of the stream or a reset is a closed connection.
    let _ = stream.read_to_end(&mut got).await;
    (String::from_utf8_lossy(&got).into_owned(), start.elapsed())
}

#[tokio::test]
async fn connections_that_send_their_head_slowly_are_closed() {
    let site = Site::with_config("[server]\nheader_timeout_ms = 300").await;
    let served = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    for begun in ["GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ", "G", "", "PRI * HTTP/2.0", served] {
        let closed = tokio::time::timeout(Duration::from_secs(20), until_closed(&site, begun));
        let (_, after) = closed.await.expect("the hub closes the connection");
        assert!(after >= Duration::from_millis(300), "{begun:?}: {after:?}");
    }
    let (answer, _) =
        until_closed(&site, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let flood =
        format!("GET /livez HTTP/1.1\r\nHost: x\r\nX-Flood: {}\r\n\r\n", "x".repeat(2 << 20));
    let (answer, _) = until_closed(&site, &flood).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    site.ask(site.get("/livez")).await.ok();
}

#[tokio::test]
async fn who_is_refused_before_all_was_sent_still_reads_why() {
    let site = Site::with_config("[uploads]\nmax_bytes = 1000").await;
    let large = vec![b'x'; 20 << 20];
    let upload = || site.hub.upload_request("otaru.river", "append", large.clone(), "text/csv");
    let answer = site.ask(upload()).await;
    answer.problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    let answer = site.ask(upload().bearer_auth(&site.publisher)).await;
    answer.problem(StatusCode::PAYLOAD_TOO_LARGE, "upload-too-large");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let site = Site::with_config("[uploads]\npause_ms = 300").await;
    let head = format!(
        "POST {RIVER_PATH}/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 1000\r\nConnection: close\r\n\r\nstation,",
        site.publisher
    );
    let answer = tokio::time::timeout(Duration::from_secs(20), until_closed(&site, &head));
    let (answer, _) = answer.await.expect("the hub answers and closes the connection");
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("/problems/invalid-request"),
        "{answer}"
    );
    assert_eq!(site.rows("SELECT count(*) AS n FROM otaru.river").await, json!([{"n": 0}]));
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out_for_long() {
    let site = Site::with_config("[server]\nmax_connections = 8\nheader_timeout_ms = 300").await;
    let address = site.hub.url("").trim_start_matches("http://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    // Those who come after wait for a place, and get one.
    let (answer, _) =
        until_closed(&site, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(silent);
}

/// Sends a head, then a byte every now and then, and returns what the hub answers meanwhile.
async fn trickled(site: &Site, head: &str) -> String {
    let address = site.hub.url("").trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let trickle = tokio::spawn(async move {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while writing.write_all(b" ").await.is_ok() {
            pause.tick().await;
        }
    });
    let mut answer = Vec::new();
    let read = reading.read_to_end(&mut answer);
    // Either the end of the stream or a reset is a closed connection.
    let _ = tokio::time::timeout(Duration::from_secs(20), read).await.expect("it is closed");
    trickle.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up() {
    let site = Site::with_config(
        "[server]\nbody_timeout_ms = 300\n[uploads]\npause_ms = 300\nat_once = 1",
    )
    .await;
    let rest = "Host: x\r\nContent-Length: 100000\r\nConnection: close\r\n";
    let json = format!("POST /v1/sql HTTP/1.1\r\n{rest}Content-Type: application/json\r\n\r\n");
    let file = format!(
        "POST {RIVER_PATH}/uploads HTTP/1.1\r\n{rest}Authorization: Bearer {}\r\n\r\n",
        site.publisher
    );
    for (head, said) in [(json, "did not come whole within 300 ms"), (file, "bytes came in 0.3 s")]
    {
        let answer = trickled(&site, &head).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains(said), "{answer}");
    }
    // The place it held is free again.
    site.publish(crate::support::river_csv(&["a"], 0, 1)).await;
}
