//! What is computed once for a snapshot and used by every query that reads it.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use chrono::DateTime;
use datafusion::{common::Result, datasource::listing::PartitionedFile};
use hub_lake::Snapshot;
use hub_model::{Contract, DatasetId};
use object_store::ObjectMeta;

use super::columns::{file_statistics, scan_schema};
use crate::{engine::ReadableTable, rollup::RollupSets};

/// A snapshot in the planner's terms.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) contract: Arc<Contract>,
    pub(crate) snapshot: Snapshot,
    pub(crate) scan_schema: SchemaRef,
    /// One for each file of the snapshot, in its order, with statistics.
    pub(crate) files: Vec<PartitionedFile>,
    /// The leading columns that every file is sorted by, as places in the scan's schema.
    pub(crate) sorted_by: Vec<usize>,
    /// What is kept of the files by series, day and hour.
    pub(crate) rollups: RollupSets,
}

impl Prepared {
    pub(crate) fn new(table: &ReadableTable) -> Result<Self> {
        let scan_schema = scan_schema(&table.contract);
        Ok(Self::of(Arc::clone(&table.contract), table.snapshot.clone(), scan_schema))
    }

    /// Files that are scanned with this schema.
    pub(crate) fn of(contract: Arc<Contract>, snapshot: Snapshot, scan_schema: SchemaRef) -> Self {
        let files = snapshot.files.iter().map(|file| {
            let meta = ObjectMeta {
                location: file.path.clone(),
                last_modified: DateTime::from_timestamp_millis(file.written_at_ms)
                    .unwrap_or_default(),
                size: file.bytes,
                e_tag: None,
                version: None,
            };
            PartitionedFile::from(meta)
                .with_statistics(Arc::new(file_statistics(file, &scan_schema)))
        });
        let sorted_by = snapshot.sort_columns.iter();
        Self {
            contract,
            files: files.collect(),
            sorted_by: sorted_by.map_while(|name| scan_schema.index_of(name).ok()).collect(),
            snapshot,
            scan_schema,
            rollups: RollupSets::default(),
        }
    }

    fn is_of(&self, table: &ReadableTable) -> bool {
        (Arc::ptr_eq(&self.contract, &table.contract) || self.contract == table.contract)
            && (Arc::ptr_eq(&self.snapshot.files, &table.snapshot.files)
                || self.snapshot.files == table.snapshot.files)
            && self.snapshot.sort_columns == table.snapshot.sort_columns
    }
}

/// The prepared snapshots of late.
#[derive(Debug)]
pub(crate) struct PreparedTables {
    cache: moka::future::Cache<(DatasetId, u64), Arc<Prepared>>,
}

/// How many files' statistics are kept, over all snapshots.
const CACHED_FILES: u64 = 200_000;

impl PreparedTables {
    pub(crate) fn new() -> Self {
        let cache = moka::future::Cache::builder()
            .weigher(|_, prepared: &Arc<Prepared>| {
                u32::try_from(prepared.files.len() + 10).unwrap_or(u32::MAX)
            })
            .max_capacity(CACHED_FILES)
            .build();
        Self { cache }
    }

    pub(crate) async fn prepare(&self, table: &ReadableTable) -> Result<Arc<Prepared>> {
        let key = (table.snapshot.dataset.clone(), table.snapshot.log_version);
        if let Some(prepared) = self.cache.get(&key).await
            && prepared.is_of(table)
        {
            return Ok(prepared);
        }
        let prepared = Arc::new(Prepared::new(table)?);
        self.cache.insert(key, Arc::clone(&prepared)).await;
        Ok(prepared)
    }
}
