//! How fast a workbook is conformed: `cargo run --release --example xlsx_speed -- [ROWS] [FOLDER]` makes
//! a book of observations where there is none yet, reads it and prints rows per second. With a folder the
//! book stays there, for other programs to read.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for the terminal that has no one to tell of errors"
)]

use std::{fs::File, path::PathBuf, time::Instant};

use hub_intake::{FormatHint, IntakeOptions, conform, recognise};
use hub_model::Contract;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

const CONTRACT: &str = r#"{"fields":[
    {"name":"station","type":"string","role":"key"},
    {"name":"time","type":"datetime","role":"time"},
    {"name":"level","type":"number","unit":"m"},
    {"name":"flow","type":"number","unit":"m3/s"},
    {"name":"count","type":"integer"},
    {"name":"quality","type":"string"}]}"#;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rows: u32 = arguments.next().map_or(500_000, |rows| rows.parse().unwrap());
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("observations_{rows}.xlsx"));
    if !path.exists() {
        let mut book = Workbook::new();
        let time = Format::new().set_num_format("yyyy/m/d h:mm");
        let sheet = book.add_worksheet();
        for (column, name) in
            ["station", "time", "level", "flow", "count", "quality"].iter().enumerate()
        {
            sheet.write(0, column as u16, *name).unwrap();
        }
        for row in 0..rows {
            let noise = row.wrapping_mul(2_654_435_761) >> 8;
            let at = 40_000.0 + f64::from(row / 50) / 144.0;
            let at = ExcelDateTime::from_serial_datetime(at).unwrap();
            sheet.write(row + 1, 0, format!("0164{:03}", row % 50)).unwrap();
            sheet.write_with_format(row + 1, 1, &at, &time).unwrap();
            sheet.write(row + 1, 2, f64::from(noise % 1_000) / 100.0).unwrap();
            sheet.write(row + 1, 3, f64::from(noise % 100_000) / 1_000.0).unwrap();
            sheet.write(row + 1, 4, noise % 500).unwrap();
            sheet.write(row + 1, 5, "normal").unwrap();
        }
        book.save(&path).unwrap();
    }
    let bytes = std::fs::metadata(&path).unwrap().len();
    let contract = Contract::parse(CONTRACT.as_bytes()).unwrap();
    let begun = Instant::now();
    let recognised = recognise(File::open(&path).unwrap(), &FormatHint::default()).unwrap();
    let mut taken = 0;
    let report = conform(&recognised, &contract, &IntakeOptions::default(), &mut |batch| {
        taken += batch.batch.num_rows();
        Ok(())
    })
    .unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!((report.error_count, taken), (0, rows as usize), "{:?}", report.errors.first());
    println!(
        "xlsx: {rows} rows, {} MB in {seconds:.2} s: {:.2} million rows/s",
        bytes / 1_000_000,
        f64::from(rows) / seconds / 1e6
    );
}
