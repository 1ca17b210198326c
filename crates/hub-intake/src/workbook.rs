//! Excel workbooks: which of their sheets holds the table, and that sheet's rows as people see them.
//!
//! An `.xlsx` is read as a stream, so that half a million rows take no more memory than the texts that
//! they share; an `.xls`, which holds at most 65,536 rows, is held as numbers and places. Both readers are
//! our own, because a sheet's number formats (which alone tell a day from a number), its merged cells and
//! hard limits on what a stranger's file may unpack to are needed while the cells are streamed.

mod archive;
mod book;
mod mark;
mod merges;
mod number;
mod sheet;
mod shown;
#[cfg(test)]
pub(crate) mod tests;
mod unpack;
mod xls;
mod xlsx;
mod xml;

use std::{fs::File, sync::Arc};

use hub_model::{LayoutReport, Text};

pub use self::mark::mark_workbook;

use self::{
    archive::{Archive, Source},
    book::{Book, Sheet},
    merges::{Merges, Range},
    sheet::{SheetCells, SheetRows},
    xls::{XlsBook, XlsCells},
    xlsx::{XlsxCells, merged_ranges},
};
use crate::{
    Format, IntakeError,
    rows::{Row, Rows},
    show::show_text,
};

/// How many rows of a sheet are looked at for a table.
const LOOKED_AT: usize = 200;

/// How many sheets are looked at, and how many names a note lists.
const SHEETS_LOOKED_AT: usize = 200;
const NAMED: usize = 10;

#[derive(Debug)]
enum Contents {
    Xlsx(Book),
    Xls(XlsBook),
}

/// A workbook of which the sheet is chosen.
#[derive(Debug)]
pub(crate) struct Workbook {
    contents: Contents,
    /// The names of all of its sheets.
    names: Vec<String>,
    sheet: Sheet,
    merged: Vec<Range>,
    notes: Vec<Text>,
}

/// Which workbook a file is, told by what its archive holds and not by its name.
pub(crate) fn kind(file: &File, head: &[u8]) -> Option<Format> {
    if head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) {
        return Some(Format::Xls);
    }
    if !head.starts_with(b"PK\x03\x04") {
        return None;
    }
    let archive = Archive::open(Source::File(Arc::new(file.try_clone().ok()?))).ok()?;
    let main = book::main_part(&archive).ok()?;
    let is_sheets = archive.has(&main) && !main.ends_with(".bin") && archive.has_folder("xl/");
    is_sheets.then_some(Format::Xlsx)
}

/// How much of a table a sheet's beginning looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    Nothing,
    Something,
    Table,
}

impl Workbook {
    /// Opens a workbook and chooses its sheet: the one asked for by name or by number from 1, or else the
    /// first that holds a table.
    pub(crate) fn open(
        file: File,
        format: Format,
        asked: Option<&str>,
    ) -> Result<Arc<Self>, IntakeError> {
        let file = Arc::new(file);
        let (contents, sheets) = if format == Format::Xls {
            let book = XlsBook::open(file)?;
            let sheets = book.sheets.clone();
            (Contents::Xls(book), sheets)
        } else {
            let book = Book::open(Source::File(file))?;
            let sheets = book.sheets.clone();
            (Contents::Xlsx(book), sheets)
        };
        let sheet = sheets.first().cloned().ok_or_else(|| no_table(&sheets))?;
        let names = sheets.iter().map(|sheet| show_text(&sheet.name)).collect();
        let (merged, notes) = (Vec::new(), Vec::new());
        let workbook = Arc::new(Self { contents, names, sheet, merged, notes });
        let (chosen, notes) = match asked.map(str::trim).filter(|asked| !asked.is_empty()) {
            Some(asked) => (by_name(&sheets, asked)?, hidden_notes(&sheets, asked)),
            None => workbook.choose(&sheets)?,
        };
        let sheet = sheets[chosen].clone();
        let merged = workbook.merged(&sheet)?;
        let Some(workbook) = Arc::into_inner(workbook) else {
            return Err(IntakeError::Internal("a workbook's reader was kept".to_owned()));
        };
        Ok(Arc::new(Self { sheet, merged, notes, ..workbook }))
    }

    /// The names of the sheets, in the order of the workbook.
    pub(crate) fn sheets(&self) -> Vec<String> {
        self.names.clone()
    }

    /// The chosen sheet's rows from the first.
    pub(crate) fn rows(self: &Arc<Self>) -> Result<Box<dyn Rows>, IntakeError> {
        let layout = LayoutReport {
            sheet: Some(show_text(&self.sheet.name)),
            notes: self.notes.clone(),
            ..LayoutReport::default()
        };
        let merges = Merges::new(self.merged.clone())?;
        let cells: Box<dyn SheetCells> = match &self.contents {
            Contents::Xlsx(book) => {
                Box::new(XlsxCells::new(Arc::clone(self), book.whole_sheet(&self.sheet)?))
            }
            Contents::Xls(_) => self.cells(&self.sheet)?,
        };
        Ok(Box::new(SheetRows::new(cells, merges, layout)))
    }

    fn book(&self) -> Result<&Book, IntakeError> {
        match &self.contents {
            Contents::Xlsx(book) => Ok(book),
            Contents::Xls(_) => Err(IntakeError::Internal("not an xlsx workbook".to_owned())),
        }
    }

    /// The cells of a sheet of which only the beginning may be read.
    fn cells(self: &Arc<Self>, sheet: &Sheet) -> Result<Box<dyn SheetCells>, IntakeError> {
        Ok(match &self.contents {
            Contents::Xlsx(book) => Box::new(XlsxCells::new(Arc::clone(self), book.sheet(sheet)?)),
            Contents::Xls(book) => Box::new(XlsCells::read(book, sheet)?.0),
        })
    }

    fn merged(&self, sheet: &Sheet) -> Result<Vec<Range>, IntakeError> {
        match &self.contents {
            Contents::Xlsx(book) => match book.archive.part(&sheet.part)? {
                Some(part) => merged_ranges(part),
                None => Ok(Vec::new()),
            },
            Contents::Xls(book) => Ok(XlsCells::read(book, sheet)?.1),
        }
    }

    fn holds(self: &Arc<Self>, sheet: &Sheet) -> Result<Holds, IntakeError> {
        let mut cells = self.cells(sheet)?;
        let mut row = Row::default();
        let (mut filled, mut wide) = (0, 0);
        for _ in 0..LOOKED_AT {
            if !cells.next(&mut row)? {
                break;
            }
            let cells = row.cells().filter(|cell| !cell.is_empty()).take(2).count();
            filled += usize::from(cells > 0);
            wide += usize::from(cells > 1);
            if wide > 1 {
                return Ok(Holds::Table);
            }
        }
        // A table of one column is a list, which a note is too.
        Ok(if filled > 0 { Holds::Something } else { Holds::Nothing })
    }

    fn choose(self: &Arc<Self>, sheets: &[Sheet]) -> Result<(usize, Vec<Text>), IntakeError> {
        let mut held = Vec::new();
        for (index, sheet) in sheets.iter().enumerate().take(SHEETS_LOOKED_AT) {
            if !sheet.hidden {
                held.push((index, self.holds(sheet)?));
            }
        }
        let found =
            |wanted| held.iter().find(|(_, holds)| *holds == wanted).map(|(index, _)| *index);
        let chosen = found(Holds::Table)
            .or_else(|| found(Holds::Something))
            .ok_or_else(|| no_table(sheets))?;
        let mut notes = Vec::new();
        let name = show_text(&sheets[chosen].name);
        let others: Vec<&Sheet> = held
            .iter()
            .filter(|(index, holds)| *index != chosen && *holds > Holds::Nothing)
            .map(|(index, _)| &sheets[*index])
            .collect();
        if !others.is_empty() {
            let others = list(&others);
            notes.push(Text::new(
                format!(
                    "シート「{name}」を読みました。ほかのシート（{others}）を読むには、シートの名前か番号を指定してください"
                ),
                format!(
                    "the sheet {name:?} was read; to read another one ({others}), give its name or number"
                ),
            ));
        }
        notes.extend(hidden_notes(sheets, ""));
        Ok((chosen, notes))
    }
}

/// The sheet that was asked for.
fn by_name(sheets: &[Sheet], asked: &str) -> Result<usize, IntakeError> {
    let fold = |name: &str| -> String {
        use unicode_normalization::UnicodeNormalization;
        name.nfkc().flat_map(char::to_lowercase).collect::<String>().trim().to_owned()
    };
    let by_name = sheets
        .iter()
        .position(|sheet| sheet.name == asked)
        .or_else(|| sheets.iter().position(|sheet| fold(&sheet.name) == fold(asked)));
    let by_number = || {
        let number: usize = asked.parse().ok()?;
        number.checked_sub(1).filter(|index| *index < sheets.len())
    };
    by_name.or_else(by_number).ok_or_else(|| {
        let asked = show_text(asked);
        let names = list(&sheets.iter().collect::<Vec<_>>());
        IntakeError::unreadable(
            format!("「{asked}」というシートはありません。あるのは {names} です"),
            format!("there is no sheet {asked:?}; there are {names}"),
        )
    })
}

fn hidden_notes(sheets: &[Sheet], asked: &str) -> Vec<Text> {
    let hidden: Vec<&Sheet> =
        sheets.iter().filter(|sheet| sheet.hidden && sheet.name != asked).collect();
    if hidden.is_empty() {
        return Vec::new();
    }
    let names = list(&hidden);
    vec![Text::new(
        format!("表示されていないシート（{names}）は読んでいません"),
        format!("hidden sheets ({names}) were not read"),
    )]
}

fn list(sheets: &[&Sheet]) -> String {
    let mut names: Vec<String> =
        sheets.iter().take(NAMED).map(|sheet| show_text(&sheet.name)).collect();
    if sheets.len() > NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}

fn no_table(sheets: &[Sheet]) -> IntakeError {
    let hidden: Vec<&Sheet> = sheets.iter().filter(|sheet| sheet.hidden).collect();
    if hidden.is_empty() {
        return IntakeError::unreadable(
            "ブックのどのシートにも何も書かれていません。保存が終わっているかを確かめて、もう一度送ってください",
            "no sheet of the workbook has anything in it; check that it was saved and send it again",
        );
    }
    let names = list(&hidden);
    IntakeError::unreadable(
        format!(
            "表示されているシートには何も書かれていません。表示されていないシート（{names}）を読むには、シートの名前を指定してください"
        ),
        format!(
            "no visible sheet has anything in it; to read a hidden one ({names}), give its name"
        ),
    )
}
