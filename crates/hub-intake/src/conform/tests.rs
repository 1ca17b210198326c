//! What a sender sees: whole files against contracts.

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
fn every_broken_cell_is_told_in_plain_words() {
    let (report, batches) = run_csv(
        "観測所,時刻,水位,品質\n\
         0101,2024-05-01 01:00,約2,normal\n\
         ,2024-05-01,\"12,34\",ok\n\
         0101,2024-02-30 01:00,25,normal,x\n\
         0101,5/1 1:00,-9999,normal\n",
        &river(),
    );
    assert!(batches.is_empty());
    insta::assert_snapshot!(told(&report), @r#"
    2 水位 [約2] Type
      「水位」列は数値ですが「約2」と書かれています
      数を1つだけ、半角の数字で書いてください。「約」などの言い添えや範囲は、備考など別の列に書いてください
    3 観測所 [-] Required
      「観測所」列に値がありません
      値を入れるか、この行を削ってください。この列は必須です。上のセルと結合されていたのなら、上と同じ値を入れてください
    3 時刻 [2024-05-01] Type
      「時刻」列は日時ですが「2024-05-01」には時刻がありません
      「2024-05-01 13:00」のように時刻まで書くか、契約の型を date にしてください
    3 水位 [12,34] TwoReadings
      「水位」列の「12,34」は、「1234」とも「12.34」とも読めます
      どちらの意味かがはっきりする書き方にしてください
    3 品質 [ok] Enum
      「品質」列の「ok」は、決められた値ではありません
      品質の語（normal, quasi_normal, insufficient, doubtful, missing, not_observed, closed, provisional, estimated, absent_phenomenon）に直すか、契約のこの列に enum で独自の語を定めてください
    4 - [-] RowShape
      見出しは4列ですが、この行は5列です
      足りない列や余分なコンマがないか確かめてください。値の中のコンマは、値を引用符（"）で囲めば使えます
    5 時刻 [5/1 1:00] Type
      「時刻」列は日時ですが「5/1 1:00」と書かれています
      年を付けて、「2024-05-01 13:00」の形で書いてください
    5 水位 [-9999] Minimum
      「水位」列の「-9999」は、下限の-5を下回っています
      値を確かめてください。正しければ、契約の下限を見直してください
    8 in all
    "#);
    let first = &report.errors[0];
    assert_eq!(first.message.en, "the column \"水位\" holds numbers, and this cell says \"約2\"");
    assert_eq!(report.errors_by_rule[&Rule::RowShape], 1);
}

/// Row, rule and value of each listed error of one column's cells, written one a line.
fn broken(field: &str, cells: &[&str]) -> Vec<String> {
    let contract = contract(field);
    let header = contract.fields[0].name.clone();
    let quoted = cells.iter().map(|cell| format!("\"{}\"\n", cell.replace('"', "\"\"")));
    let text = format!("{header}\n{}", quoted.collect::<String>());
    let (report, _) = run_csv(&text, &contract);
    report
        .errors
        .iter()
        .map(|e| format!("{:?} {}", e.rule, cells[e.row.unwrap() as usize - 2]))
        .collect()
}

#[test]
fn each_constraint_finds_its_cells() {
    let text = |limits: &str| format!(r#"{{"name":"c","type":"string","constraints":{limits}}}"#);
    assert_eq!(
        broken(&text(r#"{"minLength":2,"maxLength":3}"#), &["水", "水位", "abcd", ""]),
        ["MinLength 水", "MaxLength abcd"]
    );
    assert_eq!(
        broken(&text(r#"{"pattern":"[0-9]{4}|x"}"#), &["0050", "00501", "ax", "x"]),
        ["Pattern 00501", "Pattern ax"]
    );
    assert_eq!(broken(&text(r#"{"enum":["a","b"]}"#), &["a", "c", "b", "A"]), ["Enum c", "Enum A"]);
    assert_eq!(broken(&text(r#"{"required":true}"#), &["a", ""]), ["Required "]);
    let typed = |field_type: &str, limits: &str| {
        format!(r#"{{"name":"c","type":"{field_type}","constraints":{limits}}}"#)
    };
    assert_eq!(
        broken(&typed("number", r#"{"minimum":0,"maximum":1}"#), &["-0.1", "0", "1", "1.01"]),
        ["Minimum -0.1", "Maximum 1.01"]
    );
    assert_eq!(broken(&typed("integer", r#"{"enum":[1,2]}"#), &["1", "3", ""]), ["Enum 3"]);
    assert_eq!(broken(&typed("boolean", r#"{"enum":[true]}"#), &["true", "0"]), ["Enum 0"]);
    assert_eq!(
        broken(&typed("date", r#"{"minimum":"2024-01-01"}"#), &["2023-12-31", "2024/1/1"]),
        ["Minimum 2023-12-31"]
    );
    assert_eq!(
        broken(
            &typed("datetime", r#"{"maximum":"2024-01-01T00:00:00+09:00"}"#),
            &["2023-12-31 24:00", "2023-12-31T15:00:01Z"]
        ),
        ["Maximum 2023-12-31T15:00:01Z"]
    );
    assert_eq!(broken(&typed("year", r#"{"minimum":2000}"#), &["1999", "2000"]), ["Minimum 1999"]);
    assert_eq!(
        broken(&typed("yearmonth", r#"{"minimum":"2024-04"}"#), &["2024/3", "2024-04"]),
        ["Minimum 2024/3"]
    );
}

#[test]
fn each_type_reads_its_forms_and_no_other() {
    let typed = |field_type: &str| format!(r#"{{"name":"c","type":"{field_type}"}}"#);
    assert_eq!(
        broken(
            &typed("datetime"),
            &[
                "2024-05-01T13:00:00+09:00",
                "2024-05-01T04:00:00.123456Z",
                "2024-05-01 13:00",
                "2024-05-01 13:00:59.5",
                "2024/5/1 1:00",
                "2024/05/01 24:00:00",
                " 2024-05-01 13:00 ",
                "2024-05-01 13:00:00.1234567",
                "2024-05-01 24:01",
                "0001-01-01 00:00",
                "9999-12-31 24:00",
                "2024-05-01 13:60",
                "2024-13-01 00:00",
                "2023-02-29 00:00",
                "05/01/2024 13:00",
                "2024-05/01 13:00",
                "2024-05-01 13:00 JST",
                "１３:００",
            ]
        ),
        [
            "Lossless 2024-05-01 13:00:00.1234567",
            "Type 2024-05-01 24:01",
            "Lossless 9999-12-31 24:00",
            "Type 2024-05-01 13:60",
            "Type 2024-13-01 00:00",
            "Type 2023-02-29 00:00",
            "TwoReadings 05/01/2024 13:00",
            "Type 2024-05/01 13:00",
            "Type 2024-05-01 13:00 JST",
            "Type １３:００",
        ]
    );
    assert_eq!(
        broken(
            &typed("date"),
            &["2024-02-29", "2024/2/9", "2024-02-29 00:00", "2024-02-29 01:00", "20240229"]
        ),
        ["Lossless 2024-02-29 01:00", "Type 20240229"]
    );
    assert_eq!(
        broken(&typed("yearmonth"), &["2024-05", "2024/5", "2024-13", "2024-05-01", "202405"]),
        ["Type 2024-13", "Lossless 2024-05-01", "Type 202405"]
    );
    assert_eq!(broken(&typed("year"), &["2024", "24", "2024.0"]), ["Type 24", "Type 2024.0"]);
    assert_eq!(
        broken(&typed("boolean"), &["true", "FALSE", "1", "0", "yes", "2"]),
        ["Type yes", "Type 2"]
    );
    assert_eq!(
        broken(&typed("integer"), &["1", "-3", "2.0", "2.5", "1,000", "1,00"]),
        ["Lossless 2.5", "TwoReadings 1,00"]
    );
}

#[test]
fn a_format_of_the_contract_is_the_only_one_read() {
    let typed = |field_type: &str, format: &str| {
        format!(r#"{{"name":"c","type":"{field_type}","format":"{format}"}}"#)
    };
    assert_eq!(
        broken(
            &typed("datetime", "%Y%m%d%H%M"),
            &["202405011300", "202405012400", "2024-05-01 13:00", "20240501130"]
        ),
        ["Type 2024-05-01 13:00", "Type 20240501130"]
    );
    assert_eq!(
        broken(
            &typed("datetime", "%Y年%m月%d日 %H時"),
            &["2024年5月1日 24時", "2024年5月1日 25時"]
        ),
        ["Type 2024年5月1日 25時"]
    );
    assert_eq!(
        broken(&typed("date", "%d %b %Y"), &["01 May 2024", "2024-05-01"]),
        ["Type 2024-05-01"]
    );
    let contract = contract(&typed("datetime", "%Y-%m-%dT%H:%M:%S%z"));
    let (_, batches) = run_csv("c\n2024-05-01T00:00:00+0000\n", &contract);
    let rows = rows(&batches, &contract);
    let instants = rows.column(0).as_primitive::<TimestampMicrosecondType>();
    assert_eq!(instants.value(0), 1_714_521_600_000_000);
}

#[test]
fn missing_values_are_the_contracts_own() {
    let contract = Contract::parse(
        br#"{"fields":[{"name":"a","type":"number"},{"name":"b","type":"string"}],
             "missingValues":["","-","***"]}"#,
    )
    .unwrap();
    let (report, batches) = run_csv("a,b\n-,x\n ***, y\n,-\n", &contract);
    assert!(report.is_clean(), "{}", told(&report));
    assert_eq!(report.columns.iter().map(|c| c.missing).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(rows(&batches, &contract).column(1).as_string::<i32>().value(1), " y");
}

#[test]
fn columns_are_found_by_name_alias_and_look() {
    let contract = Contract::parse(
        r#"{"fields":[{"name":"気温(℃)","type":"number","alias":"temperature"},
            {"name":"地点","type":"string","alias":"place"},
            {"name":"備考","type":"string","alias":"remark"}]}"#
            .as_bytes(),
    )
    .unwrap();
    let (report, _) = run_csv(" place ,気温（℃）\nA,1\n", &contract);
    assert!(report.is_clean(), "{}", told(&report));
    let sources: Vec<_> = report.columns.iter().map(|c| c.source.as_deref()).collect();
    assert_eq!(sources, [Some("気温（℃）"), Some("place"), None]);
    assert_eq!(report.columns[2].missing, 1);
}

#[test]
fn a_header_that_does_not_fit_is_told_and_the_rest_checked() {
    let (report, batches) = run_csv("観測所,水位,水位,品質,メモ\n0101,1,2,good,x\n", &river());
    assert!(batches.is_empty());
    insta::assert_snapshot!(told(&report), @"
    - 時刻 [-] MissingColumn
      必須の列「時刻」がファイルにありません
      契約にない列（メモ）のどれかがそれなら、見出しを「時刻」に直してください。なければ列を加えてください
    1 水位 [-] UnknownColumn
      契約の「水位」に当たる列が2つあります（水位, 水位）
      1つだけを残し、ほかは削るか、別の見出しにしてください
    1 メモ [-] UnknownColumn
      列「メモ」は契約にありません
      要らない列なら削り、要る列なら契約に「メモ」を加えてから送ってください
    2 品質 [good] Enum
      「品質」列の「good」は、決められた値ではありません
      品質の語（normal, quasi_normal, insufficient, doubtful, missing, not_observed, closed, provisional, estimated, absent_phenomenon）に直すか、契約のこの列に enum で独自の語を定めてください
    4 in all
    ");
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
fn rows_are_numbered_by_the_lines_a_person_sees() {
    let contract = contract(r#"{"name":"a","type":"string"},{"name":"b","type":"integer"}"#);
    let text = "a,b\r\n\"two\r\nlines\",1\r\n\r\nx,bad\r\n\"\"\"q\"\"\",2\ry,3,4\nz,5";
    let (report, _) = run_csv(text, &contract);
    let listed: Vec<_> = report.errors.iter().map(|e| (e.row.unwrap(), e.rule)).collect();
    assert_eq!(listed, [(5, Rule::Type), (7, Rule::RowShape)]);
    assert_eq!(report.rows, 5);
    let (_, batches) = run_csv("a,b\n\"two\nlines\",1\nx,2\n\ny,3\n", &contract);
    let firsts: Vec<_> = batches.iter().map(|b| (b.first_row, b.batch.num_rows())).collect();
    assert_eq!(firsts, [(2, 1), (4, 1), (6, 1)]);
}

#[test]
fn a_stray_byte_is_one_broken_cell() {
    let contract = contract(r#"{"name":"a","type":"string"},{"name":"b","type":"number"}"#);
    let (report, _) =
        run(b"a,b\nok,1\n\x90\x85,\x88\n", Format::Csv, &contract, &IntakeOptions::default())
            .unwrap();
    let listed: Vec<_> = report.errors.iter().map(|e| (e.row.unwrap(), e.rule)).collect();
    assert_eq!(listed, [(3, Rule::Encoding), (3, Rule::Encoding)]);
}

#[test]
fn a_header_alone_is_a_clean_file_without_rows() {
    for text in ["a\n", "a", "\n\na\r\n"] {
        let (report, batches) = run_csv(text, &contract(r#"{"name":"a","type":"string"}"#));
        assert!(report.is_clean() && batches.is_empty() && report.rows == 0, "{text:?}");
    }
}

/// Why a CSV can't be read at all.
fn refusal(bytes: &[u8]) -> String {
    let options = IntakeOptions { max_record_bytes: 100_000, ..IntakeOptions::default() };
    let contract = contract(r#"{"name":"a","type":"string"},{"name":"b","type":"string"}"#);
    let error = run(bytes, Format::Csv, &contract, &options).unwrap_err();
    assert!(error.text().is_some_and(|text| !text.ja.is_empty() && !text.en.is_empty()), "{error}");
    error.to_string()
}

#[test]
fn what_is_no_table_is_refused_with_the_line() {
    assert!(refusal(b"").contains("nothing in the file"));
    assert!(refusal(b"\n\n").contains("nothing in the file"));
    assert!(refusal(b"a,b\n1,2\n\"3,4\n5,6\n").contains("line 3 is never closed"));
    assert!(refusal(b"a,b\n1,2\n3,\0\n").contains("line 3 has a NUL"));
    assert!(refusal(b"a;b\n1;2\n").contains("semicolons"));
    assert!(refusal(b"a\tb\n1\t2\n").contains("tabs"));
    assert!(
        refusal(format!("{}\n", "x,".repeat(5_000)).as_bytes()).contains("more than 1000 columns")
    );
    let long = format!("a,b\n1,2\n3,{}", "x".repeat(300_000));
    assert!(refusal(long.as_bytes()).contains("line 3 is longer than 97 KiB"));
    let quoted = format!("a,b\n1,2\n3,\"{}", "x\n".repeat(3_000_000));
    assert!(refusal(quoted.as_bytes()).contains("begins in line 3 is longer"));
    // 水位 in CP932.
    assert!(refusal(b"\x90\x85,\x88\xca\n1,2\n").contains("not in UTF-8"));
}

#[test]
fn a_row_of_a_million_cells_is_one_broken_row() {
    let text = format!("a,b\n1,2\n{}\n3,4\n", "x,".repeat(1_000_000));
    let contract = contract(r#"{"name":"a","type":"string"},{"name":"b","type":"string"}"#);
    let (report, _) = run_csv(&text, &contract);
    assert_eq!((report.rows, report.error_count), (3, 1));
    assert!(report.errors[0].message.en.contains("this row has 1000001"));
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

#[test]
fn a_constraint_that_is_no_value_of_the_type_is_the_contracts_fault() {
    let contract =
        contract(r#"{"name":"a","type":"date","constraints":{"minimum":"first of May"}}"#);
    let error = run(b"a\n", Format::Csv, &contract, &IntakeOptions::default()).unwrap_err();
    assert_eq!(error.kind(), hub_model::ErrorKind::InvalidDescriptor);
}
