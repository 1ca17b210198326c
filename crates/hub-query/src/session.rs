//! The session that a query is planned in: built once, then given each query's catalog and memory.

use std::{collections::HashMap, num::NonZeroUsize, sync::Arc};

use datafusion::{
    catalog::CatalogProviderList,
    common::{Result, config::SpillCompression},
    execution::{
        SessionState, SessionStateBuilder, SessionStateDefaults, TaskContext,
        cache::{
            cache_manager::{CacheManagerConfig, CachedFileMetadataEntry},
            default_cache::DefaultCache,
        },
        disk_manager::{DiskManager, DiskManagerBuilder, DiskManagerMode},
        memory_pool::{FairSpillPool, MemoryPool, TrackConsumersPool},
        object_store::{DefaultObjectStoreRegistry, ObjectStoreRegistry},
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    logical_expr::planner::RelationPlanner,
    optimizer::{Analyzer, AnalyzerRule},
    physical_optimizer::optimizer::PhysicalOptimizer,
    prelude::SessionConfig,
};
use hub_model::ZONE_NAME;
use object_store::ObjectStore;
use url::Url;

use crate::{
    align,
    asof::{AsOfJoins, AsOfRelations, FiltersIntoAsOfJoins, HubPlanner},
    catalog::{CATALOG, NO_SCHEMA},
    checked::{CheckedConstants, SignedNumbers},
    dialect::{self, LateralFirsts},
    disk::QueryDisk,
    engine::EngineConfig,
    estimates,
    functions::Functions,
    gapfill::GapFills,
    limits::{QueryPool, Running},
    literals::TimeLiterals,
    quality,
    rollup::UseRollups,
    rules::{
        InputProperties, JapaneseDays, KeyRuns, NamedFilters, NearestWhole, NoRow, StoredFilters,
        UnknownIn, YieldingJoins, whole_sides,
    },
    spatial::SpatialJoins,
};

/// What is kept of files once they were opened. Paths are never written twice, so nothing in it ages.
pub(crate) type MetadataCache = DefaultCache<object_store::path::Path, CachedFileMetadataEntry>;

/// What the sessions of an engine share.
pub(crate) struct Sessions {
    sql: SessionState,
    rows: SessionState,
    shared: RuntimeEnv,
    metadata: Arc<MetadataCache>,
    pub(crate) pool: Arc<dyn MemoryPool>,
    memory_per_query: usize,
}

impl Sessions {
    pub(crate) fn new(
        config: &EngineConfig,
        store_url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Result<Self> {
        const SHOWN_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN;
        let pool: Arc<dyn MemoryPool> = Arc::new(TrackConsumersPool::new(
            FairSpillPool::new(config.memory_bytes),
            SHOWN_CONSUMERS,
        ));
        let stores = DefaultObjectStoreRegistry::new();
        // The registry comes with the machine's own files; nothing but the lake may be reached.
        if let Ok(files) = Url::parse("file://") {
            stores.deregister_store(&files)?;
        }
        stores.register_store(store_url, store);
        let metadata = Arc::new(MetadataCache::new(config.metadata_cache_bytes));
        let caches = CacheManagerConfig::default()
            .with_file_metadata_cache(Some(Arc::<MetadataCache>::clone(&metadata)))
            .with_metadata_cache_limit(config.metadata_cache_bytes)
            .with_file_statistics_cache_limit(0)
            .with_list_files_cache_limit(0);
        let shared = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::clone(&pool))
            .with_object_store_registry(Arc::new(stores))
            .with_cache_manager(caches)
            .with_disk_manager_builder(
                DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
            )
            .build()?;
        let functions = Functions::offered();
        let mut scalar = functions.scalar.clone();
        scalar.extend(quality::functions());
        scalar.push(align::function());
        let product = config.max_product_rows;
        let analyzer = {
            let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![
                Arc::new(NearestWhole),
                Arc::new(LateralFirsts),
                Arc::new(AsOfJoins),
                Arc::new(TimeLiterals),
            ];
            let bucket = functions.scalar.iter().find(|function| function.name() == "time_bucket");
            if let Some(time_bucket) = bucket {
                rules.push(Arc::new(GapFills { time_bucket: Arc::clone(time_bucket) }));
            }
            rules.push(Arc::new(NoRow));
            rules.push(Arc::new(UnknownIn));
            rules.push(Arc::new(JapaneseDays));
            rules.extend(Analyzer::new().rules);
            rules
        };
        let optimizer = {
            let mut rules = UseRollups::among(whole_sides::optimizer_rules());
            let filters = rules.iter().position(|rule| rule.name() == "push_down_filter");
            let after = filters.map_or(rules.len(), |place| place + 1);
            rules.insert(after, Arc::new(FiltersIntoAsOfJoins));
            CheckedConstants::among(rules)
        };
        let physical = {
            let mut rules =
                NamedFilters::around(InputProperties::among(PhysicalOptimizer::new().rules));
            rules.push(Arc::new(SpatialJoins));
            rules.push(Arc::new(StoredFilters));
            rules.push(Arc::new(KeyRuns));
            rules.push(Arc::new(YieldingJoins { max_product_rows: product }));
            rules
        };
        let mut relations: Vec<Arc<dyn RelationPlanner>> = vec![Arc::new(AsOfRelations)];
        relations.extend(dialect::relations());
        let mut expressions = dialect::expressions();
        expressions.push(Arc::new(SignedNumbers));
        expressions.extend(SessionStateDefaults::default_expr_planners());
        let memory_per_query = config.memory_bytes_per_query.min(config.memory_bytes);
        let planner = Arc::new(HubPlanner { memory_bytes_per_query: memory_per_query });
        let state = |partitions: usize| {
            SessionStateBuilder::new()
                .with_query_planner(Arc::<HubPlanner>::clone(&planner))
                .with_relation_planners(relations.clone())
                .with_type_planner(dialect::types())
                .with_optimizer_rules(optimizer.clone())
                .with_analyzer_rules(analyzer.clone())
                .with_config(session_config(partitions))
                .with_runtime_env(Arc::new(shared.clone()))
                .with_statistics_registry(estimates::registry())
                .with_expr_planners(expressions.clone())
                .with_scalar_functions(scalar.clone())
                .with_higher_order_functions(functions.higher_order.clone())
                .with_aggregate_functions(functions.aggregate.clone())
                .with_window_functions(functions.window.clone())
                .with_table_functions(functions.table.clone())
                .with_physical_optimizer_rules(physical.clone())
                .build()
        };
        Ok(Self {
            sql: state(config.target_partitions),
            rows: state(1),
            pool,
            memory_per_query,
            shared,
            metadata,
        })
    }

    /// The memory and disk of one query, which keep it counted as running while they are in use.
    pub(crate) fn environment(
        &self,
        running: Arc<Running>,
        disk: Arc<QueryDisk>,
    ) -> Result<Arc<RuntimeEnv>> {
        let disk: DiskManager =
            DiskManagerBuilder::default().with_mode(DiskManagerMode::Custom(disk)).build()?;
        let pool = QueryPool::new(Arc::clone(&self.pool), self.memory_per_query, running);
        Ok(Arc::new(RuntimeEnv {
            memory_pool: Arc::new(pool),
            disk_manager: Arc::new(disk),
            ..self.shared.clone()
        }))
    }

    /// A session for SQL over this catalog and no other. What runs in it takes memory and disk from the
    /// environment of [`task_context`], which every query has its own of.
    pub(crate) fn for_sql(&self, catalogs: Arc<dyn CatalogProviderList>) -> SessionState {
        // A clone shares the functions and rules; the builder would register each of them anew.
        let mut state = self.sql.clone();
        state.register_catalog_list(catalogs);
        state.mark_start_execution();
        state
    }

    /// The session for reading rows of one table, without a catalog.
    pub(crate) fn for_rows(&self) -> &SessionState {
        &self.rows
    }

    pub(crate) fn metadata_cache(&self) -> Arc<MetadataCache> {
        Arc::clone(&self.metadata)
    }

    pub(crate) fn memory_per_query(&self) -> usize {
        self.memory_per_query
    }
}

/// What a plan of this session runs with.
pub(crate) fn task_context(state: &SessionState, environment: Arc<RuntimeEnv>) -> Arc<TaskContext> {
    // A physical plan holds its functions itself; the context's are for plans that come over a wire.
    Arc::new(TaskContext::new(
        None,
        state.session_id().to_owned(),
        state.config().clone(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        environment,
    ))
}

fn session_config(partitions: usize) -> SessionConfig {
    let mut session = SessionConfig::new()
        .with_target_partitions(partitions.max(1))
        .with_batch_size(8_192)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, NO_SCHEMA)
        .with_information_schema(false);
    let options = session.options_mut();
    options.execution.time_zone = Some(ZONE_NAME.to_owned());
    options.execution.spill_compression = SpillCompression::Lz4Frame;
    // Each scan decides for itself.
    options.execution.parquet.pushdown_filters = false;
    options.execution.parquet.reorder_filters = true;
    options.optimizer.use_statistics_registry = true;
    // What contracts say of columns differs between the sides of a UNION, and the planner's own check takes
    // that for a fault.
    options.execution.skip_physical_aggregate_schema_check = true;
    options.sql_parser.collect_spans = true;
    options.sql_parser.dialect = datafusion::common::config::Dialect::PostgreSQL;
    session
}
