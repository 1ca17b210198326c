//! What datasets have by month and which feeds are late, as JSON and as a page.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use hub_model::TOKYO;
use serde_json::{Value, json};

use crate::support::{RIVER_PATH, Site, river, river_csv};

/// A hub whose river has a whole two days of `a`, and of `b`, which begins a day later, half a day.
async fn two_stations() -> Site {
    let site = Site::with_rows(&["a"], 48).await;
    site.publish(river_csv(&["b"], 24, 12)).await;
    site
}

/// The dataset's description with another cadence.
fn with_cadence(cadence: Option<&str>) -> Value {
    let mut description = river("public");
    description["metadata"]["cadence"] = json!(cadence);
    description
}

#[tokio::test]
async fn months_are_told_against_what_the_contract_leads_to_expect() {
    let site = two_stations().await;
    let answer = site.ask(site.get(&format!("{RIVER_PATH}/coverage"))).await.ok().json();
    assert_eq!(answer["dataset"], "otaru.river");
    assert_eq!((&answer["version"], &answer["rows"]), (&json!(2), &json!(60)));
    assert_eq!((&answer["stretch"], &answer["interval"]), (&json!("month"), &json!("PT1H")));
    assert_eq!(
        answer["period"],
        json!({"first": "2026-04-01T00:00:00+09:00", "last": "2026-04-02T23:00:00+09:00"})
    );
    let described = site.ask(site.get(RIVER_PATH)).await.ok().json();
    assert_eq!(described["period"], answer["period"]);
    // Times name the ends of hours: midnight on 1 April ends the last of March. Until the last row, which
    // ends at 23:00 on the 2nd, April has 47 hours of `a`, and 24 of `b` from 23:00 on the 1st. Every fourth
    // flow is missing: 12 of the 47 of `a`, 3 of the 12 of `b`.
    let columns = |level: (u64, Value), flow: (u64, Value)| {
        json!([{"name": "level", "present": level.0, "good": level.0, "ratio": level.1},
               {"name": "流量", "present": flow.0, "good": flow.0, "ratio": flow.1}])
    };
    let whole = || json!(1.0);
    assert_eq!(
        answer["periods"],
        json!([
            {"period": "2026-03", "rows": 1, "expected": 1, "present": 2, "good": 2, "ratio": 1.0,
             "columns": columns((1, whole()), (1, whole()))},
            // 103 of 142, 59 of 71, 44 of 71.
            {"period": "2026-04", "rows": 59, "expected": 71, "present": 103, "good": 103, "ratio": 0.7253,
             "columns": columns((59, json!(0.8309)), (44, json!(0.6197)))},
        ])
    );
    assert_eq!(answer["series_count"], 2);
    let b = &answer["series"][1];
    assert_eq!(
        (&b["key"], &b["first"]),
        (&json!({"station": "b"}), &json!("2026-04-01T23:00:00+09:00"))
    );
    assert_eq!(
        b["periods"],
        json!([{"period": "2026-04", "rows": 12, "expected": 24, "present": 21, "good": 21, "ratio": 0.4375}])
    );
    let a = answer["series"][0]["periods"].as_array().unwrap();
    assert_eq!(a.iter().map(|p| p["expected"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 47]);
}

#[tokio::test]
async fn an_unchanged_coverage_is_not_sent_again() {
    let site = two_stations().await;
    site.hub.create_dataset("otaru.river", &with_cadence(Some("P1Y")), &site.publisher).await;
    for path in [format!("{RIVER_PATH}/coverage"), "/v1/coverage".to_owned()] {
        let first = site.ask(site.get(&path)).await.ok();
        let held = || site.get(&path).header("if-none-match", first.header("etag"));
        assert_eq!(site.ask(held()).await.status, 304, "{path}");
    }
    let path = format!("{RIVER_PATH}/coverage");
    let first = site.ask(site.get(&path)).await.ok();
    site.publish(river_csv(&["b"], 36, 1)).await;
    let held = site.get(&path).header("if-none-match", first.header("etag"));
    assert_eq!(site.ask(held).await.ok().json()["periods"][1]["rows"], 60);
}

#[tokio::test]
async fn a_feed_is_late_by_its_cadence() {
    let site = Site::start().await;
    let hour = |at: DateTime<Utc>| at.with_timezone(&TOKYO).format("%Y-%m-%d %H:00").to_string();
    let now = Utc::now();
    let late = |from: DateTime<Utc>| format!("station,time,level,flow\na,{},1,1\n", hour(from));
    let day_ago = now - TimeDelta::days(1);
    for (id, time) in [("otaru.silent", day_ago), ("otaru.speaking", now)] {
        site.hub.create_dataset(id, &river("public"), &site.publisher).await;
        site.hub.upload(id, late(time), "text/csv", &site.publisher).await;
    }
    site.hub.create_dataset("otaru.unpromised", &with_cadence(None), &site.publisher).await;
    let page = site.ask(site.get("/v1/coverage")).await.ok().json();
    let of = |name: &str| {
        let list = page["datasets"].as_array().unwrap();
        list.iter().find(|one| one["dataset"] == name).unwrap().clone()
    };
    let silent = of("otaru.silent");
    let freshness = &silent["freshness"];
    assert_eq!(
        (&freshness["late"], &freshness["judged_by"]),
        (&json!(true), &json!("observation"))
    );
    // The last hour is over at `day_ago`, so that the next was due an hour after it: 23 hours ago, and the
    // minutes that the hour was cut by.
    let due =
        day_ago.with_minute(0).and_then(|at| at.with_second(0)).unwrap() + TimeDelta::hours(1);
    let told = DateTime::parse_from_rfc3339(freshness["due_at"].as_str().unwrap()).unwrap();
    assert_eq!(told.timestamp(), due.timestamp());
    let late_by = freshness["late_by_s"].as_i64().unwrap();
    let least = (now - due).num_seconds() / 60 * 60;
    assert!((least..least + 600).contains(&late_by) && late_by % 60 == 0, "{late_by} and {least}");
    assert_eq!(silent["period"]["first"], silent["period"]["last"]);

    let speaking = of("otaru.speaking");
    assert_eq!(speaking["freshness"]["late"], false);
    assert_eq!(speaking["freshness"]["late_by_s"], Value::Null);
    // Nothing was published in it, and it was made this very moment.
    let empty = of("otaru.river");
    assert_eq!((&empty["period"], &empty["version"]), (&Value::Null, &json!(0)));
    assert_eq!(empty["freshness"]["judged_by"], "version");
    assert_eq!(empty["freshness"]["late"], false);
    assert_eq!(of("otaru.unpromised")["freshness"], Value::Null);

    // By pages.
    let first = site.ask(site.get("/v1/coverage?limit=3")).await.ok().json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = site.ask(site.get(&format!("/v1/coverage?cursor={cursor}"))).await.ok().json();
    let ids = [&first, &rest].map(|page| page["datasets"].as_array().unwrap().len());
    assert_eq!((ids, &rest["next_cursor"]), ([3, 1], &Value::Null));
}

#[tokio::test]
async fn yearly_figures_are_told_by_the_year_and_lists_without_expectation() {
    let site = Site::start().await;
    let described = |fields: Value, key: Value| {
        json!({"metadata": {"title": {"ja": "数"}, "licence": "CC0-1.0", "attribution": "", "cadence": "P1Y"},
               "contract": {"fields": fields, "primaryKey": key}})
    };
    let yearly = described(
        json!([{"name": "town", "type": "string", "role": "place"},
               {"name": "year", "type": "year", "role": "time", "interval": "P1Y", "label": "start"},
               {"name": "people", "type": "integer", "role": "value"}]),
        json!(["town", "year"]),
    );
    site.hub.create_dataset("otaru.people", &yearly, &site.publisher).await;
    let csv = "town,year,people\nx,2020,5\nx,2022,6\ny,2021,7\ny,2022,8\n";
    site.hub.upload("otaru.people", csv, "text/csv", &site.publisher).await;
    let answer = site.ask(site.get("/v1/datasets/otaru/people/coverage")).await.ok().json();
    assert_eq!(answer["stretch"], "year");
    assert_eq!(answer["period"], json!({"first": "2020", "last": "2022"}));
    let told: Vec<_> = answer["periods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["period"].as_str().unwrap(), p["rows"].clone(), p["expected"].clone()))
        .collect();
    assert_eq!(
        told,
        [("2020", json!(1), json!(1)), ("2021", json!(1), json!(2)), ("2022", json!(2), json!(2))]
    );
    assert_eq!(answer["freshness"]["judged_by"], "version");

    let list = described(
        json!([{"name": "id", "type": "string", "role": "key"},
               {"name": "date", "type": "date", "role": "time", "interval": "P1D", "label": "start"}]),
        json!(["id"]),
    );
    site.hub.create_dataset("otaru.accidents", &list, &site.publisher).await;
    let csv = "id,date\n1,2024-01-05\n2,2024-01-05\n3,2024-03-01\n";
    site.hub.upload("otaru.accidents", csv, "text/csv", &site.publisher).await;
    let answer = site.ask(site.get("/v1/datasets/otaru/accidents/coverage")).await.ok().json();
    let told: Vec<_> = answer["periods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["rows"].clone(), p["expected"].clone(), p["ratio"].clone()))
        .collect();
    let unknown = |rows| (json!(rows), Value::Null, Value::Null);
    assert_eq!(told, [unknown(2), unknown(0), unknown(1)]);
    assert_eq!((&answer["series_count"], &answer["series"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn the_page_shows_months_to_anyone_and_runs_nothing() {
    let site = two_stations().await;
    let page = site.ask(site.get("/coverage")).await.ok();
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let text = page.text();
    assert!(text.contains("<code>otaru.river</code>") && text.contains("データの充足"), "{text}");
    // The month of the newest row is the last column: 72 whole percent of April, after all of March.
    let cells: Vec<&str> = text
        .split("<td class=\"c")
        .skip(1)
        .map(|cell| cell.split_once('>').unwrap().1.split_once('<').unwrap().0)
        .collect();
    assert_eq!(cells, ["100", "72"], "{text}");
    assert!(!text.contains("<script") && !text.contains("{{"), "{text}");
    let before = site.ask(site.get("/coverage?until=2026-03")).await.ok().text();
    // What is newest stands last: the newest month, then what is newest and due.
    let last = ">26‑03</th><th scope=\"col\">newest";
    assert!(before.contains(last) && !before.contains("26‑04"), "{before}");
    for wrong in ["/coverage?until=x", "/coverage?cursor=%3Cb%3E", "/coverage?x=1"] {
        assert_eq!(site.ask(site.get(wrong)).await.status, 400, "{wrong}");
    }
}
