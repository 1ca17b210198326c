//! For those who run the hub: alive, ready, and what it counts.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use hub_model::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{problem::Problem, state::ServerState};

/// A state in a word.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatusResponse {
    /// `ok`.
    status: &'static str,
}

/// Whether the process lives
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, body = StatusResponse)))]
pub(crate) async fn read_liveness() -> Json<StatusResponse> {
    Json(StatusResponse { status: "ok" })
}

/// Whether the hub can answer: registry and lake do
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, body = StatusResponse),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn read_readiness(
    State(state): State<ServerState>,
) -> Result<Json<StatusResponse>, Problem> {
    state.app.ready().await?;
    Ok(Json(StatusResponse { status: "ok" }))
}

/// What the hub counts, as Prometheus reads it
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn read_metrics(State(state): State<ServerState>) -> Result<Response, Problem> {
    let text = state
        .metrics
        .text(&state.app)
        .map_err(|_| Problem::new(ErrorKind::Internal, "the counters can't be written"))?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media_type)], text).into_response())
}
