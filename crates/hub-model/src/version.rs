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
    /// The file's rows take the place of those with the same primary key, and the others are added.
    Upsert,
    /// The file's rows take the place of all, of whatever series, from the file's first instant to its
    /// last, both included.
    ReplacePeriod,
}

impl UploadMode {
    /// The word used in the interface and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Upsert => "upsert",
            Self::ReplacePeriod => "replace_period",
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
    /// Rows that were not there before: those of the upload, or for [`UploadMode::Upsert`] those of them
    /// with new keys.
    pub rows_added: u64,
    /// Rows that were there with the same key and other values. Not known of versions that were published
    /// before this was recorded, and so for the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_changed: Option<u64>,
    /// Rows that were there and are no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_removed: Option<u64>,
    /// Rows of the upload that were there with the same key and the same values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_unchanged: Option<u64>,
    /// Rows of the whole dataset in this version.
    pub rows_total: u64,
    /// Stored bytes that were written for it, rows that had to be written again among them.
    pub bytes_added: u64,
    /// Stored bytes of the whole dataset in this version.
    pub bytes_total: u64,
    /// The version that this one takes out of sight, where it does; such a version comes from no upload,
    /// and its `upload_id` names the withdrawal itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawal: Option<Withdrawal>,
}

impl VersionRecord {
    /// The version whose rows this one shows: itself, or the one that it brought back.
    pub fn shows(&self) -> VersionNumber {
        self.withdrawal.as_ref().map_or(self.number, |withdrawal| withdrawal.restores)
    }
}

/// A published version taken out of sight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The version that is withdrawn.
    pub version: VersionNumber,
    /// The version whose rows are the newest from here on; 0 is the empty dataset.
    pub restores: VersionNumber,
    /// Why, in the words of who withdrew it.
    pub reason: String,
}
