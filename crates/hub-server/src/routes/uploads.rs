//! Uploads: a file handed over, and what became of it.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::TryStreamExt;
use hub_app::{Accepted, Publication, UploadRequest};
use hub_intake::{Format, FormatHint};
use hub_model::{DatasetId, OnError, UploadId, UploadMode, UploadReport, format_instant};
use hub_registry::UploadRecord;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ForbiddenProblem, PageQuery, ReadProblems, WriteProblems, cut, versions::VersionResponse,
};
use crate::{
    auth::Caller,
    extract::{DatasetPath, LastSegment, Params},
    problem::Problem,
    state::ServerState,
};

/// What is known of a file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileQuery {
    /// `csv`, `xlsx`, `xls`, `json`, `ndjson`, `geojson`, `parquet`, `arrow_file` or `arrow_stream`;
    /// found by itself where nothing is said.
    pub(crate) format: Option<String>,
    /// The file's name, for the record; some layouts say in it what the file is of.
    pub(crate) file_name: Option<String>,
    /// A publisher's layout by its id, such as `jma_obsdl_daily`, or `none` to read the file as a plain
    /// table; found by itself where nothing is said.
    pub(crate) preset: Option<String>,
    /// The text encoding, such as `cp932`; told from the file where nothing is said.
    pub(crate) encoding: Option<String>,
    /// What separates the cells of text: `comma`, `tab`, `semicolon`, `pipe`, `space`, or the character.
    pub(crate) delimiter: Option<String>,
    /// The rows that hold the headings, counted from 1, such as `2` or `2-3`.
    pub(crate) header_rows: Option<String>,
    /// The sheet of a workbook, by its name or its number from 1.
    pub(crate) sheet: Option<String>,
    /// The table of a GTFS feed, such as `stops`.
    pub(crate) table: Option<String>,
}

impl FileQuery {
    pub(crate) fn hint(&self, headers: &HeaderMap) -> Result<FormatHint, Problem> {
        let said = hint(self.format.as_deref(), self.file_name.as_deref(), headers)?;
        Ok(FormatHint {
            preset: self.preset.clone(),
            encoding: self.encoding.clone(),
            delimiter: self.delimiter.clone(),
            header_rows: self.header_rows.clone(),
            sheet: self.sheet.clone(),
            table: self.table.clone(),
            ..said
        })
    }
}

fn hint(
    format: Option<&str>,
    file_name: Option<&str>,
    headers: &HeaderMap,
) -> Result<FormatHint, Problem> {
    let explicit = format
        .map(|name| {
            Format::parse(name).ok_or_else(|| {
                Problem::parameter("format", "use csv, xlsx, xls, json, ndjson, geojson, parquet, arrow_file or arrow_stream")
            })
        })
        .transpose()?;
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    file_name.map_or(Ok(()), check_file_name)?;
    Ok(FormatHint {
        file_name: file_name.map(str::to_owned),
        media_type: media_type.map(str::to_owned),
        format: explicit,
        ..FormatHint::default()
    })
}

pub(crate) fn check_file_name(name: &str) -> Result<(), Problem> {
    if name.chars().count() > 255 || name.chars().any(char::is_control) {
        return Err(Problem::parameter("file_name", "give a plain name of up to 255 characters"));
    }
    Ok(())
}

/// How a file is to be taken.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// `append` adds the file's rows, whose keys must be new; `upsert` puts them in the place of those
    /// with the same primary key and adds the others; `replace_period` puts them in the place of all,
    /// of every series, from the file's first instant to its last; `replace` in the place of all that
    /// are there.
    #[serde(default)]
    mode: ModeBody,
    /// `reject`, which is the default, publishes nothing where a cell breaks the contract; `quarantine`
    /// publishes the other rows and keeps back those with such cells, to be mended and sent again; `flag`
    /// publishes values that break it with the quality `doubtful`.
    pub(crate) on_error: Option<OnErrorBody>,
    /// `csv`, `xlsx`, `xls`, `json`, `ndjson`, `geojson`, `parquet`, `arrow_file` or `arrow_stream`;
    /// found by itself where nothing is said.
    format: Option<String>,
    /// The file's name, for the record; some layouts say in it what the file is of.
    file_name: Option<String>,
    /// A publisher's layout by its id, such as `jma_obsdl_daily`, or `none` to read the file as a plain
    /// table; found by itself where nothing is said.
    preset: Option<String>,
    /// The text encoding, such as `cp932`; told from the file where nothing is said.
    encoding: Option<String>,
    /// What separates the cells of text: `comma`, `tab`, `semicolon`, `pipe`, `space`, or the character.
    delimiter: Option<String>,
    /// The rows that hold the headings, counted from 1, such as `2` or `2-3`.
    header_rows: Option<String>,
    /// The sheet of a workbook, by its name or its number from 1.
    sheet: Option<String>,
    /// The table of a GTFS feed, such as `stops`.
    table: Option<String>,
    /// Answer once the file is received and not once it is checked; `Prefer: respond-async` asks for the
    /// same.
    #[serde(default, rename = "async")]
    #[param(rename = "async")]
    is_async: bool,
}

impl UploadQuery {
    /// What is asked for with a file, as far as the address and these headers say it.
    pub(crate) fn request(
        &self,
        dataset: DatasetId,
        headers: &HeaderMap,
    ) -> Result<UploadRequest, Problem> {
        Ok(UploadRequest {
            dataset,
            mode: self.mode.into(),
            on_error: self.on_error.unwrap_or_default().into(),
            hint: FormatHint {
                preset: self.preset.clone(),
                encoding: self.encoding.clone(),
                delimiter: self.delimiter.clone(),
                header_rows: self.header_rows.clone(),
                sheet: self.sheet.clone(),
                table: self.table.clone(),
                ..hint(self.format.as_deref(), self.file_name.as_deref(), headers)?
            },
            idempotency_key: idempotency_key(headers)?,
            expected_sha256: content_digest(headers)?,
        })
    }
}

/// How a file changes a dataset.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeBody {
    /// Its rows are added.
    #[default]
    Append,
    /// Its rows take the place of all that are there.
    Replace,
    /// Its rows take the place of those with the same primary key, and the others are added.
    Upsert,
    /// Its rows take the place of all from its first instant to its last.
    #[serde(alias = "replace-period")]
    ReplacePeriod,
}

impl From<ModeBody> for UploadMode {
    fn from(mode: ModeBody) -> Self {
        match mode {
            ModeBody::Append => Self::Append,
            ModeBody::Replace => Self::Replace,
            ModeBody::Upsert => Self::Upsert,
            ModeBody::ReplacePeriod => Self::ReplacePeriod,
        }
    }
}

/// What is done with cells that break the contract.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnErrorBody {
    /// One refuses the file.
    #[default]
    Reject,
    /// Their rows are kept back, the others are published.
    Quarantine,
    /// They are published as doubtful.
    Flag,
}

impl From<OnErrorBody> for OnError {
    fn from(on_error: OnErrorBody) -> Self {
        match on_error {
            OnErrorBody::Reject => Self::Reject,
            OnErrorBody::Quarantine => Self::Quarantine,
            OnErrorBody::Flag => Self::Flag,
        }
    }
}

/// An upload and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadResponse {
    /// Its id.
    id: String,
    /// The dataset.
    #[schema(example = "otaru_kaihatsu.river_hourly")]
    dataset: String,
    /// `append`, `upsert`, `replace_period` or `replace`.
    mode: &'static str,
    /// `receiving`, `checking`, `committed`, `rejected` or `failed`.
    #[schema(example = "committed")]
    state: &'static str,
    /// The file's name.
    file_name: Option<String>,
    /// The format it was read as.
    format: Option<String>,
    /// The file's size.
    bytes: u64,
    /// The file's SHA-256 in hexadecimal.
    sha256: Option<String>,
    /// Who sent it, by the token's name.
    by: String,
    /// When it came.
    created_at: String,
    /// When its work ended.
    finished_at: Option<String>,
    /// The number of the version it became.
    version: Option<u64>,
    /// Rows that were kept back from publication; `…/kept-back` has them.
    #[serde(skip_serializing_if = "is_zero")]
    kept_back: u64,
    /// Values that were published as doubtful because they break the contract.
    #[serde(skip_serializing_if = "is_zero")]
    flagged: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// How far it has come, while this process works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressResponse>,
    /// What was understood of the file and what is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    report: Option<UploadReport>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl From<UploadRecord> for UploadResponse {
    fn from(record: UploadRecord) -> Self {
        let published = record.report.as_ref().filter(|_| record.version.is_some());
        let (kept_back, flagged) = published.map_or((0, 0), |r| (r.kept_back, r.flagged));
        Self {
            id: record.id.to_string(),
            dataset: record.dataset.to_string(),
            mode: record.mode.as_str(),
            state: record.state.as_str(),
            file_name: record.file_name,
            format: record.format,
            bytes: record.bytes,
            sha256: record.sha256,
            by: record.by,
            created_at: format_instant(record.created_at),
            finished_at: record.finished_at.map(format_instant),
            version: record.version,
            kept_back,
            flagged,
            problem: record.problem,
            progress: None,
            report: record.report,
        }
    }
}

impl UploadResponse {
    /// With its progress, where this process works on it.
    pub(crate) fn of(state: &ServerState, record: UploadRecord) -> Self {
        let progress = state.app.upload_progress(&record.id);
        let bytes_received = record.bytes;
        let progress = progress.map(|progress| ProgressResponse {
            stage: progress.stage().as_str(),
            bytes_received,
            bytes_read: progress.bytes_read(),
            rows_read: progress.rows_read(),
        });
        Self { progress, ..Self::from(record) }
    }
}

/// How far an upload has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressResponse {
    /// `waiting` for others, `checking` its cells, `storing` its rows, or `committing` its version.
    #[schema(example = "checking")]
    stage: &'static str,
    /// Bytes of the file that are here: all of them.
    bytes_received: u64,
    /// How far into the file the reader has got; formats that are read out of order jump.
    bytes_read: u64,
    /// Rows that keep the contract; none are counted after the first that does not.
    rows_read: u64,
}

/// A published upload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublicationResponse {
    /// The upload.
    #[serde(flatten)]
    upload: UploadResponse,
    /// Rows that were not there before.
    rows_added: u64,
    /// The version it became.
    published: VersionResponse,
}

/// A page of uploads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadListResponse {
    /// The uploads, newest first, without their reports' lists.
    uploads: Vec<UploadResponse>,
    /// Give it as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

pub(crate) fn body_stream(body: Body) -> hub_app::Body {
    Box::pin(body.into_data_stream().map_err(std::io::Error::other))
}

/// Upload a file
///
/// For publishers of the agency. The body is the file as it is. It is checked whole: if any cell breaks
/// the contract nothing is published, and the answer lists every such cell, unless `on_error` says
/// otherwise. With an `Idempotency-Key` the
/// same request can be sent again safely: it is answered as the first time.
#[utoipa::path(post, path = "/v1/datasets/{agency}/{dataset}/uploads", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           UploadQuery,
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

/// Whether the sender asks not to wait (RFC 7240).
fn prefers_async(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences
        .flat_map(|value| value.split(','))
        .any(|preference| preference.trim().eq_ignore_ascii_case("respond-async"))
}

fn published(publication: Publication) -> Response {
    let replayed = publication.replayed;
    let body = PublicationResponse {
        upload: publication.upload.into(),
        rows_added: publication.version.rows_added,
        published: publication.version.into(),
    };
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    headers
        .get("idempotency-key")
        .map(|value| {
            value
                .to_str()
                .ok()
                .map(|key| key.trim().trim_matches('"').to_owned())
                .filter(|key| !key.is_empty() && key.len() <= 255)
                .ok_or_else(|| {
                    Problem::parameter("Idempotency-Key", "give up to 255 visible ASCII characters")
                })
        })
        .transpose()
}

/// The SHA-256 of an RFC 9530 `Content-Digest`.
fn content_digest(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Problem> {
    let Some(value) = headers.get("content-digest") else { return Ok(None) };
    let digest = value.to_str().ok().and_then(|text| {
        text.split(',').find_map(|member| {
            let encoded = member.trim().strip_prefix("sha-256=:")?.strip_suffix(':')?;
            STANDARD.decode(encoded).ok()?.try_into().ok()
        })
    });
    digest.map(Some).ok_or_else(|| {
        Problem::parameter("Content-Digest", "write it as sha-256=:<base64 of the 32 bytes>:")
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_among_others_and_a_broken_one_is_refused() {
        let mut headers = HeaderMap::new();
        assert_eq!(content_digest(&headers).unwrap(), None);
        let encoded = STANDARD.encode([7; 32]);
        headers.insert(
            "content-digest",
            format!("sha-512=:AAAA:, sha-256=:{encoded}:").parse().unwrap(),
        );
        assert_eq!(content_digest(&headers).unwrap(), Some([7; 32]));
        for broken in ["sha-256=:AAAA:", "sha-256=xyz", "md5=:AAAA:"] {
            headers.insert("content-digest", broken.parse().unwrap());
            assert!(content_digest(&headers).is_err(), "{broken} was accepted");
        }
    }
}
