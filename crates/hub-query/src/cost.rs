//! What a query will cost, told from its plan before anything of it runs: which files its scans read once
//! those are left out that can't hold what is asked for, and what it must hold in memory. No data is read.

use std::{collections::HashSet, sync::Arc};

use datafusion::{
    datasource::{physical_plan::FileScanConfig, source::DataSourceExec},
    physical_plan::{
        ExecutionPlan,
        aggregates::AggregateExec,
        joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec},
        sorts::sort::SortExec,
        statistics::{StatisticsArgs, StatisticsContext},
        windows::{BoundedWindowAggExec, WindowAggExec},
    },
};
use hub_lake::Snapshot;
use hub_model::{DatasetId, VersionNumber};

/// What a query will read and hold, at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// For each dataset what is read of it.
    pub tables: Vec<TableCost>,
    /// What the work needs of memory.
    pub memory: MemoryNeed,
    /// Bytes that joins are likely to hold in memory at once, where that can be told.
    pub held_bytes: Option<u64>,
    /// Bytes of memory that one query may take.
    pub memory_limit_bytes: u64,
}

/// What is read of one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCost {
    /// The dataset.
    pub dataset: DatasetId,
    /// Its version.
    pub version: VersionNumber,
    /// How often it is scanned; not at all where its statistics answer, or where no file can hold a row.
    pub scans: u64,
    /// Files that are read, over all scans; a file's rollup stands for it.
    pub files: u64,
    /// Files that are left out, over all scans.
    pub files_pruned: u64,
    /// Rows of the files or rollups that are read. Fewer are read where pages can be left out.
    pub rows: u64,
    /// Stored bytes of the files or rollups that are read. Fewer are read where columns or pages can be left out.
    pub bytes: u64,
}

/// What a query's work needs of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemoryNeed {
    /// Little: rows pass through.
    Streams,
    /// Rows are gathered, to be sorted or grouped; what is too much for memory goes to disk.
    Spills,
    /// One side of a join must fit into memory.
    MustFit,
}

impl MemoryNeed {
    /// The word in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Streams => "streams",
            Self::Spills => "spills",
            Self::MustFit => "must_fit",
        }
    }
}

impl Cost {
    /// Rows of all files that are read.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// Bytes of all files that are read.
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes).sum()
    }

    /// Of a plan over these snapshots.
    pub(crate) fn of(
        plan: &Arc<dyn ExecutionPlan>,
        snapshots: &[Snapshot],
        memory_limit_bytes: u64,
    ) -> Self {
        let tables = snapshots.iter().map(|snapshot| TableCost {
            dataset: snapshot.dataset.clone(),
            version: snapshot.version,
            scans: 0,
            files: 0,
            files_pruned: 0,
            rows: 0,
            bytes: 0,
        });
        let mut cost = Self {
            tables: tables.collect(),
            memory: MemoryNeed::Streams,
            held_bytes: None,
            memory_limit_bytes,
        };
        cost.add(plan, snapshots);
        for (table, snapshot) in cost.tables.iter_mut().zip(snapshots) {
            if table.scans == 0 {
                table.files_pruned = snapshot.files.len() as u64;
            }
        }
        cost
    }

    fn add(&mut self, plan: &Arc<dyn ExecutionPlan>, snapshots: &[Snapshot]) {
        if let Some(scan) = scanned(plan) {
            self.add_scan(scan, snapshots);
        }
        let (need, held) = need(plan);
        self.memory = self.memory.max(need);
        if let Some(held) = held {
            self.held_bytes = Some(self.held_bytes.unwrap_or(0).saturating_add(held));
        }
        for child in plan.children() {
            self.add(child, snapshots);
        }
    }

    fn add_scan(&mut self, scan: &FileScanConfig, snapshots: &[Snapshot]) {
        // One file may be read in several parts.
        let read: HashSet<&str> = scan
            .file_groups
            .iter()
            .flat_map(|group| group.iter())
            .map(|file| file.object_meta.location.as_ref())
            .collect();
        for (table, snapshot) in self.tables.iter_mut().zip(snapshots) {
            let of_it = snapshot.files.iter().filter_map(|file| {
                if read.contains(file.path.as_ref()) {
                    return Some((file.rows, file.bytes));
                }
                // What is read of it may be its rollup.
                let mut kept = file.rollups.iter().flat_map(|rollups| &rollups.files);
                let kept = kept.find(|kept| read.contains(kept.path.as_ref()))?;
                Some((kept.rows, kept.bytes))
            });
            let (mut files, mut rows, mut bytes) = (0, 0, 0);
            for (file_rows, file_bytes) in of_it {
                files += 1;
                rows += file_rows;
                bytes += file_bytes;
            }
            if files > 0 {
                table.scans += 1;
                table.files += files;
                table.files_pruned += snapshot.files.len() as u64 - files;
                table.rows += rows;
                table.bytes += bytes;
                return;
            }
        }
    }
}

/// The scan of files that a step of a plan is, if it is one.
pub(crate) fn scanned(plan: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    plan.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()
}

/// What one step needs, and how many bytes it is likely to hold where it must hold them.
fn need(plan: &Arc<dyn ExecutionPlan>) -> (MemoryNeed, Option<u64>) {
    let held = |side: &Arc<dyn ExecutionPlan>| {
        let told = StatisticsContext::new().compute(side.as_ref(), &StatisticsArgs::new());
        let statistics = told.ok()?;
        statistics.total_byte_size.get_value().map(|bytes| *bytes as u64)
    };
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return (MemoryNeed::MustFit, held(join.left()));
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        return (MemoryNeed::MustFit, held(join.left()));
    }
    if let Some(join) = plan.downcast_ref::<CrossJoinExec>() {
        return (MemoryNeed::MustFit, held(join.left()));
    }
    let gathers = plan.is::<AggregateExec>()
        || plan.is::<SortExec>()
        || plan.is::<WindowAggExec>()
        || plan.is::<BoundedWindowAggExec>()
        || plan.is::<SortMergeJoinExec>();
    (if gathers { MemoryNeed::Spills } else { MemoryNeed::Streams }, None)
}
