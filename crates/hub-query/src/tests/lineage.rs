//! Where columns come from.

use super::support::{APRIL, Bench, RIVER, river, small};
use crate::{QueryRequest, SqlBounds, parse};

const AIR: &str = r#"{"fields":[
    {"name":"station","type":"string","role":"key"},
    {"name":"time","type":"datetime","role":"time","interval":"PT1H","label":"end"},
    {"name":"気温","type":"number","role":"value","unit":"Cel","alias":"air"},
    {"name":"air_quality","type":"string","role":"quality","quality_of":"気温"}],
    "primaryKey":["station","time"]}"#;

async fn told(sql: &str) -> String {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市"], APRIL, 5)]).await;
    bench.add("kisho.weather", RIVER, &[river(&["余市"], APRIL, 5)]).await;
    bench.add("kisho.air", AIR, &[]).await;
    let request = QueryRequest {
        query: parse(sql, &SqlBounds::default()).unwrap(),
        parameters: Vec::new(),
        tables: bench.tables.clone(),
        listed: Vec::new(),
        rollups: true,
    };
    let lineage = bench.engine.lineage(request).await.unwrap();
    let columns = lineage.columns.iter().map(|column| {
        let origins = column.origins.iter();
        let origins: Vec<_> = origins
            .map(|(from, how)| format!("{}.{} {}", from.dataset, from.column, how.as_str()))
            .collect();
        format!("{}: {}", column.name, origins.join(", "))
    });
    let influences = lineage
        .influences
        .iter()
        .map(|(from, how)| format!("{}.{} {}", from.dataset, from.column, how.as_str()));
    format!(
        "{} | {}",
        columns.collect::<Vec<_>>().join("; "),
        influences.collect::<Vec<_>>().join("; ")
    )
}

#[tokio::test]
async fn values_are_traced_through_each_step() {
    for (sql, expected) in [
        (
            "SELECT level, level * 100 AS cm, station FROM otaru.river WHERE samples > 3 ORDER BY time",
            "level: otaru.river.level direct; cm: otaru.river.level computed; station: otaru.river.観測所 direct \
             | otaru.river.samples filter; otaru.river.時刻 order",
        ),
        (
            "SELECT station, avg(level * discharge) AS m, count(*) AS n FROM otaru.river GROUP BY station",
            "station: otaru.river.観測所 direct; m: otaru.river.level aggregated, otaru.river.流量 aggregated; n:  \
             | otaru.river.観測所 group",
        ),
        (
            "SELECT r.level, w.level AS other FROM otaru.river r JOIN kisho.weather w ON r.time = w.time",
            "level: otaru.river.level direct; other: kisho.weather.level direct \
             | kisho.weather.時刻 join; otaru.river.時刻 join",
        ),
        (
            "WITH d AS (SELECT time, max(level) AS m FROM otaru.river GROUP BY time) \
             SELECT m - lag(m) OVER (ORDER BY time) AS change FROM d",
            "change: otaru.river.level aggregated | otaru.river.時刻 group; otaru.river.時刻 order",
        ),
        (
            "SELECT level FROM otaru.river UNION ALL SELECT samples * 1.0 FROM kisho.weather",
            "level: kisho.weather.samples computed, otaru.river.level direct | ",
        ),
        (
            "SELECT level FROM otaru.river r WHERE EXISTS \
             (SELECT 1 FROM kisho.weather w WHERE w.time = r.time AND w.level > 3)",
            "level: otaru.river.level direct | kisho.weather.level filter; kisho.weather.時刻 filter; \
             otaru.river.時刻 filter",
        ),
        (
            "WITH RECURSIVE n AS (SELECT min(samples) AS i FROM otaru.river UNION ALL SELECT i + 1 FROM n WHERE i < 9) \
             SELECT i FROM n",
            "i: otaru.river.samples aggregated | otaru.river.samples filter",
        ),
        (
            "SELECT station, time, sum(level) AS s FROM otaru.river GROUP BY ROLLUP (station, time)",
            "station: otaru.river.観測所 direct; time: otaru.river.時刻 direct; s: otaru.river.level aggregated \
             | otaru.river.時刻 group; otaru.river.観測所 group",
        ),
        (
            "SELECT air, max(air) OVER () AS m FROM kisho.air",
            "air: kisho.air.air_quality computed, kisho.air.気温 direct; \
             m: kisho.air.air_quality aggregated, kisho.air.気温 aggregated | ",
        ),
        ("SELECT air FROM with_quality('kisho.air')", "air: kisho.air.気温 direct | "),
        ("SELECT 1 AS one", "one:  | "),
    ] {
        assert_eq!(told(sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn the_coverage_of_a_grid_is_told_by_the_quality() {
    let told = told("SELECT air, air_coverage FROM align('kisho.air', '1 day')").await;
    let columns: Vec<&str> = told.split(" | ").next().unwrap().split("; ").collect();
    for column in columns {
        assert!(column.contains("kisho.air.air_quality aggregated"), "{told}");
    }
}

#[tokio::test]
async fn what_spares_reading_is_no_condition_of_the_statement() {
    for sql in [
        "SELECT DISTINCT ON (station) station, level FROM otaru.river ORDER BY station, time DESC",
        "SELECT station, last_value(level ORDER BY time) AS level FROM otaru.river GROUP BY station",
    ] {
        let told = told(sql).await;
        assert!(told.contains("時刻 order") && !told.contains("filter"), "{told}");
    }
}
