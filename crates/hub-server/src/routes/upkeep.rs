//! Upkeep of a dataset's stored files, by command.

use std::time::Duration;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::WriteProblems;
use crate::{
    auth::Caller,
    extract::{DatasetPath, JsonBody},
    problem::Problem,
    state::ServerState,
};

/// What a compaction did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompactResponse {
    /// Small files that were joined.
    files_removed: u64,
    /// Files they became.
    files_added: u64,
    /// Rows rewritten.
    rows: u64,
}

/// Join a dataset's small files
///
/// For publishers of the agency. Readers see the same rows before and after; the version stays.
#[utoipa::path(post, path = "/v1/datasets/{agency}/{dataset}/compact", tag = "upkeep",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly")),
    responses((status = 200, body = CompactResponse), WriteProblems), security(("token" = [])))]
pub(crate) async fn compact_dataset(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
) -> Result<Json<CompactResponse>, Problem> {
    let outcome = state.app.compact_dataset(&principal, &dataset).await?;
    Ok(Json(CompactResponse {
        files_removed: outcome.files_removed,
        files_added: outcome.files_added,
        rows: outcome.rows,
    }))
}

/// What to collect.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"dry_run": true}))]
pub(crate) struct VacuumRequest {
    /// Only say what would go.
    #[serde(default)]
    dry_run: bool,
    /// Also give up versions older than this; they can't be read any more then.
    expire_versions_older_than_days: Option<u32>,
}

/// What was collected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VacuumResponse {
    /// Files that no version ever referred to.
    orphans: u64,
    /// Files of versions that were given up.
    expired: u64,
    /// Bytes of all of these.
    bytes: u64,
    /// Whether it was only said.
    dry_run: bool,
}

/// Collect files that no version refers to
///
/// For publishers of the agency.
#[utoipa::path(post, path = "/v1/datasets/{agency}/{dataset}/vacuum", tag = "upkeep",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly")),
    request_body = VacuumRequest,
    responses((status = 200, body = VacuumResponse), WriteProblems), security(("token" = [])))]
pub(crate) async fn vacuum_dataset(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    JsonBody(body): JsonBody<VacuumRequest>,
) -> Result<Json<VacuumResponse>, Problem> {
    let expire = body
        .expire_versions_older_than_days
        .map(|days| Duration::from_secs(u64::from(days) * 86_400));
    let outcome = state.app.vacuum_dataset(&principal, &dataset, expire, body.dry_run).await?;
    Ok(Json(VacuumResponse {
        orphans: outcome.orphans,
        expired: outcome.expired,
        bytes: outcome.bytes,
        dry_run: body.dry_run,
    }))
}
