//! An Excel workbook: the rows on the first sheet, where they come from on the second, what the columns are
//! on the third. Rows go to a temporary file as they come, and the workbook is packed once all are there;
//! so whatever is too large for a sheet is told before anything is sent.
//!
//! Every text is a cell of text, which no spreadsheet runs, and every number a number. Times are Japanese.

mod value;

use std::{io::Write, path::Path};

use arrow::{
    array::{Array, RecordBatch},
    compute::cast,
    datatypes::{DataType, SchemaRef, TimeUnit},
};
use hub_model::format_instant;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::{
    AnswerHeader, Encoder, Tail,
    cell::{Cell, Column},
    json::type_word,
};
use crate::{align::PUT_TOGETHER_KEY, error::QueryError, quality::QUALITY_KEY};
use value::{Value, days_of, number};

/// Rows that a sheet holds, the heading among them.
const MAX_ROWS: u64 = 1_048_576;

/// Columns that a sheet holds.
const MAX_COLUMNS: usize = 16_384;

/// Characters that a cell holds, in UTF-16.
const MAX_CELL: usize = 32_767;

/// Bytes of cells in one answer; a file of more is opened by no spreadsheet.
const MAX_BYTES: u64 = 2_000_000_000;

pub(super) struct Xlsx {
    workbook: Workbook,
    schema: SchemaRef,
    header: AnswerHeader,
    formats: Formats,
    /// The next row to write.
    row: u32,
    bytes: u64,
    buffer: Vec<u8>,
}

struct Formats {
    heading: Format,
    day: Format,
    instant: Format,
}

impl Xlsx {
    pub(super) fn new(
        schema: SchemaRef,
        header: &AnswerHeader,
        folder: Option<&Path>,
    ) -> Result<Self, QueryError> {
        if schema.fields().len() > MAX_COLUMNS {
            return Err(QueryError::request(format!(
                "a sheet of Excel has {MAX_COLUMNS} columns, and the answer has {}; select fewer",
                schema.fields().len()
            )));
        }
        let mut workbook = Workbook::new();
        if let Some(folder) = folder {
            workbook.set_tempdir(folder).map_err(fault)?;
        }
        let formats = Formats {
            heading: Format::new().set_bold(),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            instant: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        };
        let mut xlsx = Self {
            workbook,
            schema,
            header: header.clone(),
            formats,
            row: 0,
            bytes: 0,
            buffer: Vec::new(),
        };
        xlsx.write_heading().map_err(fault)?;
        Ok(xlsx)
    }

    fn write_heading(&mut self) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name("データ")?.set_freeze_panes(1, 0)?;
        for (place, field) in (0u16..).zip(self.schema.fields()) {
            let width = match field.data_type() {
                DataType::Timestamp(..) => 20.0,
                DataType::Date32 => 12.0,
                _ => 14.0,
            };
            sheet.set_column_width(place, width)?;
        }
        for (place, field) in (0u16..).zip(self.schema.fields()) {
            let name = cut(field.name(), MAX_CELL);
            sheet.write_string_with_format(0, place, name, &self.formats.heading)?;
        }
        self.row = 1;
        Ok(())
    }

    fn write_column(
        &mut self,
        place: u16,
        column: &dyn Array,
        rows: &mut [Vec<Value>],
    ) -> Result<(), QueryError> {
        let name = self.schema.field(usize::from(place)).name();
        let in_micros;
        let column = match column.data_type() {
            DataType::Timestamp(unit, zone) if *unit != TimeUnit::Microsecond => {
                let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
                in_micros = cast(column, &micros).map_err(QueryError::internal)?;
                in_micros.as_ref()
            }
            _ => column,
        };
        let mut cells = Column::new(column)?;
        let days = days_of(column);
        for (row, values) in rows.iter_mut().enumerate() {
            if let Some(days) = &days
                && let Some(value) = days.get(row)
            {
                values.push(value);
                continue;
            }
            let text = match cells.read(row, &mut self.buffer)? {
                Cell::Null => {
                    values.push(Value::Nothing);
                    continue;
                }
                Cell::Bare => {
                    values.push(number(&self.buffer));
                    continue;
                }
                Cell::Text(text) => text.to_owned(),
                Cell::Word | Cell::Other => String::from_utf8_lossy(&self.buffer).into_owned(),
            };
            let length = text.encode_utf16().count();
            if length > MAX_CELL {
                return Err(QueryError::request(format!(
                    "a cell of Excel holds {MAX_CELL} characters, and {name:?} has a text of {length}; leave \
                     the column out, or ask for another format such as csv or parquet"
                )));
            }
            values.push(Value::Text(text));
        }
        Ok(())
    }

    fn put(
        sheet: &mut Worksheet,
        row: u32,
        place: u16,
        value: Value,
        formats: &Formats,
    ) -> Result<u64, XlsxError> {
        let bytes = match &value {
            Value::Text(text) => text.len() as u64 + 40,
            Value::Nothing => 0,
            _ => 40,
        };
        match value {
            Value::Nothing => sheet,
            Value::Number(number) => sheet.write_number(row, place, number)?,
            Value::Boolean(value) => sheet.write_boolean(row, place, value)?,
            Value::Day(number) => {
                sheet.write_number_with_format(row, place, number, &formats.day)?
            }
            Value::Instant(number) => {
                sheet.write_number_with_format(row, place, number, &formats.instant)?
            }
            Value::Text(text) => sheet.write_string(row, place, text)?,
        };
        Ok(bytes)
    }

    /// Where the rows come from, one dataset a row.
    fn write_sources(&mut self) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet();
        sheet.set_name("出典")?;
        let headings = [
            "データセット",
            "版",
            "版の日時",
            "名称",
            "公開者",
            "ライセンス",
            "ライセンスURL",
            "出典の表記",
            "合成データ",
        ];
        head(sheet, &headings, &self.formats.heading)?;
        for (row, source) in (1..).zip(&self.header.sources) {
            let said = [
                source.dataset.to_string(),
                source.version.to_string(),
                source.committed_at.map(format_instant).unwrap_or_default(),
                source.title.ja_or_en().to_owned(),
                source.publisher.ja_or_en().to_owned(),
                source.licence.clone(),
                source.licence_url.clone(),
                source.attribution.clone(),
                if source.synthetic {
                    "はい（観測ではなく生成されたもの）"
                } else {
                    ""
                }
                .to_owned(),
            ];
            for (place, text) in (0u16..).zip(said) {
                sheet.write_string(row, place, cut(&text, MAX_CELL))?;
            }
        }
        let row = u32::try_from(self.header.sources.len()).unwrap_or(0) + 2;
        sheet.write_string(row, 0, "問い合わせID")?;
        sheet.write_string(row, 1, self.header.query_id.as_str())?;
        if !self.header.citation.is_empty() {
            sheet.write_string(row + 3, 0, "引用")?;
            sheet.write_string(row + 3, 1, cut(&self.header.citation, MAX_CELL))?;
        }
        if let Some(quality) = self.schema.metadata().get(QUALITY_KEY) {
            sheet.write_string(row + 2, 0, "品質により除いた値")?;
            sheet.write_string(row + 2, 1, cut(quality, MAX_CELL))?;
        }
        if let Some(cursor) = &self.header.next_cursor {
            sheet.write_string(row + 1, 0, "続きのcursor")?;
            sheet.write_string(row + 1, 1, cursor.as_str())?;
        }
        Ok(())
    }

    /// What each column is.
    fn write_columns(&mut self) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet();
        sheet.set_name("列の説明")?;
        head(
            sheet,
            &["列", "型", "単位", "名称", "説明", "区間", "時刻の位置", "まとめ方"],
            &self.formats.heading,
        )?;
        for (row, field) in (1..).zip(self.schema.fields()) {
            sheet.write_string(row, 0, cut(field.name(), MAX_CELL))?;
            sheet.write_string(row, 1, type_word(field.data_type()))?;
            let said = ["unit", "title", "description", "interval", "label", PUT_TOGETHER_KEY];
            for (place, key) in (2..).zip(said) {
                if let Some(said) = field.metadata().get(key) {
                    sheet.write_string(row, place, cut(said, MAX_CELL))?;
                }
            }
        }
        Ok(())
    }
}

fn head(sheet: &mut Worksheet, headings: &[&str], format: &Format) -> Result<(), XlsxError> {
    sheet.set_freeze_panes(1, 0)?;
    for (place, heading) in (0u16..).zip(headings) {
        sheet.write_string_with_format(0, place, *heading, format)?;
        sheet.set_column_width(place, 20.0)?;
    }
    Ok(())
}

/// Names and remarks are shortened where a cell cannot hold them; values never are.
fn cut(text: &str, most: usize) -> String {
    let mut left = most;
    text.chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect()
}

fn fault(error: XlsxError) -> QueryError {
    QueryError::internal(error)
}

impl Encoder for Xlsx {
    fn begin(&mut self, _out: &mut Vec<u8>) -> Result<(), QueryError> {
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, _out: &mut Vec<u8>) -> Result<(), QueryError> {
        if u64::from(self.row) + batch.num_rows() as u64 > MAX_ROWS {
            return Err(QueryError::OutputLimit {
                limit: MAX_ROWS - 1,
                unit: "rows that a sheet of Excel holds",
            });
        }
        // A sheet is written row by row, and columns are read one by one.
        let mut rows: Vec<Vec<Value>> = Vec::new();
        rows.resize_with(batch.num_rows(), || Vec::with_capacity(batch.num_columns()));
        for (place, column) in (0u16..).zip(batch.columns()) {
            self.write_column(place, column.as_ref(), &mut rows)?;
        }
        let sheet = self.workbook.worksheet_from_index(0).map_err(fault)?;
        for values in rows {
            for (place, value) in (0u16..).zip(values) {
                self.bytes +=
                    Self::put(sheet, self.row, place, value, &self.formats).map_err(fault)?;
            }
            self.row += 1;
        }
        if self.bytes > MAX_BYTES {
            return Err(QueryError::OutputLimit {
                limit: MAX_BYTES,
                unit: "bytes for a workbook of Excel",
            });
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.write_sources().map_err(fault)?;
        self.write_columns().map_err(fault)
    }

    fn tail(self: Box<Self>) -> Option<Tail> {
        let mut workbook = self.workbook;
        Some(Box::new(move |out: &mut (dyn Write + Send)| {
            workbook.save_to_writer(out).map_err(fault)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_cut_between_characters() {
        assert_eq!(cut("水𠮷位", 2), "水");
        assert_eq!(cut("水𠮷位", 3), "水𠮷");
    }
}
