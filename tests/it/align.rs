//! Measures on one grid through the server: beside pandas on random rows, how they are joined, and who may see
//! what is asked for.

use std::process::Command;

use hub_testkit::shared::python;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    documents::project,
    support::{Site, river, river_csv},
};

/// Kept, so that a failure can be looked at.
const SEED: &str = "20260401";

#[tokio::test]
async fn grids_of_random_rows_are_those_of_pandas() {
    let site = Site::start().await;
    let output = Command::new(python())
        .arg(project().join("tests/it/align.py"))
        .args([&site.hub.url(""), &site.publisher, SEED])
        .output()
        .expect("Python can be run");
    let printed = String::from_utf8_lossy(&output.stdout);
    let heard = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{heard}");
    // Four widths with and without a least coverage, and two ways of filling over two gaps.
    assert_eq!(printed.lines().count(), 4 * 2 + 2 * 2, "{printed}");
}

/// Gauges `a` and `b` with levels 0 to 3 at midnight and the three hours after it.
async fn site() -> Site {
    Site::with_rows(&["a", "b"], 4).await
}

async fn grid(site: &Site, query: &str) -> Vec<Value> {
    let answer = site.ask(site.get(&format!("/v1/align?{query}"))).await.ok().json();
    answer["rows"].as_array().expect("rows").clone()
}

#[tokio::test]
async fn a_value_labelled_midnight_is_of_the_day_that_ends_there() {
    let site = site().await;
    let rows = grid(&site, "measure=otaru.river.level&every=1%20day&station=eq.a").await;
    assert_eq!(
        rows,
        [
            json!({"time": "2026-03-31T00:00:00+09:00", "otaru.river.level": 0.0, "otaru.river.level_coverage": 1.0 / 24.0}),
            json!({"time": "2026-04-01T00:00:00+09:00", "otaru.river.level": 2.0, "otaru.river.level_coverage": 3.0 / 24.0}),
        ]
    );
}

#[tokio::test]
async fn series_are_shown_joined_and_chosen() {
    let site = site().await;
    site.hub.create_dataset("otaru.lake", &river("public"), &site.publisher).await;
    site.hub.upload("otaru.lake", river_csv(&["b", "c"], 0, 2), "text/csv", &site.publisher).await;
    let keys = |rows: &[Value]| -> Vec<String> {
        rows.iter()
            .map(|row| format!("{} {}", row["station"].as_str().unwrap_or("-"), row["time"]))
            .collect()
    };
    // One dataset shows its series.
    let rows =
        grid(&site, "measure=otaru.river.level&every=1%20day&from=2026-04-01&to=2026-04-02").await;
    let midnight = "\"2026-04-01T00:00:00+09:00\"";
    assert_eq!(keys(&rows), [format!("a {midnight}"), format!("b {midnight}")]);
    // Two that both do are joined by what names them, or refused.
    let both = "measure=otaru.river.level&measure=otaru.lake.level:max&every=1%20day&from=2026-03-31&to=2026-04-01";
    let joined = format!("{both}&by=station");
    let answer = site.ask(site.get(&format!("/v1/align?{joined}"))).await.ok().json();
    let columns = answer["columns"].as_array().unwrap();
    let ways: Vec<_> = columns.iter().map(|column| &column["put_together"]).collect();
    assert_eq!(json!(ways), json!([null, null, "mean", null, "max", null]));
    let rows = grid(&site, &joined).await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["station"].clone(),
                row["otaru.river.level"].clone(),
                row["otaru.lake.level_max"].clone(),
            )
        })
        .collect();
    let expected = [
        (json!("a"), json!(0.0), Value::Null),
        (json!("b"), json!(0.0), json!(0.0)),
        (json!("c"), Value::Null, json!(0.0)),
    ];
    assert_eq!(told, expected);
    let refused = site.ask(site.get(&format!("/v1/align?{both}"))).await;
    let problem = refused.problem(StatusCode::BAD_REQUEST, "invalid-request");
    assert!(problem["detail"].as_str().unwrap().contains("otaru.lake.station=eq.…"), "{problem}");
    // One of them chosen stands beside every series of the other.
    let rows = grid(&site, &format!("{both}&otaru.lake.station=eq.c")).await;
    assert_eq!(rows.iter().map(|row| &row["station"]).collect::<Vec<_>>(), ["a", "b"]);
    assert!(rows.iter().all(|row| row["otaru.lake.level_max"] == 0.0), "{rows:?}");
    // What it has where the other has nothing is of none of the other's series, and stays.
    site.hub.upload("otaru.lake", river_csv(&["c"], 5, 2), "text/csv", &site.publisher).await;
    let hours =
        "measure=otaru.river.level&measure=otaru.lake.level&every=1%20hour&otaru.lake.station=eq.c";
    let rows = grid(&site, hours).await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let told = ["station", "otaru.river.level", "otaru.lake.level"];
            json!([row["time"].as_str().unwrap()[11..13], told.map(|column| row[column].clone())])
        })
        .collect();
    let expected = [
        json!(["23", ["a", 0.0, 0.0]]),
        json!(["00", ["a", 1.0, 1.0]]),
        json!(["01", ["a", 2.0, null]]),
        json!(["02", ["a", 3.0, null]]),
        json!(["23", ["b", 0.0, 0.0]]),
        json!(["00", ["b", 1.0, 1.0]]),
        json!(["01", ["b", 2.0, null]]),
        json!(["02", ["b", 3.0, null]]),
        json!(["04", [null, null, 5.0]]),
        json!(["05", [null, null, 6.0]]),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_wrong_parameter_is_told_what_would_be_right() {
    let site = site().await;
    let level = "measure=otaru.river.level&every=1%20hour";
    for (query, said) in [
        ("every=1%20hour".to_owned(), "measure=agency.dataset.column"),
        ("measure=otaru.river.level".to_owned(), "such as 1 hour"),
        ("measure=level&every=1%20hour".to_owned(), "agency.dataset.column"),
        ("measure=otaru.river.levle&every=1%20hour".to_owned(), "did you mean \"level\"?"),
        ("measure=otaru.river.level:men&every=1%20hour".to_owned(), "use mean, sum"),
        ("measure=otaru.river.level&every=soon".to_owned(), "an interval such as"),
        (format!("{level}&evry=1%20day"), "evry"),
        (format!("{level}&statoin=eq.a"), "did you mean \"station\"?"),
        (format!("{level}&otaru.lake.station=eq.a"), "otaru.lake.station"),
        (format!("{level}&otaru.river.level=gt.1"), "names series"),
        (format!("{level}&by=gauge"), "named by station"),
        (format!("{level}&fill=zero"), "none, locf or interpolate"),
        (format!("{level}&from=2026-04-01"), "both from and to"),
        (format!("{level}&from=today&to=2026-04-01"), "\"today\" is no time"),
        (format!("{level}&max_gap=1%20hour"), "fill=locf"),
        (format!("{level}&min_coverage=80"), "from 0 to 1"),
        (format!("{level}&format=ods"), "json"),
        (format!("{level}&every=1%20day"), "once"),
        (format!("{level}&versions=otaru.lake@1"), "otaru.lake"),
    ] {
        let answer = site.ask(site.get(&format!("/v1/align?{query}"))).await;
        let problem = answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{query}: {problem}");
    }
}

#[tokio::test]
async fn a_private_dataset_is_none_on_a_grid() {
    let site = site().await;
    site.hub.create_dataset("otaru.hidden", &river("private"), &site.publisher).await;
    site.hub.upload("otaru.hidden", river_csv(&["a"], 0, 3), "text/csv", &site.publisher).await;
    let sql = |name: &str| site.sql(&format!("SELECT * FROM align('otaru.{name}', '1 hour')"));
    let rest =
        |name: &str| site.get(&format!("/v1/align?measure=otaru.{name}.level&every=1%20hour"));
    let told = async |request: reqwest::RequestBuilder, name: &str| {
        let answer = site.ask(request).await;
        let mut body = answer.json();
        body["instance"] = Value::Null;
        (answer.status, body.to_string().replace(name, "X"))
    };
    assert_eq!(told(sql("hidden"), "hidden").await, told(sql("absent"), "absent").await);
    assert_eq!(told(rest("hidden"), "hidden").await, told(rest("absent"), "absent").await);
    assert_eq!(told(rest("hidden"), "hidden").await.0, 404);
    for request in [sql("hidden"), rest("hidden")] {
        let answer = site.ask(request.bearer_auth(&site.publisher)).await.ok().json();
        assert_eq!(answer["sources"][0]["dataset"], "otaru.hidden");
        assert_eq!(answer["row_count"], 3);
    }
}

#[tokio::test]
async fn an_answer_is_known_by_its_tag_until_a_version_comes() {
    let site = site().await;
    let path = "/v1/align?measure=otaru.river.level&every=1%20day&station=eq.a";
    let first = site.ask(site.get(path)).await.ok();
    let tag = first.header("etag").to_owned();
    let again = site.ask(site.get(path).header("if-none-match", &tag)).await;
    assert_eq!(again.status, 304);
    let csv = site.ask(site.get(&format!("{path}&format=csv"))).await.ok();
    assert!(
        csv.text().starts_with("time,otaru.river.level,otaru.river.level_coverage\r\n"),
        "{}",
        csv.text()
    );
    site.publish(river_csv(&["a"], 10, 2)).await;
    let newer = site.ask(site.get(path).header("if-none-match", &tag)).await.ok();
    assert_ne!(newer.header("etag"), tag);
    let older = site.ask(site.get(&format!("{path}&versions=otaru.river@1"))).await.ok().json();
    assert_eq!(older["rows"], first.json()["rows"]);
}
