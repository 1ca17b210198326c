//! Answers for people's own programs: Excel workbooks and maps, read by stock readers, and the catalog of
//! functions.

use std::{io::Write, process::Command};

use hub_testkit::shared::python;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{RIVER_PATH, Site};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A workbook as openpyxl reads it: by sheet, rows of values and whether each is a formula.
fn workbook(bytes: &[u8]) -> Value {
    let mut file = tempfile::Builder::new().suffix(".xlsx").tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let script = "
import datetime, json, openpyxl, sys
book = openpyxl.load_workbook(sys.argv[1])
def shown(cell):
    value = cell.value
    if isinstance(value, datetime.datetime):
        value = value.isoformat()
    return [cell.data_type, value]
print(json.dumps({sheet.title: [[shown(cell) for cell in row] for row in sheet.iter_rows()] for sheet in book}))
";
    let output = Command::new(python())
        .args(["-c", script])
        .arg(file.path())
        .output()
        .expect("Python can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_workbook_has_rows_sources_and_columns() {
    let site = Site::with_rows(&["0050", "余市"], 4).await;
    let sql = "SELECT station AS 観測所, time, level, 流量, level > 2 AS high, observed_day(time) AS day, \
        9007199254740993 AS large, 'NaN'::double AS nan FROM otaru.river ORDER BY station, time";
    let answer = site.ask(site.hub.sql_request(sql, XLSX)).await.ok();
    assert_eq!(answer.header("content-type"), XLSX);
    assert!(answer.header("content-disposition").contains("mochiyori.xlsx"), "{answer:?}");
    let book = workbook(&answer.body);
    let rows = book["データ"].as_array().unwrap();
    assert_eq!(rows.len(), 9);
    let heading: Vec<_> = rows[0].as_array().unwrap().iter().map(|cell| cell[1].clone()).collect();
    assert_eq!(heading, ["観測所", "time", "level", "流量", "high", "day", "large", "nan"]);
    assert_eq!(
        rows[4],
        json!([
            ["s", "0050"],
            ["d", "2026-04-01T03:00:00"],
            ["n", 3],
            ["n", null],
            ["b", true],
            ["d", "2026-04-01T00:00:00"],
            ["s", "9007199254740993"],
            ["n", null]
        ])
    );
    let sources = book["出典"].as_array().unwrap();
    let source: Vec<_> =
        sources[1].as_array().unwrap().iter().map(|cell| cell[1].clone()).collect();
    assert_eq!(source[0], "otaru.river");
    assert_eq!(source[1], "1");
    assert_eq!(source[5], "CC-BY-4.0");
    assert_eq!(source[7], "出典：小樽開発建設部");
    let columns = book["列の説明"].as_array().unwrap();
    assert_eq!(columns[3][0][1], "level");
    assert_eq!(columns[3][2][1], "m");
    // An answer without rows has its headings all the same.
    let none =
        site.ask(site.hub.sql_request("SELECT level FROM otaru.river WHERE false", XLSX)).await;
    assert_eq!(workbook(&none.ok().body)["データ"], json!([[["s", "level"]]]));
}

#[tokio::test]
async fn no_cell_of_a_workbook_is_a_formula() {
    let site = Site::start().await;
    let texts = [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "＝1",
        "https://example.jp/",
        "{=1}",
    ];
    let values: Vec<_> =
        texts.iter().map(|text| format!("('{}')", text.replace('\'', "''"))).collect();
    let sql = format!("SELECT column1 AS \"=A1+1\" FROM (VALUES {}) v", values.join(", "));
    let answer = site.ask(site.hub.sql_request(&sql, XLSX)).await.ok();
    let rows = workbook(&answer.body)["データ"].clone();
    let expected: Vec<_> =
        ["=A1+1"].iter().chain(&texts).map(|text| json!([["s", text]])).collect();
    assert_eq!(rows, Value::from(expected));
    // What XML cannot hold does not break the file.
    let odd =
        site.ask(site.hub.sql_request("SELECT chr(1) || 'x<&>' || chr(65535) AS odd", XLSX)).await;
    assert!(workbook(&odd.ok().body)["データ"][1][0][1].as_str().unwrap().contains("x<&>"));
}

#[tokio::test]
async fn what_a_sheet_cannot_hold_is_said_before_anything_is_sent() {
    let site = Site::start().await;
    let ask = async |sql: &str| {
        site.ask(site.hub.sql_request(sql, XLSX).timeout(std::time::Duration::from_secs(120))).await
    };
    let long = ask("SELECT repeat('水', 32768) AS long").await;
    let problem = long.problem(StatusCode::BAD_REQUEST, "invalid-request");
    assert!(problem["detail"].as_str().unwrap().contains("\"long\""), "{problem}");
    assert!(ask("SELECT repeat('水', 32767) AS long").await.status == 200);
    let many = ask("SELECT value FROM generate_series(1, 1048576)").await;
    let problem = many.problem(StatusCode::UNPROCESSABLE_ENTITY, "output-limit");
    assert!(problem["detail"].as_str().unwrap().contains("1048575"), "{problem}");
}

/// GeoJSON as Python's own parser has it, in which a member that stands twice or a bare NaN is an error.
fn features(text: &str) -> Value {
    let script = "
import json, sys
def once(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)
def refuse(word):
    raise ValueError(word)
json.dump(json.load(sys.stdin, object_pairs_hook=once, parse_constant=refuse), sys.stdout)
";
    let mut child = Command::new(python())
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("Python can be run");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn answers_with_places_are_maps() {
    let site = Site::with_rows(&["a"], 3).await;
    let sql = "SELECT station, time, level, 42.9 AS latitude, 140.7567 AS longitude, '</script>' AS note \
        FROM otaru.river ORDER BY time";
    let answer = site.ask(site.hub.sql_request(sql, "application/geo+json")).await.ok();
    assert_eq!(answer.header("content-type"), "application/geo+json");
    let map = features(&answer.text());
    assert_eq!(map["type"], "FeatureCollection");
    assert_eq!(map["row_count"], 3);
    assert_eq!(map["sources"][0]["dataset"], "otaru.river");
    assert_eq!(map["sources"][0]["attribution"], "出典：小樽開発建設部");
    assert_eq!(map["columns"][2]["unit"], "m");
    assert_eq!(
        map["features"][1],
        json!({
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [140.7567, 42.9]},
            "properties": {"station": "a", "time": "2026-04-01T01:00:00+09:00", "level": 1.0,
                "latitude": 42.9, "longitude": 140.7567, "note": "</script>"},
        })
    );
    let sql = "SELECT mesh_polygon(code) AS shape, code FROM (VALUES ('64402680'), (NULL)) v(code)";
    let answer =
        site.ask(site.get("/v1/sql").query(&[("q", sql), ("format", "geojson")])).await.ok();
    let map = features(&answer.text());
    assert_eq!(map["features"][0]["geometry"]["type"], "Polygon");
    assert_eq!(map["features"][0]["properties"], json!({"code": "64402680"}));
    assert_eq!(map["features"][1]["geometry"], Value::Null);
}

#[tokio::test]
async fn a_map_needs_places_and_says_so_before_anything_is_sent() {
    let site = Site::with_rows(&["a"], 3).await;
    let ask = async |sql: &str| site.ask(site.hub.sql_request(sql, "application/geo+json")).await;
    let none = ask("SELECT station, level FROM otaru.river").await;
    let problem = none.problem(StatusCode::BAD_REQUEST, "invalid-request");
    assert!(problem["detail"].as_str().unwrap().contains("ST_Point"), "{problem}");
    let broken = ask("SELECT 'nowhere' AS geometry").await;
    broken.problem(StatusCode::UNPROCESSABLE_ENTITY, "sql-execution");
    let far = ask("SELECT 142.9 AS lat, 40.7 AS lon").await;
    far.problem(StatusCode::UNPROCESSABLE_ENTITY, "sql-execution");
    let rows = site.ask(site.get(&format!("{RIVER_PATH}/rows?format=geojson"))).await;
    rows.problem(StatusCode::BAD_REQUEST, "invalid-request");
}

#[tokio::test]
async fn rows_are_given_as_workbooks_too() {
    let site = Site::with_rows(&["a"], 3).await;
    let path = format!("{RIVER_PATH}/rows?format=xlsx&limit=2&select=time,level");
    let answer = site.ask(site.get(&path)).await.ok();
    assert!(!answer.header("mochiyori-next-cursor").is_empty());
    let book = workbook(&answer.body);
    assert_eq!(book["データ"].as_array().unwrap().len(), 3);
    assert_eq!(book["出典"][4][0][1], "続きのcursor");
}

#[tokio::test]
async fn functions_are_listed_and_found() {
    let site = Site::start().await;
    let all = site.ask(site.get("/v1/functions")).await.ok().json();
    let names = |answer: &Value| -> Vec<String> {
        let functions = answer["functions"].as_array().unwrap().iter();
        functions.map(|function| function["name"].as_str().unwrap().to_owned()).collect()
    };
    for name in ["time_bucket", "ST_Contains", "convert", "avg", "row_number", "generate_series"] {
        assert!(names(&all).contains(&name.to_owned()), "{name}");
    }
    let found = site.ask(site.get("/v1/functions").query(&[("q", "寒候年")])).await.ok().json();
    assert_eq!(names(&found), ["winter_season"]);
    let season = &found["functions"][0];
    assert_eq!(season["syntax"], "winter_season(date)");
    let sql = season["example"]["sql"].as_str().unwrap();
    let answer = site.rows(&format!("{sql} AS year")).await;
    assert_eq!(answer[0]["year"].to_string(), season["example"]["answer"].as_str().unwrap());
    let unknown = site.ask(site.get("/v1/functions?search=x")).await;
    unknown.problem(StatusCode::BAD_REQUEST, "invalid-request");
    let rows = site
        .rows(
            "SELECT syntax FROM information_schema.routines WHERE description_ja LIKE '%旬の最初%'",
        )
        .await;
    assert_eq!(rows, json!([{"syntax": "jun_start(date)"}]));
}

#[tokio::test]
async fn a_points_nearest_station_is_found_over_datasets() {
    let site = Site::start().await;
    let contract = |name: &str| {
        json!({
            "metadata": {"title": {"en": name}, "licence": "CC-BY-4.0", "attribution": name, "visibility": "public"},
            "contract": {"fields": [
                {"name": "id", "type": "string", "role": "key"},
                {"name": "latitude", "type": "number"},
                {"name": "longitude", "type": "number"},
            ], "primaryKey": ["id"]},
        })
    };
    for (dataset, csv) in [
        ("otaru.stations", "id,latitude,longitude\n倶知安,42.9,140.7567\n余市,43.1953,140.7853\n"),
        ("otaru.points", "id,latitude,longitude\np1,42.92,140.75\np2,43.2,140.8\np3,45,142\n"),
    ] {
        site.hub.create_dataset(dataset, &contract(dataset), &site.publisher).await;
        site.hub.upload(dataset, csv.to_owned(), "text/csv", &site.publisher).await;
    }
    let rows = site
        .rows(
            "SELECT p.id, s.id AS station FROM otaru.points p JOIN otaru.stations s \
             ON distance_m(p.latitude, p.longitude, s.latitude, s.longitude) <= 15000 \
             QUALIFY row_number() OVER (PARTITION BY p.id \
               ORDER BY distance_m(p.latitude, p.longitude, s.latitude, s.longitude)) = 1 ORDER BY p.id",
        )
        .await;
    assert_eq!(rows, json!([{"id": "p1", "station": "倶知安"}, {"id": "p2", "station": "余市"}]));
}
