//! Request ids: each request has one, it is answered in `X-Request-Id`, stands in every log line of the
//! request, and is the `instance` of a problem, which is told in the caller's language here.

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use tracing::Instrument;
use uuid::Uuid;

use crate::{language::prefers_japanese, problem::Problem};

/// Gives the request an id and the answer the same.
pub(crate) async fn assign(
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let id = Uuid::now_v7().to_string();
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        // The query is left out: it may hold what people ask about.
        path = %request.uri().path(),
    );
    let japanese = prefers_japanese(request.headers());
    let start = std::time::Instant::now();
    let mut response = next(request).instrument(span.clone()).await;
    span.in_scope(|| {
        tracing::info!(
            status = response.status().as_u16(),
            ms = start.elapsed().as_millis() as u64,
            "answered"
        );
    });
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.instance = Some(id.clone());
        let (problem, is_japanese) =
            if japanese { problem.in_japanese() } else { (problem, false) };
        let language = if is_japanese { "ja" } else { "en" };
        let body = Json(&problem).into_response();
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language));
        parts.headers.append(header::VARY, HeaderValue::from_static("accept-language"));
        response = Response::from_parts(parts, body.into_body());
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
