//! How much the engine may use.

use std::{path::PathBuf, time::Duration};

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
    /// Bytes for pages of files that point lookups read of late; 0 for none, and no such lookups.
    pub page_cache_bytes: u64,
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
            page_cache_bytes: 128 * 1_024 * 1_024,
            time_limit: Duration::from_secs(60),
            stall_limit: Duration::from_secs(60),
            max_output_rows: None,
            max_output_bytes: None,
            max_running: 8,
            max_waiting: 32,
            max_wait: Duration::from_secs(5),
            max_product_rows: 500_000_000,
            rollups: true,
        }
    }
}
