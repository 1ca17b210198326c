//! The functions of SQL: what there is and how each is written.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use hub_query::{FunctionEntry, function_catalog};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::agencies::TextBody;
use crate::{extract::Params, problem::Problem};

/// Which functions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FunctionsQuery {
    /// Words that must all stand in a function's name or description, in Japanese or English.
    #[param(example = "年度")]
    q: Option<String>,
}

/// One argument.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunctionArgumentBody {
    /// Its name in the syntax.
    name: String,
    /// What it means.
    description: String,
}

/// A query that shows a function at work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunctionExampleBody {
    /// The query.
    sql: String,
    /// Its one value, as text.
    answer: String,
}

/// One function.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "fiscal_year", "kind": "scalar", "family": "time", "own": true,
    "syntax": "fiscal_year(date)",
    "description": {"ja": "年度（4月〜翌年3月）", "en": "The Japanese fiscal year (年度), which begins on 1 April"},
    "arguments": [{"name": "date", "description": "a date, or a timestamp by its day in Japan"}],
    "aliases": [], "example": {"sql": "SELECT fiscal_year(DATE '2024-03-31')", "answer": "2023"}, "since": "0.1.0"
}))]
pub(crate) struct FunctionBody {
    /// The name it is called by, in any case.
    name: String,
    /// `scalar`, `higher_order`, `aggregate`, `window` or `table`.
    kind: &'static str,
    /// What it is about, such as `time` or `place`.
    family: String,
    /// Whether it is the hub's own, rather than the engine's.
    own: bool,
    /// How it is written.
    syntax: String,
    /// What it does; in English only for the engine's.
    description: TextBody,
    /// Its arguments, in order.
    arguments: Vec<FunctionArgumentBody>,
    /// Other names of it.
    aliases: Vec<String>,
    /// An example, for the hub's own.
    example: Option<FunctionExampleBody>,
    /// The hub's release that brought it, for its own.
    since: Option<String>,
}

impl From<FunctionEntry> for FunctionBody {
    fn from(entry: FunctionEntry) -> Self {
        let arguments = entry.arguments.into_iter();
        Self {
            name: entry.name,
            kind: entry.kind.as_str(),
            family: entry.family,
            own: entry.own,
            syntax: entry.syntax,
            description: TextBody { ja: entry.description_ja, en: entry.description_en },
            arguments: arguments
                .map(|argument| FunctionArgumentBody {
                    name: argument.name,
                    description: argument.description,
                })
                .collect(),
            aliases: entry.aliases,
            example: entry
                .example
                .map(|example| FunctionExampleBody { sql: example.sql, answer: example.answer }),
            since: entry.since,
        }
    }
}

/// The functions that were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunctionListResponse {
    /// The hub's own first, then by kind and name.
    functions: Vec<FunctionBody>,
}

/// What listing can be answered with instead.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only described, never built: problems are built in `problem`")]
pub(crate) enum FunctionProblems {
    /// A parameter is not right.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
}

/// List the functions of SQL
///
/// Everything that a statement may call, with syntax, meaning and examples. The same is in SQL as
/// `information_schema.routines`.
#[utoipa::path(get, path = "/v1/functions", tag = "query", params(FunctionsQuery),
    responses((status = 200, description = "The functions", body = FunctionListResponse), FunctionProblems))]
pub(crate) async fn list_functions(
    Params(query): Params<FunctionsQuery>,
) -> Result<Response, Problem> {
    let search = query.q.unwrap_or_default();
    let found = function_catalog().into_iter().filter(|entry| entry.matches(&search));
    let body = FunctionListResponse { functions: found.map(FunctionBody::from).collect() };
    let mut response = Json(body).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    Ok(response)
}
