//! The routes, a file a resource. A handler reads its request, asks one use case, and writes the answer;
//! it decides nothing.

pub(crate) mod agencies;
pub(crate) mod align;
pub(crate) mod answer;
pub(crate) mod citations;
pub(crate) mod cost;
pub(crate) mod coverage;
pub(crate) mod coverage_page;
pub(crate) mod datasets;
pub(crate) mod diff;
pub(crate) mod functions;
pub(crate) mod functions_page;
pub(crate) mod headers;
pub(crate) mod hints;
pub(crate) mod home;
pub(crate) mod joinable;
pub(crate) mod lineage;
pub(crate) mod links;
pub(crate) mod ops;
pub(crate) mod originals;
pub(crate) mod permalinks;
pub(crate) mod previews;
pub(crate) mod proposals;
pub(crate) mod queries;
pub(crate) mod reports;
pub(crate) mod rows;
pub(crate) mod sets;
pub(crate) mod sql;
pub(crate) mod tokens;
pub(crate) mod tus;
pub(crate) mod upkeep;
pub(crate) mod uploads;
pub(crate) mod versions;

use hub_model::Text;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::problem::Problem;

/// The greatest page of a listing.
const MAX_PAGE: usize = 1_000;

/// Which page of a listing.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// How many at most, up to 1,000; 100 where nothing is said.
    #[param(example = 100, minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PageQuery {
    fn limit(&self) -> Result<usize, Problem> {
        page_limit(self.limit)
    }

    /// The cursor as the id it is.
    fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        page_cursor(self.cursor.as_deref())
    }
}

fn page_limit(limit: Option<usize>) -> Result<usize, Problem> {
    match limit.unwrap_or(100) {
        limit @ 1..=MAX_PAGE => Ok(limit),
        _ => Err(Problem::parameter(
            "limit",
            Text::new(
                format!("1から{MAX_PAGE}までの数を指定してください"),
                format!("give a number from 1 to {MAX_PAGE}"),
            ),
        )),
    }
}

fn page_cursor<T: std::str::FromStr>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    cursor.map(str::parse).transpose().map_err(|_| {
        Problem::parameter(
            "cursor",
            Text::new(
                "前のページの next_cursor の値を指定してください",
                "give the next_cursor of the page before",
            ),
        )
    })
}

/// Cuts a listing that was read one longer than its page, and names where the next page begins.
fn cut<T>(items: &mut Vec<T>, limit: usize, id: impl Fn(&T) -> String) -> Option<String> {
    let more = items.len() > limit;
    items.truncate(limit);
    if more { items.last().map(id) } else { None }
}

/// What reading can be answered with instead.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only described, never built: problems are built in `problem`")]
pub(crate) enum ReadProblems {
    /// A parameter is not right.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
    /// The token is unknown, expired or revoked.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// It is not there, or the caller may not see it.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// A store behind the hub does not answer, or the hub is busy.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// What reading for some can be answered with beside.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only described, never built: problems are built in `problem`")]
pub(crate) enum ForbiddenProblem {
    /// The token's role or agency does not allow it.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
}

/// What a JSON body can be answered with beside.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only described, never built: problems are built in `problem`")]
pub(crate) enum BodyProblems {
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body is not said to be JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedFormat(Problem),
}

/// What changing can be answered with instead.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only described, never built: problems are built in `problem`")]
pub(crate) enum WriteProblems {
    /// The request is not right.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
    /// No token, or one that is unknown, expired or revoked.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// The token's role or agency does not allow it.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// It is not there, or the caller may not see it.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// Another writer was first, or what is there stands against it.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body's format is not read.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedFormat(Problem),
    /// The body was understood and breaks a rule.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(Problem),
    /// A store behind the hub does not answer, or the hub is busy.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// What a query can be answered with instead.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only described, never built: problems are built in `problem`")]
pub(crate) enum QueryProblems {
    /// The statement or a parameter is not right; `position` and `suggestions` help.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
    /// The token is unknown, expired or revoked.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// A version that is not there.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// A version that was withdrawn; the detail says when and why.
    #[response(status = 410, content_type = "application/problem+json")]
    Withdrawn(Problem),
    /// The format is not offered.
    #[response(status = 406, content_type = "application/problem+json")]
    NotAcceptable(Problem),
    /// The query met a bad value, or a limit of memory, time or output.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(Problem),
    /// A store behind the hub does not answer, or the hub is busy.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}
