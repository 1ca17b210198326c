//! The engine: its own runtime, memory, caches and limits, and how a query goes through them.

mod config;
mod look;
mod plan;

use std::{fmt, sync::Arc, time::Duration};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{datasource::object_store::ObjectStoreUrl, execution::runtime_env::RuntimeEnv};
use hub_lake::Snapshot;
use hub_model::{Contract, DatasetId};
use object_store::ObjectStore;
use url::Url;

use crate::{
    classify::{self, classify},
    cost::Cost,
    disk::QueryDisk,
    error::QueryError,
    latest::KnownLasts,
    limits::{Admission, Counters, OutputBudget, Running},
    parse::ParsedQuery,
    point::PageCache,
    progress::ScanProgress,
    rollup::Proofs,
    session::Sessions,
    stream::{Planned, QueryStream, WorkLimits, start},
    table::{PreparedTables, ScanShared},
};
pub use config::EngineConfig;
use plan::{check_tables, parameters};

/// The address of the lake inside plans; it says nothing of where the lake is.
const STORE_URL: &str = "lake://data/";

/// The stack of the engine's threads; it bears planning the deepest statement that the bounds let through.
const WORKER_STACK_BYTES: usize = 16 * 1024 * 1024;

/// A dataset version that a query may read.
#[derive(Debug, Clone)]
pub struct ReadableTable {
    /// The contract that names its columns.
    pub contract: Arc<Contract>,
    /// The version.
    pub snapshot: Snapshot,
}

/// A query and everything it may see.
#[derive(Debug)]
pub struct QueryRequest {
    /// The statement.
    pub query: ParsedQuery,
    /// The values of `$1`, `$2` and so on: texts, numbers, booleans and nulls.
    pub parameters: Vec<serde_json::Value>,
    /// The tables it reads; no other is readable.
    pub tables: Vec<ReadableTable>,
    /// The datasets that `information_schema` and suggestions may name.
    pub listed: Vec<(DatasetId, Arc<Contract>)>,
    /// Whether aggregates may be answered from rollups, where the engine does so at all.
    pub rollups: bool,
}

impl QueryRequest {
    /// What may keep the same versions from being answered the same all the same, a sentence each.
    pub fn doubts(&self) -> Vec<hub_model::Text> {
        let keys = self.tables.iter().map(|table| {
            let contract = &table.contract;
            let fields = contract.primary_key.iter().filter_map(|name| contract.field(name));
            let names = fields.map(|f| [Some(&f.name), f.alias.as_ref()].into_iter().flatten());
            (table.snapshot.dataset.to_string(), names.map(|n| n.cloned().collect()).collect())
        });
        self.query.doubts(&keys.collect())
    }
}

/// What the engine uses at the moment, and has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineGauges {
    /// Queries whose work exists.
    pub running: usize,
    /// Queries that ended, by themselves or not.
    pub finished: u64,
    /// Bytes of memory reserved by operators.
    pub memory_reserved_bytes: u64,
    /// Bytes of intermediate results on disk.
    pub spilled_bytes: u64,
    /// Bytes of what is kept of files once opened.
    pub metadata_cached_bytes: u64,
    /// Bytes of their pages that are kept decompressed.
    pub pages_cached_bytes: u64,
    /// Files that scans read.
    pub files_scanned: u64,
    /// Files that scans left out by their statistics.
    pub files_pruned: u64,
}

/// The versions of what runs queries here.
pub fn engine_version() -> hub_model::EngineVersion {
    hub_model::EngineVersion {
        hub: env!("CARGO_PKG_VERSION").to_owned(),
        datafusion: datafusion::DATAFUSION_VERSION.to_owned(),
    }
}

/// Runs queries. Cheap to clone; the last clone ends the runtime.
#[derive(Clone)]
pub struct QueryEngine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    runtime: CpuRuntime,
    pub(crate) sessions: Sessions,
    pub(crate) admission: Admission,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tables: PreparedTables,
    pub(crate) scans: Arc<ScanShared>,
    pub(crate) lasts: KnownLasts,
    pub(crate) config: EngineConfig,
}

impl fmt::Debug for QueryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryEngine").field("gauges", &self.gauges()).finish_non_exhaustive()
    }
}

/// A runtime that may be dropped anywhere, also where blocking is not allowed.
struct CpuRuntime(Option<tokio::runtime::Runtime>);

impl Drop for CpuRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl CpuRuntime {
    fn handle(&self) -> Result<&tokio::runtime::Handle, QueryError> {
        self.0
            .as_ref()
            .map(tokio::runtime::Runtime::handle)
            .ok_or_else(|| QueryError::internal("the runtime has ended"))
    }
}

impl QueryEngine {
    /// An engine over the store that snapshots' files are in.
    pub fn new(config: EngineConfig, store: Arc<dyn ObjectStore>) -> Result<Self, QueryError> {
        let fault = |error| classify(&error, &classify::Context::default());
        // A batch is worked on without giving way. With a thread for each query beside those that do the
        // work, it is the system that shares the cores, and a small query waits for no large one's batch.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads.max(1) + config.max_running)
            .thread_name("query")
            .thread_stack_size(WORKER_STACK_BYTES)
            .enable_all()
            .build()
            .map_err(QueryError::internal)?;
        let url = Url::parse(STORE_URL).map_err(QueryError::internal)?;
        let sessions = Sessions::new(&config, &url, Arc::clone(&store)).map_err(fault)?;
        let counters = Arc::new(Counters::default());
        let scans = Arc::new(ScanShared {
            url: ObjectStoreUrl::parse(STORE_URL).map_err(fault)?,
            store,
            metadata: sessions.metadata_cache(),
            pages: PageCache::new(config.page_cache_bytes),
            counters: Arc::clone(&counters),
            proofs: Proofs::default(),
        });
        Ok(Self {
            inner: Arc::new(Inner {
                runtime: CpuRuntime(Some(runtime)),
                sessions,
                admission: Admission::new(config.max_running, config.max_waiting, config.max_wait),
                counters,
                tables: PreparedTables::new(),
                scans,
                lasts: KnownLasts::new(),
                config,
            }),
        })
    }

    /// Runs a statement over the request's tables. The first batch is there when this returns, so that
    /// errors of planning and of the beginning come from here and not from the stream.
    pub async fn run(&self, request: QueryRequest) -> Result<QueryStream, QueryError> {
        self.run_watched(request, self.inner.config.time_limit, ScanProgress::default()).await
    }

    /// As [`Self::run`], under another limit of time, and with somebody who asks how far it has come.
    pub async fn run_watched(
        &self,
        request: QueryRequest,
        time_limit: Duration,
        progress: ScanProgress,
    ) -> Result<QueryStream, QueryError> {
        check_tables(&request)?;
        let parameters = parameters(&request.parameters)?;
        let context = self.inner.context(&request);
        let inner = Arc::clone(&self.inner);
        let errors = context.clone();
        self.inner
            .start_within(time_limit, context, move |environment, running| async move {
                // Planning does not give way; on a thread of its own it keeps no other query waiting. It
                // counts as running to its end, also where nobody waits for it any more.
                let planning = tokio::task::spawn_blocking(move || {
                    let _running = running;
                    let snapshots: Vec<Snapshot> =
                        request.tables.iter().map(|table| table.snapshot.clone()).collect();
                    let plan = inner.plan_sql(request, parameters, environment);
                    let planned = tokio::runtime::Handle::current().block_on(plan)?;
                    let memory = inner.sessions.memory_per_query() as u64;
                    let cost = Cost::of(&planned.plan, &snapshots, memory);
                    progress.begin(Arc::clone(&planned.plan), cost);
                    Ok(planned)
                });
                let planned =
                    planning.await.map_err(|error| QueryError::internal(error.to_string()))?;
                planned
                    .map_err(|error: datafusion::error::DataFusionError| classify(&error, &errors))
            })
            .await
    }

    /// Whether every table that a statement names is there, without planning it.
    pub fn check(&self, request: &QueryRequest) -> Result<(), QueryError> {
        check_tables(request)
    }

    /// What is in use now.
    pub fn gauges(&self) -> EngineGauges {
        let inner = &self.inner;
        let (files_scanned, files_pruned) = inner.counters.files();
        EngineGauges {
            running: inner.counters.running(),
            finished: inner.counters.finished(),
            memory_reserved_bytes: inner.sessions.pool.reserved() as u64,
            spilled_bytes: inner.counters.spilling(),
            metadata_cached_bytes: inner.scans.metadata.memory_used() as u64,
            pages_cached_bytes: inner.scans.pages.used(),
            files_scanned,
            files_pruned,
        }
    }
}

impl Inner {
    /// Lets a query in, and runs what `planning` makes on the engine's runtime.
    pub(crate) async fn start<F>(
        &self,
        errors: classify::Context,
        planning: impl FnOnce(Arc<RuntimeEnv>, Arc<Running>) -> F,
    ) -> Result<QueryStream, QueryError>
    where
        F: Future<Output = Result<Planned, QueryError>> + Send + 'static,
    {
        self.start_within(self.config.time_limit, errors, planning).await
    }

    async fn start_within<F>(
        &self,
        time_limit: Duration,
        errors: classify::Context,
        planning: impl FnOnce(Arc<RuntimeEnv>, Arc<Running>) -> F,
    ) -> Result<QueryStream, QueryError>
    where
        F: Future<Output = Result<Planned, QueryError>> + Send + 'static,
    {
        let permit = self.admission.enter().await?;
        let guard = Arc::new(Running::new(&self.counters, permit));
        let environment = self.environment(&guard).map_err(|error| classify(&error, &errors))?;
        let limits = WorkLimits {
            time: time_limit,
            stall: self.config.stall_limit,
            output: OutputBudget::new(self.config.max_output_rows, self.config.max_output_bytes),
            scratch: self.config.spill_folder.clone(),
        };
        let planning = planning(environment, Arc::clone(&guard));
        start(self.runtime.handle()?, planning, errors, limits, guard).await
    }

    fn environment(
        &self,
        running: &Arc<Running>,
    ) -> Result<Arc<RuntimeEnv>, datafusion::error::DataFusionError> {
        let folder = self.config.spill_folder.clone();
        let disk = Arc::new(QueryDisk::new(folder, self.config.spill_bytes_per_query));
        self.counters.watch(&disk);
        self.sessions.environment(Arc::clone(running), disk)
    }

    /// The memory and disk of a query that is run by hand.
    #[cfg(test)]
    pub(crate) async fn environment_by_hand(&self) -> Arc<RuntimeEnv> {
        let permit = self.admission.enter().await.unwrap();
        self.environment(&Arc::new(Running::new(&self.counters, permit))).unwrap()
    }

    /// An answer that is there already, as a stream.
    pub(crate) fn stream_of(&self, batch: RecordBatch) -> Result<QueryStream, QueryError> {
        let runtime = self.runtime.handle()?.clone();
        Ok(QueryStream::of_batch(batch, runtime, self.config.time_limit))
    }

    /// An answer whose batches come from elsewhere.
    pub(crate) fn stream_from(
        &self,
        schema: SchemaRef,
        batches: impl futures::Stream<Item = Result<RecordBatch, QueryError>> + Send + 'static,
    ) -> Result<QueryStream, QueryError> {
        let runtime = self.runtime.handle()?.clone();
        Ok(QueryStream::of_stream(schema, batches, runtime, self.config.time_limit))
    }

    fn context(&self, request: &QueryRequest) -> classify::Context {
        let contracts = request.tables.iter().map(|table| &table.contract);
        let fields = contracts.flat_map(|contract| &contract.fields);
        classify::Context {
            columns: fields
                .flat_map(|field| [Some(field.name.clone()), field.alias.clone()])
                .flatten()
                .collect(),
            names: Some(request.query.names.clone()),
            ..self.limits_context()
        }
    }

    /// Whether aggregates may be answered from rollups.
    pub(crate) fn uses_rollups(&self) -> bool {
        self.config.rollups
    }

    pub(crate) fn limits_context(&self) -> classify::Context {
        classify::Context {
            memory_limit: self.sessions.memory_per_query() as u64,
            spill_limit: self.config.spill_bytes_per_query,
            ..classify::Context::default()
        }
    }
}
