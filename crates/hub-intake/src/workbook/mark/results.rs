//! The sheet that lists everything that is wrong, each with a link to its cell.

use hub_model::UploadReport;

use super::{
    super::{
        book::Sheet,
        xml::{Token, Xml, escape},
    },
    Edits,
    parts::{Parts, prefix_of, with_link},
};
use crate::{IntakeError, decode::damaged, rows::cell_name};

const NAME: &str = "取り込み結果";

const HEADINGS: [&str; 9] =
    ["番号", "セル", "行", "列", "値", "内容", "直し方", "What is wrong", "What to do"];

/// Widths of the columns, in characters.
const WIDTHS: [u32; 9] = [6, 8, 8, 18, 18, 50, 60, 50, 60];

pub(super) fn add(
    parts: &mut Parts,
    sheets: &[Sheet],
    marked: &Sheet,
    report: &UploadReport,
) -> Result<(), IntakeError> {
    let mut name = NAME.to_owned();
    let mut number = 2;
    while sheets.iter().any(|sheet| sheet.name == name) {
        name = format!("{NAME} ({number})");
        number += 1;
    }
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml";
    let xml = write(&marked.name, report).into_bytes();
    let part = parts.add("xl/worksheets/sheetResults", "xml", Some(kind), xml);
    let links = std::mem::take(&mut parts.main_links);
    let (links, id) = with_link(Some(links), "worksheet", &part)?;
    parts.main_links = links;
    parts.add_sheet(&name, &id)
}

impl Parts {
    /// Names a sheet in the workbook's own list.
    fn add_sheet(&mut self, name: &str, link: &str) -> Result<(), IntakeError> {
        let main = self.main.clone();
        let bytes = self.main_bytes.clone();
        let mut xml = Xml::new(bytes.as_slice());
        let (mut prefix, mut last) = (String::new(), 0u32);
        loop {
            match xml.next()? {
                Token::Open(tag) if tag.name == b"sheet" => {
                    prefix = prefix_of(tag.full_name);
                    let id = tag.attribute(b"sheetId").and_then(|id| id.parse().ok()).unwrap_or(0);
                    last = last.max(id);
                }
                Token::Close(b"sheets") => break,
                Token::End => return Err(damaged("its list of sheets is cut")),
                _ => {}
            }
        }
        let (name, id) = (escape(name), last.saturating_add(1));
        let mut edits = Edits::default();
        edits.insert(
            xml.piece(),
            format!("<{prefix}sheet xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" name=\"{name}\" sheetId=\"{id}\" r:id=\"{link}\"/>"),
        );
        let changed = edits.apply(&bytes)?;
        self.put(&main, changed);
        Ok(())
    }
}

fn write(sheet: &str, report: &UploadReport) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"2\" topLeftCell=\"A3\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews><cols>",
    );
    for (index, width) in WIDTHS.iter().enumerate() {
        let column = index + 1;
        xml.push_str(&format!(
            "<col min=\"{column}\" max=\"{column}\" width=\"{width}\" customWidth=\"1\"/>"
        ));
    }
    xml.push_str("</cols><sheetData>");
    let (count, listed) = (report.error_count, report.errors.len());
    let mut about = format!("誤り {count} 件 / {count} errors");
    if (listed as u64) < count {
        about.push_str(&format!("（はじめの {listed} 件 / the first {listed}）"));
    }
    row(&mut xml, 1, &[&about]);
    row(&mut xml, 2, &HEADINGS);
    let mut places = String::new();
    for (index, error) in report.errors.iter().enumerate() {
        let line = index as u64 + 3;
        let number = (index + 1).to_string();
        let row_number = error.row.map(|row| row.to_string()).unwrap_or_default();
        let cell = error.cell.as_deref().unwrap_or_default();
        row(
            &mut xml,
            line,
            &[
                &number,
                cell,
                &row_number,
                error.column.as_deref().unwrap_or_default(),
                error.value.as_deref().unwrap_or_default(),
                &error.message.ja,
                &error.fix.ja,
                &error.message.en,
                &error.fix.en,
            ],
        );
        let target = match (error.cell.as_deref(), error.row) {
            (Some(cell), _) => Some(cell.to_owned()),
            (None, Some(row)) => Some(cell_name(row, 0)),
            (None, None) => None,
        };
        if let Some(target) = target {
            let location = format!("'{}'!{target}", sheet.replace('\'', "''"));
            let (here, location) = (cell_name(line, 1), escape(&location).into_owned());
            places.push_str(&format!(
                "<hyperlink ref=\"{here}\" location=\"{location}\" display=\"{target}\"/>"
            ));
        }
    }
    xml.push_str("</sheetData>");
    if !places.is_empty() {
        xml.push_str(&format!("<hyperlinks>{places}</hyperlinks>"));
    }
    xml.push_str("</worksheet>");
    xml
}

/// Cells are text throughout, so that no value becomes a formula.
fn row(xml: &mut String, number: u64, cells: &[&str]) {
    xml.push_str(&format!("<row r=\"{number}\">"));
    for (column, text) in cells.iter().enumerate() {
        let cell = cell_name(number, column as u32);
        let text = escape(text);
        xml.push_str(&format!(
            "<c r=\"{cell}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>"
        ));
    }
    xml.push_str("</row>");
}
