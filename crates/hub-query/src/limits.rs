//! Shares of memory, of running queries and of output, and the counters that show their use.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use datafusion::{
    common::{Result, resources_datafusion_err},
    execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation},
};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{disk::QueryDisk, error::QueryError};

/// One query's share of the engine's memory. What it takes is also taken from the pool that all share.
#[derive(Debug)]
pub(crate) struct QueryPool {
    shared: Arc<dyn MemoryPool>,
    limit: usize,
    used: AtomicUsize,
    /// Whatever still works for the query holds memory of this pool, and so keeps the query's place:
    /// work that was told to stop goes on until it next looks up.
    _running: Arc<Running>,
}

impl QueryPool {
    pub(crate) fn new(shared: Arc<dyn MemoryPool>, limit: usize, running: Arc<Running>) -> Self {
        Self { shared, limit, used: AtomicUsize::new(0), _running: running }
    }
}

impl fmt::Display for QueryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query({} of {})", self.used.load(Ordering::Relaxed), self.limit)
    }
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.shared.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.shared.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        self.shared.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.shared.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(additional).filter(|used| *used <= self.limit)
        });
        if taken.is_err() {
            return Err(resources_datafusion_err!("the query's share of memory is used up"));
        }
        self.shared.try_grow(reservation, additional).inspect_err(|_| {
            self.used.fetch_sub(additional, Ordering::Relaxed);
        })
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

/// Who may run now, and who waits for it.
#[derive(Debug)]
pub(crate) struct Admission {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    max_running: usize,
    max_wait: Duration,
}

impl Admission {
    pub(crate) fn new(max_running: usize, max_waiting: usize, max_wait: Duration) -> Self {
        let max_running = max_running.max(1);
        Self {
            running: Arc::new(Semaphore::new(max_running)),
            waiting: Arc::new(Semaphore::new(max_waiting)),
            max_running,
            max_wait,
        }
    }

    /// A place among those that run; after the queue is full or the wait too long, [`QueryError::Busy`].
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, QueryError> {
        let busy = QueryError::Busy { running: self.max_running };
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return Ok(permit);
        }
        let Ok(_place) = Arc::clone(&self.waiting).try_acquire_owned() else { return Err(busy) };
        let permit = Arc::clone(&self.running).acquire_owned();
        match tokio::time::timeout(self.max_wait, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(busy),
        }
    }
}

/// What the engine has done and is doing.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    running: AtomicUsize,
    finished: AtomicU64,
    files_read: AtomicU64,
    files_skipped: AtomicU64,
    spilling: Mutex<Vec<std::sync::Weak<QueryDisk>>>,
}

impl Counters {
    pub(crate) fn count_files(&self, read: usize, skipped: usize) {
        self.files_read.fetch_add(read as u64, Ordering::Relaxed);
        self.files_skipped.fetch_add(skipped as u64, Ordering::Relaxed);
    }

    /// Counts what this query puts on disk.
    pub(crate) fn watch(&self, disk: &Arc<QueryDisk>) {
        let mut spilling = self.spilling.lock();
        spilling.retain(|disk| disk.strong_count() > 0);
        spilling.push(Arc::downgrade(disk));
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Acquire)
    }

    pub(crate) fn finished(&self) -> u64 {
        self.finished.load(Ordering::Relaxed)
    }

    pub(crate) fn files(&self) -> (u64, u64) {
        (self.files_read.load(Ordering::Relaxed), self.files_skipped.load(Ordering::Relaxed))
    }

    /// Bytes of intermediate results on disk now.
    pub(crate) fn spilling(&self) -> u64 {
        let spilling = self.spilling.lock();
        spilling.iter().filter_map(|disk| disk.upgrade()).map(|disk| disk.used()).sum()
    }
}

/// Counts one query as running for as long as its work exists, which may be longer than its stream.
#[derive(Debug)]
pub(crate) struct Running {
    counters: Arc<Counters>,
    _permit: OwnedSemaphorePermit,
}

impl Running {
    pub(crate) fn new(counters: &Arc<Counters>, permit: OwnedSemaphorePermit) -> Self {
        counters.running.fetch_add(1, Ordering::AcqRel);
        Self { counters: Arc::clone(counters), _permit: permit }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.counters.finished.fetch_add(1, Ordering::Relaxed);
        self.counters.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How much one answer may hold; no bound where there is none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OutputBudget {
    pub(crate) max_rows: Option<u64>,
    pub(crate) max_bytes: Option<u64>,
    rows: u64,
    bytes: u64,
}

impl OutputBudget {
    pub(crate) fn new(max_rows: Option<u64>, max_bytes: Option<u64>) -> Self {
        Self { max_rows, max_bytes, rows: 0, bytes: 0 }
    }

    /// Counts a batch that is about to be handed out.
    pub(crate) fn take(&mut self, batch: &arrow::array::RecordBatch) -> Result<(), QueryError> {
        self.rows += batch.num_rows() as u64;
        self.bytes += batch
            .columns()
            .iter()
            .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0) as u64)
            .sum::<u64>();
        if let Some(limit) = self.max_rows.filter(|limit| self.rows > *limit) {
            return Err(QueryError::OutputLimit { limit, unit: "rows" });
        }
        if let Some(limit) = self.max_bytes.filter(|limit| self.bytes > *limit) {
            return Err(QueryError::OutputLimit { limit, unit: "bytes" });
        }
        Ok(())
    }
}
