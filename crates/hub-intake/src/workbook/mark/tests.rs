//! Marked copies, as the hub itself and LibreOffice read them back.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
};

use hub_model::{LayoutReport, ReportBuilder, Rule, Text, UploadReport};
use rust_xlsxwriter::{ExcelDateTime, Format as Style, Note, Workbook as Writer};
use zip::ZipArchive;

use super::{super::tests as books, *};
use crate::{FormatHint, conform::tests::file_of, recognise, rows::Row};

fn report(sheet: &str, cells: &[(&str, u64)]) -> UploadReport {
    let mut builder = ReportBuilder::new("xlsx", 100);
    builder.report_mut().layout =
        Some(LayoutReport { sheet: Some(sheet.to_owned()), ..LayoutReport::default() });
    for (cell, row) in cells {
        builder.error(Rule::Type, || CellError {
            file: None,
            row: Some(*row),
            column: Some("水位".to_owned()),
            cell: (!cell.is_empty()).then(|| (*cell).to_owned()),
            value: Some("=1+1".to_owned()),
            rule: Rule::Type,
            message: Text::new(format!("{cell}は数値ではありません"), "not a number <&>"),
            fix: Text::new("数値に直してください", "mend it"),
        });
    }
    builder.finish()
}

fn marked(bytes: &[u8], report: &UploadReport) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    mark_workbook(file_of(bytes), report, &mut out).unwrap();
    out.into_inner()
}

fn parts(bytes: &[u8]) -> HashMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut part = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes).unwrap();
            (part.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

fn rows(bytes: &[u8], sheet: &str) -> Vec<String> {
    let hint = FormatHint { sheet: Some(sheet.to_owned()), ..FormatHint::default() };
    let mut rows = recognise(file_of(bytes), &hint).unwrap().rows().unwrap();
    let mut row = Row::default();
    let mut found = Vec::new();
    while rows.next_row(&mut row).unwrap() {
        found.push(row.cells().collect::<Vec<_>>().join("|"));
    }
    found
}

fn book() -> Vec<u8> {
    let mut writer = Writer::new();
    let day = Style::new().set_num_format("yyyy/m/d");
    let sheet = writer.add_worksheet().set_name("デー'タ").unwrap();
    for (column, name) in ["日", "水位"].iter().enumerate() {
        sheet.write(0, column as u16, *name).unwrap();
    }
    for row in 1..6u32 {
        let date = ExcelDateTime::from_ymd(2026, 1, row as u8).unwrap();
        sheet.write_with_format(row, 0, &date, &day).unwrap();
    }
    sheet.write(2, 1, "欠").unwrap().write(20, 3, 1).unwrap();
    sheet.merge_range(10, 0, 12, 0, "余市", &Style::new()).unwrap();
    sheet.insert_note(2, 1, &Note::new("前からのメモ")).unwrap();
    writer.add_worksheet().set_name("ほか").unwrap().write(0, 0, "そのまま").unwrap();
    writer.save_to_buffer().unwrap()
}

/// Cells that are there, that are not, that lie in rows that are not, and within a merged range.
const CELLS: [(&str, u64); 7] =
    [("A2", 2), ("B3", 3), ("C3", 3), ("B9", 9), ("C9", 9), ("A12", 12), ("", 5)];

#[test]
fn the_copy_is_the_book_with_marks_and_nothing_else() {
    let before = book();
    let after = marked(&before, &report("デー'タ", &CELLS));
    let (old, new) = (parts(&before), parts(&after));
    for (name, bytes) in &old {
        let changes = ["workbook", "styles", "sheet1", "Content_Types", "comments", "vml"];
        if !changes.iter().any(|part| name.contains(part)) {
            assert_eq!(new.get(name), Some(bytes), "{name}");
        }
    }
    let values = |rows: Vec<String>| -> Vec<String> {
        rows.into_iter().map(|row| row.trim_end_matches('|').to_owned()).collect()
    };
    assert_eq!(values(rows(&after, "デー'タ")), values(rows(&before, "デー'タ")));
    assert_eq!(rows(&after, "ほか"), ["そのまま"]);
    let listed = rows(&after, "取り込み結果");
    assert!(listed[0].starts_with("誤り 7 件"), "{listed:?}");
    assert_eq!(
        listed[3],
        "2|B3|3|水位|=1+1|B3は数値ではありません|数値に直してください|not a number <&>|mend it"
    );
    let comments = new.iter().find(|(name, _)| name.starts_with("xl/comments")).unwrap();
    let comments = String::from_utf8_lossy(comments.1);
    assert!(comments.contains("前からのメモ") && comments.contains("B3は数値"), "{comments}");
    assert_eq!(comments.matches("<comment ").count(), 6, "{comments}");
}

#[test]
fn libreoffice_opens_the_copy_with_fills_and_comments_in_the_right_cells() {
    let folder = tempfile::tempdir().unwrap();
    let after = marked(&book(), &report("デー'タ", &CELLS));
    let path = books::written(&folder, "marked.xlsx", &after);
    let Some(flat) = books::converted(&path, "fods") else { return };
    let flat = std::fs::read_to_string(flat).unwrap();
    let table = flat.split("<table:table ").nth(1).unwrap();
    assert!(table.starts_with("table:name=\"デー&apos;タ\""), "{}", &table[..80]);
    assert_eq!(table.matches("<office:annotation ").count(), 6);
    // LibreOffice sets each script in a span of its own.
    let words: String = table.split('<').filter_map(|tag| Some(tag.split_once('>')?.1)).collect();
    for (cell, _) in &CELLS[..5] {
        assert!(words.contains(&format!("{cell}は数値ではありません")), "{cell}");
    }
    assert!(flat.contains("#ffc7ce") && flat.contains("table:name=\"取り込み結果\""));
    // What LibreOffice writes of it has the marked style where the marks are.
    let again = books::converted(&path, "xlsx").unwrap();
    let again = parts(&std::fs::read(again).unwrap());
    let comments = String::from_utf8_lossy(&again["xl/comments1.xml"]).into_owned();
    for cell in ["A2", "B3", "C3", "B9", "C9", "A11"] {
        assert!(comments.contains(&format!("ref=\"{cell}\"")), "{cell}: {comments}");
    }
    let sheet = String::from_utf8_lossy(&again["xl/worksheets/sheet1.xml"]).into_owned();
    let style = |cell: &str| {
        let at = sheet.find(&format!("<c r=\"{cell}\" s=\"")).unwrap_or_else(|| panic!("{cell}"));
        let rest = &sheet[at + cell.len() + 11..];
        rest[..rest.find('"').unwrap()].parse::<usize>().unwrap()
    };
    let styles = String::from_utf8_lossy(&again["xl/styles.xml"]).into_owned();
    let (_, formats) = styles.split_once("<cellXfs").unwrap();
    let formats: Vec<&str> = formats.split("<xf ").skip(1).collect();
    let fills: Vec<&str> = styles.split("<fill>").skip(1).collect();
    let coloured = |cell: &str| {
        let (_, fill) = formats[style(cell)].split_once("fillId=\"").unwrap();
        let fill: usize = fill[..fill.find('"').unwrap()].parse().unwrap();
        fills[fill].to_ascii_uppercase().contains("FFC7CE")
    };
    for cell in ["A2", "B3", "C3", "B9", "C9", "A11"] {
        assert!(coloured(cell), "{cell}");
    }
    assert!(!coloured("A3") && !coloured("A4"));
}

#[test]
fn an_old_workbook_becomes_a_marked_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = books::written(&folder, "book.xlsx", &book());
    let Some(old) = books::converted(&path, "xls") else { return };
    let after = marked(&std::fs::read(old).unwrap(), &report("デー'タ", &CELLS));
    assert_eq!(rows(&after, "デー'タ")[1], "2026-01-01");
    assert!(parts(&after).keys().any(|name| name.starts_with("xl/comments")));
    let path = books::written(&folder, "marked.xlsx", &after);
    let flat = std::fs::read_to_string(books::converted(&path, "fods").unwrap()).unwrap();
    assert_eq!(flat.matches("<office:annotation ").count(), 6);
}

#[test]
fn what_is_no_workbook_is_refused() {
    let mut out = Cursor::new(Vec::new());
    let error =
        mark_workbook(file_of(b"a,b\n1,2\n3,4\n"), &report("x", &[]), &mut out).unwrap_err();
    assert!(matches!(error, IntakeError::UnreadableFile { .. }), "{error}");
}
