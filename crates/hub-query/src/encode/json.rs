//! One JSON object: `columns`, `sources`, `query_id`, `rows`, `row_count`.

use std::io::Write;

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Field, SchemaRef},
};
use serde_json::{Map, Value, json};

use super::{
    AnswerHeader, Encoder,
    cell::{Cell, read},
};
use crate::error::QueryError;

pub(super) struct Json {
    header: AnswerHeader,
    rows: RowWriter,
    schema: SchemaRef,
    count: u64,
}

impl Json {
    pub(super) fn new(schema: SchemaRef, header: &AnswerHeader) -> Self {
        let rows = RowWriter::new(&schema);
        Self { header: header.clone(), rows, schema, count: 0 }
    }
}

impl Encoder for Json {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let columns: Vec<Value> = self.schema.fields().iter().map(|f| describe(f)).collect();
        let mut head = Map::new();
        head.insert("columns".to_owned(), Value::Array(columns));
        let sources = serde_json::to_value(&self.header.sources).map_err(QueryError::internal)?;
        head.insert("sources".to_owned(), sources);
        head.insert("query_id".to_owned(), json!(self.header.query_id));
        serde_json::to_writer(&mut *out, &head).map_err(QueryError::internal)?;
        // The object stays open for the rows.
        out.pop();
        out.extend_from_slice(b",\"rows\":[");
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        for row in 0..batch.num_rows() {
            out.extend_from_slice(if self.count == 0 { b"\n" } else { b",\n" });
            self.count += 1;
            self.rows.write(batch, row, out)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        write!(out, "],\"row_count\":{}", self.count).map_err(QueryError::internal)?;
        if let Some(cursor) = &self.header.next_cursor {
            out.extend_from_slice(b",\"next_cursor\":");
            serde_json::to_writer(&mut *out, cursor).map_err(QueryError::internal)?;
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }
}

/// What the answer says of a column.
fn describe(field: &Field) -> Value {
    const SAID: [&str; 7] =
        ["unit", "title", "description", "role", "interval", "label", "quality_of"];
    let mut column = Map::new();
    column.insert("name".to_owned(), json!(field.name()));
    column.insert("type".to_owned(), json!(type_word(field.data_type())));
    for key in SAID {
        if let Some(value) = field.metadata().get(key) {
            column.insert(key.to_owned(), json!(value));
        }
    }
    Value::Object(column)
}

/// A type in the words of contracts, and some more for what only queries make.
fn type_word(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Null => "null",
        DataType::Boolean => "boolean",
        data_type if data_type.is_integer() => "integer",
        data_type if data_type.is_numeric() => "number",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(_, Some(_)) => "datetime",
        DataType::Timestamp(_, None) => "local_datetime",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Duration(_) | DataType::Interval(_) => "duration",
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "array",
        DataType::Struct(_) | DataType::Map(..) => "object",
        _ => "binary",
    }
}

/// Writes rows as objects; the names are escaped once.
pub(super) struct RowWriter {
    keys: Vec<Vec<u8>>,
    buffer: Vec<u8>,
}

impl RowWriter {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let keys = schema.fields().iter().map(|field| {
            let mut key = Value::from(field.name().as_str()).to_string().into_bytes();
            key.push(b':');
            key
        });
        Self { keys: keys.collect(), buffer: Vec::new() }
    }

    pub(super) fn write(
        &mut self,
        batch: &RecordBatch,
        row: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), QueryError> {
        out.push(b'{');
        for (place, (key, column)) in self.keys.iter().zip(batch.columns()).enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            write_value(column.as_ref(), row, &mut self.buffer, out)?;
        }
        out.push(b'}');
        Ok(())
    }
}

fn write_value(
    column: &dyn Array,
    row: usize,
    buffer: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), QueryError> {
    if column.is_valid(row) {
        let list = match column.data_type() {
            DataType::List(_) => Some(column.as_list::<i32>().value(row)),
            DataType::LargeList(_) => Some(column.as_list::<i64>().value(row)),
            DataType::FixedSizeList(..) => Some(column.as_fixed_size_list().value(row)),
            _ => None,
        };
        if let Some(list) = list {
            out.push(b'[');
            for element in 0..list.len() {
                if element > 0 {
                    out.push(b',');
                }
                write_value(list.as_ref(), element, buffer, out)?;
            }
            out.push(b']');
            return Ok(());
        }
        if let DataType::Struct(fields) = column.data_type() {
            let parts = column.as_struct();
            out.push(b'{');
            for (place, (field, part)) in fields.iter().zip(parts.columns()).enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, field.name()).map_err(QueryError::internal)?;
                out.push(b':');
                write_value(part.as_ref(), row, buffer, out)?;
            }
            out.push(b'}');
            return Ok(());
        }
    }
    match read(column, row, buffer)? {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::Bare => out.extend_from_slice(buffer),
        Cell::Text(text) => {
            serde_json::to_writer(&mut *out, text).map_err(QueryError::internal)?;
        }
        Cell::Word => {
            out.push(b'"');
            out.extend_from_slice(buffer);
            out.push(b'"');
        }
        Cell::Other => {
            let text = String::from_utf8_lossy(buffer);
            serde_json::to_writer(&mut *out, text.as_ref()).map_err(QueryError::internal)?;
        }
    }
    Ok(())
}
