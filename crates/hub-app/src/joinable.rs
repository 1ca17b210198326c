//! The join advisor: which other datasets one can be joined with, by which columns, on which grid of time,
//! how many rows would come of it, and the statement that does it.
//!
//! It looks at what anyone who asks may see anyway, and at little of it: the values of columns that can be
//! keys, from rollups where these tell, and the times of first and last rows. What is learnt of a dataset is
//! kept as long as its version and description stay, and so is the whole advice.

mod advice;
mod columns;
mod explain;
mod grid;
mod statement;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt};
use hub_model::{DatasetId, ErrorKind, Principal, Text};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

pub use advice::{Advice, ExpectedRows, JoinAdvice, KeyPair, TimePair};
pub use columns::Meaning;
pub(crate) use columns::Profile;
pub use grid::Relation;

use crate::{
    App, AppError, Reading, SqlRequest, VersionSelector, policy, snapshots::OpenDataset, spool::hex,
};
use advice::Candidate;

/// How many datasets are looked at.
const DATASETS: usize = 300;

/// How many joins are told, and how many of them may be by time alone.
const TOLD: usize = 20;
const TOLD_BY_TIME: usize = 5;

/// How many datasets are opened, and how many are looked into, at once.
const OPENED_AT_ONCE: usize = 8;
const WORKED_AT_ONCE: usize = 2;

/// How long one advice may take. What is learnt by then is kept, so that asking again goes on from there.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most rows of files that counting the rows of one join may read.
const COUNTED_ROWS: u64 = 2_000_000;

impl App {
    /// What a dataset can be joined with, of what the principal may read; `unchanged` is asked with the
    /// state's name first and may spare the work.
    pub async fn joinable(
        &self,
        principal: &Principal,
        id: &DatasetId,
        unchanged: impl FnOnce(&str) -> bool,
    ) -> Result<Reading<Arc<Advice>>, AppError> {
        let own = self.open_dataset(principal, id, VersionSelector::Latest).await?;
        let (others, more) = self.others(principal, id).await?;
        // Everything that is looked at is in the name, so that whoever sees the same is advised the same.
        let mut hash = Sha256::new();
        for opened in &others {
            hash.update(opened.state());
            hash.update("\n");
        }
        let state = format!("joinable {} {}", own.state(), hex(&hash.finalize()[..12]));
        if unchanged(&state) {
            return Ok(Reading::Unchanged(state));
        }
        if let Some(answer) = self.inner.known.advice(&state).await {
            return Ok(Reading::Read { answer, state });
        }
        let until = Instant::now() + PATIENCE;
        let (joins, found, is_whole) = self.advise(principal, &own, &others, until).await?;
        let advice = Arc::new(Advice {
            dataset: id.clone(),
            title: own.source.title.clone(),
            version: own.snapshot.version,
            looked_at: others.len() as u64,
            found,
            joins,
            is_whole: is_whole && !more,
        });
        if is_whole {
            self.inner.known.keep_advice(state.clone(), Arc::clone(&advice)).await;
        }
        Ok(Reading::Read { answer: advice, state })
    }

    /// The other datasets that the principal may read, by id, each at its newest version; and whether there
    /// are more than are looked at.
    async fn others(
        &self,
        principal: &Principal,
        id: &DatasetId,
    ) -> Result<(Vec<OpenDataset>, bool), AppError> {
        let ids = self.inner.registry.dataset_ids(&policy::readable(principal)).await?;
        let mut ids: Vec<DatasetId> = ids.into_iter().filter(|other| other != id).collect();
        let more = ids.len() > DATASETS;
        ids.truncate(DATASETS);
        let opened: Vec<Option<OpenDataset>> = futures::stream::iter(ids)
            .map(|id| async move {
                match self.open_dataset(principal, &id, VersionSelector::Latest).await {
                    Ok(opened) => Ok(Some(opened)),
                    // It went out of sight since it was listed.
                    Err(AppError::NotFound { .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            })
            .buffered(OPENED_AT_ONCE)
            .try_collect()
            .await?;
        let published = opened.into_iter().flatten().filter(|opened| opened.snapshot.version > 0);
        Ok((published.collect(), more))
    }

    /// The best joins, how many there are, and whether all that could be there were found.
    async fn advise(
        &self,
        principal: &Principal,
        own: &OpenDataset,
        others: &[OpenDataset],
        until: Instant,
    ) -> Result<(Vec<JoinAdvice>, u64, bool), AppError> {
        let own_profile = self.profile(own).await?;
        let profiles = others.iter().map(|other| async move {
            match tokio::time::timeout_at(until, self.profile(other)).await {
                Ok(profile) => profile.map(Some),
                Err(_) => Ok(None),
            }
        });
        let profiles: Vec<Option<Arc<Profile>>> = some_at_once(profiles.collect()).await?;
        let is_whole = profiles.iter().all(Option::is_some);
        let known = others.iter().zip(&profiles);
        let known = known.filter_map(|(other, profile)| Some((other, profile.as_deref()?)));
        let mut candidates: Vec<Candidate<'_>> = known
            .filter_map(|(other, profile)| Candidate::of(own, &own_profile, other, profile))
            .collect();
        candidates.sort_by(Candidate::better_first);
        let found = candidates.len() as u64;
        let mut by_time = 0;
        candidates.retain(|candidate| {
            by_time += usize::from(candidate.is_by_time_alone());
            !candidate.is_by_time_alone() || by_time <= TOLD_BY_TIME
        });
        candidates.truncate(TOLD);
        let counted = candidates.into_iter().map(|candidate| async move {
            let rows = match candidate.known_rows() {
                Some(rows) => rows,
                None => self.expected_rows(principal, &candidate, until).await?,
            };
            Ok((candidate, rows))
        });
        let counted: Vec<(Candidate<'_>, ExpectedRows)> = some_at_once(counted.collect()).await?;
        let is_whole = is_whole && Instant::now() < until;
        let joins = counted.into_iter().filter(|(_, rows)| rows.rows != Some(0));
        Ok((joins.map(|(candidate, rows)| candidate.told(rows)).collect(), found, is_whole))
    }

    /// The rows of a join, counted where that reads little, and estimated where it does not.
    async fn expected_rows(
        &self,
        principal: &Principal,
        candidate: &Candidate<'_>,
        until: Instant,
    ) -> Result<ExpectedRows, AppError> {
        let request = || SqlRequest {
            sql: candidate.statement.counting(),
            versions: candidate.versions().into_iter().collect(),
            ..SqlRequest::default()
        };
        let counting = async {
            let cost = self.prepare_query(principal, request()).await?.cost().await?;
            if cost.rows() > COUNTED_ROWS {
                return Ok(None);
            }
            let answer = self.prepare_query(principal, request()).await?.run().await?;
            Ok::<_, AppError>(Some(answer.stream.number().await?))
        };
        match tokio::time::timeout_at(until, counting).await {
            Ok(Ok(Some(rows))) => Ok(ExpectedRows { rows: Some(rows), is_exact: true }),
            Ok(Ok(None)) | Err(_) => Ok(candidate.estimated_rows()),
            Ok(Err(error)) if is_too_much(&error) => Ok(candidate.estimated_rows()),
            // A statement that does not run is not told, and the others are.
            Ok(Err(error)) if error.kind() == ErrorKind::SqlInvalid => {
                tracing::warn!(%error, dataset = %candidate.dataset(), "a join does not run");
                Ok(ExpectedRows { rows: Some(0), is_exact: false })
            }
            Ok(Err(error)) => Err(error),
        }
    }

    /// What is to be known of a dataset to join it, kept as long as it stays what it is.
    async fn profile(&self, opened: &OpenDataset) -> Result<Arc<Profile>, AppError> {
        let key = format!("profile {}", opened.state());
        if let Some(profile) = self.inner.known.profile(&key).await {
            return Ok(profile);
        }
        let mut profile = Profile::of(opened);
        for column in columns::worth_listing(opened) {
            let values = self.inner.engine.rows_by_value(opened.table(), &column, columns::VALUES);
            match values.await.map_err(AppError::from) {
                Ok(Some(values)) => profile.add(&opened.known.contract, &column, values),
                Ok(None) => {}
                Err(error) if is_too_much(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let profile = Arc::new(profile);
        self.inner.known.keep_profile(key, Arc::clone(&profile)).await;
        Ok(profile)
    }
}

/// Whether a query met its limits, so that it is of no use to try again.
fn is_too_much(error: &AppError) -> bool {
    matches!(error.kind(), ErrorKind::MemoryLimit | ErrorKind::TimeLimit)
}

/// Does all of the work, a little of it at once, and answers in its order.
async fn some_at_once<T>(
    work: Vec<impl Future<Output = Result<T, AppError>>>,
) -> Result<Vec<T>, AppError> {
    futures::stream::iter(work).buffered(WORKED_AT_ONCE).try_collect().await
}

/// What a dataset is called, in both languages, in sentences.
fn called(title: &Text) -> (&str, &str) {
    (title.ja_or_en(), title.en_or_ja())
}
