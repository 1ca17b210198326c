//! The cells of an `.xlsx` sheet as rows of text, read once from its first row to its last. A formula's
//! cell is what it was when the book was saved; nothing is calculated.

mod plain;

use std::{io::Read, sync::Arc};

use super::{
    Workbook,
    archive::{Part, part_error},
    book::{Book, read_rich, undo_escapes},
    merges::Range,
    number,
    sheet::{MAX_COLUMNS, MAX_ROW_BYTES, MAX_ROWS, SheetCells, row_too_long},
    shown::Shown,
    xml::{Token, Xml, unescape},
};
use crate::{IntakeError, decode::damaged, rows::Row};

/// A sheet's cells.
pub(crate) struct XlsxCells {
    workbook: Arc<Workbook>,
    xml: Xml<Box<dyn Read + Send>>,
    begun: bool,
    ended: bool,
    number: u64,
    value: String,
}

/// How a cell's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Shared,
    Text,
    Boolean,
    Date,
    /// An error, or something unknown: shown as it is.
    Raw,
}

impl XlsxCells {
    pub(crate) fn new(workbook: Arc<Workbook>, xml: Xml<Box<dyn Read + Send>>) -> Self {
        Self { workbook, xml, begun: false, ended: false, number: 0, value: String::new() }
    }

    /// Goes to the first row.
    fn begin(&mut self) -> Result<(), IntakeError> {
        self.begun = true;
        loop {
            match self.xml.next()? {
                Token::Open(tag) if tag.name == b"sheetData" => {
                    self.ended = tag.empty;
                    return Ok(());
                }
                Token::End => return Err(damaged("a sheet has no cells")),
                _ => {}
            }
        }
    }

    fn row(&mut self, book: &Book, row: &mut Row) -> Result<(), IntakeError> {
        let mut next = 0;
        loop {
            if let Some(cell) = plain::take(self.xml.window()) {
                let column = place(cell.reference, &mut next)?;
                if let Some(raw) = cell.value {
                    row.put(column, |out| write(book, cell.style, cell.kind, raw, out))?;
                    check_length(row)?;
                }
                let length = cell.length;
                self.xml.advance(length);
                continue;
            }
            match self.xml.next()? {
                Token::Open(tag) if tag.name == b"c" => {
                    let (mut reference, mut style, mut kind) = (None, 0, Kind::Number);
                    for (name, value) in tag.attributes() {
                        match name {
                            b"r" => reference = Some(value),
                            b"s" => style = lexical_core::parse(value).unwrap_or(0),
                            b"t" => kind = kind_of(value),
                            _ => {}
                        }
                    }
                    let column = place(reference, &mut next)?;
                    if tag.empty {
                        continue;
                    }
                    self.cell(book, style, kind)?;
                    row.put(column, |out| {
                        out.push_str(&self.value);
                        Ok(())
                    })?;
                    check_length(row)?;
                }
                Token::Open(tag) if !tag.empty => self.xml.skip()?,
                Token::Close(b"row") => return Ok(()),
                Token::End => return Err(damaged("a sheet ends within a row")),
                _ => {}
            }
        }
    }

    /// Puts the text of a cell into `value`.
    fn cell(&mut self, book: &Book, style: usize, kind: Kind) -> Result<(), IntakeError> {
        self.value.clear();
        let mut formula = None;
        let mut valued = false;
        loop {
            match self.xml.next()? {
                Token::Open(tag) if tag.name == b"v" => {
                    valued = true;
                    if !tag.empty && kind != Kind::Text {
                        self.plain_value(book, style, kind)?;
                    } else if !tag.empty {
                        self.xml.text(&mut self.value)?;
                        undo_escapes(&mut self.value, 0);
                    }
                }
                Token::Open(tag) if tag.name == b"is" => {
                    valued = true;
                    if !tag.empty {
                        read_rich(&mut self.xml, &mut self.value)?;
                    }
                }
                Token::Open(tag) if tag.name == b"f" => {
                    let empty = tag.empty;
                    let text = formula.insert(String::from("="));
                    if !empty {
                        self.xml.text(text)?;
                    }
                }
                Token::Open(tag) if !tag.empty => self.xml.skip()?,
                Token::Close(b"c") => break,
                Token::End => return Err(damaged("a sheet ends within a cell")),
                _ => {}
            }
        }
        // A formula that was never calculated has no value, which is not the same as an empty cell.
        if let Some(formula) = formula.filter(|_| !valued) {
            self.value = formula;
        }
        Ok(())
    }

    /// Reads what stands within `v` where that is not text.
    fn plain_value(&mut self, book: &Book, style: usize, kind: Kind) -> Result<(), IntakeError> {
        loop {
            match self.xml.next()? {
                Token::Text(raw) | Token::Verbatim(raw) => {
                    write(book, style, kind, raw, &mut self.value)?;
                }
                Token::Close(b"v") => return Ok(()),
                Token::Open(tag) if !tag.empty => self.xml.skip()?,
                Token::End => return Err(damaged("a sheet ends within a value")),
                _ => {}
            }
        }
    }
}

impl SheetCells for XlsxCells {
    fn next(&mut self, row: &mut Row) -> Result<bool, IntakeError> {
        if !self.begun {
            self.begin()?;
        }
        while !self.ended {
            match self.xml.next()? {
                Token::Open(tag) if tag.name == b"row" => {
                    let number = match tag.raw(b"r") {
                        Some(raw) => {
                            lexical_core::parse(raw).map_err(|_| damaged("a row has no number"))?
                        }
                        None => self.number + 1,
                    };
                    let empty = tag.empty;
                    if number <= self.number || number > MAX_ROWS {
                        return Err(damaged("a sheet's rows are out of order or out of range"));
                    }
                    self.number = number;
                    row.restart(number);
                    if !empty {
                        let workbook = Arc::clone(&self.workbook);
                        self.row(workbook.book()?, row)?;
                    }
                    return Ok(true);
                }
                Token::Open(tag) if !tag.empty => self.xml.skip()?,
                Token::Close(b"sheetData") => self.ended = true,
                Token::End => return Err(damaged("a sheet ends before its cells do")),
                _ => {}
            }
        }
        Ok(false)
    }
}

/// The column of the next cell, from 0: the one that it names, or the one after the last.
fn place(reference: Option<&[u8]>, next: &mut u32) -> Result<usize, IntakeError> {
    let column = reference.map_or(Ok(*next), column_of)?;
    if column < *next {
        return Err(damaged("a row's cells are out of order"));
    }
    if column >= MAX_COLUMNS {
        return Err(damaged("a row has more cells than a sheet has columns"));
    }
    *next = column + 1;
    Ok(column as usize)
}

fn check_length(row: &Row) -> Result<(), IntakeError> {
    if row.bytes() > MAX_ROW_BYTES { Err(row_too_long(row.number())) } else { Ok(()) }
}

/// Adds what a cell shows of a value that is written like this.
fn write(
    book: &Book,
    style: usize,
    kind: Kind,
    raw: &[u8],
    out: &mut String,
) -> Result<(), IntakeError> {
    let shown = || book.formats.get(style).copied().unwrap_or(Shown::Number);
    match (kind, std::str::from_utf8(raw)) {
        (Kind::Number, Ok(text)) if !text.trim_ascii().is_empty() => {
            number::write(text.trim_ascii(), shown(), book.epoch, out);
        }
        (Kind::Number, Ok(_)) => {}
        (Kind::Shared, Ok(text)) => {
            let text = text.trim().parse().ok().and_then(|index| book.texts.get(index));
            out.push_str(text.ok_or_else(|| damaged("a text is missing"))?);
        }
        (Kind::Boolean, Ok(text)) => out.push_str(match text.trim() {
            "1" => "true",
            "0" => "false",
            other => other,
        }),
        (Kind::Date, Ok(text)) => out.push_str(number::iso(text.trim(), shown())),
        _ => unescape(raw, out),
    }
    Ok(())
}

fn kind_of(raw: &[u8]) -> Kind {
    match raw {
        b"n" => Kind::Number,
        b"s" => Kind::Shared,
        b"str" | b"inlineStr" => Kind::Text,
        b"b" => Kind::Boolean,
        b"d" => Kind::Date,
        _ => Kind::Raw,
    }
}

/// The column of a cell such as `AB12`, from 0.
pub(crate) fn column_of(reference: &[u8]) -> Result<u32, IntakeError> {
    let mut column = 0u32;
    for byte in reference.iter().take_while(|byte| byte.is_ascii_alphabetic()).take(4) {
        column = column * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1;
    }
    match column {
        1..=MAX_COLUMNS => Ok(column - 1),
        _ => Err(damaged("a cell has no place that a sheet has")),
    }
}

/// A cell or a range such as `A1:C3`.
pub(crate) fn range_of(reference: &[u8]) -> Result<Range, IntakeError> {
    let (first, last) = match memchr::memchr(b':', reference) {
        Some(at) => (&reference[..at], &reference[at + 1..]),
        None => (reference, reference),
    };
    let row = |reference: &[u8]| {
        let digits = reference.iter().position(u8::is_ascii_digit).unwrap_or(reference.len());
        lexical_core::parse::<u32>(&reference[digits..])
            .ok()
            .filter(|row| (1..=MAX_ROWS).contains(&u64::from(*row)))
            .ok_or_else(|| damaged("a cell has no place that a sheet has"))
    };
    Ok(Range {
        top: row(first)?,
        left: column_of(first)?,
        bottom: row(last)?,
        right: column_of(last)?,
    })
}

/// The sheet's merged ranges, which stand behind its cells. Reads the sheet to its end and so checks it.
pub(crate) fn merged_ranges(mut part: Part) -> Result<Vec<Range>, IntakeError> {
    const MARK: &[u8] = b"mergeCells";
    let finder = memchr::memmem::Finder::new(MARK);
    let mut buffer = vec![0; 256 << 10];
    let mut kept = 0;
    let rest = loop {
        let read = match part.read(&mut buffer[kept..]) {
            Ok(0) => return Ok(Vec::new()),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(part_error(error)),
        };
        let window = &buffer[..kept + read];
        let tag =
            finder.find_iter(window).find(|at| *at > 0 && matches!(window[*at - 1], b'<' | b':'));
        if let Some(at) = tag {
            break window[at..].to_vec();
        }
        // The mark may be cut in two, and what stands before it is looked at too.
        let tail = window.len().saturating_sub(MARK.len() + 1);
        let end = window.len();
        kept = end - tail;
        buffer.copy_within(tail..end, 0);
    };
    let mut xml = Xml::new(Read::chain(&b"<"[..], Read::chain(rest.as_slice(), part)));
    let mut ranges = Vec::new();
    loop {
        match xml.next()? {
            Token::Open(tag) if tag.name == b"mergeCell" => {
                if let Some(reference) = tag.raw(b"ref") {
                    ranges.push(range_of(reference)?);
                }
                if ranges.len() > super::merges::MAX_RANGES {
                    break;
                }
            }
            Token::Close(MARK) | Token::End => break,
            _ => {}
        }
    }
    xml.finish()?;
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_places() {
        assert_eq!(column_of(b"A1").unwrap(), 0);
        assert_eq!(column_of(b"XFD9").unwrap(), 16_383);
        assert!(column_of(b"XFE1").is_err());
        assert!(column_of(b"ZZZZZZZ1").is_err());
        assert!(column_of(b"12").is_err());
        let range = range_of(b"B2:D4").unwrap();
        assert_eq!((range.top, range.left, range.bottom, range.right), (2, 1, 4, 3));
        assert!(range_of(b"B0").is_err());
        assert!(range_of(b"B1048577").is_err());
    }
}
