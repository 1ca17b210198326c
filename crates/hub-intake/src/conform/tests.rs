//! What a sender sees: whole files against contracts.

mod answers;
mod cells;
mod clerk;
mod damage;
mod formats;
mod shape;
mod typed;

use std::{fs::File, io::Write};

use arrow::{
    array::AsArray,
    compute::concat_batches,
    datatypes::{Float64Type, TimestampMicrosecondType},
    record_batch::RecordBatch,
};
use hub_model::{Contract, Rule, UploadReport};

use super::*;
use crate::{Format, encoding::TextEncoding};

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
    let report =
        conform(&Recognised::plain(file_of(bytes), format), contract, options, &mut |batch| {
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
        let file = file_of(format!("{bom}{text}").as_bytes());
        let encoding = if bom.is_empty() { TextEncoding::Utf8 } else { TextEncoding::Utf8Bom };
        let mut batches = Vec::new();
        let report = conform(
            &Recognised::encoded(file, encoding),
            &river(),
            &IntakeOptions::default(),
            &mut |batch| {
                batches.push(batch);
                Ok(())
            },
        )
        .unwrap();
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
                "first": "2024-05-01T23:00:00+09:00",
                "last": "2024-05-02T00:00:00+09:00"
              },
              "error_count": 0,
              "errors": [],
              "errors_by_rule": {},
              "coverage": {
                "series": 1,
                "cadence": "PT1H",
                "gaps": {
                  "missing_steps": 0
                },
                "rows_by_month": {
                  "2024-05": 2
                }
              },
              "changes": [
                {
                  "kind": "hour24",
                  "message": {
                    "ja": "24時を翌日の0時としました",
                    "en": "24 o'clock became the next day's 0 o'clock"
                  },
                  "count": 1,
                  "examples": [
                    {
                      "row": 3,
                      "column": "時刻",
                      "cell": "A3",
                      "before": "2024/5/1 24:00",
                      "after": "2024-05-02 00:00"
                    }
                  ]
                }
              ]
            }
            "#);
        }
    }
}

#[test]
fn the_sink_gets_nothing_after_the_first_error_and_all_rows_are_checked() {
    let contract = contract(r#"{"name":"a","type":"integer"}"#);
    let mut text = String::from("a\n");
    for row in 0..10_000 {
        text.push_str(if row % 1_000 == 999 { "p\n" } else { "1\n" });
    }
    let options = IntakeOptions { batch_rows: 100, error_cap: 3, ..IntakeOptions::default() };
    let (report, batches) = run(text.as_bytes(), Format::Csv, &contract, &options).unwrap();
    let given: usize = batches.iter().map(|b| b.batch.num_rows()).sum();
    assert!(given <= 999, "{given}");
    assert_eq!((report.rows, report.error_count), (10_000, 10));
    let listed: Vec<_> = report.errors.iter().map(|e| e.row.unwrap()).collect();
    assert_eq!(listed, [1_001, 2_001, 3_001]);
}

#[test]
fn the_first_errors_of_all_columns_are_listed_in_the_order_of_the_file() {
    let contract = contract(r#"{"name":"a","type":"integer"},{"name":"b","type":"integer"}"#);
    let text = format!("a,b\n{}", "p,q\n".repeat(50));
    let options = IntakeOptions { error_cap: 5, ..IntakeOptions::default() };
    let (report, _) = run(text.as_bytes(), Format::Csv, &contract, &options).unwrap();
    let listed: Vec<_> =
        report.errors.iter().map(|e| (e.row.unwrap(), e.column.clone().unwrap())).collect();
    let expected = [(2, "a"), (2, "b"), (3, "a"), (3, "b"), (4, "a")];
    assert_eq!(listed, expected.map(|(row, column)| (row, column.to_owned())));
    assert_eq!(report.error_count, 100);
}

#[test]
fn reading_stops_when_told_and_when_the_sink_fails() {
    let contract = contract(r#"{"name":"a","type":"string"}"#);
    let text = format!("a\n{}", "x\n".repeat(100_000));
    let plain = Recognised::plain(file_of(text.as_bytes()), Format::Csv);
    let options = IntakeOptions { batch_rows: 10, ..IntakeOptions::default() };
    let stop = options.stop.clone();
    let mut given = 0;
    let stopped = conform(&plain, &contract, &options, &mut |_| {
        given += 1;
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    });
    assert!(matches!(stopped, Err(IntakeError::Stopped)) && given == 1, "{stopped:?}");
    let options = IntakeOptions::default();
    let failed = conform(&plain, &contract, &options, &mut |_| Err("the disk is full".into()));
    assert!(matches!(failed, Err(IntakeError::Sink(_))), "{failed:?}");
}
