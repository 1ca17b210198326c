//! Conformed rows as pieces of an answer: one Arrow message each, cut where it would be too long.

use std::io::Write;

use arrow::{buffer::Buffer, ipc::writer::StreamEncoder, record_batch::RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};

use super::frame::{Head, Kind, MAX_BATCH_BYTES};
use crate::{IntakeError, decode::show_size};

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
                return Err(IntakeError::too_large(
                    format!("{first_row}行目だけで{}を超えています", show_size(MAX_BATCH_BYTES)),
                    format!("row {first_row} alone takes more than {}", show_size(MAX_BATCH_BYTES)),
                ));
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

fn internal(error: ArrowError) -> IntakeError {
    IntakeError::Internal(format!("rows can't be handed on: {error}"))
}
