//! CSV for spreadsheet programs: UTF-8 with a mark, CRLF, and no cell that would run as a formula.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use crate::conform::number::parse_number;

/// Writes rows of cells.
#[derive(Debug)]
pub(crate) struct SheetWriter<W: Write> {
    out: W,
    begun: bool,
}

impl<W: Write> SheetWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, begun: false }
    }

    pub(crate) fn row<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
        if !self.begun {
            self.out.write_all("\u{FEFF}".as_bytes())?;
            self.begun = true;
        }
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                self.out.write_all(b",")?;
            }
            let cell = harmless(cell);
            if cell.contains([',', '"', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ')
            {
                write!(self.out, "\"{}\"", cell.replace('"', "\"\""))?;
            } else {
                self.out.write_all(cell.as_bytes())?;
            }
        }
        self.out.write_all(b"\r\n")
    }

    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.begun {
            self.out.write_all("\u{FEFF}".as_bytes())?;
        }
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A cell that a spreadsheet program shows and does not run: one that would begin a formula gets an
/// apostrophe before it, unless it is a number or a mark of dashes.
fn harmless(cell: &str) -> Cow<'_, str> {
    let starts = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let is_plain =
        || parse_number(cell.as_bytes()).is_ok() || cell.chars().all(|c| matches!(c, '-' | '－'));
    if starts && !is_plain() { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_shown_and_numbers_stay_numbers() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+81-123", "'+81-123"),
            ("-2.5", "-2.5"),
            ("-1e3", "-1e3"),
            ("---", "---"),
            ("-1+1|cmd", "'-1+1|cmd"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("水位", "水位"),
        ] {
            assert_eq!(harmless(cell), written, "{cell}");
        }
        let mut sheet = SheetWriter::new(Vec::new());
        sheet.row(["a,b", "c\"d", "-1", ""].into_iter()).unwrap();
        let written = String::from_utf8(sheet.finish().unwrap()).unwrap();
        assert_eq!(written, "\u{FEFF}\"a,b\",\"c\"\"d\",-1,\r\n");
    }
}
