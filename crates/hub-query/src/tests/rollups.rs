//! Answers from rollups against answers from rows: the same question to two engines over the same lake.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    compute::concat_batches,
    datatypes::{DataType, Float64Type},
    util::display::array_value_to_string,
};
use chrono::DateTime;
use futures::TryStreamExt;
use hub_lake::{CompactOptions, Lake, Publication, SnapshotAt, StageOptions};
use hub_model::{Contract, DatasetId, UploadId, UploadMode, VersionRecord};
use object_store::memory::InMemory;
use proptest::prelude::*;

use crate::{
    EngineConfig, QUALITY_KEY, QueryEngine, QueryRequest, ReadableTable, SqlBounds, parse,
    tests::support::{APRIL, HOUR, small},
};

const DAY: i64 = 24 * HOUR;

const GAUGES: &str = r#"{"fields":[
    {"name":"観測所","type":"string","role":"key","alias":"station"},
    {"name":"時刻","type":"datetime","role":"time","interval":"PT10M","label":"LABEL","alias":"time"},
    {"name":"水位","type":"number","role":"value","unit":"m","alias":"level"},
    {"name":"cars","type":"integer","role":"value"},
    {"name":"quality","type":"string","role":"quality","quality_of":"水位"},
    {"name":"remark","type":"string"}],
    "primaryKey":["観測所","時刻"]}"#;

/// A lake, and an engine over it with rollups and one without.
pub(super) struct Pair {
    pub(super) lake: Lake,
    pub(super) id: DatasetId,
    pub(super) contract: Arc<Contract>,
    pub(super) with: QueryEngine,
    pub(super) without: QueryEngine,
}

/// Station, time, level, cars.
pub(super) type Reading = (String, i64, Option<f64>, Option<i64>);

impl Pair {
    pub(super) async fn new(label: &str) -> Self {
        let pair = Self::on(Lake::on_store(Arc::new(InMemory::new())), label);
        pair.lake.create(&pair.id, &pair.contract).await.unwrap();
        pair
    }

    /// Over a lake that has the dataset.
    pub(super) fn on(lake: Lake, label: &str) -> Self {
        let contract = Contract::parse(GAUGES.replace("LABEL", label).as_bytes()).unwrap();
        let id = DatasetId::parse("otaru.gauges").unwrap();
        let engine = |rollups: bool| {
            QueryEngine::new(EngineConfig { rollups, ..small() }, lake.object_store()).unwrap()
        };
        let (with, without) = (engine(true), engine(false));
        Self { lake, id, contract: Arc::new(contract), with, without }
    }

    fn stage() -> StageOptions {
        StageOptions { rollup_rows: 0, ..StageOptions::default() }
    }

    pub(super) async fn publish(
        &self,
        mode: UploadMode,
        rows: &[Reading],
        rollups: bool,
    ) -> VersionRecord {
        let time: TimestampMicrosecondArray = rows.iter().map(|row| Some(row.1)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| Some(row.0.as_str())).collect::<StringArray>()),
            Arc::new(time.with_timezone("UTC")),
            Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| row.3).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| Some(quality(row))).collect::<StringArray>()),
            Arc::new(rows.iter().map(|_| None::<&str>).collect::<StringArray>()),
        ];
        let batch = RecordBatch::try_new(self.contract.storage_schema(), columns).unwrap();
        let (lake, id, contract) = (self.lake.clone(), self.id.clone(), Arc::clone(&self.contract));
        let options = if rollups {
            Self::stage()
        } else {
            StageOptions { rollup_rows: u64::MAX, ..Self::stage() }
        };
        let staged = tokio::task::spawn_blocking(move || {
            let mut stager = lake.stager(&id, &contract, options).unwrap();
            stager.push(batch, 1).unwrap();
            stager.finish().unwrap().staged
        });
        let publication = Publication {
            mode,
            upload_id: UploadId::generate(),
            committed_by: "staff".to_owned(),
            committed_at: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        };
        self.lake.commit(staged.await.unwrap(), publication).await.unwrap()
    }

    pub(super) async fn run(&self, engine: &QueryEngine, sql: &str, at: SnapshotAt) -> RecordBatch {
        let stream = engine.run(self.request(sql, at).await).await;
        let stream = stream.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let schema = stream.schema();
        let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
        let schema = batches.first().map_or(schema, RecordBatch::schema);
        concat_batches(&schema, &batches).unwrap()
    }

    async fn request(&self, sql: &str, at: SnapshotAt) -> QueryRequest {
        let snapshot = self.lake.snapshot(&self.id, at).await.unwrap();
        let table = ReadableTable { contract: Arc::clone(&self.contract), snapshot };
        QueryRequest {
            query: parse(sql, &SqlBounds::default()).unwrap(),
            parameters: Vec::new(),
            tables: vec![table],
            listed: Vec::new(),
            rollups: true,
        }
    }

    pub(super) async fn plan(&self, sql: &str) -> String {
        let shown = self.run(&self.with, &format!("EXPLAIN {sql}"), SnapshotAt::Latest).await;
        shown.column(1).as_string::<i32>().iter().flatten().collect::<Vec<_>>().join("\n")
    }

    /// Asks both engines, and answers the rows.
    pub(super) async fn same(&self, sql: &str, at: SnapshotAt) -> Vec<Vec<String>> {
        let (with, without) =
            (self.run(&self.with, sql, at).await, self.run(&self.without, sql, at).await);
        assert_eq!(with.schema(), without.schema(), "{sql}");
        let (with, without) = (rows(&with), rows(&without));
        assert_eq!(with.len(), without.len(), "{sql}");
        for (a, b) in with.iter().zip(&without) {
            for (a, b) in a.iter().zip(b) {
                assert!(alike(a, b), "{sql}: {a} from rollups, {b} from rows");
            }
        }
        with
    }

    /// Asks both engines, and makes sure that rollups were asked.
    pub(super) async fn rolled(&self, sql: &str, expected: &[&str]) -> Vec<Vec<String>> {
        let plan = self.plan(sql).await;
        for part in expected {
            assert!(plan.contains(part), "{sql}: no {part:?} in\n{plan}");
        }
        self.same(sql, SnapshotAt::Latest).await
    }

    pub(super) async fn unrolled(&self, sql: &str) {
        let plan = self.plan(sql).await;
        assert!(!plan.contains("rollup="), "{sql}:\n{plan}");
        self.same(sql, SnapshotAt::Latest).await;
    }

    /// Does a step, and answers the version that it made; none where it made none.
    pub(super) async fn take(&self, number: usize, step: Step) -> Option<VersionRecord> {
        // Each append is of a station of its own, so that no key comes twice.
        let own = format!("s{number}");
        Some(match step {
            Step::Append(day, count) => {
                let rows = series(&own, APRIL + day * DAY, count);
                self.publish(UploadMode::Append, &rows, true).await
            }
            Step::Bare(count) => {
                self.publish(UploadMode::Append, &series(&own, APRIL, count), false).await
            }
            Step::Upsert(rows) => {
                let keyed = rows.into_iter().map(|row| ((row.0.clone(), row.1), row));
                let rows: Vec<_> = keyed.collect::<BTreeMap<_, _>>().into_values().collect();
                self.publish(UploadMode::Upsert, &rows, true).await
            }
            Step::Replace(count) => {
                let rows = [series("a", APRIL, count), series("b", APRIL, count)].concat();
                self.publish(UploadMode::Replace, &rows, true).await
            }
            Step::Compact => {
                let options = CompactOptions {
                    stage: Self::stage(),
                    at_least_files: 2,
                    ..CompactOptions::default()
                };
                self.lake.compact(&self.id, &options).await.unwrap();
                return None;
            }
        })
    }
}

/// Some of the levels are doubtful, in some files only.
fn quality(row: &Reading) -> &'static str {
    match row.3 {
        Some(5) => "doubtful",
        Some(4) => "provisional",
        _ => "normal",
    }
}

/// The rows as texts, in the order of these, as groups come in any order.
pub(super) fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    let text = |column: &ArrayRef, row: usize| match column.data_type() {
        DataType::Float64 if column.is_valid(row) => {
            format!("{:?}", column.as_primitive::<Float64Type>().value(row))
        }
        _ => array_value_to_string(column, row).unwrap(),
    };
    let mut rows: Vec<Vec<String>> = (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|column| text(column, row)).collect())
        .collect();
    rows.sort();
    rows
}

/// Equal, or sums of floating-point numbers that were added up in another order.
fn alike(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => {
            a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-9 * (1.0 + a.abs())
        }
        _ => false,
    }
}

pub(super) fn series(station: &str, from: i64, count: i64) -> Vec<Reading> {
    let reading = |step: i64| {
        let level = (step % 11 != 3).then_some((step % 97) as f64 / 8.0);
        (station.to_owned(), from + step * HOUR / 6, level, (step % 5 != 2).then_some(step % 17))
    };
    (0..count).map(reading).collect()
}

pub(super) async fn ten_days() -> Pair {
    let pair = Pair::new("start").await;
    for part in 0..2 {
        let from = APRIL + part * 5 * DAY;
        let rows = [series("余市", from, 5 * 144), series("朝里", from, 5 * 144)].concat();
        pair.publish(UploadMode::Append, &rows, true).await;
    }
    pair
}

#[tokio::test]
async fn the_coarsest_rollup_that_can_tell_is_read() {
    let pair = ten_days().await;
    let days = pair
        .rolled(
            "SELECT station, date_trunc('day', time) AS day, count(*), count(level), sum(cars), avg(level), \
             min(level), max(cars), avg(cars) FROM otaru.gauges GROUP BY 1, 2",
            &["rollup=day files=2/2"],
        )
        .await;
    assert_eq!(days.len(), 20);
    assert_eq!(days[0][2], "144");
    let whole = "SELECT 観測所, sum(水位), max(時刻) FROM otaru.gauges GROUP BY 観測所";
    assert_eq!(pair.rolled(whole, &["rollup=series files=2/2"]).await.len(), 2);
    let hours = "SELECT date_trunc('hour', time), sum(cars) FROM otaru.gauges GROUP BY 1";
    assert_eq!(pair.rolled(hours, &["rollup=hour"]).await.len(), 240);
    for (sql, groups) in [
        ("SELECT CAST(time AS DATE) d, count(*) FROM otaru.gauges GROUP BY d", 10),
        ("SELECT extract(dow FROM time), max(level) FROM otaru.gauges GROUP BY 1", 7),
        ("SELECT date_trunc('month', time), sum(level) FROM otaru.gauges GROUP BY 1", 1),
        (
            "SELECT date_trunc('week', time) w, left(station, 1), count(cars) FROM otaru.gauges GROUP BY 1, 2",
            4,
        ),
        (
            "SELECT day, max(n) FROM (SELECT date_trunc('day', time) day, station, sum(cars) n FROM otaru.gauges GROUP BY 1, 2) GROUP BY day",
            10,
        ),
        (
            "WITH g AS (SELECT station AS s, time AS t, level AS l FROM otaru.gauges WHERE station <> 'x') SELECT date_trunc('day', t), s, avg(l) FROM g GROUP BY 1, 2",
            20,
        ),
        ("SELECT time_bucket('1 day', time) b, count(*) FROM otaru.gauges GROUP BY b", 10),
        (
            "SELECT time_bucket(INTERVAL '7 days', time) b, sum(cars) FROM otaru.gauges GROUP BY b",
            2,
        ),
        (
            "SELECT time_bucket('P1M', 時刻) b, station, max(level) FROM otaru.gauges GROUP BY 1, 2",
            2,
        ),
        (
            "SELECT time_bucket('1 year', time, DATE '2000-04-01') b, count(level) FROM otaru.gauges GROUP BY b",
            1,
        ),
        ("SELECT fiscal_year(time) y, station, avg(level) FROM otaru.gauges GROUP BY 1, 2", 2),
        ("SELECT jun_start(time) j, jun_name(time), sum(cars) FROM otaru.gauges GROUP BY 1, 2", 1),
        (
            "SELECT winter_season(time), is_jp_holiday(time), count(*) FROM otaru.gauges GROUP BY 1, 2",
            1,
        ),
        ("SELECT observed_day(time) d, count(*) FROM otaru.gauges GROUP BY d", 10),
        ("SELECT to_char(time, '%Y年%-m月') m, count(*) FROM otaru.gauges GROUP BY m", 1),
        (
            "SELECT extract(year FROM time) y, extract(month FROM time) m, min(level) FROM otaru.gauges \
             WHERE station = '余市' AND time_bucket('1 day', time) >= '2024-04-03' GROUP BY 1, 2",
            1,
        ),
    ] {
        assert_eq!(pair.rolled(sql, &["rollup=day"]).await.len(), groups, "{sql}");
    }
    for (sql, groups) in [
        ("SELECT time_bucket('1 hour', time) b, count(*) FROM otaru.gauges GROUP BY b", 240),
        (
            "SELECT time_bucket('6 hours', time) b, station, sum(cars) FROM otaru.gauges GROUP BY 1, 2",
            80,
        ),
        (
            "SELECT time_bucket('1 day', time, '2024-04-01T09:00:00+09:00') b, count(*) FROM otaru.gauges GROUP BY b",
            11,
        ),
        ("SELECT to_char(time, '%m-%d %H時') h, max(level) FROM otaru.gauges GROUP BY h", 240),
    ] {
        assert_eq!(pair.rolled(sql, &["rollup=hour"]).await.len(), groups, "{sql}");
    }
    let bins = "SELECT date_bin(INTERVAL '1 day', time) b, count(*) FROM otaru.gauges GROUP BY b";
    assert_eq!(pair.rolled(bins, &["rollup=day"]).await.len(), 10);
    let bins = "SELECT date_bin(INTERVAL '1 day', time, '2024-04-01 09:00') b, count(*) FROM otaru.gauges \
                GROUP BY b";
    assert_eq!(pair.rolled(bins, &["rollup=hour"]).await.len(), 11);
}

#[tokio::test]
async fn a_range_that_begins_amid_a_day_is_read_from_days_and_rows() {
    let pair = ten_days().await;
    let sql = "SELECT station, count(*), sum(cars), max(time) FROM otaru.gauges \
               WHERE time >= '2024-04-02T10:20:00+09:00' AND time <= '2024-04-08T06:00:00+09:00' \
               GROUP BY station";
    let plan = pair.plan(sql).await;
    assert!(plan.contains("rollup=day files=2/2"), "{plan}");
    let counted = pair.same(sql, SnapshotAt::Latest).await;
    // From 10:20 on the second to 06:00 on the eighth, both included: five days, 82 and 37 readings.
    assert_eq!(counted[0][1], (5 * 144 + 82 + 37).to_string());
    // A file that is in the range as a whole needs no days.
    let second =
        "SELECT station, count(*) FROM otaru.gauges WHERE time >= '2024-04-06' GROUP BY station";
    assert_eq!(pair.rolled(second, &["rollup=series files=1/2"]).await[0][1], "720");
    let station =
        "SELECT sum(cars) FROM otaru.gauges WHERE station = '余市' AND time < '2024-04-04'";
    pair.rolled(station, &["rollup=day files=1/2"]).await;
    // Days in their order, partly from each: both tell them in one form, so that the order is kept.
    let days = "SELECT time::date AS day, max(cars) FROM otaru.gauges \
                WHERE station = '余市' AND time >= '2024-04-02T10:20:00+09:00' GROUP BY 1 ORDER BY 1";
    assert_eq!(pair.rolled(days, &["rollup=day"]).await.len(), 9);
    let july =
        "SELECT count(*) FROM otaru.gauges WHERE extract(month FROM time) = 4 AND cars IS NULL";
    pair.unrolled(july).await;
}

#[tokio::test]
async fn what_rollups_cannot_tell_is_read_from_rows() {
    let pair = ten_days().await;
    for sql in [
        "SELECT date_trunc('minute', time), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT time_bucket('10 minutes', time), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT time_bucket('1 hour', time, '2024-04-01T00:20:00+09:00') b, count(*) FROM otaru.gauges GROUP BY b",
        "SELECT period_start(time, '1 hour', 'end'), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT observed_day(time, 'end'), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT to_char(time, '%H:%M'), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT station, count(*) FROM otaru.gauges WHERE level > 3 GROUP BY 1",
        "SELECT station, sum(level * 2) FROM otaru.gauges GROUP BY 1",
        "SELECT station, count(DISTINCT cars) FROM otaru.gauges GROUP BY 1",
        "SELECT station, sum(cars) FILTER (WHERE level > 1) FROM otaru.gauges GROUP BY 1",
        "SELECT station, count(remark) FROM otaru.gauges GROUP BY 1",
        "SELECT cars, count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT station, stddev(level) FROM otaru.gauges GROUP BY 1",
        "SELECT date_trunc('day', time + INTERVAL '1 minute'), count(*) FROM otaru.gauges GROUP BY 1",
        "SELECT station, count(*) FROM (SELECT * FROM otaru.gauges LIMIT 100000) GROUP BY 1",
        "SELECT count(*), max(time) FROM otaru.gauges",
    ] {
        pair.unrolled(sql).await;
    }
}

#[tokio::test]
async fn a_request_may_do_without_rollups_and_costs_say_what_is_read() {
    let pair = ten_days().await;
    let sql = "SELECT station, date_trunc('day', time), sum(cars) FROM otaru.gauges GROUP BY 1, 2";
    let files: Vec<_> = {
        let snapshot = pair.lake.snapshot(&pair.id, SnapshotAt::Latest).await.unwrap();
        snapshot.files.to_vec()
    };
    let kept: u64 = files
        .iter()
        .map(|file| file.rollups.as_ref().unwrap().file(hub_lake::RollupLevel::Day).unwrap().rows)
        .sum();
    for (rollups, rows) in [(true, kept), (false, 4 * 5 * 144)] {
        let request = QueryRequest { rollups, ..pair.request(sql, SnapshotAt::Latest).await };
        let cost = pair.with.cost(request).await.unwrap();
        assert_eq!((cost.rows(), cost.tables[0].files), (rows, 2), "with rollups: {rollups}");
    }
    let shown = QueryRequest {
        rollups: false,
        ..pair.request(&format!("EXPLAIN {sql}"), SnapshotAt::Latest).await
    };
    let batches: Vec<RecordBatch> =
        pair.with.run(shown).await.unwrap().try_collect().await.unwrap();
    assert!(!format!("{batches:?}").contains("rollup="));
}

#[tokio::test]
async fn measures_of_a_grid_are_rolled_beside_those_that_need_rows() {
    let pair = ten_days().await;
    let grid = "SELECT station, time, cars_sum, cars_sum_coverage, level_first, level_max \
                FROM align('otaru.gauges', '1 day', 'cars:sum', 'level:first', 'level:max')";
    assert_eq!(pair.rolled(grid, &["rollup=day files=2/2"]).await.len(), 20);
    let one =
        format!("{grid} WHERE station = '余市' AND time >= '2024-04-03' AND time < '2024-04-05'");
    assert_eq!(pair.rolled(&one, &["rollup=day files=2/2"]).await.len(), 2);
    let filled = "SELECT station, time, cars_sum, cars_sum_filled, level_last FROM align('otaru.gauges', '12 hours', \
                  'cars:sum', 'level:last', start => '2024-04-09', finish => '2024-04-13', fill => 'locf')";
    assert_eq!(pair.rolled(filled, &["rollup=hour"]).await.len(), 16);
    // Where no rollup tells, rows are read once.
    let fine = "SELECT station, time, cars_sum, level_first \
                FROM align('otaru.gauges', '10 minutes', 'cars:sum', 'level:first')";
    pair.unrolled(fine).await;
    assert!(!pair.plan(fine).await.contains("Join"));
}

#[tokio::test]
async fn files_without_rollups_are_read_beside_the_others() {
    let pair = ten_days().await;
    pair.publish(UploadMode::Append, &series("余市", APRIL + 10 * DAY, 288), false).await;
    let sql = "SELECT station, date_trunc('day', time), count(*), avg(level) FROM otaru.gauges GROUP BY 1, 2";
    assert_eq!(pair.rolled(sql, &["rollup=day files=2/3"]).await.len(), 22);
    // Where a value has no order, it is looked for in the rows.
    let mut odd = series("朝里", APRIL + 20 * DAY, 288);
    odd[7].2 = Some(f64::NAN);
    pair.publish(UploadMode::Append, &odd, true).await;
    let sums = "SELECT station, sum(level), count(level) FROM otaru.gauges GROUP BY 1";
    pair.rolled(sums, &["rollup=series files=3/4"]).await;
    let extremes = "SELECT station, max(level) FROM otaru.gauges GROUP BY 1";
    pair.rolled(extremes, &["rollup=series files=2/4"]).await;
}

#[tokio::test]
async fn grown_columns_and_older_versions_are_answered_as_they_were() {
    let mut pair = ten_days().await;
    let first = pair.lake.snapshot(&pair.id, SnapshotAt::Latest).await.unwrap().log_version;
    let sql = "SELECT station, count(*), sum(cars) FROM otaru.gauges GROUP BY 1";
    let before = pair.same(sql, SnapshotAt::Latest).await;
    let mut grown: serde_json::Value = serde_json::to_value(pair.contract.as_ref()).unwrap();
    grown["fields"].as_array_mut().unwrap().push(serde_json::json!(
        {"name": "wind", "type": "number", "role": "value"}
    ));
    grown["fields"][5]["role"] = "value".into();
    let grown = Contract::parse(grown.to_string().as_bytes()).unwrap();
    pair.lake.change_contract(&pair.id, &grown).await.unwrap();
    pair.contract = Arc::new(grown);
    let wind =
        "SELECT station, count(wind), sum(wind), max(wind), count(*) FROM otaru.gauges GROUP BY 1";
    let answer = pair.rolled(wind, &["rollup=series files=2/2"]).await;
    assert_eq!(answer[0][1..4], ["0", "", ""]);
    // A column that became a value since was not rolled up then.
    pair.unrolled("SELECT station, count(remark) FROM otaru.gauges GROUP BY 1").await;
    assert_eq!(pair.same(sql, SnapshotAt::Log(first)).await, before);
}

#[tokio::test]
async fn values_of_bad_quality_are_left_out_of_rollups_too() {
    let pair = ten_days().await;
    let shown = "SELECT station, count(level), sum(水位), count(cars), count(*) FROM otaru.gauges GROUP BY 1";
    let answer = pair.rolled(shown, &["rollup=series files=2/2"]).await;
    let all = "SELECT station, count(level), sum(水位), count(cars), count(*) \
               FROM with_quality('otaru.gauges') GROUP BY 1";
    // Companions don't say what was left out, so that all values are asked of the rows.
    pair.unrolled(all).await;
    let whole = pair.same(all, SnapshotAt::Latest).await;
    assert!(answer[0][1].parse::<i64>().unwrap() < whole[0][1].parse::<i64>().unwrap());
    assert_eq!(answer[0][3..], whole[0][3..]);
    let cars = "SELECT station, sum(cars) FROM with_quality('otaru.gauges') GROUP BY 1";
    pair.rolled(cars, &["rollup=series files=2/2"]).await;
    let newest = "SELECT station, max(time) FROM otaru.gauges GROUP BY station";
    pair.rolled(newest, &["rollup=series files=2/2"]).await;
}

#[tokio::test]
async fn an_answer_says_how_many_values_of_the_version_are_left_out() {
    let pair = ten_days().await;
    let said = async |pair: &Pair, sql: &str| {
        let answer = pair.run(&pair.with, sql, SnapshotAt::Latest).await;
        let said = answer.schema().metadata().get(QUALITY_KEY).cloned().unwrap();
        serde_json::from_str::<serde_json::Value>(&said).unwrap()
    };
    let number = async |table: &str| {
        let counted = format!("SELECT count(level) FROM {table}");
        let rows = pair.same(&counted, SnapshotAt::Latest).await;
        rows[0][0].parse::<u64>().unwrap()
    };
    let left_out = number("with_quality('otaru.gauges')").await - number("otaru.gauges").await;
    assert!(left_out > 0);
    for sql in [
        "SELECT max(level) FROM otaru.gauges",
        "SELECT level FROM otaru.gauges WHERE station = '余市' LIMIT 1",
        "SELECT level FROM align('otaru.gauges', '1 day', 'level')",
    ] {
        let said = said(&pair, sql).await;
        assert_eq!(said[0]["left_out_in_version"], left_out, "{sql}: {said}");
    }
    // A file that does not tell leaves it open.
    pair.publish(UploadMode::Append, &series("余市", APRIL + 10 * DAY, 288), false).await;
    let said = said(&pair, "SELECT max(level) FROM otaru.gauges").await;
    assert!(said[0].get("left_out_in_version").is_none(), "{said}");
}

#[tokio::test]
async fn shares_of_good_values_are_told_by_rollups() {
    let pair = ten_days().await;
    let shares = "SELECT station, date_trunc('day', time) AS day, good_share(level) AS share, count(level), count(*) \
                  FROM otaru.gauges GROUP BY 1, 2";
    for day in pair.rolled(shares, &["rollup=day files=2/2"]).await {
        let number = |at: usize| day[at].parse::<f64>().unwrap();
        // Every row was due; what is counted is what is shown.
        assert!((number(2) - number(3) / number(4)).abs() < 1e-12, "{day:?}");
        assert!(number(2) < 1.0, "{day:?}");
    }
    let all =
        "SELECT station, good_share(水位) AS share FROM with_quality('otaru.gauges') GROUP BY 1";
    let shown = "SELECT station, good_share(水位) AS share FROM otaru.gauges GROUP BY 1";
    let answer = pair.rolled(all, &["rollup=series files=2/2"]).await;
    assert_eq!(answer, pair.rolled(shown, &["rollup=series files=2/2"]).await);
}

#[tokio::test]
async fn an_intervals_day_is_that_of_its_last_instant() {
    let pair = Pair::new("end").await;
    let rows = [series("余市", APRIL + HOUR / 6, 3 * 144), series("朝里", APRIL, 144)].concat();
    pair.publish(UploadMode::Append, &rows, true).await;
    // Midnight at the end of the third day is of that day.
    let ends = "SELECT station, date_trunc('day', time - INTERVAL '1 microsecond') AS day, count(*), sum(cars) \
                FROM otaru.gauges GROUP BY 1, 2";
    let days = pair.rolled(ends, &["rollup=day files=1/1", "__edge"]).await;
    assert_eq!(
        days.iter().map(|row| row[2].as_str()).collect::<Vec<_>>(),
        ["144", "144", "144", "1", "143"]
    );
    let plain =
        "SELECT station, date_trunc('day', time) AS day, count(*) FROM otaru.gauges GROUP BY 1, 2";
    let days = pair.rolled(plain, &["rollup=day files=1/1"]).await;
    assert_eq!(
        days.iter().map(|row| row[2].as_str()).collect::<Vec<_>>(),
        ["143", "144", "144", "1", "144"]
    );
    let observed = "SELECT station, observed_day(time) AS day, count(*), sum(cars) FROM otaru.gauges GROUP BY 1, 2";
    let days = pair.rolled(observed, &["rollup=day files=1/1", "__edge"]).await;
    assert_eq!(
        days.iter().map(|row| row[2].as_str()).collect::<Vec<_>>(),
        ["144", "144", "144", "1", "143"]
    );
    // Days from just after midnight to midnight are whole: of the first station the last two, of the other none.
    let within = "SELECT station, count(*), sum(cars), min(time) FROM otaru.gauges \
                  WHERE time > '2024-04-02' AND time <= '2024-04-04' GROUP BY 1";
    let plan = pair.plan(within).await;
    assert!(plan.contains("rollup=day files=1/1") && !plan.contains("UnionExec"), "{plan}");
    let counted = pair.same(within, SnapshotAt::Latest).await;
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0][1], "288");
    let same_days = "SELECT station, count(*), sum(cars), min(time) FROM otaru.gauges \
                     WHERE observed_day(time) BETWEEN '2024-04-02' AND '2024-04-03' GROUP BY 1";
    assert_eq!(pair.rolled(same_days, &["rollup=day files=1/1"]).await, counted);
    // Without what is kept apart, the rows are asked.
    let pair = ten_days().await;
    pair.unrolled(ends).await;
}

#[tokio::test]
async fn days_of_series_are_the_same_from_rollups_and_from_rows() {
    for label in ["start", "end"] {
        let pair = Pair::new(label).await;
        let readings = [series("余市", APRIL, 700), series("朝里", APRIL + HOUR, 500)].concat();
        pair.publish(UploadMode::Append, &readings, true).await;
        pair.publish(UploadMode::Append, &series("倶知安", APRIL, 300), false).await;
        let snapshot = pair.lake.snapshot(&pair.id, SnapshotAt::Latest).await.unwrap();
        let mut answers = Vec::new();
        for engine in [&pair.with, &pair.without] {
            let table =
                ReadableTable { contract: Arc::clone(&pair.contract), snapshot: snapshot.clone() };
            let batches: Vec<RecordBatch> =
                engine.day_rollup(table).await.unwrap().try_collect().await.unwrap();
            answers.push(concat_batches(&batches[0].schema(), &batches).unwrap());
        }
        let names: Vec<_> =
            answers[0].schema().fields().iter().map(|field| field.name().clone()).collect();
        let expected = [
            "観測所",
            "day",
            "rows",
            "水位:count",
            "水位:good",
            "水位:sum",
            "水位:min",
            "水位:max",
            "cars:count",
            "cars:good",
            "cars:sum",
            "cars:min",
            "cars:max",
        ];
        assert_eq!(names, expected);
        let shown: Vec<_> = answers.iter().map(rows).collect();
        assert_eq!(shown[0], shown[1], "{label}");
    }
}

#[tokio::test]
async fn months_and_series_are_counted_by_rollups_as_by_hand() {
    let pair = Pair::new("end").await;
    // From the first instant of April, which ends March's last interval, over 31 days; and from noon.
    let readings =
        [series("余市", APRIL, 31 * 144), series("朝里", APRIL + 12 * HOUR, 144)].concat();
    pair.publish(UploadMode::Append, &readings, true).await;
    let snapshot = pair.lake.snapshot(&pair.id, SnapshotAt::Latest).await.unwrap();
    let table =
        || ReadableTable { contract: Arc::clone(&pair.contract), snapshot: snapshot.clone() };
    let counted = pair.with.count_by_time(table()).await.unwrap().unwrap();
    assert_eq!(Some(&counted), pair.without.count_by_time(table()).await.unwrap().as_ref());

    let month = |m| chrono::NaiveDate::from_ymd_opt(2024, m, 1).unwrap();
    let rows: Vec<_> = counted.stretches.iter().map(|(day, counts)| (*day, counts.rows)).collect();
    // 31 × 144 rows end at 00:00 on 1 April, every ten minutes to 23:50 on 1 May: one is March's, 30 × 144
    // are April's, the rest is May's.
    assert_eq!(rows, [(month(3), 1), (month(4), 30 * 144 + 144), (month(5), 143)]);
    assert_eq!(counted.columns, ["水位", "cars"]);
    let (mut present, mut good) = (0, 0);
    for reading in &readings {
        if reading.2.is_some() {
            present += u64::from(!["doubtful", "missing"].contains(&quality(reading)));
            good += u64::from(["normal", "quasi_normal"].contains(&quality(reading)));
        }
    }
    let told: Vec<_> = counted.stretches.values().map(|counts| counts.values[0]).collect();
    assert_eq!(told.iter().map(|pair| pair.0).sum::<u64>(), present);
    assert_eq!(told.iter().map(|pair| pair.1).sum::<u64>(), good);

    let at = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%m-%d %H:%M %Y").unwrap();
    let beginnings = [(at("03-31 23:50 2024"), 1), (at("04-01 11:50 2024"), 1)];
    assert_eq!(counted.beginnings, Some(beginnings.into()));
    assert_eq!(counted.last, Some(at("05-01 23:40 2024")));
    let series = counted.series.unwrap();
    assert_eq!(series[0].key, [Some("余市".to_owned())]);
    assert_eq!(series[1].stretches[&month(4)].rows, 144);
    assert_eq!(series[1].rows, 144);
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Append(i64, i64),
    Upsert(Vec<Reading>),
    Replace(i64),
    Compact,
    Bare(i64),
}

fn reading() -> impl Strategy<Value = Reading> {
    let time = (0i64..9, 0i64..24, prop_oneof![Just(0i64), Just(-1), Just(1), 0..HOUR]);
    let level = prop_oneof![
        8 => (-800i32..800).prop_map(|v| Some(f64::from(v) / 8.0)),
        2 => Just(None),
        1 => Just(Some(-0.0)),
        1 => Just(Some(f64::INFINITY)),
    ];
    let station = prop::sample::select(vec!["a", "b", "余市"]);
    (station, time, level, prop::option::of(-99i64..99)).prop_map(
        |(s, (d, h, more), level, cars)| {
            (s.to_owned(), APRIL + d * DAY + h * HOUR + more, level, cars)
        },
    )
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0i64..9, 30i64..400).prop_map(|(day, count)| Step::Append(day, count)),
        2 => prop::collection::vec(reading(), 1..200).prop_map(Step::Upsert),
        1 => (100i64..600).prop_map(Step::Replace),
        1 => Just(Step::Compact),
        1 => (50i64..200).prop_map(Step::Bare),
    ]
}

/// A statement of those that people ask.
fn question() -> impl Strategy<Value = String> {
    let group = prop::sample::select(vec![
        "station",
        "date_trunc('hour', time)",
        "date_trunc('day', time)",
        "date_trunc('month', 時刻)",
        "CAST(time AS DATE)",
        "extract(hour FROM time)",
        "extract(dow FROM time)",
        "date_bin(INTERVAL '6 hours', time)",
        "date_trunc('minute', time)",
        "date_trunc('day', time - INTERVAL '1 microsecond')",
        "CAST(time - INTERVAL '1 microsecond' AS DATE)",
        "station = 'a'",
        "time_bucket('1 hour', time)",
        "time_bucket('8 hours', time)",
        "time_bucket('20 minutes', time)",
        "time_bucket('1 day', 時刻)",
        "time_bucket('3 days', time, '2024-04-02T06:00:00+09:00')",
        "time_bucket('P1M', time)",
        "time_bucket('1 year', time, DATE '2000-04-01')",
        "observed_day(time)",
        "observed_day(time, 'end')",
        "fiscal_year(time)",
        "jun_start(time)",
        "jp_holiday(time)",
        "to_char(time, '%Y-%m-%d')",
        "to_char(time, '%d %Hh')",
        "extract(year FROM time)",
    ]);
    let aggregate = prop::sample::select(vec![
        "count(*)",
        "count(level)",
        "sum(level)",
        "avg(水位)",
        "min(level)",
        "max(level)",
        "sum(cars)",
        "avg(cars)",
        "min(cars)",
        "max(cars)",
        "count(cars)",
        "min(time)",
        "max(time)",
        "count(station)",
        "max(DISTINCT cars)",
        "good_share(level)",
        "good_share(cars)",
    ]);
    let instant = || {
        (0i64..10, 0i64..24, prop::sample::select(vec![0i64, 0, 0, 20 * 60, 3_599])).prop_map(
            |(day, hour, more)| {
                let at = APRIL / 1_000_000 + (day * 24 + hour) * 3_600 + more;
                DateTime::from_timestamp(at, 0).unwrap().to_rfc3339()
            },
        )
    };
    let condition = prop_oneof![
        (prop::sample::select(vec![">=", ">", "<", "<="]), instant())
            .prop_map(|(operator, at)| format!("time {operator} '{at}'")),
        (instant(), instant()).prop_map(|(a, b)| format!("time BETWEEN '{a}' AND '{b}'")),
        prop::sample::select(vec![
            "station = 'a'",
            "station IN ('b', '余市')",
            "extract(hour FROM time) < 12",
            "date_trunc('day', time) <> '2024-04-03'",
            "time IS NOT NULL",
            "cars > 3",
            "station LIKE '余%'",
            "CAST(time AS DATE) >= DATE '2024-04-03'",
            "time > '2024-04-03' AND time <= '2024-04-06'",
            "time > '2024-04-02T05:00' AND time <= '2024-04-07T18:00'",
            "observed_day(time) BETWEEN DATE '2024-04-02' AND DATE '2024-04-05'",
            "observed_day(time, 'end') <> DATE '2024-04-02'",
            "fiscal_year(time) = 2024",
            "jun(time) = 1",
            "time_bucket('1 day', time) < '2024-04-05'",
            "NOT is_jp_holiday(time)",
            "station <> 'b' AND extract(year FROM time) = 2024",
        ])
        .prop_map(str::to_owned),
    ];
    (
        prop::collection::vec(group, 0..3),
        prop::collection::vec(aggregate, 1..5),
        prop::collection::vec(condition, 0..3),
    )
        .prop_map(|(groups, aggregates, conditions)| {
            let names = (0..groups.len()).map(|at| format!("g{at}")).collect::<Vec<_>>().join(", ");
            let shown = groups.iter().enumerate().map(|(at, group)| format!("{group} AS g{at}"));
            let aggregates = aggregates.iter().enumerate();
            let shown =
                shown.chain(aggregates.map(|(at, aggregate)| format!("{aggregate} AS a{at}")));
            let shown = shown.collect::<Vec<_>>().join(", ");
            let mut sql = format!("SELECT {shown} FROM otaru.gauges");
            if !conditions.is_empty() {
                sql = format!("{sql} WHERE {}", conditions.join(" AND "));
            }
            if names.is_empty() { sql } else { format!("{sql} GROUP BY {names}") }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn answers_from_rollups_are_those_from_rows(
        label in prop::sample::select(vec!["start", "end"]),
        steps in prop::collection::vec(step(), 1..5),
        questions in prop::collection::vec(question(), 12),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pair = Pair::new(label).await;
            let mut versions = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                let Some(record) = pair.take(number, step).await else { continue };
                versions.push(record.log_version);
            }
            for (number, sql) in questions.iter().enumerate() {
                let at = match versions.get(number % (versions.len() + 2)) {
                    Some(version) => SnapshotAt::Log(*version),
                    None => SnapshotAt::Latest,
                };
                pair.same(sql, at).await;
            }
        });
    }
}
