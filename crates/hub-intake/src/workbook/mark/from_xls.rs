//! The values of an `.xls` workbook as an `.xlsx`, which is what marks can be put into.

use std::{
    fs::File,
    io::{Seek, Write},
    sync::Arc,
};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::super::{
    merges::Range,
    sheet::SheetCells,
    xls::{XlsBook, XlsCells},
    xml::escape,
};
use crate::{
    IntakeError,
    decode::damaged,
    rows::{Row, cell_name},
};

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const KINDS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const LINKS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// Writes every sheet's values, and its merged cells. Formats, formulas and pictures stay behind.
pub(super) fn write(file: Arc<File>, out: impl Write + Seek) -> Result<(), IntakeError> {
    let book = XlsBook::open(file)?;
    let mut zip = ZipWriter::new(out);
    let failed = |error: zip::result::ZipError| damaged(&error.to_string());
    let part = |zip: &mut ZipWriter<_>, name: &str, text: &str| {
        zip.start_file(name, SimpleFileOptions::default()).map_err(failed)?;
        zip.write_all(HEAD.as_bytes())?;
        Ok::<_, IntakeError>(zip.write_all(text.as_bytes())?)
    };
    let (mut sheets, mut links, mut types) = (String::new(), String::new(), String::new());
    for (index, sheet) in book.sheets.iter().enumerate() {
        let number = index + 1;
        let name = escape(&sheet.name);
        let state = if sheet.hidden { " state=\"hidden\"" } else { "" };
        sheets.push_str(&format!(
            "<sheet name=\"{name}\" sheetId=\"{number}\"{state} r:id=\"rId{number}\"/>"
        ));
        links.push_str(&format!(
            "<Relationship Id=\"rId{number}\" Type=\"{KINDS}/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>"
        ));
        types.push_str(&format!(
            "<Override PartName=\"/xl/worksheets/sheet{number}.xml\" ContentType=\"{TYPE}.worksheet+xml\"/>"
        ));
    }
    part(
        &mut zip,
        "[Content_Types].xml",
        &format!(
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"{TYPE}.sheet.main+xml\"/>{types}</Types>"
        ),
    )?;
    part(
        &mut zip,
        "_rels/.rels",
        &format!(
            "<Relationships xmlns=\"{LINKS}\"><Relationship Id=\"rId1\" Type=\"{KINDS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        ),
    )?;
    part(
        &mut zip,
        "xl/workbook.xml",
        &format!(
            "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{KINDS}\"><sheets>{sheets}</sheets></workbook>"
        ),
    )?;
    part(
        &mut zip,
        "xl/_rels/workbook.xml.rels",
        &format!("<Relationships xmlns=\"{LINKS}\">{links}</Relationships>"),
    )?;
    for (index, sheet) in book.sheets.iter().enumerate() {
        let (mut cells, merged) = XlsCells::read(&book, sheet)?;
        let name = format!("xl/worksheets/sheet{}.xml", index + 1);
        part(&mut zip, &name, &format!("<worksheet xmlns=\"{MAIN}\"><sheetData>"))?;
        let mut row = Row::default();
        while cells.next(&mut row)? {
            zip.write_all(row_xml(&row).as_bytes())?;
        }
        zip.write_all(format!("</sheetData>{}</worksheet>", merged_xml(&merged)).as_bytes())?;
    }
    zip.finish().map_err(failed)?;
    Ok(())
}

fn row_xml(row: &Row) -> String {
    let number = row.number();
    let mut xml = format!("<row r=\"{number}\">");
    for column in 0..row.len() {
        let text = row.raw(column);
        if text.is_empty() {
            continue;
        }
        let cell = cell_name(number, column as u32);
        // A number that is its own text stays one; a code keeps its zeros.
        if super::super::number::is_short(text.as_bytes()) {
            xml.push_str(&format!("<c r=\"{cell}\"><v>{text}</v></c>"));
        } else {
            let text = escape(text);
            xml.push_str(&format!(
                "<c r=\"{cell}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>"
            ));
        }
    }
    xml.push_str("</row>");
    xml
}

fn merged_xml(ranges: &[Range]) -> String {
    if ranges.is_empty() {
        return String::new();
    }
    let ranges: String = ranges
        .iter()
        .map(|range| {
            let first = cell_name(u64::from(range.top), range.left);
            let last = cell_name(u64::from(range.bottom), range.right);
            format!("<mergeCell ref=\"{first}:{last}\"/>")
        })
        .collect();
    format!("<mergeCells>{ranges}</mergeCells>")
}
