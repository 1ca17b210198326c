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

/// The path of the dataset's rows or newest rows, or the version's, with this query.
fn path(last: &str, query: &str) -> String {
    format!("{RIVER_PATH}/{last}?{query}")
}

#[tokio::test]
async fn a_dataset_is_read_as_it_was_known_at_an_instant() {
    let site = Site::start().await;
    let before = "2020-01-01T00:00:00Z";
    let first = site.ask(site.upload("append", river(&[("a", 0, "1"), ("a", 1, "2")]))).await;
    let first = first.json()["published"]["committed_at"].as_str().unwrap().to_owned();
    site.ask(site.upload("upsert", river(&[("a", 1, "9")]))).await;
    let escaped = first.replace('+', "%2B");

    let sum = async |version: &str| {
        let rows = site.ask(site.get(&path("rows", version))).await.ok().json();
        let levels = rows["rows"].as_array().unwrap().iter().map(|row| row["level"].as_f64());
        levels.map(Option::unwrap).sum::<f64>()
    };
    assert_eq!(sum("").await, 10.0);
    // A plus sign as it is typed, without its escape, is understood too.
    for known in
        [format!("as_of={escaped}"), format!("as_of={first}"), format!("version={escaped}")]
    {
        assert_eq!(sum(&known).await, 3.0, "{known}");
    }
    let latest = site.ask(site.get(&path("latest", &format!("as_of={escaped}")))).await.ok();
    assert_eq!(latest.json()["rows"][0]["level"], 2.0);
    assert_eq!(latest.json()["sources"][0]["version"], 1);
    let latest = site.ask(site.get(&path("latest", "version=2"))).await.ok().json();
    assert_eq!(latest["rows"][0]["level"], 9.0);

    let sql = "SELECT sum(level) AS l FROM otaru.river";
    for body in [
        json!({"sql": sql, "versions": {"otaru.river": first}}),
        json!({"sql": sql, "as_of": first}),
    ] {
        let answer = site.ask(site.post("/v1/sql").json(&body)).await.ok().json();
        assert_eq!(answer["rows"], json!([{"l": 3.0}]), "{body}");
    }
    let by_address = site.sql_by_address(sql).query(&[("as_of", &first)]);
    assert_eq!(site.ask(by_address).await.ok().json()["rows"], json!([{"l": 3.0}]));

    // Before there was anything, nothing is known; and what is no instant is refused.
    let none = site.ask(site.get(&path("rows", "")).query(&[("as_of", &before)])).await;
    none.problem(StatusCode::NOT_FOUND, "not-found");
    for refused in ["as_of=yesterday", "as_of=1", "as_of=2026-04-01T00:00Z&version=1"] {
        let answer = site.ask(site.get(&path("rows", refused))).await;
        answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
}

#[tokio::test]
async fn two_versions_are_compared_by_key() {
    let site = Site::start().await;
    site.publish(river(&[("a", 0, "1"), ("a", 1, "2"), ("b", 0, "5")])).await;
    site.ask(site.upload("upsert", river(&[("a", 1, "9"), ("b", 0, "5"), ("c", 0, "7")]))).await;
    site.ask(site.upload("replace_period", river(&[("c", 0, "7")]))).await;

    let diff = async |range: &str, query: &str| {
        site.ask(site.get(&path(&format!("versions/{range}/diff"), query))).await
    };
    let answer = diff("1..2", "").await.ok().json();
    let row = |change: &str, station: &str, hour: u32, old: Value, new: Value| {
        json!({"change": change, "station": station, "time": format!("2026-04-01T{hour:02}:00:00+09:00"), "level_old": old,
            "level_new": new, "流量_old": null, "流量_new": null})
    };
    let expected = json!([
        row("changed", "a", 1, json!(2.0), json!(9.0)),
        row("added", "c", 0, Value::Null, json!(7.0)),
    ]);
    assert_eq!(answer["rows"], expected);
    let versions: Vec<_> =
        answer["sources"].as_array().unwrap().iter().map(|s| s["version"].clone()).collect();
    assert_eq!(versions, [1, 2]);
    let removed = diff("2..3", "").await.ok().json();
    let changes: Vec<_> =
        removed["rows"].as_array().unwrap().iter().map(|r| r["change"].clone()).collect();
    assert_eq!(changes, ["removed", "removed"]);
    assert_eq!(diff("0..1", "limit=2").await.ok().json()["row_count"], 2);
    assert_eq!(diff("2..2", "").await.ok().json()["row_count"], 0);
    let csv = diff("2..1", "format=csv").await.ok();
    let text = String::from_utf8(csv.body.to_vec()).unwrap();
    assert!(text.starts_with("change,station,time,level_old,level_new,"), "{text}");
    assert!(text.contains("removed,c,"), "{text}");
    // What two versions differ in never changes, so a client that has the answer is told so.
    let tag = csv.header("etag").to_owned();
    let again = site.get(&path("versions/2..1/diff", "format=csv")).header("if-none-match", tag);
    assert_eq!(site.ask(again).await.status, 304);
    for (range, query, status) in
        [("1..9", "", 404), ("1..", "", 404), ("1..2", "limit=0", 400), ("1..2", "order=a", 400)]
    {
        assert_eq!(diff(range, query).await.status, status, "{range} {query}");
    }
}

#[tokio::test]
async fn a_withdrawn_version_is_seen_by_its_publishers_only() {
    let site = Site::start().await;
    site.publish(river(&[("a", 0, "1")])).await;
    let wrong =
        site.ask(site.upload("upsert", river(&[("a", 0, "99"), ("a", 1, "98")]))).await.json();
    let known = wrong["published"]["committed_at"].as_str().unwrap().replace('+', "%2B");
    let withdraw = |number: u64, reason: &str| {
        site.post(&format!("{RIVER_PATH}/versions/{number}/withdraw"))
            .json(&json!({"reason": reason}))
    };
    let stranger = site.ask(withdraw(2, "x")).await;
    stranger.problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    let reader = site.hub.create_token("otaru", "reader").await;
    let refused = site.ask(withdraw(2, "x").bearer_auth(&reader)).await;
    refused.problem(StatusCode::FORBIDDEN, "forbidden");
    let no_reason = site.ask(withdraw(2, "  ").bearer_auth(&site.publisher)).await;
    no_reason.problem(StatusCode::BAD_REQUEST, "invalid-request");

    let answer = site.ask(withdraw(2, "水位計の故障").bearer_auth(&site.publisher)).await;
    assert_eq!(answer.status, 201);
    let answer = answer.json();
    let expected = json!({"version": 2, "restores": 1, "reason": "水位計の故障"});
    assert_eq!((&answer["number"], &answer["withdraws"]), (&json!(3), &expected));
    assert_eq!(answer.get("upload_id"), None);
    assert_eq!(site.rows("SELECT level FROM otaru.river").await, json!([{"level": 1.0}]));

    // Nobody else reads it: neither by its number nor by its time, neither rows nor differences.
    for path in [
        path("rows", "version=2"),
        path("rows", &format!("as_of={known}")),
        path("latest", "version=2"),
        path("versions/1..2/diff", ""),
    ] {
        let gone = site.ask(site.get(&path)).await;
        let problem = gone.problem(StatusCode::GONE, "withdrawn");
        assert!(problem["detail"].as_str().unwrap().contains("水位計の故障"), "{problem}");
        let own = site.ask(site.get(&path).bearer_auth(&site.publisher)).await;
        own.ok();
    }
    let body = json!({"sql": COUNT, "versions": {"otaru.river": 2}});
    let gone = site.ask(site.post("/v1/sql").json(&body)).await;
    gone.problem(StatusCode::GONE, "withdrawn");
    assert_eq!(site.ask(site.post("/v1/sql").json(&body).bearer_auth(&reader)).await.status, 410);

    // The list keeps it, and says why.
    let list = site.ask(site.get(&format!("{RIVER_PATH}/versions"))).await.ok().json();
    let list = list["versions"].as_array().unwrap();
    assert_eq!(list.len(), 3);
    let withdrawn = &list[1]["withdrawn"];
    assert_eq!(
        (&withdrawn["by_version"], &withdrawn["reason"]),
        (&json!(3), &json!("水位計の故障"))
    );
    assert_eq!((list[0].get("withdrawn"), list[2].get("withdrawn")), (None, None));
    let one = site.ask(site.get(&format!("{RIVER_PATH}/versions/2"))).await.ok().json();
    assert_eq!(one["withdrawn"], *withdrawn);

    // Again, or of the version that only brought another back, it is refused.
    let again = site.ask(withdraw(2, "x").bearer_auth(&site.publisher)).await;
    again.problem(StatusCode::CONFLICT, "already-exists");
    let of_three = site.ask(withdraw(3, "x").bearer_auth(&site.publisher)).await;
    of_three.problem(StatusCode::BAD_REQUEST, "invalid-request");
    assert_eq!(site.ask(withdraw(9, "x").bearer_auth(&site.publisher)).await.status, 404);

    // An older version hides alone: what was built on it stays.
    site.publish(river(&[("b", 0, "3")])).await;
    let old = site.ask(withdraw(1, "x").bearer_auth(&site.publisher)).await.json();
    assert_eq!((&old["number"], &old["withdraws"]["restores"]), (&json!(5), &json!(4)));
    assert_eq!(site.rows(COUNT).await, json!([{"n": 2}]));
    assert_eq!(site.ask(site.get(&path("rows", "version=1"))).await.status, 410);
    assert_eq!(site.ask(site.get(&path("rows", "version=3"))).await.status, 410);
    // With all of them withdrawn there is nothing left to see.
    let last = site.ask(withdraw(4, "x").bearer_auth(&site.publisher)).await.json();
    assert_eq!((&last["withdraws"]["restores"], &last["rows_total"]), (&json!(0), &json!(0)));
    assert_eq!(site.rows(COUNT).await, json!([{"n": 0}]));
}
