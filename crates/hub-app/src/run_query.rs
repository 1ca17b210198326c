//! The way of a query: parsed and bounded, opened at versions the principal may read, run, encoded by
//! the caller. What the session cannot see, no SQL can name.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use hub_model::{DatasetId, Principal, Source};
use hub_query::{ParsedQuery, QueryRequest, QueryStream, ScanProgress};

use crate::{AnswerKey, App, AppError, VersionSelector, policy, snapshots::OpenDataset};

/// A statement to run.
#[derive(Debug, Clone, Default)]
pub struct SqlRequest {
    /// One read-only statement.
    pub sql: String,
    /// Values of `$1`, `$2` …
    pub parameters: Vec<serde_json::Value>,
    /// Which versions to read.
    pub versions: BTreeMap<DatasetId, VersionSelector>,
    /// Which version to read of datasets that `versions` does not name; the newest by default.
    pub others: VersionSelector,
    /// Whether rows are read where rollups would tell the same.
    pub without_rollups: bool,
}

/// A statement whose datasets are opened, ready to run. Dropping it costs nothing.
#[derive(Debug)]
pub struct PreparedQuery {
    app: App,
    request: QueryRequest,
    sources: Vec<Source>,
    state: Option<String>,
}

/// An answer: batches, and what must be said beside them.
#[derive(Debug)]
pub struct Answer {
    /// The batches. Dropping them stops the work.
    pub stream: QueryStream,
    /// The dataset versions they were read from.
    pub sources: Vec<Source>,
}

impl SqlRequest {
    /// The question as this principal asks it.
    fn key(&self, principal: &Principal) -> AnswerKey {
        let Self { sql, parameters, versions, others, without_rollups } = self;
        let rest = format!("{:?}", (parameters, versions, others, without_rollups));
        AnswerKey::of(&["opened", sql, &rest], "", principal)
    }
}

impl App {
    /// As [`PreparedQuery::state`], where the same was asked by someone with the same grants and nothing was
    /// written since: then nothing need be parsed or opened to find the answer among those of late.
    pub async fn state_asked(
        &self,
        principal: &Principal,
        request: &SqlRequest,
    ) -> Option<Arc<str>> {
        self.inner.known.state(&request.key(principal), self.stand()?).await
    }

    /// Bounds and parses the statement, and opens what it reads, each dataset at one version. Every value that
    /// is given must have its place in the statement.
    pub async fn prepare_query(
        &self,
        principal: &Principal,
        request: SqlRequest,
    ) -> Result<PreparedQuery, AppError> {
        let given = request.parameters.len();
        let prepared = self.prepare_kept(principal, request).await?;
        prepared.query().check_parameters(given)?;
        Ok(prepared)
    }

    /// As [`Self::prepare_query`], for a statement that was taken before and stays as it is.
    pub(crate) async fn prepare_kept(
        &self,
        principal: &Principal,
        request: SqlRequest,
    ) -> Result<PreparedQuery, AppError> {
        let stand = self.stand().map(|stand| (stand, request.key(principal)));
        let query = hub_query::parse(&request.sql, &self.inner.config.sql_bounds)?;
        let mut opened: HashMap<DatasetId, OpenDataset> = HashMap::new();
        let mut complete = true;
        for name in query.tables() {
            // A name that is not a dataset's is left to the engine, whose error tells its place.
            let id = name
                .agency
                .as_ref()
                .and_then(|agency| DatasetId::parse(&format!("{agency}.{}", name.dataset)).ok());
            let Some(id) = id else {
                complete = false;
                continue;
            };
            if opened.contains_key(&id) {
                continue;
            }
            let version = request.versions.get(&id).copied().unwrap_or(request.others);
            match self.open_dataset(principal, &id, version).await {
                Ok(dataset) => {
                    opened.insert(id, dataset);
                }
                Err(AppError::NotFound { what: "dataset", .. }) => complete = false,
                Err(error) => return Err(error),
            }
        }
        if let Some(unread) = request.versions.keys().find(|id| !opened.contains_key(id)) {
            return Err(AppError::InvalidRequest(format!(
                "versions names {unread}, which the statement does not read"
            )));
        }
        let mut opened: Vec<_> = opened.into_values().collect();
        opened.sort_by(|a, b| a.snapshot.dataset.cmp(&b.snapshot.dataset));
        let lists = !complete || query.uses_information_schema();
        let listed = if lists { self.listed(principal).await? } else { Vec::new() };
        let state = (complete && !lists && query.is_repeatable()).then(|| {
            let mut parts: Vec<_> = opened.iter().map(OpenDataset::state).collect();
            // Sums of numbers may differ in their last places.
            parts.extend(request.without_rollups.then(|| "from rows".to_owned()));
            parts.join(" ")
        });
        if let (Some((stand, question)), Some(state)) = (stand, &state) {
            self.inner.known.keep_state(question, stand, state).await;
        }
        let request = QueryRequest {
            query,
            parameters: request.parameters,
            tables: opened.iter().map(OpenDataset::table).collect(),
            listed,
            rollups: !request.without_rollups,
        };
        let sources = opened.into_iter().map(|dataset| dataset.source).collect();
        Ok(PreparedQuery { app: self.clone(), request, sources, state })
    }

    /// Every dataset the principal may read, for `information_schema` and for suggestions.
    async fn listed(
        &self,
        principal: &Principal,
    ) -> Result<Vec<(DatasetId, Arc<hub_model::Contract>)>, AppError> {
        let mut filter = hub_registry::DatasetFilter {
            text: None,
            agency: None,
            readable: policy::readable(principal),
            after: None,
            limit: 500,
        };
        let mut listed = Vec::new();
        loop {
            let page = self.inner.registry.datasets(&filter).await?;
            let full = page.len() == filter.limit;
            filter.after = page.last().map(|record| record.id.clone());
            listed.extend(page.into_iter().map(|r| (r.id, Arc::new(r.contract))));
            if !full {
                return Ok(listed);
            }
        }
    }
}

impl PreparedQuery {
    /// The dataset versions that the statement reads.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The dataset versions that the statement reads; an error where it names what is not there, as running
    /// it would answer.
    pub(crate) fn checked_sources(&self) -> Result<Vec<Source>, AppError> {
        self.app.inner.engine.check(&self.request)?;
        Ok(self.sources.clone())
    }

    /// The statement.
    pub(crate) fn query(&self) -> &ParsedQuery {
        &self.request.query
    }

    /// What may keep the same versions from being answered the same all the same.
    pub(crate) fn doubts(&self) -> Vec<hub_model::Text> {
        self.request.doubts()
    }

    /// Names the state the answer depends on, where the same statement would be answered the same.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// What running the statement will cost. It runs nothing of it.
    pub async fn cost(self) -> Result<hub_query::Cost, AppError> {
        Ok(self.app.inner.engine.cost(self.request).await?)
    }

    /// Where each column of the statement's answer comes from. It runs nothing of it.
    pub async fn lineage(self) -> Result<hub_query::Lineage, AppError> {
        Ok(self.app.inner.engine.lineage(self.request).await?)
    }

    /// Runs the statement up to its first batch, for so long at most, while somebody watches.
    pub(crate) async fn run_watched(
        self,
        time_limit: Duration,
        progress: ScanProgress,
    ) -> Result<Answer, AppError> {
        let stream = self.app.inner.engine.run_watched(self.request, time_limit, progress).await?;
        Ok(Answer { stream, sources: self.sources })
    }

    /// Runs the statement up to its first batch.
    pub async fn run(self) -> Result<Answer, AppError> {
        let metrics = &self.app.inner.metrics;
        let start = Instant::now();
        let result = self.app.inner.engine.run(self.request).await;
        metrics.count_query(result.as_ref().err().map(hub_query::QueryError::kind));
        metrics.query_seconds.observe(start.elapsed().as_secs_f64());
        Ok(Answer { stream: result?, sources: self.sources })
    }
}
