//! Cells of text against what a contract asks of them.

use super::*;

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
fn a_stray_byte_is_one_broken_cell() {
    let contract = contract(r#"{"name":"a","type":"string"},{"name":"b","type":"number"}"#);
    let (report, _) =
        run(b"a,b\nok,1\n\x90\x85,\x88\n", Format::Csv, &contract, &IntakeOptions::default())
            .unwrap();
    let listed: Vec<_> = report.errors.iter().map(|e| (e.row.unwrap(), e.rule)).collect();
    assert_eq!(listed, [(3, Rule::Encoding), (3, Rule::Encoding)]);
}

#[test]
fn a_constraint_that_is_no_value_of_the_type_is_the_contracts_fault() {
    let contract =
        contract(r#"{"name":"a","type":"date","constraints":{"minimum":"first of May"}}"#);
    let error = run(b"a\n", Format::Csv, &contract, &IntakeOptions::default()).unwrap_err();
    assert_eq!(error.kind(), hub_model::ErrorKind::InvalidDescriptor);
}
