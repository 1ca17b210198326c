//! What answers say of the values that they leave out, and of units.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::Site;

const SNOW: &str = "time,depth,depth_quality\n\
    2026-01-01T01:00,80,normal\n\
    2026-01-01T02:00,999,doubtful\n\
    2026-01-01T03:00,82,provisional\n";

async fn snow() -> Site {
    let site = Site::with_rows(&["a"], 2).await;
    let description = json!({
        "metadata": {"title": {"en": "Snow"}, "licence": "CC-BY-4.0", "attribution": "Snow, made up"},
        "contract": {"fields": [
            {"name": "time", "type": "datetime", "role": "time", "interval": "PT1H", "label": "end"},
            {"name": "depth", "type": "number", "role": "value", "unit": "cm"},
            {"name": "depth_quality", "type": "string", "role": "quality", "quality_of": "depth"},
        ], "primaryKey": ["time"]},
    });
    site.hub.create_dataset("otaru.snow", &description, &site.publisher).await;
    site.hub.upload("otaru.snow", SNOW, "text/csv", &site.publisher).await;
    site
}

#[tokio::test]
async fn values_of_bad_quality_are_left_out_of_sql_and_the_answer_says_so() {
    let site = snow().await;
    let sql = "SELECT max(depth) AS most, count(*) AS hours FROM otaru.snow";
    let answer = site.ask(site.sql(sql)).await.ok();
    let json = answer.json();
    assert_eq!(json["rows"], json!([{"most": 82.0, "hours": 3}]));
    assert_eq!(json["columns"][0]["unit"], "cm");
    let said = json!([{
        "dataset": "otaru.snow",
        "column": "depth",
        "quality_column": "depth_quality",
        "left_out": ["doubtful", "missing", "not_observed", "closed"],
    }]);
    assert_eq!(json["quality"], said);
    let csv = site.ask(site.hub.sql_request(sql, "text/csv")).await.ok();
    let header: serde_json::Value = serde_json::from_str(csv.header("mochiyori-quality")).unwrap();
    assert_eq!(header, said);

    let all = sql.replace("otaru.snow", "with_quality('otaru.snow')");
    let answer = site.ask(site.sql(&all)).await.ok().json();
    assert_eq!(answer["rows"], json!([{"most": 999.0, "hours": 3}]));
    assert_eq!(answer.get("quality"), None);

    // Rows by REST are the dataset's own, with the quality beside each value.
    let rows = site.ask(site.get("/v1/datasets/otaru/snow/rows?select=depth,depth_quality")).await;
    assert_eq!(rows.ok().json()["rows"][1], json!({"depth": 999.0, "depth_quality": "doubtful"}));
}

#[tokio::test]
async fn units_that_differ_are_refused_with_the_way_to_convert() {
    let site = snow().await;
    let sql = "SELECT s.depth + r.level FROM otaru.snow s JOIN otaru.river r USING (time)";
    let problem = site.ask(site.sql(sql)).await;
    problem.problem(StatusCode::BAD_REQUEST, "sql-invalid");
    assert_eq!(
        problem.json()["detail"],
        "depth is in cm and level in m, so they can't be added as they are; convert one first, as in \
         convert(level, 'm', 'cm')"
    );
    assert_eq!(problem.json()["position"], json!({"line": 1, "column": 18}));
}
