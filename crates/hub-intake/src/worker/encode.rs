//! Rows as pieces of an answer, conformed ones as Arrow messages and those kept back as documents, cut
//! where one would be too long; and a written file as many pieces.

use std::io::{self, Write};

use arrow::{buffer::Buffer, ipc::writer::StreamEncoder, record_batch::RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};

use super::frame::{Head, Kind, MAX_BATCH_BYTES, MAX_JSON_BYTES, MAX_PART_BYTES};
use crate::{IntakeError, KeptBack, decode::show_size};

pub(crate) struct BatchWriter<W> {
    encoder: StreamEncoder,
    to: W,
}

impl<W: Write> BatchWriter<W> {
    pub(crate) fn new(schema: &SchemaRef, to: W) -> Result<Self, IntakeError> {
        let mut encoder = StreamEncoder::try_new(schema).map_err(internal)?;
        // The first message is the schema, which the parent knows and takes from nobody.
        encoder.encode(&RecordBatch::new_empty(schema.clone())).map_err(internal)?;
        Ok(Self { encoder, to })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch, first_row: u64) -> Result<(), IntakeError> {
        let rows = batch.num_rows();
        let buffers = self.encoder.encode(batch).map_err(internal)?;
        let bytes = buffers.iter().map(|buffer| buffer.len() as u64).sum();
        if bytes > MAX_BATCH_BYTES {
            if rows < 2 {
                return Err(row_too_long(first_row, MAX_BATCH_BYTES));
            }
            drop(buffers);
            let half = rows / 2;
            self.write(&batch.slice(0, half), first_row)?;
            return self.write(&batch.slice(half, rows - half), first_row + half as u64);
        }
        self.send(Head { kind: Kind::Batch, number: first_row, bytes }, &buffers)
    }

    fn send(&mut self, head: Head, buffers: &[Buffer]) -> Result<(), IntakeError> {
        head.write(&mut self.to)?;
        for buffer in buffers {
            self.to.write_all(buffer.as_slice())?;
        }
        Ok(())
    }
}

/// Rows that are kept back, in as many pieces as their length asks for.
pub(crate) fn write_kept_back(to: &mut impl Write, mut kept: KeptBack) -> Result<(), IntakeError> {
    let json = serde_json::to_vec(&kept).map_err(io::Error::other)?;
    let bytes = json.len() as u64;
    if bytes > MAX_JSON_BYTES {
        if kept.rows.len() < 2 {
            let row = kept.rows.first().map_or(0, |row| row.row);
            return Err(row_too_long(row, MAX_JSON_BYTES));
        }
        drop(json);
        let rows = kept.rows.split_off(kept.rows.len() / 2);
        let rest = KeptBack { columns: kept.columns.clone(), rows };
        write_kept_back(to, kept)?;
        return write_kept_back(to, rest);
    }
    Head { kind: Kind::KeptBack, number: 0, bytes }.write(to)?;
    Ok(to.write_all(&json)?)
}

/// A written file, to its end.
pub(crate) fn write_file(to: &mut impl Write, file: &[u8]) -> io::Result<()> {
    for part in file.chunks(usize::try_from(MAX_PART_BYTES).unwrap_or(1 << 20)) {
        Head { kind: Kind::Part, number: 0, bytes: part.len() as u64 }.write(to)?;
        to.write_all(part)?;
    }
    Head { kind: Kind::Written, number: 0, bytes: 0 }.write(to)
}

fn row_too_long(row: u64, limit: u64) -> IntakeError {
    let limit = show_size(limit);
    IntakeError::too_large(
        format!("{row}行目だけで{limit}を超えています"),
        format!("row {row} alone takes more than {limit}"),
    )
}

fn internal(error: ArrowError) -> IntakeError {
    IntakeError::Internal(format!("rows can't be handed on: {error}"))
}
