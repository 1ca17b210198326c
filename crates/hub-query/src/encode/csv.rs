//! CSV by RFC 4180: a header, CRLF, quotes where needed. A missing value is an empty cell, an empty text
//! is `""`. A text that a spreadsheet would run as a formula gets an apostrophe in front.

use arrow::{array::RecordBatch, datatypes::SchemaRef};

use super::{
    Encoder,
    cell::{Cell, Column},
};
use crate::error::QueryError;

pub(super) struct Csv {
    schema: SchemaRef,
    byte_order_mark: bool,
    buffer: Vec<u8>,
}

impl Csv {
    pub(super) fn new(schema: SchemaRef, byte_order_mark: bool) -> Self {
        Self { schema, byte_order_mark, buffer: Vec::new() }
    }
}

impl Encoder for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if self.byte_order_mark {
            out.extend_from_slice("\u{FEFF}".as_bytes());
        }
        for (place, field) in self.schema.fields().iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            write_text(field.name(), out);
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let columns = batch.columns().iter().map(|column| Column::new(column.as_ref()));
        let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
        let alone = columns.len() == 1;
        for row in 0..batch.num_rows() {
            for (place, column) in columns.iter_mut().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                match column.read(row, &mut self.buffer)? {
                    // A line of one empty cell would be an empty line, which readers skip.
                    Cell::Null if alone => out.extend_from_slice(b"\"\""),
                    Cell::Null => {}
                    Cell::Bare | Cell::Word => out.extend_from_slice(&self.buffer),
                    Cell::Text(text) => write_text(text, out),
                    Cell::Other => write_text(&String::from_utf8_lossy(&self.buffer), out),
                }
            }
            out.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), QueryError> {
        Ok(())
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    let defused = is_formula(text);
    let bytes = text.as_bytes();
    let quoted = bytes.is_empty()
        || bytes.iter().any(|b| matches!(b, b'"' | b',' | b'\r' | b'\n'))
        || bytes.first() == Some(&b' ')
        || bytes.last() == Some(&b' ');
    if !quoted && !defused {
        out.extend_from_slice(bytes);
        return;
    }
    if quoted {
        out.push(b'"');
    }
    if defused {
        out.push(b'\'');
    }
    if quoted {
        for byte in text.bytes() {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// Whether a spreadsheet would take the text for a formula. A signed number is none.
fn is_formula(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    match first {
        '=' | '@' | '\t' | '\r' | '\n' | '＝' | '＠' => true,
        '+' | '-' | '＋' | '－' => {
            !text[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit() || c == '.')
                || text.parse::<f64>().is_err()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_negative_numbers_are_not() {
        for text in ["=1+1", "@SUM(A1)", "+cmd", "-2+3", "\t=1", "\r=1", "-inf", "＝1"] {
            assert!(is_formula(text), "{text:?}");
        }
        for text in ["-3.5", "+81", "-1e-3", "0050", "余市", "a=b", ""] {
            assert!(!is_formula(text), "{text:?}");
        }
    }
}
