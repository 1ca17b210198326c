//! Uploads: files handed over, how far each has come, and its report.

use chrono::{DateTime, Utc};
use hub_model::{CellError, DatasetId, Text, UploadId, UploadMode, UploadReport, VersionNumber};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use crate::{
    Registry, RegistryError,
    database::{Bind, Reference, Row, binds, count},
};

/// How far an upload has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Its bytes are coming in.
    Receiving,
    /// It is being read against the contract, staged or committed.
    Checking,
    /// It breaks the contract; the report says where. Nothing of it can be read.
    Rejected,
    /// It is a version of the dataset.
    Committed,
    /// Something else went wrong; nothing of it can be read.
    Failed,
}

impl UploadState {
    /// The word used in the interface and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Checking => "checking",
            Self::Rejected => "rejected",
            Self::Committed => "committed",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more is to come.
    pub fn is_finished(self) -> bool {
        !matches!(self, Self::Receiving | Self::Checking)
    }
}

/// One upload.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadRecord {
    /// Its id.
    pub id: UploadId,
    /// The dataset it is for.
    pub dataset: DatasetId,
    /// How it changes the dataset.
    pub mode: UploadMode,
    /// How far it has come.
    pub state: UploadState,
    /// The file's name, as the sender gave it.
    pub file_name: Option<String>,
    /// The format the file was read as.
    pub format: Option<String>,
    /// Bytes received.
    pub bytes: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: Option<String>,
    /// The label of the principal that sent it.
    pub by: String,
    /// The key the sender gave, so that the request can be repeated.
    pub idempotency_key: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was committed, rejected or given up.
    pub finished_at: Option<DateTime<Utc>>,
    /// The version it became.
    pub version: Option<VersionNumber>,
    /// What was understood of the file, and what is wrong with it.
    pub report: Option<UploadReport>,
    /// For one that was rejected or failed: why, for its sender.
    pub problem: Option<Text>,
}

const COLUMNS: &str = "id, dataset, mode, state, file_name, format, bytes, sha256, uploaded_by, \
     idempotency_key, created_at, finished_at, version, report, problem";

impl Registry {
    /// Records an upload that begins. Its dataset must be there.
    pub async fn begin_upload(&self, upload: &UploadRecord) -> Result<(), RegistryError> {
        let mut values = values(upload)?;
        values.push(self.now().into());
        let added = self
            .database
            .write_under(
                "recording an upload",
                Reference("dataset", &upload.dataset),
                "INSERT INTO uploads (id, dataset, mode, state, file_name, format, bytes, sha256,
                     uploaded_by, idempotency_key, created_at, finished_at, version, report,
                     report_errors, problem, seen_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
                 ON CONFLICT (id) DO NOTHING",
                values,
            )
            .await?;
        if added == 0 {
            return Err(RegistryError::already_exists("upload", upload.id));
        }
        Ok(())
    }

    /// Records how far an upload has come. Once it is finished its state stays, with one exception:
    /// since the lake alone knows what was committed, a failed one may still turn out to be committed.
    pub async fn update_upload(&self, upload: &UploadRecord) -> Result<(), RegistryError> {
        let mut values = values(upload)?;
        values.push(self.now().into());
        let changed = self
            .database
            .write(
                "recording an upload's progress",
                // The dataset and the moment of creation don't change; they are compared instead.
                "UPDATE uploads SET mode = $3, state = $4, file_name = $5, format = $6, bytes = $7,
                     sha256 = $8, uploaded_by = $9, idempotency_key = $10, finished_at = $12,
                     version = $13, report = $14, report_errors = $15, problem = $16, seen_at = $17
                 WHERE id = $1 AND dataset = $2 AND created_at = $11
                   AND (state IN ('receiving', 'checking', $4)
                        OR (state = 'failed' AND $4 = 'committed'))",
                values,
            )
            .await?;
        if changed > 0 {
            return Ok(());
        }
        match self.upload(&upload.id).await? {
            None => Err(RegistryError::not_found("upload", upload.id)),
            Some(_) => Err(RegistryError::conflict(
                "upload",
                upload.id,
                "it is finished; begin another upload",
            )),
        }
    }

    /// Notes that an upload is still being worked on, so that no other node takes it for abandoned.
    pub async fn touch_upload(&self, id: &UploadId) -> Result<(), RegistryError> {
        self.database
            .write(
                "noting that an upload goes on",
                "UPDATE uploads SET seen_at = $2 WHERE id = $1",
                binds![id.to_string(), self.now()],
            )
            .await
            .map(drop)
    }

    /// Takes an upload out of the records that turned out to repeat another one. A finished one stays.
    pub async fn discard_upload(&self, id: &UploadId) -> Result<(), RegistryError> {
        self.database
            .write(
                "discarding a repeated upload",
                "DELETE FROM uploads WHERE id = $1 AND state IN ('receiving', 'checking')",
                binds![id.to_string()],
            )
            .await
            .map(drop)
    }

    /// The upload of this id, with its whole report.
    pub async fn upload(&self, id: &UploadId) -> Result<Option<UploadRecord>, RegistryError> {
        let row = self
            .database
            .read_one(
                "reading an upload",
                AssertSqlSafe(format!(
                    "SELECT {COLUMNS}, report_errors FROM uploads WHERE id = $1"
                )),
                binds![id.to_string()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut upload = record(&row)?;
        if let (Some(report), Some(errors)) =
            (&mut upload.report, row.optional_json::<Vec<CellError>>("report_errors")?)
        {
            report.errors = errors;
        }
        Ok(Some(upload))
    }

    /// At most `limit` uploads of a dataset, newest first, from the first one older than `before`. Their
    /// reports come without the list of errors, which can be long; the counts are there.
    pub async fn uploads(
        &self,
        dataset: &DatasetId,
        before: Option<&UploadId>,
        limit: usize,
    ) -> Result<Vec<UploadRecord>, RegistryError> {
        // An id begins with a hexadecimal digit, so all of them come before "~".
        let before = before.map_or_else(|| "~".to_owned(), ToString::to_string);
        let rows = self
            .database
            .read(
                "listing uploads",
                AssertSqlSafe(format!(
                    "SELECT {COLUMNS} FROM uploads WHERE dataset = $1 AND id < $2
                     ORDER BY id DESC LIMIT $3"
                )),
                binds![dataset.to_string(), before, limit],
            )
            .await?;
        rows.iter().map(record).collect()
    }

    /// The uploads that are neither committed, rejected nor failed, oldest first, their reports without
    /// the list of errors; with `quiet_since`, only those that nothing was heard of since then. A hub
    /// that runs alone asks without it when it starts; where nodes share the registry, an upload may be
    /// another's that is still at work.
    pub async fn unfinished_uploads(
        &self,
        quiet_since: Option<DateTime<Utc>>,
    ) -> Result<Vec<UploadRecord>, RegistryError> {
        let rows = self
            .database
            .read(
                "looking for unfinished uploads",
                AssertSqlSafe(format!(
                    "SELECT {COLUMNS} FROM uploads WHERE state IN ('receiving', 'checking')
                     AND seen_at <= $1 ORDER BY id"
                )),
                binds![quiet_since.map_or(i64::MAX, |instant| instant.timestamp_micros())],
            )
            .await?;
        rows.iter().map(record).collect()
    }
}

/// The list of errors is kept in a column of its own, so that lists of uploads need not read it.
fn values(upload: &UploadRecord) -> Result<Vec<Bind>, RegistryError> {
    let (report, errors) = match &upload.report {
        None => (Bind::Text(None), Bind::Text(None)),
        Some(report) => {
            let summary = UploadReport { errors: Vec::new(), ..report.clone() };
            (Bind::json(&summary)?, Bind::json(&report.errors)?)
        }
    };
    Ok(binds![
        upload.id.to_string(),
        upload.dataset.to_string(),
        upload.mode.as_str(),
        upload.state.as_str(),
        upload.file_name.as_deref(),
        upload.format.as_deref(),
        count(upload.bytes)?,
        upload.sha256.as_deref(),
        upload.by.as_str(),
        upload.idempotency_key.as_deref(),
        upload.created_at,
        upload.finished_at,
        upload.version.map(count).transpose()?,
        report,
        errors,
        upload.problem.as_ref().map_or(Ok(Bind::Text(None)), stored_problem)?,
    ])
}

fn record(row: &Row) -> Result<UploadRecord, RegistryError> {
    Ok(UploadRecord {
        id: row.word("id")?,
        dataset: row.word("dataset")?,
        mode: row.word("mode")?,
        state: row.word("state")?,
        file_name: row.optional_text("file_name")?,
        format: row.optional_text("format")?,
        bytes: row.count("bytes")?,
        sha256: row.optional_text("sha256")?,
        by: row.text("uploaded_by")?,
        idempotency_key: row.optional_text("idempotency_key")?,
        created_at: row.instant("created_at")?,
        finished_at: row.optional_instant("finished_at")?,
        version: row.optional_count("version")?,
        report: row.optional_json("report")?,
        problem: row.optional_text("problem")?.map(parse_problem),
    })
}

/// A problem as it is kept: the English text alone, or both languages in JSON.
fn stored_problem(problem: &Text) -> Result<Bind, RegistryError> {
    if problem.ja.is_empty() { Ok(problem.en.as_str().into()) } else { Bind::json(problem) }
}

/// What was kept before there were two languages is English, and is read as it is.
fn parse_problem(stored: String) -> Text {
    serde_json::from_str(&stored).unwrap_or_else(|_| Text::new("", stored))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_it_was_kept_by_the_first_version_and_in_both_languages_now() {
        let old = "a fault of the hub's; send the file again";
        assert_eq!(parse_problem(old.to_owned()), Text::new("", old));
        let both = Text::new("ファイルが空です", "the file is empty");
        let stored = r#"{"ja":"ファイルが空です","en":"the file is empty"}"#;
        assert_eq!(parse_problem(stored.to_owned()), both);
    }
}
