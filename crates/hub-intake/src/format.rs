//! The formats that the hub reads, and the words by which reports, parameters, media types and file names
//! tell them.

use serde::{Deserialize, Serialize};

/// A format that the hub reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text whose cells are separated by commas, tabs, semicolons or spaces.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// The Arrow IPC file format, also called Feather version 2.
    ArrowFile,
    /// The Arrow IPC streaming format.
    ArrowStream,
    /// An Excel workbook of today (`.xlsx`, `.xlsm`).
    Xlsx,
    /// An Excel workbook as before 2007.
    Xls,
    /// JSON: an array of objects, or an object that holds one.
    Json,
    /// JSON objects, one a line.
    NdJson,
    /// A GeoJSON feature collection.
    GeoJson,
}

impl Format {
    /// The word used in reports and parameters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::ArrowFile => "arrow_file",
            Self::ArrowStream => "arrow_stream",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Json => "json",
            Self::NdJson => "ndjson",
            Self::GeoJson => "geojson",
        }
    }

    /// Reads the word used in parameters.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            "arrow" | "arrow_file" | "feather" => Some(Self::ArrowFile),
            "arrow_stream" | "arrows" => Some(Self::ArrowStream),
            "xlsx" | "xlsm" | "excel" => Some(Self::Xlsx),
            "xls" => Some(Self::Xls),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::NdJson),
            "geojson" => Some(Self::GeoJson),
            _ => None,
        }
    }

    pub(crate) fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "text/csv" | "application/csv" | "text/tab-separated-values" => Some(Self::Csv),
            "application/vnd.apache.parquet" | "application/parquet" => Some(Self::Parquet),
            "application/vnd.apache.arrow.file" => Some(Self::ArrowFile),
            "application/vnd.apache.arrow.stream" => Some(Self::ArrowStream),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            | "application/vnd.ms-excel.sheet.macroenabled.12" => Some(Self::Xlsx),
            "application/vnd.ms-excel" => Some(Self::Xls),
            "application/json" => Some(Self::Json),
            "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" => {
                Some(Self::NdJson)
            }
            "application/geo+json" => Some(Self::GeoJson),
            _ => None,
        }
    }

    pub(crate) fn of_file_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "tab" | "txt" | "dat" => Some(Self::Csv),
            "parquet" | "parq" | "pq" => Some(Self::Parquet),
            "arrow" | "feather" | "ipc" => Some(Self::ArrowFile),
            "arrows" => Some(Self::ArrowStream),
            "xlsx" | "xlsm" => Some(Self::Xlsx),
            "xls" => Some(Self::Xls),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::NdJson),
            "geojson" => Some(Self::GeoJson),
            _ => None,
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
