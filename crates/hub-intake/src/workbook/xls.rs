//! `.xls` workbooks of Excel 5 to 2003: records of a stream. A sheet's cells are held as numbers and
//! places, since such a sheet has 65,536 rows at most and its records need not be in order.

mod compound;
mod record;
mod strings;

use std::{collections::HashMap, fs::File, sync::Arc};

use compound::{Compound, u16_at, u32_at};
use record::{Records, kind};
use strings::Charset;

use super::{
    book::{Sheet, Texts},
    merges::{MAX_RANGES, Range},
    number::{self, Epoch},
    sheet::{MAX_ROW_BYTES, SheetCells, row_too_long},
    shown::{Shown, built_in, of_code},
};
use crate::{IntakeError, decode::damaged, rows::Row};

/// An `.xls` workbook.
#[derive(Debug)]
pub(crate) struct XlsBook {
    stream: Vec<u8>,
    charset: Charset,
    epoch: Epoch,
    formats: Vec<Shown>,
    texts: Arc<Texts>,
    pub(crate) sheets: Vec<Sheet>,
}

impl XlsBook {
    pub(crate) fn open(file: Arc<File>) -> Result<Self, IntakeError> {
        let compound = Compound::open(&file)?;
        if compound.has("EncryptedPackage") || compound.has("EncryptionInfo") {
            return Err(encrypted());
        }
        let stream = match compound.stream(&file, "Workbook")? {
            Some(stream) => Some(stream),
            None => compound.stream(&file, "Book")?,
        };
        let Some(stream) = stream else {
            return Err(IntakeError::unsupported(
                "ファイルは古い形式のWordかメールなどのようで、Excelのブックではありません。表をExcelかCSVで保存して送ってください",
                "the file is an old Word document, a mail or the like and no Excel workbook; save the table as a workbook or as CSV and send that",
            ));
        };
        drop(compound);
        let mut book = Self {
            stream,
            charset: Charset::Unicode,
            epoch: Epoch::Y1900,
            formats: Vec::new(),
            texts: Arc::default(),
            sheets: Vec::new(),
        };
        book.read_globals()?;
        Ok(book)
    }

    fn read_globals(&mut self) -> Result<(), IntakeError> {
        let mut codes: HashMap<u16, Shown> = HashMap::new();
        let mut formats = Vec::new();
        let mut sheets = Vec::new();
        let mut charset = Charset::Unicode;
        let mut begun = false;
        for record in Records(&self.stream) {
            let data = record.data;
            match record.kind {
                kind::BOF => {
                    begun = true;
                    charset = match u16_at(data, 0) {
                        0x0600 => Charset::Unicode,
                        0x0500 => Charset::CP932,
                        _ => return Err(too_old()),
                    };
                }
                _ if !begun => return Err(too_old()),
                kind::FILEPASS => return Err(encrypted()),
                kind::CODEPAGE => charset = charset.with_code_page(u16_at(data, 0)),
                kind::DATEMODE if u16_at(data, 0) == 1 => self.epoch = Epoch::Y1904,
                kind::FORMAT => {
                    let mut code = String::new();
                    charset.read(&data[2.min(data.len())..], &mut code);
                    codes.insert(u16_at(data, 0), of_code(&code));
                }
                kind::XF => formats.push(u16_at(data, 2)),
                kind::BOUNDSHEET => {
                    // Sheets of charts and of macros have no cells.
                    if data.get(5).copied() != Some(0) {
                        continue;
                    }
                    let mut name = String::new();
                    charset.read_short(&data[6.min(data.len())..], &mut name);
                    let hidden = data[4] & 3 != 0;
                    let offset = u64::from(u32_at(data, 0));
                    sheets.push(Sheet { name, part: String::new(), hidden, offset });
                }
                kind::SST => self.texts = Arc::new(strings::shared(record.pieces())?),
                kind::EOF => break,
                _ => {}
            }
        }
        self.charset = charset;
        self.formats = formats
            .into_iter()
            .map(|id| codes.get(&id).copied().unwrap_or_else(|| built_in(u32::from(id))))
            .collect();
        if sheets.is_empty() {
            return Err(damaged("it has no worksheet"));
        }
        self.sheets = sheets;
        Ok(())
    }
}

/// A cell of a sheet.
#[derive(Debug, Clone, Copy)]
struct Cell {
    row: u16,
    column: u16,
    value: Value,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    Number { value: f64, shown: Shown },
    Shared(u32),
    Own(u32),
    Boolean(bool),
    Error(u8),
}

/// A sheet's cells in order.
pub(crate) struct XlsCells {
    cells: std::vec::IntoIter<Cell>,
    next: Option<Cell>,
    shared: Arc<Texts>,
    own: Texts,
    epoch: Epoch,
    text: String,
}

impl XlsCells {
    /// A sheet's cells, and its merged ranges.
    pub(crate) fn read(book: &XlsBook, sheet: &Sheet) -> Result<(Self, Vec<Range>), IntakeError> {
        let mut reader = Reader { book, cells: Vec::new(), own: Texts::default(), ranges: vec![] };
        reader.read(sheet.offset)?;
        let Reader { mut cells, own, ranges, .. } = reader;
        // The sort keeps the order of records that are about the same cell: the last one counts.
        if !cells.is_sorted_by_key(|cell| (cell.row, cell.column)) {
            cells.sort_by_key(|cell| (cell.row, cell.column));
        }
        let mut cells = cells.into_iter();
        let next = cells.next();
        let (shared, epoch) = (Arc::clone(&book.texts), book.epoch);
        Ok((Self { cells, next, shared, own, epoch, text: String::new() }, ranges))
    }

    fn write(&mut self, cell: Cell) -> Result<(), IntakeError> {
        self.text.clear();
        match cell.value {
            Value::Number { value, shown } => {
                number::write_value(value, shown, self.epoch, &mut self.text);
            }
            Value::Shared(index) => {
                let text = self.shared.get(index as usize);
                self.text.push_str(text.ok_or_else(|| damaged("a text is missing"))?);
            }
            Value::Own(index) => self.text.push_str(self.own.get(index as usize).unwrap_or("")),
            Value::Boolean(value) => self.text.push_str(if value { "true" } else { "false" }),
            Value::Error(code) => self.text.push_str(error_text(code)),
        }
        Ok(())
    }
}

impl SheetCells for XlsCells {
    fn next(&mut self, row: &mut Row) -> Result<bool, IntakeError> {
        let Some(first) = self.next else { return Ok(false) };
        let number = u64::from(first.row) + 1;
        row.restart(number);
        while let Some(cell) = self.next.filter(|cell| cell.row == first.row) {
            self.next = self.cells.next();
            if self.next.is_some_and(|next| (next.row, next.column) == (cell.row, cell.column)) {
                continue;
            }
            self.write(cell)?;
            if self.text.is_empty() {
                continue;
            }
            (row.len()..usize::from(cell.column)).for_each(|_| row.push(""));
            row.push(&self.text);
            if row.bytes() > MAX_ROW_BYTES {
                return Err(row_too_long(number));
            }
        }
        Ok(true)
    }
}

struct Reader<'a> {
    book: &'a XlsBook,
    cells: Vec<Cell>,
    own: Texts,
    ranges: Vec<Range>,
}

impl Reader<'_> {
    fn read(&mut self, offset: u64) -> Result<(), IntakeError> {
        let start = usize::try_from(offset).ok().filter(|start| *start < self.book.stream.len());
        let start = start.ok_or_else(|| damaged("a sheet lies beyond its end"))?;
        let mut depth = 0usize;
        // The place of a formula whose text is in the next record.
        let mut waiting = None;
        for record in Records(&self.book.stream[start..]) {
            let data = record.data;
            match record.kind {
                kind::BOF => depth += 1,
                kind::EOF if depth <= 1 => break,
                kind::EOF => depth -= 1,
                // Charts within a sheet have cells of their own.
                _ if depth != 1 => {}
                kind::NUMBER => self.number(data, f64_at(data, 6)),
                kind::RK => self.number(data, rk(u32_at(data, 6))),
                kind::MULRK => self.numbers(data),
                kind::LABELSST => self.push(data, Value::Shared(u32_at(data, 6))),
                kind::LABEL | kind::RSTRING => {
                    let mut text = String::new();
                    self.book.charset.read(data.get(6..).unwrap_or_default(), &mut text);
                    self.own(place(data), &text)?;
                }
                kind::BOOLERR => {
                    let (value, is_error) = (byte(data, 6), byte(data, 7) != 0);
                    let value =
                        if is_error { Value::Error(value) } else { Value::Boolean(value != 0) };
                    self.push(data, value);
                }
                kind::FORMULA => {
                    waiting = None;
                    // A result that is no number has 0xFFFF where the number's exponent would be.
                    if u16_at(data, 12) != 0xFFFF {
                        self.number(data, f64_at(data, 6));
                        continue;
                    }
                    match byte(data, 6) {
                        0 => waiting = Some(place(data)),
                        1 => self.push(data, Value::Boolean(byte(data, 8) != 0)),
                        2 => self.push(data, Value::Error(byte(data, 8))),
                        _ => {}
                    }
                }
                kind::STRING => {
                    if let Some(place) = waiting.take() {
                        let mut text = String::new();
                        self.book.charset.read_pieces(record.pieces(), &mut text);
                        self.own(place, &text)?;
                    }
                }
                kind::MERGECELLS => self.merged(data)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn push(&mut self, data: &[u8], value: Value) {
        let (row, column) = place(data);
        self.cells.push(Cell { row, column, value });
    }

    fn number(&mut self, data: &[u8], value: f64) {
        let shown = self.shown(u16_at(data, 4));
        self.push(data, Value::Number { value, shown });
    }

    fn shown(&self, format: u16) -> Shown {
        self.book.formats.get(usize::from(format)).copied().unwrap_or(Shown::Number)
    }

    fn numbers(&mut self, data: &[u8]) {
        let (row, first) = place(data);
        let numbers = data.get(4..data.len().saturating_sub(2)).unwrap_or_default();
        for (column, six) in (first..=u16::MAX).zip(numbers.chunks_exact(6)) {
            let shown = self.shown(u16_at(six, 0));
            let value = Value::Number { value: rk(u32_at(six, 2)), shown };
            self.cells.push(Cell { row, column, value });
        }
    }

    fn own(&mut self, (row, column): (u16, u16), text: &str) -> Result<(), IntakeError> {
        let index = self.own.count() as u32;
        self.own.add(|out| {
            out.push_str(text);
            Ok(())
        })?;
        self.cells.push(Cell { row, column, value: Value::Own(index) });
        Ok(())
    }

    fn merged(&mut self, data: &[u8]) -> Result<(), IntakeError> {
        let count = usize::from(u16_at(data, 0));
        for eight in data.get(2..).unwrap_or_default().chunks_exact(8).take(count) {
            if self.ranges.len() > MAX_RANGES {
                return Err(damaged("it has too many merged cells"));
            }
            self.ranges.push(Range {
                top: u32::from(u16_at(eight, 0)) + 1,
                bottom: u32::from(u16_at(eight, 2)) + 1,
                left: u32::from(u16_at(eight, 4)),
                right: u32::from(u16_at(eight, 6)),
            });
        }
        Ok(())
    }
}

fn place(data: &[u8]) -> (u16, u16) {
    (u16_at(data, 0), u16_at(data, 2))
}

fn byte(data: &[u8], at: usize) -> u8 {
    data.get(at).copied().unwrap_or(0)
}

fn f64_at(data: &[u8], at: usize) -> f64 {
    data.get(at..)
        .and_then(<[u8]>::first_chunk)
        .map_or(f64::NAN, |eight| f64::from_le_bytes(*eight))
}

/// A number in four bytes: 30 bits of a whole number or of a float's head, possibly a hundredfold.
fn rk(packed: u32) -> f64 {
    let value = if packed & 2 != 0 {
        f64::from((packed as i32) >> 2)
    } else {
        f64::from_bits(u64::from(packed & !3) << 32)
    };
    if packed & 1 != 0 { value / 100.0 } else { value }
}

fn error_text(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0F => "#VALUE!",
        0x17 => "#REF!",
        0x1D => "#NAME?",
        0x24 => "#NUM!",
        0x2A => "#N/A",
        _ => "#ERROR!",
    }
}

fn encrypted() -> IntakeError {
    IntakeError::unsupported(
        "ブックにパスワードがかかっています。Excelで開き、「ファイル」→「情報」→「ブックの保護」でパスワードを外して保存してから送ってください",
        "the workbook has a password; open it in Excel, remove the password (File, Info, Protect Workbook), save it and send that",
    )
}

fn too_old() -> IntakeError {
    IntakeError::unsupported(
        "Excel 5.0より古い形式のブックです。Excelで開き、xlsx形式で保存し直してから送ってください",
        "the workbook is older than Excel 5.0; open it in Excel, save it as xlsx and send that",
    )
}
