//! Uploads: a file handed over, and what became of it.

mod request;
mod response;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hub_app::{Accepted, Publication};
use hub_model::UploadId;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use request::{ModeBody, OnErrorBody, UploadQuery};
pub(crate) use response::{PublicationResponse, UploadResponse};

use super::{
    ForbiddenProblem, PageQuery, ReadProblems, WriteProblems, cut,
    headers::{body_stream, prefers_async},
    hints::FileQuery,
};
use crate::{
    auth::Caller,
    extract::{DatasetPath, LastSegment, Params},
    problem::Problem,
    state::ServerState,
};

/// A page of uploads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadListResponse {
    /// The uploads, newest first, without their reports' lists.
    uploads: Vec<UploadResponse>,
    /// Give it as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// Upload a file
///
/// For publishers of the agency. The body is the file as it is. It is checked whole: if any cell breaks
/// the contract nothing is published, and the answer lists every such cell, unless `on_error` says
/// otherwise. With an `Idempotency-Key` the
/// same request can be sent again safely: it is answered as the first time.
#[utoipa::path(post, path = "/v1/datasets/{agency}/{dataset}/uploads", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           UploadQuery, FileQuery,
           ("Prefer" = Option<String>, Header, description = "`respond-async`: answer once the file is received"),
           ("Idempotency-Key" = Option<String>, Header, description = "A name for this request, up to 255 characters"),
           ("Content-Digest" = Option<String>, Header, description = "`sha-256=:<base64>:`, checked where given")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = PublicationResponse),
              (status = 202, body = UploadResponse, description = "The file is received and being worked on, also after a restart of the hub; read the upload at `Location` until its state is `committed`, `rejected` or `failed`",
               headers(("Location" = String, description = "Where the upload is read"))),
              WriteProblems), security(("token" = [])))]
pub(crate) async fn create_upload(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    Params(query): Params<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let request = query.request(dataset, &headers)?;
    if query.is_async || prefers_async(&headers) {
        let outcome = state.app.accept_upload(&principal, request, body_stream(body)).await?;
        return Ok(accepted(&state, outcome).into_response());
    }
    let publication = state.app.publish_upload(&principal, request, body_stream(body)).await?;
    Ok(published(publication))
}

/// The answer to a sender who does not wait: where to look what becomes of the file.
pub(crate) fn accepted(state: &ServerState, outcome: Accepted) -> Response {
    let job = match outcome {
        Accepted::Repeated(publication) => return published(*publication),
        Accepted::UnderWay(job) => job,
    };
    let (dataset, id) = (&job.upload.dataset, &job.upload.id);
    let location = format!(
        "{}/v1/datasets/{}/{}/uploads/{id}",
        state.public_url,
        dataset.agency(),
        dataset.name()
    );
    let body = Json(UploadResponse::of(state, *job.upload));
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], body).into_response()
}

fn published(publication: Publication) -> Response {
    let replayed = publication.replayed;
    let body = PublicationResponse::from(publication);
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// List a dataset's uploads
///
/// For tokens of the agency, since reports quote cells of the files.
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/uploads", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"), PageQuery),
    responses((status = 200, body = UploadListResponse), ReadProblems, ForbiddenProblem), security(("token" = [])))]
pub(crate) async fn list_uploads(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    Params(page): Params<PageQuery>,
) -> Result<Json<UploadListResponse>, Problem> {
    let limit = page.limit()?;
    let before = page.after::<UploadId>()?;
    let mut uploads = state.app.uploads(&principal, &dataset, before, limit + 1).await?;
    let next_cursor = cut(&mut uploads, limit, |upload| upload.id.to_string());
    let uploads = uploads.into_iter().map(UploadResponse::from).collect();
    Ok(Json(UploadListResponse { uploads, next_cursor }))
}

/// Read an upload with its report
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/uploads/{id}", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           ("id" = String, Path)),
    responses((status = 200, body = UploadResponse), ReadProblems, ForbiddenProblem), security(("token" = [])))]
pub(crate) async fn read_upload(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(id): LastSegment<UploadId>,
) -> Result<Json<UploadResponse>, Problem> {
    let upload = state.app.upload(&principal, &dataset, &id).await?;
    Ok(Json(UploadResponse::of(&state, upload)))
}
