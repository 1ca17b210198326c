//! SQL over everything the caller may read.

use std::collections::BTreeMap;

use axum::{extract::State, http::HeaderMap, response::Response};
use hub_app::{AnswerKey, PreparedQuery, SqlRequest, VersionSelector};
use hub_model::{DatasetId, Principal, Text};
use hub_query::OutputFormat;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    BodyProblems, QueryProblems,
    answer::{AnswerBody, Manner, kept_key, output_format, respond_again, respond_as},
};
use crate::{
    auth::Caller,
    caching::{Etag, cache_scope, not_stored},
    extract::{JsonBody, NoParams, Params, version_of_word, version_selector},
    problem::Problem,
    state::ServerState,
};

/// A statement to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "sql": "SELECT r.time, r.flow, w.precipitation FROM otaru_kaihatsu.river_hourly r JOIN kisho.weather_hourly w ON w.time = r.time WHERE r.gauge_id = $1 AND w.station_id = $2 ORDER BY r.time LIMIT 24",
    "parameters": ["301041281103020", "16217"],
    "versions": {"kisho.weather_hourly": 1}
}))]
pub(crate) struct SqlBody {
    /// One read-only statement; tables are `agency.dataset`.
    sql: String,
    /// Values of `$1`, `$2` …: text, numbers, true, false or null.
    #[serde(default)]
    parameters: Vec<serde_json::Value>,
    /// Which versions to read, by number or by the instant at which they were the newest; the newest
    /// where nothing is said.
    #[serde(default)]
    #[schema(value_type = Object)]
    versions: BTreeMap<String, serde_json::Value>,
    /// Read datasets that `versions` does not name as they were known at this instant.
    #[schema(example = "2026-04-01T00:00:00+09:00")]
    as_of: Option<String>,
    /// `json`, `ndjson`, `csv`, `arrow`, `parquet`, `geojson` or `xlsx`; goes before `Accept`.
    format: Option<String>,
    /// `false` reads rows where what is kept of them by series, hour and day would tell the same.
    #[serde(default = "yes")]
    #[schema(default = true)]
    rollups: bool,
}

/// A statement to be looked at or to be run later.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "sql": "SELECT r.time, r.flow, w.precipitation FROM otaru_kaihatsu.river_hourly r JOIN kisho.weather_hourly w ON w.time = r.time"
}))]
pub(crate) struct StatementBody {
    /// One read-only statement; tables are `agency.dataset`.
    sql: String,
    /// Values of `$1`, `$2` …: text, numbers, true, false or null.
    #[serde(default)]
    parameters: Vec<serde_json::Value>,
    /// Which versions to read, by number or by the instant at which they were the newest; those that are the
    /// newest when it is asked where nothing is said.
    #[serde(default)]
    #[schema(value_type = Object)]
    versions: BTreeMap<String, serde_json::Value>,
    /// Read datasets that `versions` does not name as they were known at this instant.
    as_of: Option<String>,
    /// `false` reads rows where what is kept of them by series, hour and day would tell the same.
    #[serde(default = "yes")]
    #[schema(default = true)]
    rollups: bool,
}

impl StatementBody {
    pub(crate) fn request(self) -> Result<SqlRequest, Problem> {
        let request = statement(self.sql, self.parameters, &self.versions, self.as_of.as_deref())?;
        Ok(SqlRequest { without_rollups: !self.rollups, ..request })
    }
}

/// A statement to run.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SqlQuery {
    /// One read-only statement; tables are `agency.dataset`.
    #[param(
        example = "SELECT station_id, max(snow_depth) FROM kisho.weather_hourly GROUP BY station_id"
    )]
    q: String,
    /// Values of `$1`, `$2` … as a JSON array.
    #[param(example = "[\"16217\"]")]
    parameters: Option<String>,
    /// Versions to read, as `agency.dataset@3`, separated by commas.
    versions: Option<String>,
    /// Read datasets that `versions` does not name as they were known at this instant.
    as_of: Option<String>,
    /// `json`, `ndjson`, `csv`, `arrow`, `parquet`, `geojson` or `xlsx`; goes before `Accept`.
    format: Option<String>,
    /// `false` reads rows where what is kept of them by series, hour and day would tell the same.
    #[serde(default = "yes")]
    #[param(default = true)]
    rollups: bool,
}

/// What a switch is where nothing is said of it.
pub(super) fn yes() -> bool {
    true
}

/// Ask in SQL
///
/// One SELECT, WITH or EXPLAIN over any datasets the caller may read. All datasets are read at one
/// version each, named in the answer with licence and attribution. Times without a zone are Japanese.
/// Answers are streamed to their end whatever their size.
#[utoipa::path(post, path = "/v1/sql", tag = "query", request_body = SqlBody,
    responses((status = 200, description = "The answer", content(
        (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"), (Object = "application/geo+json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), QueryProblems, BodyProblems))]
pub(crate) async fn run_sql(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SqlBody>,
) -> Result<Response, Problem> {
    let format = output_format(body.format.as_deref(), &headers)?;
    let (sql, parameters) = (body.sql.clone(), serde_json::Value::from(body.parameters.clone()));
    let mut request = statement(body.sql, body.parameters, &body.versions, body.as_of.as_deref())?;
    request.without_rollups = !body.rollups;
    let prepared = state.app.prepare_query(&principal, request).await?;
    let question = Question::new(&sql, &parameters, format, &principal);
    Ok(not_stored(question.answer(&state, prepared).await?))
}

/// Ask in SQL, by address
///
/// As for POST, for links and caches: the answer has an `ETag`, and `If-None-Match` spares a repeated one.
#[utoipa::path(get, path = "/v1/sql", tag = "query", params(SqlQuery),
    responses((status = 200, description = "The answer", content(
        (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"), (Object = "application/geo+json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 304, description = "Unchanged"), QueryProblems))]
pub(crate) async fn run_sql_by_address(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(query): Params<SqlQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = output_format(query.format.as_deref(), &headers)?;
    let parameters = query.parameters.as_deref().unwrap_or("[]");
    let values: Vec<serde_json::Value> = serde_json::from_str(parameters).map_err(|_| {
        Problem::parameter(
            "parameters",
            Text::new(
                "[\"a\", 1] のようなJSONの配列を指定してください",
                "give a JSON array such as [\"a\", 1]",
            ),
        )
    })?;
    let request = SqlRequest {
        sql: query.q.clone(),
        parameters: values.clone(),
        versions: versions_of_text("versions", query.versions.as_deref())?,
        others: version_selector(None, query.as_of.as_deref())?,
        without_rollups: !query.rollups,
    };
    let etag = |read: &str| {
        Etag::of(&["sql", &query.q, parameters, read, format.media_type(), cache_scope(&principal)])
    };
    let question = Question::new(&query.q, &values.into(), format, &principal);
    if let Some(read) = state.app.state_asked(&principal, &request).await {
        let etag = etag(&read);
        if etag.is_held(&headers) {
            return Ok(etag.not_modified(&principal));
        }
        if let Some(mut response) = question.answer_of_late(&state, Some(&read)) {
            etag.mark(&mut response, &principal);
            return Ok(response);
        }
    }
    // Apart from the rest, so that the work itself is not moved about where it need not be done.
    let work = async {
        let prepared = state.app.prepare_query(&principal, request).await?;
        let etag = prepared.state().map(etag);
        if let Some(etag) = &etag
            && etag.is_held(&headers)
        {
            return Ok(etag.not_modified(&principal));
        }
        let mut response = question.answer(&state, prepared).await?;
        match etag {
            Some(etag) => etag.mark(&mut response, &principal),
            None => response = not_stored(response),
        }
        Ok(response)
    };
    Box::pin(work).await
}

/// A statement as JSON bodies give it.
pub(crate) fn statement(
    sql: String,
    parameters: Vec<serde_json::Value>,
    versions: &BTreeMap<String, serde_json::Value>,
    as_of: Option<&str>,
) -> Result<SqlRequest, Problem> {
    let versions = versions
        .iter()
        .map(|(id, value)| Ok((dataset_id("versions", id)?, version_of_json(id, value)?)))
        .collect::<Result<_, Problem>>()?;
    let others = version_selector(None, as_of)?;
    Ok(SqlRequest { sql, parameters, versions, others, without_rollups: false })
}

/// What is asked, by whom, and in which format.
struct Question<'a> {
    sql: &'a str,
    parameters: String,
    format: OutputFormat,
    principal: &'a Principal,
}

impl<'a> Question<'a> {
    fn new(
        sql: &'a str,
        parameters: &serde_json::Value,
        format: OutputFormat,
        principal: &'a Principal,
    ) -> Self {
        // White space around a statement means nothing; inside it may be part of a text.
        let sql = sql.trim_matches(|c: char| c.is_whitespace() || c == ';');
        Self { sql, parameters: parameters.to_string(), format, principal }
    }

    fn key(&self, read: Option<&str>) -> Option<AnswerKey> {
        kept_key(&["sql", self.sql, &self.parameters], read, self.format, self.principal)
    }

    /// The answer at this state, where it is among those of late.
    fn answer_of_late(&self, state: &ServerState, read: Option<&str>) -> Option<Response> {
        let kept = state.app.answers().find(&self.key(read)?)?;
        Some(respond_again(&kept))
    }

    /// The answer, from those of late where it is among them.
    async fn answer(
        &self,
        state: &ServerState,
        prepared: PreparedQuery,
    ) -> Result<Response, Problem> {
        if let Some(response) = self.answer_of_late(state, prepared.state()) {
            return Ok(response);
        }
        let manner = Manner { key: self.key(prepared.state()), ..Manner::default() };
        let answer = prepared.run().await?;
        respond_as(state, answer.stream, answer.sources, self.format, manner).await
    }
}

fn dataset_id(parameter: &str, text: &str) -> Result<DatasetId, Problem> {
    DatasetId::parse(text).map_err(|error| Problem::parameter_of(parameter, error))
}

fn version_of_json(id: &str, value: &serde_json::Value) -> Result<VersionSelector, Problem> {
    match value {
        serde_json::Value::Number(number) => number.as_u64().map(VersionSelector::Number),
        serde_json::Value::String(text) => version_of_word(text),
        _ => None,
    }
    .ok_or_else(|| {
        Problem::parameter(
            "versions",
            Text::new(
                format!(
                    "{id}には版の番号か、2026-04-01T00:00:00+09:00 のような時刻を指定してください"
                ),
                format!("for {id} give a number, or an instant such as 2026-04-01T00:00:00+09:00"),
            ),
        )
    })
}

/// Versions as a parameter lists them: `agency.dataset@3`, separated by commas.
pub(crate) fn versions_of_text(
    parameter: &str,
    text: Option<&str>,
) -> Result<BTreeMap<DatasetId, VersionSelector>, Problem> {
    text.unwrap_or_default()
        .split(',')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (id, version) = part.split_once('@').unwrap_or((part, ""));
            let version = version_of_word(version).ok_or_else(|| {
                Problem::parameter(
                    parameter,
                    Text::new(
                        "「機関.データセット@3」の形で、コンマで区切って指定してください",
                        "write agency.dataset@3, separated by commas",
                    ),
                )
            })?;
            Ok((dataset_id(parameter, id)?, version))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_or_instants() {
        let versions =
            versions_of_text("versions", Some("a.b@3,c.d@2026-04-01T00:00:00+09:00")).unwrap();
        assert_eq!(versions[&DatasetId::parse("a.b").unwrap()], VersionSelector::Number(3));
        assert!(matches!(versions[&DatasetId::parse("c.d").unwrap()], VersionSelector::AsOf(_)));
        for broken in ["a.b", "a.b@", "a.b@yesterday", "b@1"] {
            assert!(versions_of_text("versions", Some(broken)).is_err(), "{broken} was accepted");
        }
    }
}
