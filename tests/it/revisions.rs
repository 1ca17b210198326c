//! Revisions: rows that come again with other values, and what readers see of them.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{RIVER_HEADER, RIVER_PATH, Site, time};

const COUNT: &str = "SELECT count(*) AS n FROM otaru.river";

/// What a version says of its rows: added, changed, removed, unchanged and in all.
fn counts(version: &Value) -> Value {
    let names = ["rows_added", "rows_changed", "rows_removed", "rows_unchanged", "rows_total"];
    names.iter().map(|name| version[*name].clone()).collect()
}

fn river(rows: &[(&str, u32, &str)]) -> String {
    let mut csv = RIVER_HEADER.to_owned();
    for (station, hour, level) in rows {
        csv.push_str(&format!("{station},{},{level},\n", time(*hour)));
    }
    csv
}

#[tokio::test]
async fn an_upsert_renews_rows_by_key_and_says_how_many() {
    let site = Site::start().await;
    site.publish(river(&[("a", 0, "1.0"), ("a", 1, "1.1"), ("b", 0, "2.0")])).await;
    let revised = river(&[("a", 1, "9.9"), ("b", 0, "2.0"), ("b", 1, "2.1")]);
    let answer = site.ask(site.upload("upsert", revised)).await.json();
    assert_eq!((&answer["version"], &answer["mode"]), (&json!(2), &json!("upsert")));
    assert_eq!(counts(&answer["published"]), json!([1, 1, 0, 1, 4]));
    let levels = "SELECT station, level FROM otaru.river ORDER BY station, time";
    assert_eq!(
        site.rows(levels).await,
        json!([
            {"station": "a", "level": 1.0}, {"station": "a", "level": 9.9},
            {"station": "b", "level": 2.0}, {"station": "b", "level": 2.1}
        ])
    );
    // What was there before stays readable.
    let before = json!({"sql": "SELECT sum(level) AS l FROM otaru.river WHERE station = 'a'",
        "versions": {"otaru.river": 1}});
    let before = site.ask(site.post("/v1/sql").json(&before)).await.ok().json();
    assert_eq!(before["rows"], json!([{"l": 2.1}]));
}

#[tokio::test]
async fn an_append_of_published_keys_is_refused_row_by_row() {
    let site = Site::with_rows(&["a"], 3).await;
    let answer = site.ask(site.upload("append", river(&[("b", 0, "1"), ("a", 2, "1")]))).await;
    let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
    assert_eq!(problem["report"]["errors_by_rule"], json!({"unique_key": 1}));
    let error = &problem["report"]["errors"][0];
    assert_eq!((&error["row"], &error["rule"]), (&json!(3), &json!("unique_key")));
    assert!(error["fix"]["en"].as_str().unwrap().contains("mode=upsert"), "{error}");
    assert!(error["message"]["ja"].as_str().unwrap().contains("公開されています"), "{error}");
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));
    let id = problem["upload_id"].as_str().unwrap();
    let kept = site.get(&format!("{RIVER_PATH}/uploads/{id}")).bearer_auth(&site.publisher);
    let kept = site.ask(kept).await.ok().json();
    assert_eq!((&kept["state"], &kept["report"]), (&json!("rejected"), &problem["report"]));
}

#[tokio::test]
async fn a_period_is_replaced_from_its_first_to_its_last_instant() {
    let site = Site::with_rows(&["a", "b"], 6).await;
    let file = river(&[("a", 2, "7"), ("a", 4, "7")]);
    let answer = site.ask(site.upload("replace_period", file)).await.json();
    assert_eq!(answer["mode"], "replace_period");
    assert_eq!(counts(&answer["published"]), json!([2, 0, 6, 0, 8]));
    let hours = "SELECT station, count(*) AS n FROM otaru.river GROUP BY station ORDER BY station";
    assert_eq!(site.rows(hours).await, json!([{"station": "a", "n": 5}, {"station": "b", "n": 3}]));
}

#[tokio::test]
async fn modes_that_a_contract_cannot_bear_are_refused_with_what_to_do() {
    let site = Site::start().await;
    let description = json!({
        "metadata": {"title": {"ja": "一覧"}, "licence": "CC0-1.0", "attribution": ""},
        "contract": {"fields": [{"name": "name", "type": "string"}]}
    });
    site.hub.create_dataset("otaru.list", &description, &site.publisher).await;
    for (mode, named) in [("upsert", "primaryKey"), ("replace_period", "role time")] {
        let request = site.hub.upload_request("otaru.list", mode, "name\na\n", "text/csv");
        let answer = site.ask(request.bearer_auth(&site.publisher)).await;
        let problem = answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
        assert!(problem["detail"].as_str().unwrap().contains(named), "{problem}");
    }
    let list = site.hub.get_json("/v1/datasets/otaru/list/versions").await;
    assert_eq!(list["versions"], json!([]));
}
