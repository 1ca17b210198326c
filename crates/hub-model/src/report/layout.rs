//! How a table lies in its file.

use serde::{Deserialize, Serialize};

use crate::Text;

/// A publisher's layout that the hub knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresetName {
    /// Its id, such as `jma_obsdl`.
    pub id: String,
    /// What it is called.
    pub title: Text,
}

/// What was found of a file's layout. Rows and columns are counted from 1, as a person sees them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutReport {
    /// The publisher's layout, where it is a known one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<PresetName>,
    /// What the file came packed in: `gzip` or `zip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The sheet of a workbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// What separates the cells of a text file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// What encloses its cells, where that is not `"`: `single` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The first and the last row of the heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_rows: Option<(u64, u64)>,
    /// What else was found and decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Text>,
}
