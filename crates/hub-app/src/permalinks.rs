//! Permalinks: a statement with the versions that it read and the hash of what came of it. They are made by
//! anybody who may read what the statement reads, and opened by the same rule: to everybody else there is no
//! such permalink, and neither its statement nor the names of its datasets are told.

use chrono::{DateTime, Duration, Utc};
use hub_model::{
    Agreement, EngineVersion, MadeBy, Permalink, PermalinkId, Principal, ResultHash, Source,
    TokenId,
};
use hub_query::Fingerprint;

use crate::{App, AppError, PreparedQuery, SqlRequest, VersionSelector};

/// The longest title, in characters.
const MAX_TITLE: usize = 200;

/// The most bytes that a statement and its parameters may have to be kept.
const MAX_STORED_BYTES: usize = 64 * 1024;

/// How many permalinks may be made within an hour.
#[derive(Debug, Clone, Copy)]
pub struct PermalinkLimits {
    /// By all who give no token together; 0 keeps them from making any.
    pub anonymous_per_hour: u64,
    /// By each token.
    pub token_per_hour: u64,
}

impl Default for PermalinkLimits {
    fn default() -> Self {
        Self { anonymous_per_hour: 60, token_per_hour: 600 }
    }
}

/// A permalink to be made.
#[derive(Debug, Clone, Default)]
pub struct PermalinkRequest {
    /// The statement, and the versions it reads.
    pub query: SqlRequest,
    /// What to call it.
    pub title: Option<String>,
}

/// What came of running a permalink again.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// The permalink.
    pub permalink: Permalink,
    /// The rows that came now.
    pub row_count: u64,
    /// Their hash.
    pub result_hash: ResultHash,
    /// What the hashes say of each other.
    pub agreement: Agreement,
    /// Whether the columns have the same names and types.
    pub columns_agree: bool,
    /// What ran it now.
    pub engine: EngineVersion,
    /// When.
    pub checked_at: DateTime<Utc>,
}

impl Verification {
    /// Whether the same came of it: the same rows under the same columns. Rows in another sequence are the
    /// same where the statement leaves open in which sequence equal ones come.
    pub fn is_same(&self) -> bool {
        self.columns_agree
            && self.row_count == self.permalink.row_count
            && self.agreement != Agreement::Different
    }
}

impl App {
    /// Runs a statement and records what came of it.
    pub async fn create_permalink(
        &self,
        principal: &Principal,
        request: PermalinkRequest,
    ) -> Result<Permalink, AppError> {
        let title = checked_title(request.title)?;
        let (sql, parameters) = (request.query.sql.clone(), request.query.parameters.clone());
        check_size(&sql, &parameters)?;
        let without_rollups = request.query.without_rollups;
        let token = token_of(principal);
        self.check_rate(token).await?;
        let prepared = self.prepare_query(principal, request.query).await?;
        let (ordered, notes) = check_repeatable(&prepared)?;
        let sources = prepared.checked_sources()?;
        if let Some(empty) = sources.iter().find(|source| source.version == 0) {
            return Err(AppError::InvalidRequest(format!(
                "nothing is published in {} yet, so there is no version to hold on to",
                empty.dataset
            )));
        }
        let created_at = self.inner.clock.now();
        let result = fingerprint(prepared, ordered).await?;
        let permalink = Permalink {
            id: self.inner.registry.new_permalink_id(),
            title,
            sql,
            parameters,
            without_rollups,
            sources,
            engine: hub_query::engine_version(),
            columns: result.columns,
            row_count: result.rows,
            result_hash: result.hash,
            notes,
            created_at,
            created_by: made_by(principal),
        };
        self.inner.registry.create_permalink(&permalink, token).await?;
        // Old versions may have been collected since they were opened. From here on these are kept, so what
        // can be opened once more stays.
        if let Err(error) = self.open_sources(principal, &permalink.sources).await {
            self.inner.registry.discard_permalink(&permalink.id).await?;
            return Err(error);
        }
        Ok(permalink)
    }

    /// A permalink, for those who may read everything in it.
    pub async fn permalink(
        &self,
        principal: &Principal,
        id: &PermalinkId,
    ) -> Result<Permalink, AppError> {
        let permalink = self.inner.registry.permalink(id).await?;
        let permalink = permalink.ok_or_else(|| AppError::not_found("permalink", id))?;
        for source in &permalink.sources {
            // What is hidden comes before what was withdrawn, which tells its dataset's name.
            let readable = self.readable_dataset(principal, &source.dataset).await;
            readable.map_err(|error| hidden(error, id))?;
        }
        let opened = self.open_sources(principal, &permalink.sources).await;
        opened.map_err(|error| hidden(error, id))?;
        Ok(permalink)
    }

    /// A permalink's statement over the versions that it names, ready to run. Rollups are used as when it was
    /// made where nothing else is asked for.
    pub async fn prepare_permalink(
        &self,
        principal: &Principal,
        id: &PermalinkId,
        rollups: Option<bool>,
    ) -> Result<(Permalink, PreparedQuery), AppError> {
        let permalink = self.permalink(principal, id).await?;
        let versions = permalink
            .sources
            .iter()
            .map(|source| (source.dataset.clone(), VersionSelector::Number(source.version)));
        let request = SqlRequest {
            sql: permalink.sql.clone(),
            parameters: permalink.parameters.clone(),
            versions: versions.collect(),
            without_rollups: rollups.map_or(permalink.without_rollups, |rollups| !rollups),
            ..SqlRequest::default()
        };
        let prepared = self.prepare_kept(principal, request).await;
        // A dataset that was hidden this very moment must not show in an error about its name.
        let prepared = prepared.map_err(|error| match error {
            AppError::InvalidRequest(_) => AppError::not_found("permalink", id),
            other => hidden(other, id),
        })?;
        if prepared.sources().len() != permalink.sources.len() {
            return Err(AppError::not_found("permalink", id));
        }
        Ok((permalink, prepared))
    }

    /// Runs a permalink again and compares what comes of it with what came then.
    pub async fn verify_permalink(
        &self,
        principal: &Principal,
        id: &PermalinkId,
        rollups: Option<bool>,
    ) -> Result<Verification, AppError> {
        let (permalink, prepared) = self.prepare_permalink(principal, id, rollups).await?;
        let checked_at = self.inner.clock.now();
        let ordered = permalink.result_hash.sequence.is_some();
        let now = fingerprint(prepared, ordered).await?;
        Ok(Verification {
            row_count: now.rows,
            result_hash: now.hash,
            agreement: permalink.result_hash.compare(&now.hash),
            columns_agree: shapes(&permalink.columns).eq(shapes(&now.columns)),
            engine: hub_query::engine_version(),
            checked_at,
            permalink,
        })
    }

    /// Whether every version can be opened by this principal.
    pub(crate) async fn open_sources(
        &self,
        principal: &Principal,
        sources: &[Source],
    ) -> Result<(), AppError> {
        for source in sources {
            let version = VersionSelector::Number(source.version);
            self.open_dataset(principal, &source.dataset, version).await?;
        }
        Ok(())
    }

    async fn check_rate(&self, token: Option<&TokenId>) -> Result<(), AppError> {
        let limits = self.inner.config.permalinks;
        let limit = if token.is_some() { limits.token_per_hour } else { limits.anonymous_per_hour };
        if limit == 0 {
            return Err(match token {
                None => AppError::Unauthenticated(
                    "this hub makes permalinks for tokens' holders only: send a token as \
                     \"Authorization: Bearer <token>\"",
                ),
                Some(_) => AppError::Forbidden("this hub makes no permalinks"),
            });
        }
        let since = self.inner.clock.now() - Duration::hours(1);
        if self.inner.registry.permalinks_since(token, since).await? >= limit {
            return Err(AppError::TooOften { what: "permalinks", limit });
        }
        Ok(())
    }
}

async fn fingerprint(prepared: PreparedQuery, ordered: bool) -> Result<Fingerprint, AppError> {
    let answer = prepared.run().await?;
    Ok(hub_query::fingerprint(answer.stream, ordered).await?)
}

/// Whether the statement has an order, and what is to be noted of it; an error where running it again would
/// tell nothing.
fn check_repeatable(prepared: &PreparedQuery) -> Result<(bool, Vec<hub_model::Text>), AppError> {
    let query = prepared.query();
    let refuse = |why: String| Err(AppError::NotRepeatable(why));
    if let Some(function) = query.volatile_call() {
        let instead = match function {
            "random" | "uuid" | "gen_random_uuid" => {
                "choose rows by what they hold, as in WHERE station_id IN ('16217', '16286')"
            }
            _ => {
                "write the value itself, such as TIMESTAMP '2026-04-01 00:00:00', or pass it as a parameter"
            }
        };
        return refuse(format!(
            "the statement calls {function}, which answers otherwise each time; {instead}"
        ));
    }
    if query.is_explain() {
        return refuse(
            "EXPLAIN tells a plan and no data; make the permalink of the query".to_owned(),
        );
    }
    if query.uses_information_schema() {
        return refuse(
            "the statement reads information_schema, which has no versions; read datasets only"
                .to_owned(),
        );
    }
    Ok((query.is_ordered(), prepared.doubts()))
}

/// An error as those see it who are not to know of what they may not read.
fn hidden(error: AppError, id: &PermalinkId) -> AppError {
    match error {
        AppError::NotFound { .. } => AppError::not_found("permalink", id),
        other => other,
    }
}

fn token_of(principal: &Principal) -> Option<&TokenId> {
    match principal {
        Principal::Anonymous => None,
        Principal::Token { id, .. } => Some(id),
    }
}

fn made_by(principal: &Principal) -> MadeBy {
    match principal {
        Principal::Anonymous => MadeBy::Anonymous,
        Principal::Token { agency: Some(agency), .. } => MadeBy::Agency(agency.clone()),
        Principal::Token { agency: None, .. } => MadeBy::Administrator,
    }
}

fn checked_title(title: Option<String>) -> Result<Option<String>, AppError> {
    let Some(title) = title else { return Ok(None) };
    let title = title.trim();
    let length = title.chars().count();
    if length == 0 || length > MAX_TITLE || title.chars().any(char::is_control) {
        return Err(AppError::InvalidRequest(format!(
            "give a title of 1 to {MAX_TITLE} characters on one line, or none"
        )));
    }
    Ok(Some(title.to_owned()))
}

/// Whether a statement may be kept: its size, and that databases can hold it.
pub(crate) fn check_size(sql: &str, parameters: &[serde_json::Value]) -> Result<(), AppError> {
    let bytes = sql.len() + parameters.iter().map(|p| p.to_string().len()).sum::<usize>();
    if bytes > MAX_STORED_BYTES {
        return Err(AppError::InvalidRequest(format!(
            "the statement and its parameters have {bytes} bytes; at most {MAX_STORED_BYTES} can be kept"
        )));
    }
    if sql.contains('\0') || parameters.iter().any(|p| p.as_str().is_some_and(|p| p.contains('\0')))
    {
        return Err(AppError::InvalidRequest(
            "the statement or a parameter has a NUL character, which can't be kept; take it out"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The names and types of columns; what else is said of them may change with what agencies say.
fn shapes(
    columns: &[serde_json::Value],
) -> impl Iterator<Item = (Option<&serde_json::Value>, Option<&serde_json::Value>)> {
    columns.iter().map(|column| (column.get("name"), column.get("type")))
}
