//! What answers say of the values that they leave out, and of units.

use reqwest::StatusCode;
use serde_json::{Value, json};

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
}

#[tokio::test]
async fn rows_by_rest_leave_out_what_sql_does_in_every_form_and_say_so() {
    let site = snow().await;
    let path = "/v1/datasets/otaru/snow/rows?select=time,depth";
    let rows = site.ask(site.get(path)).await.ok();
    let json = rows.json();
    let depths = |json: &Value| -> Vec<Value> {
        json["rows"].as_array().unwrap().iter().map(|row| row["depth"].clone()).collect()
    };
    assert_eq!(depths(&json), [json!(80.0), json!(null), json!(82.0)]);
    assert_eq!(json["quality"][0]["column"], "depth");
    assert_eq!(json["quality"][0]["left_out"][0], "doubtful");
    let csv = site.ask(site.get(&format!("{path}&format=csv"))).await.ok();
    assert!(csv.text().contains("2026-01-01T02:00:00+09:00,\r\n"), "{}", csv.text());
    let said: Value = serde_json::from_str(csv.header("mochiyori-quality")).unwrap();
    assert_eq!(said, json["quality"]);
    // What nobody asked for has not to be spoken of.
    let times = site.ask(site.get("/v1/datasets/otaru/snow/rows?select=time")).await.ok();
    assert_eq!(times.json().get("quality"), None);

    // Everything, which is another answer to whoever keeps one, and has another name.
    let all_path = format!("{path}&quality=all");
    for _ in 0..2 {
        let all = site.ask(site.get(&all_path)).await.ok();
        assert_eq!(depths(&all.json()), [json!(80.0), json!(999.0), json!(82.0)]);
        assert_eq!(all.json().get("quality"), None);
        assert_eq!(all.headers.get("mochiyori-quality"), None);
        assert_ne!(all.header("etag"), rows.header("etag"));
        let held = site.get(&all_path).header("if-none-match", rows.header("etag"));
        assert_eq!(site.ask(held).await.status, StatusCode::OK);
    }
    assert_eq!(depths(&site.ask(site.get(path)).await.ok().json())[1], json!(null));

    // Filters see what is shown. A cursor goes on in one of the ways.
    let deep = site.ask(site.get(&format!("{path}&depth=gt.81"))).await.ok().json();
    assert_eq!(depths(&deep), [json!(82.0)]);
    let deep = site.ask(site.get(&format!("{all_path}&depth=gt.81"))).await.ok().json();
    assert_eq!(depths(&deep), [json!(999.0), json!(82.0)]);
    let page = site.ask(site.get(&format!("{path}&limit=1"))).await.ok().json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = site.ask(site.get(&format!("{all_path}&limit=1&cursor={cursor}"))).await;
    other.problem(StatusCode::BAD_REQUEST, "invalid-request");
    let wrong = site.ask(site.get(&format!("{path}&quality=bad"))).await;
    wrong.problem(StatusCode::BAD_REQUEST, "invalid-request");
    assert!(wrong.text().contains("quality=all"), "{}", wrong.text());
}

#[tokio::test]
async fn the_latest_row_is_told_with_its_quality_and_a_column_may_be_called_so() {
    let site = Site::with_rows(&["a"], 1).await;
    let description = json!({
        "metadata": {"title": {"en": "Gauge"}, "licence": "CC-BY-4.0", "attribution": "Gauge, made up"},
        "contract": {"fields": [
            {"name": "time", "type": "datetime", "role": "time", "interval": "PT1H", "label": "end"},
            {"name": "level", "type": "number", "role": "value", "unit": "m"},
            {"name": "quality", "type": "string", "role": "quality", "quality_of": "level"},
        ], "primaryKey": ["time"]},
    });
    site.hub.create_dataset("otaru.gauge", &description, &site.publisher).await;
    let csv = "time,level,quality\n2026-01-01T01:00,1.5,normal\n2026-01-01T02:00,9.5,doubtful\n";
    site.hub.upload("otaru.gauge", csv, "text/csv", &site.publisher).await;
    let ask = async |query: &str| {
        let path = format!("/v1/datasets/otaru/gauge/latest?select=level,quality{query}");
        site.ask(site.get(&path)).await.ok().json()
    };
    let latest = ask("").await;
    assert_eq!(latest["rows"], json!([{"level": null, "quality": "doubtful"}]));
    assert_eq!(latest["quality"][0]["column"], "level");
    let latest = ask("&quality=all").await;
    assert_eq!(latest["rows"], json!([{"level": 9.5, "quality": "doubtful"}]));
    assert_eq!(latest.get("quality"), None);
    let good = ask("&quality=eq.normal").await;
    assert_eq!(good["rows"], json!([{"level": 1.5, "quality": "normal"}]));
    let both = ask("&quality=eq.doubtful&quality=all").await;
    assert_eq!(both["rows"], json!([{"level": 9.5, "quality": "doubtful"}]));
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
