//! Where the columns of an answer come from.

use axum::{Json, extract::State};
use hub_query::Lineage;
use serde::Serialize;
use utoipa::ToSchema;

use super::{BodyProblems, QueryProblems, sql::StatementBody};
use crate::{
    auth::Caller,
    extract::{JsonBody, NoParams, Params},
    problem::Problem,
    state::ServerState,
};

/// Where an answer comes from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "columns": [{"name": "flow", "origins": [{"dataset": "otaru_kaihatsu.river_hourly", "column": "flow", "how": "direct"}]}],
    "influences": [{"dataset": "kisho.weather_hourly", "column": "time", "how": "join"}]
}))]
pub(crate) struct LineageResponse {
    /// Its columns in their order.
    columns: Vec<ColumnBody>,
    /// Columns that decide what rows there are: `filter`, `join`, `group` or `order`.
    influences: Vec<OriginBody>,
}

/// One column of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnBody {
    /// Its name.
    name: String,
    /// The columns it comes from: `direct`, `computed` of the same row, or `aggregated` of several rows. None
    /// where it is made of no data, as a count of rows is.
    origins: Vec<OriginBody>,
}

/// A column of a dataset, and what it is to the answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OriginBody {
    /// The dataset.
    dataset: String,
    /// The column, under its contract's name.
    column: String,
    /// What it is to the answer.
    how: &'static str,
}

impl From<Lineage> for LineageResponse {
    fn from(lineage: Lineage) -> Self {
        let body = |from: hub_query::DatasetColumn, how| OriginBody {
            dataset: from.dataset.to_string(),
            column: from.column,
            how,
        };
        let columns = lineage.columns.into_iter().map(|column| ColumnBody {
            name: column.name,
            origins: column
                .origins
                .into_iter()
                .map(|(from, how)| body(from, how.as_str()))
                .collect(),
        });
        let influences = lineage.influences.into_iter();
        Self {
            columns: columns.collect(),
            influences: influences.map(|(from, how)| body(from, how.as_str())).collect(),
        }
    }
}

/// Tell where an answer's columns come from
///
/// For each column of the answer the datasets' columns that it comes from, and how; and the columns that decide
/// what rows there are. The statement is planned and not run.
#[utoipa::path(post, path = "/v1/sql/lineage", tag = "query", request_body = StatementBody,
    responses((status = 200, body = LineageResponse), QueryProblems, BodyProblems))]
pub(crate) async fn tell_lineage(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(NoParams {}): Params<NoParams>,
    JsonBody(body): JsonBody<StatementBody>,
) -> Result<Json<LineageResponse>, Problem> {
    let lineage = state.app.prepare_query(&principal, body.request()?).await?.lineage().await?;
    Ok(Json(lineage.into()))
}
