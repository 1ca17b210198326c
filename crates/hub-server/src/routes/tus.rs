//! Uploads in pieces, by the resumable upload protocol tus 1.0 (<https://tus.io/protocols/resumable-upload>)
//! with its extensions creation, creation-with-upload, termination, checksum and expiration.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hub_app::{PartialUpload, PieceChecksum};
use hub_model::{DatasetId, ErrorKind, OnError, Text, UploadId};

use super::{
    WriteProblems,
    headers::body_stream,
    hints::{FileQuery, check_file_name},
    uploads::UploadQuery,
};
use crate::{
    auth::Caller,
    extract::{DatasetPath, LastSegment, Params},
    problem::Problem,
    state::ServerState,
};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,termination,checksum,expiration";
const ALGORITHMS: &str = "sha1,sha256";
const PIECE: &str = "application/offset+octet-stream";

/// The protocol's headers, which pages on other origins may send and read.
pub(crate) const HEADERS: [&str; 12] = [
    "tus-resumable",
    "tus-version",
    "tus-extension",
    "tus-max-size",
    "tus-checksum-algorithm",
    "upload-length",
    "upload-offset",
    "upload-metadata",
    "upload-checksum",
    "upload-expires",
    "location",
    "x-http-method-override",
];

/// Says of the protocol what `OPTIONS` asks for, and its version on every answer of its addresses.
pub(crate) async fn speak(
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let path = request.uri().path();
    let ours = path.starts_with("/v1/datasets/")
        && (path.ends_with("/uploads/tus") || path.contains("/uploads/tus/"));
    if !ours {
        return next(request).await;
    }
    // A browser's own question before it asks is answered by the layer that knows the origins.
    let preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if request.method() == Method::OPTIONS && !preflight {
        let offered = [
            ("tus-version", VERSION),
            ("tus-extension", EXTENSIONS),
            ("tus-checksum-algorithm", ALGORITHMS),
        ];
        (StatusCode::NO_CONTENT, offered).into_response()
    } else {
        next(request).await
    };
    response.headers_mut().insert("tus-resumable", HeaderValue::from_static(VERSION));
    response
}

/// Begin an upload in pieces
///
/// For publishers of the agency: tus 1.0, creation. `Upload-Metadata` may hold `filename`, `filetype` and
/// `on_error`, where the address does not say it.
/// Once all of the file has come it is checked and published as any upload, and is read at
/// `/uploads/{id}` with the id of this one.
#[utoipa::path(post, path = "/v1/datasets/{agency}/{dataset}/uploads/tus", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           UploadQuery, FileQuery,
           ("Tus-Resumable" = String, Header, example = "1.0.0"),
           ("Upload-Length" = u64, Header, description = "The file's size in bytes"),
           ("Upload-Metadata" = Option<String>, Header, description = "`filename <base64>,filetype <base64>,on_error <base64>`")),
    responses((status = 201, description = "Send the pieces to `Location`", headers(("Location" = String))),
              (status = 412, body = Problem, content_type = "application/problem+json", description = "Another version of tus"),
              (status = 460, body = Problem, content_type = "application/problem+json", description = "The piece is not that of its checksum"),
              WriteProblems), security(("token" = [])))]
pub(crate) async fn begin_tus_upload(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    Params(query): Params<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    check_version(&headers)?;
    let length = number(&headers, "upload-length")?.ok_or_else(|| {
        Problem::parameter(
            "Upload-Length",
            Text::new(
                "送る前に、ファイルの大きさをバイト数で指定してください",
                "say the file's size in bytes before it is sent",
            ),
        )
    })?;
    let mut request = query.request(dataset.clone(), &HeaderMap::new())?;
    if let Some(name) = metadata(&headers, &["filename", "name"])? {
        check_file_name(&name)?;
        request.hint.file_name.get_or_insert(name);
    }
    if query.on_error.is_none()
        && let Some(word) = metadata(&headers, &["on_error"])?
    {
        let known = [OnError::Reject, OnError::Quarantine, OnError::Flag];
        request.on_error =
            known.into_iter().find(|on_error| on_error.as_str() == word).ok_or_else(|| {
                let known = Text::new(
                    "使えるのは reject, quarantine, flag です",
                    "use reject, quarantine or flag",
                );
                Problem::parameter("on_error", known)
            })?;
    }
    request.hint.media_type = metadata(&headers, &["filetype", "type"])?.filter(|m| !m.is_empty());
    let mut partial = state.app.begin_partial(&principal, request, length).await?;
    let location = format!("{}{}", state.public_url, address(&dataset, &partial.id));
    if is_piece(&headers) || length == 0 {
        let (id, sum) = (partial.id, checksum(&headers)?);
        let body = body_stream(body);
        let appended = state.app.append_partial(&principal, &dataset, &id, 0, sum, body);
        partial = appended.await.map_err(problem)?;
    }
    let mut response = state_of(StatusCode::CREATED, &partial);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Ask how much of an upload in pieces has come
///
/// Once all has come this says that it was taken in. 503: all is here, and a store behind the hub does not
/// answer; ask again, and send nothing. 404: there is none, or it failed and the file is not kept; begin
/// another.
#[utoipa::path(head, path = "/v1/datasets/{agency}/{dataset}/uploads/tus/{id}", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           ("id" = String, Path), ("Tus-Resumable" = String, Header, example = "1.0.0")),
    responses((status = 200, description = "`Upload-Offset` of `Upload-Length` bytes are here",
               headers(("Upload-Offset" = u64), ("Upload-Length" = u64), ("Upload-Expires" = String))),
              (status = 412, description = "Another version of tus"), WriteProblems), security(("token" = [])))]
pub(crate) async fn read_tus_upload(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(id): LastSegment<UploadId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_version(&headers)?;
    let partial = state.app.partial(&principal, &dataset, &id).await?;
    Ok(state_of(StatusCode::OK, &partial))
}

/// Send the next piece of an upload
///
/// It begins at `Upload-Offset`, the number of bytes that are here. With the last one the file is
/// received, and is checked and published from there.
#[utoipa::path(patch, path = "/v1/datasets/{agency}/{dataset}/uploads/tus/{id}", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           ("id" = String, Path), ("Tus-Resumable" = String, Header, example = "1.0.0"),
           ("Upload-Offset" = u64, Header),
           ("Upload-Checksum" = Option<String>, Header, description = "`sha1 <base64>` or `sha256 <base64>` of the piece")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "The piece is here", headers(("Upload-Offset" = u64), ("Upload-Expires" = String))),
              (status = 412, body = Problem, content_type = "application/problem+json", description = "Another version of tus"),
              (status = 460, body = Problem, content_type = "application/problem+json", description = "The piece is not that of its checksum"),
              WriteProblems), security(("token" = [])))]
pub(crate) async fn send_tus_piece(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(id): LastSegment<UploadId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    check_version(&headers)?;
    if !is_piece(&headers) {
        return Err(Problem::of_status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-format",
            "Format not read",
            &format!("send a piece with \"Content-Type: {PIECE}\""),
        ));
    }
    let offset = number(&headers, "upload-offset")?.ok_or_else(|| {
        Problem::parameter(
            "Upload-Offset",
            Text::new(
                "送る部分がファイルの何バイト目から始まるかを指定してください",
                "say at which byte of the file the piece begins",
            ),
        )
    })?;
    let sum = checksum(&headers)?;
    let body = body_stream(body);
    let appended = state.app.append_partial(&principal, &dataset, &id, offset, sum, body);
    Ok(state_of(StatusCode::NO_CONTENT, &appended.await.map_err(problem)?))
}

/// Give up an upload in pieces
#[utoipa::path(delete, path = "/v1/datasets/{agency}/{dataset}/uploads/tus/{id}", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           ("id" = String, Path), ("Tus-Resumable" = String, Header, example = "1.0.0")),
    responses((status = 204, description = "What had come is gone"),
              (status = 412, body = Problem, content_type = "application/problem+json", description = "Another version of tus"),
              WriteProblems), security(("token" = [])))]
pub(crate) async fn drop_tus_upload(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(id): LastSegment<UploadId>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    check_version(&headers)?;
    state.app.drop_partial(&principal, &dataset, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn address(dataset: &DatasetId, id: &UploadId) -> String {
    format!("/v1/datasets/{}/{}/uploads/tus/{id}", dataset.agency(), dataset.name())
}

fn state_of(status: StatusCode, partial: &PartialUpload) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert("upload-offset", partial.offset.into());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::OK {
        headers.insert("upload-length", partial.length.into());
    }
    let expires = partial.expires_at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(expires) = HeaderValue::from_str(&expires) {
        headers.insert("upload-expires", expires);
    }
    response
}

/// The protocol has a status of its own for a piece whose checksum is another.
fn problem(error: hub_app::AppError) -> Problem {
    let kind = error.kind();
    let mut problem = Problem::from(error);
    if kind == ErrorKind::ChecksumMismatch {
        problem.status = 460;
    }
    problem
}

fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get("tus-resumable").is_some_and(|version| version == VERSION) {
        return Ok(());
    }
    Err(Problem::of_status(
        StatusCode::PRECONDITION_FAILED,
        "other-protocol-version",
        "Another version of the protocol",
        "this address speaks tus 1.0; send \"Tus-Resumable: 1.0.0\"",
    ))
}

fn is_piece(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value == PIECE)
}

fn number(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>, Problem> {
    let name = HeaderName::from_static(name);
    let Some(value) = headers.get(&name) else { return Ok(None) };
    let number = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let number = number.and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        Problem::parameter(
            name.as_str(),
            Text::new("0以上のバイト数を指定してください", "give a whole number of bytes from 0"),
        )
    })
}

fn checksum(headers: &HeaderMap) -> Result<Option<PieceChecksum>, Problem> {
    let Some(value) = headers.get("upload-checksum") else { return Ok(None) };
    let parts = value.to_str().ok().and_then(|text| text.split_once(' '));
    let parts = parts.and_then(|(name, sum)| Some((name, STANDARD.decode(sum.trim()).ok()?)));
    match parts {
        Some(("sha1", sum)) => Ok(Some(PieceChecksum::Sha1(sum))),
        Some(("sha256", sum)) => Ok(Some(PieceChecksum::Sha256(sum))),
        _ => Err(Problem::parameter(
            "Upload-Checksum",
            Text::new(
                "「sha1」か「sha256」、空白、チェックサムのbase64の順に書いてください",
                "write it as \"sha1\" or \"sha256\", a space, and the base64 of the checksum",
            ),
        )),
    }
}

/// The first of these keys in the metadata.
fn metadata(headers: &HeaderMap, keys: &[&str]) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("upload-metadata") else { return Ok(None) };
    let wrong = || {
        Problem::parameter(
            "Upload-Metadata",
            Text::new(
                "キー、空白、UTF-8のbase64の順に書いてください",
                "write it as key, space, base64 of UTF-8; …",
            ),
        )
    };
    let text = value.to_str().map_err(|_| wrong())?;
    for pair in text.split(',') {
        let (key, encoded) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        if keys.contains(&key) {
            let bytes = STANDARD.decode(encoded.trim()).map_err(|_| wrong())?;
            return String::from_utf8(bytes).map(Some).map_err(|_| wrong());
        }
    }
    Ok(None)
}
