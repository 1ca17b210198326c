//! A file looked at before it is published.

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use hub_app::PreviewRequest;
use hub_intake::{Preview, Trial};
use hub_model::{Contract, DatasetId, DatasetMetadata, LayoutReport, Text, UploadReport};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    WriteProblems, agencies::TextBody, headers::body_stream, hints::FileQuery,
    proposals::PresetResponse, sets::LinkResponse,
};
use crate::{auth::Caller, extract::Params, problem::Problem, state::ServerState};

/// What a file is looked at for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreviewQuery {
    /// The dataset that the file is for, whose contract it is held against. Where nothing is said a contract
    /// is proposed.
    #[param(example = "otaru.river")]
    dataset: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    file: FileQuery,
}

/// What an upload of a file would come to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewResponse {
    /// The format it was read as; null for an archive of several tables.
    #[schema(example = "csv")]
    format: Option<String>,
    /// The text encoding it was read in.
    #[schema(example = "CP932 (Shift_JIS)")]
    encoding: Option<String>,
    /// The encodings that its bytes could be in, the likeliest first.
    encodings: Vec<EncodingResponse>,
    /// What separates the cells of a text file.
    #[schema(example = "comma")]
    delimiter: Option<String>,
    /// What it came packed in: `gzip` or `zip`.
    container: Option<String>,
    /// The publisher's layout, where it is a known one.
    preset: Option<PresetResponse>,
    /// Where the table lies: its sheet, its heading's first and last row, and notes on what was decided.
    #[schema(value_type = Option<Object>)]
    layout: Option<LayoutReport>,
    /// The names of a workbook's sheets.
    sheets: Vec<String>,
    /// The tables of an archive of several. Look at one of them by `table`, or send all to a set.
    tables: Vec<TableResponse>,
    /// How those tables hang together, where that is known.
    links: Vec<LinkResponse>,
    /// The table as it stands in the file; null for an archive of several tables.
    source: Option<SourceResponse>,
    /// The columns as they would be published.
    columns: Vec<ColumnResponse>,
    /// The first rows as they would be published, with a value for each of `columns`. Rows with cells that
    /// break the contract are left out here.
    #[schema(example = json!([["余市", "2026-04-02T00:00:00+09:00", 1.5]]))]
    rows: Vec<Vec<Value>>,
    /// The proposed contract, where no dataset was named.
    #[schema(value_type = Option<Object>)]
    contract: Option<Contract>,
    /// What a dataset of the publisher's layout says of itself, where no dataset was named.
    #[schema(value_type = Option<Object>)]
    metadata: Option<DatasetMetadata>,
    /// The report that an upload would have: rows, period, gaps, what was changed to read the cells, and
    /// every cell that breaks the contract.
    #[schema(value_type = Option<Object>)]
    report: Option<UploadReport>,
}

/// An encoding that a file could be in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EncodingResponse {
    /// Its name, as `encoding` takes it.
    #[schema(example = "CP932 (Shift_JIS)")]
    name: String,
    /// Places that mean nothing in it, of what was looked at.
    undecodable: u64,
}

/// A table of an archive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableResponse {
    /// Its name, as `table` takes it.
    #[schema(example = "stop_times")]
    name: String,
    /// The file's name in the archive.
    #[schema(example = "stop_times.txt")]
    file_name: String,
    /// The publisher's layout, where it is a known one.
    preset: Option<PresetResponse>,
}

/// A table as it stands in its file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceResponse {
    /// The columns.
    columns: Vec<SourceColumnResponse>,
    /// The first rows.
    rows: Vec<SourceRowResponse>,
    /// Whether these are all rows.
    is_complete: bool,
}

/// A column of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceColumnResponse {
    /// Its heading.
    name: String,
    /// Its letters in a spreadsheet, where the file has cells.
    #[schema(example = "C")]
    letters: Option<String>,
}

/// A row of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceRowResponse {
    /// The file within an archive of several.
    file: Option<String>,
    /// The row as a person counts it.
    row: u64,
    /// Its cells, cut to a readable length. What could not be decoded is U+FFFD.
    cells: Vec<String>,
}

/// A column as it would be published.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnResponse {
    /// Its name.
    #[schema(example = "水位")]
    name: String,
    /// The file's name of it, where the file has it.
    source: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "number")]
    column_type: &'static str,
    /// What it is for.
    #[schema(example = "value")]
    role: &'static str,
    /// Its unit in UCUM.
    #[schema(example = "m")]
    unit: Option<String>,
    /// Cells without a value.
    missing: u64,
    /// Why it was proposed so.
    notes: Vec<TextBody>,
}

impl PreviewResponse {
    /// What trying a file came to, held against this contract; none where it is an archive of several tables.
    fn of(trial: Trial, contract: Option<Contract>) -> Self {
        let Trial { archive, preview, sheets, proposal, rows, report } = trial;
        let archive = archive.unwrap_or_default();
        let mut response = Self {
            format: None,
            encoding: None,
            encodings: Vec::new(),
            delimiter: None,
            container: None,
            preset: None,
            layout: None,
            sheets,
            tables: archive
                .tables
                .into_iter()
                .map(|table| TableResponse {
                    name: table.name,
                    file_name: table.file_name,
                    preset: table.preset.map(PresetResponse::from),
                })
                .collect(),
            links: archive.links.into_iter().map(LinkResponse::from).collect(),
            source: None,
            columns: contract.map_or_else(Vec::new, |c| columns(&c, report.as_ref())),
            rows,
            contract: None,
            metadata: None,
            report,
        };
        if let Some(preview) = preview {
            response.understood(preview);
        }
        if let Some(proposal) = proposal {
            for column in &mut response.columns {
                let notes = proposal.notes.iter();
                let own = notes.filter(|note| note.column.as_deref() == Some(&column.name));
                column.notes = own.map(|note| note.message.clone().into()).collect();
            }
            (response.contract, response.metadata) = (Some(proposal.contract), proposal.metadata);
        }
        response
    }

    /// What the file itself was taken for.
    fn understood(&mut self, preview: Preview) {
        self.format = Some(preview.format);
        self.encoding = preview.encoding;
        let guesses = preview.encodings.into_iter();
        self.encodings = guesses
            .map(|guess| EncodingResponse { name: guess.name, undecodable: guess.undecodable })
            .collect();
        self.delimiter = preview.delimiter;
        self.container = preview.container;
        self.preset = preview.preset.map(PresetResponse::from);
        self.layout = preview.layout;
        let columns = preview.columns.into_iter();
        let rows = preview.rows.into_iter();
        self.source = Some(SourceResponse {
            columns: columns
                .map(|column| SourceColumnResponse { name: column.name, letters: column.letters })
                .collect(),
            rows: rows
                .map(|row| SourceRowResponse { file: row.file, row: row.row, cells: row.cells })
                .collect(),
            is_complete: preview.is_complete,
        });
    }
}

/// The columns of a contract, with what a report says of them.
fn columns(contract: &Contract, report: Option<&UploadReport>) -> Vec<ColumnResponse> {
    let reported = report.map(|report| report.columns.as_slice()).unwrap_or_default();
    let columns = contract.fields.iter().map(|field| {
        let found = reported.iter().find(|column| column.name == field.name);
        ColumnResponse {
            name: field.name.clone(),
            source: found.and_then(|column| column.source.clone()),
            column_type: field.field_type.as_str(),
            role: field.role.as_str(),
            unit: field.unit.as_ref().map(|unit| unit.as_str().to_owned()),
            missing: found.map_or(0, |column| column.missing),
            notes: Vec::new(),
        }
    });
    columns.collect()
}

/// Preview a file
///
/// The whole file is read as an upload is, and nothing is kept or published: what it was taken for, its
/// first rows as they stand in it and as they would be published, what was changed to read them, and every
/// cell that breaks the contract. What was decided can be decided otherwise by the same parameters as with
/// an upload.
#[utoipa::path(post, path = "/v1/previews", tag = "uploads", params(PreviewQuery, FileQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = PreviewResponse), WriteProblems), security(("token" = [])))]
pub(crate) async fn preview_file(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(query): Params<PreviewQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PreviewResponse>, Problem> {
    let parse = |text: String| {
        DatasetId::parse(&text).map_err(|_| {
            let form = Text::new(
                "「機関.データセット」の形で指定してください",
                "write it as agency.dataset",
            );
            Problem::parameter("dataset", form)
        })
    };
    let dataset = query.dataset.map(parse).transpose()?;
    let request = PreviewRequest { hint: query.file.hint(&headers)?, dataset };
    let (trial, contract) = state.app.preview_file(&principal, request, body_stream(body)).await?;
    Ok(Json(PreviewResponse::of(trial, contract)))
}
