//! Blocks of a file to batches of a contract, and the report of both.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, new_null_array},
    record_batch::{RecordBatch, RecordBatchOptions},
    util::display::{ArrayFormatter, FormatOptions},
};
use hub_model::{CellError, ColumnReport, FieldRole, ReportBuilder, UploadReport, Warning};

use super::{
    ConformedBatch,
    cells::{self, BlockCells},
    fault::{FaultKind, describe, describe_row},
    faults::{ColumnFaults, Fault, Faults},
    period::Span,
    plan::{Plan, PlannedField, Source},
    text_size::text_bytes,
    typed,
};
use crate::{
    Format, IntakeError, IntakeOptions,
    changes::Changes,
    decode::{Block, RowFault, TextBlock, Understood, unpacks_too_large},
    rows::cell_name,
    show::{show_bytes, show_text},
};

/// Rows of a file that are conformed together.
enum Piece<'b> {
    Text(&'b TextBlock),
    Typed { batch: &'b RecordBatch, first_row: u64 },
}

impl Piece<'_> {
    fn rows(&self) -> usize {
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
    fn cell_name(&self, fault: &Fault, source: &Source) -> Option<String> {
        let Self::Text(block) = self else { return None };
        let column = block.origins.get(fault.row).copied().or(source.position)?;
        Some(cell_name(fault.place, column))
    }

    /// A row as a person counts it.
    fn place(&self, row: usize) -> u64 {
        match self {
            Self::Text(block) => block.lines[row],
            Self::Typed { first_row, .. } => first_row.saturating_add(row as u64),
        }
    }
}

/// Runs of rows whose numbers follow one by one, so many at most in a batch of so many rows: past that
/// the cutting would cost more than exact row numbers of duplicates are worth.
const ROWS_PER_RUN: usize = 64;

pub(crate) struct Conformer<'a> {
    plan: Plan<'a>,
    options: &'a IntakeOptions,
    report: ReportBuilder,
    rows: u64,
    missing: Vec<u64>,
    span: Span,
    decoded_bytes: u64,
    changes: Changes,
}

impl<'a> Conformer<'a> {
    pub(crate) fn new(
        mut plan: Plan<'a>,
        format: Format,
        understood: Understood,
        options: &'a IntakeOptions,
    ) -> Self {
        let mut report = ReportBuilder::new(format.as_str(), options.error_cap);
        report.report_mut().encoding = understood.encoding;
        report.report_mut().layout = understood.layout;
        for error in std::mem::take(&mut plan.errors) {
            report.error(error.rule, || error);
        }
        Self {
            missing: vec![0; plan.fields.len()],
            plan,
            options,
            report,
            rows: 0,
            span: Span::default(),
            decoded_bytes: 0,
            changes: Changes::default(),
        }
    }

    /// Checks a block and gives out what keeps the contract, until `give` answers false.
    pub(crate) fn take(
        &mut self,
        block: Block,
        give: &mut dyn FnMut(ConformedBatch) -> bool,
    ) -> Result<(), IntakeError> {
        match block {
            Block::Text(block) => {
                let piece = Piece::Text(&block);
                if let Some(batch) = self.conform(&piece)? {
                    for (start, rows) in runs(&block.lines) {
                        let first_row = block.lines[start];
                        let (batch, file) = (batch.slice(start, rows), block.file.clone());
                        if !give(ConformedBatch { batch, first_row, file }) {
                            break;
                        }
                    }
                }
            }
            Block::Typed { batch, first_row } => {
                let mut start = 0;
                while start < batch.num_rows() {
                    self.options.check_stop()?;
                    let part = self.cut(&batch, start, first_row)?;
                    let first_row = first_row.saturating_add(start as u64);
                    start += part.num_rows();
                    let piece = Piece::Typed { batch: &part, first_row };
                    if let Some(batch) = self.conform(&piece)?
                        && !give(ConformedBatch { batch, first_row, file: None })
                    {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// As many rows of a typed batch as the limits let be written out at once.
    fn cut(
        &mut self,
        batch: &RecordBatch,
        start: usize,
        first_row: u64,
    ) -> Result<RecordBatch, IntakeError> {
        let fields = self.plan.fields.len();
        let mut rows = self.options.rows_for(fields).min(batch.num_rows() - start);
        loop {
            let part = batch.slice(start, rows);
            let widest = part.columns().iter().map(text_bytes).max().unwrap_or(0);
            if widest <= self.options.batch_bytes as u64 {
                let bytes = (rows as u64).saturating_mul(8 * fields as u64).saturating_add(widest);
                self.decoded_bytes = self.decoded_bytes.saturating_add(bytes);
                if self.decoded_bytes > self.options.max_decoded_bytes {
                    return Err(unpacks_too_large(self.options.max_decoded_bytes));
                }
                return Ok(part);
            }
            if rows == 1 {
                let row = first_row.saturating_add(start as u64);
                let limit = crate::decode::show_size(self.options.batch_bytes as u64);
                return Err(IntakeError::too_large(
                    format!(
                        "{row}行目に{limit}を超える文字の値があります。短くするか、削ってください"
                    ),
                    format!(
                        "a text in row {row} is longer than {limit}; shorten it or leave it out"
                    ),
                ));
            }
            rows /= 2;
        }
    }

    /// The piece as a batch, if no error was met so far, this piece included.
    fn conform(&mut self, piece: &Piece<'_>) -> Result<Option<RecordBatch>, IntakeError> {
        let room = self.options.error_cap.saturating_sub(self.report.report_mut().errors.len());
        let mut faults = Faults::new(room);
        self.rows += piece.rows() as u64;
        if let Piece::Text(block) = piece {
            self.rows += block.broken.len() as u64;
            for broken in &block.broken {
                let kind = match broken.fault {
                    RowFault::Cells(found) => FaultKind::Cells(found),
                    RowFault::TextAfterQuote => FaultKind::TextAfterQuote,
                };
                let row = broken.rows_before;
                faults.report(Fault { place: broken.line, field: None, row, kind });
            }
        }
        let mut columns = Vec::with_capacity(self.plan.fields.len());
        for (index, planned) in self.plan.fields.iter().enumerate() {
            let mut column_faults = ColumnFaults::new(room);
            let array = if planned.source.is_some() {
                let array = convert(planned, &self.plan, piece, &mut column_faults)?;
                planned.limits.check(&array, &mut column_faults);
                array
            } else {
                new_null_array(self.plan.schema.field(index).data_type(), piece.rows())
            };
            self.missing[index] += (array.null_count() - column_faults.failed()) as u64;
            if planned.field.role == FieldRole::Time {
                self.span.add(&array, planned.field.field_type);
            }
            if !column_faults.is_empty() {
                faults.add(index, column_faults, |row| piece.place(row));
            }
            columns.push(array);
        }
        if !faults.is_empty() {
            self.list(faults, piece);
        }
        if self.report.error_count() > 0 || piece.rows() == 0 {
            return Ok(None);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(piece.rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.plan.schema), columns, &options)
            .map(Some)
            .map_err(|e| IntakeError::Internal(e.to_string()))
    }

    fn list(&mut self, faults: Faults, piece: &Piece<'_>) {
        let (listed, counts) = faults.finish();
        let mut unlisted = counts;
        for fault in listed {
            let rule = fault.kind.rule();
            if let Some(count) = unlisted.get_mut(&rule) {
                *count -= 1;
            }
            let plan = &self.plan;
            self.report.error(rule, || cell_error(&fault, plan, piece));
        }
        for (rule, count) in unlisted {
            self.report.count(rule, count);
        }
    }

    /// The report of the whole file; `decoded` is what the decoder changed.
    pub(crate) fn finish(mut self, decoded: Changes, warnings: Vec<Warning>) -> UploadReport {
        self.changes.merge(decoded);
        let report = self.report.report_mut();
        report.rows = self.rows;
        report.period = self.span.period();
        report.changes = self.changes.finish();
        report.warnings.extend(warnings);
        report.columns = self
            .plan
            .fields
            .iter()
            .zip(&self.missing)
            .map(|(planned, missing)| ColumnReport {
                name: planned.field.name.clone(),
                source: planned.source.as_ref().map(|source| source.name.clone()),
                missing: *missing,
            })
            .collect();
        self.report.finish()
    }
}

fn convert(
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
            Ok(cells::convert(&cells, field.field_type, format, faults))
        }
        Piece::Typed { batch, .. } => {
            typed::convert(batch.column(source.selected), field.field_type, format, faults)
        }
    }
}

/// Rows whose numbers follow one by one, as start and length.
fn runs(lines: &[u64]) -> Vec<(usize, usize)> {
    let breaks: Vec<usize> =
        (1..lines.len()).filter(|row| lines[*row] != lines[*row - 1] + 1).collect();
    if breaks.len() > lines.len() / ROWS_PER_RUN + 8 {
        return vec![(0, lines.len())];
    }
    let starts = std::iter::once(0).chain(breaks.iter().copied());
    let ends = breaks.iter().copied().chain([lines.len()]);
    starts.zip(ends).map(|(start, end)| (start, end - start)).filter(|(_, n)| *n > 0).collect()
}

fn cell_error(fault: &Fault, plan: &Plan<'_>, piece: &Piece<'_>) -> CellError {
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
    let (message, fix) = describe(fault.kind, planned.field, &source.name, &value, is_text);
    CellError {
        file: piece.file(),
        row: Some(fault.place),
        column: Some(source.name.clone()),
        cell: piece.cell_name(fault, source),
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
        _ => {
            let options = FormatOptions::default();
            return ArrayFormatter::try_new(array.as_ref(), &options)
                .and_then(|formatter| {
                    let mut text = String::new();
                    formatter.value(row).write(&mut text)?;
                    Ok(show_text(&text))
                })
                .unwrap_or_else(|_| "?".to_owned());
        }
    };
    show_bytes(bytes)
}
