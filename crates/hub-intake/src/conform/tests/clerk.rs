//! Ten files that went wrong on their way, and what a clerk of a town office is told of each.

use std::fmt::Write as _;

use hub_model::{Contract, UploadReport};

use super::file_of;
use crate::{FormatHint, IntakeOptions, conform, recognise, report_duplicates};

fn contract() -> Contract {
    Contract::parse(
        r#"{"fields":[
            {"name":"観測所コード","type":"string","role":"key","alias":"station","constraints":{"pattern":"[0-9]{4}"}},
            {"name":"日時","type":"datetime","role":"time","interval":"PT1H","label":"end","alias":"time"},
            {"name":"市町村","type":"string","role":"place","code":"municipality","alias":"municipality"},
            {"name":"水位（m）","type":"number","role":"value","unit":"m","alias":"level","constraints":{"minimum":-5,"maximum":20}},
            {"name":"天気","type":"string","alias":"weather","constraints":{"enum":["晴","曇","雨","雪"]}}],
           "primaryKey":["観測所コード","日時"]}"#
            .as_bytes(),
    )
    .unwrap()
}

const HEADER: &str = "観測所コード,日時,市町村,水位（m）,天気\n";

/// Three days of hours of one station, in order and without a fault.
fn hours() -> Vec<String> {
    (0..72)
        .map(|hour| {
            let level = 1.0 + f64::from(hour * 7 % 13) / 100.0;
            format!("0101,2024-05-{:02} {:02}:00,余市町,{level:.2},晴", 1 + hour / 24, hour % 24)
        })
        .collect()
}

fn file(rows: &[String]) -> String {
    format!("{HEADER}{}\n", rows.join("\n"))
}

fn told_of(bytes: &[u8]) -> String {
    let hint = FormatHint { file_name: Some("水位.csv".to_owned()), ..FormatHint::default() };
    let report = recognise(file_of(bytes), &hint)
        .and_then(|file| conform(&file, &contract(), &IntakeOptions::default(), &mut |_| Ok(())));
    match report {
        Ok(report) => aloud(&report),
        Err(error) => {
            let text = error.text().unwrap();
            format!("refused\n  {}\n  {}\n", text.ja, text.en)
        }
    }
}

/// What a person reads of a report.
fn aloud(report: &UploadReport) -> String {
    let mut said = String::new();
    for error in &report.errors {
        let place = error.cell.clone().or(error.row.map(|row| format!("{row}行目")));
        writeln!(said, "× {}", place.unwrap_or_default()).unwrap();
        for text in [&error.message, &error.fix] {
            writeln!(said, "  {}\n  {}", text.ja, text.en).unwrap();
        }
    }
    for warning in &report.warnings {
        writeln!(said, "△ {}", warning.row.map_or(String::new(), |r| format!("{r}行目"))).unwrap();
        for text in [&warning.message, &warning.fix] {
            writeln!(said, "  {}\n  {}", text.ja, text.en).unwrap();
        }
    }
    for note in report.layout.iter().flat_map(|layout| &layout.notes) {
        writeln!(said, "・{}\n  {}", note.ja, note.en).unwrap();
    }
    let more = report.error_count - report.errors.len() as u64;
    writeln!(said, "{} rows, {} errors ({more} not shown)", report.rows, report.error_count)
        .unwrap();
    said
}

#[test]
fn a_day_and_a_month_that_are_none() {
    let mut rows = hours();
    rows[10] = rows[10].replace("2024-05-01", "2024-04-31");
    rows[11] = rows[11].replace("2024-05-01", "2024-15-01");
    rows[12] = rows[12].replace("2024-05-01 12:00", "5月1日 12時");
    rows[13] = rows[13].replace("2024-05-01 13:00", "2024-05-01");
    insta::assert_snapshot!(told_of(file(&rows).as_bytes()));
}

#[test]
fn rows_whose_cells_are_shifted() {
    let mut rows = hours();
    rows[5] = rows[5].replacen("0101,", "", 1);
    rows[6] = format!("{},x", rows[6]);
    rows[7] = "余市町,0101,2024-05-01 07:00,1.0,晴".to_owned();
    insta::assert_snapshot!(told_of(file(&rows).as_bytes()));
}

#[test]
fn two_encodings_in_one_file() {
    let rows = hours();
    let mut bytes = file(&rows[..40]).into_bytes();
    let (cp932, _, _) = encoding_rs::SHIFT_JIS.encode("0101,2024-05-02 16:00,余市町,1.05,晴\n");
    bytes.extend_from_slice(&cp932);
    insta::assert_snapshot!(told_of(&bytes));
}

#[test]
fn merged_cells_that_a_spreadsheet_saved_as_blanks() {
    let mut rows = hours();
    for row in rows.iter_mut().skip(1).take(3) {
        *row = row.replacen("0101,", ",", 1);
    }
    insta::assert_snapshot!(told_of(file(&rows).as_bytes()));
}

#[test]
fn a_year_typed_wrong() {
    let mut rows = hours();
    rows[20] = rows[20].replace("2024", "2042");
    insta::assert_snapshot!(told_of(file(&rows).as_bytes()));
}

#[test]
fn the_same_hours_twice() {
    let clean = {
        let recognised =
            recognise(file_of(file(&hours()).as_bytes()), &FormatHint::default()).unwrap();
        conform(&recognised, &contract(), &IntakeOptions::default(), &mut |_| Ok(())).unwrap()
    };
    let report = report_duplicates(clean, &contract(), 3, &[(2, 74), (3, 75)], 100);
    insta::assert_snapshot!(aloud(&report));
}

#[test]
fn a_point_that_was_left_out() {
    let mut rows = hours();
    rows[40] = rows[40].replace(",1.", ",1");
    rows[50] = rows[50].replace(",1.", ",-1");
    insta::assert_snapshot!(told_of(file(&rows).as_bytes()));
}

#[test]
fn units_and_words_in_cells() {
    let mut rows = hours();
    for (row, level) in [(3, "1.02m"), (4, "102cm"), (5, "約1"), (6, "欠測"), (7, "1.0～1.2")] {
        rows[row] = format!("0101,2024-05-01 {row:02}:00,余市町,{level},晴");
    }
    rows[8] = rows[8].replace(",晴", ",はれ");
    insta::assert_snapshot!(told_of(file(&rows).as_bytes()));
}

#[test]
fn headings_that_were_changed() {
    let text = file(&hours()).replacen(
        "観測所コード,日時,市町村,水位（m）,天気",
        "観測所,日時,市町村名,水位,天気",
        1,
    );
    insta::assert_snapshot!(told_of(text.as_bytes()));
}

#[test]
fn codes_and_dates_that_a_spreadsheet_spoilt() {
    let mut rows = hours();
    rows[1] = rows[1].replacen("0101,", "101,", 1);
    rows[2] = rows[2].replace("2024-05-01 02:00", "45413.0833333333");
    rows[3] = rows[3].replace("余市町", "余市");
    rows[4] = rows[4].replace("余市町", "伊達市");
    rows[5] = rows[5].replace("余市町", "014088");
    rows[6] = rows[6].replacen("0101,", "1.01E+02,", 1);
    rows[7] = rows[7].replace("余市町", "#N/A");
    insta::assert_snapshot!(told_of(file(&rows).as_bytes()));
}
