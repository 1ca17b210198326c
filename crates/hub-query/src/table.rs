//! A snapshot's files as a table of the session: contract names over stored names, Japanese time over
//! UTC, pruned by the log's statistics, and known to be sorted where the files are.
//!
//! The scan is DataFusion's own Parquet source with a renaming projection, so that its plans stay plain.

mod columns;
mod indexed;
mod layout;
mod prepared;
mod pruning;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{DFSchema, Result, Statistics, config::ConfigOptions},
    datasource::{
        object_store::ObjectStoreUrl,
        physical_plan::{
            FileScanConfigBuilder, FileSource, ParquetSource,
            parquet::CachedParquetFileReaderFactory,
        },
        source::DataSourceExec,
        table_schema::TableSchema,
    },
    logical_expr::{Expr, TableProviderFilterPushDown, TableType, utils::conjunction},
    physical_expr::{
        PhysicalExpr,
        projection::{ProjectionExpr, ProjectionExprs},
    },
    physical_plan::{ExecutionPlan, empty::EmptyExec, expressions::Column},
};
use hub_model::Contract;
use object_store::ObjectStore;

pub(crate) use columns::{Exposed, scan_schema, widened_maximum, widened_minimum};
pub(crate) use prepared::{Prepared, PreparedTables};

use crate::{
    engine::ReadableTable, limits::Counters, point::PageCache, quality, rollup::Proofs,
    session::MetadataCache,
};

/// What every scan of an engine shares.
pub(crate) struct ScanShared {
    pub(crate) url: ObjectStoreUrl,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) metadata: Arc<MetadataCache>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) pages: PageCache,
    pub(crate) proofs: Proofs,
}

impl std::fmt::Debug for ScanShared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScanShared").field("url", &self.url).finish_non_exhaustive()
    }
}

/// One dataset version in one session, under the names that the query uses.
#[derive(Debug)]
pub(crate) struct SnapshotTable {
    prepared: Arc<Prepared>,
    exposed: Vec<Exposed>,
    schema: SchemaRef,
    shared: Arc<ScanShared>,
    /// Of each file whether it is scanned; all where nothing is said.
    only: Option<Vec<bool>>,
    /// Whether its files may be asked by their rollups.
    rollups: bool,
}

impl SnapshotTable {
    pub(crate) fn new(
        prepared: Arc<Prepared>,
        exposed: Vec<Exposed>,
        shared: Arc<ScanShared>,
    ) -> Self {
        let fields = exposed.iter().map(|column| {
            let field = prepared.scan_schema.field(column.index).clone().with_name(&column.name);
            let nullable = field.is_nullable() || column.judged_by.is_some();
            field.with_nullable(nullable)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { prepared, exposed, schema, shared, only: None, rollups: false }
    }

    /// The table, whose files may be asked by their rollups or not.
    pub(crate) fn with_rollups(self, rollups: bool) -> Self {
        Self { rollups, ..self }
    }

    /// The table under its contract's own names.
    pub(crate) fn plain(prepared: Arc<Prepared>, shared: Arc<ScanShared>) -> Self {
        let exposed = Exposed::all(&prepared.contract);
        Self::new(prepared, exposed, shared)
    }

    /// Some files of this or of another set, under these names.
    pub(crate) fn of_files(
        &self,
        prepared: Arc<Prepared>,
        exposed: Vec<Exposed>,
        only: Vec<bool>,
    ) -> Self {
        let table = Self::new(prepared, exposed, Arc::clone(&self.shared));
        Self { only: Some(only), ..table }
    }

    /// Whether its files may be asked by their rollups, each in its way.
    pub(crate) fn has_rollups(&self) -> bool {
        self.rollups
    }

    /// Whether a file's companion was found lost or damaged.
    pub(crate) fn refuses(&self, companion: &object_store::path::Path) -> bool {
        self.shared.proofs.refuses(companion)
    }

    pub(crate) fn prepared(&self) -> &Arc<Prepared> {
        &self.prepared
    }

    pub(crate) fn exposed(&self) -> &[Exposed] {
        &self.exposed
    }

    pub(crate) fn contract(&self) -> &Contract {
        &self.prepared.contract
    }

    /// Its columns as a session sees them.
    pub(crate) fn columns(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Scans the files that can hold rows for the predicate, which is in terms of [`Self::columns`]. Whoever
    /// asks still filters the rows.
    pub(crate) fn scan_where(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let everything = || vec![true; self.prepared.files.len()];
        let names_keys = predicate
            .as_ref()
            .is_some_and(|predicate| pruning::names_keys(&self.prepared, &self.exposed, predicate));
        let mut kept = predicate
            .map(|predicate| pruning::prune(&self.prepared, &self.exposed, &self.schema, predicate))
            .transpose()?
            .unwrap_or_else(everything);
        let wanted = self.only.as_ref().map_or(kept.len(), |only| {
            kept.iter_mut().zip(only).for_each(|(kept, wanted)| *kept &= wanted);
            only.iter().filter(|wanted| **wanted).count()
        });
        let files: Vec<_> = self
            .prepared
            .files
            .iter()
            .zip(&kept)
            .filter(|(_, kept)| **kept)
            .map(|(file, _)| file.clone())
            .collect();
        self.shared.counters.count_files(files.len(), wanted - files.len());
        if files.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => Arc::clone(&self.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let options = state.config().options();
        let layout = layout::arrange(&self.prepared, files, options.execution.target_partitions)?;
        let everything: Vec<usize> = (0..self.exposed.len()).collect();
        let projection: ProjectionExprs = projection
            .unwrap_or(&everything)
            .iter()
            .map(|place| self.shown(&self.exposed[*place], options))
            .collect::<Result<_>>()?;
        let mut global = options.execution.parquet.clone();
        global.pushdown_filters = names_keys;
        let source = ParquetSource::new(TableSchema::from(Arc::clone(&self.prepared.scan_schema)))
            .with_table_parquet_options(datafusion::config::TableParquetOptions {
                global,
                ..Default::default()
            })
            .with_parquet_file_reader_factory(Arc::new(indexed::IndexedReaders(
                CachedParquetFileReaderFactory::new(
                    Arc::clone(&self.shared.store),
                    self.shared.metadata.clone(),
                ),
            )));
        let source = source.try_pushdown_projection(&projection)?.ok_or_else(|| {
            datafusion::common::internal_datafusion_err!("the scan took no projection")
        })?;
        let config = FileScanConfigBuilder::new(self.shared.url.clone(), source)
            .with_file_groups(layout.groups)
            .with_statistics(layout.statistics)
            .with_output_ordering(layout.ordering.into_iter().collect())
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

impl SnapshotTable {
    /// Rows of the files' columns under the names that the query uses, without values that are left out.
    pub(crate) fn show(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.exposed.iter().map(|column| match column.judged_by {
            Some(judge) => quality::good(rows.column(column.index), rows.column(judge)),
            None => Ok(Arc::clone(rows.column(column.index))),
        });
        Ok(RecordBatch::try_new(self.columns(), columns.collect::<Result<_>>()?)?)
    }

    /// One column out of the files' columns.
    fn shown(&self, column: &Exposed, options: &Arc<ConfigOptions>) -> Result<ProjectionExpr> {
        let schema = &self.prepared.scan_schema;
        let stored = |index: usize| -> Arc<dyn PhysicalExpr> {
            Arc::new(Column::new(schema.field(index).name(), index))
        };
        let value = stored(column.index);
        let value = match column.judged_by {
            Some(judge) => quality::good_value(value, stored(judge), schema, options)?,
            None => value,
        };
        Ok(ProjectionExpr::new(value, &column.name))
    }
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // The filters choose files here; DataFusion pushes them into the Parquet source afterwards.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        None
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let predicate = conjunction(filters.iter().cloned())
            .map(|predicate| {
                let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
                state.create_physical_expr(predicate, &schema)
            })
            .transpose()?;
        self.scan_where(state, projection, predicate, limit)
    }
}

/// A dataset that is listed and not read: its columns show in `information_schema`, its rows nowhere.
#[derive(Debug)]
pub(crate) struct ListedTable {
    schema: SchemaRef,
}

impl ListedTable {
    pub(crate) fn new(contract: &hub_model::Contract) -> Self {
        Self { schema: contract.reader_schema() }
    }
}

#[async_trait]
impl TableProvider for ListedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        datafusion::common::internal_err!("a table that is only listed was scanned")
    }
}

/// The columns that a query sees of a table are decided before its provider is made.
pub(crate) async fn provider(
    table: &ReadableTable,
    exposed: Vec<Exposed>,
    tables: &PreparedTables,
    shared: &Arc<ScanShared>,
    rollups: bool,
) -> Result<Arc<SnapshotTable>> {
    let prepared = tables.prepare(table).await?;
    let provider = SnapshotTable::new(prepared, exposed, Arc::clone(shared));
    Ok(Arc::new(provider.with_rollups(rollups)))
}
