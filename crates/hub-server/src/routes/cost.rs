//! What a statement will cost, before it is run.

use axum::{Json, extract::State};
use hub_model::VersionNumber;
use hub_query::Cost;
use serde::Serialize;
use utoipa::ToSchema;

use super::{BodyProblems, QueryProblems, sql::StatementBody};
use crate::{
    auth::Caller,
    extract::{JsonBody, NoParams, Params},
    problem::Problem,
    state::ServerState,
};

/// What a statement will read and hold, at most.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "rows": 8760, "bytes": 101230, "files": 1, "files_pruned": 11,
    "datasets": [{"dataset": "kisho.weather_hourly", "version": 1, "scans": 1, "files": 1, "files_pruned": 11,
                  "rows": 8760, "bytes": 101230}],
    "memory": {"need": "spills", "limit_bytes": 536870912}
}))]
pub(crate) struct CostResponse {
    /// Rows of the files that are read. Fewer are read where parts of files can be left out.
    rows: u64,
    /// Bytes of the files that are read. Fewer are read where columns or parts can be left out.
    bytes: u64,
    /// Files that are read.
    files: u64,
    /// Files that are left out, since they can't hold what is asked for or needn't be read for it.
    files_pruned: u64,
    /// The same for each dataset.
    datasets: Vec<DatasetCostBody>,
    /// What it needs of memory.
    memory: MemoryBody,
}

/// What is read of a dataset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatasetCostBody {
    /// The dataset.
    dataset: String,
    /// Its version.
    version: VersionNumber,
    /// How often it is gone through; not at all where its statistics are enough.
    scans: u64,
    /// Files that are read, over all times.
    files: u64,
    /// Files that are left out, over all times.
    files_pruned: u64,
    /// Rows of the files that are read.
    rows: u64,
    /// Bytes of the files that are read.
    bytes: u64,
}

/// What is needed of memory.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemoryBody {
    /// `streams`: little, rows pass through; `spills`: rows are gathered, and go to disk where they are too
    /// many; `must_fit`: one side of a join must fit into memory.
    need: &'static str,
    /// Bytes that joins are likely to hold at once, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_bytes: Option<u64>,
    /// Bytes that one query may take.
    limit_bytes: u64,
}

impl From<Cost> for CostResponse {
    fn from(cost: Cost) -> Self {
        let sum = |of: fn(&hub_query::TableCost) -> u64| cost.tables.iter().map(of).sum();
        Self {
            rows: cost.rows(),
            bytes: cost.bytes(),
            files: sum(|table| table.files),
            files_pruned: sum(|table| table.files_pruned),
            memory: MemoryBody {
                need: cost.memory.as_str(),
                held_bytes: cost.held_bytes,
                limit_bytes: cost.memory_limit_bytes,
            },
            datasets: cost
                .tables
                .into_iter()
                .map(|table| DatasetCostBody {
                    dataset: table.dataset.to_string(),
                    version: table.version,
                    scans: table.scans,
                    files: table.files,
                    files_pruned: table.files_pruned,
                    rows: table.rows,
                    bytes: table.bytes,
                })
                .collect(),
        }
    }
}

/// Tell what a statement will cost
///
/// By its plan, with the files left out that can't hold what is asked for. Nothing is read.
#[utoipa::path(post, path = "/v1/sql/cost", tag = "query", request_body = StatementBody,
    responses((status = 200, body = CostResponse), QueryProblems, BodyProblems))]
pub(crate) async fn tell_cost(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(NoParams {}): Params<NoParams>,
    JsonBody(body): JsonBody<StatementBody>,
) -> Result<Json<CostResponse>, Problem> {
    let cost = state.app.prepare_query(&principal, body.request()?).await?.cost().await?;
    Ok(Json(cost.into()))
}
