//! The application: the rooms it is made of, and the limits it keeps over them.

use std::{path::PathBuf, sync::Arc};

use hub_lake::{Lake, StageOptions};
use hub_query::QueryEngine;
use hub_registry::{Clock, Registry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Answers, Metrics, jobs::UnderWay, known::Known, maintain::Upkeep, partial::Writers,
    queries::Jobs,
};

/// Limits and places of the application.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// Where uploads wait while they are checked, and sorts spill. Cleared at start.
    pub scratch_folder: PathBuf,
    /// Where files that come in pieces wait for the rest. Kept over restarts.
    pub partial_folder: PathBuf,
    /// The largest file taken, in bytes.
    pub max_upload_bytes: u64,
    /// Uploads worked on at once.
    pub uploads_at_once: usize,
    /// Memory one upload may hold while it is sorted, in bytes.
    pub upload_memory_bytes: usize,
    /// Threads one upload may use.
    pub upload_threads: usize,
    /// How long an upload's body may pause, in milliseconds.
    pub body_pause_ms: u64,
    /// How long the files of rejected uploads are kept, in seconds.
    pub keep_rejected_s: u64,
    /// Errors a report lists; it counts all of them.
    pub report_cap: usize,
    /// Where files are decoded.
    pub decoding: crate::Decoding,
    /// SQL's bounds before planning.
    pub sql_bounds: hub_query::SqlBounds,
    /// Bytes of answers that are kept for the next who asks the same; 0 keeps none.
    pub kept_answer_bytes: usize,
    /// The most bytes of one of them.
    pub kept_answer_bytes_each: usize,
    /// Small files of one dataset that start a compaction.
    pub compact_after_files: usize,
    /// How often leavings are collected, in seconds; 0 turns it off.
    pub vacuum_every_s: u64,
    /// How old an unpublished file must be before it is collected, in seconds. It must exceed the
    /// longest upload.
    pub vacuum_grace_s: u64,
    /// Limits of queries that run as jobs.
    pub query_jobs: crate::QueryJobLimits,
    /// How many permalinks may be made.
    pub permalinks: crate::PermalinkLimits,
    /// Whether other processes share the registry, so that an unfinished upload may be theirs.
    pub shared_registry: bool,
}

/// The rooms an application is composed of.
#[derive(Debug)]
pub struct Parts {
    /// Who and what is recorded.
    pub registry: Registry,
    /// The datasets' versions.
    pub lake: Lake,
    /// The query engine over the lake's store.
    pub engine: QueryEngine,
    /// Now.
    pub clock: Clock,
}

/// The hub's use cases. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) registry: Registry,
    pub(crate) lake: Lake,
    pub(crate) engine: QueryEngine,
    pub(crate) clock: Clock,
    pub(crate) config: AppConfig,
    pub(crate) metrics: Metrics,
    pub(crate) answers: Answers,
    pub(crate) known: Known,
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) under_way: UnderWay,
    pub(crate) jobs: Jobs,
    pub(crate) writers: Writers,
    pub(crate) upkeep: mpsc::UnboundedSender<hub_model::DatasetId>,
    /// Work that outlives its request: publications under way and upkeep.
    pub(crate) tasks: TaskTracker,
    pub(crate) stopping: CancellationToken,
}

impl App {
    /// Composes an application; [`Self::recover`] and [`Self::start_upkeep`] come next.
    pub fn new(parts: Parts, config: AppConfig) -> (Self, Upkeep) {
        let (upkeep, queue) = mpsc::unbounded_channel();
        let metrics = Metrics::new();
        let (all, each) = (config.kept_answer_bytes, config.kept_answer_bytes_each);
        let app = Self {
            inner: Arc::new(Inner {
                registry: parts.registry,
                lake: parts.lake,
                engine: parts.engine,
                clock: parts.clock,
                answers: Answers::new(all, each, metrics.clone()),
                metrics,
                known: Known::new(),
                uploads: Arc::new(Semaphore::new(config.uploads_at_once)),
                under_way: UnderWay::default(),
                jobs: Jobs::new(),
                writers: Writers::default(),
                upkeep,
                tasks: TaskTracker::new(),
                stopping: CancellationToken::new(),
                config,
            }),
        };
        (app, Upkeep::new(queue))
    }

    /// What the hub counts.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// The answers of late.
    pub fn answers(&self) -> &Answers {
        &self.inner.answers
    }

    /// The query engine's gauges, such as reserved memory.
    pub fn engine_gauges(&self) -> hub_query::EngineGauges {
        self.inner.engine.gauges()
    }

    /// Whether registry and lake answer.
    pub async fn ready(&self) -> Result<(), crate::AppError> {
        if self.inner.stopping.is_cancelled() {
            return Err(crate::AppError::Stopping);
        }
        self.inner.registry.ping().await?;
        self.inner.lake.probe().await?;
        Ok(())
    }

    /// A place among the files worked on at once; it is held until the work ends, whoever waits for it.
    pub(crate) fn upload_place(&self) -> Result<OwnedSemaphorePermit, crate::AppError> {
        Arc::clone(&self.inner.uploads)
            .try_acquire_owned()
            .map_err(|_| crate::AppError::Busy("uploads"))
    }

    /// As [`Self::upload_place`], after waiting for one; an error where the hub stops before.
    pub(crate) async fn wait_for_upload_place(
        &self,
    ) -> Result<OwnedSemaphorePermit, crate::AppError> {
        let place = Arc::clone(&self.inner.uploads).acquire_owned();
        tokio::select! {
            biased;
            () = self.inner.stopping.cancelled() => Err(crate::AppError::Stopping),
            place = place => place.map_err(|_| crate::AppError::Stopping),
        }
    }

    /// How rows are sorted and written, by uploads and by compaction alike.
    pub(crate) fn stage_options(&self) -> StageOptions {
        StageOptions {
            scratch: self.inner.config.scratch_folder.clone(),
            memory_bytes: self.inner.config.upload_memory_bytes,
            threads: self.inner.config.upload_threads,
            ..StageOptions::default()
        }
    }

    /// Takes no new uploads, and waits until those under way are published or refused.
    pub async fn stop(&self) {
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}
