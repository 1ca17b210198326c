//! Queries in the background: asked, watched, taken and removed by the token that they belong to.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hub_app::QueryJob;
use hub_model::{QueryId, format_instant};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    BodyProblems, PageQuery, QueryProblems, ReadProblems,
    answer::{AnswerBody, FormatQuery, output_format, respond},
    cut,
    permalinks::RateProblems,
    sql::StatementBody,
};
use crate::{
    auth::Caller,
    caching::not_stored,
    extract::{JsonBody, LastSegment, NoParams, Params},
    problem::Problem,
    state::ServerState,
};

/// A query in the background.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11", "url": "/v1/queries/0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11",
    "state": "running", "sql": "SELECT count(*) FROM kisho.weather_hourly", "parameters": [],
    "created_at": "2026-11-26T12:34:56+09:00", "started_at": "2026-11-26T12:34:57+09:00",
    "progress": {"rows_scanned": 120000, "rows_total": 250000, "bytes_scanned": 1048576, "bytes_total": 4194304}
}))]
pub(crate) struct QueryResponse {
    /// Its id.
    id: String,
    /// Where it is watched, and removed by DELETE.
    url: String,
    /// `waiting`, `running`, `done` or `failed`.
    state: &'static str,
    /// The statement.
    sql: String,
    /// The values of `$1`, `$2` ….
    parameters: Vec<serde_json::Value>,
    /// When it was asked.
    created_at: String,
    /// When it was begun, the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    /// When it came to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    /// Until when it is kept, once it has come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// How many come before it; while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    queries_before: Option<u64>,
    /// How far it has come.
    progress: ProgressBody,
    /// What came of it, once it is done, as long as all that it reads may still be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ResultBody>,
    /// Why nothing came of it, where it failed: a problem as other requests are answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// How far a query has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressBody {
    /// Rows that were read.
    rows_scanned: u64,
    /// Rows of the files that are read: as many are read at most, and fewer where parts can be left out.
    rows_total: Option<u64>,
    /// Stored bytes that were read.
    bytes_scanned: u64,
    /// Bytes of the files that are read.
    bytes_total: Option<u64>,
}

/// A kept result.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResultBody {
    /// Where it is taken; `?format=` chooses its form.
    url: String,
    /// Its rows.
    rows: u64,
    /// Bytes of the kept Parquet file.
    bytes: u64,
    /// SHA-256 of that file, in hexadecimal.
    sha256: String,
    /// The dataset versions that were read.
    #[schema(value_type = Vec<Object>)]
    sources: Vec<hub_model::Source>,
}

impl QueryResponse {
    fn of(job: QueryJob, base: &str) -> Self {
        let problem = job.failure().map(|(kind, detail)| Problem::new(kind, detail));
        let record = job.record;
        let url = format!("{base}/v1/queries/{}", record.id);
        let result = record.result.map(|result| ResultBody {
            url: format!("{url}/result"),
            rows: result.rows,
            bytes: result.bytes,
            sha256: result.sha256,
            sources: result.sources,
        });
        Self {
            id: record.id.to_string(),
            url,
            state: record.state.as_str(),
            sql: job.sql,
            parameters: job.parameters,
            created_at: format_instant(record.created_at),
            started_at: record.started_at.map(format_instant),
            finished_at: record.finished_at.map(format_instant),
            expires_at: record.expires_at.map(format_instant),
            queries_before: job.place,
            progress: ProgressBody {
                rows_scanned: record.progress.rows_scanned,
                rows_total: record.progress.rows_total,
                bytes_scanned: record.progress.bytes_scanned,
                bytes_total: record.progress.bytes_total,
            },
            result,
            problem,
        }
    }
}

/// A page of queries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueryListResponse {
    /// The queries, newest first.
    queries: Vec<QueryResponse>,
    /// Give it as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// What can be answered with beside to who takes a result.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only described, never built: problems are built in `problem`")]
pub(crate) enum NotDoneProblem {
    /// The query waits or runs.
    #[response(status = 409, content_type = "application/problem+json")]
    NotDone(Problem),
}

/// Ask in the background
///
/// For statements that take longer than an answer can be waited for. Needs a token, whose holder alone sees the
/// query. The same limits hold as for `/v1/sql`, but for a longer one of time; the result is kept for a while.
#[utoipa::path(post, path = "/v1/queries", tag = "query", request_body = StatementBody,
    responses((status = 202, body = QueryResponse, description = "It is taken, and run when there is a place",
               headers(("Location" = String, description = "Where it is watched"))),
              QueryProblems, BodyProblems, RateProblems), security(("token" = [])))]
pub(crate) async fn submit_query(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(NoParams {}): Params<NoParams>,
    JsonBody(body): JsonBody<StatementBody>,
) -> Result<Response, Problem> {
    let job = state.app.submit_query(&principal, body.request()?).await?;
    let body = QueryResponse::of(job, &state.public_url);
    let location = HeaderValue::from_str(&body.url).ok();
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(not_stored(response))
}

/// List one's queries
#[utoipa::path(get, path = "/v1/queries", tag = "query", params(PageQuery),
    responses((status = 200, body = QueryListResponse), ReadProblems), security(("token" = [])))]
pub(crate) async fn list_queries(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(page): Params<PageQuery>,
) -> Result<Response, Problem> {
    let limit = page.limit()?;
    let before = page.after::<QueryId>()?;
    let mut jobs = state.app.query_jobs(&principal, before.as_ref(), limit + 1).await?;
    let next_cursor = cut(&mut jobs, limit, |job| job.record.id.to_string());
    let queries = jobs.into_iter().map(|job| QueryResponse::of(job, &state.public_url)).collect();
    Ok(not_stored(Json(QueryListResponse { queries, next_cursor }).into_response()))
}

/// Watch a query
#[utoipa::path(get, path = "/v1/queries/{id}", tag = "query",
    params(("id" = String, Path, description = "The query's id")),
    responses((status = 200, body = QueryResponse), ReadProblems), security(("token" = [])))]
pub(crate) async fn read_query(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    LastSegment(id): LastSegment<QueryId>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, Problem> {
    let job = state.app.query_job(&principal, &id).await?;
    Ok(not_stored(Json(QueryResponse::of(job, &state.public_url)).into_response()))
}

/// Take a query's result
///
/// In any form, as often as it is wanted until it expires. A query that failed is answered with its problem.
#[utoipa::path(get, path = "/v1/queries/{id}/result", tag = "query",
    params(("id" = String, Path, description = "The query's id"), FormatQuery),
    responses((status = 200, description = "The answer", content(
        (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"), (Object = "application/geo+json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        QueryProblems, NotDoneProblem), security(("token" = [])))]
pub(crate) async fn read_query_result(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    LastSegment(id): LastSegment<QueryId>,
    Params(query): Params<FormatQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = output_format(query.format.as_deref(), &headers)?;
    let (job, stream) = state.app.query_result(&principal, &id).await?;
    let sources = job.record.result.map(|result| result.sources).unwrap_or_default();
    Ok(not_stored(respond(&state, stream, sources, format).await?))
}

/// Remove a query
///
/// One that waits or runs is stopped; one that is done goes with its result.
#[utoipa::path(delete, path = "/v1/queries/{id}", tag = "query",
    params(("id" = String, Path, description = "The query's id")),
    responses((status = 204, description = "Removed"), ReadProblems), security(("token" = [])))]
pub(crate) async fn remove_query(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    LastSegment(id): LastSegment<QueryId>,
) -> Result<StatusCode, Problem> {
    state.app.remove_query(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
