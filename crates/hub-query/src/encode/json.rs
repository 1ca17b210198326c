//! One JSON object: `columns`, `sources`, `citation`, `query_id`, `rows`, `row_count`.

use arrow::{
    array::{Array, AsArray, RecordBatch, StructArray},
    datatypes::{DataType, Field, SchemaRef},
};
use serde_json::{Map, Value, json};

use super::{
    AnswerHeader, Encoder,
    cell::{Cell, Column},
    envelope::Envelope,
};
use crate::{align::PUT_TOGETHER_KEY, error::QueryError};

pub(super) struct Json {
    envelope: Envelope,
    columns: Vec<Value>,
    rows: RowWriter,
}

impl Json {
    pub(super) fn new(schema: SchemaRef, header: &AnswerHeader) -> Self {
        let columns = describe_columns(&schema);
        let rows = RowWriter::new(&schema);
        Self { envelope: Envelope::new(schema, header), columns, rows }
    }
}

impl Encoder for Json {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.envelope.begin(Map::new(), std::mem::take(&mut self.columns), "rows", out)
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let mut columns = columns(batch)?;
        for row in 0..batch.num_rows() {
            self.envelope.next_row(out);
            self.rows.write(&mut columns, row, out)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.envelope.finish(out)
    }
}

/// What answers say of each column.
pub(crate) fn describe_columns(schema: &SchemaRef) -> Vec<Value> {
    schema.fields().iter().map(|field| describe(field)).collect()
}

/// What the answer says of a column.
pub(super) fn describe(field: &Field) -> Value {
    const SAID: [&str; 8] = [
        "unit",
        PUT_TOGETHER_KEY,
        "title",
        "description",
        "role",
        "interval",
        "label",
        "quality_of",
    ];
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
pub(super) fn type_word(data_type: &DataType) -> &'static str {
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
        let keys = schema.fields().iter().map(|field| key(field.name()));
        Self { keys: keys.collect(), buffer: Vec::new() }
    }

    pub(super) fn write(
        &mut self,
        columns: &mut [Part<'_>],
        row: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), QueryError> {
        out.push(b'{');
        for (place, (key, column)) in self.keys.iter().zip(columns).enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            column.write(row, &mut self.buffer, out)?;
        }
        out.push(b'}');
        Ok(())
    }
}

/// The columns of a batch, ready to be written row by row.
pub(super) fn columns(batch: &RecordBatch) -> Result<Vec<Part<'_>>, QueryError> {
    batch.columns().iter().map(|column| Part::new(column.as_ref())).collect()
}

/// A column, or what is inside of one.
pub(super) enum Part<'a> {
    Cells(Column<'a>),
    List(&'a dyn Array),
    Object(&'a StructArray, Vec<(Vec<u8>, Part<'a>)>),
}

impl<'a> Part<'a> {
    fn new(column: &'a dyn Array) -> Result<Self, QueryError> {
        Ok(match column.data_type() {
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                Self::List(column)
            }
            DataType::Struct(fields) => {
                let whole = column.as_struct();
                let parts = fields
                    .iter()
                    .zip(whole.columns())
                    .map(|(field, part)| Ok((key(field.name()), Self::new(part.as_ref())?)));
                Self::Object(whole, parts.collect::<Result<_, QueryError>>()?)
            }
            _ => Self::Cells(Column::new(column)?),
        })
    }

    fn write(
        &mut self,
        row: usize,
        buffer: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), QueryError> {
        match self {
            Self::Cells(column) => write_cell(column, row, buffer, out)?,
            Self::List(column) if column.is_null(row) => out.extend_from_slice(b"null"),
            Self::List(column) => {
                let list = match column.data_type() {
                    DataType::List(_) => column.as_list::<i32>().value(row),
                    DataType::LargeList(_) => column.as_list::<i64>().value(row),
                    _ => column.as_fixed_size_list().value(row),
                };
                let mut elements = Part::new(list.as_ref())?;
                out.push(b'[');
                for element in 0..list.len() {
                    if element > 0 {
                        out.push(b',');
                    }
                    elements.write(element, buffer, out)?;
                }
                out.push(b']');
            }
            Self::Object(whole, _) if whole.is_null(row) => out.extend_from_slice(b"null"),
            Self::Object(_, parts) => {
                out.push(b'{');
                for (place, (key, part)) in parts.iter_mut().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(key);
                    part.write(row, buffer, out)?;
                }
                out.push(b'}');
            }
        }
        Ok(())
    }
}

/// A name as an object has it, with the colon.
fn key(name: &str) -> Vec<u8> {
    let mut key = Value::from(name).to_string().into_bytes();
    key.push(b':');
    key
}

fn write_cell(
    column: &mut Column<'_>,
    row: usize,
    buffer: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), QueryError> {
    match column.read(row, buffer)? {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::Bare => out.extend_from_slice(buffer),
        Cell::Text(text) => write_text(text, out)?,
        Cell::Word => {
            out.push(b'"');
            out.extend_from_slice(buffer);
            out.push(b'"');
        }
        Cell::Other => write_text(&String::from_utf8_lossy(buffer), out)?,
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), QueryError> {
    // Most texts need no escaping; those that do are left to the library.
    if text.bytes().any(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        return serde_json::to_writer(out, text).map_err(QueryError::internal);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn texts_are_as_the_library_writes_them(text in "\\PC*|[\\x00-\\x7f]*") {
            let mut out = Vec::new();
            write_text(&text, &mut out).unwrap();
            proptest::prop_assert_eq!(String::from_utf8(out).unwrap(), Value::from(text).to_string());
        }
    }
}
