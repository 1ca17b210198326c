//! The object around the rows of an answer in JSON: what is said of the whole answer, and its list of rows.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use serde_json::{Map, Value, json};

use super::AnswerHeader;
use crate::{error::QueryError, quality::QUALITY_KEY};

/// Writes the object row by row, and counts the rows.
pub(super) struct Envelope {
    header: AnswerHeader,
    schema: SchemaRef,
    rows: u64,
}

impl Envelope {
    pub(super) fn new(schema: SchemaRef, header: &AnswerHeader) -> Self {
        Self { header: header.clone(), schema, rows: 0 }
    }

    /// Begins the object with these members and what every answer says, and opens the list of its rows.
    pub(super) fn begin(
        &self,
        mut head: Map<String, Value>,
        columns: Vec<Value>,
        list: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), QueryError> {
        head.insert("columns".to_owned(), Value::Array(columns));
        let sources = serde_json::to_value(&self.header.sources).map_err(QueryError::internal)?;
        head.insert("sources".to_owned(), sources);
        if let Some(quality) = self.schema.metadata().get(QUALITY_KEY) {
            let quality = serde_json::from_str(quality).map_err(QueryError::internal)?;
            head.insert("quality".to_owned(), quality);
        }
        if !self.header.citation.is_empty() {
            head.insert("citation".to_owned(), json!(self.header.citation));
        }
        head.insert("query_id".to_owned(), json!(self.header.query_id));
        serde_json::to_writer(&mut *out, &head).map_err(QueryError::internal)?;
        // The object stays open for the rows.
        out.pop();
        write!(out, ",\"{list}\":[").map_err(QueryError::internal)
    }

    /// Goes to a line of its own for one more row.
    pub(super) fn next_row(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.rows == 0 { b"\n" } else { b",\n" });
        self.rows += 1;
    }

    /// Closes the list and the object.
    pub(super) fn finish(&self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        write!(out, "],\"row_count\":{}", self.rows).map_err(QueryError::internal)?;
        if self.header.paged {
            out.extend_from_slice(b",\"next_cursor\":");
            let cursor = &self.header.next_cursor;
            serde_json::to_writer(&mut *out, cursor).map_err(QueryError::internal)?;
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }
}
