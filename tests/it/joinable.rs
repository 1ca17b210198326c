//! The join advisor: what it tells, that its statements run and bring the rows that it says, and that it
//! speaks of nothing that the caller may not see.

use serde_json::{Value, json};

use crate::support::{RIVER_PATH, Site, river, river_csv};

fn described(fields: Value, key: Value) -> Value {
    json!({"metadata": {"title": {"ja": "表", "en": "A table"}, "licence": "CC0-1.0", "attribution": ""},
           "contract": {"fields": fields, "primaryKey": key}})
}

async fn publish(site: &Site, id: &str, fields: Value, key: Value, csv: &str) {
    site.hub.create_dataset(id, &described(fields, key), &site.publisher).await;
    site.hub.upload(id, csv.to_owned(), "text/csv", &site.publisher).await;
}

fn text(name: &str, role: &str) -> Value {
    json!({"name": name, "type": "string", "role": role})
}

/// The river with the stations a and b for two days; where they are; snow by day; people by town and year;
/// ships; and counts every five minutes of other places.
async fn neighbours() -> Site {
    let site = Site::with_rows(&["a", "b"], 48).await;
    let id = |name: &str| text(name, "key");
    let town = || text("municipality_code", "place");
    publish(
        &site,
        "otaru.gauges",
        json!([{"name": "観測所", "type": "string", "role": "key", "alias": "gauge"}, town(),
               {"name": "order", "type": "string"}]),
        json!(["観測所"]),
        "観測所,municipality_code,order\na,012033,x\nb,012033,y\nc,014001,z\n",
    )
    .await;
    publish(
        &site,
        "otaru.snow",
        json!([id("station"), {"name": "date", "type": "date", "role": "time", "interval": "P1D", "label": "start"},
               {"name": "積雪", "type": "number", "role": "value", "unit": "cm"}]),
        json!(["station", "date"]),
        "station,date,積雪\na,2026-03-31,50\na,2026-04-01,40\na,2026-04-03,30\nz,2026-04-01,9\n",
    )
    .await;
    publish(
        &site,
        "otaru.people",
        json!([{"name": "code", "type": "string", "role": "place", "code": "municipality"},
               {"name": "year", "type": "year", "role": "time", "interval": "P1Y", "label": "start"},
               {"name": "people", "type": "integer", "role": "value"}]),
        json!(["code", "year"]),
        "code,year,people\n012033,2025,1\n012033,2026,2\n014001,2026,3\n013919,2026,4\n",
    )
    .await;
    publish(
        &site,
        "otaru.ships",
        json!([id("call"), {"name": "arrived", "type": "datetime", "role": "time"}, text("station", "place")]),
        json!(["call"]),
        "call,arrived,station\n1,2026-03-30 08:00,a\n2,2026-04-01 08:30,a\n3,2026-04-02 09:00,b\n4,2026-04-02 09:00,q\n",
    )
    .await;
    let mut counts = "counter,time,cars\n".to_owned();
    for minute in (0..120).step_by(5) {
        counts += &format!("k,2026-04-01 {:02}:{:02},{minute}\n", minute / 60, minute % 60);
    }
    publish(
        &site,
        "otaru.counts",
        json!([id("counter"), {"name": "time", "type": "datetime", "role": "time", "interval": "PT5M", "label": "start"},
               {"name": "cars", "type": "integer", "role": "value"}]),
        json!(["counter", "time"]),
        &counts,
    )
    .await;
    site
}

async fn advice(site: &Site, name: &str) -> Value {
    let advice =
        site.ask(site.get(&format!("/v1/datasets/otaru/{name}/joinable"))).await.ok().json();
    assert_eq!((&advice["complete"], &advice["datasets_looked_at"]), (&json!(true), &json!(5)));
    advice
}

fn join<'a>(advice: &'a Value, other: &str) -> &'a Value {
    let joins = advice["joins"].as_array().unwrap();
    joins
        .iter()
        .find(|join| join["dataset"] == other)
        .unwrap_or_else(|| panic!("{other}: {advice}"))
}

#[tokio::test]
async fn every_statement_runs_and_brings_the_rows_that_are_expected() {
    let site = neighbours().await;
    let mut ran = 0;
    for name in ["river", "gauges", "snow", "people", "ships", "counts"] {
        let advice = advice(&site, name).await;
        for join in advice["joins"].as_array().unwrap() {
            let sql = join["sql"].as_str().unwrap();
            let rows = site.rows(sql).await.as_array().unwrap().len();
            assert_eq!(join["expected_rows_exact"], true, "{join}");
            assert_eq!(join["expected_rows"], rows, "{sql}");
            for language in ["ja", "en"] {
                let said = join["explanation"][language].as_str().unwrap();
                assert!(said.contains(&rows.to_string()), "{said}");
            }
            ran += 1;
        }
    }
    assert!(ran >= 15, "only {ran} joins were told");
}

#[tokio::test]
async fn keys_overlaps_grids_and_periods_are_told_as_they_are() {
    let site = neighbours().await;
    let river = advice(&site, "river").await;
    // Both stations are among the three gauges; their columns have other names. Each of the 96 rows has one.
    let gauges = join(&river, "otaru.gauges");
    assert_eq!(
        gauges["keys"],
        json!([{"column": "station", "other_column": "観測所", "meaning": "key", "common_values": 2,
                "values": 2, "other_values": 3, "overlap": 1.0, "other_overlap": 0.6666}])
    );
    assert_eq!((&gauges["time"], &gauges["expected_rows"]), (&Value::Null, &json!(96)));
    assert!(gauges["explanation"]["ja"].as_str().unwrap().contains("2個のうち2個"), "{gauges}");

    // Hours are brought to days: of a there are 31 March, whose last hour ends at midnight, and 1 and 2 April;
    // snow was measured on 31 March, and 1 and 3 April.
    let snow = join(&river, "otaru.snow");
    assert_eq!(
        snow["time"],
        json!({"column": "time", "other_column": "date", "interval": "PT1H", "other_interval": "P1D",
               "relation": "coarser", "grid": "day",
               "common_period": {"first": "2026-03-31", "last": "2026-04-02"}})
    );
    let rows = site.rows(snow["sql"].as_str().unwrap()).await;
    // The hours 1 to 24 come to 300; without every fourth, which has no flow, 18 of them come to 222.
    assert_eq!(
        rows,
        json!([
            {"station": "a", "period": "2026-03-31", "rows_of_river": 1, "mean_level": 0.0, "mean_flow": 0.0,
             "rows_of_snow": 1, "mean_積雪": 50.0},
            {"station": "a", "period": "2026-04-01", "rows_of_river": 24, "mean_level": 12.5,
             "mean_flow": 1233.3333333333333, "rows_of_snow": 1, "mean_積雪": 40.0},
        ])
    );
    let back = advice(&site, "snow").await;
    assert_eq!(join(&back, "otaru.river")["time"]["relation"], "finer");

    // By codes of municipalities, whatever the columns are called.
    let gauges = advice(&site, "gauges").await;
    let people = join(&gauges, "otaru.people");
    assert_eq!(people["keys"][0]["meaning"], "municipality");
    assert_eq!(
        (&people["keys"][0]["other_column"], &people["keys"][0]["common_values"]),
        (&json!("code"), &json!(2))
    );
    // Two gauges of the one town with its two years, and one of the other.
    assert_eq!(people["expected_rows"], 5);

    // Ships come at any moment: each gets the last hour before it. The first came before all hours, and
    // the fourth to where nothing is measured.
    let ships = advice(&site, "ships").await;
    let levels = join(&ships, "otaru.river");
    assert_eq!(
        (&levels["time"]["relation"], &levels["expected_rows"]),
        (&json!("as_of"), &json!(2))
    );
    let mut rows = site.rows(levels["sql"].as_str().unwrap()).await.as_array().unwrap().clone();
    rows.sort_by_key(|row| row["call"].to_string());
    assert_eq!((&rows[0]["call"], &rows[0]["level"]), (&json!("2"), &json!(8.0)));
    assert_eq!((&rows[1]["call"], &rows[1]["level"]), (&json!("3"), &json!(33.0)));

    // The words say what the statement does.
    assert!(snow["explanation"]["en"].as_str().unwrap().contains("by days (mean)"), "{snow}");
    assert!(snow["explanation"]["ja"].as_str().unwrap().contains("日ごとの平均"), "{snow}");

    // A year lasts until December, so that its one row and the two days of April have days in common.
    let snow = advice(&site, "snow").await;
    let people = join(&snow, "otaru.people");
    assert_eq!(
        people["time"]["common_period"],
        json!({"first": "2026-03-31", "last": "2026-04-03"})
    );
    // By time alone one series of each is read, and said: the two days of a, and the year of one town.
    let sql = people["sql"].as_str().unwrap();
    assert!(sql.contains("WHERE station = 'a'") && sql.contains("WHERE code = '012033'"), "{sql}");
    assert!(sql.contains("sum(people)") && sql.contains("avg(\"積雪\")"), "{sql}");
    for language in ["ja", "en"] {
        let said = people["explanation"][language].as_str().unwrap();
        assert!(said.contains("station = 'a', code = '012033'"), "{said}");
    }
    assert_eq!(people["expected_rows"], 1);

    // No key in common, but time: five minutes are brought to hours, of which the two of 1 April meet.
    let counts = join(&river, "otaru.counts");
    assert_eq!((&counts["keys"], &counts["time"]["grid"]), (&json!([]), &json!("hour")));
    assert_eq!(counts["expected_rows"], 2);
    let last = river["joins"].as_array().unwrap().last().unwrap();
    assert_eq!(last["keys"], json!([]), "joins by time alone come last: {river}");
}

#[tokio::test]
async fn advice_is_kept_as_long_as_nothing_changes_and_follows_what_does() {
    let site = neighbours().await;
    let path = format!("{RIVER_PATH}/joinable");
    let first = site.ask(site.get(&path)).await.ok();
    let held = || site.get(&path).header("if-none-match", first.header("etag"));
    assert_eq!(site.ask(held()).await.status, 304);
    // A version of another dataset is another state.
    site.hub
        .upload("otaru.snow", "station,date,積雪\nb,2026-04-01,1\n", "text/csv", &site.publisher)
        .await;
    let after = site.ask(held()).await.ok().json();
    assert_eq!(join(&after, "otaru.snow")["expected_rows"], 3);
    assert_eq!(join(&after, "otaru.snow")["keys"][0]["common_values"], 2);
}

#[tokio::test]
async fn nothing_is_told_of_what_the_caller_may_not_see() {
    let site = neighbours().await;
    site.hub.create_agency("kisho", "気象台", "Weather").await;
    let stranger = site.hub.create_token("kisho", "publisher").await;
    let before = site.ask(site.get(&format!("{RIVER_PATH}/joinable"))).await.ok();
    site.hub.create_dataset("otaru.secret_survey", &river("private"), &site.publisher).await;
    let csv = river_csv(&["a", "b"], 0, 48);
    site.hub.upload("otaru.secret_survey", csv, "text/csv", &site.publisher).await;
    let path = format!("{RIVER_PATH}/joinable");
    let own = site.ask(site.get(&path).bearer_auth(&site.publisher)).await.ok().json();
    assert_eq!(own["joins"][0]["dataset"], "otaru.secret_survey", "{own}");
    // The owner has asked, so that the answer is kept; others get another one, the same as before.
    let anyone = site.ask(site.get(&path)).await.ok();
    assert_eq!((&anyone.body, anyone.header("etag")), (&before.body, before.header("etag")));
    let other = site.ask(site.get(&path).bearer_auth(&stranger)).await.ok();
    assert_eq!(other.body, before.body);
    for name in ["otaru/secret_survey", "otaru/zecret_zurvey"] {
        let hidden = site.ask(site.get(&format!("/v1/datasets/{name}/joinable"))).await;
        assert_eq!(hidden.status, 404);
    }
}
