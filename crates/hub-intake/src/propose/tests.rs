//! What is proposed for files such as agencies have.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, Float64Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field as ArrowField, Int32Type, Schema},
    record_batch::RecordBatch,
};
use parquet::arrow::ArrowWriter;

use super::*;
use crate::{
    Format,
    conform::tests::{file_of, run, told},
};

fn proposal(text: &str) -> Proposal {
    propose(&Recognised::plain(file_of(text.as_bytes()), Format::Csv), &IntakeOptions::default())
        .unwrap()
}

/// Each column as `name type role`, with what else is said of it, and the key.
fn shown(proposal: &Proposal) -> String {
    let mut lines: Vec<String> = proposal
        .contract
        .fields
        .iter()
        .map(|f| {
            let mut line = format!("{} {} {}", f.name, f.field_type.as_str(), f.role.as_str());
            for (key, value) in [
                ("format", f.format.clone()),
                ("unit", f.unit.as_ref().map(|u| u.as_str().to_owned())),
                ("quality_of", f.quality_of.clone()),
                ("code", f.code.map(|code| code.as_str().to_owned())),
                ("interval", f.interval.map(|interval| interval.to_string())),
                ("label", f.label.map(|label| format!("{label:?}").to_lowercase())),
                ("enum", f.constraints.allowed.as_ref().map(|a| serde_json::to_string(a).unwrap())),
            ] {
                if let Some(value) = value {
                    line.push_str(&format!(" {key}={value}"));
                }
            }
            line
        })
        .collect();
    lines.push(format!("key {:?}", proposal.contract.primary_key));
    lines.push(format!("missing {:?}", proposal.contract.missing_values));
    lines.join("\n")
}

fn river() -> String {
    let mut text = String::from("観測所コード,観測所名,時刻,水位(m),品質,流量[m3/s],備考\n");
    for hour in 0..48 {
        for (code, name) in [("0101", "余市川"), ("0102", "尻別川")] {
            let (day, hour) = (1 + hour / 24, hour % 24);
            let level = if hour == 5 { "欠測".to_owned() } else { format!("1.{hour}") };
            let quality = if hour == 5 { "missing" } else { "normal" };
            let remark = if hour == 7 { "点検" } else { "" };
            text.push_str(&format!(
                "{code},{name},2024/5/{day} {hour}:00,{level},{quality},{hour},{remark}\n"
            ));
        }
    }
    text
}

#[test]
fn a_river_file_is_understood_and_taken_in_as_proposed() {
    let text = river();
    let proposal = proposal(&text);
    insta::assert_snapshot!(shown(&proposal), @r#"
    観測所コード string place
    観測所名 string place
    時刻 datetime time interval=PT1H
    水位(m) number value unit=m
    品質 string quality quality_of=水位(m)
    流量[m3/s] integer value unit=m3/s
    備考 string attribute
    key ["観測所コード", "時刻"]
    missing ["", "欠測"]
    "#);
    assert!(proposal.contract.fields.iter().all(|field| field.alias.is_none()));
    let contract = proposal.contract.validated().unwrap();
    let (report, _) =
        run(text.as_bytes(), Format::Csv, &contract, &IntakeOptions::default()).unwrap();
    assert!(report.is_clean(), "{}", told(&report));
    assert_eq!(report.columns[3].missing, 4);
}

#[test]
fn every_choice_has_a_note_in_both_languages() {
    let proposal = proposal(&river());
    for field in &proposal.contract.fields {
        let notes = proposal.notes.iter().filter(|n| n.column.as_deref() == Some(&field.name));
        assert!(notes.count() > 0, "{}", field.name);
    }
    assert!(proposal.notes.iter().all(|n| !n.message.ja.is_empty() && !n.message.en.is_empty()));
    let all: Vec<_> = proposal.notes.iter().map(|n| n.message.ja.as_str()).collect();
    assert!(all.iter().any(|note| note.contains("missingValues に加えました")), "{all:?}");
    assert!(all.iter().any(|note| note.contains("interval")), "{all:?}");
}

#[test]
fn codes_stay_text_and_amounts_are_numbers() {
    let mut text = String::from("団体コード,人口,リンク番号,標高,区分\n");
    for row in 0..40 {
        let code = ["012033", "013919"][row % 2];
        text.push_str(&format!(
            "{code},{},{},{},{}\n",
            1000 + row * 7,
            row,
            5 * row,
            1000 + row % 2
        ));
    }
    insta::assert_snapshot!(shown(&proposal(&text)), @r#"
    団体コード string place code=municipality
    人口 integer value
    リンク番号 string key
    標高 integer value
    区分 string attribute
    key ["リンク番号"]
    missing [""]
    "#);
}

#[test]
fn a_column_of_words_for_no_value_alone_is_told_from_an_empty_one() {
    for (cell, words) in [("欠測", "words that often mean"), ("", "there is no value to tell")] {
        let proposal = proposal(&format!("a,備考\n1,{cell}\n2,{cell}\n"));
        let mut notes = proposal.notes.iter().filter(|note| note.column.as_deref() == Some("備考"));
        assert!(
            notes.any(|note| note.message.en.contains(words)),
            "{cell:?}: {:?}",
            proposal.notes
        );
    }
}

#[test]
fn leading_zeros_anywhere_in_the_file_keep_a_column_text() {
    let mut text = String::from("a\n");
    text.push_str(&"12345678\n9\n".repeat(20_000));
    text.push_str("0050\n");
    assert!(shown(&proposal(&text)).starts_with("a string"));
    text.push_str("x\n");
    assert!(shown(&proposal(&text)).starts_with("a string"));
}

#[test]
fn times_are_found_in_the_forms_that_agencies_write() {
    for (header, value, field) in [
        ("日付", "2024-05-01", "date time"),
        ("年月", "2024/5", "yearmonth time"),
        ("年月日", "20240501", "date time format=%Y%m%d"),
        ("観測時刻", "202405011300", "datetime time format=%Y%m%d%H%M"),
        ("日", "2024年5月1日", "date time format=%Y年%m月%d日"),
        ("月", "2024年5月", "yearmonth time format=%Y年%m月"),
        ("年", "2024", "year time"),
        ("人数", "2024", "integer value"),
        ("時", "2024-05-01T00:00:00Z", "datetime time"),
    ] {
        let shown = shown(&proposal(&format!("{header}\n{value}\n")));
        assert!(shown.starts_with(&format!("{header} {field}\n")), "{shown}");
    }
}

#[test]
fn no_key_is_proposed_where_rows_repeat() {
    let proposal = proposal("a,時刻\nx,2024-05-01 00:00\nx,2024-05-01 00:00\ny,2024-05-01 00:00\n");
    assert!(proposal.contract.primary_key.is_empty());
    assert!(proposal.notes.iter().any(|n| n.message.en.contains("primaryKey is empty")));
}

#[test]
fn headings_that_no_contract_can_have_are_told() {
    let proposal = proposal("__id,a,A\n1,2,3\n");
    let names: Vec<_> = proposal.contract.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["id", "a", "A_2"]);
    let told = proposal.notes.iter().filter(|n| n.message.en.contains("in the file")).count();
    assert_eq!(told, 2);
}

#[test]
fn rows_that_do_not_fit_are_told() {
    let proposal = proposal("a,b\n1,2\n3\n4,5\n");
    assert!(proposal.notes[0].message.en.contains("the first in line 3"));
}

#[test]
fn typed_files_speak_for_themselves() {
    let metadata = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let schema = Arc::new(Schema::new(vec![
        ArrowField::new("station", DataType::Utf8, true),
        ArrowField::new(
            "time",
            DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None),
            true,
        )
        .with_metadata(metadata(&[
            ("role", "time"),
            ("interval", "PT1H"),
            ("label", "end"),
        ])),
        ArrowField::new("level", DataType::Float64, true).with_metadata(metadata(&[
            ("unit", "m"),
            ("title", "Level"),
            ("role", "value"),
        ])),
        ArrowField::new("count", DataType::Int64, true),
        ArrowField::new_list("list", ArrowField::new_list_field(DataType::Int32, true), true),
    ]));
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)]), None]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["001", "002"])),
        Arc::new(TimestampMicrosecondArray::from(vec![0, 0])),
        Arc::new(Float64Array::from(vec![1.5, 2.5])),
        Arc::new(Int64Array::from(vec![1, 2])),
        Arc::new(list),
    ];
    let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let proposal =
        propose(&Recognised::plain(file_of(&bytes), Format::Parquet), &IntakeOptions::default())
            .unwrap();
    insta::assert_snapshot!(shown(&proposal), @r#"
    station string place
    time datetime time interval=PT1H label=end
    level number value unit=m
    count integer value
    key ["station", "time"]
    missing [""]
    "#);
    assert_eq!(proposal.contract.fields[1].interval.unwrap().to_string(), "PT1H");
    assert_eq!(proposal.contract.fields[2].title.as_deref(), Some("Level"));
    let left_out = proposal.notes.iter().find(|n| n.column.as_deref() == Some("list")).unwrap();
    assert!(left_out.message.en.contains("leave it out of the file"));
}

#[test]
fn a_file_as_people_write_it_is_understood() {
    let mut text =
        String::from("団体コード,観測所名,観測日時,水位,品質情報,雨量[mm/h],利用者数,備考\n");
    for hour in 0..96 {
        let (day, hour_of_day) = (1 + hour / 24, 1 + hour % 24);
        let level =
            if hour == 30 { "閉局".to_owned() } else { format!("▲{}.５ｍ", hour % 7) };
        let rain = if hour == 31 { "-9999".to_owned() } else { format!("{}.5", hour % 5) };
        text.push_str(&format!(
            "R01400,倶知安,令和6年5月{day}日 {hour_of_day}時,{level},{},{rain},\"{},{:03}人\",\n",
            [8, 5][hour % 2],
            1 + hour % 3,
            hour * 7 % 1000,
        ));
    }
    let proposal = proposal(&text);
    insta::assert_snapshot!(shown(&proposal), @r#"
    団体コード string place code=municipality
    観測所名 string place
    観測日時 datetime time interval=PT1H label=end
    水位 number value unit=m
    品質情報 string quality quality_of=水位 enum=["5","8"]
    雨量[mm/h] number value unit=mm/h
    利用者数 integer value unit={person}
    備考 string attribute
    key ["団体コード", "観測日時"]
    missing ["", "閉局"]
    "#);
    assert_eq!(proposal.rows, 96);
    let notes: Vec<_> = proposal.notes.iter().map(|n| n.message.ja.as_str()).collect();
    assert!(notes.iter().any(|note| note.contains("「-9999」があります")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("24時があるので")), "{notes:?}");
    let contract = proposal.contract.validated().unwrap();
    let (report, _) =
        run(text.as_bytes(), Format::Csv, &contract, &IntakeOptions::default()).unwrap();
    assert!(report.is_clean(), "{}", told(&report));
}

#[test]
fn a_station_of_one_file_is_part_of_the_key() {
    let mut text = String::from("観測所記号,観測所名,日付,流量(㎥/s)\n");
    for day in 1..=28 {
        text.push_str(&format!("301031281101010,名駒,2024/2/{day},{day}.5\n"));
    }
    insta::assert_snapshot!(shown(&proposal(&text)), @r#"
    観測所記号 string place
    観測所名 string place
    日付 date time interval=P1D
    流量(㎥/s) number value unit=m3/s
    key ["観測所記号", "日付"]
    missing [""]
    "#);
}

#[test]
fn hours_in_columns_are_told() {
    let hours: Vec<String> = (1..=24).map(|hour| format!("{hour}時")).collect();
    let values = vec!["1.5"; 24].join(",");
    let proposal = proposal(&format!("日付,{}\n2024/5/1,{values}\n", hours.join(",")));
    assert!(proposal.notes.iter().any(|n| n.message.en.contains("label: end")));
}

#[test]
fn numbers_of_several_units_stay_text() {
    let proposal = proposal("水位\n1.5m\n30cm\n");
    assert!(shown(&proposal).starts_with("水位 string"));
    assert!(proposal.notes.iter().any(|n| n.message.en.contains("cm, m")));
}
