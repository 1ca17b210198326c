//! What the hub counts of its own work. The server adds what it counts of requests.

use hub_intake::worker::{Confinement, Fence};
use hub_model::ErrorKind;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// How a piece of work ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OutcomeLabel {
    outcome: String,
}

/// A part of the fence around a worker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FenceLabel {
    fence: String,
}

/// Counters of uploads and queries. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    uploads: Family<OutcomeLabel, Counter>,
    queries: Family<OutcomeLabel, Counter>,
    pub(crate) bytes_received: Counter,
    pub(crate) rows_published: Counter,
    pub(crate) query_seconds: Histogram,
    worker_fences: Family<FenceLabel, Gauge>,
    kept_answers: Family<OutcomeLabel, Counter>,
    pub(crate) kept_answer_bytes: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            uploads: Family::default(),
            queries: Family::default(),
            bytes_received: Counter::default(),
            rows_published: Counter::default(),
            worker_fences: Family::default(),
            kept_answers: Family::default(),
            kept_answer_bytes: Gauge::default(),
            query_seconds: Histogram::new([0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0]),
        }
    }

    /// Names the counters in a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("uploads", "Uploads by how they ended", self.uploads.clone());
        registry.register("queries", "Queries by how their planning ended", self.queries.clone());
        registry.register("upload_bytes", "Bytes received in uploads", self.bytes_received.clone());
        registry.register("rows_published", "Rows made visible", self.rows_published.clone());
        registry.register(
            "kept_answers",
            "Questions that could have been answered from kept answers, by whether they were",
            self.kept_answers.clone(),
        );
        registry.register(
            "kept_answer_bytes",
            "Bytes of kept answers",
            self.kept_answer_bytes.clone(),
        );
        registry.register(
            "worker_fences",
            "Whether each part of the fence around the decoding of files stands",
            self.worker_fences.clone(),
        );
        registry.register(
            "query_first_batch_seconds",
            "Time from a query's start to its first batch",
            self.query_seconds.clone(),
        );
    }

    pub(crate) fn set_fences(&self, confinement: &Confinement) {
        for fence in Fence::ALL {
            let label = FenceLabel { fence: fence.as_str().to_owned() };
            let gauge = self.worker_fences.get_or_create(&label);
            gauge.set(i64::from(confinement.has(fence)));
        }
    }

    pub(crate) fn count_upload(&self, failure: Option<ErrorKind>) {
        self.uploads.get_or_create(&label(failure)).inc();
    }

    pub(crate) fn count_kept_answer(&self, found: bool) {
        let outcome = if found { "hit" } else { "miss" }.to_owned();
        self.kept_answers.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(crate) fn count_query(&self, failure: Option<ErrorKind>) {
        self.queries.get_or_create(&label(failure)).inc();
    }
}

fn label(failure: Option<ErrorKind>) -> OutcomeLabel {
    OutcomeLabel { outcome: failure.map_or_else(|| "ok".to_owned(), |kind| format!("{kind:?}")) }
}
