//! One JSON object a line, for rows only; the sources travel beside it.

use arrow::{array::RecordBatch, datatypes::SchemaRef};

use super::{
    Encoder,
    json::{RowWriter, columns},
};
use crate::error::QueryError;

pub(super) struct NdJson {
    rows: RowWriter,
}

impl NdJson {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { rows: RowWriter::new(&schema) }
    }
}

impl Encoder for NdJson {
    fn begin(&mut self, _out: &mut Vec<u8>) -> Result<(), QueryError> {
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let mut columns = columns(batch)?;
        for row in 0..batch.num_rows() {
            self.rows.write(&mut columns, row, out)?;
            out.push(b'\n');
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), QueryError> {
        Ok(())
    }
}
