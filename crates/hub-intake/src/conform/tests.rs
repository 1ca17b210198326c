//! What a sender sees: whole files against contracts.

use std::{fs::File, io::Write, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::concat_batches,
    datatypes::{Float64Type, TimestampMicrosecondType},
    record_batch::RecordBatch,
};
use hub_model::{Contract, Rule, UploadReport};

use super::*;

pub(crate) fn contract(fields: &str) -> Contract {
    Contract::parse(format!(r#"{{"fields":[{fields}]}}"#).as_bytes()).unwrap()
}

pub(crate) fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

pub(crate) fn run(
    bytes: &[u8],
    format: Format,
    contract: &Contract,
    options: &IntakeOptions,
) -> Result<(UploadReport, Vec<ConformedBatch>), IntakeError> {
    let mut batches = Vec::new();
    let report = conform(file_of(bytes), format, contract, options, &mut |batch| {
        batches.push(batch);
        Ok(())
    })?;
    Ok((report, batches))
}

pub(crate) fn run_csv(text: &str, contract: &Contract) -> (UploadReport, Vec<ConformedBatch>) {
    run(text.as_bytes(), Format::Csv, contract, &IntakeOptions::default()).unwrap()
}

/// The rows of a clean file.
pub(crate) fn rows(batches: &[ConformedBatch], contract: &Contract) -> RecordBatch {
    concat_batches(&contract.storage_schema(), batches.iter().map(|b| &b.batch)).unwrap()
}

/// Row, column, value, rule, Japanese message and fix of each listed error.
pub(crate) fn told(report: &UploadReport) -> String {
    let mut lines: Vec<String> = report
        .errors
        .iter()
        .map(|e| {
            let row = e.row.map_or("-".to_owned(), |row| row.to_string());
            let column = e.column.as_deref().unwrap_or("-");
            let value = e.value.as_deref().unwrap_or("-");
            format!("{row} {column} [{value}] {:?}\n  {}\n  {}", e.rule, e.message.ja, e.fix.ja)
        })
        .collect();
    lines.push(format!("{} in all", report.error_count));
    lines.join("\n")
}

fn river() -> Contract {
    Contract::parse(
        r#"{"fields":[
            {"name":"観測所","type":"string","role":"key","alias":"station"},
            {"name":"時刻","type":"datetime","role":"time","interval":"PT1H","label":"end","alias":"time"},
            {"name":"水位","type":"number","unit":"m","alias":"level","constraints":{"minimum":-5,"maximum":20}},
            {"name":"品質","type":"string","role":"quality","quality_of":"水位","alias":"quality"}],
           "primaryKey":["観測所","時刻"]}"#
            .as_bytes(),
    )
    .unwrap()
}

#[test]
fn a_clean_file_becomes_batches_and_a_report() {
    let text = "時刻,観測所,水位,品質\r\n2024-05-01 23:00,0101,1.25,normal\r\n2024/5/1 24:00,0101,,missing\r\n";
    for bom in ["", "\u{FEFF}"] {
        let (report, batches) = run_csv(&format!("{bom}{text}"), &river());
        assert!(report.is_clean(), "{}", told(&report));
        assert_eq!(batches[0].first_row, 2);
        let rows = rows(&batches, &river());
        assert_eq!(rows.column(0).as_string::<i32>().value(1), "0101");
        let times = rows.column(1).as_primitive::<TimestampMicrosecondType>();
        // 23:00 and midnight of Japanese time.
        assert_eq!(times.values().as_ref(), [1_714_572_000_000_000, 1_714_575_600_000_000]);
        assert_eq!(
            rows.column(2).as_primitive::<Float64Type>().iter().collect::<Vec<_>>(),
            [Some(1.25), None]
        );
        let mut shown = serde_json::to_value(&report).unwrap();
        assert_eq!(shown["encoding"], if bom.is_empty() { "UTF-8" } else { "UTF-8 (BOM)" });
        shown["encoding"] = "UTF-8".into();
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(shown, @r#"
            {
              "format": "csv",
              "encoding": "UTF-8",
              "rows": 2,
              "columns": [
                {
                  "name": "観測所",
                  "source": "観測所",
                  "missing": 0
                },
                {
                  "name": "時刻",
                  "source": "時刻",
                  "missing": 0
                },
                {
                  "name": "水位",
                  "source": "水位",
                  "missing": 1
                },
                {
                  "name": "品質",
                  "source": "品質",
                  "missing": 0
                }
              ],
              "period": {
                "first": "2024-05-01T14:00:00Z",
                "last": "2024-05-01T15:00:00Z"
              },
              "error_count": 0,
              "errors": [],
              "errors_by_rule": {}
            }
            "#);
        }
    }
}

#[test]
fn every_broken_cell_is_told_in_plain_words() {
    let (report, batches) = run_csv(
        "観測所,時刻,水位,品質\n\
         0101,2024-05-01 01:00,欠測,normal\n\
         ,2024-05-01,\"1,234\",ok\n\
         0101,2024-02-30 01:00,25,normal,x\n\
         0101,5/1 1:00,-9999,normal\n",
        &river(),
    );
    assert!(batches.is_empty());
    insta::assert_snapshot!(told(&report), @"");
}
