//! Decoders: one file a format. Each turns a file's bytes into blocks, either of text cells or of typed
//! arrays, in the order of the file and in bounded memory. A decoder knows nothing of contracts.

mod arrow_file;
mod arrow_messages;
mod arrow_stream;
mod contained;
mod csv;
mod geojson;
pub(crate) mod headings;
mod json;
mod known;
mod parquet;
mod table;
mod text_block;
mod transformed;

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use arrow::record_batch::RecordBatch;
use arrow_schema::{DataType, Schema};
use hub_model::{Contract, LayoutReport, MAX_FIELDS, Warning};

pub(crate) use contained::in_file;
pub(crate) use csv::{Ragged, Records};
pub(crate) use json::kind as json_kind;
pub(crate) use known::Known;
pub(crate) use text_block::{BrokenRow, RowFault, TextBlock};
pub(crate) use transformed::{Output, Transform, Transformed};

use crate::{Format, IntakeError, IntakeOptions, Recognised, changes::Changes};

/// One column as the file has it.
#[derive(Debug, Clone)]
pub(crate) struct SourceColumn {
    /// The name in the file.
    pub(crate) name: String,
    /// Its type, where the format has types.
    pub(crate) data_type: Option<DataType>,
    /// What a typed file says of it besides.
    pub(crate) metadata: HashMap<String, String>,
    /// Its place in the person's file, from 0, where that file has cells.
    pub(crate) position: Option<u32>,
    /// Its heading in the file, where another column has the same and this one was named anew.
    pub(crate) shared_heading: Option<String>,
}

impl SourceColumn {
    /// A column of text.
    pub(crate) fn text(name: impl Into<String>, position: Option<u32>) -> Self {
        Self {
            name: name.into(),
            data_type: None,
            metadata: HashMap::new(),
            position,
            shared_heading: None,
        }
    }
}

/// What a decoder found of the file as a whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Understood {
    /// The text encoding, for text formats.
    pub(crate) encoding: Option<String>,
    pub(crate) layout: Option<LayoutReport>,
}

/// Rows of a file that were decoded together.
#[derive(Debug)]
pub(crate) enum Block {
    /// Cells of text; all columns of the file, whatever was selected.
    Text(TextBlock),
    /// Arrays of the selected columns, in the order of the file.
    Typed {
        /// The rows.
        batch: RecordBatch,
        /// Counted from 1.
        first_row: u64,
    },
}

/// A file being decoded.
pub(crate) trait Decode: Send {
    /// The file's columns, in its order.
    fn columns(&self) -> &[SourceColumn];

    /// What was found of the file as a whole; asked for before the first block.
    fn understood(&self) -> Understood {
        Understood::default()
    }

    /// The contract that the file's layout stands for, where it is a publisher's known one.
    fn contract(&self) -> Option<&Contract> {
        None
    }

    /// What was changed of the file's cells; asked for after the last block.
    fn changes(&mut self) -> Changes {
        Changes::default()
    }

    /// What looks wrong in the file as a whole; asked for after the last block.
    fn warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }

    /// Leaves out every other column from now on; `wanted` is in ascending order. Called once, before the
    /// first block.
    fn select(&mut self, wanted: &[usize]) -> Result<(), IntakeError>;

    /// The next rows, or `None` at the end.
    fn next_block(&mut self) -> Result<Option<Block>, IntakeError>;
}

/// The columns of a typed file.
fn source_columns(schema: &Schema) -> Result<Vec<SourceColumn>, IntakeError> {
    if schema.fields().len() > MAX_FIELDS {
        return Err(IntakeError::unreadable(
            format!("列が{MAX_FIELDS}を超えています。列を減らすか、縦長の表にしてください"),
            format!(
                "the file has more than {MAX_FIELDS} columns; leave some out, or turn them into rows"
            ),
        ));
    }
    let columns = schema.fields().iter().map(|field| SourceColumn {
        name: field.name().clone(),
        data_type: Some(field.data_type().clone()),
        metadata: field.metadata().clone(),
        position: None,
        shared_heading: None,
    });
    Ok(columns.collect())
}

/// Begins to decode a file that was recognised; each call reads it from its start.
pub(crate) fn open(
    recognised: &Recognised,
    options: &IntakeOptions,
) -> Result<Box<dyn Decode>, IntakeError> {
    if recognised.container().is_some() {
        return Ok(Box::new(contained::Contained::open(recognised, options)?));
    }
    open_one(recognised, options)
}

/// Begins to decode one file.
fn open_one(
    recognised: &Recognised,
    options: &IntakeOptions,
) -> Result<Box<dyn Decode>, IntakeError> {
    guarded(|| match recognised.known_layout() {
        Some(preset) => preset.open(recognised, options),
        None => open_format(recognised, options),
    })
}

/// Begins to decode one file as its format has it, whatever its layout.
pub(crate) fn open_format(
    recognised: &Recognised,
    options: &IntakeOptions,
) -> Result<Box<dyn Decode>, IntakeError> {
    let file = recognised.file()?;
    Ok(match recognised.format() {
        Format::Csv | Format::Xlsx | Format::Xls => table::open(recognised, options)?,
        Format::Parquet => Box::new(parquet::ParquetDecoder::open(file, options)?),
        Format::ArrowFile => Box::new(arrow_file::open(file, options)?),
        Format::ArrowStream => Box::new(arrow_stream::open(file, options)?),
        Format::Json | Format::NdJson => Box::new(json::open(recognised, options)?),
        Format::GeoJson => Box::new(geojson::open(recognised, options)?),
    })
}

/// Runs a decoder's step; a panic in it is an error of the file, since decoders are only ever at fault
/// on input that no sound writer makes.
pub(crate) fn guarded<T>(step: impl FnOnce() -> Result<T, IntakeError>) -> Result<T, IntakeError> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result,
        Err(panic) => {
            let detail = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no detail");
            tracing::warn!(detail, "a decoder panicked on a file");
            Err(damaged("its parts contradict each other"))
        }
    }
}

/// The error of a typed file that breaks its own format's rules.
pub(crate) fn damaged(detail: &str) -> IntakeError {
    let detail = crate::show::show_text(detail);
    IntakeError::unreadable(
        format!(
            "ファイルが壊れているか、途中で切れています。書き出し直して、もう一度送ってください（{detail}）"
        ),
        format!("the file is damaged or cut short; write it anew and send it again ({detail})"),
    )
}

/// The error of a typed file that unpacks to more than the limits allow.
pub(crate) fn unpacks_too_large(limit: u64) -> IntakeError {
    IntakeError::too_large(
        format!(
            "ファイルを展開すると{}を超えます。小さなファイルに分けて送ってください",
            show_size(limit)
        ),
        format!(
            "the file unpacks to more than {}; send it in several smaller files",
            show_size(limit)
        ),
    )
}

/// A number of bytes for people.
pub(crate) fn show_size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}
