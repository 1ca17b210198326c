//! Answers with rows: which form they take, and how they reach the terminal, a pipe or a file. They
//! are passed on as they come; a table keeps only the rows it shows.

mod deliver;
mod parse;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

pub(crate) use deliver::deliver;

use crate::cli::error::CliError;

/// The forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerFormat {
    /// Aligned columns for reading
    Table,
    /// Text with commas
    Csv,
    /// One JSON document with columns, sources and rows
    Json,
    /// One JSON object a line
    #[value(alias = "jsonl")]
    Ndjson,
    /// Apache Arrow IPC stream
    Arrow,
    /// Apache Parquet
    Parquet,
    /// Points, lines and polygons for maps, with the other columns as their properties
    Geojson,
    /// Excel workbook, with the sources on a sheet of their own
    Xlsx,
}

impl AnswerFormat {
    /// What the hub is asked for. Tables are made here, of JSON.
    pub(crate) fn asked(self) -> &'static str {
        match self {
            Self::Table | Self::Json => "json",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
            Self::Geojson => "geojson",
            Self::Xlsx => "xlsx",
        }
    }

    fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "arrow" | "arrows" => Some(Self::Arrow),
            "parquet" => Some(Self::Parquet),
            "geojson" => Some(Self::Geojson),
            "xlsx" => Some(Self::Xlsx),
            "txt" => Some(Self::Table),
            _ => None,
        }
    }
}

/// Where an answer goes, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct AnswerArgs {
    /// Form of the answer; by default a table on a terminal, CSV into a pipe, and what the name of
    /// the file says
    #[arg(long, value_enum)]
    pub(crate) format: Option<AnswerFormat>,
    /// Write the answer into a file
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Most rows a table shows
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) max_rows: usize,
}

impl AnswerArgs {
    /// The form an answer takes.
    pub(crate) fn choose(&self, out_is_terminal: bool) -> Result<AnswerFormat, CliError> {
        let to_terminal = self.output.is_none() && out_is_terminal;
        match (self.format, &self.output) {
            (
                Some(format @ (AnswerFormat::Arrow | AnswerFormat::Parquet | AnswerFormat::Xlsx)),
                None,
            ) if to_terminal => Err(CliError::Usage(format!(
                "{} is not for reading on a terminal: name a file with -o FILE, or pipe it",
                format.asked()
            ))),
            (Some(format), _) => Ok(format),
            (None, Some(path)) => AnswerFormat::of_file(path).ok_or_else(|| {
                CliError::Usage(format!(
                    "the name {} doesn't say which form the answer should have: end it in .csv, \
                     .json, .ndjson, .arrow, .parquet, .geojson or .xlsx, or give --format",
                    path.display()
                ))
            }),
            (None, None) if to_terminal => Ok(AnswerFormat::Table),
            (None, None) => Ok(AnswerFormat::Csv),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(
        format: Option<AnswerFormat>,
        output: Option<&str>,
        out_is_terminal: bool,
    ) -> Option<AnswerFormat> {
        let output = output.map(PathBuf::from);
        AnswerArgs { format, output, max_rows: 100 }.choose(out_is_terminal).ok()
    }

    #[test]
    fn the_form_follows_where_the_answer_goes() {
        use AnswerFormat::{Arrow, Csv, Geojson, Json, Ndjson, Parquet, Table, Xlsx};
        assert_eq!(choose(None, None, true), Some(Table));
        assert_eq!(choose(None, None, false), Some(Csv));
        assert_eq!(choose(None, Some("a/b.PARQUET"), true), Some(Parquet));
        assert_eq!(choose(None, Some("b.jsonl"), true), Some(Ndjson));
        assert_eq!(choose(None, Some("b.xlsx"), true), Some(Xlsx));
        assert_eq!(choose(None, Some("b.geojson"), false), Some(Geojson));
        assert_eq!(choose(Some(Xlsx), None, true), None);
        assert_eq!(choose(Some(Json), Some("b.csv"), true), Some(Json));
        assert_eq!(choose(None, Some("b.dat"), true), None);
        assert_eq!(choose(Some(Arrow), Some("b.dat"), true), Some(Arrow));
        assert_eq!(choose(Some(Arrow), None, false), Some(Arrow));
        assert_eq!(choose(Some(Arrow), None, true), None);
    }
}
