//! Permalinks: statements with the versions that they read, kept so that they can be run again.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hub_app::{PermalinkRequest, Verification};
use hub_model::{
    Agreement, Citation, CitedResult, EngineVersion, Language, MadeBy, Permalink, PermalinkId,
    Source, format_instant,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    BodyProblems, QueryProblems,
    agencies::TextBody,
    answer::{AnswerBody, Manner, output_format, respond_as},
    citations::{CitationResponse, FormQuery, cited, show},
    sql::{self, yes},
};
use crate::{
    auth::Caller,
    caching::{Etag, cache_scope, not_stored},
    extract::{JsonBody, LastSegment, NoParams, Params},
    problem::Problem,
    public_base::PublicBase,
    state::ServerState,
};

/// A statement to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "sql": "SELECT station_id, max(snow_depth) AS deepest FROM kisho.weather_hourly GROUP BY station_id ORDER BY station_id",
    "title": "観測所ごとの最深積雪"
}))]
pub(crate) struct PermalinkBody {
    /// One read-only statement that answers the same each time: it reads neither the clock nor dice.
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
    as_of: Option<String>,
    /// `false` reads rows where what is kept of them by series, hour and day would tell the same, now and
    /// whenever the permalink is opened.
    #[serde(default = "yes")]
    #[schema(default = true)]
    rollups: bool,
    /// What to call it, in up to 200 characters. All who can open the permalink see it.
    title: Option<String>,
}

/// The versions of what ran a statement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EngineBody {
    /// The hub's.
    hub: String,
    /// That of Apache DataFusion inside of it.
    datafusion: String,
}

impl From<EngineVersion> for EngineBody {
    fn from(engine: EngineVersion) -> Self {
        Self { hub: engine.hub, datafusion: engine.datafusion }
    }
}

/// A permalink: what was asked, of which versions, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermalinkResponse {
    /// Its id.
    #[schema(example = "k7wq2mzt9x4b")]
    id: String,
    /// Its address, to be printed and cited.
    url: String,
    /// Where the same versions are asked again.
    result: String,
    /// Where what comes of it is compared with what came then.
    verification: String,
    /// What its maker called it.
    title: Option<String>,
    /// The statement.
    sql: String,
    /// The values of `$1`, `$2` ….
    parameters: Vec<serde_json::Value>,
    /// Whether what is kept of rows by series, hour and day is read in their place where it tells the same.
    rollups: bool,
    /// The dataset versions that it read, as they were described then.
    #[schema(value_type = Vec<Object>)]
    sources: Vec<Source>,
    /// What ran it.
    engine: EngineBody,
    /// The columns of the result.
    columns: Vec<serde_json::Value>,
    /// The rows of the result.
    row_count: u64,
    /// The hash of the result; docs/CITING.md has its form.
    #[schema(example = "mrh1-0f1e2d3c4b5a69788796a5b4c3d2e1f0-0f1e2d3c4b5a69788796a5b4c3d2e1f0")]
    result_hash: String,
    /// What may keep the result from being the same when it is run again, although the versions are.
    notes: Vec<TextBody>,
    /// When it was made.
    created_at: String,
    /// Who made it: `anonymous`, `administrator`, or the id of an agency under `agency`.
    #[schema(value_type = serde_json::Value)]
    created_by: MadeBy,
    /// How it is cited.
    citation: CitationResponse,
}

impl PermalinkResponse {
    fn of(permalink: Permalink, base: &str) -> Self {
        let url = address(base, &permalink.id);
        let citation =
            CitationResponse::of(&citation(permalink.clone(), base), Language::default());
        Self {
            id: permalink.id.to_string(),
            result: format!("{url}/result"),
            verification: format!("{url}/verification"),
            url,
            title: permalink.title,
            sql: permalink.sql,
            parameters: permalink.parameters,
            rollups: !permalink.without_rollups,
            sources: permalink.sources,
            engine: permalink.engine.into(),
            columns: permalink.columns,
            row_count: permalink.row_count,
            result_hash: permalink.result_hash.to_string(),
            notes: permalink.notes.into_iter().map(TextBody::from).collect(),
            created_at: format_instant(permalink.created_at),
            created_by: permalink.created_by,
            citation,
        }
    }
}

fn address(base: &str, id: &PermalinkId) -> String {
    format!("{base}/v1/permalinks/{id}")
}

/// The data was viewed when the permalink was made, whoever opens it when.
fn citation(permalink: Permalink, base: &str) -> Citation {
    Citation {
        result: Some(CitedResult {
            url: address(base, &permalink.id),
            id: permalink.id,
            title: permalink.title,
            created_at: permalink.created_at,
            rows: permalink.row_count,
            hash: permalink.result_hash.to_string(),
        }),
        sources: cited(base, permalink.sources),
        viewed_at: permalink.created_at,
    }
}

/// Whether a permalink's result is the same as when it was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "verdict": "same", "order": "same", "columns": "same",
    "row_count": {"then": 24, "now": 24},
    "result_hash": {"then": "mrh1-0f…", "now": "mrh1-0f…"},
    "engine": {"then": {"hub": "0.1.0", "datafusion": "55.2.0"}, "now": {"hub": "0.1.0", "datafusion": "55.2.0"}},
    "engine_changed": false, "checked_at": "2027-11-26T12:34:56+09:00", "notes": []
}))]
pub(crate) struct VerificationResponse {
    /// `same`: the same rows under the same columns; `different` otherwise.
    verdict: &'static str,
    /// `same`, `different`, or `not_compared` where the statement has no ORDER BY or the rows differ.
    order: &'static str,
    /// `same`, or `different` where names or types are others.
    columns: &'static str,
    /// The rows.
    row_count: ThenAndNow<u64>,
    /// The hashes.
    result_hash: ThenAndNow<String>,
    /// What ran it.
    engine: ThenAndNow<EngineBody>,
    /// Whether another version of the engine ran it now, which may be why something differs.
    engine_changed: bool,
    /// When it was run now.
    checked_at: String,
    /// What may keep the result from being the same although the versions are.
    notes: Vec<TextBody>,
}

/// A thing when the permalink was made, and now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ThenAndNow<T> {
    /// When it was made.
    then: T,
    /// Now.
    now: T,
}

impl From<Verification> for VerificationResponse {
    fn from(found: Verification) -> Self {
        let word = |same| if same { "same" } else { "different" };
        let is_ordered = found.permalink.result_hash.sequence.is_some();
        let order = match found.agreement {
            Agreement::Same if is_ordered => "same",
            Agreement::OtherSequence => "different",
            Agreement::Same | Agreement::Different => "not_compared",
        };
        Self {
            verdict: word(found.is_same()),
            order,
            columns: word(found.columns_agree),
            row_count: ThenAndNow { then: found.permalink.row_count, now: found.row_count },
            result_hash: ThenAndNow {
                then: found.permalink.result_hash.to_string(),
                now: found.result_hash.to_string(),
            },
            engine_changed: found.permalink.engine != found.engine,
            engine: ThenAndNow { then: found.permalink.engine.into(), now: found.engine.into() },
            checked_at: format_instant(found.checked_at),
            notes: found.permalink.notes.into_iter().map(TextBody::from).collect(),
        }
    }
}

/// How a permalink's result is made and told.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResultQuery {
    /// `json`, `ndjson`, `csv`, `arrow`, `parquet`, `geojson` or `xlsx`; goes before `Accept`.
    format: Option<String>,
    /// `false` reads rows where what is kept of them by series, hour and day would tell the same, `true` reads
    /// what is kept; as the permalink was made where nothing is said.
    rollups: Option<bool>,
}

/// How a permalink's result is made.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RollupsQuery {
    /// `false` reads rows where what is kept of them by series, hour and day would tell the same, `true` reads
    /// what is kept; as the permalink was made where nothing is said.
    rollups: Option<bool>,
}

/// What making a permalink can be answered with beside.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only described, never built: problems are built in `problem`")]
pub(crate) enum RateProblems {
    /// The token may make none.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// As many were made within the hour as may be.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
}

/// Make a permalink
///
/// Runs the statement once and records it with its parameters, the exact versions that it read, the engine's
/// version, and the columns, row count and hash of the result. Versions that a permalink names are kept for
/// good. Whoever may read all of them can open it; to others it does not exist.
#[utoipa::path(post, path = "/v1/permalinks", tag = "citing", request_body = PermalinkBody,
    responses((status = 201, body = PermalinkResponse, description = "The permalink",
               headers(("Location" = String, description = "Its address"))),
              QueryProblems, BodyProblems, RateProblems))]
pub(crate) async fn create_permalink(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    PublicBase(base): PublicBase,
    Params(NoParams {}): Params<NoParams>,
    JsonBody(body): JsonBody<PermalinkBody>,
) -> Result<Response, Problem> {
    let mut query =
        sql::statement(body.sql, body.parameters, &body.versions, body.as_of.as_deref())?;
    query.without_rollups = !body.rollups;
    let request = PermalinkRequest { query, title: body.title };
    let permalink = state.app.create_permalink(&principal, request).await?;
    let body = PermalinkResponse::of(permalink, &base);
    let location = HeaderValue::from_str(&body.url).ok();
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(not_stored(response))
}

/// Open a permalink
#[utoipa::path(get, path = "/v1/permalinks/{id}", tag = "citing",
    params(("id" = String, Path, description = "The permalink's id")),
    responses((status = 200, body = PermalinkResponse), QueryProblems))]
pub(crate) async fn read_permalink(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    PublicBase(base): PublicBase,
    LastSegment(id): LastSegment<PermalinkId>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, Problem> {
    let permalink = state.app.permalink(&principal, &id).await?;
    Ok(not_stored(Json(PermalinkResponse::of(permalink, &base)).into_response()))
}

/// Run a permalink
///
/// The statement on the versions that the permalink names, as they were.
#[utoipa::path(get, path = "/v1/permalinks/{id}/result", tag = "citing",
    params(("id" = String, Path, description = "The permalink's id"), ResultQuery),
    responses((status = 200, description = "The answer", content(
        (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"), (Object = "application/geo+json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 304, description = "Unchanged"), QueryProblems))]
pub(crate) async fn read_permalink_result(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    LastSegment(id): LastSegment<PermalinkId>,
    Params(query): Params<ResultQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = output_format(query.format.as_deref(), &headers)?;
    let (permalink, prepared) = state.app.prepare_permalink(&principal, &id, query.rollups).await?;
    let etag = prepared.state().map(|read| {
        let scope = cache_scope(&principal);
        Etag::of(&["permalink", id.as_str(), read, format.media_type(), scope])
    });
    if let Some(etag) = etag.as_ref().filter(|etag| etag.is_held(&headers)) {
        return Ok(etag.not_modified(&principal));
    }
    let answer = prepared.run().await?;
    let cite = format!("{}/v1/permalinks/{}", state.public_url, permalink.id);
    let (stream, sources) = (answer.stream, answer.sources);
    let manner = Manner { cite_as: Some(cite), ..Manner::default() };
    let mut response = respond_as(&state, stream, sources, format, manner).await?;
    match etag {
        Some(etag) => etag.mark(&mut response, &principal),
        None => response = not_stored(response),
    }
    Ok(response)
}

/// Verify a permalink
///
/// Runs the statement again on the same versions and compares the result with what was recorded.
#[utoipa::path(get, path = "/v1/permalinks/{id}/verification", tag = "citing",
    params(("id" = String, Path, description = "The permalink's id"), RollupsQuery),
    responses((status = 200, body = VerificationResponse), QueryProblems))]
pub(crate) async fn verify_permalink(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    LastSegment(id): LastSegment<PermalinkId>,
    Params(query): Params<RollupsQuery>,
) -> Result<Response, Problem> {
    let found = state.app.verify_permalink(&principal, &id, query.rollups).await?;
    Ok(not_stored(Json(VerificationResponse::from(found)).into_response()))
}

/// Cite a permalink
///
/// The result and every dataset version behind it. The time of viewing is when the permalink was made.
#[utoipa::path(get, path = "/v1/permalinks/{id}/citation", tag = "citing",
    params(("id" = String, Path, description = "The permalink's id"), FormQuery),
    responses((status = 200, description = "The citation", content(
        (CitationResponse = "application/json"), (String = "text/plain"), (String = "application/x-bibtex"),
        (String = "application/x-research-info-systems"), (Vec<Object> = "application/vnd.citationstyles.csl+json"))),
        QueryProblems))]
pub(crate) async fn cite_permalink(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    PublicBase(base): PublicBase,
    LastSegment(id): LastSegment<PermalinkId>,
    Params(query): Params<FormQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (form, language) = query.choose(&headers)?;
    let permalink = state.app.permalink(&principal, &id).await?;
    Ok(show(&citation(permalink, &base), form, language))
}
