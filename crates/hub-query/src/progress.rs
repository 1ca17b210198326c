//! How far a query has come, told by its scans while it runs.

use std::sync::{Arc, OnceLock};

use datafusion::{datasource::source::DataSourceExec, physical_plan::ExecutionPlan};

use crate::cost::Cost;

/// Watches one query. Cheap to clone; it may be asked at any time, also before the query is planned.
#[derive(Debug, Clone, Default)]
pub struct ScanProgress(Arc<OnceLock<(Arc<dyn ExecutionPlan>, Cost)>>);

/// What scans have read so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Rows that they handed on.
    pub rows: u64,
    /// Stored bytes that they read.
    pub bytes: u64,
}

impl ScanProgress {
    pub(crate) fn begin(&self, plan: Arc<dyn ExecutionPlan>, cost: Cost) {
        // A query is planned once; a second plan would be another query's.
        let _ = self.0.set((plan, cost));
    }

    /// What the query was expected to cost; none before it is planned.
    pub fn cost(&self) -> Option<&Cost> {
        self.0.get().map(|(_, cost)| cost)
    }

    /// What its scans have read so far.
    pub fn scanned(&self) -> Scanned {
        let mut scanned = Scanned::default();
        if let Some((plan, _)) = self.0.get() {
            add(plan, &mut scanned);
        }
        scanned
    }
}

fn add(plan: &Arc<dyn ExecutionPlan>, scanned: &mut Scanned) {
    if plan.is::<DataSourceExec>()
        && let Some(metrics) = plan.metrics()
    {
        scanned.rows += metrics.output_rows().unwrap_or_default() as u64;
        let bytes = metrics.sum_by_name("bytes_scanned");
        scanned.bytes += bytes.map_or(0, |value| value.as_usize()) as u64;
    }
    for child in plan.children() {
        add(child, scanned);
    }
}
