//! Publishers' own files, each sent by `mochiyori upload` with nothing said but the dataset's name: the
//! layout is recognised, the dataset made, and the answers are those known from the publishers' tables.
//! The files lie beside the project; where they are absent the tests skip.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use hub_testkit::{
    hub::{Hub, binary},
    shared::{data_file, data_folder},
};
use serde_json::{Value, json};

/// A file or a folder of files, the dataset it goes to, its layout, and the rows it brings.
const FILES: [(&str, &str, &str, u64); 15] = [
    ("jma/etrn_daily_2020_01", "jma.daily", "jma_etrn_daily", 14 * 31),
    ("jma/obsdl/tokyo_20211020-20221019.csv", "jma.tokyo", "jma_obsdl_daily", 365 * 22),
    ("jma/bosai/map_20250628180000.json", "jma.amedas", "jma_bosai_map", 16_349),
    ("jma/bosai/amedastable.json", "jma.amedas_stations", "jma_bosai_amedastable", 1_295),
    ("jma/ame_master.csv", "jma.ame_master", "jma_ame_master", 1_610),
    (
        "mlit_river/301011281104010_kind6_200401.dat",
        "mlit.flow_hourly",
        "mlit_hydrology_hourly_discharge",
        31 * 24,
    ),
    (
        "mlit_river/301011281104010_kind7_2004.dat",
        "mlit.flow_daily",
        "mlit_hydrology_daily_discharge",
        366,
    ),
    ("mlit_river/japan_sites.csv", "mlit.gauges", "mlit_river_sites", 1_029),
    ("traffic/jartic_5m_20260115_0800_otaru.csv", "mlit.traffic_5m", "mlit_traffic_5m", 24),
    ("traffic/jartic_daily_20260115_otaru.csv", "mlit.traffic_daily", "mlit_traffic_daily", 32),
    ("traffic/jartic_typeB_dummy_type_b.csv", "mlit.type_b", "jartic_type_b", 4),
    ("tourism/harp_inbound_monthly_totals.csv", "hokkaido.inbound", "hokkaido_inbound", 72),
    ("tourism/harp_inbound_H29_yoichi.txt", "hokkaido.yoichi", "hokkaido_inbound", 24),
    ("municipal/SSDSE-A-2025.csv", "nstac.ssdse_a", "ssdse", 1_741 * 125),
    ("geo/shiribeshi_20_municipalities.geojson", "mlit.areas", "ksj_n03", 20),
];

fn command(hub: &Hub, token: &str, typed: &[&str], file: &Path) -> Output {
    Command::new(binary())
        .args(typed)
        .arg(file)
        .env("MOCHIYORI_URL", hub.url(""))
        .env("MOCHIYORI_TOKEN", token)
        .env("LC_ALL", "en_GB.UTF-8")
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

/// A hub to which every file was sent, or `None` where the files are absent.
async fn filled() -> Option<Hub> {
    data_file("README.md")?;
    let folder = data_folder()?;
    let hub = Hub::start().await;
    for agency in ["jma", "mlit", "hokkaido", "nstac"] {
        hub.create_agency(agency, agency, agency).await;
        let token = hub.create_token(agency, "publisher").await;
        for (path, dataset, preset, rows) in FILES {
            if dataset.split('.').next() != Some(agency) {
                continue;
            }
            let path = folder.join(path);
            let mut files = vec![path.clone()];
            if path.is_dir() {
                files = path.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
                files.sort();
            }
            let mut added = 0;
            for file in files {
                let seen = command(&hub, &token, &["upload", "--json", "--to", dataset], &file);
                let (out, err) =
                    (String::from_utf8_lossy(&seen.stdout), String::from_utf8_lossy(&seen.stderr));
                assert!(seen.status.success(), "{}: {out}{err}", file.display());
                let answer: Value = serde_json::from_str(&out).expect("the answer is JSON");
                let found = &answer["report"]["layout"]["preset"]["id"];
                assert_eq!(*found, json!(preset), "{}: {answer}", file.display());
                added += answer["rows_added"].as_u64().expect("rows are counted");
            }
            assert_eq!(added, rows, "{dataset}");
        }
    }
    Some(hub)
}

async fn rows(hub: &Hub, sql: &str) -> Value {
    hub.sql_json(sql).await["rows"].take()
}

#[tokio::test]
async fn publishers_files_go_in_as_they_are_and_give_their_known_answers() {
    let Some(hub) = filled().await else { return };
    let thaw = rows(
        &hub,
        "SELECT station, count(*) AS days FROM jma.daily \
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
    // A month of days: the greatest of greatest values, and all the snow that fell.
    let month = hub
        .sql_json(
            "SELECT precipitation_max_1h, snowfall, snow_depth_max, temperature_min, precipitation \
             FROM align('jma.daily', '1 month') WHERE station = '倶知安'",
        )
        .await;
    assert_eq!(
        month["rows"],
        json!([{"precipitation_max_1h": 3.5, "snowfall": 148.0, "snow_depth_max": 83.0,
                "temperature_min": -17.7, "precipitation": 95.5}])
    );
    let ways: Vec<&Value> =
        month["columns"].as_array().unwrap().iter().map(|column| &column["put_together"]).collect();
    assert_eq!(ways, ["max", "sum", "max", "min", "sum"]);
    // The mean of hours 1 to 24 is the published day; hours end at their time.
    let compared = rows(
        &hub,
        "SELECT count(*) AS days, count(*) FILTER (WHERE abs(h.mean - d.discharge) > 0.005001) AS other \
         FROM (SELECT CAST(time - INTERVAL '1 hour' AS DATE) AS day, avg(discharge) AS mean \
               FROM mlit.flow_hourly GROUP BY 1) h \
         JOIN mlit.flow_daily d ON d.date = h.day",
    )
    .await;
    assert_eq!(compared, json!([{"days": 31, "other": 0}]));
    assert_eq!(
        rows(&hub, "SELECT date, discharge FROM mlit.flow_daily ORDER BY discharge DESC LIMIT 1")
            .await,
        json!([{"date": "2004-05-04", "discharge": 88.62}])
    );
    let counter = rows(
        &hub,
        "SELECT sum(total) AS vehicles, round(sum(large) * 1.0 / sum(total), 3) AS heavy, \
         max(intervals_present) AS present FROM mlit.traffic_daily WHERE counter_id = '1110050'",
    )
    .await;
    assert_eq!(counter, json!([{"vehicles": 6137, "heavy": 0.218, "present": 205}]));
    let areas = rows(&hub, "SELECT count(DISTINCT municipality_code) AS n FROM mlit.areas").await;
    assert_eq!(areas, json!([{"n": 20}]));
}

#[tokio::test]
async fn a_file_of_no_known_layout_needs_its_dataset_first() {
    let hub = Hub::start().await;
    hub.create_agency("otaru", "小樽", "Otaru").await;
    let token = hub.create_token("otaru", "publisher").await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("own.csv");
    std::fs::write(&file, "a,b\n1,2\n").unwrap();
    let seen = command(&hub, &token, &["upload", "--to", "otaru.own"], &file);
    let err = String::from_utf8_lossy(&seen.stderr);
    assert!(!seen.status.success(), "{err}");
    assert!(err.contains("mochiyori dataset propose"), "{err}");
    assert_eq!(hub.get_json("/v1/datasets").await["datasets"], json!([]));
}
