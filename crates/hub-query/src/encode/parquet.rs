//! A Parquet file in one pass: row groups of bounded size, zstd, the sources in the file's metadata.

use std::{
    io::{self, Write},
    sync::Arc,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use parking_lot::Mutex;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::{metadata::KeyValue, properties::WriterProperties},
};

use super::{AnswerHeader, Encoder, QUERY_ID_KEY, SOURCES_KEY, sources_json};
use crate::error::QueryError;

/// A row group is written out at this many rows, or before.
const MAX_GROUP_ROWS: usize = 250_000;

/// A row group is written out at about this many encoded bytes, or before.
const MAX_GROUP_BYTES: usize = 16 * 1024 * 1024;

pub(super) struct Parquet {
    written: Shared,
    writer: Option<ArrowWriter<Shared>>,
}

/// Bytes that the writer has finished and the answer has not taken yet.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Parquet {
    pub(super) fn new(schema: &SchemaRef, header: &AnswerHeader) -> Result<Self, QueryError> {
        let said = vec![
            KeyValue::new(SOURCES_KEY.to_owned(), sources_json(header)?),
            KeyValue::new(QUERY_ID_KEY.to_owned(), header.query_id.clone()),
        ];
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(said))
            .build();
        let written = Shared::default();
        let writer = ArrowWriter::try_new(written.clone(), Arc::clone(schema), Some(properties))
            .map_err(refused)?;
        Ok(Self { written, writer: Some(writer) })
    }

    fn drain(&self, out: &mut Vec<u8>) {
        out.append(&mut self.written.0.lock());
    }
}

/// Some types of SQL have no place in the format.
fn refused(error: parquet::errors::ParquetError) -> QueryError {
    match error {
        parquet::errors::ParquetError::NYI(_) | parquet::errors::ParquetError::ArrowError(_) => {
            QueryError::request(
                "the answer has a column whose type Parquet does not know; cast it to text or a number",
            )
        }
        other => QueryError::internal(other),
    }
}

impl Encoder for Parquet {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.drain(out);
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if let Some(writer) = &mut self.writer {
            writer.write(batch).map_err(refused)?;
            if writer.in_progress_rows() >= MAX_GROUP_ROWS
                || writer.in_progress_size() >= MAX_GROUP_BYTES
            {
                writer.flush().map_err(QueryError::internal)?;
            }
        }
        self.drain(out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if let Some(writer) = self.writer.take() {
            writer.close().map_err(QueryError::internal)?;
        }
        self.drain(out);
        Ok(())
    }
}
