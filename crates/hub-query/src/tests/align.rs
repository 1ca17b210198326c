//! `align`: what is put on the grid, how, and what stands beside it.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use hub_model::Contract;

use super::support::{APRIL, Bench, HOUR, RIVER, river, small};
use crate::QUALITY_KEY;

const WEATHER: &str = r#"{"fields":[
    {"name":"観測所","type":"string","role":"key","alias":"station"},
    {"name":"時刻","type":"datetime","role":"time","interval":"PT1H","label":"end","alias":"time"},
    {"name":"雨","type":"number","role":"value","unit":"mm","alias":"rain"},
    {"name":"rain_quality","type":"string","role":"quality","quality_of":"雨"},
    {"name":"気温","type":"number","role":"value","unit":"Cel","alias":"temperature"},
    {"name":"wind_direction","type":"number","role":"value","unit":"deg"},
    {"name":"wind_speed","type":"number","role":"value","unit":"m/s"},
    {"name":"cars","type":"integer","role":"value","unit":"{vehicles}/h"},
    {"name":"weather","type":"string","role":"value"}],
    "primaryKey":["観測所","時刻"]}"#;

/// Hours 1 to 48 of one station; hour 5 is missing, and the rain of hours 7 and 8 is doubtful.
async fn bench() -> Bench {
    let mut bench = Bench::new(small());
    let hours: Vec<i64> = (1..=48).filter(|hour| *hour != 5).collect();
    let numbers = |of: fn(i64) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(hours.iter().map(|hour| of(*hour))))
    };
    let word = |hour: &i64| if [7, 8].contains(hour) { "doubtful" } else { "normal" };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["a"; hours.len()])),
        Arc::new(
            TimestampMicrosecondArray::from_iter_values(hours.iter().map(|h| APRIL + h * HOUR))
                .with_timezone("UTC"),
        ),
        numbers(|hour| hour as f64),
        Arc::new(StringArray::from(hours.iter().map(word).collect::<Vec<_>>())),
        numbers(|hour| hour as f64 / 2.0),
        numbers(|hour| if hour % 2 == 0 { 350.0 } else { 10.0 }),
        numbers(|hour| if hour % 2 == 0 { 1.0 } else { 3.0 }),
        Arc::new(Int64Array::from_iter_values(hours.iter().copied())),
        Arc::new(StringArray::from(vec!["fine"; hours.len()])),
    ];
    let schema = Contract::parse(WEATHER.as_bytes()).unwrap().storage_schema();
    bench.add("kisho.weather", WEATHER, &[RecordBatch::try_new(schema, columns).unwrap()]).await;
    bench.add("otaru.river", RIVER, &[river(&["余市", "仁木"], APRIL, 72)]).await;
    bench
}

#[tokio::test]
async fn each_measure_is_put_together_as_its_unit_suggests() {
    let bench = bench().await;
    // Of the first day hours 1 to 24: rain without the missing and the doubtful hours is 300 - 5 - 15. Eleven
    // odd hours of 3 m/s from 10 degrees and twelve even ones of 1 m/s from 350 make atan(21 / 45 tan 10).
    let sql = "SELECT station, time, rain, round(rain_coverage, 4) AS cover, temperature, \
               round(wind_direction, 6) AS wind, wind_speed, cars, cars_coverage \
               FROM align('kisho.weather', '1 day') ORDER BY time";
    insta::assert_snapshot!(bench.show(sql).await, @r"
    +---------+---------------------------+-------+-------+-------------------+----------+--------------------+-------+--------------------+
    | station | time                      | rain  | cover | temperature       | wind     | wind_speed         | cars  | cars_coverage      |
    +---------+---------------------------+-------+-------+-------------------+----------+--------------------+-------+--------------------+
    | a       | 2024-04-01T00:00:00+09:00 | 280.0 | 0.875 | 6.413043478260869 | 4.704038 | 1.9565217391304348 | 295.0 | 0.9583333333333334 |
    | a       | 2024-04-02T00:00:00+09:00 | 876.0 | 1.0   | 18.25             | 5.038369 | 2.0                | 876.0 | 1.0                |
    +---------+---------------------------+-------+-------+-------------------+----------+--------------------+-------+--------------------+
    ");
    let batches = bench.batches("SELECT * FROM align('kisho.weather', '1 day')").await.unwrap();
    let schema = batches[0].schema();
    let told: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| {
            let said = |key: &str| field.metadata().get(key).map_or("-", String::as_str);
            format!("{} {} {}", field.name(), said("unit"), said("put_together"))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    観測所 - -
    時刻 - -
    雨 mm sum
    雨_coverage - -
    気温 Cel mean
    気温_coverage - -
    wind_direction deg vector_mean
    wind_direction_coverage - -
    wind_speed m/s mean
    wind_speed_coverage - -
    cars {vehicles} sum
    cars_coverage - -
    ");
}

#[tokio::test]
async fn a_contract_says_how_values_are_put_together() {
    let mut bench = Bench::new(small());
    // Days of snow: how much fell, how deep it lay, and the greatest rain of an hour.
    let contract = r#"{"fields":[
        {"name":"day","type":"date","role":"time","interval":"P1D"},
        {"name":"fell","type":"number","role":"value","unit":"cm","aggregate":"sum"},
        {"name":"lay","type":"number","role":"value","unit":"cm","aggregate":"max"},
        {"name":"hour","type":"number","role":"value","unit":"mm","aggregate":"max"},
        {"name":"low","type":"number","role":"value","unit":"Cel","aggregate":"min"},
        {"name":"state","type":"string","role":"value","aggregate":"last"}],
        "primaryKey":["day"]}"#;
    let number = |values: [f64; 3]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from(vec![19_814, 19_815, 19_816])),
        number([4.0, 0.0, 7.0]),
        number([80.0, 78.0, 83.0]),
        number([1.5, 3.5, 0.5]),
        number([-4.0, -9.0, 1.0]),
        Arc::new(StringArray::from(vec!["snow", "fine", "rain"])),
    ];
    let schema = Contract::parse(contract.as_bytes()).unwrap().storage_schema();
    let batch = RecordBatch::try_new(schema, columns).unwrap();
    bench.add("kisho.days", contract, &[batch]).await;
    let sql = "SELECT * FROM align('kisho.days', '1 month', 'fell', 'lay', 'hour', 'low', 'state', 'lay:mean')";
    let batches = bench.batches(sql).await.unwrap();
    let ways: Vec<String> = batches[0]
        .schema()
        .fields()
        .iter()
        .filter_map(|field| {
            Some(format!("{} {}", field.name(), field.metadata().get("put_together")?))
        })
        .collect();
    assert_eq!(ways, ["fell sum", "lay max", "hour max", "low min", "state last", "lay_mean mean"]);
    let grid = "FROM align('kisho.days', '1 month', 'fell', 'lay', 'hour', 'low', 'state')";
    for (column, value) in
        [("fell", "11.0"), ("lay", "83.0"), ("hour", "3.5"), ("low", "-9.0"), ("state", "rain")]
    {
        assert_eq!(bench.value(&format!("SELECT {column} {grid}")).await, value, "{column}");
    }
    // What the call says goes before.
    let asked = "SELECT round(lay, 2) FROM align('kisho.days', '1 month', 'mean', 'fell', 'lay')";
    assert_eq!(bench.value(asked).await, "80.33");
    let first = "SELECT hour FROM align('kisho.days', '1 month') WHERE hour > 3 AND low < 0";
    assert_eq!(bench.value(first).await, "3.5");
}

#[tokio::test]
async fn ways_are_named_for_all_or_for_one() {
    let bench = bench().await;
    let sql = "SELECT * FROM align('kisho.weather', '2 days', 'max', '雨', 'rain:min', 'temperature:mean', \
               'weather:last', 'cars:first', 'cars:count') a";
    insta::assert_snapshot!(bench.show(sql).await, @r"
    +--------+---------------------------+------+-------------+--------+-----------------+-------------------+--------------------+--------------+-----------------------+------------+---------------------+------------+---------------------+
    | 観測所 | 時刻                      | 雨   | 雨_coverage | 雨_min | 雨_min_coverage | 気温_mean         | 気温_mean_coverage | weather_last | weather_last_coverage | cars_first | cars_first_coverage | cars_count | cars_count_coverage |
    +--------+---------------------------+------+-------------+--------+-----------------+-------------------+--------------------+--------------+-----------------------+------------+---------------------+------------+---------------------+
    | a      | 2024-03-31T00:00:00+09:00 | 24.0 | 0.4375      | 1.0    | 0.4375          | 6.413043478260869 | 0.4791666666666667 | fine         | 0.4791666666666667    | 1          | 0.4791666666666667  | 23         | 0.4791666666666667  |
    | a      | 2024-04-02T00:00:00+09:00 | 48.0 | 0.5         | 25.0   | 0.5             | 18.25             | 0.5                | fine         | 0.5                   | 25         | 0.5                 | 24         | 0.5                 |
    +--------+---------------------------+------+-------------+--------+-----------------+-------------------+--------------------+--------------+-----------------------+------------+---------------------+------------+---------------------+
    ");
}

#[tokio::test]
async fn gaps_are_filled_and_flagged_and_thin_buckets_left_out() {
    let bench = bench().await;
    let sql = "SELECT time, 雨, 雨_coverage, 雨_filled FROM align('kisho.weather', '1 hour', 'rain', \
               start => '2024-04-01 03:00', finish => '2024-04-01 10:00', fill => 'interpolate') ORDER BY time";
    insta::assert_snapshot!(bench.show(sql).await, @r"
    +---------------------------+------+-------------+-----------+
    | time                      | 雨   | 雨_coverage | 雨_filled |
    +---------------------------+------+-------------+-----------+
    | 2024-04-01T03:00:00+09:00 | 4.0  | 1.0         | false     |
    | 2024-04-01T04:00:00+09:00 | 5.0  | 0.0         | true      |
    | 2024-04-01T05:00:00+09:00 | 6.0  | 1.0         | false     |
    | 2024-04-01T06:00:00+09:00 | 7.0  | 0.0         | true      |
    | 2024-04-01T07:00:00+09:00 | 8.0  | 0.0         | true      |
    | 2024-04-01T08:00:00+09:00 | 9.0  | 1.0         | false     |
    | 2024-04-01T09:00:00+09:00 | 10.0 | 1.0         | false     |
    +---------------------------+------+-------------+-----------+
    ");
    let sql = sql.replace("'interpolate'", "'locf', max_gap => '1 hour'");
    insta::assert_snapshot!(bench.show(&sql).await, @r"
    +---------------------------+------+-------------+-----------+
    | time                      | 雨   | 雨_coverage | 雨_filled |
    +---------------------------+------+-------------+-----------+
    | 2024-04-01T03:00:00+09:00 | 4.0  | 1.0         | false     |
    | 2024-04-01T04:00:00+09:00 | 4.0  | 0.0         | true      |
    | 2024-04-01T05:00:00+09:00 | 6.0  | 1.0         | false     |
    | 2024-04-01T06:00:00+09:00 | 6.0  | 0.0         | true      |
    | 2024-04-01T07:00:00+09:00 |      | 0.0         | false     |
    | 2024-04-01T08:00:00+09:00 | 9.0  | 1.0         | false     |
    | 2024-04-01T09:00:00+09:00 | 10.0 | 1.0         | false     |
    +---------------------------+------+-------------+-----------+
    ");
    let sql = "SELECT time, rain, rain_coverage FROM align('kisho.weather', '4 hours', 'rain', \
               min_coverage => 0.75) WHERE time < '2024-04-01 12:00' ORDER BY time";
    insta::assert_snapshot!(bench.show(sql).await, @r"
    +---------------------------+------+---------------+
    | time                      | rain | rain_coverage |
    +---------------------------+------+---------------+
    | 2024-04-01T00:00:00+09:00 | 10.0 | 1.0           |
    | 2024-04-01T04:00:00+09:00 |      | 0.25          |
    | 2024-04-01T08:00:00+09:00 | 42.0 | 1.0           |
    +---------------------------+------+---------------+
    ");
    // A month of thirty days is 720 hours.
    let sql = "SELECT round(720 * level_coverage) AS hours, level_coverage = 1.0 * 71 / 720 \
               FROM align('otaru.river', 'P1M', 'level') WHERE time = '2024-04-01' AND station = '余市'";
    insta::assert_snapshot!(bench.show(sql).await, @r"
    +-------+---------------------------------+
    | hours | level_coverage = 1.0 * 71 / 720 |
    +-------+---------------------------------+
    | 71.0  | true                            |
    +-------+---------------------------------+
    ");
}

#[tokio::test]
async fn it_joins_and_tells_of_itself_as_any_query_does() {
    let bench = bench().await;
    let sql = "SELECT count(*) FROM align('kisho.weather', '1 day') w JOIN align('otaru.river', '1 day') r \
               USING (time) JOIN kisho.weather ON w.time = weather.time";
    assert_eq!(bench.value(sql).await, "2");
    let answer =
        bench.start("SELECT rain FROM align('kisho.weather', '1 day', 'rain')").await.unwrap();
    let said = answer.schema().metadata().get(QUALITY_KEY).cloned().unwrap_or_default();
    assert!(said.contains("\"雨\""), "{said}");
    let plan = bench.plan("SELECT time, flow_mean FROM align('otaru.river', '1 day', 'discharge:mean') AS \
                           a(station, time, flow_mean, c) WHERE station = '余市' AND time >= '2024-04-02'").await;
    assert!(plan.contains("predicate=") && plan.contains("余市"), "{plan}");
}

#[tokio::test]
async fn a_wrong_call_is_told_what_would_be_right() {
    let bench = bench().await;
    for (call, said) in [
        ("", "align('agency.dataset', '1 hour'"),
        ("'kisho.weather'", "the width of the grid"),
        ("'kisho.weather', 'soon'", "interval such as '1 hour'"),
        ("'kisho.weather', '0 hours'", "interval such as '1 hour'"),
        ("'kisho.weather', '1 hour', 'rian'", "did you mean \"rain\"?"),
        ("'kisho.weather', '1 hour', 'rain:men'", "mean, sum, min, max, first, last, count"),
        ("'kisho.weather', '1 hour', 'weather'", "weather:first"),
        ("'kisho.weather', '1 hour', 'station'", "no measure"),
        ("'kisho.weather', '1 hour', 'rain', 'rain'", "twice"),
        ("'kisho.weather', '1 hour', fil => 'locf'", "fill, max_gap, min_coverage, start, finish"),
        ("'kisho.weather', '1 hour', fill => 'zero'", "'none', 'locf' or 'interpolate'"),
        ("'kisho.weather', '1 hour', min_coverage => 2", "from 0 to 1"),
        ("'kisho.weather', '1 hour', max_gap => '1 hour'", "needs fill"),
        ("'kisho.weather', '1 hour', fill => 'locf', max_gap => '1 month'", "days or less"),
        ("'kisho.weather', '1 hour', start => '2024-01-01'", "both start and finish"),
        (
            "'kisho.wether', '1 hour'",
            "there is no dataset \"kisho.wether\"; did you mean \"kisho.weather\"?",
        ),
        ("kisho.weather, '1 hour'", "in quotes"),
    ] {
        let error = bench.error(&format!("SELECT * FROM align({call})")).await;
        assert!(error.to_string().contains(said), "{call}: {error}");
    }
}
