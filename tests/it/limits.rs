//! Limits met on purpose: each ends the query that meets it, is told as what it is, and leaves the hub to
//! its other users.

use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::Site;

/// A query that goes on for hours and answers nothing meanwhile.
const ENDLESS: &str = "SELECT count(*) AS n FROM generate_series(1, 1000000000000)";

#[tokio::test]
async fn a_query_over_its_time_is_stopped() {
    let site = Site::with_config("[queries]\ntimeout_ms = 300").await;
    for sql in [
        ENDLESS,
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    ] {
        let problem = site.ask(site.sql(sql)).await;
        problem.problem(StatusCode::UNPROCESSABLE_ENTITY, "time-limit");
        site.until_metric("mochiyori_queries_running 0").await;
    }
}

#[tokio::test]
async fn a_query_over_its_memory_is_stopped() {
    let site = Site::with_config("[queries]\nmemory_bytes_each = 4000000").await;
    let sql = "SELECT string_agg(repeat('x', 100), ',') AS a FROM generate_series(1, 200000)";
    let answer = site.ask(site.sql(sql)).await;
    let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "memory-limit");
    assert!(problem["detail"].as_str().unwrap().contains("4 MB"), "{problem}");
    site.until_metric("mochiyori_query_memory_bytes 0").await;
    let large = site.ask(site.sql("SELECT repeat('x', 2000000000) AS a")).await;
    assert_eq!(large.status, 422, "{large:?}");
    assert_eq!(site.rows("SELECT 1 AS one").await, json!([{"one": 1}]));
}

#[tokio::test]
async fn an_answer_over_its_size_is_refused_or_broken_off() {
    let site = Site::with_config("[queries]\nmax_rows = 20000").await;
    let sql = |rows: u32| format!("SELECT value FROM generate_series(1, {rows})");
    assert_eq!(site.ask(site.sql(&sql(20_000))).await.ok().json()["row_count"], 20_000);
    let sorted = format!("{} ORDER BY value % 7", sql(100_000));
    for (sql, accept) in [
        (sql(100_000), "application/json"),
        (sql(100_000), "text/csv"),
        (sorted, "application/vnd.apache.arrow.stream"),
    ] {
        // The limit may be met before the head of the answer has left; the connection breaks off then.
        let response = match site.hub.sql_request(&sql, accept).send().await {
            Ok(response) => response,
            Err(error) => {
                assert!(!error.is_connect() && !error.is_timeout(), "{accept}: {error:?}");
                continue;
            }
        };
        let status = response.status();
        let whole = response.bytes().await;
        match status {
            // What was already under way when the limit was met is never mistaken for the whole.
            StatusCode::OK => assert!(whole.is_err(), "{accept}: the answer looks whole"),
            _ => assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{accept}"),
        }
    }
    site.until_metric("mochiyori_queries_running 0").await;
}

/// Settings, a statement that goes over one of them, how that is told, and a word of what is said.
const OVER: [(&str, &str, &str, &str); 7] = [
    ("max_sql_bytes = 100", "SELECT 'LONG' AS one", "sql-too-complex", "100"),
    (
        "threads = 1\nmemory_bytes_each = 32000000\nspill_bytes_each = 1000",
        "SELECT value, repeat('x', 100) AS t FROM generate_series(1, 600000) ORDER BY value % 1000, value",
        "memory-limit",
        "MB of disk",
    ),
    (
        "memory_bytes = 4000000",
        "SELECT string_agg(repeat('x', 100), ',') FROM generate_series(1, 200000)",
        "memory-limit",
        "4 MB",
    ),
    ("max_rows = 10", "SELECT value FROM generate_series(1, 100)", "output-limit", "10 rows"),
    (
        "max_answer_bytes = 10000",
        "SELECT repeat('x', 100) AS t FROM generate_series(1, 1000)",
        "output-limit",
        "10000 bytes",
    ),
    (
        "",
        "SELECT count(*) FROM generate_series(1, 10000000) a JOIN generate_series(1, 10000000) b ON a.value < b.value",
        "sql-too-complex",
        "pairs of rows",
    ),
    (
        "",
        "SELECT ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))",
        "sql-too-complex",
        "nested more than",
    ),
];

#[tokio::test]
async fn each_limit_is_told_as_what_it_is_and_spares_small_questions() {
    for (settings, sql, kind, said) in OVER {
        let site = Site::with_config(&format!("[queries]\n{settings}")).await;
        let sql = sql.replace("LONG", &"x".repeat(100));
        let answer = site.ask(site.sql(&sql)).await;
        let status = StatusCode::from_u16(answer.status).unwrap();
        assert!(status.is_client_error(), "{settings}: {answer:?}");
        let problem = answer.problem(status, kind);
        assert!(problem["detail"].as_str().unwrap().contains(said), "{settings}: {problem}");
        site.until_metric("mochiyori_queries_running 0").await;
        assert_eq!(site.rows("SELECT 1 AS one").await, json!([{"one": 1}]), "{settings}");
    }
}

#[tokio::test]
async fn who_waits_too_long_for_a_place_is_told_so() {
    let site = Site::with_config("[queries]\nat_once = 1\nwaiting = 1\nwait_ms = 200").await;
    let endless = tokio::spawn(site.sql(ENDLESS).send());
    site.until_metric("mochiyori_queries_running 1").await;
    let waited = site.ask(site.sql("SELECT 1 AS one")).await;
    waited.problem(StatusCode::SERVICE_UNAVAILABLE, "busy");
    endless.abort();
    site.until_metric("mochiyori_queries_running 0").await;
    assert_eq!(site.rows("SELECT 1 AS one").await, json!([{"one": 1}]));
}

#[tokio::test]
async fn small_questions_are_answered_beside_large_ones_until_no_place_is_left() {
    let site = Site::with_config("[queries]\nat_once = 2\nwaiting = 0").await;
    let endless = || tokio::spawn(site.sql(ENDLESS).send());
    let first = endless();
    site.until_metric("mochiyori_queries_running 1").await;
    assert_eq!(site.rows("SELECT 1 AS one").await, json!([{"one": 1}]));
    let second = endless();
    site.until_metric("mochiyori_queries_running 2").await;
    for request in [site.sql("SELECT 1"), site.get("/v1/datasets/otaru/river/rows")] {
        let busy = site.ask(request).await;
        busy.problem(StatusCode::SERVICE_UNAVAILABLE, "busy");
        assert!(busy.header("retry-after").parse::<u32>().is_ok(), "{busy:?}");
    }
    site.ask(site.get("/readyz")).await.ok();
    // Their askers leave, and their places are free again.
    first.abort();
    second.abort();
    site.until_metric("mochiyori_queries_running 0").await;
    assert_eq!(site.rows("SELECT 2 AS two").await, json!([{"two": 2}]));
}

#[tokio::test]
async fn leaving_in_the_midst_of_an_answer_stops_its_query() {
    let site = Site::start().await;
    let sql = "SELECT value FROM generate_series(1, 1000000000000)";
    for accept in ["application/json", "text/csv", "application/vnd.apache.arrow.stream"] {
        let response = site.hub.sql_request(sql, accept).send().await.unwrap();
        let mut body = response.bytes_stream();
        assert!(!body.next().await.unwrap().unwrap().is_empty());
        site.until_metric("mochiyori_queries_running 1").await;
        drop(body);
        site.until_metric("mochiyori_queries_running 0").await;
    }
    site.until_metric("mochiyori_query_memory_bytes 0").await;
}

#[tokio::test]
async fn large_answers_come_to_their_end() {
    let site = Site::start().await;
    let sql = "SELECT value, value * 2 AS double FROM generate_series(1, 300000) ORDER BY value";
    let json = site.ask(site.sql(sql)).await.ok().json();
    assert_eq!(json["row_count"], 300_000);
    assert_eq!(json["rows"][299_999], json!({"value": 300_000, "double": 600_000}));
    let csv = site.ask(site.hub.sql_request(sql, "text/csv")).await.ok().text();
    assert_eq!((csv.lines().count(), csv.lines().last()), (300_001, Some("300000,600000")));
    let arrow = site.hub.sql_request(sql, "application/vnd.apache.arrow.stream");
    let arrow = site.ask(arrow).await.ok().body;
    let arrow = arrow::ipc::reader::StreamReader::try_new(&arrow[..], None).unwrap();
    assert_eq!(arrow.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 300_000);
    let parquet = site.hub.sql_request(sql, "application/vnd.apache.parquet");
    let parquet = site.ask(parquet).await.ok().body;
    let parquet = parquet::file::reader::SerializedFileReader::new(parquet).unwrap();
    let rows = parquet::file::reader::FileReader::metadata(&parquet).file_metadata().num_rows();
    assert_eq!(rows, 300_000);
}
