//! Files handed over: every format, all or nothing, safely repeated, and refused with reasons.

use std::{io::Cursor, sync::Arc};

use arrow::{
    array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    ipc::writer::{FileWriter, StreamWriter},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use parquet::arrow::ArrowWriter;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{RIVER_HEADER, RIVER_PATH, Site, river_csv, time};

const COUNT: &str = "SELECT count(*) AS n FROM otaru.river";

/// The rows of a CSV file as other programs would write them to typed files.
fn batch(station: &str, hours: i64) -> RecordBatch {
    let april = 1_774_969_200_000_000; // 2026-04-01T00:00:00+09:00 in microseconds.
    let times = (0..hours).map(|hour| april + hour * 3_600_000_000);
    let columns: [(&str, ArrayRef); 4] = [
        ("station", Arc::new(StringArray::from_iter_values((0..hours).map(|_| station)))),
        ("time", Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))),
        ("level", Arc::new(Float64Array::from_iter_values((0..hours).map(|hour| hour as f64)))),
        ("流量", Arc::new(Float64Array::from_iter((0..hours).map(|_| None::<f64>)))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn parquet_file(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn arrow_file(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Cursor::new(Vec::new()), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap().into_inner()
}

fn arrow_stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

#[tokio::test]
async fn each_format_becomes_a_version_with_the_same_rows() {
    let site = Site::start().await;
    let files = [
        ("csv", "a", river_csv(&["a"], 0, 3).replace("100", "").replace("200", "").into_bytes()),
        ("parquet", "b", parquet_file(&batch("b", 3))),
        ("arrow_file", "c", arrow_file(&batch("c", 3))),
        ("arrow_stream", "d", arrow_stream(&batch("d", 3))),
    ];
    for (version, (format, _, file)) in (1..).zip(&files) {
        let answer = site.ask(site.upload("append", file.clone())).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let body = answer.json();
        assert_eq!(body["state"], "committed");
        assert_eq!(body["version"], version);
        assert_eq!(body["format"], *format);
        assert_eq!(body["rows_added"], 3);
        assert_eq!(body["report"]["rows"], 3);
        assert_eq!(body["published"]["rows_total"], 3 * version);
    }
    for (_, station, _) in &files {
        let sql = format!(
            "SELECT time, level FROM otaru.river WHERE station = '{station}' ORDER BY time"
        );
        let expected: Vec<Value> = (0..3)
            .map(|hour| {
                json!({"time": format!("2026-04-01T0{hour}:00:00+09:00"), "level": f64::from(hour)})
            })
            .collect();
        assert_eq!(site.rows(&sql).await, Value::from(expected), "{station}");
    }
    let told = site.ask(site.upload("append", "x").query(&[("format", "parquet")])).await;
    told.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-format");
}

#[tokio::test]
async fn a_broken_file_is_refused_with_every_place_and_nothing_of_it_is_seen() {
    let site = Site::start().await;
    let file =
        format!("{RIVER_HEADER}a,2026-04-01 01:00,1.5,10\na,2026-04-01 02:00,高い,-\na,,1,2\n");
    let answer = site.ask(site.upload("append", file).query(&[("file_name", "四月.csv")])).await;
    let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
    insta::assert_json_snapshot!(problem, {".instance" => "[id]", ".upload_id" => "[id]"}, @r#"
    {
      "type": "/problems/contract-violated",
      "title": "The file breaks the contract",
      "status": 422,
      "detail": "the file breaks the contract in 2 places; nothing was published, and the report says where and what to do",
      "instance": "[id]",
      "upload_id": "[id]",
      "report": {
        "format": "csv",
        "encoding": "UTF-8",
        "rows": 3,
        "columns": [
          {
            "name": "station",
            "source": "station",
            "missing": 0
          },
          {
            "name": "time",
            "source": "time",
            "missing": 1
          },
          {
            "name": "level",
            "source": "level",
            "missing": 0
          },
          {
            "name": "流量",
            "source": "流量",
            "missing": 1
          }
        ],
        "period": {
          "first": "2026-04-01T01:00:00+09:00",
          "last": "2026-04-01T02:00:00+09:00"
        },
        "error_count": 2,
        "errors": [
          {
            "row": 3,
            "column": "level",
            "cell": "C3",
            "value": "高い",
            "rule": "type",
            "message": {
              "ja": "「level」列は数値ですが「高い」と書かれています",
              "en": "the column \"level\" holds numbers, and this cell says \"高い\""
            },
            "fix": {
              "ja": "欠測なら空欄にするか、契約の missingValues に「高い」を加えてください",
              "en": "if nothing was observed, leave the cell empty or add \"高い\" to the contract's missingValues"
            }
          },
          {
            "row": 4,
            "column": "time",
            "cell": "B4",
            "value": null,
            "rule": "required",
            "message": {
              "ja": "「time」列に値がありません",
              "en": "the column \"time\" has no value here"
            },
            "fix": {
              "ja": "値を入れるか、この行を削ってください。この列は必須です",
              "en": "fill the value in, or take the row out; the column is required"
            }
          }
        ],
        "errors_by_rule": {
          "type": 1,
          "required": 1
        },
        "coverage": {
          "series": 1,
          "cadence": "PT1H",
          "gaps": {
            "missing_steps": 0
          },
          "rows_by_month": {
            "2026-04": 2
          }
        },
        "changes": [
          {
            "kind": "missing_mark",
            "message": {
              "ja": "欠測などの記号を「値なし」としました",
              "en": "marks that mean no value were read as missing"
            },
            "count": 1,
            "examples": [
              {
                "row": 3,
                "column": "流量",
                "cell": "D3",
                "before": "-",
                "after": ""
              }
            ]
          }
        ]
      }
    }
    "#);
    assert_eq!(site.rows(COUNT).await, json!([{"n": 0}]));
    let description = site.ask(site.get(RIVER_PATH)).await.ok().json();
    assert_eq!(description["latest_version"], Value::Null);

    // The report is kept for the agency.
    let id = problem["upload_id"].as_str().unwrap();
    let path = format!("{RIVER_PATH}/uploads/{id}");
    let kept = site.ask(site.get(&path).bearer_auth(&site.publisher)).await.ok().json();
    assert_eq!((&kept["state"], &kept["file_name"]), (&json!("rejected"), &json!("四月.csv")));
    assert_eq!(kept["report"], problem["report"]);
    let list = site.get(&format!("{RIVER_PATH}/uploads")).bearer_auth(&site.publisher);
    let list = site.ask(list).await.ok().json();
    assert_eq!(list["uploads"].as_array().unwrap().len(), 1);
    assert_eq!(list["uploads"][0]["id"], id);
}

#[tokio::test]
async fn a_row_named_twice_is_refused_within_a_file() {
    let site = Site::start().await;
    let mut file = river_csv(&["a", "b"], 0, 3);
    file.push_str(&format!("a,{},9,9\n", time(1)));
    let answer = site.ask(site.upload("append", file)).await;
    let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
    let errors = &problem["report"]["errors"];
    assert_eq!(problem["report"]["errors_by_rule"], json!({"unique_key": 1}));
    assert_eq!((&errors[0]["row"], &errors[0]["rule"]), (&json!(8), &json!("unique_key")));
    let said = errors[0]["message"]["en"].as_str().unwrap();
    assert!(said.contains('3'), "the row it repeats is named: {said}");
    assert_eq!(site.rows(COUNT).await, json!([{"n": 0}]));
}

#[tokio::test]
async fn files_are_added_or_put_in_place_and_older_versions_stay() {
    let site = Site::start().await;
    let first = site.publish(river_csv(&["a"], 0, 3)).await;
    let instant = first["published"]["committed_at"].as_str().unwrap();
    site.publish(river_csv(&["a"], 3, 3)).await;
    assert_eq!(site.rows(COUNT).await, json!([{"n": 6}]));
    let replaced = site.ask(site.upload("replace", river_csv(&["b"], 0, 1))).await.json();
    assert_eq!((&replaced["version"], &replaced["mode"]), (&json!(3), &json!("replace")));
    assert_eq!(site.rows("SELECT station FROM otaru.river").await, json!([{"station": "b"}]));

    for (version, rows) in [(json!(1), 3), (json!(2), 6), (json!(3), 1), (json!(instant), 3)] {
        let body = json!({"sql": COUNT, "versions": {"otaru.river": version}});
        let answer = site.ask(site.post("/v1/sql").json(&body)).await.ok().json();
        assert_eq!(answer["rows"], json!([{"n": rows}]), "{version}");
    }
    let versions = site.ask(site.get(&format!("{RIVER_PATH}/versions"))).await.ok().json();
    let numbers: Vec<_> =
        versions["versions"].as_array().unwrap().iter().map(|v| v["number"].clone()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    let one = site.ask(site.get(&format!("{RIVER_PATH}/versions/2"))).await.ok().json();
    assert_eq!((&one["rows_added"], &one["rows_total"]), (&json!(3), &json!(6)));
    for (version, status) in
        [(json!(4), 404), (json!("2020-01-01T00:00:00Z"), 404), (json!([]), 400)]
    {
        let body = json!({"sql": COUNT, "versions": {"otaru.river": version}});
        assert_eq!(site.ask(site.post("/v1/sql").json(&body)).await.status, status);
    }
}

#[tokio::test]
async fn an_idempotency_key_publishes_once() {
    let site = Site::start().await;
    let send = async |file: String, mode: &str| {
        site.ask(site.upload(mode, file).header("idempotency-key", "april")).await
    };
    // A refused file leaves the key free.
    let refused = send(format!("{RIVER_HEADER}a,yesterday,1,1\n"), "append").await;
    refused.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
    let first = send(river_csv(&["a"], 0, 3), "append").await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, ""));
    let again = send(river_csv(&["a"], 0, 3), "append").await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(again.json(), first.json());
    for (file, mode) in [(river_csv(&["a"], 0, 4), "append"), (river_csv(&["a"], 0, 3), "replace")]
    {
        let other = send(file, mode).await;
        other.problem(StatusCode::CONFLICT, "idempotency-mismatch");
    }
    assert_eq!(site.rows(COUNT).await, json!([{"n": 3}]));
}

#[tokio::test]
async fn a_file_that_is_not_the_one_sent_is_refused() {
    let site = Site::start().await;
    let file = river_csv(&["a"], 0, 3);
    let digest =
        |text: &str| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(text.as_bytes())));
    let send = async |digest: String| {
        site.ask(site.upload("append", file.clone()).header("content-digest", digest)).await
    };
    let wrong = send(digest("another file")).await;
    wrong.problem(StatusCode::BAD_REQUEST, "checksum-mismatch");
    send("sha-256=rubbish".to_owned()).await.problem(StatusCode::BAD_REQUEST, "invalid-request");
    assert_eq!(site.rows(COUNT).await, json!([{"n": 0}]));
    assert_eq!(send(digest(&file)).await.status, 201);
}

#[tokio::test]
async fn a_file_over_the_size_that_is_taken_is_refused() {
    let site = Site::with_config("[uploads]\nmax_bytes = 2000").await;
    let large = site.ask(site.upload("append", river_csv(&["a"], 0, 200))).await;
    let problem = large.problem(StatusCode::PAYLOAD_TOO_LARGE, "upload-too-large");
    assert!(problem["detail"].as_str().unwrap().contains("2000"), "{problem}");
    assert_eq!(site.ask(site.upload("append", river_csv(&["a"], 0, 3))).await.status, 201);
    let scratch = site.hub.data_dir().join("scratch");
    assert_eq!(std::fs::read_dir(scratch).unwrap().count(), 0, "what was received is still there");
}

#[tokio::test]
async fn files_that_are_not_read_are_named_with_what_to_do() {
    let site = Site::start().await;
    let cases: [(Vec<u8>, &str); 4] = [
        (b"PK\x03\x04\x14\x00word/document.xml [Content_Types].xml".to_vec(), "Word"),
        (b"FEA1\0\0\0\0".to_vec(), "Feather"),
        (b"%PDF-1.7\n".to_vec(), "PDF"),
        (b"<!DOCTYPE html><p>Not found</p>".to_vec(), "HTML"),
    ];
    for (file, word) in cases {
        let answer = site.ask(site.upload("append", file)).await;
        let problem = answer.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-format");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{detail}");
    }
    let empty = site.ask(site.upload("append", "")).await;
    empty.problem(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-file");
    let cut = parquet_file(&batch("a", 3));
    let cut = site.ask(site.upload("append", cut[..cut.len() / 2].to_vec())).await;
    cut.problem(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-file");
}

#[tokio::test]
async fn writers_at_once_lose_no_row() {
    let site = Site::with_config("[uploads]\nat_once = 16").await;
    let second = reqwest::Client::builder().no_proxy().build().unwrap();
    let writers = (0..8).map(|writer| {
        let file = river_csv(&[format!("w{writer}").as_str()], 0, 50);
        let client = if writer % 2 == 0 { site.hub.client() } else { &second };
        let request = client
            .post(site.hub.url(&format!("{RIVER_PATH}/uploads?mode=append")))
            .header("content-type", "text/csv")
            .bearer_auth(&site.publisher)
            .body(file);
        site.ask(request)
    });
    let mut versions: Vec<u64> = futures::future::join_all(writers)
        .await
        .iter()
        .map(|answer| answer.json()["version"].as_u64().unwrap_or_else(|| panic!("{answer:?}")))
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=8).collect::<Vec<_>>());
    let sql = "SELECT count(*) AS n, count(DISTINCT station) AS stations FROM otaru.river";
    assert_eq!(site.rows(sql).await, json!([{"n": 400, "stations": 8}]));
}

#[tokio::test]
async fn a_files_name_is_only_a_record() {
    let site = Site::start().await;
    for (hour, name) in (0..).zip(["../../etc/passwd", "/etc/cron.d/x", "%2e%2e%2f", "CON", "a\\b"])
    {
        let request = site.upload("append", river_csv(&["a"], hour, 1));
        let answer = site.ask(request.query(&[("file_name", name)])).await;
        assert_eq!((answer.status, &answer.json()["file_name"]), (201, &json!(name)));
    }
    let long = "x".repeat(256);
    for name in ["a\0b", "a\nb", long.as_str()] {
        let request = site.upload("append", river_csv(&["a"], 9, 1));
        let answer = site.ask(request.query(&[("file_name", name)])).await;
        answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
    let around: Vec<_> = std::fs::read_dir(site.hub.data_dir().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(around.iter().all(|name| name == "data" || name == "server.log"), "{around:?}");
}
