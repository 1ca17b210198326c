//! Arrow's streaming format, uncompressed so that every reader takes it; the sources are in the schema's
//! metadata.

use std::sync::Arc;

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
    ipc::writer::StreamWriter,
};

use super::{AnswerHeader, Encoder, QUERY_ID_KEY, SOURCES_KEY, sources_json};
use crate::error::QueryError;

pub(super) struct ArrowStream {
    schema: SchemaRef,
    writer: StreamWriter<Vec<u8>>,
}

impl ArrowStream {
    pub(super) fn new(schema: &SchemaRef, header: &AnswerHeader) -> Result<Self, QueryError> {
        let mut metadata = schema.metadata().clone();
        metadata.insert(SOURCES_KEY.to_owned(), sources_json(header)?);
        metadata.insert(QUERY_ID_KEY.to_owned(), header.query_id.clone());
        let schema = Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata));
        let writer = StreamWriter::try_new(Vec::new(), &schema).map_err(QueryError::internal)?;
        Ok(Self { schema, writer })
    }

    fn drain(&mut self, out: &mut Vec<u8>) {
        out.append(self.writer.get_mut());
    }
}

impl Encoder for ArrowStream {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.drain(out);
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let batch =
            batch.clone().with_schema(Arc::clone(&self.schema)).map_err(QueryError::internal)?;
        self.writer.write(&batch).map_err(QueryError::internal)?;
        self.drain(out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.writer.finish().map_err(QueryError::internal)?;
        self.drain(out);
        Ok(())
    }
}
