//! Questions in SQL: what answers carry, and what is refused before it runs.

use std::io::Cursor;

use arrow::{array::RecordBatch, ipc::reader::StreamReader};
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, file::reader::FileReader};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Site, river_csv};

const QUESTION: &str =
    "SELECT station, time, level, 流量 FROM otaru.river WHERE level >= 2 ORDER BY station, time";

#[tokio::test]
async fn each_format_says_the_same() {
    let site = Site::with_rows(&["a", "余,市"], 4).await;
    let ask = async |accept: &str| {
        let answer = site.ask(site.hub.sql_request(QUESTION, accept)).await.ok();
        assert!(answer.header("content-type").starts_with(accept), "{answer:?}");
        answer
    };
    let json = ask("application/json").await.json();
    let rows = json!([
        {"station": "a", "time": "2026-04-01T02:00:00+09:00", "level": 2.0, "流量": 200.0},
        {"station": "a", "time": "2026-04-01T03:00:00+09:00", "level": 3.0, "流量": null},
        {"station": "余,市", "time": "2026-04-01T02:00:00+09:00", "level": 2.0, "流量": 200.0},
        {"station": "余,市", "time": "2026-04-01T03:00:00+09:00", "level": 3.0, "流量": null},
    ]);
    assert_eq!((&json["rows"], &json["row_count"]), (&rows, &json!(4)));

    let lines = ask("application/x-ndjson").await.text();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(Value::from(lines), rows);

    let csv = ask("text/csv").await;
    assert_eq!(
        csv.text(),
        "station,time,level,流量\r\n\
         a,2026-04-01T02:00:00+09:00,2.0,200.0\r\na,2026-04-01T03:00:00+09:00,3.0,\r\n\
         \"余,市\",2026-04-01T02:00:00+09:00,2.0,200.0\r\n\"余,市\",2026-04-01T03:00:00+09:00,3.0,\r\n"
    );
    assert!(csv.header("content-disposition").contains("mochiyori.csv"));

    let check = |batches: Vec<RecordBatch>, sources: &str| {
        let all = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
        let mut writer = arrow::json::ArrayWriter::new(Vec::new());
        writer.write(&all.project(&[0, 2]).unwrap()).unwrap();
        writer.finish().unwrap();
        let read: Value = serde_json::from_slice(&writer.into_inner()).unwrap();
        assert_eq!(read[2], json!({"station": "余,市", "level": 2.0}));
        assert_eq!(all.num_rows(), 4);
        let schema = all.schema();
        assert_eq!(schema.field(1).data_type().to_string(), "Timestamp(µs, \"Asia/Tokyo\")");
        assert_eq!(schema.field(3).metadata()["unit"], "m3/s");
        let sources: Value = serde_json::from_str(sources).unwrap();
        assert_eq!(sources, json["sources"]);
    };
    let stream = ask("application/vnd.apache.arrow.stream").await.body;
    let stream = StreamReader::try_new(Cursor::new(stream), None).unwrap();
    let sources = stream.schema().metadata()["mochiyori:sources"].clone();
    check(stream.collect::<Result<_, _>>().unwrap(), &sources);

    let file = ask("application/vnd.apache.parquet").await.body;
    let plain = parquet::file::reader::SerializedFileReader::new(file.clone()).unwrap();
    let said = plain.metadata().file_metadata().key_value_metadata().unwrap();
    let sources = said.iter().find(|said| said.key == "mochiyori:sources").unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    check(reader.collect::<Result<_, _>>().unwrap(), sources.value.as_ref().unwrap());

    let none = site.ask(site.hub.sql_request("SELECT 1", "image/png")).await;
    none.problem(StatusCode::NOT_ACCEPTABLE, "not-acceptable");
    let other = json!({"sql": "SELECT 1", "format": "ods"});
    let other = site.ask(site.post("/v1/sql").json(&other)).await;
    other.problem(StatusCode::BAD_REQUEST, "invalid-request");
}

#[tokio::test]
async fn an_answer_names_units_versions_licences_and_attributions() {
    let site = Site::with_config("[server]\npublic_url = \"https://hub.example.jp/\"").await;
    site.publish(river_csv(&["a"], 0, 2)).await;
    let sql = "SELECT r.time, level AS 水位, max(flow) OVER () AS peak FROM otaru.river r";
    let answer = site.ask(site.sql(sql)).await.ok();
    let body = answer.json();
    let columns = json!([
        {"name": "time", "type": "datetime", "role": "time", "interval": "PT1H", "label": "end"},
        {"name": "水位", "type": "number", "unit": "m", "role": "value"},
    ]);
    assert_eq!(body["columns"][0], columns[0]);
    assert_eq!(body["columns"][1], columns[1]);
    let sources = &body["sources"];
    insta::assert_json_snapshot!(sources, {"[].committed_at" => "[time]"}, @r#"
    [
      {
        "dataset": "otaru.river",
        "version": 1,
        "committed_at": "[time]",
        "title": {
          "ja": "時間水位・流量",
          "en": "Hourly level and discharge"
        },
        "publisher": {
          "ja": "小樽開発建設部",
          "en": "Otaru"
        },
        "licence": "CC-BY-4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "attribution": "出典：小樽開発建設部"
      }
    ]
    "#);
    let said: Value = serde_json::from_str(answer.header("mochiyori-sources")).unwrap();
    for key in ["dataset", "version", "licence", "attribution", "committed_at"] {
        assert_eq!(said[0][key], sources[0][key], "{key}");
    }
    let links: Vec<_> =
        answer.headers.get_all("link").iter().map(|link| link.to_str().unwrap()).collect();
    assert_eq!(
        links,
        [
            "<https://hub.example.jp/v1/datasets/otaru/river/versions/1>; rel=\"describedby\"; \
             title=\"otaru.river\"",
            "<https://creativecommons.org/licenses/by/4.0/>; rel=\"license\"; \
             anchor=\"https://hub.example.jp/v1/datasets/otaru/river\"",
            "<https://hub.example.jp/v1/datasets/otaru/river/versions/1>; rel=\"cite-as\"",
        ]
    );
    let none = site.ask(site.sql("SELECT 1 AS one")).await.ok();
    assert_eq!((&none.json()["sources"], none.header("mochiyori-sources")), (&json!([]), "[]"));
}

#[tokio::test]
async fn a_value_without_a_place_in_the_statement_is_refused() {
    let site = Site::with_rows(&["a"], 4).await;
    let counted = "SELECT count(*) AS n FROM otaru.river WHERE station = $2 OR level > $2";
    for (sql, parameters, left) in [
        ("SELECT 1", json!(["a"]), "$1"),
        ("SELECT $1 AS x", json!(["a", 2]), "$2"),
        (counted, json!([1, 2]), "$1"),
    ] {
        let body = json!({"sql": sql, "parameters": parameters});
        for path in ["/v1/sql", "/v1/sql/cost", "/v1/sql/lineage", "/v1/permalinks", "/v1/queries"]
        {
            let request = site.post(path).bearer_auth(&site.publisher).json(&body);
            let answer = site.ask(request).await;
            let problem = answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(&format!("a value for {left}")), "{path}: {detail}");
        }
    }
}

#[tokio::test]
async fn parameters_are_values_and_never_text() {
    let site = Site::with_rows(&["a", "' OR true --"], 3).await;
    let sql = "SELECT count(*) AS n FROM otaru.river WHERE station = $1 AND level >= $2 AND $3";
    for (parameters, n) in [
        (json!(["a", 1, true]), 2),
        (json!(["' OR true --", 2.0, true]), 1),
        (json!(["a", 0, false]), 0),
        (json!([null, 0, true]), 0),
    ] {
        let body = json!({"sql": sql, "parameters": parameters});
        let posted = site.ask(site.post("/v1/sql").json(&body)).await.ok().json();
        assert_eq!(posted["rows"], json!([{"n": n}]), "{parameters}");
        let got = site.sql_by_address(sql).query(&[("parameters", parameters.to_string())]);
        assert_eq!(site.ask(got).await.ok().json()["rows"], posted["rows"]);
    }
    for parameters in [json!([]), json!(["a"])] {
        let body = json!({"sql": sql, "parameters": parameters});
        assert_eq!(site.ask(site.post("/v1/sql").json(&body)).await.status, 400, "{parameters}");
    }
    let zone = "SELECT count(*) AS n FROM otaru.river WHERE station = 'a' AND time >= '2026-04-01 02:00:00'";
    assert_eq!(site.rows(zone).await, json!([{"n": 1}]), "a time without a zone is Japanese");
}

#[tokio::test]
async fn mistakes_are_shown_with_their_place_and_what_was_meant() {
    let site = Site::with_rows(&["a"], 1).await;
    for (sql, place, suggestion) in [
        ("SELECT levle\nFROM otaru.river", json!({"line": 1, "column": 8}), "level"),
        ("SELECT *\n  FROM otaru.rivr", json!({"line": 2, "column": 8}), "otaru.river"),
        ("SELECT *\n  FROM river", json!({"line": 2, "column": 8}), "otaru.river"),
        ("SELECT averge(level) FROM otaru.river", json!({"line": 1, "column": 8}), "average"),
    ] {
        let answer = site.ask(site.sql(sql)).await;
        let problem = answer.problem(StatusCode::BAD_REQUEST, "sql-invalid");
        assert_eq!(problem["position"], place, "{sql}: {problem}");
        if suggestion != "average" {
            assert_eq!(problem["suggestions"][0], suggestion, "{sql}: {problem}");
        }
    }
    let broken = site.ask(site.sql("SELECT *\nFORM otaru.river")).await;
    assert_eq!(broken.problem(StatusCode::BAD_REQUEST, "sql-invalid")["position"]["line"], 2);
    for sql in ["SELECT 1 / 0", "SELECT CAST(station AS INT) FROM otaru.river"] {
        let answer = site.ask(site.sql(sql)).await;
        answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "sql-execution");
    }
}

#[tokio::test]
async fn mistakes_are_told_in_japanese_to_those_who_read_it() {
    let site = Site::with_rows(&["a"], 2).await;
    for (sql, title, said) in [
        (
            "SELECT levle FROM otaru.river",
            "SQLを理解できません",
            "列\"levle\"はここにはありません。\"level\"のことでしょうか",
        ),
        ("SELECT 1 +", "SQLを理解できません", "要るところで終わっています"),
        ("DROP TABLE otaru.river", "そのSQLは許可されていません", "読むこと"),
        ("SELECT 9223372036854775807 + 1", "値のために問い合わせが止まりました", "収まらない"),
        ("SELECT $1", "SQLを理解できません", "parameters"),
        ("SELECT age(1)", "SQLを理解できません", "代わりの書き方"),
    ] {
        let request = site.hub.sql_request(sql, "application/json").header("accept-language", "ja");
        let answer = site.ask(request).await;
        let problem = answer.json();
        assert_eq!(problem["title"], title, "{sql}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{sql}: {problem}");
        assert_eq!(answer.header("content-language"), "ja", "{sql}");
    }
}

#[tokio::test]
async fn statements_that_do_more_than_read_are_refused_at_each_door() {
    let site = Site::with_rows(&["a"], 1).await;
    for (sql, slug) in [
        ("COPY otaru.river TO '/tmp/x.parquet'", "sql-not-allowed"),
        ("COPY (SELECT 1) TO '/tmp/x.csv'", "sql-not-allowed"),
        ("INSERT INTO otaru.river SELECT * FROM otaru.river", "sql-not-allowed"),
        ("UPDATE otaru.river SET level = 0", "sql-not-allowed"),
        ("DELETE FROM otaru.river", "sql-not-allowed"),
        ("CREATE TABLE t AS SELECT 1", "sql-not-allowed"),
        ("CREATE VIEW v AS SELECT 1", "sql-not-allowed"),
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", "sql-not-allowed"),
        ("DROP TABLE otaru.river", "sql-not-allowed"),
        ("SET datafusion.execution.time_zone = 'UTC'", "sql-not-allowed"),
        ("SHOW ALL", "sql-not-allowed"),
        ("SELECT 1; SELECT 2", "sql-not-allowed"),
        ("PREPARE p AS DELETE FROM otaru.river", "sql-not-allowed"),
        ("EXPLAIN DELETE FROM otaru.river", "sql-not-allowed"),
        ("EXPLAIN ANALYZE SELECT 1", "sql-not-allowed"),
        ("WITH gone AS (DELETE FROM otaru.river RETURNING *) SELECT 1", "sql-not-allowed"),
        ("SELECT * INTO t FROM otaru.river", "sql-not-allowed"),
        ("SELECT * FROM '/etc/passwd'", "sql-invalid"),
        ("SELECT * FROM \"/etc/passwd\"", "sql-invalid"),
        ("SELECT * FROM 'http://169.254.169.254/'", "sql-invalid"),
        ("SELECT * FROM \"file:///etc/passwd\"", "sql-invalid"),
        ("SELECT * FROM \"s3://bucket/x.parquet\"", "sql-invalid"),
        ("SELECT * FROM read_csv('/etc/passwd')", "sql-invalid"),
        ("SELECT * FROM read_parquet('s3://bucket/x')", "sql-invalid"),
        ("SELECT * FROM information_schema.df_settings", "sql-invalid"),
        ("SELECT input_file_name() FROM otaru.river", "sql-invalid"),
    ] {
        let admin = site.hub.admin_token();
        for request in [
            site.sql(sql),
            site.sql_by_address(sql),
            site.sql(sql).bearer_auth(&admin),
            site.sql_by_address(sql).bearer_auth(&admin),
        ] {
            site.ask(request).await.problem(StatusCode::BAD_REQUEST, slug);
        }
    }
    assert_eq!(site.rows("SELECT count(*) AS n FROM otaru.river").await, json!([{"n": 1}]));
}

#[tokio::test]
async fn statements_too_long_deep_or_wide_are_refused_and_the_hub_lives() {
    let site = Site::with_rows(&["a"], 1).await;
    let ones = vec!["1"; 5_001].join("+");
    let ors = (0..4_000).map(|n| format!("level = {n}")).collect::<Vec<_>>().join(" OR ");
    let list = vec!["1"; 15_000].join(",");
    let nested = "(".repeat(5_000);
    for sql in [
        format!("SELECT {ones}"),
        format!("SELECT 1 FROM otaru.river WHERE {ors}"),
        format!("SELECT {nested}1{}", ")".repeat(5_000)),
        format!("SELECT 1 IN ({list})"),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(500), " END".repeat(500)),
        format!("SELECT {}1{}", "(SELECT ".repeat(200), ")".repeat(200)),
        format!("SELECT {} 1", "NOT ".repeat(5_000)),
        format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(200)),
        format!("SELECT '{}'", "x".repeat(2_000_000)),
        format!(
            "SELECT count(*) FROM otaru.river {}",
            "JOIN otaru.river USING (station) ".repeat(60)
        ),
    ] {
        let answer = site.ask(site.sql(&sql)).await;
        answer.problem(StatusCode::BAD_REQUEST, "sql-too-complex");
    }
    let by_address = site.ask(site.sql_by_address(&format!("SELECT {}", "-".repeat(9_000)))).await;
    assert_eq!(by_address.status, 400);
    let sum = vec!["1"; 400].join("+");
    assert_eq!(site.rows(&format!("SELECT {sum} AS n")).await, json!([{"n": 400}]));
}

#[tokio::test]
async fn an_answer_by_address_is_asked_for_again_only_when_it_changed() {
    let site = Site::with_rows(&["a"], 2).await;
    let sql = "SELECT max(level) AS top FROM otaru.river";
    let first = site.ask(site.sql_by_address(sql)).await.ok();
    let etag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "public, no-cache");
    let held = || site.sql_by_address(sql).header("if-none-match", &etag);
    let unchanged = site.ask(held()).await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.header("etag"), etag);
    site.publish(river_csv(&["a"], 2, 2)).await;
    let changed = site.ask(held()).await.ok();
    assert_eq!(changed.json()["rows"], json!([{"top": 3.0}]));
    assert_ne!(changed.header("etag"), etag);
    for sql in
        ["SELECT now() AS n", "SELECT random() AS n", "SELECT * FROM information_schema.tables"]
    {
        let answer = site.ask(site.sql_by_address(sql)).await.ok();
        assert_eq!(
            (answer.header("etag"), answer.header("cache-control")),
            ("", "no-store"),
            "{sql}"
        );
    }
    let versioned = site.sql_by_address(sql).query(&[("versions", "otaru.river@1")]);
    assert_eq!(site.ask(versioned).await.ok().json()["rows"], json!([{"top": 1.0}]));
}
