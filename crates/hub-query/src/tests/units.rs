//! Units of answers, and those that do not belong together.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use hub_model::Contract;

use super::support::{APRIL, Bench, HOUR, RIVER, river, small};
use crate::{QueryError, error::Position};

const PLACES: &str = r#"{"fields":[
    {"name":"station","type":"string","role":"key"},
    {"name":"time","type":"datetime","role":"time"},
    {"name":"level","type":"number","role":"value","unit":"m"},
    {"name":"bank","type":"number","role":"value","unit":"m"},
    {"name":"積雪","type":"number","role":"value","unit":"cm","alias":"snow"},
    {"name":"samples","type":"number"},
    {"name":"warmth","type":"number","role":"value","unit":"Cel"},
    {"name":"chill","type":"number","role":"value","unit":"Cel"}],
    "primaryKey":["station","time"]}"#;

async fn bench() -> Bench {
    let mut bench = Bench::new(small());
    let number = |from: f64| Arc::new(Float64Array::from(vec![from, from + 1.0])) as ArrayRef;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["a", "a"])),
        Arc::new(TimestampMicrosecondArray::from(vec![APRIL, APRIL + HOUR]).with_timezone("UTC")),
        number(1.0),
        number(3.0),
        number(70.0),
        number(6.0),
        number(10.0),
        number(-4.0),
    ];
    let schema = Contract::parse(PLACES.as_bytes()).unwrap().storage_schema();
    bench.add("a.p", PLACES, &[RecordBatch::try_new(schema, columns).unwrap()]).await;
    bench
}

/// The answer's units, `-` where there is none.
async fn units(bench: &Bench, sql: &str) -> String {
    let answer = bench.start(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let schema = answer.schema();
    let units = schema.fields().iter().map(|field| field.metadata().get("unit"));
    units.map(|unit| unit.map_or("-", String::as_str)).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn columns_of_answers_carry_their_units() {
    let bench = bench().await;
    for (sql, expected) in [
        ("SELECT * FROM a.p", "- - m m cm - Cel Cel"),
        ("SELECT bank - level, snow + 1, -level, snow * 2, level / bank FROM a.p", "m cm m - -"),
        (
            "SELECT avg(level), max(snow), count(level), sum(samples), stddev(level) FROM a.p",
            "m cm - - m",
        ),
        ("SELECT station, min(level) AS l FROM a.p GROUP BY GROUPING SETS ((station), ())", "- m"),
        ("SELECT lag(level) OVER (ORDER BY time), row_number() OVER () FROM a.p", "m -"),
        ("SELECT round(avg(level), 2), coalesce(level, bank) FROM a.p GROUP BY level, bank", "m m"),
        (
            "SELECT CASE WHEN level > 1 THEN level ELSE bank END, CASE WHEN level > 1 THEN level ELSE 0 END FROM a.p",
            "m m",
        ),
        (
            "WITH w AS (SELECT station, max(snow) AS s FROM a.p GROUP BY station) SELECT p.level, w.s FROM a.p p JOIN w USING (station)",
            "m cm",
        ),
        ("SELECT level FROM a.p UNION ALL SELECT bank FROM a.p", "m"),
        ("SELECT level FROM a.p UNION ALL SELECT samples FROM a.p", "-"),
        ("SELECT nullif(level, bank), nvl(level, bank) FROM a.p", "m m"),
        // A long table holds what measures different things.
        ("SELECT level FROM a.p UNION ALL SELECT warmth FROM a.p", "-"),
        ("SELECT CASE station WHEN 'a' THEN level ELSE warmth END FROM a.p", "-"),
        // A difference of temperatures is none.
        (
            "SELECT warmth, max(warmth) - min(warmth), stddev(warmth), avg(warmth) + stddev(warmth) FROM a.p GROUP BY warmth",
            "Cel K K Cel",
        ),
        (
            "SELECT warmth - lag(warmth) OVER (ORDER BY time), abs(warmth - 5), warmth - 5 FROM a.p",
            "K Cel Cel",
        ),
        ("SELECT d, d - d, d * 9 / 5 FROM (SELECT warmth - chill AS d FROM a.p)", "K K -"),
        ("SELECT convert(warmth, 'Cel', '[degF]') - convert(chill, 'Cel', '[degF]') FROM a.p", "-"),
        ("SELECT (SELECT max(snow) FROM a.p) AS s, level FROM a.p", "cm m"),
        ("SELECT DISTINCT ON (station) station, level FROM a.p ORDER BY station, time", "- m"),
    ] {
        assert_eq!(units(&bench, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn units_that_differ_are_neither_added_nor_compared() {
    let bench = bench().await;
    for sql in [
        "SELECT level + snow FROM a.p",
        "SELECT level - snow FROM a.p",
        "SELECT 1 FROM a.p WHERE level > snow",
        "SELECT 1 FROM a.p WHERE snow BETWEEN level AND 5",
        "SELECT greatest(level, snow) FROM a.p",
        "SELECT avg(level) FROM a.p GROUP BY station HAVING avg(level) < max(snow)",
        "SELECT 1 FROM a.p x JOIN a.p y ON x.level = y.snow",
        "SELECT 1 FROM a.p WHERE level IN (SELECT snow FROM a.p WHERE level < snow)",
        "SELECT sum(level) FILTER (WHERE level < snow) FROM a.p",
        "EXPLAIN SELECT level + snow FROM a.p",
        "SELECT 1 FROM a.p WHERE level IN (SELECT snow FROM a.p)",
        "SELECT 1 FROM a.p WHERE level NOT IN (SELECT max(snow) FROM a.p)",
        "SELECT 1 FROM a.p WHERE level IN (1, snow)",
        "SELECT 1 FROM a.p WHERE level > ANY (SELECT snow FROM a.p)",
        "SELECT 1 FROM a.p x WHERE EXISTS (SELECT 1 FROM a.p y WHERE y.snow = x.level)",
        "SELECT 1 FROM a.p x WHERE NOT EXISTS (SELECT 1 FROM a.p y WHERE y.station = x.station AND y.level > x.snow)",
        "SELECT 1 FROM a.p x WHERE EXISTS (SELECT 1 FROM a.p y WHERE EXISTS (SELECT 1 FROM a.p z WHERE z.snow = x.level))",
        "SELECT (SELECT max(y.level) FROM a.p y WHERE y.level < x.snow) FROM a.p x",
        "SELECT n.level FROM a.p x, LATERAL (SELECT y.level FROM a.p y WHERE y.snow > x.level ORDER BY y.time LIMIT 1) n",
        "SELECT nullif(level, snow) FROM a.p",
        "SELECT nvl(level, snow) FROM a.p",
        "SELECT CASE level WHEN snow THEN 1 END FROM a.p",
        "SELECT CASE WHEN level > 1 THEN level ELSE snow END FROM a.p",
        "SELECT level FROM a.p UNION ALL SELECT snow FROM a.p",
        "SELECT level FROM a.p UNION SELECT snow FROM a.p",
        "SELECT x.level FROM a.p x ASOF JOIN a.p y MATCH_CONDITION (x.level >= y.snow) ON x.station = y.station",
        "SELECT x.level FROM a.p x ASOF JOIN a.p y MATCH_CONDITION (x.time >= y.time) ON x.level = y.snow",
    ] {
        let error = bench.error(sql).await;
        let QueryError::InvalidSql { message, .. } = &error else { panic!("{sql}: {error:?}") };
        assert!(message.contains("convert("), "{sql}: {message}");
    }
    let error = bench.error("SELECT station,\n       level + snow FROM a.p").await;
    let QueryError::InvalidSql { message, position, .. } = error else { panic!("{error:?}") };
    assert_eq!(
        message,
        "level is in m and snow in cm, so they can't be added as they are; convert one first, as in \
         convert(snow, 'cm', 'm')"
    );
    assert_eq!(position, Some(Position { line: 2, column: 16 }));
}

#[tokio::test]
async fn units_that_measure_different_things_are_not_to_be_converted() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["a"], APRIL, 4)]).await;
    let error = bench.error("SELECT level > discharge FROM otaru.river").await;
    assert_eq!(
        error.to_string(),
        "level is in m and discharge in m3/s, so they can't be compared: they measure different things"
    );
}

#[tokio::test]
async fn a_value_is_converted_from_the_unit_that_its_expression_has() {
    let bench = bench().await;
    for (sql, shown, value) in [
        ("SELECT convert(avg(level), 'cm') FROM a.p", "cm", "150.0"),
        ("SELECT convert(max(snow) - min(snow), 'm') FROM a.p", "m", "0.01"),
        (
            "SELECT convert(x.deepest, 'm') FROM (SELECT max(snow) AS deepest FROM a.p) x",
            "m",
            "0.71",
        ),
        ("SELECT max(convert(s, 'mm')) FROM (SELECT snow + 1 AS s FROM a.p) x", "mm", "720.0"),
        (
            "SELECT convert(bank, 'cm') AS c FROM (SELECT bank FROM a.p UNION ALL SELECT level FROM a.p) ORDER BY              convert(bank, 'km') DESC LIMIT 1",
            "cm",
            "400.0",
        ),
        (
            "SELECT count(*) FROM a.p GROUP BY station HAVING convert(max(level), 'cm') > 199",
            "-",
            "2",
        ),
        (
            "SELECT convert(lead(level) OVER (ORDER BY time), 'cm') FROM a.p ORDER BY time LIMIT 1",
            "cm",
            "200.0",
        ),
    ] {
        assert_eq!(units(&bench, sql).await, shown, "{sql}");
        assert_eq!(bench.value(sql).await, value, "{sql}");
    }
    // The column is called as it was written.
    let named = bench.start("SELECT convert(avg(level), 'cm') FROM a.p").await.unwrap();
    let name = named.schema().field(0).name().clone();
    assert!(name.starts_with("convert(avg(") && name.matches(',').count() == 1, "{name}");
    for (sql, said) in [
        ("SELECT convert(samples, 'm') FROM a.p", "nothing says which unit samples has"),
        ("SELECT convert(level * snow, 'm') FROM a.p", "nothing says which unit"),
        ("SELECT convert(avg(level), 's') FROM a.p", "can't be converted"),
    ] {
        let error = bench.error(sql).await.to_string();
        assert!(error.contains(said), "{sql}: {error}");
    }
}

#[tokio::test]
async fn differences_of_temperatures_are_not_converted_by_a_zero() {
    let bench = bench().await;
    for sql in [
        "SELECT convert(max(warmth) - min(warmth), 'Cel', 'K') FROM a.p",
        "SELECT convert(stddev(warmth), 'Cel', '[degF]') FROM a.p",
        "SELECT convert(d, 'Cel', 'K') FROM (SELECT warmth - chill AS d FROM a.p)",
        "SELECT convert(avg(warmth - chill), 'K') FROM a.p",
    ] {
        let error = bench.error(sql).await;
        let QueryError::InvalidSql { message, .. } = &error else { panic!("{sql}: {error:?}") };
        let expected = "convert the values first and take their difference then";
        assert!(message.contains(expected), "{sql}: {message}");
    }
    // The way that is advised.
    let sql =
        "SELECT max(convert(warmth, 'Cel', '[degF]')) - min(convert(warmth, '[degF]')) FROM a.p";
    let value: f64 = bench.value(sql).await.parse().unwrap();
    assert!((value - 1.8).abs() < 1e-9, "{value}");
}
