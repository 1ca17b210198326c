//! Coverage and freshness: what of a dataset there is by month, against what its contract leads to expect,
//! and whether it is as new as its metadata promises.

mod expected;
mod period;

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use hub_lake::SnapshotAt;
use hub_model::{DatasetId, ErrorKind, Freshness, Principal, Text};

pub(crate) use expected::share;
pub use expected::{Coverage, CoveredSeries, CoveredStretch};
pub use period::DataPeriod;

use crate::{App, AppError, DatasetSummary, Reading, VersionSelector, snapshots::OpenDataset};

/// How many datasets' logs are looked at at once.
const LOGS_AT_ONCE: usize = 8;

/// How many datasets are counted at once for one request.
const COUNTED_AT_ONCE: usize = 2;

/// How a dataset stands in time.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Between which times it has data; none where it has no rows with a time.
    pub period: Option<DataPeriod>,
    /// How it stands against its cadence; none where none is promised.
    pub freshness: Option<Freshness>,
}

/// One dataset's coverage.
#[derive(Debug)]
pub struct DatasetCoverage {
    /// The dataset.
    pub id: DatasetId,
    /// What it is called.
    pub title: Text,
    /// The version that was counted; 0 where nothing was published.
    pub version: u64,
    /// Its rows.
    pub rows: u64,
    /// How it stands in time.
    pub standing: Standing,
    /// What there is by time; none where rows have no time.
    pub coverage: Option<Arc<Coverage>>,
}

/// How a dataset stands, as listings show it.
#[derive(Debug)]
pub struct StandingSummary {
    /// The dataset.
    pub dataset: DatasetSummary,
    /// How it stands in time.
    pub standing: Standing,
}

/// A page of a listing.
#[derive(Debug)]
pub struct StandingPage {
    /// The datasets, by id.
    pub datasets: Vec<StandingSummary>,
    /// Where the next page begins, if there is one.
    pub next: Option<DatasetId>,
}

impl App {
    /// Counts a dataset's newest version by time; `unchanged` is asked with the state's name first and may
    /// spare the counting.
    pub async fn dataset_coverage(
        &self,
        principal: &Principal,
        id: &DatasetId,
        unchanged: impl FnOnce(&str) -> bool,
    ) -> Result<Reading<DatasetCoverage>, AppError> {
        let opened = self.open_dataset(principal, id, VersionSelector::Latest).await?;
        let standing = self.standing(&opened);
        let state = format!("{} {:?}", opened.state(), standing.freshness);
        if unchanged(&state) {
            return Ok(Reading::Unchanged(state));
        }
        let answer = DatasetCoverage {
            id: id.clone(),
            title: opened.source.title.clone(),
            version: opened.snapshot.version,
            rows: opened.snapshot.rows(),
            coverage: self.counted(&opened).await?,
            standing,
        };
        Ok(Reading::Read { answer, state })
    }

    /// How the datasets stand that the principal may read, by id.
    pub async fn standings(
        &self,
        principal: &Principal,
        after: Option<DatasetId>,
        limit: usize,
    ) -> Result<StandingPage, AppError> {
        let page = self.datasets(principal, None, None, after, limit).await?;
        let datasets = futures::stream::iter(page.datasets)
            .map(|dataset| async {
                let id = &dataset.record.id;
                let snapshot = self.inner.lake.snapshot(id, SnapshotAt::Latest).await?;
                let published = dataset.latest.as_ref().map(|latest| latest.committed_at);
                let published = published.unwrap_or(dataset.record.created_at);
                let record = &dataset.record;
                let standing =
                    self.standing_of(&record.contract, &record.metadata, &snapshot, published);
                Ok::<_, AppError>(StandingSummary { dataset, standing })
            })
            .buffered(LOGS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(StandingPage { datasets, next: page.next })
    }

    /// What there is by time of each of these, in their order, as far as it is known within the time given:
    /// none where it is not counted by then. Asking again goes on from there.
    pub async fn coverage_of(
        &self,
        principal: &Principal,
        ids: &[DatasetId],
        within: std::time::Duration,
    ) -> Result<Vec<Option<Arc<Coverage>>>, AppError> {
        let until = tokio::time::Instant::now() + within;
        let counted = ids.iter().map(|id| async move {
            let counting = async {
                match self.open_dataset(principal, id, VersionSelector::Latest).await {
                    Ok(opened) => self.counted(&opened).await,
                    // It went out of sight since it was listed.
                    Err(AppError::NotFound { .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            };
            match tokio::time::timeout_at(until, counting).await {
                // One that takes too much keeps nobody from seeing the others.
                Ok(Err(error)) if is_too_much(&error) => Ok(None),
                Ok(counted) => counted,
                Err(_) => Ok(None),
            }
        });
        let counted: Vec<_> = counted.collect();
        futures::stream::iter(counted).buffered(COUNTED_AT_ONCE).try_collect().await
    }

    fn standing(&self, opened: &OpenDataset) -> Standing {
        let record = &opened.known.record;
        let published = opened.source.committed_at.unwrap_or(record.created_at);
        self.standing_of(&record.contract, &record.metadata, &opened.snapshot, published)
    }

    fn standing_of(
        &self,
        contract: &hub_model::Contract,
        metadata: &hub_model::DatasetMetadata,
        snapshot: &hub_lake::Snapshot,
        published: chrono::DateTime<chrono::Utc>,
    ) -> Standing {
        let period = DataPeriod::of(contract, snapshot);
        let until = period.as_ref().and_then(DataPeriod::until);
        let now = self.inner.clock.now();
        let freshness =
            metadata.cadence.and_then(|cadence| Freshness::of(cadence, until, published, now));
        Standing { period, freshness }
    }

    /// What there is by time, counted once a version.
    async fn counted(&self, opened: &OpenDataset) -> Result<Option<Arc<Coverage>>, AppError> {
        let key = opened.state();
        if let Some(known) = self.inner.known.coverage(&key).await {
            return Ok(known);
        }
        let counted = self.inner.engine.count_by_time(opened.table()).await?;
        let contract = &opened.known.contract;
        let coverage = counted.map(|counted| Arc::new(Coverage::of(contract, counted)));
        self.inner.known.keep_coverage(key, coverage.clone()).await;
        Ok(coverage)
    }
}

/// Whether a query met a limit of the hub's.
fn is_too_much(error: &AppError) -> bool {
    matches!(error.kind(), ErrorKind::Busy | ErrorKind::MemoryLimit | ErrorKind::TimeLimit)
}
