//! The engine: its own runtime, memory, caches and limits, and how a query goes through them.

mod look;

use std::{collections::HashMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    catalog::TableProvider,
    common::{ParamValues, metadata::ScalarAndMetadata},
    datasource::object_store::ObjectStoreUrl,
    execution::{SessionState, context::SQLOptions, runtime_env::RuntimeEnv},
    logical_expr::LogicalPlan,
    scalar::ScalarValue,
};
use hub_lake::Snapshot;
use hub_model::{Contract, DatasetId, Field};
use object_store::ObjectStore;
use url::Url;

use crate::{
    alias, align, catalog,
    classify::{self, asking, classify},
    cost::Cost,
    error::{Position, QueryError},
    explain,
    latest::KnownLasts,
    limits::{Admission, Counters, OutputBudget, Running},
    parse::{self, ParsedQuery, TableName},
    progress::ScanProgress,
    quality,
    rollup::Proofs,
    session::{Sessions, task_context},
    stream::{Planned, QueryStream, Said, WorkLimits, start},
    suggest::nearest,
    table::{Exposed, PreparedTables, ScanShared, provider},
    units,
};

/// The address of the lake inside plans; it says nothing of where the lake is.
const STORE_URL: &str = "lake://data/";

/// The stack of the engine's threads; it bears planning the deepest statement that the bounds let through.
const WORKER_STACK_BYTES: usize = 16 * 1024 * 1024;

/// How much the engine may use. The defaults suit one small machine.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Threads of the engine's own runtime, beside one for each query that may run at once.
    pub threads: usize,
    /// Into how many parts a query's work is split.
    pub target_partitions: usize,
    /// Bytes of memory that all queries share.
    pub memory_bytes: usize,
    /// Bytes of memory that one query may take of it.
    pub memory_bytes_per_query: usize,
    /// Bytes of intermediate results that one query may put on disk.
    pub spill_bytes_per_query: u64,
    /// Where they are put; the system's folder for temporary files where there is none.
    pub spill_folder: Option<PathBuf>,
    /// Bytes for what is known of files once they were opened.
    pub metadata_cache_bytes: usize,
    /// How long a query may run, waiting for its reader not counted.
    pub time_limit: Duration,
    /// How long a reader may leave a finished batch untaken.
    pub stall_limit: Duration,
    /// Rows that an answer may have; no bound where there is none.
    pub max_output_rows: Option<u64>,
    /// Bytes, in memory, that an answer may have; no bound where there is none.
    pub max_output_bytes: Option<u64>,
    /// Queries that run at once.
    pub max_running: usize,
    /// Queries that wait for a place.
    pub max_waiting: usize,
    /// How long they wait.
    pub max_wait: Duration,
    /// Pairs of rows that a join without equal columns may compare, as estimated.
    pub max_product_rows: u64,
    /// Whether SQL evaluates filters while it decodes files, and not after.
    pub pushdown_filters: bool,
    /// Whether aggregates are answered from rollups where these tell the same.
    pub rollups: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            threads,
            target_partitions: threads,
            memory_bytes: 1_024 * 1_024 * 1_024,
            memory_bytes_per_query: 512 * 1_024 * 1_024,
            spill_bytes_per_query: 8 * 1_024 * 1_024 * 1_024,
            spill_folder: None,
            metadata_cache_bytes: 256 * 1_024 * 1_024,
            time_limit: Duration::from_secs(60),
            stall_limit: Duration::from_secs(60),
            max_output_rows: None,
            max_output_bytes: None,
            max_running: 8,
            max_waiting: 32,
            max_wait: Duration::from_secs(5),
            max_product_rows: 500_000_000,
            pushdown_filters: true,
            rollups: true,
        }
    }
}

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
    admission: Admission,
    counters: Arc<Counters>,
    pub(crate) tables: PreparedTables,
    pub(crate) scans: Arc<ScanShared>,
    pub(crate) lasts: KnownLasts,
    config: EngineConfig,
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
        let environment = self.sessions.environment(Arc::clone(&guard));
        let environment = environment.map_err(|error| classify(&error, &errors))?;
        self.counters.watch(&environment.disk_manager);
        self.start_in(environment, guard, time_limit, errors, planning).await
    }

    /// As [`Self::start`], for work that puts nothing on disk.
    pub(crate) async fn start_in_memory<F>(
        &self,
        errors: classify::Context,
        planning: impl FnOnce(Arc<RuntimeEnv>, Arc<Running>) -> F,
    ) -> Result<QueryStream, QueryError>
    where
        F: Future<Output = Result<Planned, QueryError>> + Send + 'static,
    {
        let guard = Arc::new(Running::new(&self.counters, self.admission.enter().await?));
        let environment = self.sessions.environment_in_memory(Arc::clone(&guard));
        self.start_in(environment, guard, self.config.time_limit, errors, planning).await
    }

    async fn start_in<F>(
        &self,
        environment: Arc<RuntimeEnv>,
        guard: Arc<Running>,
        time_limit: Duration,
        errors: classify::Context,
        planning: impl FnOnce(Arc<RuntimeEnv>, Arc<Running>) -> F,
    ) -> Result<QueryStream, QueryError>
    where
        F: Future<Output = Result<Planned, QueryError>> + Send + 'static,
    {
        let limits = WorkLimits {
            time: time_limit,
            stall: self.config.stall_limit,
            output: OutputBudget::new(self.config.max_output_rows, self.config.max_output_bytes),
            scratch: self.config.spill_folder.clone(),
        };
        let planning = planning(environment, Arc::clone(&guard));
        start(self.runtime.handle()?, planning, errors, limits, guard).await
    }

    /// The memory and disk of a query that is run by hand.
    #[cfg(test)]
    pub(crate) async fn environment(&self) -> Arc<RuntimeEnv> {
        let permit = self.admission.enter().await.unwrap();
        self.sessions.environment(Arc::new(Running::new(&self.counters, permit))).unwrap()
    }

    /// An answer that is there already, as a stream.
    pub(crate) fn stream_of(
        &self,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> Result<QueryStream, QueryError> {
        let runtime = self.runtime.handle()?.clone();
        Ok(QueryStream::of_batches(schema, batches, runtime, self.config.time_limit))
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

    pub(crate) async fn plan_sql(
        &self,
        request: QueryRequest,
        parameters: ParamValues,
        environment: Arc<RuntimeEnv>,
    ) -> datafusion::common::Result<Planned> {
        let snapshots: Vec<Snapshot> =
            request.tables.iter().map(|table| table.snapshot.clone()).collect();
        let (state, plan, said) = self.plan_logically(request, parameters).await?;
        let plan = loop {
            let planned = state.create_physical_plan(&plan).await?;
            if self.scans.proofs.hold(&planned, &snapshots, &self.scans.store).await? {
                break planned;
            }
        };
        Ok(Planned {
            plan: explain::without_keys(plan),
            context: task_context(&state, environment),
            said,
        })
    }

    /// The session of a statement, its plan before any rule, and what is said of its answer.
    async fn plan_logically(
        &self,
        request: QueryRequest,
        parameters: ParamValues,
    ) -> datafusion::common::Result<(SessionState, LogicalPlan, Said)> {
        let (names, aligned) = (&request.query.names, &request.query.aligned);
        let contracts: Vec<&Contract> =
            request.tables.iter().map(|table| table.contract.as_ref()).collect();
        let rollups = request.rollups && self.uses_rollups();
        let mut providers: Vec<(DatasetId, String, Arc<dyn TableProvider>)> = Vec::new();
        let mut left_out = Vec::new();
        for table in &request.tables {
            let dataset = &table.snapshot.dataset;
            let name = dataset.to_string();
            for judged in [true, false] {
                let wanted = if judged { &names.judged } else { &names.complete };
                if !wanted.contains(&name) {
                    continue;
                }
                let exposed = alias::exposed(dataset, &table.contract, &contracts, names, judged);
                let provider = provider(table, exposed, &self.tables, &self.scans, rollups).await?;
                let shown = if judged {
                    let used = |field: &Field| quality::uses(names, field);
                    left_out.extend(quality::left_out(dataset, &table.contract, used));
                    dataset.name().to_owned()
                } else {
                    parse::complete_name(dataset.name())
                };
                providers.push((dataset.clone(), shown, provider));
            }
            if names.aligned.contains(&name) {
                let exposed = Exposed::judged(&table.contract);
                let provider =
                    provider(table, exposed, &self.tables, &self.scans, rollups).await?;
                providers.push((dataset.clone(), align::inner_name(dataset.name()), provider));
                for call in aligned.iter().filter(|call| call.dataset == *dataset) {
                    let measured = align::measured(call, &table.contract).map_err(external)?;
                    let said =
                        quality::left_out(dataset, &table.contract, |f| measured.contains(&f));
                    left_out.extend(
                        said.into_iter()
                            .filter(|said| !left_out.contains(said))
                            .collect::<Vec<_>>(),
                    );
                }
            }
        }
        let catalogs = catalog::of_tables(providers)?;
        if names.information_schema {
            catalog::add_information_schema(&catalogs, &request.listed)?;
        }
        let state = self.sessions.for_sql(catalogs);
        let owned = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
        let mut labels: Vec<(String, String)> =
            alias::shown_by_wildcard(&contracts, names).into_iter().map(owned).collect();
        let headings = request.query.headings;
        let mut statement = request.query.statement;
        let contract = |dataset: &DatasetId| {
            let table = request.tables.iter().find(|table| table.snapshot.dataset == *dataset);
            table.map(|table| table.contract.as_ref())
        };
        align::write_out(&mut statement, aligned, names, &contracts, contract).map_err(external)?;
        let statement = explain::plannable(statement);
        let plan = state.statement_to_plan(statement).await?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)?;
        let planned: Vec<&str> = plan.schema().fields().iter().map(|f| f.name().as_str()).collect();
        labels.extend(headings.shown(&planned).into_iter().map(owned));
        let plan = plan.with_param_values(parameters)?;
        let units = Some(units::of_plan(&plan)?);
        let said = Said { labels, units, metadata: quality::metadata(left_out) };
        Ok((state, plan, said))
    }
}

fn external(error: QueryError) -> datafusion::error::DataFusionError {
    datafusion::error::DataFusionError::External(Box::new(error))
}

fn parameters(values: &[serde_json::Value]) -> Result<ParamValues, QueryError> {
    let values = values.iter().zip(1..).map(|(value, number)| {
        let value = match value {
            serde_json::Value::Null => ScalarValue::Null,
            serde_json::Value::Bool(value) => ScalarValue::Boolean(Some(*value)),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => ScalarValue::Int64(Some(whole)),
                None => ScalarValue::Float64(number.as_f64()),
            },
            serde_json::Value::String(text) => ScalarValue::Utf8View(Some(text.clone())),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                return Err(QueryError::request(format!(
                    "parameter ${number} is a list or an object; give texts, numbers, true, false or null, \
                     and for a list one parameter each: IN ($1, $2)"
                )));
            }
        };
        Ok(ScalarAndMetadata::from(value))
    });
    Ok(ParamValues::List(values.collect::<Result<_, _>>()?))
}

/// Refuses tables that the request does not hold, naming near ones of those that may be listed. A table
/// that exists and may not be seen is spoken of like one that does not exist.
fn check_tables(request: &QueryRequest) -> Result<(), QueryError> {
    let readable: HashMap<String, ()> =
        request.tables.iter().map(|table| (table.snapshot.dataset.to_string(), ())).collect();
    for table in request.query.tables() {
        let name = shown(table);
        if readable.contains_key(&name) && table.agency.is_some() {
            continue;
        }
        let listed: Vec<String> = request.listed.iter().map(|(id, _)| id.to_string()).collect();
        let mut suggestions = nearest(&name, listed.iter().map(String::as_str));
        if table.agency.is_none() {
            let same = request.listed.iter().filter(|(id, _)| id.name() == table.dataset);
            suggestions.splice(0..0, same.map(|(id, _)| id.to_string()));
            suggestions.dedup();
            suggestions.truncate(3);
        }
        let message = match table.agency {
            Some(_) => format!("there is no dataset {name:?}"),
            None => format!("{name:?} is not a dataset; write agency.dataset"),
        };
        return Err(QueryError::InvalidSql {
            message: asking(&message, &suggestions),
            position: Some(Position { line: table.line, column: table.column }),
            suggestions,
        });
    }
    Ok(())
}

fn shown(table: &TableName) -> String {
    match &table.agency {
        Some(agency) => format!("{agency}.{}", table.dataset),
        None => table.dataset.clone(),
    }
}
