//! What queries answer: names, types, time, parameters, errors.

use hub_model::ErrorKind;
use serde_json::json;

use crate::{
    Position, SqlBounds, parse,
    tests::support::{APRIL, Bench, HOUR, RIVER, river, small},
};

const TRAFFIC: &str = r#"{"fields":[
    {"name":"counter","type":"string","role":"key"},
    {"name":"計測時刻","type":"datetime","role":"time","interval":"PT1H","label":"start","alias":"time"},
    {"name":"vehicles","type":"integer","role":"value","unit":"{vehicles}"}],
    "primaryKey":["counter","計測時刻"]}"#;

async fn bench() -> Bench {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市", "朝里"], APRIL, 24)]).await;
    bench
}

#[tokio::test]
async fn a_column_answers_to_its_name_and_to_its_alias() {
    let bench = bench().await;
    for sql in [
        r#"SELECT max(流量) FROM otaru.river WHERE 観測所 = '余市'"#,
        r#"SELECT max(discharge) FROM otaru.river WHERE station = '余市'"#,
        r#"SELECT max("流量") FROM otaru.river WHERE station = '余市'"#,
        r#"SELECT max(r.discharge) FROM Otaru.River r WHERE r."観測所" = '余市'"#,
        r#"SELECT max(流量) FROM otaru.river WHERE 観測所 = '余市' AND station = '余市'"#,
        r#"WITH y AS (SELECT discharge FROM otaru.river WHERE station = '余市') SELECT max(discharge) FROM y"#,
    ] {
        assert_eq!(bench.value(sql).await, "46.0", "{sql}");
    }
}

#[tokio::test]
async fn the_answer_names_columns_as_they_were_asked_for() {
    let bench = bench().await;
    let names = async |sql: &str| -> Vec<String> {
        let schema = bench.start(sql).await.unwrap().schema();
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    assert_eq!(names("SELECT time, 流量 FROM otaru.river").await, ["time", "流量"]);
    assert_eq!(names("SELECT 時刻, time FROM otaru.river").await, ["時刻", "time"]);
    let all = ["観測所", "時刻", "level", "流量", "samples"];
    assert_eq!(names("SELECT * FROM otaru.river").await, all);
    assert_eq!(names("SELECT * FROM otaru.river ORDER BY time").await, all);
    assert_eq!(
        names(
            "SELECT a.level, b.level FROM otaru.river a JOIN otaru.river b USING (station, time)"
        )
        .await,
        ["level", "level_2"]
    );
}

#[tokio::test]
async fn a_column_without_a_name_is_called_as_it_is_written() {
    let bench = bench().await;
    let names = async |sql: &str| -> Vec<String> {
        let schema = bench.start(sql).await.unwrap().schema();
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    assert_eq!(
        names("SELECT 1 + 1, 'a', count(*), MAX(r.level), level::text AS t FROM otaru.river r GROUP BY 5").await,
        ["1 + 1", "'a'", "count(*)", "MAX(r.level)", "t"]
    );
    assert_eq!(
        names("SELECT level::text, samples + 1 FROM otaru.river").await,
        ["level", "samples + 1"]
    );
    let around = names("SELECT 1 + 1, *, level * 2 FROM otaru.river").await;
    assert_eq!((around[0].as_str(), around.last().unwrap().as_str()), ("1 + 1", "level * 2"));
    assert_eq!(around[1..6], ["観測所", "時刻", "level", "流量", "samples"]);
    assert_eq!(names("SELECT 1 UNION ALL SELECT 2 ORDER BY 1").await, ["1"]);
    assert_eq!(names("SELECT upper('a'), upper('b')").await, ["upper('a')", "upper('b')"]);
    assert_eq!(names("EXPLAIN SELECT 1 + 1").await, ["plan_type", "plan"]);
    let long = format!("SELECT {}", vec!["1"; 60].join(" + "));
    assert!(names(&long).await[0].ends_with("…"));
}

#[tokio::test]
async fn mistakes_are_told_in_the_askers_words() {
    let bench = bench().await;
    for (sql, said) in [
        ("SELECT round('x')", "can't be called; round is called as round("),
        ("SELECT sum(観測所) FROM otaru.river", "sum(text) can't be called"),
        ("SELECT 'a' + 1", "text + bigint can't be computed; CAST one of the two"),
        ("SELECT level FROM otaru.river WHERE time > 5", "timestamp > bigint can't be compared"),
        ("SELECT lag(level) FROM otaru.river", "write lag(…) OVER (ORDER BY …)"),
        ("SELECT a FROM (SELECT 1 a, 2 a)", "two columns are called \"a\""),
        ("SELECT $1", "parameters has no value for it"),
        ("SELECT regexp_like('a', '(')", "the regular expression can't be read: unclosed group"),
        ("SELECT regexp_match('a', '[')", "unclosed character class"),
        ("SELECT CAST('a' AS INT)", "the text 'a' can't be read as integer"),
        ("SELECT 1 FROM information_schema.foo", "has tables, columns, schemata and routines"),
        ("SELECT (1", "it ends where ) was expected"),
        ("SELECT FROM otaru.river x y", "was expected, and here is"),
        ("SELECT 'abc", "the SQL can't be read: "),
    ] {
        let error = bench.error(sql).await.to_string();
        assert!(error.contains(said), "{sql}: {error}");
        for theirs in ["Int64", "Utf8", "DataFusion", "github", "Internal error", "Ident"] {
            assert!(!error.contains(theirs), "{sql}: {error}");
        }
    }
    let far = bench.error("SELECT zzz(1)").await;
    assert_eq!(far.to_string(), "there is no function \"zzz\"");
    let near = bench.error("SELECT roud(1.5)").await;
    assert_eq!(near.suggestions(), ["round"]);
    let end = bench.error("SELECT 1 +\n  ").await;
    assert_eq!(end.position().map(|p| (p.line, p.column)), Some((1, 11)));
}

#[tokio::test]
async fn a_label_of_the_query_is_not_taken_for_an_alias() {
    let bench = bench().await;
    let shown = bench
        .show(
            "SELECT date_trunc('day', 時刻) AS time, count(*) AS n FROM otaru.river \
             GROUP BY time ORDER BY time",
        )
        .await;
    assert!(shown.contains("2024-04-01T00:00:00+09:00 | 48"), "{shown}");
}

#[tokio::test]
async fn an_alias_with_its_table_in_front_is_found_beside_a_label_of_the_same_name() {
    let bench = bench().await;
    for sql in [
        // The label is another subquery's.
        "WITH days AS (SELECT 観測所 AS station, date_trunc('day', 時刻) AS time, max(流量) AS top \
         FROM otaru.river GROUP BY 1, 2) \
         SELECT max(days.top) FROM days JOIN otaru.river r \
         ON r.station = days.station AND date_trunc('day', r.time) = days.time \
         WHERE r.station = '余市'",
        // And this one is of the very select.
        "SELECT max(top) FROM (SELECT date_trunc('day', r.時刻) AS time, r.time AS at, 流量 AS top \
         FROM otaru.river r WHERE r.station = '余市') d",
        "SELECT max(river.discharge) FROM otaru.river JOIN (SELECT 1.0 AS discharge) x \
         ON x.discharge <= river.discharge WHERE river.station = '余市'",
        "SELECT max(otaru.river.discharge) AS time FROM otaru.river \
         WHERE otaru.river.time > '2024-01-01' AND otaru.river.station = '余市'",
    ] {
        assert_eq!(bench.value(sql).await, "46.0", "{sql}");
    }
}

#[tokio::test]
async fn a_value_made_of_a_column_may_have_the_name_of_its_alias() {
    let bench = bench().await;
    for sql in [
        "SELECT max(discharge) AS discharge FROM otaru.river WHERE station = '余市'",
        "SELECT max(d.discharge) AS discharge FROM (SELECT station, max(discharge) AS discharge \
         FROM otaru.river GROUP BY station) d WHERE d.station = '余市'",
        "WITH d AS (SELECT station, discharge * 2 AS discharge FROM otaru.river) \
         SELECT max(discharge) / 2 AS discharge FROM d WHERE station = '余市'",
    ] {
        assert_eq!(bench.value(sql).await, "46.0", "{sql}");
    }
}

#[tokio::test]
async fn aliases_of_two_datasets_join() {
    let mut bench = bench().await;
    let contract = hub_model::Contract::parse(TRAFFIC.as_bytes()).unwrap();
    let traffic = arrow::array::RecordBatch::try_new(
        contract.storage_schema(),
        vec![
            std::sync::Arc::new(arrow::array::StringArray::from(vec!["c1"; 3])),
            std::sync::Arc::new(
                arrow::array::TimestampMicrosecondArray::from(vec![
                    APRIL,
                    APRIL + HOUR,
                    APRIL + 99 * HOUR,
                ])
                .with_timezone("UTC"),
            ),
            std::sync::Arc::new(arrow::array::Int64Array::from(vec![10, 20, 30])),
        ],
    )
    .unwrap();
    bench.add("road.traffic", TRAFFIC, &[traffic]).await;
    for sql in [
        "SELECT sum(vehicles) FROM otaru.river r JOIN road.traffic t ON r.time = t.time",
        "SELECT sum(vehicles) FROM otaru.river JOIN road.traffic USING (time)",
        "SELECT sum(vehicles) FROM otaru.river r JOIN road.traffic t ON r.時刻 = t.time",
        "SELECT sum(vehicles) FROM otaru.river r JOIN road.traffic t ON r.時刻 = t.計測時刻",
    ] {
        assert_eq!(bench.value(sql).await, "60", "{sql}");
    }
}

#[tokio::test]
async fn an_alias_joins_by_using_with_a_column_of_the_same_name() {
    let mut bench = bench().await;
    let stations =
        r#"{"fields": [{"name": "station", "type": "string"}], "primaryKey": ["station"]}"#;
    let contract = hub_model::Contract::parse(stations.as_bytes()).unwrap();
    let rows = arrow::array::RecordBatch::try_new(
        contract.storage_schema(),
        vec![std::sync::Arc::new(arrow::array::StringArray::from(vec!["余市"]))],
    )
    .unwrap();
    bench.add("otaru.stations", stations, &[rows]).await;
    for sql in [
        "SELECT max(discharge) FROM otaru.river JOIN otaru.stations USING (station)",
        "SELECT max(discharge) FROM otaru.stations s JOIN otaru.river r USING (station) GROUP BY station",
    ] {
        assert_eq!(bench.value(sql).await, "46.0", "{sql}");
    }
}

#[tokio::test]
async fn days_begin_at_midnight_in_japan() {
    let bench = bench().await;
    for sql in [
        "SELECT count(*) FROM otaru.river WHERE time >= '2024-04-01' AND time < '2024-04-02'",
        "SELECT count(*) FROM otaru.river WHERE time >= '2024-03-31T15:00:00Z'",
        "SELECT count(*) FROM otaru.river WHERE date_trunc('day', time) = TIMESTAMP '2024-04-01'",
        "SELECT count(*) FROM otaru.river WHERE CAST(time AS date) = DATE '2024-04-01'",
    ] {
        assert_eq!(bench.value(sql).await, "48", "{sql}");
    }
    let first = bench.value("SELECT min(time) FROM otaru.river").await;
    assert_eq!(first, "2024-04-01T00:00:00+09:00");
}

#[tokio::test]
async fn parameters_take_the_place_of_values() {
    let bench = bench().await;
    let mut request = bench.request(
        parse(
            "SELECT count(*) FROM otaru.river WHERE station = $1 AND time >= $2 AND level < $3",
            &SqlBounds::default(),
        )
        .unwrap(),
    );
    request.parameters = vec![json!("余市"), json!("2024-04-01T12:00:00+09:00"), json!(20)];
    let mut stream = bench.engine.run(request).await.unwrap();
    let batch = futures::StreamExt::next(&mut stream).await.unwrap().unwrap();
    assert_eq!(arrow::util::display::array_value_to_string(batch.column(0), 0).unwrap(), "8");
    let error = bench.error("SELECT count(*) FROM otaru.river WHERE station = $1").await;
    assert_eq!(error.kind(), ErrorKind::SqlInvalid, "{error:?}");
}

#[tokio::test]
async fn units_and_meanings_travel_with_plain_columns() {
    let bench = bench().await;
    let schema = bench
        .start(
            "WITH r AS (SELECT level AS l, time FROM otaru.river) SELECT l AS height, time FROM r",
        )
        .await
        .unwrap()
        .schema();
    assert_eq!(schema.field(0).name(), "height");
    assert_eq!(schema.field(0).metadata()["unit"], "m");
    assert_eq!(schema.field(0).metadata()["title"], "水位");
    assert_eq!(schema.field(1).metadata()["label"], "end");
}

#[tokio::test]
async fn a_misspelt_column_is_named_with_its_place_and_near_names() {
    let bench = bench().await;
    let error = bench.error("SELECT time,\n       lebel\nFROM otaru.river").await;
    assert_eq!(error.kind(), ErrorKind::SqlInvalid);
    assert_eq!(error.position(), Some(Position { line: 2, column: 8 }));
    assert_eq!(error.suggestions()[0], "level");
    let error = bench.error("SELECT statoin FROM otaru.river").await;
    assert_eq!(error.suggestions()[0], "station", "{error:?}");
    let error = bench.error("SELECT flor(level) FROM otaru.river").await;
    assert_eq!(error.suggestions(), ["floor"], "{error:?}");
}

#[tokio::test]
async fn a_misspelt_dataset_is_named_with_its_place_and_near_names() {
    let bench = bench().await;
    let error = bench.error("SELECT 1\nFROM otaru.rivers").await;
    assert_eq!(error.position(), Some(Position { line: 2, column: 6 }));
    assert_eq!(error.suggestions(), ["otaru.river"]);
    let error = bench.error("SELECT 1 FROM river").await;
    assert_eq!(error.suggestions(), ["otaru.river"]);
    assert!(error.to_string().contains("agency.dataset"), "{error}");
}

#[tokio::test]
async fn errors_of_values_speak_of_values() {
    let bench = bench().await;
    let error = bench.error("SELECT samples / (samples - samples) FROM otaru.river").await;
    assert_eq!(error.kind(), ErrorKind::SqlExecution);
    assert!(error.to_string().contains("NULLIF"), "{error}");
    let error = bench.error("SELECT CAST(station AS double) FROM otaru.river").await;
    assert_eq!(error.kind(), ErrorKind::SqlExecution, "{error:?}");
    for sql in ["SELECT FROM WHERE", "SELECT 'open", "SELECT (1", "SELEC 1"] {
        let error = bench.error(sql).await;
        assert_eq!(error.kind(), ErrorKind::SqlInvalid, "{sql}");
        assert!(!error.to_string().contains("Line:"), "{error}");
    }
}

#[tokio::test]
async fn a_dataset_that_is_not_handed_over_does_not_exist() {
    let mut bench = bench().await;
    bench.add("otaru.secret", RIVER, &[river(&["忍路"], APRIL, 3)]).await;
    let hidden = bench.tables.pop().unwrap();
    bench.listed.pop();
    let absent = bench.error("SELECT * FROM otaru.secrets").await;
    let refused = bench.error("SELECT * FROM otaru.secret").await;
    assert_eq!(
        refused.to_string().replace("secret", "x"),
        absent.to_string().replace("secrets", "x")
    );
    assert_eq!(refused.suggestions(), absent.suggestions());
    for sql in [
        "SELECT table_name FROM information_schema.tables",
        "SELECT table_schema || table_name || column_name FROM information_schema.columns",
        "EXPLAIN SELECT * FROM information_schema.tables",
    ] {
        let shown = bench.show(sql).await;
        assert!(!shown.contains("secret"), "{shown}");
    }
    // Readable and not listed: the catalog follows the list.
    bench.tables.push(hidden);
    assert_eq!(bench.value("SELECT count(*) FROM otaru.secret").await, "3");
    let shown = bench.show("SELECT table_name FROM information_schema.tables").await;
    assert!(!shown.contains("secret"), "{shown}");
}

#[tokio::test]
async fn the_information_schema_lists_columns_of_datasets_that_are_not_read() {
    let bench = bench().await;
    let shown = bench
        .show(
            "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns \
             WHERE table_name = 'river' ORDER BY ordinal_position",
        )
        .await;
    for word in ["otaru", "river", "観測所", "level"] {
        assert!(shown.contains(word), "{shown}");
    }
    let error = bench.error("SELECT * FROM information_schema.df_settings").await;
    assert_eq!(error.kind(), ErrorKind::SqlInvalid, "{error:?}");
}

#[tokio::test]
async fn lists_and_objects_are_no_parameters() {
    let bench = bench().await;
    let sql = "SELECT count(*) FROM otaru.river WHERE station = $1";
    for nested in [json!(["余市"]), json!({"a": 1}), json!([])] {
        let mut request = bench.request(parse(sql, &SqlBounds::default()).unwrap());
        request.parameters = vec![nested];
        let error = bench.engine.run(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
        assert!(error.to_string().contains("$1") && error.to_string().contains("IN ("), "{error}");
    }
}

#[tokio::test]
async fn times_may_be_written_to_the_minute_and_with_slashes() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市"], APRIL, 48)]).await;
    for (condition, count) in [
        ("time >= '2024-04-01 02:00'", "46"),
        ("時刻 >= '2024-04-01T02:00'", "46"),
        ("'2024/04/02' <= time", "24"),
        ("time < '2024/4/1 09:30'", "10"),
        ("time BETWEEN '2024-04-01 02:00' AND '2024/04/01 04:00:00'", "3"),
        ("time NOT IN ('2024-04-01 02:00', '2024-04-01 03:00:00')", "46"),
        ("time = TIMESTAMP '2024-04-01 02:00'", "1"),
        ("time::date = '2024/04/02'", "24"),
        ("time::date = DATE '2024/4/2'", "24"),
        ("time > (SELECT min(time) FROM otaru.river WHERE time >= '2024-04-01 02:00')", "45"),
        // A text that is data stays as it is.
        ("'2024/04/01' = replace('2024-04-01', '-', '/')", "48"),
        ("station <> '2024/04/01'", "48"),
    ] {
        let sql = format!("SELECT count(*) FROM otaru.river WHERE {condition}");
        assert_eq!(bench.value(&sql).await, count, "{condition}");
    }
    assert_eq!(bench.value("SELECT '2024/04/01'").await, "2024/04/01");
    let sql = "SELECT count(*) FROM otaru.river WHERE time >= $1 AND time < $2";
    let mut request = bench.request(parse(sql, &SqlBounds::default()).unwrap());
    request.parameters = vec![json!("2024-04-01 02:00"), json!("2024/04/02")];
    let stream = bench.engine.run(request).await.unwrap();
    let batches: Vec<_> = futures::TryStreamExt::try_collect(stream).await.unwrap();
    let count = arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap();
    assert_eq!(count, "22");
    let error = bench.error("SELECT * FROM otaru.river WHERE time >= 'noon'").await;
    assert!(error.to_string().contains("'2026-04-01 09:00:00'"), "{error}");
}

#[tokio::test]
async fn a_column_named_by_using_needs_no_table_in_where() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市", "朝里"], APRIL, 4)]).await;
    bench.add("otaru.dam", RIVER, &[river(&["余市"], APRIL, 3)]).await;
    for (sql, count) in [
        (
            "SELECT count(*) FROM otaru.river a JOIN otaru.dam b USING (station, time) WHERE station = '余市'",
            "3",
        ),
        (
            "SELECT count(*) FROM otaru.river JOIN otaru.dam USING (station, time) WHERE time > '2024-04-01 01:00'",
            "1",
        ),
        (
            "SELECT count(*) FROM otaru.river a LEFT JOIN otaru.dam b USING (station, time) WHERE station = '朝里'",
            "4",
        ),
        (
            "SELECT count(*) FROM otaru.river a JOIN otaru.dam b USING (station, time) JOIN otaru.dam c USING (station, time) WHERE station LIKE '余%'",
            "3",
        ),
        (
            "SELECT count(*) FROM (SELECT station, level FROM otaru.river) AS a JOIN otaru.dam b USING (station) WHERE upper(station) = '余市'",
            "12",
        ),
        // The subquery's own column of the same name stays its own.
        (
            "SELECT count(*) FROM otaru.river a JOIN otaru.dam b USING (station, time) WHERE station IN (SELECT station FROM otaru.dam WHERE station = '余市')",
            "3",
        ),
        (
            "SELECT count(*) FROM otaru.river a JOIN otaru.dam b USING (station, time) WHERE EXISTS (SELECT 1 FROM otaru.dam WHERE station = '朝里') OR time > '2024-04-01 01:00'",
            "1",
        ),
        (
            "SELECT count(*) FROM otaru.dam b RIGHT JOIN otaru.river a USING (station, time) WHERE station = '朝里'",
            "4",
        ),
    ] {
        assert_eq!(bench.value(sql).await, count, "{sql}");
    }
}

#[tokio::test]
async fn a_column_named_by_using_has_the_values_of_either_table() {
    let bench = Bench::new(small());
    let joined = |join: &str| {
        format!("(SELECT 1 AS k, 'a' AS x) a {join} JOIN (SELECT 2 AS k, 'b' AS y) b USING (k)")
    };
    let full = joined("FULL");
    for (sql, value) in [
        (format!("SELECT sum(k) FROM {full}"), "3"),
        (format!("SELECT max(k) FROM {full} WHERE k > 1"), "2"),
        (
            format!(
                "SELECT count(*) FROM (SELECT k AS key FROM {full} GROUP BY k) WHERE key IN (1, 2)"
            ),
            "2",
        ),
        (format!("SELECT k FROM {full} ORDER BY k DESC LIMIT 1"), "2"),
        (format!("SELECT K + 1 FROM {full} ORDER BY 1 LIMIT 1"), "2"),
        (format!("SELECT count(*) FROM {full} WHERE k IN (SELECT 2 AS k)"), "1"),
        (format!("SELECT sum(k) FROM {}", joined("RIGHT")), "2"),
        (format!("SELECT sum(k) FROM {}", joined("RIGHT OUTER")), "2"),
        (format!("SELECT sum(k) FROM {}", joined("LEFT")), "1"),
    ] {
        assert_eq!(bench.value(&sql).await, value, "{sql}");
    }
    let named = bench.start(&format!("SELECT k, x, y FROM {full}")).await.unwrap().schema();
    assert_eq!(named.field(0).name(), "k");
    for (sql, said) in [
        (format!("SELECT * FROM {full}"), "name the columns"),
        (
            "SELECT k FROM (SELECT 1 AS k) a NATURAL FULL JOIN (SELECT 2 AS k) b".to_owned(),
            "COALESCE",
        ),
        (format!("SELECT k FROM {full} JOIN (SELECT 2 AS k) c USING (k)"), "COALESCE"),
    ] {
        let error = bench.error(&sql).await.to_string();
        assert!(error.contains(said), "{sql}: {error}");
    }
}

/// 2024-04-01 begins in Japan at 15:00 of the day before in UTC.
#[tokio::test]
async fn dates_and_times_without_a_zone_are_japanese_wherever_they_meet_an_instant() {
    let mut bench = Bench::new(small());
    // The hours of 31 March from 22:00 on and of 1 April until 01:00.
    bench.add("otaru.river", RIVER, &[river(&["a"], APRIL - 2 * HOUR, 4)]).await;
    let hours = "SELECT count(*) FROM otaru.river WHERE";
    for (sql, value) in [
        (format!("{hours} time >= DATE '2024-04-01'"), "2"),
        (format!("{hours} time < DATE '2024-04-01'"), "2"),
        (format!("{hours} time = DATE '2024-04-01'"), "1"),
        (format!("{hours} time BETWEEN DATE '2024-04-01' AND DATE '2024-04-02'"), "2"),
        (format!("{hours} time IN (DATE '2024-03-31', DATE '2024-04-01')"), "1"),
        (format!("{hours} time >= TIMESTAMP '2024-04-01 00:00:00'"), "2"),
        (format!("{hours} time >= TIMESTAMP '2024-03-31 23:00:00'"), "3"),
        (format!("{hours} time >= CAST('2024-04-01' AS DATE)::timestamptz"), "2"),
        (format!("{hours} time >= make_date(2024, 4, 1)"), "2"),
        (
            "SELECT count(*) FROM otaru.river r JOIN (VALUES (DATE '2024-04-01'), (DATE '2024-04-02')) AS d(day)
             ON r.time >= d.day"
                .to_owned(),
            "2",
        ),
        (
            "SELECT count(*) FROM otaru.river r JOIN (VALUES (DATE '2024-04-01')) AS d(day) ON r.time = d.day"
                .to_owned(),
            "1",
        ),
        (
            "SELECT TIMESTAMPTZ '2024-04-01T00:00:00+09:00' >= DATE '2024-04-01'".to_owned(),
            "true",
        ),
        // The other way: the day of an instant is that in Japan.
        (format!("{hours} time::date = DATE '2024-04-01'"), "2"),
    ] {
        assert_eq!(bench.value(&sql).await, value, "{sql}");
    }
}
