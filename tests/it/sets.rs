//! Archives of several tables: each goes into a dataset of its own, all of them or none.

use std::{
    io::{Cursor, Write},
    process::{Command, Output, Stdio},
};

use hub_testkit::hub::binary;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::Site;

const STOPS: &str = "stop_id,stop_name,stop_lat,stop_lon\r\n1,余市駅前,43.1877,140.7864\r\n2,黒川町,43.19,140.79\r\n";
const TRIPS: &str = "route_id,service_id,trip_id\r\nr1,平日,t1\r\n";
const TIMES: &str = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\r\nt1,8:05:00,08:05:30,1,1\r\nt1,25:10:00,25:10:00,2,2\r\n";
const ROUTES: &str = "route_id,route_short_name,route_type\r\nr1,余市線,3\r\n";

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn feed(stops: &str, times: &str) -> Vec<u8> {
    archive(&[
        ("stop_times.txt", times),
        ("stops.txt", stops),
        ("trips.txt", TRIPS),
        ("routes.txt", ROUTES),
    ])
}

fn send(site: &Site, set: &str, query: &[(&str, &str)], body: Vec<u8>) -> RequestBuilder {
    let (agency, name) = set.split_once('.').unwrap();
    let request = site.post(&format!("/v1/sets/{agency}/{name}/uploads")).query(query);
    request.bearer_auth(&site.publisher).body(body)
}

fn told(answer: &Value) -> Value {
    let tables = answer["tables"].as_array().unwrap().iter();
    tables
        .map(|t| json!([t["dataset"], t["version"], t["published"]["rows_total"], t["is_new"]]))
        .collect()
}

#[tokio::test]
async fn a_feed_becomes_linked_datasets_by_one_request() {
    let site = Site::start().await;
    let answer =
        site.ask(send(&site, "otaru.bus", &[("file_name", "feed.zip")], feed(STOPS, TIMES))).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let answer = answer.json();
    assert_eq!(
        told(&answer),
        json!([
            ["otaru.bus_stops", 1, 2, true],
            ["otaru.bus_routes", 1, 1, true],
            ["otaru.bus_trips", 1, 1, true],
            ["otaru.bus_stop_times", 1, 2, true],
        ])
    );
    let link = json!({"table": "stop_times", "column": "stop_id", "to_table": "stops", "to_column": "stop_id"});
    assert!(answer["links"].as_array().unwrap().contains(&link), "{answer}");
    let joined = site
        .rows(
            "SELECT r.route_short_name AS route, s.stop_name AS stop, t.arrival_seconds AS s \
             FROM otaru.bus_stop_times t JOIN otaru.bus_stops s USING (stop_id) \
             JOIN otaru.bus_trips p USING (trip_id) JOIN otaru.bus_routes r ON r.route_id = p.route_id \
             ORDER BY t.stop_sequence",
        )
        .await;
    assert_eq!(
        joined,
        json!([{"route": "余市線", "stop": "余市駅前", "s": 29_100}, {"route": "余市線", "stop": "黒川町", "s": 90_600}])
    );
    let described = site.hub.get_json("/v1/datasets/otaru/bus_stop_times").await;
    let description = described["metadata"]["description"]["en"].as_str().unwrap();
    assert!(description.contains("stop_id → otaru.bus_stops.stop_id"), "{description}");
    assert_eq!(described["metadata"]["attribution"], "出典：小樽開発建設部");

    // The next timetable takes the place of the last; a table that it lacks is left, and that is said.
    let next = archive(&[
        ("stop_times.txt", TIMES),
        ("stops.txt", "stop_id,stop_name\n9,新しい停留所\n"),
        ("trips.txt", TRIPS),
    ]);
    let answer = site.ask(send(&site, "otaru.bus", &[], next)).await.json();
    assert_eq!(
        told(&answer),
        json!([
            ["otaru.bus_stops", 2, 1, false],
            ["otaru.bus_trips", 2, 1, false],
            ["otaru.bus_stop_times", 2, 2, false]
        ])
    );
    assert_eq!(answer["untouched"], json!(["otaru.bus_routes"]));
    // Keys that are there already are found before anything is published too.
    let again = site.ask(send(&site, "otaru.bus", &[("mode", "append")], feed(STOPS, TIMES))).await;
    let problem = again.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
    let tables: Vec<_> =
        problem["tables"].as_array().unwrap().iter().map(|t| &t["table"]).collect();
    assert_eq!(tables, ["routes", "trips", "stop_times"], "{problem}");
    assert_eq!(problem["tables"][0]["report"]["errors"][0]["rule"], "unique_key", "{problem}");
    let stops = site.hub.get_json("/v1/datasets/otaru/bus_stops/versions").await;
    assert_eq!(stops["versions"].as_array().unwrap().len(), 2, "{stops}");
    // Each table's upload is kept as any other.
    let id = answer["tables"][0]["id"].as_str().unwrap();
    let kept = site.get(&format!("/v1/datasets/otaru/bus_stops/uploads/{id}/file"));
    let kept = site.ask(kept.bearer_auth(&site.publisher)).await.ok();
    assert!(kept.body.starts_with(b"PK"), "{kept:?}");
}

#[tokio::test]
async fn one_wrong_table_publishes_none() {
    let site = Site::start().await;
    let wrong = feed(STOPS, &TIMES.replace("25:10:00,25:10:00,2,2", "25:10:00,25:10:00,2,second"));
    let answer = site.ask(send(&site, "otaru.bus", &[], wrong.clone())).await;
    let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
    let tables = problem["tables"].as_array().unwrap();
    assert_eq!((tables.len(), &tables[0]["table"]), (1, &json!("stop_times")), "{problem}");
    assert_eq!(tables[0]["report"]["errors"][0]["value"], "second");
    assert!(problem["detail"].as_str().unwrap().contains("stop_times"), "{problem}");
    let list = site.hub.get_json("/v1/datasets").await;
    assert_eq!(list["datasets"].as_array().unwrap().len(), 1, "no dataset was made: {list}");

    site.ask(send(&site, "otaru.bus", &[], feed(STOPS, TIMES))).await;
    let refused = site.ask(send(&site, "otaru.bus", &[], wrong)).await;
    let problem = refused.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
    for table in ["stops", "stop_times"] {
        let versions = site.hub.get_json(&format!("/v1/datasets/otaru/bus_{table}/versions")).await;
        assert_eq!(versions["versions"].as_array().unwrap().len(), 1, "{table}");
        let uploads = site.get(&format!("/v1/datasets/otaru/bus_{table}/uploads"));
        let uploads = site.ask(uploads.bearer_auth(&site.publisher)).await.ok().json();
        let newest = &uploads["uploads"][0];
        assert_eq!(newest["state"], "rejected", "{table}");
        assert!(newest["problem"].as_str().unwrap().contains("stop_times"), "{newest}");
    }
    let id = problem["tables"][0]["upload_id"].as_str().unwrap();
    let report = site.get(&format!("/v1/datasets/otaru/bus_stop_times/uploads/{id}"));
    let report = site.ask(report.bearer_auth(&site.publisher)).await.ok().json();
    assert_eq!(report["report"]["error_count"], 1);
    // With quarantine the good rows go in, and the other is kept back.
    let wrong = feed(STOPS, &TIMES.replace(",2,2", ",2,second"));
    let answer =
        site.ask(send(&site, "otaru.bus", &[("on_error", "quarantine")], wrong)).await.json();
    let times =
        answer["tables"].as_array().unwrap().iter().find(|t| t["table"] == "stop_times").unwrap();
    assert_eq!((&times["kept_back"], &times["published"]["rows_total"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn the_same_request_sent_again_publishes_nothing_twice() {
    let site = Site::start().await;
    let again =
        || send(&site, "otaru.bus", &[], feed(STOPS, TIMES)).header("idempotency-key", "k1");
    let first = site.ask(again()).await.json();
    let second = site.ask(again()).await;
    assert_eq!(second.status, 201, "{second:?}");
    let second = second.json();
    for (one, two) in
        first["tables"].as_array().unwrap().iter().zip(second["tables"].as_array().unwrap())
    {
        assert_eq!((&one["id"], &one["version"]), (&two["id"], &two["version"]));
        assert_eq!((&one["is_replayed"], &two["is_replayed"]), (&json!(false), &json!(true)));
    }
    let other = send(&site, "otaru.bus", &[], feed(&STOPS.replace("黒川町", "黒川"), TIMES));
    let other = site.ask(other.header("idempotency-key", "k1")).await;
    other.problem(StatusCode::CONFLICT, "idempotency-mismatch");
    for version in ["bus_stops", "bus_trips"] {
        let versions = site.hub.get_json(&format!("/v1/datasets/otaru/{version}/versions")).await;
        assert_eq!(versions["versions"].as_array().unwrap().len(), 1);
        let uploads = site.get(&format!("/v1/datasets/otaru/{version}/uploads"));
        let uploads = site.ask(uploads.bearer_auth(&site.publisher)).await.ok().json();
        let states =
            uploads["uploads"].as_array().unwrap().iter().map(|u| u["state"].as_str().unwrap());
        assert!(states.clone().all(|state| state != "checking"), "{uploads}");
    }
}

#[tokio::test]
async fn tables_of_no_known_layout_need_their_datasets_first() {
    let site = Site::start().await;
    let files = archive(&[
        ("levels.csv", "site,level\na,1.5\n"),
        ("Sites-2026.json", "[{\"site\":\"a\",\"name\":\"余市\"}]"),
    ]);
    let answer = site.ask(send(&site, "otaru.river", &[], files.clone())).await;
    let problem = answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("levels.csv") && detail.contains("Sites-2026.json"), "{detail}");
    for (name, fields) in [
        (
            "levels",
            json!([{"name": "site", "type": "string", "role": "key"}, {"name": "level", "type": "number"}]),
        ),
        (
            "sites_2026",
            json!([{"name": "site", "type": "string", "role": "key"}, {"name": "name", "type": "string"}]),
        ),
    ] {
        let description = json!({
            "metadata": {"title": {"ja": name}, "licence": "CC0-1.0", "attribution": ""},
            "contract": {"fields": fields, "primaryKey": ["site"]}
        });
        site.hub
            .create_dataset(&format!("otaru.river_{name}"), &description, &site.publisher)
            .await;
    }
    let answer = site.ask(send(&site, "otaru.river", &[], files.clone())).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(
        told(&answer.json()),
        json!([["otaru.river_sites_2026", 1, 1, false], ["otaru.river_levels", 1, 1, false]])
    );
    // One of them alone can be sent and looked at by its name.
    let one = site.post("/v1/datasets/otaru/river_levels/uploads?mode=replace&table=levels");
    let one = site.ask(one.bearer_auth(&site.publisher).body(files.clone())).await;
    assert_eq!(one.status, 201, "{one:?}");
    let seen = site.post("/v1/previews").bearer_auth(&site.publisher).body(files.clone());
    let seen = site.ask(seen).await.ok().json();
    let names: Vec<&Value> =
        seen["tables"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(
        (names, &seen["format"]),
        (vec![&json!("sites_2026"), &json!("levels")], &Value::Null)
    );

    // Who may not, and what is none.
    let stranger = site.post("/v1/sets/otaru/river/uploads").body(files.clone());
    site.ask(stranger).await.problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    site.hub.create_agency("muroran", "室蘭", "Muroran").await;
    let other = site.hub.create_token("muroran", "publisher").await;
    let other = site.post("/v1/sets/otaru/river/uploads").bearer_auth(other).body(files.clone());
    site.ask(other).await.problem(StatusCode::FORBIDDEN, "forbidden");
    let plain = site.ask(send(&site, "otaru.river", &[], b"site,level\na,1\n".to_vec())).await;
    plain.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-format");
    let upsert =
        site.ask(send(&site, "otaru.river", &[("mode", "replace_period")], files.clone())).await;
    upsert.problem(StatusCode::BAD_REQUEST, "invalid-request");
    for query in [("table", "levels"), ("sheet", "1")] {
        let refused = site.ask(send(&site, "otaru.river", &[query], files.clone())).await;
        refused.problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
}

#[tokio::test]
async fn a_feed_goes_in_by_one_command() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("feed.zip");
    let upload = |more: &[&str]| -> Output {
        Command::new(binary())
            .args(["upload", "--to", "otaru.bus"])
            .args(more)
            .arg(&file)
            .env("MOCHIYORI_URL", site.hub.url(""))
            .env("MOCHIYORI_TOKEN", &site.publisher)
            .env("LC_ALL", "en_GB.UTF-8")
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs")
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    std::fs::write(&file, feed(STOPS, &TIMES.replace(",2,2", ",2,second"))).unwrap();
    let seen = upload(&[]);
    assert_eq!(seen.status.code(), Some(3), "{seen:?}");
    let said = text(&seen.stderr);
    assert!(
        said.contains("stop_times (otaru.bus_stop_times)") && said.contains("second"),
        "{said}"
    );

    std::fs::write(&file, feed(STOPS, TIMES)).unwrap();
    let seen = upload(&[]);
    assert!(seen.status.success(), "{seen:?}");
    let said = text(&seen.stdout);
    for line in [
        "otaru.bus_stops: version 1 published, 2 rows",
        "otaru.bus_stop_times: version 1 published, 2 rows",
    ] {
        assert!(said.contains(line), "{said}");
    }
    // Again: nothing is published twice. A newer feed by the same command is the next version.
    assert!(text(&upload(&[]).stdout).contains("published before, as version 1"));
    std::fs::write(&file, feed(&STOPS.replace("黒川町", "黒川"), TIMES)).unwrap();
    assert!(text(&upload(&[]).stdout).contains("otaru.bus_stops: version 2"), "a newer feed");
    let previewed = upload(&["--preview"]);
    assert!(text(&previewed.stdout).contains("4 tables"), "{previewed:?}");
}
