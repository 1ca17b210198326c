//! What a sender says of a file in the address and the headers: how it is to be read.

use axum::http::{HeaderMap, header};
use hub_intake::{Format, FormatHint};
use hub_model::Text;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::problem::Problem;

/// What is known of a file.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileQuery {
    /// `csv`, `xlsx`, `xls`, `json`, `ndjson`, `geojson`, `parquet`, `arrow_file` or `arrow_stream`;
    /// found by itself where nothing is said.
    pub(crate) format: Option<String>,
    /// The file's name, for the record; some layouts say in it what the file is of.
    pub(crate) file_name: Option<String>,
    /// A publisher's layout by its id, such as `jma_obsdl_daily`, or `none` to read the file as a plain
    /// table; found by itself where nothing is said.
    pub(crate) preset: Option<String>,
    /// The text encoding, such as `cp932`; told from the file where nothing is said.
    pub(crate) encoding: Option<String>,
    /// What separates the cells of text: `comma`, `tab`, `semicolon`, `pipe`, `space`, or the character.
    pub(crate) delimiter: Option<String>,
    /// What encloses the cells of text: `double`, `single` or `none`; told from the file where nothing is
    /// said.
    pub(crate) quote: Option<String>,
    /// The rows that hold the headings, counted from 1, such as `2` or `2-3`.
    pub(crate) header_rows: Option<String>,
    /// The sheet of a workbook, by its name or its number from 1.
    pub(crate) sheet: Option<String>,
    /// The table of a ZIP archive of several, such as `stops` of a GTFS feed.
    pub(crate) table: Option<String>,
}

impl FileQuery {
    /// All that is said of a file; its media type is in the headers.
    pub(crate) fn hint(&self, headers: &HeaderMap) -> Result<FormatHint, Problem> {
        let format = self.format.as_deref().map(parse_format).transpose()?;
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        self.file_name.as_deref().map_or(Ok(()), check_file_name)?;
        Ok(FormatHint {
            file_name: self.file_name.clone(),
            media_type: media_type.map(str::to_owned),
            format,
            preset: self.preset.clone(),
            encoding: self.encoding.clone(),
            delimiter: self.delimiter.clone(),
            quote: self.quote.clone(),
            header_rows: self.header_rows.clone(),
            sheet: self.sheet.clone(),
            table: self.table.clone(),
        })
    }
}

fn parse_format(name: &str) -> Result<Format, Problem> {
    let known = || {
        Text::new(
            "csv、xlsx、xls、json、ndjson、geojson、parquet、arrow_file、arrow_stream のどれかを指定するか、指定を外してください",
            "use csv, xlsx, xls, json, ndjson, geojson, parquet, arrow_file or arrow_stream",
        )
    };
    Format::parse(name).ok_or_else(|| Problem::parameter("format", known()))
}

pub(crate) fn check_file_name(name: &str) -> Result<(), Problem> {
    if name.chars().count() > 255 || name.chars().any(char::is_control) {
        return Err(Problem::parameter(
            "file_name",
            Text::new(
                "255文字までの、改行などを含まない名前を指定してください",
                "give a plain name of up to 255 characters",
            ),
        ));
    }
    Ok(())
}
