//! Answers that are given again: to whom they may be, as long as nothing changed, and to nobody else.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Answer, RIVER_PATH, Site, river, river_csv};

const SUM: &str = "SELECT station, count(*) AS n, sum(level) AS level FROM otaru.river GROUP BY station ORDER BY station";

/// How often a question was answered from kept answers so far.
async fn hits(site: &Site) -> u64 {
    counted(site, "hit").await
}

async fn counted(site: &Site, outcome: &str) -> u64 {
    let text = site.ask(site.get("/metrics")).await.ok().text();
    let name = format!("kept_answers_total{{outcome=\"{outcome}\"}} ");
    let line =
        text.lines().find_map(|line| line.split_once(&name).map(|(_, count)| count.to_owned()));
    line.map_or(0, |count| count.trim().parse().unwrap())
}

fn id(answer: &Answer) -> String {
    answer.json()["query_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_same_question_of_the_same_versions_is_answered_once() {
    let site = Site::with_rows(&["余市", "朝里"], 24).await;
    for format in ["json", "ndjson", "csv", "arrow", "parquet"] {
        let asks = || site.sql_by_address(SUM).query(&[("format", format)]);
        let (before, first) = (hits(&site).await, site.ask(asks()).await.ok());
        assert_eq!(hits(&site).await, before, "{format}");
        let again = site.ask(asks()).await.ok();
        assert_eq!(hits(&site).await, before + 1, "{format}");
        assert_eq!(again.body, first.body, "{format}");
        for name in ["content-type", "etag", "mochiyori-sources", "cache-control", "link"] {
            assert_eq!(again.header(name), first.header(name), "{format}: {name}");
        }
    }
    // By POST it is the same question, and white space around it means nothing.
    let before = hits(&site).await;
    let posted = site.ask(site.sql(&format!("  {SUM} ;\n"))).await.ok();
    assert_eq!(hits(&site).await, before + 1);
    assert_eq!(posted.header("cache-control"), "no-store");
    // Another statement, other parameters and another format are other questions.
    for other in [
        site.sql(&SUM.replace("sum", "max")),
        site.post("/v1/sql")
            .json(&json!({"sql": "SELECT $1 AS a FROM otaru.river", "parameters": [1]})),
        site.post("/v1/sql")
            .json(&json!({"sql": "SELECT $1 AS a FROM otaru.river", "parameters": ["1"]})),
    ] {
        let before = hits(&site).await;
        site.ask(other).await.ok();
        assert_eq!(hits(&site).await, before);
    }
    for rows in [format!("{RIVER_PATH}/rows?limit=5"), format!("{RIVER_PATH}/latest?select=level")]
    {
        let before = hits(&site).await;
        let first = site.ask(site.get(&rows)).await.ok();
        let again = site.ask(site.get(&rows)).await.ok();
        assert_eq!(first.body, again.body, "{rows}");
        assert_eq!(hits(&site).await, before + 1, "{rows}");
        assert_eq!(
            again.headers.get("mochiyori-next-cursor"),
            first.headers.get("mochiyori-next-cursor")
        );
    }
    let (latest, rows) = (format!("{RIVER_PATH}/latest"), format!("{RIVER_PATH}/rows"));
    let newest = site.ask(site.get(&latest)).await.ok();
    assert_eq!(newest.json()["row_count"], 2);
    assert_eq!(site.ask(site.get(&rows)).await.ok().json()["row_count"], 48);
    let again = site.ask(site.get(&latest)).await.ok();
    assert_eq!(again.body, newest.body);
}

#[tokio::test]
async fn a_new_version_gets_no_old_answer_and_an_old_version_no_new_one() {
    let site = Site::with_rows(&["余市"], 24).await;
    let first = site.ask(site.sql(SUM)).await.ok();
    assert_eq!(first.json()["rows"][0]["n"], 24);
    site.publish(river_csv(&["朝里"], 0, 12)).await;
    let second = site.ask(site.sql(SUM)).await.ok();
    assert_eq!(second.json()["row_count"], 2);
    let old = json!({"sql": SUM, "versions": {"otaru.river": 1}});
    let before = hits(&site).await;
    let old = site.ask(site.post("/v1/sql").json(&old)).await.ok();
    assert_eq!((id(&old), old.json()["row_count"].clone()), (id(&first), json!(1)));
    assert_eq!(hits(&site).await, before + 1);
    let latest = format!("{RIVER_PATH}/latest");
    assert_eq!(site.ask(site.get(&latest)).await.ok().json()["row_count"], 2);
    site.publish(river_csv(&["倶知安"], 0, 1)).await;
    assert_eq!(site.ask(site.get(&latest)).await.ok().json()["row_count"], 3);
}

#[tokio::test]
async fn who_may_not_see_a_dataset_gets_no_kept_answer_of_it() {
    let site = Site::with_rows(&["余市"], 24).await;
    site.hub.create_agency("kisho", "気象台", "Weather").await;
    let stranger = site.hub.create_token("kisho", "reader").await;
    let reader = site.hub.create_token("otaru", "reader").await;
    let secret = "otaru.secret_survey";
    site.hub.create_dataset(secret, &river("private"), &site.publisher).await;
    site.hub.upload(secret, river_csv(&["zz"], 0, 5), "text/csv", &site.publisher).await;
    let sql = "SELECT count(*) AS n FROM otaru.secret_survey";
    let (rows, latest) =
        ("/v1/datasets/otaru/secret_survey/rows", "/v1/datasets/otaru/secret_survey/latest");
    for _ in 0..2 {
        for token in [&site.publisher, &reader] {
            let answer = site.ask(site.sql_by_address(sql).bearer_auth(token)).await.ok();
            assert_eq!(answer.json()["rows"], json!([{"n": 5}]));
            for path in [rows, latest] {
                site.ask(site.get(path).bearer_auth(token)).await.ok();
            }
        }
    }
    let before = hits(&site).await;
    assert!(before >= 6, "{before}");
    for token in [None, Some(&stranger)] {
        let with = |request: reqwest::RequestBuilder| match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = site.ask(with(site.sql_by_address(sql))).await;
        answer.problem(StatusCode::BAD_REQUEST, "sql-invalid");
        for path in [rows, latest] {
            site.ask(with(site.get(path))).await.problem(StatusCode::NOT_FOUND, "not-found");
        }
    }
    assert_eq!(hits(&site).await, before, "a kept answer was looked up for who may not have it");
    // A dataset that is closed after its answer was kept is closed at once.
    let public = site.ask(site.sql(SUM)).await.ok();
    assert_eq!(id(&site.ask(site.sql(SUM)).await.ok()), id(&public));
    site.hub.create_dataset("otaru.river", &river("private"), &site.publisher).await;
    site.ask(site.sql(SUM)).await.problem(StatusCode::BAD_REQUEST, "sql-invalid");
    site.ask(site.get(&format!("{RIVER_PATH}/latest")))
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    let own = site.ask(site.sql(SUM).bearer_auth(&site.publisher)).await.ok();
    assert_ne!(id(&own), id(&public));
}

#[tokio::test]
async fn what_is_too_large_or_changes_by_itself_is_not_kept() {
    let config = "[queries]\nkept_answer_bytes_each = 4096\n";
    let site = Site::with_config(config).await;
    site.publish(river_csv(&["余市", "朝里"], 0, 200)).await;
    for sql in [
        "SELECT * FROM otaru.river ORDER BY station, time",
        "SELECT count(*) AS n, now() AS at FROM otaru.river",
    ] {
        let (first, again) =
            (site.ask(site.sql(sql)).await.ok(), site.ask(site.sql(sql)).await.ok());
        assert_ne!(id(&first), id(&again), "{sql}");
    }
    assert_eq!(hits(&site).await, 0);
    let (first, again) = (site.ask(site.sql(SUM)).await.ok(), site.ask(site.sql(SUM)).await.ok());
    assert_eq!((id(&first), hits(&site).await), (id(&again), 1));
}

#[tokio::test]
async fn nothing_is_kept_where_it_is_turned_off() {
    let site = Site::with_config("[queries]\nkept_answer_bytes = 0\n").await;
    site.publish(river_csv(&["余市"], 0, 2)).await;
    let (first, again) = (site.ask(site.sql(SUM)).await.ok(), site.ask(site.sql(SUM)).await.ok());
    assert_ne!(id(&first), id(&again));
    assert_eq!((hits(&site).await, counted(&site, "miss").await), (0, 0));
}

/// Writers and readers at once, each reader right after a write was acknowledged: through every door that
/// keeps something between requests, with the answer's validator and without.
#[tokio::test]
async fn what_is_acknowledged_is_what_the_next_request_sees() {
    let site = Site::with_rows(&["余市"], 1).await;
    let rows = format!("{RIVER_PATH}/rows");
    let count = "SELECT count(*) AS n FROM otaru.river";
    let hour = |hour: u32| river_csv(&["余市"], hour, 1);
    for written in 1..20 {
        let asks = || async {
            let sql = site.ask(site.sql_by_address(count)).await.ok();
            let page = site.ask(site.get(&rows)).await.ok();
            (sql.json()["rows"][0]["n"].clone(), page.json()["row_count"].clone(), sql)
        };
        // Readers that are at it while the next version is written.
        let (before, beside, _) = tokio::join!(asks(), asks(), site.publish(hour(written)));
        for (sql, page, _) in [&before, &beside] {
            for seen in [sql, page] {
                assert!([json!(written), json!(written + 1)].contains(seen), "{seen} of {written}");
            }
        }
        let etag = before.2.header("etag").to_owned();
        let held = site.ask(site.sql_by_address(count).header("if-none-match", etag)).await;
        let now = before.0 == json!(written + 1);
        assert_eq!(held.status, if now { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        let (sql, page, _) = asks().await;
        assert_eq!((sql, page), (json!(written + 1), json!(written + 1)));
    }
    // What is said of the dataset goes with its answers, and changes without a version.
    let titled = |answer: &Answer| answer.json()["sources"][0]["title"]["en"].clone();
    let first = site.ask(site.sql_by_address(count)).await.ok();
    let mut description = river("public");
    description["metadata"]["title"] = json!({"ja": "川", "en": "Renamed"});
    site.hub.create_dataset("otaru.river", &description, &site.publisher).await;
    let second = site.ask(site.sql_by_address(count)).await.ok();
    assert_ne!(titled(&first), titled(&second));
    assert_eq!(titled(&second), json!("Renamed"));
    site.hub.create_dataset("otaru.river", &river("private"), &site.publisher).await;
    site.ask(site.sql_by_address(count)).await.problem(StatusCode::BAD_REQUEST, "sql-invalid");
    site.ask(site.get(&rows)).await.problem(StatusCode::NOT_FOUND, "not-found");
}
