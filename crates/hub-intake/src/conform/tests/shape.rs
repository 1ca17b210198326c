//! Headings, rows and lines: what fits a contract, and what is no table.

use super::*;

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
fn a_header_alone_is_a_clean_file_without_rows() {
    for text in ["a\n", "a", "\n\na\r\n"] {
        let (report, batches) = run_csv(text, &contract(r#"{"name":"a","type":"string"}"#));
        assert!(report.is_clean() && batches.is_empty() && report.rows == 0, "{text:?}");
    }
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
