//! Answers from rollups against answers from rows: the same question to two engines over the same lake.

mod chosen;
mod questions;
mod told;

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
