//! Queries that run as jobs: who asked, how far each has come, what came of it, and which node is at it.
//!
//! A node that takes a query holds its lease for a while and prolongs it as it works. Where the lease is over,
//! the node is taken for dead, and another may take the query once more. Whoever lost the lease finds out at
//! the next prolonging, and what it would record then is not recorded.

use chrono::{DateTime, Utc};
use hub_model::{QueryId, Source, TokenId};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use crate::{
    Registry, RegistryError,
    database::{Bind, Row, binds},
};

/// How often a query is begun at most, whatever kept it from its end.
const MAX_ATTEMPTS: i64 = 2;

/// Where a query stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryState {
    /// It waits for a place.
    Waiting,
    /// A node is at it.
    Running,
    /// Its result is kept.
    Done,
    /// It came to no result; the problem says why.
    Failed,
}

impl QueryState {
    /// The word used in the interface and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// How far a query has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryProgress {
    /// Rows that its scans have read.
    pub rows_scanned: u64,
    /// Rows of the files that they read, at most; not known before it is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_total: Option<u64>,
    /// Stored bytes that they have read.
    pub bytes_scanned: u64,
    /// Bytes of the files that they read, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
}

/// What came of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryResult {
    /// Rows.
    pub rows: u64,
    /// Bytes of the kept file.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// The dataset versions that were read, as they were described then.
    pub sources: Vec<Source>,
}

/// Why a query came to no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryProblem {
    /// The kind, by the name of its [`hub_model::ErrorKind`].
    pub kind: String,
    /// What happened, fit to be shown.
    pub detail: String,
}

/// A query as it is recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryRecord {
    /// Its id.
    pub id: QueryId,
    /// Whose it is.
    pub token: TokenId,
    /// Where it stands.
    pub state: QueryState,
    /// What was asked, as the application wrote it.
    pub request: serde_json::Value,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
    /// When a node took it, the last time.
    pub started_at: Option<DateTime<Utc>>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
    /// How often it was begun.
    pub attempts: u64,
    /// How far it has come.
    pub progress: QueryProgress,
    /// What came of it.
    pub result: Option<QueryResult>,
    /// Why nothing did.
    pub problem: Option<QueryProblem>,
    /// Until when it is kept.
    pub expires_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "id, token, state, request, created_at, started_at, finished_at, attempts, \
     progress, result, problem, expires_at";

impl Registry {
    /// Records a query that waits.
    pub async fn create_query(
        &self,
        id: &QueryId,
        token: &TokenId,
        request: &serde_json::Value,
    ) -> Result<(), RegistryError> {
        self.database
            .write(
                "recording a query",
                "INSERT INTO queries (id, token, state, request, created_at, attempts, progress)
                 VALUES ($1, $2, 'waiting', $3, $4, 0, $5)",
                binds![
                    id.to_string(),
                    token.to_string(),
                    Bind::json(request)?,
                    self.now(),
                    Bind::json(&QueryProgress::default())?,
                ],
            )
            .await
            .map(drop)
    }

    /// The query of this id, if it is this token's.
    pub async fn query(
        &self,
        id: &QueryId,
        token: &TokenId,
    ) -> Result<Option<QueryRecord>, RegistryError> {
        let list = self
            .select_queries("id = $1 AND token = $2", binds![id.to_string(), token.to_string()])
            .await?;
        Ok(list.into_iter().next())
    }

    /// A token's queries, newest first, before one of them.
    pub async fn queries(
        &self,
        token: &TokenId,
        before: Option<&QueryId>,
        limit: usize,
    ) -> Result<Vec<QueryRecord>, RegistryError> {
        let before = before.map_or_else(|| "~".to_owned(), ToString::to_string);
        self.select_queries(
            "token = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
            binds![token.to_string(), before, limit],
        )
        .await
    }

    /// How many queries are kept for this token, whatever their state.
    pub async fn count_queries(&self, token: &TokenId) -> Result<u64, RegistryError> {
        self.count_where("token = $1", binds![token.to_string()]).await
    }

    /// How many queries wait that were asked before this one.
    pub async fn queries_before(&self, id: &QueryId) -> Result<u64, RegistryError> {
        self.count_where("state = 'waiting' AND id < $1", binds![id.to_string()]).await
    }

    /// Takes the oldest query that waits, or one whose node is taken for dead, for this node until
    /// `lease_until`. Of nodes that ask at once, each gets another one.
    pub async fn claim_query(
        &self,
        node: &str,
        lease_until: DateTime<Utc>,
    ) -> Result<Option<QueryRecord>, RegistryError> {
        loop {
            let now = self.now();
            let free = "(state = 'waiting' OR (state = 'running' AND lease_until < $1))";
            let found = self
                .select_queries(
                    &format!("{free} AND attempts < $2 ORDER BY id LIMIT 1"),
                    binds![now, MAX_ATTEMPTS],
                )
                .await?;
            let Some(mut query) = found.into_iter().next() else { return Ok(None) };
            let taken = self
                .database
                .write(
                    "taking a query",
                    AssertSqlSafe(format!(
                        "UPDATE queries SET state = 'running', node = $3, lease_until = $4,
                             started_at = $1, attempts = attempts + 1
                         WHERE id = $2 AND {free}"
                    )),
                    binds![now, query.id.to_string(), node, lease_until],
                )
                .await?;
            if taken > 0 {
                query.state = QueryState::Running;
                query.started_at = Some(now);
                query.attempts += 1;
                return Ok(Some(query));
            }
        }
    }

    /// Fails the queries that were begun as often as may be, and whose node is taken for dead.
    pub async fn fail_abandoned_queries(
        &self,
        problem: &QueryProblem,
        expires_at: DateTime<Utc>,
    ) -> Result<u64, RegistryError> {
        self.database
            .write(
                "failing abandoned queries",
                "UPDATE queries SET state = 'failed', problem = $2, finished_at = $1, expires_at = $3,
                     node = NULL, lease_until = NULL
                 WHERE state = 'running' AND lease_until < $1 AND attempts >= $4",
                binds![self.now(), Bind::json(problem)?, expires_at, MAX_ATTEMPTS],
            )
            .await
    }

    /// Lets the queries wait again that were begun less often than may be, and whose node is taken for dead.
    pub async fn free_abandoned_queries(&self) -> Result<u64, RegistryError> {
        self.database
            .write(
                "freeing abandoned queries",
                "UPDATE queries SET state = 'waiting', node = NULL, lease_until = NULL
                 WHERE state = 'running' AND lease_until < $1 AND attempts < $2",
                binds![self.now(), MAX_ATTEMPTS],
            )
            .await
    }

    /// Ends all leases, where no other process can hold one.
    pub async fn end_leases(&self) -> Result<u64, RegistryError> {
        self.database
            .write(
                "ending the leases of queries",
                "UPDATE queries SET lease_until = 0 WHERE state = 'running'",
                Vec::new(),
            )
            .await
    }

    /// Prolongs the lease of a query and records how far it has come. Answers whether this node still holds
    /// it; where not, it was taken back or given to another.
    pub async fn keep_query(
        &self,
        id: &QueryId,
        node: &str,
        lease_until: DateTime<Utc>,
        progress: &QueryProgress,
    ) -> Result<bool, RegistryError> {
        let kept = self
            .database
            .write(
                "prolonging the lease of a query",
                "UPDATE queries SET lease_until = $3, progress = $4
                 WHERE id = $1 AND node = $2 AND state = 'running'",
                binds![id.to_string(), node, lease_until, Bind::json(progress)?],
            )
            .await?;
        Ok(kept > 0)
    }

    /// Gives a query back, to be begun again as if it had not been.
    pub async fn give_query_back(&self, id: &QueryId, node: &str) -> Result<(), RegistryError> {
        self.database
            .write(
                "giving a query back",
                "UPDATE queries SET state = 'waiting', attempts = attempts - 1, node = NULL,
                     lease_until = NULL, started_at = NULL
                 WHERE id = $1 AND node = $2 AND state = 'running'",
                binds![id.to_string(), node],
            )
            .await
            .map(drop)
    }

    /// Records the end of a query, if this node still holds it; answers whether it did.
    pub async fn finish_query(
        &self,
        id: &QueryId,
        node: &str,
        progress: &QueryProgress,
        outcome: Result<&QueryResult, &QueryProblem>,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, RegistryError> {
        let (state, result, problem) = match outcome {
            Ok(result) => (QueryState::Done, Bind::json(result)?, Bind::Text(None)),
            Err(problem) => (QueryState::Failed, Bind::Text(None), Bind::json(problem)?),
        };
        let finished = self
            .database
            .write(
                "recording the end of a query",
                "UPDATE queries SET state = $3, progress = $4, result = $5, problem = $6,
                     finished_at = $7, expires_at = $8, node = NULL, lease_until = NULL
                 WHERE id = $1 AND node = $2 AND state = 'running'",
                binds![
                    id.to_string(),
                    node,
                    state.as_str(),
                    Bind::json(progress)?,
                    result,
                    problem,
                    self.now(),
                    expires_at,
                ],
            )
            .await?;
        Ok(finished > 0)
    }

    /// Removes a query, whatever its state. A node that is at it finds its lease gone.
    pub async fn remove_query(&self, id: &QueryId) -> Result<(), RegistryError> {
        self.database
            .write("removing a query", "DELETE FROM queries WHERE id = $1", binds![id.to_string()])
            .await
            .map(drop)
    }

    /// Queries whose time is over, at most so many.
    pub async fn expired_queries(&self, limit: usize) -> Result<Vec<QueryRecord>, RegistryError> {
        self.select_queries(
            "expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
            binds![self.now(), limit],
        )
        .await
    }

    /// Whether there is a query of this id, whosever it is.
    pub async fn has_query(&self, id: &QueryId) -> Result<bool, RegistryError> {
        Ok(self.count_where("id = $1", binds![id.to_string()]).await? > 0)
    }

    async fn select_queries(
        &self,
        condition: &str,
        values: Vec<Bind>,
    ) -> Result<Vec<QueryRecord>, RegistryError> {
        let sql = format!("SELECT {COLUMNS} FROM queries WHERE {condition}");
        let rows = self.database.read("reading queries", AssertSqlSafe(sql), values).await?;
        rows.iter().map(record).collect()
    }

    async fn count_where(&self, condition: &str, values: Vec<Bind>) -> Result<u64, RegistryError> {
        let sql = format!("SELECT count(*) AS n FROM queries WHERE {condition}");
        let row = self.database.read_one("counting queries", AssertSqlSafe(sql), values).await?;
        row.map_or(Ok(0), |row| row.count("n"))
    }
}

fn record(row: &Row) -> Result<QueryRecord, RegistryError> {
    Ok(QueryRecord {
        id: row.word("id")?,
        token: row.word("token")?,
        state: row.word("state")?,
        request: row.json("request")?,
        created_at: row.instant("created_at")?,
        started_at: row.optional_instant("started_at")?,
        finished_at: row.optional_instant("finished_at")?,
        attempts: row.count("attempts")?,
        progress: row.json("progress")?,
        result: row.optional_json("result")?,
        problem: row.optional_json("problem")?,
        expires_at: row.optional_instant("expires_at")?,
    })
}
