//! Upkeep: small files are joined and leavings collected, in the background and by command.

use std::time::Duration;

use hub_lake::{
    CompactOptions, CompactOutcome, LakeError, SnapshotAt, VacuumOptions, VacuumOutcome,
};
use hub_model::{DatasetId, Principal};
use hub_registry::{DatasetFilter, Readable};
use tokio::sync::mpsc;

use crate::{App, AppError};

/// Datasets read at once while upkeep walks over all of them.
const PAGE: usize = 200;

/// How long an idempotency key is known at least.
const KEYS_KEPT: chrono::Duration = chrono::Duration::days(30);

/// The queue of datasets that were published to; started by [`App::start_upkeep`].
#[derive(Debug)]
pub struct Upkeep {
    queue: mpsc::UnboundedReceiver<DatasetId>,
}

impl Upkeep {
    pub(crate) fn new(queue: mpsc::UnboundedReceiver<DatasetId>) -> Self {
        Self { queue }
    }
}

impl App {
    /// Compacts datasets as they gather small files, and collects leavings from time to time, until
    /// the application stops.
    pub fn start_upkeep(&self, mut upkeep: Upkeep) {
        let app = self.clone();
        self.inner.tasks.spawn(async move {
            let every = match app.inner.config.vacuum_every_s {
                0 => Duration::from_secs(u64::from(u32::MAX)),
                seconds => Duration::from_secs(seconds),
            };
            let start = tokio::time::Instant::now() + every;
            let mut vacuum = tokio::time::interval_at(start, every);
            loop {
                tokio::select! {
                    () = app.inner.stopping.cancelled() => return,
                    dataset = upkeep.queue.recv() => match dataset {
                        Some(dataset) => app.compact_if_needed(&dataset).await,
                        None => return,
                    },
                    _ = vacuum.tick() => {
                        app.vacuum_all().await;
                        app.forget_keys().await;
                        app.forget_partial().await;
                    }
                }
            }
        });
    }

    async fn compact_if_needed(&self, dataset: &DatasetId) {
        let options = self.compact_options();
        let outcome = async {
            let snapshot = self.inner.lake.snapshot(dataset, SnapshotAt::Latest).await?;
            let small = snapshot.files.iter().filter(|f| f.rows < options.small_rows).count();
            if small < self.inner.config.compact_after_files {
                return Ok::<_, LakeError>(None);
            }
            self.inner.lake.compact(dataset, &options).await.map(Some)
        };
        match outcome.await {
            Ok(Some(outcome)) => tracing::info!(%dataset, ?outcome, "small files were joined"),
            Ok(None) => {}
            // Another writer was first, or the store is away: the next publication tries again.
            Err(error) => tracing::warn!(%dataset, %error, "small files were not joined"),
        }
        self.roll_up(dataset).await;
    }

    /// Rolls up files that were written without, a bearable number of rows at a time.
    async fn roll_up(&self, dataset: &DatasetId) {
        match self.inner.lake.roll_up(dataset, &self.compact_options()).await {
            Ok(0) => {}
            Ok(files) => tracing::info!(%dataset, files, "older files were rolled up"),
            Err(error) => tracing::warn!(%dataset, %error, "older files were not rolled up"),
        }
    }

    /// Idempotency keys serve to repeat a request that just got lost; old ones are let go.
    async fn forget_keys(&self) {
        let before = self.inner.clock.now() - KEYS_KEPT;
        if let Err(error) = self.inner.registry.forget_reservations(before).await {
            tracing::warn!(%error, "old idempotency keys were not let go");
        }
    }

    async fn forget_partial(&self) {
        if let Err(error) = self.sweep_partial().await {
            tracing::warn!(%error, "partial files were not let go");
        }
    }

    async fn vacuum_all(&self) {
        let mut filter = DatasetFilter {
            text: None,
            agency: None,
            readable: Readable::Everything,
            after: None,
            limit: PAGE,
        };
        loop {
            let page = match self.inner.registry.datasets(&filter).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "leavings were not collected");
                    return;
                }
            };
            for record in &page {
                if self.inner.stopping.is_cancelled() {
                    return;
                }
                self.roll_up(&record.id).await;
                if let Err(error) = self.drop_old_originals(&record.id).await {
                    tracing::warn!(dataset = %record.id, %error, "old uploaded files were not let go");
                }
                match self.inner.lake.vacuum(&record.id, &self.vacuum_options()).await {
                    Ok(outcome) => {
                        tracing::debug!(dataset = %record.id, ?outcome, "collected leavings")
                    }
                    Err(error) => {
                        tracing::warn!(dataset = %record.id, %error, "leavings were not collected");
                    }
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => filter.after = Some(last.id.clone()),
                _ => return,
            }
        }
    }

    fn vacuum_options(&self) -> VacuumOptions {
        VacuumOptions {
            grace: Duration::from_secs(self.inner.config.vacuum_grace_s),
            now: self.inner.clock.now(),
            ..VacuumOptions::default()
        }
    }

    /// Joins as few as two files: whether it is worth while is decided before.
    fn compact_options(&self) -> CompactOptions {
        CompactOptions {
            stage: self.stage_options(),
            at_least_files: 2,
            now: self.inner.clock.now(),
            ..CompactOptions::default()
        }
    }

    /// Joins a dataset's small files now, and rolls up what was written without. Readers see the same rows
    /// before and after.
    pub async fn compact_dataset(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
    ) -> Result<CompactOutcome, AppError> {
        self.writable_dataset(principal, dataset).await?;
        let outcome = self.inner.lake.compact(dataset, &self.compact_options()).await?;
        while self.inner.lake.roll_up(dataset, &self.compact_options()).await? > 0 {}
        Ok(outcome)
    }

    /// Collects files that no version refers to; with `expire_after`, also those of versions that are
    /// older, which can't be read any more then. A dry run only says what would go.
    pub async fn vacuum_dataset(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        expire_after: Option<Duration>,
        dry_run: bool,
    ) -> Result<VacuumOutcome, AppError> {
        self.writable_dataset(principal, dataset).await?;
        let mut options =
            VacuumOptions { retention: expire_after, dry_run, ..self.vacuum_options() };
        if expire_after.is_some() {
            options.pinned = self.pinned_entries(dataset).await?;
            if !dry_run {
                // What is pinned from now on finds its version gone, or is among the pins read next.
                self.inner.lake.expire(dataset, &options).await?;
                options.pinned = self.pinned_entries(dataset).await?;
            }
        }
        if !dry_run {
            self.drop_old_originals(dataset).await?;
        }
        Ok(self.inner.lake.vacuum(dataset, &options).await?)
    }

    /// The log entries of the versions that permalinks name. They are kept for ever.
    async fn pinned_entries(&self, dataset: &DatasetId) -> Result<Vec<u64>, AppError> {
        self.copy_versions_from_log(dataset).await?;
        let mut entries = Vec::new();
        for number in self.inner.registry.pinned_versions(dataset).await? {
            if let Some(version) = self.inner.registry.version(dataset, number).await? {
                entries.push(version.log_version);
            }
        }
        Ok(entries)
    }
}
