//! What is answered of an upload.

use hub_app::Publication;
use hub_model::{Text, UploadReport, format_instant};
use hub_registry::UploadRecord;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{routes::versions::VersionResponse, state::ServerState};

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
    /// Why it was rejected or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// The same in Japanese, where there is a Japanese text.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem_ja: Option<String>,
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
        let (problem, problem_ja) = match record.problem {
            None => (None, None),
            Some(Text { ja, en }) => (Some(en), Some(ja).filter(|ja| !ja.is_empty())),
        };
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
            problem,
            problem_ja,
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

impl From<Publication> for PublicationResponse {
    fn from(publication: Publication) -> Self {
        Self {
            upload: publication.upload.into(),
            rows_added: publication.version.rows_added,
            published: publication.version.into(),
        }
    }
}
