//! Queries that run as jobs: asked by a token's holder, run when there is a place, and their results kept for
//! a while. The same policy and limits hold as for queries that are waited for, but for the limit of time.
//!
//! What may be read is decided when a query is asked, again when it is run, and again when its result is
//! taken. A node holds the lease of what it runs. One that stops in order gives its queries back; those of one
//! that dies are run once more, and fail where that ends the same way.

mod run;

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use hub_model::{DatasetId, ErrorKind, Principal, QueryId, TokenId, VersionNumber};
use hub_query::{QueryStream, ScanProgress};
use hub_registry::{QueryProblem, QueryProgress, QueryRecord, QueryState};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{App, AppError, SqlRequest, VersionSelector, permalinks::check_size};

/// Limits of queries that run as jobs.
#[derive(Debug, Clone, Copy)]
pub struct QueryJobLimits {
    /// How many run at once in this process; none run, and none are taken, where 0.
    pub at_once: usize,
    /// How long one may run.
    pub time_limit: Duration,
    /// How long a result is kept.
    pub keep: Duration,
    /// How many are kept for one token, whatever their state.
    pub per_token: u64,
}

/// A statement as it is kept until it is run. Fields are added and never changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredQueryV1 {
    sql: String,
    parameters: Vec<serde_json::Value>,
    /// The versions it reads: those that were the newest when it was asked, or that it asked for.
    versions: HashMap<DatasetId, VersionNumber>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    without_rollups: bool,
}

/// A query as its owner sees it.
#[derive(Debug, Clone)]
pub struct QueryJob {
    /// Its record.
    pub record: QueryRecord,
    /// The statement.
    pub sql: String,
    /// The values of `$1`, `$2` and so on.
    pub parameters: Vec<serde_json::Value>,
    /// How many come before it; only of those that wait.
    pub place: Option<u64>,
    /// Whether something that it reads is out of its owner's sight by now. What came of it is then, too.
    pub is_hidden: bool,
}

/// The queries at work in this process.
#[derive(Debug)]
pub(crate) struct Jobs {
    /// This process's name, new at each start.
    node: String,
    asked: Notify,
    running: Mutex<HashMap<QueryId, Running>>,
}

#[derive(Debug, Clone)]
struct Running {
    progress: ScanProgress,
    cancel: CancellationToken,
}

impl Jobs {
    pub(crate) fn new() -> Self {
        Self {
            node: uuid::Uuid::new_v4().to_string(),
            asked: Notify::new(),
            running: Mutex::default(),
        }
    }
}

impl App {
    /// Takes a statement to be run as soon as there is a place, on the versions that are the newest now or
    /// that it names.
    pub async fn submit_query(
        &self,
        principal: &Principal,
        request: SqlRequest,
    ) -> Result<QueryJob, AppError> {
        let token = owner(principal)?;
        let limits = self.inner.config.query_jobs;
        if limits.at_once == 0 {
            return Err(AppError::Forbidden("this hub runs no queries in the background"));
        }
        if self.inner.registry.count_queries(token).await? >= limits.per_token {
            return Err(AppError::TooManyQueries { limit: limits.per_token });
        }
        check_size(&request.sql, &request.parameters)?;
        let (sql, parameters) = (request.sql.clone(), request.parameters.clone());
        let without_rollups = request.without_rollups;
        let prepared = self.prepare_query(principal, request).await?;
        if prepared.query().is_explain() {
            return Err(AppError::InvalidRequest(
                "EXPLAIN is answered at once by /v1/sql; ask the query itself in the background"
                    .to_owned(),
            ));
        }
        // Datasets without a version are read as they are then; there is nothing to hold on to.
        let sources = prepared.checked_sources()?.into_iter().filter(|s| s.version > 0);
        let versions = sources.map(|source| (source.dataset, source.version)).collect();
        let stored = StoredQueryV1 { sql, parameters, versions, without_rollups };
        let stored =
            serde_json::to_value(&stored).map_err(|error| AppError::Broken(error.to_string()))?;
        let id = QueryId::generate();
        self.inner.registry.create_query(&id, token, &stored).await?;
        self.inner.jobs.asked.notify_one();
        self.query_job(principal, &id).await
    }

    /// One of the caller's queries.
    pub async fn query_job(
        &self,
        principal: &Principal,
        id: &QueryId,
    ) -> Result<QueryJob, AppError> {
        let record = self.inner.registry.query(id, owner(principal)?).await?;
        let record = record.ok_or_else(|| AppError::not_found("query", id))?;
        self.shown(principal, record).await
    }

    /// The caller's queries, newest first, before one of them.
    pub async fn query_jobs(
        &self,
        principal: &Principal,
        before: Option<&QueryId>,
        limit: usize,
    ) -> Result<Vec<QueryJob>, AppError> {
        let records = self.inner.registry.queries(owner(principal)?, before, limit).await?;
        let mut jobs = Vec::with_capacity(records.len());
        for record in records {
            jobs.push(self.shown(principal, record).await?);
        }
        Ok(jobs)
    }

    /// The kept result of one of the caller's queries, if the caller may still read what it was read from.
    pub async fn query_result(
        &self,
        principal: &Principal,
        id: &QueryId,
    ) -> Result<(QueryJob, QueryStream), AppError> {
        let job = self.query_job(principal, id).await?;
        if job.is_hidden {
            return Err(AppError::not_found("query", id));
        }
        if let Some(problem) = &job.record.problem {
            return Err(AppError::QueryFailed {
                kind: kind_of(problem),
                detail: problem.detail.clone(),
            });
        }
        let Some(result) = &job.record.result else {
            return Err(AppError::NotDone { state: job.record.state.as_str() });
        };
        let versions: Vec<_> = result.sources.iter().filter(|s| s.version > 0).cloned().collect();
        self.open_sources(principal, &versions).await?;
        let path = self.inner.lake.query_result_path(id, job.record.attempts);
        let stream = self.inner.engine.kept_result(&path, result.bytes).await?;
        Ok((job, stream))
    }

    /// Stops one of the caller's queries, and removes it with its result.
    pub async fn remove_query(&self, principal: &Principal, id: &QueryId) -> Result<(), AppError> {
        self.query_job(principal, id).await?;
        self.inner.registry.remove_query(id).await?;
        let running = self.inner.jobs.running.lock().get(id).cloned();
        match running {
            // Who writes the result removes it.
            Some(running) => running.cancel.cancel(),
            None => self.inner.lake.forget_query_results(id).await?,
        }
        Ok(())
    }

    /// A query as its owner may see it now. A dataset that is hidden by now takes with it what was told of
    /// it: the result, how far the query came, and the problem, which may quote a value.
    async fn shown(
        &self,
        principal: &Principal,
        mut record: QueryRecord,
    ) -> Result<QueryJob, AppError> {
        let stored = stored(&record)?;
        let place = match record.state {
            QueryState::Waiting => Some(self.inner.registry.queries_before(&record.id).await?),
            _ => None,
        };
        if record.state == QueryState::Running
            && let Some(running) = self.inner.jobs.running.lock().get(&record.id)
        {
            record.progress = progress(&running.progress);
        }
        let sources = record.result.iter().flat_map(|result| &result.sources);
        let read: BTreeSet<&DatasetId> =
            stored.versions.keys().chain(sources.map(|source| &source.dataset)).collect();
        let mut is_hidden = false;
        for dataset in read {
            is_hidden = is_hidden || !self.may_still_read(principal, dataset).await?;
        }
        if is_hidden {
            record.result = None;
            record.progress = QueryProgress::default();
            record.problem = record.problem.map(|_| QueryProblem {
                kind: format!("{:?}", ErrorKind::NotFound),
                detail: "a dataset that the query reads is not there any more".to_owned(),
            });
        }
        Ok(QueryJob { record, sql: stored.sql, parameters: stored.parameters, place, is_hidden })
    }

    async fn may_still_read(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
    ) -> Result<bool, AppError> {
        match self.readable_dataset(principal, dataset).await {
            Ok(_) => Ok(true),
            Err(AppError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn owner(principal: &Principal) -> Result<&TokenId, AppError> {
    match principal {
        Principal::Token { id, .. } => Ok(id),
        Principal::Anonymous => Err(AppError::Unauthenticated(
            "queries in the background belong to a token: send it as \"Authorization: Bearer <token>\"",
        )),
    }
}

fn stored(record: &QueryRecord) -> Result<StoredQueryV1, AppError> {
    serde_json::from_value(record.request.clone()).map_err(|error| {
        AppError::Broken(format!("the record of the query {}: {error}", record.id))
    })
}

fn request(stored: StoredQueryV1) -> SqlRequest {
    let versions = stored.versions.into_iter();
    SqlRequest {
        sql: stored.sql,
        parameters: stored.parameters,
        versions: versions.map(|(id, number)| (id, VersionSelector::Number(number))).collect(),
        others: VersionSelector::Latest,
        without_rollups: stored.without_rollups,
    }
}

fn progress(watched: &ScanProgress) -> QueryProgress {
    let (scanned, cost) = (watched.scanned(), watched.cost());
    QueryProgress {
        rows_scanned: scanned.rows,
        rows_total: cost.map(hub_query::Cost::rows),
        bytes_scanned: scanned.bytes,
        bytes_total: cost.map(hub_query::Cost::bytes),
    }
}

/// The kind that a recorded problem names.
pub(crate) fn kind_of(problem: &QueryProblem) -> ErrorKind {
    ErrorKind::ALL
        .into_iter()
        .find(|kind| format!("{kind:?}") == problem.kind)
        .unwrap_or(ErrorKind::Internal)
}

impl QueryJob {
    /// The kind of the problem that it ended with, and what happened.
    pub fn failure(&self) -> Option<(ErrorKind, &str)> {
        let problem = self.record.problem.as_ref()?;
        Some((kind_of(problem), &problem.detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_query_reads_as_it_was_written_by_the_first_version() {
        let first =
            r#"{"sql":"SELECT 1","parameters":["余市",1.5,null],"versions":{"otaru.river":3}}"#;
        let stored: StoredQueryV1 = serde_json::from_str(first).unwrap();
        assert_eq!(serde_json::to_string(&stored).unwrap(), first);
    }

    #[test]
    fn every_kind_of_problem_is_found_by_its_name() {
        for kind in ErrorKind::ALL {
            let problem = QueryProblem { kind: format!("{kind:?}"), detail: String::new() };
            assert_eq!(kind_of(&problem), kind);
        }
    }
}
