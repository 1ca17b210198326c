//! Support for this crate's tests: snapshots of files that are written on the spot.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    compute,
    datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMicrosecondType},
    util::pretty::pretty_format_batches,
};
use datafusion::{
    execution::TaskContext,
    physical_plan::{ExecutionPlan, collect, metrics::MetricValue},
};
use futures::TryStreamExt;
use hub_lake::{Bound, ColumnStatistics, DataFile, Snapshot};
use hub_model::{Contract, DatasetId};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, memory::InMemory, path::Path};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};

use crate::{
    EngineConfig, ParsedQuery, QueryEngine, QueryError, QueryRequest, QueryStream, ReadableTable,
    SqlBounds, parse,
};

pub(crate) const RIVER: &str = r#"{"fields":[
    {"name":"観測所","type":"string","role":"key","alias":"station"},
    {"name":"時刻","type":"datetime","role":"time","interval":"PT1H","label":"end","alias":"time"},
    {"name":"level","type":"number","role":"value","unit":"m","title":"水位"},
    {"name":"流量","type":"number","role":"value","unit":"m3/s","alias":"discharge"},
    {"name":"samples","type":"integer"}],
    "primaryKey":["観測所","時刻"]}"#;

pub(crate) const HOUR: i64 = 3_600_000_000;
/// 2024-04-01T00:00:00+09:00.
pub(crate) const APRIL: i64 = 1_711_897_200_000_000;

pub(crate) struct Bench {
    pub(crate) store: Arc<InMemory>,
    pub(crate) engine: QueryEngine,
    pub(crate) tables: Vec<ReadableTable>,
    pub(crate) listed: Vec<(DatasetId, Arc<Contract>)>,
}

pub(crate) fn small() -> EngineConfig {
    EngineConfig {
        threads: 2,
        target_partitions: 2,
        memory_bytes: 256 << 20,
        memory_bytes_per_query: 128 << 20,
        time_limit: Duration::from_secs(60),
        ..EngineConfig::default()
    }
}

impl Bench {
    pub(crate) fn new(config: EngineConfig) -> Self {
        let store = Arc::new(InMemory::new());
        let engine =
            QueryEngine::new(config, Arc::<InMemory>::clone(&store) as Arc<dyn ObjectStore>)
                .unwrap();
        Self { store, engine, tables: Vec::new(), listed: Vec::new() }
    }

    /// Adds a dataset of these files; each batch has the contract's storage schema or its beginning.
    pub(crate) async fn add(&mut self, id: &str, contract: &str, files: &[RecordBatch]) {
        let contract = Arc::new(Contract::parse(contract.as_bytes()).unwrap());
        let table = self.table(id, contract, files).await;
        self.listed.push((table.snapshot.dataset.clone(), Arc::clone(&table.contract)));
        self.tables.push(table);
    }

    pub(crate) async fn table(
        &self,
        id: &str,
        contract: Arc<Contract>,
        files: &[RecordBatch],
    ) -> ReadableTable {
        let mut described = Vec::new();
        for (number, batch) in files.iter().enumerate() {
            let path = Path::from(format!("{}/part-{number}.parquet", id.replace('.', "/")));
            let properties = WriterProperties::builder()
                .set_max_row_group_row_count(Some(512))
                .set_data_page_row_count_limit(64)
                .set_write_batch_size(64)
                .build();
            let mut bytes = Vec::new();
            let mut writer =
                ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
            writer.write(batch).unwrap();
            writer.close().unwrap();
            let size = bytes.len() as u64;
            self.store.put(&path, PutPayload::from(bytes)).await.unwrap();
            described.push(DataFile {
                path,
                bytes: size,
                rows: batch.num_rows() as u64,
                written_at_ms: 1_700_000_000_000,
                columns: statistics(batch),
                rollups: None,
            });
        }
        let sort = contract.sort_columns().iter().map(|c| c.name.to_owned()).collect::<Vec<_>>();
        ReadableTable {
            snapshot: Snapshot {
                dataset: DatasetId::parse(id).unwrap(),
                version: 1,
                log_version: 1,
                schema: contract.storage_schema(),
                sort_columns: sort.into(),
                files: described.into(),
            },
            contract,
        }
    }

    /// Forgets what is kept of files, for tests that write one path twice.
    pub(crate) fn forget(&self) {
        let scans = &self.engine.inner.scans;
        datafusion::execution::cache::Cache::clear(scans.metadata.as_ref());
        scans.pages.clear();
    }

    pub(crate) fn request(&self, query: ParsedQuery) -> QueryRequest {
        QueryRequest {
            query,
            parameters: Vec::new(),
            tables: self.tables.clone(),
            listed: self.listed.clone(),
            rollups: true,
        }
    }

    pub(crate) async fn start(&self, sql: &str) -> Result<QueryStream, QueryError> {
        self.engine.run(self.request(parse(sql, &SqlBounds::default())?)).await
    }

    pub(crate) async fn batches(&self, sql: &str) -> Result<Vec<RecordBatch>, QueryError> {
        self.start(sql).await?.try_collect().await
    }

    /// The answer as a table of text.
    pub(crate) async fn show(&self, sql: &str) -> String {
        match self.batches(sql).await {
            Ok(batches) => pretty_format_batches(&batches).unwrap().to_string(),
            Err(error) => panic!("{sql}: {error:?}"),
        }
    }

    /// The one value of the answer, as text.
    pub(crate) async fn value(&self, sql: &str) -> String {
        let batches = self.batches(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1, "{sql}");
        arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap()
    }

    pub(crate) async fn plan(&self, sql: &str) -> String {
        let shown = self.show(&format!("EXPLAIN {sql}")).await;
        shown.split("physical_plan").nth(1).unwrap_or_default().to_owned()
    }

    pub(crate) async fn error(&self, sql: &str) -> QueryError {
        match self.batches(sql).await {
            Ok(batches) => panic!("{sql} gave {} batches", batches.len()),
            Err(error) => error,
        }
    }
}

/// Rows of the river contract: each station's hours from `from` on, with levels that tell them apart.
pub(crate) fn river(stations: &[&str], from: i64, hours: i64) -> RecordBatch {
    let contract = Contract::parse(RIVER.as_bytes()).unwrap();
    let mut station = Vec::new();
    let mut time = Vec::new();
    let mut level = Vec::new();
    for (index, name) in stations.iter().enumerate() {
        for hour in 0..hours {
            station.push(*name);
            time.push(from + hour * HOUR);
            level.push(index as f64 * 1_000.0 + hour as f64);
        }
    }
    let discharge: Float64Array =
        level.iter().map(|l| (*l as i64 % 7 != 3).then_some(l * 2.0)).collect();
    let samples: Int64Array = (0..level.len() as i64).map(Some).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(station)),
        Arc::new(TimestampMicrosecondArray::from(time).with_timezone("UTC")),
        Arc::new(Float64Array::from(level)),
        Arc::new(discharge),
        Arc::new(samples),
    ];
    RecordBatch::try_new(contract.storage_schema(), columns).unwrap()
}

fn statistics(batch: &RecordBatch) -> HashMap<String, ColumnStatistics> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    columns
        .map(|(field, column)| {
            let (minimum, maximum) = bounds(column);
            let known = ColumnStatistics {
                minimum,
                maximum,
                exact: true,
                nulls: Some(column.null_count() as u64),
            };
            (field.name().clone(), known)
        })
        .collect()
}

fn bounds(column: &ArrayRef) -> (Option<Bound>, Option<Bound>) {
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            (
                compute::min_string(texts).map(|t| Bound::Text(t.to_owned())),
                compute::max_string(texts).map(|t| Bound::Text(t.to_owned())),
            )
        }
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            (compute::min(values).map(Bound::Integer), compute::max(values).map(Bound::Integer))
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>();
            (compute::min(values).map(Bound::Number), compute::max(values).map(Bound::Number))
        }
        DataType::Date32 => {
            let values = column.as_primitive::<Date32Type>();
            (compute::min(values).map(Bound::Date), compute::max(values).map(Bound::Date))
        }
        DataType::Timestamp(..) => {
            let values = column.as_primitive::<TimestampMicrosecondType>();
            (compute::min(values).map(Bound::Instant), compute::max(values).map(Bound::Instant))
        }
        _ => (None, None),
    }
}

/// What scans of a plan that has run say they passed over and read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scanned {
    pub(crate) row_groups_pruned: usize,
    pub(crate) row_groups_read: usize,
    pub(crate) pages_pruned: usize,
    pub(crate) pages_read: usize,
    pub(crate) bytes: usize,
}

impl Scanned {
    /// Runs the plan and looks at its scans; the rows it gave come first.
    pub(crate) async fn by(
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
    ) -> (usize, Self) {
        let batches = collect(Arc::clone(&plan), context).await.unwrap();
        let mut scanned = Self::default();
        scanned.add(plan.as_ref());
        (batches.iter().map(RecordBatch::num_rows).sum(), scanned)
    }

    fn add(&mut self, plan: &dyn ExecutionPlan) {
        let metrics = plan.metrics().map(|metrics| metrics.aggregate_by_name()).unwrap_or_default();
        for metric in metrics.iter() {
            match metric.value() {
                MetricValue::PruningMetrics { name, pruning_metrics } => {
                    let counts = (pruning_metrics.pruned(), pruning_metrics.matched());
                    match name.as_ref() {
                        "row_groups_pruned_statistics" => {
                            self.row_groups_pruned += counts.0;
                            self.row_groups_read += counts.1;
                        }
                        "page_index_pages_pruned" => {
                            self.pages_pruned += counts.0;
                            self.pages_read += counts.1;
                        }
                        _ => {}
                    }
                }
                MetricValue::Count { name, count } if name == "bytes_scanned" => {
                    self.bytes += count.value();
                }
                _ => {}
            }
        }
        plan.children().into_iter().for_each(|child| self.add(child.as_ref()));
    }
}
