//! What an upload's checking left: its report in several forms, and the rows that were kept back.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Response},
};
use hub_app::MarkedCopy;
use hub_intake::{Language, report_csv};
use hub_model::UploadId;
use hub_registry::UploadRecord;
use serde::Deserialize;
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

use super::{ForbiddenProblem, ReadProblems, headers::disposition};
use crate::{
    auth::Caller,
    extract::{DatasetPath, LastSegment, Params},
    problem::Problem,
    state::ServerState,
};

const CSV: &str = "text/csv; charset=utf-8";

/// How a report is to be answered.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportQuery {
    /// `json` as it is stored; `csv` with one finding a row, such as spreadsheet programs open; `xlsx`, a
    /// copy of an uploaded Excel workbook in which the cells are coloured and carry comments.
    #[serde(default)]
    format: ReportFormat,
    /// The language of a CSV: `ja` or `en`.
    #[serde(default)]
    lang: ReportLanguage,
}

/// A form of a report.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReportFormat {
    /// As it is stored.
    #[default]
    Json,
    /// A table of what was found.
    Csv,
    /// The workbook itself, marked.
    Xlsx,
}

/// A language of a report.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReportLanguage {
    /// Japanese.
    #[default]
    Ja,
    /// English.
    En,
}

/// Read the report on an upload
///
/// For tokens of the agency, since reports quote cells of the files.
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/uploads/{id}/report", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           ("id" = String, Path), ReportQuery),
    responses((status = 200, description = "The report in the form asked for", content(
                  (Object = "application/json"), (String = "text/csv"),
                  (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
              (status = 406, body = Problem, content_type = "application/problem+json", description = "The upload is no Excel workbook, so there is nothing to mark"),
              (status = 422, body = Problem, content_type = "application/problem+json", description = "The workbook can't be marked"),
              ReadProblems, ForbiddenProblem), security(("token" = [])))]
pub(crate) async fn read_report(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(id): LastSegment<UploadId>,
    Params(query): Params<ReportQuery>,
) -> Result<Response, Problem> {
    if let ReportFormat::Xlsx = query.format {
        return Ok(workbook(state.app.marked_copy(&principal, &dataset, &id).await?));
    }
    let (upload, report) = state.app.report(&principal, &dataset, &id).await?;
    if let ReportFormat::Json = query.format {
        let headers = file_headers("application/json", &format!("{}.report.json", stem(&upload)));
        return Ok((headers, Json(report)).into_response());
    }
    let language = match query.lang {
        ReportLanguage::Ja => Language::Japanese,
        ReportLanguage::En => Language::English,
    };
    // A report lists so many findings at most, so its table is small.
    let csv = report_csv(&report, language, Vec::new())
        .map_err(|error| hub_app::AppError::Broken(error.to_string()))?;
    let headers = file_headers(CSV, &format!("{}.report.csv", stem(&upload)));
    Ok((headers, csv).into_response())
}

fn workbook(copy: MarkedCopy) -> Response {
    let MarkedCopy { upload, file, size } = copy;
    let has_macros = upload.file_name.as_deref().is_some_and(|name| {
        name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("xlsm"))
    });
    let (media_type, extension) = if has_macros {
        ("application/vnd.ms-excel.sheet.macroEnabled.12", "xlsm")
    } else {
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx")
    };
    let mut headers = file_headers(media_type, &format!("{}.report.{extension}", stem(&upload)));
    headers.insert("content-length", size.into());
    let body =
        Body::from_stream(ReaderStream::with_capacity(tokio::fs::File::from_std(file), 64 << 10));
    (headers, body).into_response()
}

/// Read the rows that were kept back of an upload
///
/// For tokens of the agency: the rows of a file that was published with `on_error=quarantine` which break
/// the contract, as a CSV under the file's own header with two columns more, the row's number in the file
/// and what is to be mended. Once mended it can be uploaded as it is.
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/uploads/{id}/kept-back", tag = "uploads",
    params(("agency" = String, Path, example = "otaru_kaihatsu"), ("dataset" = String, Path, example = "river_hourly"),
           ("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/csv"),
              ReadProblems, ForbiddenProblem), security(("token" = [])))]
pub(crate) async fn read_kept_back(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(id): LastSegment<UploadId>,
) -> Result<Response, Problem> {
    let file = state.app.kept_back(&principal, &dataset, &id).await?;
    let headers = file_headers(CSV, &format!("{}.kept-back.csv", stem(&file.upload)));
    Ok((headers, Body::from_stream(file.original.bytes)).into_response())
}

/// The file's name without what follows the last dot; the upload's id where it has none.
fn stem(upload: &UploadRecord) -> String {
    let name = upload.file_name.as_deref().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem.is_empty() { upload.id.to_string() } else { stem.to_owned() }
}

fn file_headers(media_type: &'static str, name: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(media_type));
    if let Ok(disposition) = HeaderValue::from_str(&disposition(name)) {
        headers.insert("content-disposition", disposition);
    }
    headers.insert("cache-control", HeaderValue::from_static("private, no-cache"));
    headers
}
