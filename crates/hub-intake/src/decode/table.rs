//! A table somewhere in a file's rows: titles above it, headings over several rows, notes below it.
//!
//! Rows that are no data are left out and counted with examples; rows that sum up others stay and are
//! warned of. Text whose rows are all data of one width is never made rows of cells one by one: a file
//! that is nothing but its heading and such rows takes the plain path, and one with titles or a foot
//! the same path between them.

mod footed;
mod rows;
mod sieve;
#[cfg(test)]
mod tests;

use std::io::{Read, Seek, SeekFrom};

use hub_model::{LayoutReport, MAX_FIELDS};

use super::{Decode, Understood, csv::CsvDecoder, headings};
use crate::{
    IntakeError, IntakeOptions, Recognised,
    dialect::{Delimiter, Dialect},
    rows::{Ahead, Row, Rows, TextRows},
    table::{self, Found, Kind},
};
use footed::FootedDecoder;
use rows::TableDecoder;
use sieve::Sieve;

/// How much of a file's end is looked at for notes, and how many rows a foot has at most.
const FOOT_BYTES: u64 = 64 << 10;
const FOOT_ROWS: usize = 60;

/// Opens a file of rows: by the fast path where its table is plain.
pub(crate) fn open(
    recognised: &Recognised,
    options: &IntakeOptions,
) -> Result<Box<dyn Decode>, IntakeError> {
    let mut rows = Ahead::new(recognised.rows()?);
    let asked = recognised.header_rows();
    let is_text = recognised.format().is_text();
    let dialect = recognised.dialect();
    let may_be_fast = is_text && matches!(dialect.delimiter, Delimiter::Byte(_));
    let plain = || -> Result<Box<dyn Decode>, IntakeError> {
        Ok(Box::new(CsvDecoder::open(recognised.text()?, recognised.encoding(), dialect, options)?))
    };
    let head = match rows.peek(table::LOOKED_AT) {
        Ok(head) => head,
        // The plain path says best what is wrong with such a file.
        Err(IntakeError::UnreadableFile { .. } | IntakeError::TooLarge { .. })
            if may_be_fast && asked.is_none() =>
        {
            return plain();
        }
        Err(error) => return Err(error),
    };
    let found = match table::find(head, asked) {
        Err(_) if may_be_fast && asked.is_none() && is_beyond_search(head) => return plain(),
        found => found?,
    };
    let is_even = may_be_fast && is_even_below(head, &found);
    if is_even && found.is_plain && asked.is_none() && has_plain_foot(recognised, &found)? {
        return plain();
    }
    let is_fast = is_even && (found.is_plain || has_one_width(head, &found));
    // The look at the foot has moved the file's position.
    let rows = if is_text { Ahead::new(recognised.rows()?) } else { rows };
    Ok(if is_fast {
        Box::new(FootedDecoder::new(recognised, rows, found, options)?)
    } else {
        Box::new(TableDecoder::new(recognised, rows, found, options)?)
    })
}

/// Whether the plain path says better what is wrong: there is nothing, or more than a table can have.
fn is_beyond_search(head: &[Row]) -> bool {
    head.iter().all(|row| row.len() == 0) || head.iter().any(|row| row.len() > MAX_FIELDS)
}

/// Whether every column of the file is one of the table's, and every row looked at has one cell for each.
fn has_one_width(head: &[Row], found: &Found) -> bool {
    found.columns.len() == found.width
        && head[found.before_data..]
            .iter()
            .all(|row| matches!(row.len(), 0) || row.len() == found.width)
}

/// Whether the rows looked at are all data.
fn is_even_below(head: &[Row], found: &Found) -> bool {
    head[found.before_data..].iter().all(|row| {
        // Rows of another width are told as such, and blank lines are passed over.
        !matches!(
            table::classify(row, found.width, &found.headings),
            Kind::Note | Kind::Heading | Kind::Total
        )
    })
}

/// Whether the file's last rows are data like the others.
fn has_plain_foot(recognised: &Recognised, found: &Found) -> Result<bool, IntakeError> {
    let mut file = recognised.file()?;
    let length = file.seek(SeekFrom::End(0))?;
    // Two bytes make a character of UTF-16.
    let start = length.saturating_sub(FOOT_BYTES) & !1;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(FOOT_BYTES + 1).read_to_end(&mut bytes)?;
    let text = recognised.encoding().glance(&bytes);
    let lines: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).collect();
    // The first line is cut, or the heading.
    let lines = &lines[..lines.len().saturating_sub(1).min(FOOT_ROWS)];
    let mut rows = Vec::new();
    for line in lines {
        // Each line by itself: a quote that spans lines must not swallow the rest.
        let line = std::io::Cursor::new(format!("{line}\n").into_bytes());
        let mut row = Row::default();
        if TextRows::new(Box::new(line), recognised.dialect()).next_row(&mut row).is_ok() {
            rows.push(row);
        }
    }
    Ok(!table::looks_like_foot(&rows, found.width))
}

/// What was found of the file as a whole.
fn layout(recognised: &Recognised, found: &Found, rows: &Ahead) -> Understood {
    let is_text = recognised.format().is_text();
    let dialect = recognised.dialect();
    let within = rows.layout();
    let mut notes = within.notes.clone();
    notes.extend(found.notes.iter().cloned());
    let layout = LayoutReport {
        delimiter: (is_text && dialect != Dialect::COMMAS).then(|| dialect.name()),
        quote: dialect.quote_name(),
        header_rows: Some(found.header_rows),
        notes,
        ..within
    };
    let encoding = is_text.then(|| recognised.encoding().name().to_owned());
    Understood { encoding, layout: Some(layout) }
}

/// Takes the rows above the data, and gives what the data goes through.
fn below(recognised: &Recognised, rows: &mut Ahead, found: Found) -> Result<Sieve, IntakeError> {
    if found.columns.iter().any(|column| table::is_undecodable(&column.name)) {
        return Err(headings::undecodable(recognised.encoding()));
    }
    let (above, before_data) = (found.above, found.before_data);
    let mut sieve = Sieve::new(found, recognised.format().is_text());
    let mut row = Row::default();
    for index in 0..before_data {
        if !rows.next_row(&mut row)? {
            break;
        }
        // A title that can't be read may be the heading in another encoding.
        if row.cells().any(table::is_undecodable) {
            return Err(headings::undecodable(recognised.encoding()));
        }
        if index < above {
            sieve.leave_out(&row);
        }
    }
    Ok(sieve)
}
