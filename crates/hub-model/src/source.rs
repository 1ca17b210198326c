//! What an answer says of each dataset it was read from.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};

use crate::{DatasetId, Text, VersionNumber, format_instant};

/// One dataset version behind an answer, with what must be shown beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The dataset.
    pub dataset: DatasetId,
    /// The version that was read; 0 is a dataset without data.
    pub version: VersionNumber,
    /// When that version became visible; none for version 0.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "in_japanese_time")]
    pub committed_at: Option<DateTime<Utc>>,
    /// What the dataset is called.
    pub title: Text,
    /// The agency's name.
    pub publisher: Text,
    /// The publisher's own page of the data, where it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// The licence's id.
    pub licence: String,
    /// Where the licence can be read.
    pub licence_url: String,
    /// The line that must be shown.
    pub attribution: String,
    /// Whether the data was generated rather than observed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub synthetic: bool,
}

fn in_japanese_time<S: Serializer>(
    instant: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    instant.map(format_instant).serialize(serializer)
}
