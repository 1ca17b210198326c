//! Blocks of a file to batches of a contract, and the report of both.

mod answer;
mod give;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, new_null_array},
    compute::filter_record_batch,
    record_batch::{RecordBatch, RecordBatchOptions},
};
use arrow_schema::{Schema, SchemaRef};
use hub_model::{
    ColumnReport, Contract, FieldRole, OnError, ReportBuilder, Rule, UploadReport, Warning,
};

use super::{
    ConformedBatch,
    fault::FaultKind,
    faults::{ColumnFaults, Fault, Faults},
    flag,
    kept_back::{KeptBack, Quarantined},
    period::Span,
    piece::{Piece, convert},
    plan::Plan,
    text_size::text_bytes,
    watch::Watch,
};
use crate::{
    Format, IntakeError, IntakeOptions,
    changes::Changes,
    decode::{Block, RowFault, Understood, unpacks_too_large},
    personal::{self, Sampler},
};

/// What leaves the checking.
pub(crate) enum Given {
    Batch(ConformedBatch),
    KeptBack(KeptBack),
}

/// What a piece became.
#[derive(Default)]
struct Outcome {
    /// Its rows, if they may be given out; those that are kept back are not among them.
    batch: Option<RecordBatch>,
    /// The numbers of the batch's rows, where they are not all of the piece's.
    places: Option<Vec<u64>>,
    kept_back: Vec<Quarantined>,
}

pub(crate) struct Conformer<'a> {
    plan: Plan<'a>,
    options: &'a IntakeOptions,
    report: ReportBuilder,
    rows: u64,
    missing: Vec<u64>,
    span: Span,
    decoded_bytes: u64,
    changes: Changes,
    /// The file's columns, for rows that are kept back.
    columns: Arc<[String]>,
    /// Whether something of the file as a whole is wrong, which no answer to errors of cells mends.
    refused: bool,
    contract: &'a Contract,
    watch: Watch,
    /// Whether the headings or the values are those of persons, and what looks for it.
    is_about_persons: bool,
    sampler: Option<Sampler>,
}

impl<'a> Conformer<'a> {
    pub(crate) fn new(
        mut plan: Plan<'a>,
        contract: &'a Contract,
        format: Format,
        understood: Understood,
        is_plain: bool,
        options: &'a IntakeOptions,
    ) -> Self {
        let mut report = ReportBuilder::new(format.as_str(), options.error_cap);
        report.report_mut().encoding = understood.encoding;
        report.report_mut().layout = understood.layout;
        report.report_mut().on_error = options.on_error;
        let persons = personal::by_headings(&plan.columns).filter(|_| is_plain);
        if let Some(found) = &persons {
            plan.errors = vec![found.error()];
        }
        let refused = !plan.errors.is_empty();
        for error in std::mem::take(&mut plan.errors) {
            report.error(error.rule, || error);
        }
        Self {
            missing: vec![0; plan.fields.len()],
            columns: plan.columns.clone(),
            refused,
            contract,
            watch: Watch::new(contract),
            is_about_persons: persons.is_some(),
            sampler: is_plain.then(|| Sampler::new(&plan.columns)),
            plan,
            options,
            report,
            rows: 0,
            span: Span::default(),
            decoded_bytes: 0,
            changes: Changes::default(),
        }
    }

    /// Whether the file was found to be about persons.
    pub(crate) fn is_about_persons(&self) -> bool {
        self.is_about_persons
    }

    /// Looks at some of a piece's values; what is found refuses the file.
    fn sample(&mut self, piece: &Piece<'_>) {
        let Some(sampler) = &mut self.sampler else { return };
        piece.sample(&self.plan, sampler);
        if let Some(found) = sampler.verdict() {
            self.is_about_persons = true;
            self.refused = true;
            self.sampler = None;
            let error = found.error();
            self.report.error(error.rule, || error);
        }
    }

    /// Checks a block and gives out what keeps the contract, and what is kept back, until `give` answers
    /// false.
    pub(crate) fn take(
        &mut self,
        block: Block,
        give: &mut dyn FnMut(Given) -> bool,
    ) -> Result<(), IntakeError> {
        match block {
            Block::Text(block) => {
                let outcome = self.conform(&Piece::Text(&block))?;
                self.give(outcome, Some(&block.lines), 0, give);
            }
            Block::Typed { batch, first_row } => {
                let mut start = 0;
                while start < batch.num_rows() {
                    self.options.check_stop()?;
                    let part = self.cut(&batch, start, first_row)?;
                    let first_row = first_row.saturating_add(start as u64);
                    start += part.num_rows();
                    let outcome = self.conform(&Piece::Typed { batch: &part, first_row })?;
                    if !self.give(outcome, None, first_row, give) {
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

    /// Checks a piece. Its rows may be given out if no error was met so far that refuses the file, this
    /// piece included.
    fn conform(&mut self, piece: &Piece<'_>) -> Result<Outcome, IntakeError> {
        self.sample(piece);
        let on_error = if self.refused { OnError::Reject } else { self.options.on_error };
        // Where errors are answered row by row, none may be left out; a piece bounds how many there are.
        let room = match on_error {
            OnError::Reject => {
                self.options.error_cap.saturating_sub(self.report.report_mut().errors.len())
            }
            _ => usize::MAX,
        };
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
        let mut found = Vec::with_capacity(self.plan.fields.len());
        for (index, planned) in self.plan.fields.iter().enumerate() {
            let mut column_faults = ColumnFaults::new(room);
            columns.push(if planned.source.is_some() {
                convert(planned, &self.plan, piece, &mut column_faults)?
            } else {
                new_null_array(self.plan.schema.field(index).data_type(), piece.rows())
            });
            found.push(column_faults);
        }
        self.tell_changes(&mut columns, &mut found, piece);
        for ((planned, array), column_faults) in
            self.plan.fields.iter().zip(&columns).zip(&mut found)
        {
            if planned.source.is_some() {
                planned.limits.check(array, column_faults);
            }
        }
        for (index, (array, column_faults)) in columns.iter().zip(&found).enumerate() {
            // A mark may have filled in a quality whose own cell is broken.
            self.missing[index] += array.null_count().saturating_sub(column_faults.failed()) as u64;
            let field = self.plan.fields[index].field;
            if field.role == FieldRole::Time {
                self.span.add(array, field.field_type);
            }
        }
        self.watch.add(&columns, |row| piece.place(row));
        if on_error == OnError::Flag {
            let flagged = flag::set_doubtful(&self.plan, &mut columns, &found);
            let report = self.report.report_mut();
            report.flagged += flagged.values;
            report.answered += flagged.errors;
        }
        for (index, column_faults) in found.into_iter().enumerate() {
            if !column_faults.is_empty() {
                faults.add(index, column_faults, |row| piece.place(row));
            }
        }
        let mut outcome = Outcome::default();
        let mut bad_rows = Vec::new();
        if !faults.is_empty() {
            let listed = self.list(faults, piece);
            if on_error == OnError::Quarantine {
                (outcome.kept_back, bad_rows) = self.keep_back(&listed, piece);
            }
        }
        let report = self.report.report_mut();
        if report.error_count > report.answered || piece.rows() == 0 {
            return Ok(outcome);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(piece.rows()));
        let internal = |e: arrow::error::ArrowError| IntakeError::Internal(e.to_string());
        if !bad_rows.is_empty() {
            let kept = BooleanArray::from_iter(bad_rows.iter().map(|bad| Some(!bad)));
            // Rows that are kept back may lack what the schema asks for.
            let loose = loose_schema(&self.plan.schema);
            let batch = RecordBatch::try_new_with_options(loose, columns, &options)
                .and_then(|batch| filter_record_batch(&batch, &kept))
                .map_err(internal)?;
            let rows = batch.num_rows();
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            let schema = Arc::clone(&self.plan.schema);
            outcome.places = Some(
                (0..piece.rows())
                    .filter(|row| !bad_rows[*row])
                    .map(|row| piece.place(row))
                    .collect(),
            );
            if rows > 0 {
                outcome.batch = Some(
                    RecordBatch::try_new_with_options(schema, batch.columns().to_vec(), &options)
                        .map_err(internal)?,
                );
            }
            return Ok(outcome);
        }
        let schema = Arc::clone(&self.plan.schema);
        let batch = RecordBatch::try_new_with_options(schema, columns, &options);
        outcome.batch = Some(batch.map_err(internal)?);
        Ok(outcome)
    }

    /// Counts what was changed, and lets the marks that stand for no value say of which quality that is,
    /// where the file does not say it itself.
    fn tell_changes(
        &mut self,
        columns: &mut [ArrayRef],
        found: &mut [ColumnFaults],
        piece: &Piece<'_>,
    ) {
        for (index, column_faults) in found.iter_mut().enumerate() {
            let normalised = std::mem::take(&mut column_faults.normalised);
            let planned = &self.plan.fields[index];
            if let Some(quality) = planned.quality
                && !normalised.marks.is_empty()
            {
                columns[quality] =
                    flag::fill(columns[quality].as_string::<i32>(), &normalised.marks);
            }
            let Some(source) = &planned.source else { continue };
            normalised.tell(&mut self.changes, |row| {
                let place = piece.place(row);
                (place, source.name.clone(), piece.cell_at(row, place, source))
            });
        }
    }

    /// The report of the whole file; `decoded` is what the decoder changed.
    pub(crate) fn finish(mut self, decoded: Changes, warnings: Vec<Warning>) -> UploadReport {
        self.changes.merge(decoded);
        let fields = &self.plan.fields;
        let told = self.watch.finish(self.contract, |field| match &fields[field].source {
            Some(source) => source.name.clone(),
            None => fields[field].field.name.clone(),
        });
        let report = self.report.report_mut();
        report.coverage = told.coverage;
        report.warnings.extend(told.warnings);
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
        let mut report = self.report.finish();
        if self.is_about_persons {
            // Nothing of the persons goes into a report that is kept.
            report.errors.retain(|error| error.rule == Rule::PersonalData);
            report.warnings.clear();
            report.changes.clear();
            report.coverage = None;
        }
        report
    }
}

/// The schema with every column nullable.
fn loose_schema(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
