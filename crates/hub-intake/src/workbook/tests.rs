//! Workbooks as people and programs make them, and as nobody should.

use std::{
    fs::File,
    io::{Cursor, Write},
};

use hub_model::ChangeKind;
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format as Style, Formula, Workbook as Writer, Worksheet};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::{FormatHint, Recognised, changes::Changes, conform::tests::file_of, recognise};

pub(super) fn book(make: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    make(&mut writer);
    writer.save_to_buffer().unwrap()
}

pub(super) fn sheet(make: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    book(|writer| make(writer.add_worksheet()))
}

fn recognised(bytes: &[u8], sheet: Option<&str>) -> Result<Recognised, IntakeError> {
    let hint = FormatHint { sheet: sheet.map(str::to_owned), ..FormatHint::default() };
    recognise(file_of(bytes), &hint)
}

/// Each row as its number and its cells, what was said of the layout, and what was changed.
fn read(
    bytes: &[u8],
    sheet: Option<&str>,
) -> Result<(Vec<String>, LayoutReport, Changes), IntakeError> {
    let mut rows = recognised(bytes, sheet)?.rows()?;
    let layout = rows.layout();
    let mut row = Row::default();
    let mut found = Vec::new();
    while rows.next_row(&mut row)? {
        let cells: Vec<&str> = row.cells().collect();
        found.push(format!("{}: {}", row.number(), cells.join("|")));
    }
    Ok((found, layout, rows.changes()))
}

fn cells(bytes: &[u8]) -> Vec<String> {
    read(bytes, None).unwrap().0
}

/// A book of these parts, as another program or an attacker would write it.
fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A book of one sheet with this XML within it, and these shared texts.
fn raw_book(sheet: &str, shared: &str) -> Vec<u8> {
    const KIND: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let sheet = format!("<worksheet>{sheet}</worksheet>");
    let shared = format!("<sst>{shared}</sst>");
    let root = format!(
        r#"<Relationships><Relationship Id="rId1" Type="{KIND}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
    );
    let links = format!(
        r#"<Relationships><Relationship Id="a" Type="{KIND}/worksheet" Target="worksheets/one.xml"/><Relationship Id="b" Type="{KIND}/sharedStrings" Target="/xl/sharedStrings.xml"/><Relationship Id="x" Type="{KIND}/externalLink" Target="file:///etc/passwd" TargetMode="External"/></Relationships>"#
    );
    archive(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", root.as_bytes()),
        (
            "xl/workbook.xml",
            br#"<workbook><sheets><sheet name="one" sheetId="1" r:id="a"/></sheets></workbook>"#,
        ),
        ("xl/_rels/workbook.xml.rels", links.as_bytes()),
        ("xl/worksheets/one.xml", sheet.as_bytes()),
        ("xl/sharedStrings.xml", shared.as_bytes()),
    ])
}

#[test]
fn cells_are_read_as_people_see_them() {
    let bytes = sheet(|sheet| {
        let day = Style::new().set_num_format("[$-411]ggge\"年\"m\"月\"d\"日\"");
        let instant = Style::new().set_num_format("yyyy/m/d h:mm");
        let elapsed = Style::new().set_num_format("[h]:mm");
        let percent = Style::new().set_num_format("0.0%");
        let code = Style::new().set_num_format("000000");
        let minus = Style::new().set_num_format("#,##0;▲ #,##0");
        for (column, name) in ["日", "時刻", "時間", "率", "コード", "増減"].iter().enumerate()
        {
            sheet.write(0, column as u16, *name).unwrap();
        }
        let date = ExcelDateTime::from_ymd(2026, 1, 15).unwrap();
        sheet.write_with_format(1, 0, &date, &day).unwrap();
        let time = ExcelDateTime::from_ymd(2026, 1, 15).unwrap().and_hms(8, 5, 0).unwrap();
        sheet.write_with_format(1, 1, &time, &instant).unwrap();
        sheet.write_with_format(1, 2, 1.0, &elapsed).unwrap();
        sheet.write_with_format(1, 3, 0.218, &percent).unwrap();
        sheet.write_with_format(1, 4, 12_033, &code).unwrap();
        sheet.write_with_format(1, 5, -1_234.5, &minus).unwrap();
        sheet.write(3, 0, true).unwrap();
        sheet.write(3, 1, Formula::new("NA()").set_result("#N/A")).unwrap();
        sheet.write(3, 2, Formula::new("1+1").set_result("2")).unwrap();
        sheet.write(3, 5, 0.1 + 0.2).unwrap();
        sheet.write_blank(4, 9, &percent).unwrap();
    });
    assert_eq!(
        cells(&bytes),
        [
            "1: 日|時刻|時間|率|コード|増減",
            "2: 2026-01-15|2026-01-15 08:05:00|24:00:00|21.8%|012033|-1234.5",
            "3: ",
            "4: true|#N/A|2||| 0.30000000000000004".replace("| 0.", "|0.").as_str(),
            "5: ",
        ]
    );
}

#[test]
fn merged_cells_are_filled_and_counted() {
    let bytes = sheet(|sheet| {
        let plain = Style::new();
        sheet.merge_range(0, 1, 0, 3, "人口", &plain).unwrap();
        sheet.merge_range(1, 0, 3, 0, "余市町", &plain).unwrap();
        for row in 1..4 {
            sheet.write(row, 1, row).unwrap();
        }
    });
    let (rows, layout, changes) = read(&bytes, None).unwrap();
    assert_eq!(rows, ["1: |人口|人口|人口", "2: 余市町|1", "3: 余市町|2", "4: 余市町|3"]);
    assert_eq!(layout.sheet.as_deref(), Some("Sheet1"));
    let changes = changes.finish();
    assert_eq!((changes[0].kind, changes[0].count), (ChangeKind::MergedCell, 4));
    let example = &changes[0].examples[2];
    assert_eq!((example.column.as_deref(), example.after.as_str()), (Some("A3"), "余市町"));
}

#[test]
fn the_sheet_with_the_table_is_chosen_and_the_others_are_named() {
    let bytes = book(|writer| {
        let cover = writer.add_worksheet();
        cover.set_name("表紙").unwrap().write(0, 0, "令和6年度 統計").unwrap();
        for name in ["データ", "データ２", "作業"] {
            let sheet = writer.add_worksheet();
            sheet.set_name(name).unwrap();
            for row in 0..3 {
                sheet.write(row, 0, name).unwrap().write(row, 1, row).unwrap();
            }
            sheet.set_hidden(name == "作業");
        }
        writer.add_worksheet().set_name("空").unwrap();
    });
    let (rows, layout, _) = read(&bytes, None).unwrap();
    assert_eq!((rows[0].as_str(), layout.sheet.as_deref()), ("1: データ|0", Some("データ")));
    let notes: Vec<&str> = layout.notes.iter().map(|note| note.ja.as_str()).collect();
    assert!(notes[0].contains("表紙, データ２") && !notes[0].contains('空'), "{notes:?}");
    assert!(notes[1].contains("作業"), "{notes:?}");
    for asked in ["データ2", "3", " 作業 "] {
        let (rows, ..) = read(&bytes, Some(asked)).unwrap();
        assert!(!rows[0].contains("データ|"), "{asked}: {rows:?}");
    }
    let error = read(&bytes, Some("ない")).unwrap_err();
    assert!(error.text().unwrap().ja.contains("表紙, データ, データ２"), "{error}");
}

#[test]
fn a_book_without_anything_is_refused_with_what_to_do() {
    let error = read(&sheet(|_| ()), None).unwrap_err();
    assert!(error.text().unwrap().ja.contains("何も書かれていません"), "{error}");
    let hidden = book(|writer| {
        writer.add_worksheet().set_name("表").unwrap();
        writer.add_worksheet().set_name("裏").unwrap().set_hidden(true).write(0, 0, "a").unwrap();
    });
    let error = read(&hidden, None).unwrap_err();
    assert!(error.text().unwrap().ja.contains("裏"), "{error}");
}

#[test]
fn what_other_programs_write_is_read_too() {
    let sheet = r#"<x:sheetData xmlns:x="y"><x:row><x:c t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c><x:c t="str"><x:f>B()</x:f><x:v>b&amp;c</x:v></x:c><x:c><x:f>A1+1</x:f></x:c><x:c t="d"><x:v>2026-01-15T08:00:00</x:v></x:c><x:c t="s"><x:v>1</x:v></x:c><x:c><x:v><![CDATA[5]]></x:v></x:c></x:row><x:row r="4"><x:c r="C4"><x:v> 7 </x:v></x:c></x:row></x:sheetData><x:mergeCells count="1"><x:mergeCell ref="C4:D4"/></x:mergeCells>"#;
    let bytes =
        raw_book(sheet, "<si/><si><r><t>余</t></r><r><t>市</t></r><rPh><t>ヨイチ</t></rPh></si>");
    assert_eq!(
        cells(&bytes),
        ["1: a|b&c|=A1+1|2026-01-15T08:00:00|余市|5", "2: ", "3: ", "4: ||7|7"]
    );
}

#[test]
fn a_row_or_column_that_no_sheet_has_is_refused() {
    for sheet in [
        r#"<sheetData><row r="1048577"><c r="A1048577"><v>1</v></c></row></sheetData>"#,
        r#"<sheetData><row r="99999999999999999999"/></sheetData>"#,
        r#"<sheetData><row r="1"><c r="XFE1"><v>1</v></c></row></sheetData>"#,
        r#"<sheetData><row r="2"/><row r="1"><c r="A1"><v>1</v></c></row></sheetData>"#,
        r#"<sheetData><row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row></sheetData>"#,
        r#"<sheetData><row r="1"><c r="A1" t="s"><v>9</v></c></row></sheetData>"#,
        r#"<sheetData><row r="1"><c r="A1"><v>1</v></c></row>"#,
    ] {
        let error = read(&raw_book(sheet, ""), None).unwrap_err();
        assert!(matches!(error, IntakeError::UnreadableFile { .. }), "{sheet}: {error}");
    }
}

#[test]
fn a_million_columns_are_refused() {
    let cells = "<c><v>1</v></c>".repeat(1_000_000);
    let bytes = raw_book(&format!("<sheetData><row>{cells}</row></sheetData>"), "");
    let error = read(&bytes, None).unwrap_err();
    assert!(matches!(error, IntakeError::UnreadableFile { .. }), "{error}");
}

#[test]
fn a_last_row_far_below_is_reached_in_bounded_memory() {
    let sheet = r#"<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="A1048576"><v>2</v></c></row></sheetData>"#;
    let mut rows = recognised(&raw_book(sheet, ""), None).unwrap().rows().unwrap();
    let mut row = Row::default();
    let mut filled = Vec::new();
    while rows.next_row(&mut row).unwrap() {
        if !row.is_blank() {
            filled.push(row.number());
        }
    }
    assert_eq!(filled, [1, 1_048_576]);
}

#[test]
fn entities_and_document_types_are_refused() {
    let sheet = r#"<sheetData/>"#;
    let evil = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>";
    for bytes in [
        raw_book(&format!("{evil}{sheet}"), "<si><t>&x;</t></si>"),
        raw_book(sheet, &format!("{evil}<si><t>&x;</t></si>")),
    ] {
        let error = read(&bytes, None).unwrap_err();
        assert!(error.to_string().contains("document type"), "{error}");
    }
    // Without a declaration an entity is text like any other.
    let sheet = r#"<sheetData><row><c t="s"><v>0</v></c></row></sheetData>"#;
    assert_eq!(cells(&raw_book(sheet, "<si><t>&x;</t></si>")), ["1: &x;"]);
}

#[test]
fn texts_and_sheets_that_unpack_without_end_are_refused() {
    // 200 MB of nothing, packed to 200 kB.
    let spaces = " ".repeat(200 << 20);
    let bytes = raw_book(&format!("<sheetData><row><c><v>1</v></c></row>{spaces}</sheetData>"), "");
    assert!(bytes.len() < 1 << 20);
    let error = read(&bytes, None).unwrap_err();
    assert!(matches!(error, IntakeError::TooLarge { .. }), "{error}");
    let error = read(&raw_book("<sheetData/>", &format!("<si><t>{spaces}</t></si>")), None);
    assert!(matches!(error.unwrap_err(), IntakeError::TooLarge { .. }));
}

#[test]
fn one_text_shown_by_many_cells_is_counted_as_often() {
    let text = format!("<si><t>{}</t></si>", "水".repeat(100_000));
    let cells = r#"<c t="s"><v>0</v></c>"#.repeat(16_384);
    let bytes = raw_book(&format!("<sheetData><row>{cells}</row></sheetData>"), &text);
    let error = read(&bytes, None).unwrap_err();
    assert!(error.to_string().contains("row 1"), "{error}");
}

#[test]
fn protected_and_foreign_files_are_named() {
    // The directory of an encrypted workbook's compound file.
    let mut bytes = vec![0u8; 512 * 4];
    bytes[..8].copy_from_slice(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]);
    bytes[30] = 9;
    bytes[44] = 1;
    bytes[48..52].copy_from_slice(&1u32.to_le_bytes());
    bytes[60..64].copy_from_slice(&u32::MAX.to_le_bytes());
    bytes[68..72].copy_from_slice(&u32::MAX.to_le_bytes());
    bytes[76..512].fill(0xFF);
    bytes[76..80].copy_from_slice(&0u32.to_le_bytes());
    bytes[512..1024].fill(0xFF);
    for (at, name) in [(1024, "Root Entry"), (1152, "EncryptionInfo")] {
        for (index, unit) in name.encode_utf16().enumerate() {
            bytes[at + index * 2..at + index * 2 + 2].copy_from_slice(&unit.to_le_bytes());
        }
        bytes[at + 64] = (name.len() * 2 + 2) as u8;
        bytes[at + 66] = 2;
    }
    let error = read(&bytes, None).unwrap_err();
    assert!(error.text().unwrap().ja.contains("パスワード"), "{error}");
    bytes[1152] = b'X';
    let error = read(&bytes, None).unwrap_err();
    assert!(error.text().unwrap().ja.contains("Word"), "{error}");
    let word = archive(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")]);
    assert!(read(&word, None).unwrap_err().to_string().contains("Word"));
}

/// A file for a test that other programs read.
pub(super) fn written(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The workbook as LibreOffice writes it in another format; none where it is not installed.
pub(super) fn converted(path: &std::path::Path, to: &str) -> Option<std::path::PathBuf> {
    let folder = path.parent().unwrap();
    let out = folder.join(format!("as_{}", to.split(':').next().unwrap()));
    let profile = folder.join("profile");
    let ran = std::process::Command::new("soffice")
        .arg(format!("-env:UserInstallation=file://{}", profile.display()))
        .args(["--headless", "--convert-to", to, "--outdir"])
        .arg(&out)
        .arg(path)
        .output();
    match ran {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => {
            eprintln!("skipped: soffice is not installed");
            return None;
        }
    }
    let name = path.file_stem().unwrap().to_str().unwrap();
    Some(out.join(format!("{name}.{}", to.split(':').next().unwrap())))
}

#[test]
fn an_old_workbook_says_the_same_as_the_new_one() {
    let bytes = book(|writer| {
        let day = Style::new().set_num_format("yyyy\"年\"m\"月\"d\"日\"");
        let percent = Style::new().set_num_format("0.0%");
        let sheet = writer.add_worksheet().set_name("観測").unwrap();
        sheet.merge_range(0, 0, 0, 3, "水位の記録", &Style::new()).unwrap();
        for row in 1..600u32 {
            let date = ExcelDateTime::from_serial_datetime(f64::from(45_000 + row)).unwrap();
            sheet.write_with_format(row, 0, &date, &day).unwrap();
            sheet.write(row, 1, format!("観測所{row}")).unwrap();
            sheet.write(row, 2, f64::from(row) / 8.0).unwrap();
            sheet.write_with_format(row, 3, f64::from(row) / 1_000.0, &percent).unwrap();
        }
        sheet.write(600, 0, true).unwrap().write(600, 5, "長".repeat(9_000)).unwrap();
        sheet.write(601, 0, Formula::new("1/0").set_result("#DIV/0!")).unwrap();
        // LibreOffice writes a text that a formula gave in the book that it read as 0 into an .xls.
        sheet.write(602, 1, 301_011_281_104_010_f64).unwrap();
        writer.add_worksheet().set_name("隠し").unwrap().set_hidden(true).write(0, 0, 1).unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "book.xlsx", &bytes);
    let Some(old) = converted(&path, "xls") else { return };
    let old = std::fs::read(old).unwrap();
    let (rows, layout, changes) = read(&old, None).unwrap();
    assert_eq!(recognised(&old, None).unwrap().format(), Format::Xls);
    let (expected, expected_layout, _) = read(&bytes, None).unwrap();
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }
    assert_eq!(rows.len(), expected.len());
    assert_eq!(layout, expected_layout);
    assert_eq!(changes.finish()[0].count, 3);
}

#[test]
fn a_damaged_old_workbook_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = sheet(|sheet| {
        for row in 0..50u32 {
            sheet.write(row, 0, format!("観測所{row}")).unwrap().write(row, 1, row).unwrap();
        }
    });
    let Some(old) = converted(&written(&folder, "book.xlsx", &bytes), "xls") else { return };
    let old = std::fs::read(old).unwrap();
    mutate(&old, 400);
}

/// Reads a book with bytes changed at places that a fixed sequence gives, over and over.
fn mutate(book: &[u8], times: u64) {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..times {
        let mut bytes = book.to_vec();
        for _ in 0..1 + random() % 8 {
            let at = (random() % bytes.len() as u64) as usize;
            bytes[at] = (random() >> 16) as u8;
        }
        if random() % 8 == 0 {
            bytes.truncate((random() % bytes.len() as u64) as usize);
        }
        let _ = std::hint::black_box(read(&bytes, None).map(|read| read.0.len()));
    }
}

#[test]
fn a_damaged_workbook_is_an_error_and_never_a_panic() {
    let bytes = sheet(|sheet| {
        for row in 0..50u32 {
            sheet.write(row, 0, format!("観測所{row}")).unwrap().write(row, 1, row).unwrap();
        }
        sheet.merge_range(60, 0, 61, 3, "x", &Style::new()).unwrap();
    });
    mutate(&bytes, 400);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_xml_in_a_sheet_is_read_or_refused(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "<row>", "</row>", "<row r=\"3\">", "<c>", "</c>", "<c r=\"B3\" t=\"s\">", "<v>", "</v>",
                "1", "<f>", "</f>", "<is>", "</is>", "<t>", "</t>", "</sheetData>", "<mergeCells>",
                "<mergeCell ref=\"A1:B2\"/>", "<c r=\"A1\" t=\"d\" s=\"1\">", "<!--", "-->", "<![CDATA[", "]]>",
                "&#x41;", "<", ">", "\"",
            ]),
            0..40,
        )
    ) {
        let xml = format!("<sheetData>{}", pieces.concat());
        let _ = read(&raw_book(&xml, "<si><t>a</t></si>"), None);
    }
}

#[test]
fn real_files_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "a.csv", "列\n1\n".as_bytes());
    assert_eq!(kind(&File::open(path).unwrap(), "列\n".as_bytes()), None);
}

/// The book that agencies really have: titles, a heading of two merged rows, times of an era in full-width
/// digits, 24 o'clock, a station's name merged over its rows, triangles for minus, commas, units and marks
/// in cells, a sum, notes below, and two cells that are wrong.
fn wrecked() -> Vec<u8> {
    sheet(|sheet| {
        let plain = Style::new();
        sheet.set_name("水位").unwrap();
        sheet.merge_range(0, 0, 0, 4, "令和６年度　河川水位観測結果", &plain).unwrap();
        sheet.write(1, 4, "（速報値）").unwrap();
        sheet.merge_range(2, 0, 3, 0, "観測所", &plain).unwrap();
        sheet.merge_range(2, 1, 3, 1, "日　時", &plain).unwrap();
        sheet.merge_range(2, 2, 2, 3, "余市川", &plain).unwrap();
        sheet.merge_range(2, 4, 3, 4, "備考", &plain).unwrap();
        sheet.write(3, 2, "水位（ｍ）").unwrap().write(3, 3, "前時間差（ｃｍ）").unwrap();
        let rows = [
            ("令和６年４月１日　23:00", "１．２５", "▲３", ""),
            ("令和6年4月1日 24:00", "1.22ｍ", "△ 3", "※1"),
            ("R6.4.2 1:00", "ばんごう", "1", ""),
            ("令和6年4月2日 2時", "欠測", "－", "点検"),
            ("令和6年4月31日 3:00", "1.2", "0", ""),
            ("2024/4/2 4:00", "1.20", "1,234", ""),
        ];
        sheet.merge_range(4, 0, 9, 0, "大川", &plain).unwrap();
        for (at, (time, level, change, note)) in rows.iter().enumerate() {
            let row = at as u32 + 4;
            for (column, text) in [time, level, change, note].iter().enumerate() {
                sheet.write(row, column as u16 + 1, **text).unwrap();
            }
        }
        sheet.write(11, 0, "※1 点検のため参考値。").unwrap();
        sheet.write(12, 0, "（注）▲△は減少を示す。").unwrap();
    })
}

#[test]
fn the_wrecked_book_is_understood_and_its_two_wrong_cells_are_named() {
    let recognised = recognised(&wrecked(), None).unwrap();
    let contract = crate::conform::tests::contract(
        r#"{"name":"観測所","type":"string","role":"key"},
           {"name":"日時","type":"datetime","role":"time"},
           {"name":"余市川_水位（ｍ）","type":"number","unit":"m","role":"value"},
           {"name":"余市川_前時間差（ｃｍ）","type":"number","unit":"cm"},
           {"name":"備考","type":"string"}"#,
    );
    let options = crate::IntakeOptions::default();
    let report = crate::conform(&recognised, &contract, &options, &mut |_| Ok(())).unwrap();
    let cells: Vec<_> = report.errors.iter().map(|error| error.cell.as_deref()).collect();
    assert_eq!(cells, [Some("C7"), Some("B9")], "{:?}", report.errors);
    assert_eq!((report.error_count, report.rows), (2, 6));
    let changed = |kind| {
        report.changes.iter().filter(|change| change.kind == kind).map(|c| c.count).sum::<u64>()
    };
    assert_eq!(changed(ChangeKind::Hour24), 1);
    assert_eq!(changed(ChangeKind::MinusSign), 2);
    assert_eq!(changed(ChangeKind::MissingMark), 2);
    assert_eq!(changed(ChangeKind::Thousands), 1);
    assert_eq!(changed(ChangeKind::UnitInCell), 1);
}
