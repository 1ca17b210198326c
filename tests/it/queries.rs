//! Queries in the background, as their owners and as others see them; and what queries will cost.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use hub_testkit::hub;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Answer, RIVER_PATH, Site, river, river_csv};

/// How long a test waits for a query to come to a state.
const DEADLINE: Duration = Duration::from_secs(60);

/// A query that goes on for hours and answers nothing meanwhile.
const ENDLESS: &str = "SELECT count(*) AS n FROM generate_series(1, 1000000000000)";

const QUESTION: &str =
    "SELECT station, level, flow FROM otaru.river WHERE level >= $1 ORDER BY station, level";

async fn submit(site: &Site, sql: &str, token: &str) -> Answer {
    site.ask(site.post("/v1/queries").bearer_auth(token).json(&json!({"sql": sql}))).await
}

async fn submitted(site: &Site, sql: &str) -> String {
    let answer = submit(site, sql, &site.publisher).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn watch(site: &Site, id: &str) -> Answer {
    site.ask(site.get(&format!("/v1/queries/{id}")).bearer_auth(&site.publisher)).await
}

async fn until(site: &Site, id: &str, state: &str) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let query = watch(site, id).await.ok().json();
        if query["state"] == state {
            return query;
        }
        assert!(Instant::now() < deadline, "{state} did not come to pass: {query}");
        tokio::task::yield_now().await;
    }
}

async fn result(site: &Site, id: &str, format: &str) -> Answer {
    let path = format!("/v1/queries/{id}/result?format={format}");
    site.ask(site.get(&path).bearer_auth(&site.publisher)).await
}

async fn remove(site: &Site, id: &str) -> u16 {
    let request = site.hub.client().delete(site.hub.url(&format!("/v1/queries/{id}")));
    site.ask(request.bearer_auth(&site.publisher)).await.status
}

fn folder(site: &Site, id: &str) -> PathBuf {
    site.hub.data_dir().join("lake/_queries").join(id)
}

#[tokio::test]
async fn a_query_in_the_background_is_watched_taken_in_any_form_and_removed() {
    let site = Site::with_rows(&["a", "余,市"], 40).await;
    let body = json!({"sql": QUESTION, "parameters": [2]});
    let asked = site.post("/v1/queries").bearer_auth(&site.publisher).json(&body);
    let asked = site.ask(asked).await;
    assert_eq!((asked.status, asked.header("cache-control")), (202, "no-store"), "{asked:?}");
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(asked.header("location"), format!("/v1/queries/{id}"));
    // What is published meanwhile changes nothing of what was asked.
    site.publish(river_csv(&["b"], 0, 5)).await;
    let done = until(&site, &id, "done").await;
    assert_eq!(done["result"]["rows"], 76);
    assert_eq!(done["result"]["sources"][0]["version"], 1);
    assert_eq!(done["progress"]["rows_total"], 80);
    assert!(done["progress"]["bytes_scanned"].as_u64().unwrap() > 0, "{done}");
    assert!(done["expires_at"].as_str() > done["finished_at"].as_str(), "{done}");

    let at_once = json!({"sql": QUESTION, "parameters": [2], "versions": {"otaru.river": 1}});
    let at_once = site.ask(site.post("/v1/sql").json(&at_once)).await.ok().json();
    let kept = result(&site, &id, "json").await.ok().json();
    for part in ["columns", "rows", "sources", "citation", "row_count"] {
        assert_eq!(kept[part], at_once[part], "{part}");
    }
    let csv = result(&site, &id, "csv").await.ok().text();
    assert!(csv.starts_with("station,level,flow\r\na,2.0,200.0\r\n"), "{csv}");
    let arrow = result(&site, &id, "arrow").await.ok().body;
    let arrow = arrow::ipc::reader::StreamReader::try_new(&arrow[..], None).unwrap();
    assert_eq!(arrow.schema().field(1).metadata()["unit"], "m");
    assert_eq!(arrow.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 76);

    let stored = std::fs::read(folder(&site, &id).join("1.parquet")).unwrap();
    let sha256: String = Sha256::digest(&stored).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (&done["result"]["sha256"], &done["result"]["bytes"]),
        (&json!(sha256), &json!(stored.len()))
    );

    let listed =
        site.ask(site.get("/v1/queries?limit=1").bearer_auth(&site.publisher)).await.ok().json();
    assert_eq!((&listed["queries"][0]["id"], &listed["next_cursor"]), (&json!(id), &Value::Null));
    assert_eq!(remove(&site, &id).await, 204);
    watch(&site, &id).await.problem(StatusCode::NOT_FOUND, "not-found");
    assert!(!folder(&site, &id).join("1.parquet").exists());
}

#[tokio::test]
async fn a_query_is_its_tokens_alone() {
    let site = Site::with_rows(&["a"], 2).await;
    let id = submitted(&site, "SELECT level FROM otaru.river").await;
    until(&site, &id, "done").await;
    let reader = site.hub.create_token("otaru", "reader").await;
    let nowhere = uuid::Uuid::now_v7().to_string();
    for rest in ["", "/result"] {
        let path = |id: &str| format!("/v1/queries/{id}{rest}");
        let hidden = site.ask(site.get(&path(&id)).bearer_auth(&reader)).await;
        let absent = site.ask(site.get(&path(&nowhere)).bearer_auth(&reader)).await;
        let said = |answer: &Answer, id: &str| {
            answer.problem(StatusCode::NOT_FOUND, "not-found")["detail"]
                .to_string()
                .replace(id, "X")
        };
        assert_eq!(said(&hidden, &id), said(&absent, &nowhere));
        let anonymous = site.ask(site.get(&path(&id))).await;
        anonymous.problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    }
    let delete = site.hub.client().delete(site.hub.url(&format!("/v1/queries/{id}")));
    site.ask(delete.bearer_auth(&reader)).await.problem(StatusCode::NOT_FOUND, "not-found");
    let list = site.ask(site.get("/v1/queries").bearer_auth(&reader)).await.ok().json();
    assert_eq!(list["queries"], json!([]));
    let anonymous = site.ask(site.post("/v1/queries").json(&json!({"sql": "SELECT 1"}))).await;
    anonymous.problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    until(&site, &id, "done").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_said_when_it_is_asked_or_when_it_fails() {
    let site =
        Site::with_config("[queries]\nbackground_timeout_ms = 400\nbackground_per_token = 3").await;
    site.publish(river_csv(&["a"], 0, 4)).await;
    for (sql, slug) in [
        ("SELECT level FROM otaru.rivers", "sql-invalid"),
        ("DELETE FROM otaru.river", "sql-not-allowed"),
        ("EXPLAIN SELECT level FROM otaru.river", "invalid-request"),
    ] {
        submit(&site, sql, &site.publisher).await.problem(StatusCode::BAD_REQUEST, slug);
    }
    let long = submitted(&site, ENDLESS).await;
    let divided =
        submitted(&site, "SELECT 1 / (CAST(level AS BIGINT) - 3) AS x FROM otaru.river").await;
    let unknown = submitted(&site, "SELECT depth FROM otaru.river").await;
    submit(&site, "SELECT 1", &site.publisher)
        .await
        .problem(StatusCode::TOO_MANY_REQUESTS, "rate-limited");
    for (id, status, slug) in [
        (&long, StatusCode::UNPROCESSABLE_ENTITY, "time-limit"),
        (&divided, StatusCode::UNPROCESSABLE_ENTITY, "sql-execution"),
        (&unknown, StatusCode::BAD_REQUEST, "sql-invalid"),
    ] {
        let failed = until(&site, id, "failed").await;
        assert_eq!(failed["problem"]["type"], format!("/problems/{slug}"), "{failed}");
        let taken = result(&site, id, "json").await.problem(status, slug);
        assert_eq!(taken["detail"], failed["problem"]["detail"]);
    }
    site.until_metric("mochiyori_queries_running 0").await;
    assert_eq!(remove(&site, &long).await, 204);
    let closed = Site::with_config("[queries]\nbackground_at_once = 0").await;
    submit(&closed, "SELECT 1", &closed.publisher)
        .await
        .problem(StatusCode::FORBIDDEN, "forbidden");
}

#[tokio::test]
async fn queries_wait_for_their_place_and_a_removed_one_stops() {
    let site = Site::with_rows(&["a"], 2).await;
    let (first, second) =
        (submitted(&site, ENDLESS).await, submitted(&site, "SELECT 1 AS one").await);
    until(&site, &first, "running").await;
    let third = submitted(&site, "SELECT 2 AS two").await;
    let waiting = watch(&site, &third).await.ok().json();
    assert_eq!((&waiting["state"], &waiting["queries_before"]), (&json!("waiting"), &json!(1)));
    let early = result(&site, &second, "json").await;
    early.problem(StatusCode::CONFLICT, "conflict");
    // Small questions that are waited for are answered beside it.
    assert_eq!(site.rows("SELECT 3 AS three").await, json!([{"three": 3}]));
    assert_eq!(remove(&site, &first).await, 204);
    until(&site, &second, "done").await;
    until(&site, &third, "done").await;
    assert_eq!(result(&site, &third, "json").await.ok().json()["rows"], json!([{"two": 2}]));
    site.until_metric("mochiyori_queries_running 0").await;
    assert!(
        !folder(&site, &first).exists()
            || folder(&site, &first).read_dir().unwrap().next().is_none()
    );
}

#[tokio::test]
async fn a_query_outlives_its_process_and_fails_where_it_takes_two_with_it() {
    let mut site = Site::with_rows(&["a"], 2).await;
    let endless = submitted(&site, ENDLESS).await;
    let behind = submitted(&site, "SELECT level FROM otaru.river").await;
    until(&site, &endless, "running").await;
    // Stopped in order it gives the query back, and that costs it nothing.
    site.hub.restart().await;
    until(&site, &endless, "running").await;
    let begun = watch(&site, &endless).await.json()["started_at"].clone();
    site.hub.kill();
    site.hub.restart().await;
    let deadline = Instant::now() + DEADLINE;
    while watch(&site, &endless).await.json()["started_at"] == begun {
        assert!(Instant::now() < deadline, "the query is not taken up again");
        tokio::task::yield_now().await;
    }
    site.hub.kill();
    site.hub.restart().await;
    let failed = until(&site, &endless, "failed").await;
    assert_eq!(failed["problem"]["type"], "/problems/unavailable", "{failed}");
    assert!(failed["problem"]["detail"].as_str().unwrap().contains("twice"), "{failed}");
    until(&site, &behind, "done").await;
    assert_eq!(result(&site, &behind, "json").await.ok().json()["row_count"], 2);
}

#[tokio::test]
async fn a_result_goes_when_its_time_is_over() {
    let site = Site::with_config("[queries]\nbackground_keep_s = 2").await;
    let id = submitted(&site, "SELECT 1 AS one").await;
    let path = folder(&site, &id).join("1.parquet");
    let deadline = Instant::now() + DEADLINE;
    while watch(&site, &id).await.status != 404 {
        assert!(Instant::now() < deadline, "the query stays");
        tokio::task::yield_now().await;
    }
    assert!(!path.exists());
}

#[tokio::test]
async fn a_result_is_out_of_sight_with_what_it_was_read_from() {
    let site = Site::with_rows(&["a"], 2).await;
    site.hub.create_agency("kisho", "気象台", "Weather").await;
    let weather = site.hub.create_token("kisho", "publisher").await;
    site.hub.create_dataset("kisho.snow", &river("public"), &weather).await;
    site.hub.upload("kisho.snow", river_csv(&["a"], 0, 2), "text/csv", &weather).await;
    let snow = submitted(&site, "SELECT level FROM kisho.snow").await;
    let level = submitted(&site, "SELECT level FROM otaru.river").await;
    // Its problem quotes a value of the dataset.
    let broken = submitted(&site, "SELECT CAST(station AS BIGINT) AS n FROM kisho.snow").await;
    let before = until(&site, &snow, "done").await;
    assert_eq!(before["result"]["rows"], 2);
    until(&site, &level, "done").await;
    until(&site, &broken, "failed").await;
    let hide = site.put("/v1/datasets/kisho/snow").bearer_auth(&weather).json(&river("private"));
    site.ask(hide).await.ok();
    for id in [&snow, &broken] {
        result(&site, id, "json").await.problem(StatusCode::NOT_FOUND, "not-found");
    }
    let listed = site.ask(site.get("/v1/queries").bearer_auth(&site.publisher)).await.ok().json();
    for (place, id) in [&broken, &level, &snow].into_iter().enumerate() {
        let shown = watch(&site, id).await.ok().json();
        assert_eq!(shown, listed["queries"][place]);
        if *id == level {
            assert_eq!(shown["result"]["rows"], 2);
            continue;
        }
        assert_eq!(shown["result"], Value::Null, "{shown}");
        assert_eq!(shown["progress"]["rows_scanned"], 0, "{shown}");
    }
    let problem = &watch(&site, &broken).await.ok().json()["problem"];
    assert_eq!(problem["type"], "/problems/not-found");
    let withdraw = site.post(&format!("{RIVER_PATH}/versions/1/withdraw"));
    let withdraw = withdraw.bearer_auth(&site.publisher).json(&json!({"reason": "誤り"}));
    assert_eq!(site.ask(withdraw).await.status, 201);
    // Who may write the dataset still reads what was withdrawn.
    result(&site, &level, "json").await.ok();
}

#[tokio::test]
async fn what_a_query_will_cost_is_told_without_running_it() {
    let site = Site::with_rows(&["a"], 10).await;
    site.publish(river_csv(&["a"], 100, 10)).await;
    let cost = async |sql: &str| {
        let request = site.post("/v1/sql/cost").json(&json!({"sql": sql}));
        site.ask(request).await.ok().json()
    };
    let all = cost("SELECT station, level FROM otaru.river").await;
    assert_eq!(
        (&all["rows"], &all["files"], &all["files_pruned"]),
        (&json!(20), &json!(2), &json!(0))
    );
    assert_eq!(all["memory"]["need"], "streams");
    let day = cost("SELECT level FROM otaru.river WHERE time < '2026-04-02' ORDER BY level").await;
    assert_eq!(
        (&day["rows"], &day["files"], &day["files_pruned"]),
        (&json!(10), &json!(1), &json!(1))
    );
    assert_eq!(day["memory"]["need"], "spills");
    assert!(day["bytes"].as_u64().unwrap() > 0 && day["bytes"].as_u64() < all["bytes"].as_u64());
    let join =
        cost("SELECT a.level FROM otaru.river a JOIN otaru.river b ON a.level = b.level").await;
    assert_eq!((&join["datasets"][0]["scans"], &join["rows"]), (&json!(2), &json!(40)));
    assert_eq!(join["memory"]["need"], "must_fit");
    let none = cost("SELECT level FROM otaru.river WHERE time > '2030-01-01'").await;
    assert_eq!((&none["rows"], &none["files_pruned"]), (&json!(0), &json!(2)));
    assert_eq!(cost(ENDLESS).await["datasets"], json!([]));
    let wrong = site.post("/v1/sql/cost").json(&json!({"sql": "SELECT depth FROM otaru.river"}));
    site.ask(wrong).await.problem(StatusCode::BAD_REQUEST, "sql-invalid");
}

#[tokio::test]
async fn a_statement_may_have_its_rows_read_in_place_of_rollups() {
    let stations: Vec<String> = (0..12).map(|station| format!("s{station:02}")).collect();
    let stations: Vec<&str> = stations.iter().map(String::as_str).collect();
    let site = Site::with_rows(&stations, 700).await;
    let days = "SELECT station, observed_day(time) AS day, sum(level) AS levels FROM otaru.river GROUP BY 1, 2";
    // Of each station thirty days, and as many midnights that are kept apart.
    for (rollups, rows) in [(json!(true), 12 * 60), (json!(false), 12 * 700)] {
        let body = json!({"sql": days, "rollups": rollups});
        let cost = site.ask(site.post("/v1/sql/cost").json(&body)).await.ok().json();
        assert_eq!((&cost["rows"], &cost["files"]), (&json!(rows), &json!(1)), "{rollups}");
    }
    let by_address = async |rollups: &str| {
        let query = [("q", days), ("rollups", rollups), ("format", "json")];
        site.ask(site.get("/v1/sql").query(&query)).await
    };
    let (with, without) = (by_address("true").await.ok(), by_address("false").await.ok());
    assert_ne!(with.header("etag"), without.header("etag"));
    let rows = |answer: Value| {
        let mut rows: Vec<String> =
            answer["rows"].as_array().unwrap().iter().map(Value::to_string).collect();
        rows.sort();
        rows
    };
    let (with, without) = (rows(with.json()), rows(without.json()));
    assert_eq!(with, without);
    // The first midnight is of the last day of March; the first of April has the hours 1 to 24.
    let april = json!({"station": "s00", "day": "2026-04-01", "levels": 300.0}).to_string();
    assert_eq!((with.len(), with.contains(&april)), (12 * 31, true));
    let explained = async |rollups: bool| {
        let body = json!({"sql": format!("EXPLAIN {days}"), "rollups": rollups});
        site.ask(site.post("/v1/sql").json(&body)).await.ok().text()
    };
    assert!(explained(true).await.contains("rollup=day files=1/1"));
    assert!(!explained(false).await.contains("rollup="));
    by_address("perhaps").await.problem(StatusCode::BAD_REQUEST, "invalid-request");

    // Grids and permalinks have the same switch.
    let grid = async |rollups: &str| {
        let query = [("measure", "otaru.river.level"), ("every", "1 day"), ("rollups", rollups)];
        site.ask(site.get("/v1/align").query(&query)).await
    };
    let (with, without) = (grid("true").await.ok(), grid("false").await.ok());
    assert_ne!(with.header("etag"), without.header("etag"));
    assert_eq!(with.json()["rows"], without.json()["rows"]);
    assert_eq!(with.json()["row_count"], 12 * 31);
    grid("perhaps").await.problem(StatusCode::BAD_REQUEST, "invalid-request");
    let made = site.post("/v1/permalinks").json(&json!({"sql": days}));
    let made = site.ask(made).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let made = made.json();
    let kept = async |what: &str| {
        let address = format!("/v1/permalinks/{}/{what}", made["id"].as_str().unwrap());
        site.ask(site.get(&address)).await
    };
    let (with, without) = (kept("result").await.ok(), kept("result?rollups=false").await.ok());
    assert_ne!(with.header("etag"), without.header("etag"));
    assert_eq!(rows(with.json()), rows(without.json()));
    let verified = kept("verification?rollups=false").await.ok().json();
    assert_eq!(verified["verdict"], "same", "{verified}");
    kept("result?rollups=perhaps").await.problem(StatusCode::BAD_REQUEST, "invalid-request");
}

#[tokio::test]
async fn the_command_line_asks_in_the_background() {
    let site = Site::with_rows(&["a"], 4).await;
    let run = |arguments: &[&str]| {
        let server = site.hub.url("");
        let mut command = Command::new(hub::binary());
        command.args(arguments).args(["--server", &server, "--lang", "en"]);
        let output = command.env("MOCHIYORI_TOKEN", &site.publisher).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let id = run(&["sql", "--background", "SELECT level FROM otaru.river ORDER BY level"]);
    let id = id.trim();
    until(&site, id, "done").await;
    assert!(run(&["query", "list"]).contains("SELECT level FROM otaru.river ORDER BY"));
    let shown = run(&["query", "show", id]);
    assert!(shown.starts_with(&format!("query {id}: done\n")), "{shown}");
    assert_eq!(
        run(&["query", "result", id, "--format", "csv"]),
        "level\r\n0.0\r\n1.0\r\n2.0\r\n3.0\r\n"
    );
    assert_eq!(run(&["query", "cancel", id]), format!("{id}: removed\n"));
}
