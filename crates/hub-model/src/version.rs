//! Versions: the immutable states of a dataset.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{UploadId, VersionNumber};

/// How an upload changes a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadMode {
    /// The file's rows are added to those that are there.
    Append,
    /// The file's rows take the place of all that were there.
    Replace,
}

impl UploadMode {
    /// The word used in the interface and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
        }
    }
}

/// What is recorded of one version. The lake's commit carries the same facts, so that the registry's
/// list can be rebuilt from the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// The version's number, from 1, without gaps.
    pub number: VersionNumber,
    /// The lake's log entry that made it visible.
    pub log_version: u64,
    /// When it became visible.
    pub committed_at: DateTime<Utc>,
    /// The label of the principal that published it.
    pub committed_by: String,
    /// The upload it came from.
    pub upload_id: UploadId,
    /// How it changed the dataset.
    pub mode: UploadMode,
    /// Rows that the upload brought.
    pub rows_added: u64,
    /// Rows of the whole dataset in this version.
    pub rows_total: u64,
    /// Stored bytes that the upload brought.
    pub bytes_added: u64,
    /// Stored bytes of the whole dataset in this version.
    pub bytes_total: u64,
}
