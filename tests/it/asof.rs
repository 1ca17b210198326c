//! As-of joins through the server: beside DuckDB on random rows, and who may see what is joined.

use std::process::Command;

use hub_testkit::shared::python;
use reqwest::StatusCode;
use serde_json::json;

use crate::{
    demo::Demo,
    documents::project,
    support::{Site, river, river_csv},
};

/// Whatever it is the answers must agree; this one is kept so that a failure can be looked at.
const SEED: &str = "20260401";

#[tokio::test]
async fn as_of_joins_of_random_rows_are_those_of_duckdb() {
    let site = Site::start().await;
    let output = Command::new(python())
        .arg(project().join("tests/it/asof.py"))
        .args([&site.hub.url(""), &site.publisher, SEED])
        .output()
        .expect("Python can be run");
    let printed = String::from_utf8_lossy(&output.stdout);
    let heard = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{heard}");
    // Four pairs of tables, four signs, two kinds, with and without keys, each asked in three ways.
    assert_eq!(printed.lines().count(), 4 * 4 * 2 * 2 * 3 + 6 + 1, "{printed}");
}

#[tokio::test]
async fn a_private_dataset_is_none_in_an_asof_join() {
    let site = Site::with_rows(&["a"], 3).await;
    site.hub.create_dataset("otaru.hidden", &river("private"), &site.publisher).await;
    let csv = river_csv(&["a"], 0, 3);
    site.hub.upload("otaru.hidden", csv, "text/csv", &site.publisher).await;
    let forms = [
        "SELECT b.level FROM otaru.river a ASOF JOIN otaru.NAME b MATCH_CONDITION (a.time >= b.time) \
         USING (station)",
        "SELECT 1 FROM otaru.river a ASOF JOIN otaru.NAME b ON a.station = b.station AND a.time >= b.time",
        "SELECT 1 FROM otaru.river a ASOF JOIN (SELECT * FROM otaru.NAME) b MATCH_CONDITION (a.time >= b.time)",
        "SELECT 1 FROM otaru.river a, LATERAL (SELECT level FROM otaru.NAME b WHERE b.station = a.station \
         ORDER BY b.time DESC LIMIT 1) x",
        "SELECT * FROM otaru.NAME PIVOT (max(level) FOR station IN ('a'))",
        "SELECT * FROM otaru.NAME UNPIVOT (v FOR n IN (level, flow))",
        "FROM otaru.NAME",
        "EXPLAIN SELECT 1 FROM otaru.NAME a ASOF JOIN otaru.river b MATCH_CONDITION (a.time >= b.time)",
    ];
    for form in forms {
        let ask = async |name: &str| {
            let answer = site.ask(site.sql(&form.replace("NAME", name))).await;
            let mut problem = answer.problem(StatusCode::BAD_REQUEST, "sql-invalid");
            problem["instance"] = json!(null);
            problem
        };
        let hidden = ask("hidden").await.to_string().replace("hidden", "absent");
        assert_eq!(hidden, ask("absent").await.to_string(), "{form}");
        let own = site.sql(&form.replace("NAME", "hidden")).bearer_auth(&site.publisher);
        let answer = site.ask(own).await.ok().json();
        let sources = answer["sources"].as_array().unwrap();
        assert!(sources.iter().any(|source| source["dataset"] == "otaru.hidden"), "{answer}");
    }
}

#[tokio::test]
async fn every_statement_of_the_sql_page_is_answered() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let demo = Demo::start(&folder.path().join("data"), folder.path().join("demo.log")).await;
    let page = std::fs::read_to_string(project().join("docs/SQL.md")).expect("the page is there");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
    let mut asked = 0;
    for (statement, expected) in statements(&page) {
        let body = json!({"sql": statement, "format": "csv"});
        let request = client.post(format!("{}/v1/sql", demo.base)).json(&body);
        let answer = request.send().await.expect("the demo answers");
        let status = answer.status();
        let text = answer.text().await.expect("the answer is whole").replace("\r\n", "\n");
        assert!(status.is_success(), "{statement}\n{status} {text}");
        assert!(text.lines().count() > 1, "{statement} answers nothing");
        if let Some(expected) = expected {
            assert_eq!(text, expected, "{statement}");
        }
        asked += 1;
    }
    assert!(asked >= 12, "only {asked} statements were found");
}

/// The blocks of SQL, each with the block of text right after it.
fn statements(page: &str) -> Vec<(String, Option<String>)> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    let mut after_sql = false;
    for (place, part) in page.split("```").enumerate() {
        if place % 2 == 0 {
            after_sql &= part.trim().is_empty();
        } else if let Some(sql) = part.strip_prefix("sql\n") {
            found.push((sql.to_owned(), None));
            after_sql = true;
        } else if let Some(text) = part.strip_prefix("text\n")
            && let Some(last) = found.last_mut().filter(|_| after_sql)
        {
            last.1 = Some(text.to_owned());
        } else {
            after_sql = false;
        }
    }
    found
}
