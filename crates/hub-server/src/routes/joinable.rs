//! The join advisor: with what a dataset can be joined, and how.

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use hub_app::{Advice, JoinAdvice, KeyPair, Reading, TimePair};
use serde::Serialize;
use utoipa::ToSchema;

use super::{QueryProblems, agencies::TextBody, coverage::PeriodResponse};
use crate::{
    auth::Caller,
    caching::{Etag, cache_scope},
    extract::{DatasetPath, NoParams, Params},
    problem::Problem,
    state::ServerState,
};

/// Two columns whose values are the same things.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyPairResponse {
    /// The dataset's column.
    #[schema(example = "municipality_code")]
    column: String,
    /// The other dataset's column.
    #[schema(example = "code")]
    other_column: String,
    /// `municipality` for codes of municipalities, `mesh` for those of mesh cells, `key` for other ids.
    meaning: &'static str,
    /// Different values that both have.
    common_values: u64,
    /// Different values of the dataset's column.
    values: u64,
    /// Different values of the other dataset's.
    other_values: u64,
    /// The share of the dataset's values that the other has, too, cut to four places.
    overlap: Option<f64>,
    /// The share of the other's values that the dataset has, too.
    other_overlap: Option<f64>,
}

impl From<&KeyPair> for KeyPairResponse {
    fn from(pair: &KeyPair) -> Self {
        Self {
            column: pair.own.clone(),
            other_column: pair.other.clone(),
            meaning: pair.meaning.as_str(),
            common_values: pair.common,
            values: pair.own_values,
            other_values: pair.other_values,
            overlap: pair.own_share(),
            other_overlap: pair.other_share(),
        }
    }
}

/// Two columns of times, and how they are brought together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimePairResponse {
    /// The dataset's column.
    column: String,
    /// The other dataset's column.
    other_column: String,
    /// How long the dataset's intervals are, by its contract.
    #[schema(example = "PT1H")]
    interval: Option<String>,
    /// How long the other's are.
    #[schema(example = "P1D")]
    other_interval: Option<String>,
    /// How often the other one speaks: `equal`, `coarser` or `finer`; `as_of` where each row of the dataset gets
    /// the other's last row at or before its time.
    relation: &'static str,
    /// The stretches that both are brought to: `hour`, `day`, `month` or `year`; `time` where the times are
    /// compared as they are.
    grid: &'static str,
    /// The days from which and to which both have data.
    common_period: Option<PeriodResponse>,
}

impl From<&TimePair> for TimePairResponse {
    fn from(pair: &TimePair) -> Self {
        Self {
            column: pair.own.clone(),
            other_column: pair.other.clone(),
            interval: pair.own_interval.map(|interval| interval.to_string()),
            other_interval: pair.other_interval.map(|interval| interval.to_string()),
            relation: pair.relation.as_str(),
            grid: pair.grid,
            common_period: pair
                .period
                .as_ref()
                .map(|(first, last)| PeriodResponse { first: first.clone(), last: last.clone() }),
        }
    }
}

/// A join.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinResponse {
    /// The other dataset.
    #[schema(example = "shicho.municipalities")]
    dataset: String,
    /// What it is called.
    title: TextBody,
    /// The version that was looked at.
    version: u64,
    /// The columns that are equal; none where time alone joins.
    keys: Vec<KeyPairResponse>,
    /// The columns of times that meet; null where either dataset has none.
    time: Option<TimePairResponse>,
    /// The rows that come of it, on these versions; null where that can't be told.
    expected_rows: Option<u64>,
    /// Whether that is their number; otherwise there are about so many at most.
    expected_rows_exact: bool,
    /// A statement for `/v1/sql` that does it.
    sql: String,
    /// The join in words.
    explanation: TextBody,
}

impl From<&JoinAdvice> for JoinResponse {
    fn from(join: &JoinAdvice) -> Self {
        Self {
            dataset: join.dataset.to_string(),
            title: join.title.clone().into(),
            version: join.version,
            keys: join.keys.iter().map(KeyPairResponse::from).collect(),
            time: join.time.as_ref().map(TimePairResponse::from),
            expected_rows: join.expected.rows,
            expected_rows_exact: join.expected.is_exact,
            sql: join.sql.clone(),
            explanation: join.explanation.clone().into(),
        }
    }
}

/// With what a dataset can be joined.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinableResponse {
    /// The dataset.
    #[schema(example = "kisho.stations")]
    dataset: String,
    /// What it is called.
    title: TextBody,
    /// The version that was looked at; 0 where nothing was published.
    version: u64,
    /// How many other datasets were looked at, of those that the caller may read.
    datasets_looked_at: u64,
    /// Whether all of them were looked at to the end; otherwise asking again tells more.
    complete: bool,
    /// How many joins were found.
    joins_found: u64,
    /// The best of them, the best first: those whose keys meet best, and at most five by time alone at the end.
    joins: Vec<JoinResponse>,
}

impl From<&Advice> for JoinableResponse {
    fn from(advice: &Advice) -> Self {
        Self {
            dataset: advice.dataset.to_string(),
            title: advice.title.clone().into(),
            version: advice.version,
            datasets_looked_at: advice.looked_at,
            complete: advice.is_whole,
            joins_found: advice.found,
            joins: advice.joins.iter().map(JoinResponse::from).collect(),
        }
    }
}

/// Find what a dataset can be joined with
///
/// The other datasets that the caller may read whose keys have values in common with this one's, or whose times
/// meet its times: by which columns, how many values meet, on which grid of time, over which period, how many
/// rows come of it, and a statement that does it. At most 20, the best first.
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/joinable", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "stations")),
    responses((status = 200, body = JoinableResponse), (status = 304, description = "Unchanged"), QueryProblems))]
pub(crate) async fn find_joins(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(id): DatasetPath,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let etag = |state: &str| Etag::of(&["joinable", state, cache_scope(&principal)]);
    let held = |state: &str| etag(state).is_held(&headers);
    match state.app.joinable(&principal, &id, held).await? {
        Reading::Unchanged(state) => Ok(etag(&state).not_modified(&principal)),
        Reading::Read { answer, state } => {
            let mut response = Json(JoinableResponse::from(answer.as_ref())).into_response();
            // What was not looked at to its end is another answer the next time.
            if answer.is_whole {
                etag(&state).mark(&mut response, &principal);
            }
            Ok(response)
        }
    }
}
