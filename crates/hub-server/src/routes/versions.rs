//! A dataset's versions.

use axum::{Json, extract::State};
use hub_model::{VersionNumber, VersionRecord, format_instant};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PageQuery, ReadProblems, cut};
use crate::{
    auth::Caller,
    extract::{DatasetPath, LastSegment, Params},
    problem::Problem,
    state::ServerState,
};

/// A version: an immutable state of a dataset.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "number": 3, "committed_at": "2026-04-01T09:00:00+09:00", "committed_by": "river office uploads",
    "upload_id": "0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11", "mode": "upsert",
    "rows_added": 720, "rows_changed": 24, "rows_removed": 0, "rows_unchanged": 0, "rows_total": 8760, "bytes_added": 9120, "bytes_total": 101230
}))]
pub(crate) struct VersionResponse {
    /// Its number, from 1.
    number: VersionNumber,
    /// When it became visible.
    committed_at: String,
    /// Who published it, by the token's name.
    committed_by: String,
    /// The upload it came from.
    upload_id: String,
    /// `append`, `upsert`, `replace_period` or `replace`.
    mode: &'static str,
    /// Rows that were not there before.
    rows_added: u64,
    /// Rows that were there with the same key and got other values; not known of the oldest versions,
    /// and so for the next two.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_changed: Option<u64>,
    /// Rows that were there and are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_removed: Option<u64>,
    /// Rows of the upload that were there with the same key and the same values.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_unchanged: Option<u64>,
    /// Rows of the dataset in this version.
    rows_total: u64,
    /// Stored bytes that were written for it.
    bytes_added: u64,
    /// Stored bytes of the dataset in this version.
    bytes_total: u64,
}

impl From<VersionRecord> for VersionResponse {
    fn from(record: VersionRecord) -> Self {
        Self {
            number: record.number,
            committed_at: format_instant(record.committed_at),
            committed_by: record.committed_by,
            upload_id: record.upload_id.to_string(),
            mode: record.mode.as_str(),
            rows_added: record.rows_added,
            rows_changed: record.rows_changed,
            rows_removed: record.rows_removed,
            rows_unchanged: record.rows_unchanged,
            rows_total: record.rows_total,
            bytes_added: record.bytes_added,
            bytes_total: record.bytes_total,
        }
    }
}

/// A page of versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionListResponse {
    /// The versions, newest first.
    versions: Vec<VersionResponse>,
    /// Give it as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// List a dataset's versions
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/versions", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly"), PageQuery),
    responses((status = 200, body = VersionListResponse), ReadProblems))]
pub(crate) async fn list_versions(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    Params(page): Params<PageQuery>,
) -> Result<Json<VersionListResponse>, Problem> {
    let limit = page.limit()?;
    let before = page.after::<VersionNumber>()?;
    let mut versions = state.app.versions(&principal, &dataset, before, limit + 1).await?;
    let next_cursor = cut(&mut versions, limit, |version| version.number.to_string());
    let versions = versions.into_iter().map(VersionResponse::from).collect();
    Ok(Json(VersionListResponse { versions, next_cursor }))
}

/// Read a version
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/versions/{id}", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly"),
           ("id" = u64, Path, description = "The version's number", example = 1)),
    responses((status = 200, body = VersionResponse), ReadProblems))]
pub(crate) async fn read_version(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(number): LastSegment<VersionNumber>,
) -> Result<Json<VersionResponse>, Problem> {
    Ok(Json(state.app.version(&principal, &dataset, number).await?.into()))
}
