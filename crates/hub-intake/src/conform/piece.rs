//! Rows of a file that are conformed together, wherever their cells lie.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    record_batch::RecordBatch,
    util::display::{ArrayFormatter, FormatOptions},
};
use hub_model::{CellError, FieldType, OnError};

use super::{
    cells::{self, BlockCells},
    fault::{FaultKind, describe, describe_row},
    faults::{ColumnFaults, Fault},
    flag,
    plan::{Plan, PlannedField, Source},
    typed,
};
use crate::{
    IntakeError,
    decode::TextBlock,
    personal::Sampler,
    rows::cell_name,
    show::{show_bytes, show_text},
};

/// How many rows of a piece are looked at for personal data.
const SAMPLED: usize = 64;

/// Rows of a file that are conformed together.
pub(crate) enum Piece<'b> {
    Text(&'b TextBlock),
    Typed { batch: &'b RecordBatch, first_row: u64 },
}

impl Piece<'_> {
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Text(block) => block.rows(),
            Self::Typed { batch, .. } => batch.num_rows(),
        }
    }

    /// The file of a container, where there are several.
    fn file(&self) -> Option<String> {
        match self {
            Self::Text(block) => block.file.as_deref().map(str::to_owned),
            Self::Typed { .. } => None,
        }
    }

    /// The file's own cell, as a spreadsheet names it, where it is known.
    pub(crate) fn cell_at(&self, row: usize, place: u64, source: &Source) -> Option<String> {
        let Self::Text(block) = self else { return None };
        let column = block.origins.get(row).copied().or(source.position)?;
        Some(cell_name(place, column))
    }

    /// A row as a person counts it.
    pub(crate) fn place(&self, row: usize) -> u64 {
        match self {
            Self::Text(block) => block.lines[row],
            Self::Typed { first_row, .. } => first_row.saturating_add(row as u64),
        }
    }

    /// Lets some of the rows be looked at for personal data.
    pub(crate) fn sample(&self, plan: &Plan<'_>, sampler: &mut Sampler) {
        let rows = (0..self.rows()).step_by(self.rows().div_ceil(SAMPLED).max(1));
        for row in rows {
            match self {
                Self::Text(block) => {
                    for column in 0..block.width {
                        sampler.add(column, block.cell(row, column));
                    }
                }
                Self::Typed { batch, .. } => {
                    for source in plan.fields.iter().filter_map(|f| f.source.as_ref()) {
                        if let Some(texts) = batch.column(source.selected).as_string_opt::<i32>()
                            && texts.is_valid(row)
                        {
                            sampler.add(source.column, texts.value(row).as_bytes());
                        }
                    }
                }
            }
        }
    }

    /// All cells of a row as they stand in the file.
    pub(crate) fn cells(&self, row: usize, plan: &Plan<'_>) -> Vec<String> {
        match self {
            Self::Text(block) => {
                (0..block.width).map(|column| cell_text(block.cell(row, column))).collect()
            }
            Self::Typed { batch, .. } => {
                let mut cells = vec![String::new(); plan.columns.len()];
                for source in plan.fields.iter().filter_map(|field| field.source.as_ref()) {
                    let text = whole_value(batch.column(source.selected), row);
                    cells[source.column] = text.unwrap_or_default();
                }
                cells
            }
        }
    }
}

/// A column of the piece as the field's array.
pub(crate) fn convert(
    planned: &PlannedField<'_>,
    plan: &Plan<'_>,
    piece: &Piece<'_>,
    faults: &mut ColumnFaults,
) -> Result<ArrayRef, IntakeError> {
    let (field, format) = (planned.field, &planned.format);
    let Some(source) = &planned.source else {
        return Err(IntakeError::Internal(format!("{} has no source", field.name)));
    };
    match piece {
        Piece::Text(block) => {
            let cells = BlockCells { block, column: source.column, missing: &plan.missing };
            let array =
                cells::convert(&cells, field.field_type, format, Some(&planned.normal), faults);
            Ok(plan.missing.without_numbers(array))
        }
        Piece::Typed { batch, .. } => {
            let array =
                typed::convert(batch.column(source.selected), field.field_type, format, faults)?;
            Ok(match planned.normal.code_list() {
                Some(list) if field.field_type == FieldType::String => {
                    let texts = array.as_string::<i32>();
                    Arc::new(cells::codes(texts, &planned.normal, list, faults))
                }
                _ => array,
            })
        }
    }
}

/// A cell as it stands, as far as it is text.
pub(crate) fn cell_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A fault in words.
pub(crate) fn cell_error(
    fault: &Fault,
    plan: &Plan<'_>,
    piece: &Piece<'_>,
    on_error: OnError,
) -> CellError {
    let rule = fault.kind.rule();
    let planned = fault.field.map(|field| &plan.fields[field]);
    let Some((planned, source)) = planned.and_then(|p| p.source.as_ref().map(|s| (p, s))) else {
        let (message, fix) = describe_row(fault.kind, plan.width);
        let (row, column, cell, value) = (Some(fault.place), None, None, None);
        let file = piece.file();
        return CellError { file, row, column, cell, value, rule, message, fix };
    };
    let (value, is_text) = match piece {
        Piece::Text(block) => (show_bytes(block.cell(fault.row, source.column)), true),
        Piece::Typed { batch, .. } => (show_value(batch.column(source.selected), fault.row), false),
    };
    let (message, mut fix) = describe(fault.kind, planned.field, &source.name, &value, is_text);
    if on_error == OnError::Flag
        && let Some(advice) = flag::advice(planned, fault.kind)
    {
        fix.ja.push_str(&advice.ja);
        fix.en.push_str(&advice.en);
    }
    CellError {
        file: piece.file(),
        row: Some(fault.place),
        column: Some(source.name.clone()),
        cell: piece.cell_at(fault.row, fault.place, source),
        value: (fault.kind != FaultKind::Required || !value.is_empty()).then_some(value),
        rule,
        message,
        fix,
    }
}

/// A value of a typed file as a person reads it.
pub(crate) fn show_value(array: &ArrayRef, row: usize) -> String {
    use arrow::{array::AsArray, datatypes::DataType as D};
    let bytes: &[u8] = match array.data_type() {
        _ if array.is_null(row) => return String::new(),
        D::Utf8 => array.as_string::<i32>().value(row).as_bytes(),
        D::LargeUtf8 => array.as_string::<i64>().value(row).as_bytes(),
        D::Utf8View => array.as_string_view().value(row).as_bytes(),
        D::Binary => array.as_binary::<i32>().value(row),
        D::LargeBinary => array.as_binary::<i64>().value(row),
        D::BinaryView => array.as_binary_view().value(row),
        D::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        _ => return whole_value(array, row).map_or("?".to_owned(), |text| show_text(&text)),
    };
    show_bytes(bytes)
}

/// A value of a typed file as text, whatever its length.
fn whole_value(array: &ArrayRef, row: usize) -> Option<String> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options).ok()?;
    let mut text = String::new();
    formatter.value(row).write(&mut text).ok()?;
    Some(text)
}
