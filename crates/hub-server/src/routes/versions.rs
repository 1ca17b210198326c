//! A dataset's versions.

use axum::{Json, extract::State, http::StatusCode};
use hub_app::KnownVersion;
use hub_model::{VersionNumber, VersionRecord, format_instant};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PageQuery, ReadProblems, WriteProblems, cut};
use crate::{
    auth::Caller,
    extract::{DatasetPath, JsonBody, LastSegment, Params},
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
    /// The upload it came from; absent where it came from a withdrawal.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_id: Option<String>,
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
    /// The version that this one took out of sight.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdraws: Option<WithdrawsResponse>,
    /// Set where this version was taken out of sight: it is read by publishers of the agency only.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<WithdrawnResponse>,
}

/// What a withdrawal took out of sight, and what it shows instead.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WithdrawsResponse {
    /// The version that was withdrawn.
    version: VersionNumber,
    /// The version whose rows this one shows; 0 where it shows none.
    restores: VersionNumber,
    /// Why.
    reason: String,
}

/// How a version was taken out of sight.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WithdrawnResponse {
    /// The version that did.
    by_version: VersionNumber,
    /// When.
    at: String,
    /// Who, by the token's name.
    by: String,
    /// Why.
    reason: String,
}

impl From<KnownVersion> for VersionResponse {
    fn from(known: KnownVersion) -> Self {
        let withdrawn = known.withdrawn_by.map(|by| WithdrawnResponse {
            by_version: by.number,
            at: format_instant(by.committed_at),
            by: by.committed_by,
            reason: by.withdrawal.map(|withdrawal| withdrawal.reason).unwrap_or_default(),
        });
        Self { withdrawn, ..known.record.into() }
    }
}

impl From<VersionRecord> for VersionResponse {
    fn from(record: VersionRecord) -> Self {
        Self {
            number: record.number,
            committed_at: format_instant(record.committed_at),
            committed_by: record.committed_by,
            upload_id: record.withdrawal.is_none().then(|| record.upload_id.to_string()),
            mode: record.mode.as_str(),
            rows_added: record.rows_added,
            rows_changed: record.rows_changed,
            rows_removed: record.rows_removed,
            rows_unchanged: record.rows_unchanged,
            rows_total: record.rows_total,
            bytes_added: record.bytes_added,
            bytes_total: record.bytes_total,
            withdraws: record.withdrawal.map(|withdrawal| WithdrawsResponse {
                version: withdrawal.version,
                restores: withdrawal.restores,
                reason: withdrawal.reason,
            }),
            withdrawn: None,
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
    let next_cursor = cut(&mut versions, limit, |version| version.record.number.to_string());
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

/// Why a version is taken out of sight.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "水位計の故障により、値が誤っていたため"}))]
pub(crate) struct WithdrawBody {
    /// For all who ask for the version: 1 to 500 characters.
    reason: String,
}

/// Withdraw a version
///
/// For publishers of the agency. Nobody else reads the version from then on. Where its rows are the newest,
/// those of the next older version take their place, as a version of their own; versions that were built
/// on it later stay as they are. The list keeps it, with who withdrew it, when and why.
#[utoipa::path(post, path = "/v1/datasets/{agency}/{dataset}/versions/{id}/withdraw", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly"),
           ("id" = u64, Path, description = "The version's number", example = 1)),
    request_body = WithdrawBody,
    responses((status = 201, description = "The version that took its place", body = VersionResponse),
              WriteProblems), security(("token" = [])))]
pub(crate) async fn withdraw_version(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(number): LastSegment<VersionNumber>,
    JsonBody(body): JsonBody<WithdrawBody>,
) -> Result<(StatusCode, Json<VersionResponse>), Problem> {
    let version = state.app.withdraw_version(&principal, &dataset, number, &body.reason).await?;
    Ok((StatusCode::CREATED, Json(version.into())))
}
