//! Dividing by the sort columns' values what time does not divide: rows of one instant, or of a contract
//! without a time.
//!
//! A sample of the rows gives values at which to cut, so that the parts are about equal and rows of
//! equal values stay together; repeated keys are found all the same.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, UInt32Array},
    compute::take_record_batch,
    row::{OwnedRow, RowConverter, Rows, SortField},
};

use crate::{
    LakeError,
    stage::{
        Plan,
        chunk::{Piece, Place, bytes},
        order::ASCENDING,
        scratch::{ScratchFile, ScratchReader, ScratchWriter},
        spans::Span,
    },
};

/// How many sampled rows stand for one part.
const SAMPLES: usize = 64;

/// Divides a span that is too large to sort at once.
pub(crate) fn split(
    plan: &Arc<Plan>,
    span: Span,
    file: Option<&ScratchFile>,
) -> Result<Vec<(Span, Option<ScratchFile>)>, LakeError> {
    let size: usize = span.iter().map(|piece| piece.bytes).sum();
    let rows: usize = span.iter().map(|piece| piece.rows).sum();
    let parts = size.div_ceil(plan.span_bytes()).max(rows.div_ceil(plan.options.file_rows)).max(1);
    if plan.sort.is_empty() {
        return Ok(in_arrival_order(span, rows.div_ceil(parts), file));
    }
    let failed = || LakeError::rows(plan.dataset(), "sorted");
    let mut keys = Keys::new(plan)?;
    let mut reader = file.map(ScratchFile::open).transpose()?;
    let step = (rows / (parts * SAMPLES)).max(1);
    let mut sample: Vec<OwnedRow> = Vec::new();
    let mut seen = 0;
    for piece in &span {
        let batch = rows_of(piece, reader.as_mut(), plan)?;
        let next = seen + (step - seen % step) % step - seen;
        let picked: Vec<u32> = (next..batch.num_rows()).step_by(step).map(|i| i as u32).collect();
        seen += batch.num_rows();
        let picked = take_record_batch(&batch, &UInt32Array::from(picked)).map_err(failed())?;
        let rows = keys.of(&picked).map_err(failed())?;
        sample.extend(rows.iter().map(|row| row.owned()));
    }
    sample.sort_unstable();
    let mut cuts: Vec<OwnedRow> =
        (1..parts).filter_map(|part| sample.get(part * sample.len() / parts).cloned()).collect();
    cuts.dedup();

    let mut writer = ScratchWriter::create(&plan.options.scratch, &plan.waiting, plan.dataset())?;
    let mut spans: Vec<Span> = (0..=cuts.len()).map(|_| Vec::new()).collect();
    for piece in span {
        let batch = rows_of(&piece, reader.as_mut(), plan)?;
        let rows = keys.of(&batch).map_err(failed())?;
        let mut groups = vec![Vec::new(); spans.len()];
        for (index, row) in rows.iter().enumerate() {
            let part = cuts.partition_point(|cut| cut.row() <= row);
            groups[part].push(index as u32);
        }
        for (span, group) in spans.iter_mut().zip(groups).filter(|(_, group)| !group.is_empty()) {
            let batch = take_record_batch(&batch, &UInt32Array::from(group)).map_err(failed())?;
            span.push(Piece {
                stretch: piece.stretch,
                level: piece.level,
                rows: batch.num_rows(),
                bytes: bytes(&batch),
                place: Place::Scratch(writer.write(&batch)?),
            });
        }
    }
    let file = writer.finish()?;
    let spans = spans.into_iter().filter(|span| !span.is_empty());
    Ok(spans.map(|span| (span, Some(file.clone()))).collect())
}

fn in_arrival_order(
    span: Span,
    aim: usize,
    file: Option<&ScratchFile>,
) -> Vec<(Span, Option<ScratchFile>)> {
    let mut spans: Vec<(Span, Option<ScratchFile>)> = Vec::new();
    let mut filled = aim;
    for piece in span {
        if filled >= aim {
            filled = 0;
            spans.push((Vec::new(), file.cloned()));
        }
        filled += piece.rows;
        if let Some((span, _)) = spans.last_mut() {
            span.push(piece);
        }
    }
    spans
}

fn rows_of(
    piece: &Piece,
    reader: Option<&mut ScratchReader>,
    plan: &Plan,
) -> Result<RecordBatch, LakeError> {
    match (&piece.place, reader) {
        (Place::Memory(batch), _) => Ok(batch.clone()),
        (Place::Scratch(place), Some(reader)) => reader.read(*place),
        (Place::Scratch(_), None) => Err(super::stopped(plan)),
    }
}

/// Values by which rows are divided: the key's columns, so that rows of one key stay together, or all
/// sort columns where there is no key.
struct Keys {
    columns: Vec<usize>,
    converter: RowConverter,
}

impl Keys {
    fn new(plan: &Plan) -> Result<Self, LakeError> {
        let columns = match plan.key {
            0 => plan.sort.clone(),
            key => plan.sort[..key].to_vec(),
        };
        let fields = columns.iter().map(|place| {
            SortField::new_with_options(plan.schema.field(*place).data_type().clone(), ASCENDING)
        });
        let converter = RowConverter::new(fields.collect())
            .map_err(LakeError::rows(plan.dataset(), "sorted"))?;
        Ok(Self { columns, converter })
    }

    fn of(&mut self, batch: &RecordBatch) -> Result<Rows, arrow_schema::ArrowError> {
        let columns: Vec<ArrayRef> =
            self.columns.iter().map(|place| Arc::clone(batch.column(*place))).collect();
        self.converter.convert_columns(&columns)
    }
}
