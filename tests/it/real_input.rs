//! Files that agencies really publish, brought in by four agencies with their own tokens and joined: the
//! answers are known from the publishers' own tables. The files lie beside the project and are not part
//! of it; where they are absent the tests skip and say so.

use std::{fs, path::Path, process::Command};

use hub_testkit::{
    hub::Hub,
    shared::{data_file, data_folder, python},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::documents::{Reader, project};

const AGENCIES: [(&str, &str, &str); 4] = [
    ("jma", "気象庁", "Japan Meteorological Agency"),
    ("mlit", "国土交通省", "Ministry of Land, Infrastructure, Transport and Tourism"),
    ("hokkaido", "北海道", "Hokkaido Government"),
    ("nstac", "統計センター", "National Statistics Center"),
];

/// Each dataset with the file that the script makes of it, and its rows.
const DATASETS: [(&str, &str, u64); 8] = [
    ("jma.stations", "csv", 13),
    ("jma.weather_daily", "parquet", 14 * 31),
    ("mlit.municipalities", "csv", 20),
    ("mlit.traffic_daily", "arrow", 15),
    ("mlit.river_hourly", "arrows", 31 * 24),
    ("mlit.river_daily", "parquet", 366),
    ("hokkaido.inbound_monthly", "csv", 36),
    ("nstac.municipal_indicators", "csv", 1_741),
];

/// A hub with everything in it, or `None` where the files are absent.
async fn filled() -> Option<Hub> {
    data_file("README.md")?;
    let folder = data_folder()?;
    let out = TempDir::new().expect("a folder");
    let script = Command::new(python())
        .arg(project().join("scripts/real_input.py"))
        .args([&folder, out.path()])
        .output()
        .expect("Python can be run");
    assert!(script.status.success(), "{}", String::from_utf8_lossy(&script.stderr));

    let hub = Hub::start().await;
    for (agency, ja, en) in AGENCIES {
        hub.create_agency(agency, ja, en).await;
        let token = hub.create_token(agency, "publisher").await;
        let own = DATASETS.iter().filter(|(id, ..)| id.split('.').next() == Some(agency));
        for (id, format, rows) in own {
            hub.create_dataset(id, &description(id), &token).await;
            let file =
                fs::read(out.path().join(format!("{id}.{format}"))).expect("the script wrote it");
            let answer = hub.upload(id, file, "application/octet-stream", &token).await;
            assert_eq!(answer["published"]["rows_added"], *rows, "{id}: {answer}");
            let recognised = match *format {
                "arrow" => "arrow_file",
                "arrows" => "arrow_stream",
                other => other,
            };
            assert_eq!(answer["report"]["format"], recognised, "{id}: {answer}");
        }
    }
    Some(hub)
}

fn description(id: &str) -> Value {
    let path = project().join(format!("datasets/real/{id}.json"));
    let text = fs::read(&path).expect("the contract is there");
    let mut description: Value = serde_json::from_slice(&text).expect("it is JSON");
    let named = description.as_object_mut().expect("it is an object").remove("id");
    assert_eq!(named, Some(json!(id)), "{}", path.display());
    description
}

async fn rows(hub: &Hub, sql: &str) -> Value {
    hub.sql_json(sql).await["rows"].take()
}

#[tokio::test]
async fn what_four_agencies_publish_is_joined_with_known_answers() {
    let Some(hub) = filled().await else { return };

    // Days of January 2020 that freeze and thaw.
    let thaw = rows(
        &hub,
        "SELECT station, count(*) AS days FROM jma.weather_daily \
         WHERE temperature_min < 0 AND temperature_max > 0 \
         AND station IN ('倶知安', '小樽', '余市', '蘭越', '黒松内', '真狩', '共和') \
         GROUP BY station ORDER BY days, station",
    )
    .await;
    assert_eq!(
        thaw,
        json!([
            {"station": "真狩", "days": 4}, {"station": "倶知安", "days": 12},
            {"station": "蘭越", "days": 12}, {"station": "共和", "days": 14},
            {"station": "小樽", "days": 14}, {"station": "余市", "days": 15},
            {"station": "黒松内", "days": 16},
        ])
    );
    assert_eq!(
        rows(&hub, "SELECT max(snow_depth) AS cm FROM jma.weather_daily WHERE station = '倶知安'")
            .await,
        json!([{"cm": 83.0}])
    );

    // One counter's day, of which 205 of 288 intervals came.
    let counter = rows(
        &hub,
        "SELECT t.total, m.name, round((up_large + down_large) * 1.0 / total, 3) AS heavy_share, \
         intervals_present, intervals_expected, total_quality \
         FROM mlit.traffic_daily t JOIN mlit.municipalities m USING (municipality_code) \
         WHERE counter_id = '1110050'",
    )
    .await;
    assert_eq!(
        counter,
        json!([{"total": 6137, "name": "仁木町", "heavy_share": 0.218, "intervals_present": 205,
                "intervals_expected": 288, "total_quality": "insufficient"}])
    );

    // The year's sum that the published table of 余市町 itself gives.
    let guests = rows(
        &hub,
        "SELECT sum(\"宿泊客数\") AS guests, sum(guest_nights) AS nights FROM hokkaido.inbound_monthly \
         WHERE \"市町村名\" = '余市町' AND month >= DATE '2017-04-01'",
    )
    .await;
    assert_eq!(guests, json!([{"guests": 1765, "nights": 2366}]));

    // The census of 2020, over all municipalities of the country and over the region's.
    let people = rows(
        &hub,
        "SELECT sum(population_2020) AS country, \
         sum(CASE WHEN m.name IS NOT NULL THEN population_2020 ELSE 0 END) AS region, \
         count(m.name) AS towns \
         FROM nstac.municipal_indicators i LEFT JOIN mlit.municipalities m \
         ON m.municipality_code = i.municipality_code",
    )
    .await;
    assert_eq!(people, json!([{"country": 126_146_099, "region": 198_888, "towns": 20}]));
}

#[tokio::test]
async fn hourly_and_daily_hydrology_agree_where_24_hours_ends_the_day() {
    let Some(hub) = filled().await else { return };
    let compared = |shift: &'static str| {
        format!(
            "SELECT count(*) AS days, count(*) FILTER (WHERE abs(h.mean - d.discharge) > 0.005001) AS other \
             FROM (SELECT gauge_id, CAST(time - INTERVAL '{shift}' AS DATE) AS date, \
                   avg(discharge) AS mean FROM mlit.river_hourly GROUP BY 1, 2) h \
             JOIN mlit.river_daily d USING (gauge_id, date)"
        )
    };
    // Values are of the hour before: each day's 24 of them make the published mean, within its rounding.
    assert_eq!(rows(&hub, &compared("1 hour")).await, json!([{"days": 31, "other": 0}]));
    // A grid of days goes by the contract and needs no such word; every day has all of its hours.
    let aligned = "SELECT count(*) AS days, count(*) FILTER (WHERE abs(h.discharge - d.discharge) > 0.005001) \
                   AS other, min(discharge_coverage) AS least FROM align('mlit.river_hourly', '1 day') h \
                   JOIN mlit.river_daily d ON h.gauge_id = d.gauge_id AND CAST(h.time AS DATE) = d.date";
    assert_eq!(rows(&hub, aligned).await, json!([{"days": 31, "other": 0, "least": 1.0}]));
    // Read as the hour after, January's last value becomes a day of February's that it is not.
    assert_eq!(rows(&hub, &compared("0 hours")).await, json!([{"days": 32, "other": 1}]));
    assert_eq!(
        rows(&hub, "SELECT date, discharge FROM mlit.river_daily ORDER BY discharge DESC LIMIT 1")
            .await,
        json!([{"date": "2004-05-04", "discharge": 88.62}])
    );
    // 24時 of the last day is midnight of the next, in Japanese time.
    assert_eq!(
        rows(&hub, "SELECT min(time) AS first, max(time) AS last FROM mlit.river_hourly").await,
        json!([{"first": "2004-01-01T01:00:00+09:00", "last": "2004-02-01T00:00:00+09:00"}])
    );
}

#[tokio::test]
async fn marks_stay_codes_stay_text_and_every_source_is_named() {
    let Some(hub) = filled().await else { return };
    // `)` is quasi-normal, `]` insufficient; what the table leaves empty is null and not zero.
    let wind = rows(
        &hub,
        "SELECT wind_speed_mean_quality AS quality, count(*) AS days, count(wind_speed_mean) AS values \
         FROM jma.weather_daily GROUP BY 1 ORDER BY 1 NULLS LAST",
    )
    .await;
    assert_eq!(
        wind,
        json!([
            {"quality": "insufficient", "days": 5, "values": 5},
            {"quality": "normal", "days": 292, "values": 292},
            {"quality": "quasi_normal", "days": 12, "values": 12},
            {"quality": null, "days": 125, "values": 0},
        ])
    );

    let sql = "SELECT m.name, s.station_id, w.snow_depth, t.total, i.population_2020, g.guests \
         FROM mlit.municipalities m \
         JOIN jma.stations s USING (municipality_code) \
         JOIN jma.weather_daily w ON w.station_id = s.station_id AND w.date = DATE '2020-01-21' \
         JOIN nstac.municipal_indicators i ON i.municipality_code = m.municipality_code \
         LEFT JOIN mlit.traffic_daily t ON t.municipality_code = m.municipality_code \
         LEFT JOIN (SELECT municipality_code, sum(guests) AS guests FROM hokkaido.inbound_monthly GROUP BY 1) g \
         ON g.municipality_code = m.municipality_code \
         WHERE m.municipality_code IN ('014001', '012033', '013960') ORDER BY s.station_id, t.total";
    let answer = hub.sql_json(sql).await;
    let row = |name: &str, station: &str, snow: Value, total: Value, people: u64, guests: Value| {
        json!({"name": name, "station_id": station, "snow_depth": snow, "total": total,
               "population_2020": people, "guests": guests})
    };
    let found = answer["rows"].as_array().expect("there are rows");
    assert_eq!(found.len(), 4, "{answer}");
    assert_eq!(found[0], row("小樽市", "16091", json!(45.0), json!(7624), 111_299, Value::Null));
    assert_eq!(found[1], row("小樽市", "16091", json!(45.0), json!(14270), 111_299, Value::Null));
    assert_eq!(found[2]["snow_depth"], json!(83.0), "{answer}");
    assert_eq!(found[3]["name"], "真狩村", "{answer}");
    assert!(found[3]["guests"].as_u64().is_some_and(|guests| guests > 0), "{answer}");

    let sources = answer["sources"].as_array().expect("the answer names its sources");
    let attribution = |id: &str| {
        let source = sources.iter().find(|source| source["dataset"] == id);
        source.map(|source| (source["licence"].as_str(), source["attribution"].as_str()))
    };
    assert_eq!(sources.len(), 6, "{sources:?}");
    assert_eq!(
        attribution("jma.weather_daily"),
        Some((Some("PDL-1.0"), Some("出典：気象庁ホームページを加工して作成")))
    );
    assert_eq!(
        attribution("nstac.municipal_indicators").and_then(|(licence, _)| licence),
        Some("SSDSE")
    );
}

#[tokio::test]
async fn one_agency_cannot_publish_in_the_name_of_another() {
    let Some(hub) = filled().await else { return };
    let token = hub.create_token("hokkaido", "publisher").await;
    let request = hub.upload_request("jma.stations", "append", "station_id\n", "text/csv");
    hub.refused(request, Some(&token), StatusCode::FORBIDDEN).await;
    let count = rows(&hub, "SELECT count(*) AS n FROM jma.stations").await;
    assert_eq!(count, json!([{"n": 13}]));
}

#[tokio::test]
async fn a_long_problem_is_read_by_clients_that_accept_compression() {
    let Some(hub) = filled().await else { return };
    let token = hub.create_token("jma", "publisher").await;
    let request = hub
        .client()
        .put(hub.url("/v1/datasets/jma/weather_daily"))
        .json(&description("mlit.municipalities"));
    let problem = hub.refused(request, Some(&token), StatusCode::CONFLICT).await;
    assert_eq!(problem["type"], "/problems/breaking-change", "{problem}");
    assert!(problem.to_string().len() > 1_024, "{problem}");
}

#[tokio::test]
async fn the_walk_through_works_as_written() {
    if data_file("README.md").is_none() {
        return;
    }
    let hub = Hub::start().await;
    let folder = TempDir::new().expect("a folder");
    link(&project().join("scripts"), &folder.path().join("scripts"));
    link(&project().join("datasets"), &folder.path().join("datasets"));
    link(hub.data_dir(), &folder.path().join("mochiyori-data"));
    let mut reader = Reader::new(folder, &hub.url(""));
    let data = data_folder().expect("it was found");
    reader.set("PUBLISHED", data.to_str().expect("the folder has a plain name"));
    let run = reader.follow("docs/WALKTHROUGH.md");
    assert!(run >= 6, "only {run} blocks were run");
}

fn link(from: &Path, to: &Path) {
    std::os::unix::fs::symlink(from, to).expect("a link can be made");
}
