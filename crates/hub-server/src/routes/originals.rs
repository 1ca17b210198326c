//! An upload's file as it came: read by the agency, and removed.

use std::ops::Range;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hub_app::OriginalFile;
use hub_model::UploadId;

use super::{
    ForbiddenProblem, ReadProblems, WriteProblems,
    headers::{digest_header, disposition},
};
use crate::{
    auth::Caller,
    extract::{DatasetPath, LastSegment},
    problem::Problem,
    state::ServerState,
};

/// The digest of the whole file, also on answers that are a part of it.
pub(crate) const REPR_DIGEST: &str = "repr-digest";

/// Read an upload's file as it was sent
///
/// For tokens of the agency. Byte for byte, with the file's name, its media type and its SHA-256 as
/// `Repr-Digest`, and as `Content-Digest` where the whole file is answered. One range of bytes may be
/// asked for.
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/uploads/{id}/file", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           ("id" = String, Path),
           ("Range" = Option<String>, Header, description = "`bytes=0-1023`, `bytes=1024-` or `bytes=-1024`")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
              (status = 206, body = Vec<u8>, content_type = "application/octet-stream", description = "The range asked for"),
              (status = 304, description = "The file is the one whose ETag was sent"),
              (status = 416, body = Problem, content_type = "application/problem+json", description = "No byte of the file is in the range"),
              ReadProblems, ForbiddenProblem), security(("token" = [])))]
pub(crate) async fn read_original(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(id): LastSegment<UploadId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let range = match asked.and_then(parse_range) {
        None => None,
        Some(asked) => {
            let size = state.app.original_size(&principal, &dataset, &id).await?;
            Some(asked.within(size).ok_or_else(|| not_satisfiable(size))?)
        }
    };
    let file = state.app.original(&principal, &dataset, &id, range.clone()).await?;
    let etag = file.upload.sha256.as_ref().map(|sha256| format!("\"{sha256}\""));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if etag.as_deref().is_some_and(|etag| known.is_some_and(|known| known.contains(etag))) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    Ok(answer(file, range.is_some(), etag))
}

fn answer(file: OriginalFile, is_part: bool, etag: Option<String>) -> Response {
    let OriginalFile { upload, media_type, original } = file;
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: String| {
        // What can't be a header's value came from a sender and is left out.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    set("content-type", "application/octet-stream".to_owned());
    if let Some(media_type) = media_type {
        set("content-type", media_type);
    }
    let name = upload.file_name.clone().unwrap_or_else(|| upload.id.to_string());
    set("content-disposition", disposition(&name));
    set("content-length", (original.range.end - original.range.start).to_string());
    set("accept-ranges", "bytes".to_owned());
    set("cache-control", "private, no-cache".to_owned());
    // A page among the files runs nothing in the hub's name.
    set("content-security-policy", "sandbox; default-src 'none'".to_owned());
    if let Some(digest) = upload.sha256.as_deref().and_then(digest_header) {
        if !is_part {
            set("content-digest", digest.clone());
        }
        set(REPR_DIGEST, digest);
    }
    if let Some(etag) = etag {
        set("etag", etag);
    }
    if is_part {
        let Range { start, end } = original.range;
        set("content-range", format!("bytes {start}-{}/{}", end - 1, original.size));
    }
    let status = if is_part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    (status, headers, Body::from_stream(original.bytes)).into_response()
}

/// A range as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    From(u64),
    FromTo(u64, u64),
    Last(u64),
}

impl Asked {
    fn within(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(start) => start..size,
            Self::FromTo(start, end) => start..end.saturating_add(1).min(size),
            Self::Last(bytes) => size.saturating_sub(bytes)..size,
        };
        (range.start < range.end).then_some(range)
    }
}

/// One range of bytes; anything else is answered with the whole file, as HTTP allows.
fn parse_range(value: &str) -> Option<Asked> {
    let (start, end) = value.trim().strip_prefix("bytes=")?.split_once('-')?;
    match (start.trim(), end.trim()) {
        ("", last) => last.parse().ok().map(Asked::Last),
        (start, "") => start.parse().ok().map(Asked::From),
        (start, end) => {
            let (start, end) = (start.parse().ok()?, end.parse().ok()?);
            (start <= end).then_some(Asked::FromTo(start, end))
        }
    }
}

fn not_satisfiable(size: u64) -> Problem {
    Problem::of_status(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "range-not-satisfiable",
        "No such range",
        &format!("the file has {size} bytes, and none of them is in the range"),
    )
}

/// Remove an upload's file
///
/// For publishers of the agency. The file is gone for good; the upload's record, its report and the
/// version it became stay.
#[utoipa::path(delete, path = "/v1/datasets/{agency}/{dataset}/uploads/{id}/file", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           ("id" = String, Path)),
    responses((status = 204, description = "It is gone"), WriteProblems), security(("token" = [])))]
pub(crate) async fn remove_original(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(id): LastSegment<UploadId>,
) -> Result<StatusCode, Problem> {
    state.app.remove_original(&principal, &dataset, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_http() {
        for (asked, expected) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=3-", Some(3..10)),
            ("bytes=-4", Some(6..10)),
            ("bytes=-40", Some(0..10)),
            ("bytes=8-99", Some(8..10)),
            ("bytes=10-", None),
        ] {
            assert_eq!(parse_range(asked).unwrap().within(10), expected, "{asked}");
        }
        for whole in ["bytes=5-3", "bytes=0-1,3-4", "rows=0-1", "bytes=-", "bytes=a-b"] {
            assert_eq!(parse_range(whole), None, "{whole}");
        }
    }
}
