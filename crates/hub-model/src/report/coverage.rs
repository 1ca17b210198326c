//! How completely a file covers its period.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Interval;

/// What the times of a file's series show. A series is the rows that share the key's other columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// How many series there are; at least so many where `series_capped` is true.
    pub series: u64,
    /// Whether there are more series than were followed one by one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub series_capped: bool,
    /// The step from one time of a series to the next that is most common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadence: Option<Interval>,
    /// Times that are missing between others of their series; none where there is no cadence, or where
    /// the rows of a series are not in the order of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Gaps>,
    /// Rows by month, `YYYY-MM` in Japanese time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rows_by_month: BTreeMap<String, u64>,
}

/// Times that are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps {
    /// How many steps are missing, over all series.
    pub missing_steps: u64,
    /// The longest gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<Gap>,
    /// The first few gaps in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<Gap>,
}

/// One gap in a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The series, its key's values joined by a slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// The last time before it.
    #[serde(serialize_with = "super::in_japanese_time")]
    pub after: DateTime<Utc>,
    /// The first time behind it.
    #[serde(serialize_with = "super::in_japanese_time")]
    pub before: DateTime<Utc>,
    /// How many steps are missing.
    pub missing_steps: u64,
    /// The row in which the series goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
}
