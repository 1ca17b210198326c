//! Uploads that go straight to the object store, by a signed link.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use hub_model::{UploadId, format_instant};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    WriteProblems,
    hints::FileQuery,
    uploads::{UploadQuery, UploadResponse, accepted},
};
use crate::{
    auth::Caller,
    extract::{DatasetPath, LastSegment, Params},
    problem::Problem,
    state::ServerState,
};

/// A link to put a file to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadLinkResponse {
    /// The upload's id.
    id: String,
    /// How the file is sent.
    #[schema(example = "PUT")]
    method: &'static str,
    /// Where it is sent. Whoever has the link may use it.
    url: String,
    /// Until when sending can begin.
    expires_at: String,
    /// What to POST to when it is there.
    complete: String,
}

/// Get a link to send a file to the object store
///
/// For publishers of the agency, where the hub keeps its data in an object store. PUT the file to `url`,
/// then POST to `complete`. Headers that the store's signature does not know must not be added. The file is
/// copied then: what is put to the link afterwards changes nothing and is removed.
#[utoipa::path(post, path = "/v1/datasets/{agency}/{dataset}/uploads/links", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"), UploadQuery, FileQuery),
    responses((status = 201, body = UploadLinkResponse), WriteProblems), security(("token" = [])))]
pub(crate) async fn create_upload_link(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    Params(query): Params<UploadQuery>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<UploadLinkResponse>), Problem> {
    let request = query.request(dataset.clone(), &headers)?;
    let link = state.app.create_upload_link(&principal, request).await?;
    let complete = format!(
        "{}/v1/datasets/{}/{}/uploads/{}/complete",
        state.public_url,
        dataset.agency(),
        dataset.name(),
        link.id
    );
    let body = UploadLinkResponse {
        id: link.id.to_string(),
        method: "PUT",
        url: link.url,
        expires_at: format_instant(link.expires_at),
        complete,
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// Take in a file that was sent by a link
///
/// For publishers of the agency. The answer comes when the file is received; what becomes of it is read
/// at the upload's address. Ask again where no answer came or a store did not answer (503): the file need
/// not be sent again.
#[utoipa::path(post, path = "/v1/datasets/{agency}/{dataset}/uploads/{id}/complete", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           ("id" = String, Path)),
    responses((status = 202, body = UploadResponse, description = "It is being worked on",
               headers(("Location" = String, description = "Where the upload is read"))),
              WriteProblems), security(("token" = [])))]
pub(crate) async fn complete_upload(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(id): LastSegment<UploadId>,
) -> Result<Response, Problem> {
    let outcome = state.app.complete_upload(&principal, &dataset, &id).await?;
    Ok(accepted(&state, outcome).into_response())
}
