//! Cells as people write them, one by one.

use hub_model::{Field, FieldType, Unit};
use proptest::prelude::*;

use super::*;
use crate::conform::{number::parse_number, time::TimeFormat};

fn field(field_type: FieldType, unit: Option<&str>) -> Field {
    Field { unit: unit.map(|unit| Unit::parse(unit).unwrap()), ..Field::new("値", field_type) }
}

fn read(field: &Field, text: &str) -> Reading {
    Normal::new(field, false).read(text, &TimeFormat::Default)
}

fn shown(reading: &Reading) -> String {
    match reading {
        Reading::Value(text, kinds) => format!("{text} {kinds:?}"),
        Reading::Missing(quality) => format!("missing {}", quality.as_str()),
        Reading::Refused(kind) => format!("refused {kind:?}"),
        Reading::Unread => "unread".to_owned(),
    }
}

fn check(field: &Field, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(shown(&read(field, text)), *expected, "{text}");
    }
}

#[test]
fn numbers_are_read_as_people_write_them() {
    check(
        &field(FieldType::Number, Some("m")),
        &[
            ("１２．５", "12.5 [FullWidth]"),
            ("1,234", "1234 [Thousands]"),
            ("1,234,567.8", "1234567.8 [Thousands]"),
            ("－１，２３４", "-1234 [FullWidth, MinusSign, Thousands]"),
            ("－5", "-5 [MinusSign]"),
            ("▲3.2", "-3.2 [MinusSign]"),
            ("△ 3", "-3 [MinusSign]"),
            ("−3", "-3 [MinusSign]"),
            ("‐0.5", "-0.5 [MinusSign]"),
            ("\u{3000}12.5", "12.5 []"),
            ("12.5\u{A0}", "12.5 []"),
            ("12.5m", "12.5 [UnitInCell]"),
            ("１２．５ ｍ", "12.5 [FullWidth, UnitInCell]"),
            ("12.5メートル", "12.5 [UnitInCell]"),
            ("１．５Ｅ＋３", "1.5E+3 [FullWidth]"),
            ("12.5cm", "refused OtherUnit"),
            ("45%", "refused OtherUnit"),
            ("12,34", "refused TwoReadings"),
            ("1234,567", "refused TwoReadings"),
            ("0,123", "refused TwoReadings"),
            ("1,23", "refused TwoReadings"),
            ("1,2,5", "unread"),
            ("10³", "unread"),
            ("①", "unread"),
            ("½", "unread"),
            ("約3", "unread"),
            ("3以上", "unread"),
            ("▲▲3", "unread"),
            ("▲", "unread"),
            ("1-2", "unread"),
            ("3)", "unread"),
        ],
    );
    check(
        &field(FieldType::Number, Some("Cel")),
        &[("3℃", "3 [UnitInCell]"), ("▲３度", "-3 [FullWidth, MinusSign, UnitInCell]")],
    );
    check(
        &field(FieldType::Number, Some("%")),
        &[("45%", "45 [UnitInCell]"), ("４５％", "45 [FullWidth, UnitInCell]")],
    );
    check(
        &field(FieldType::Integer, Some("{person}")),
        &[("100人", "100 [UnitInCell]"), ("100台", "refused OtherUnit")],
    );
    check(
        &field(FieldType::Integer, None),
        &[("100人", "refused OtherUnit"), ("1,000", "1000 [Thousands]")],
    );
}

#[test]
fn marks_mean_that_there_is_no_value_and_say_why() {
    check(
        &field(FieldType::Number, None),
        &[
            ("×", "missing missing"),
            ("///", "missing not_observed"),
            ("…", "missing not_observed"),
            ("・・・", "missing not_observed"),
            ("／", "missing not_observed"),
            ("-", "missing missing"),
            ("－", "missing missing"),
            ("--- ", "missing missing"),
            ("***", "missing missing"),
            ("x", "missing missing"),
            ("Ｘ", "missing missing"),
            ("欠 測", "missing missing"),
            ("閉局", "missing closed"),
            ("\u{3000}", "missing missing"),
            ("--", "refused TwoReadings"),
            ("－－", "refused TwoReadings"),
            ("-9999", "unread"),
            ("なし", "unread"),
        ],
    );
}

#[test]
fn a_cross_among_truth_values_may_say_no() {
    check(
        &field(FieldType::Boolean, None),
        &[
            ("×", "refused TwoReadings"),
            ("欠測", "missing missing"),
            ("ＴＲＵＥ", "TRUE [FullWidth]"),
            ("true\u{3000}", "true []"),
        ],
    );
}

#[test]
fn times_are_read_as_people_write_them() {
    check(
        &field(FieldType::Date, None),
        &[
            ("令和6年4月1日", "2024-04-01 [JapaneseEra]"),
            ("R6.4.1", "2024-04-01 [JapaneseEra]"),
            ("Ｒ９.１.５", "2027-01-05 [FullWidth, JapaneseEra]"),
            ("昭53.10.30", "1978-10-30 [JapaneseEra]"),
            ("令和元年5月1日", "2019-05-01 [JapaneseEra]"),
            ("平成31年4月30日", "2019-04-30 [JapaneseEra]"),
            ("平成31年5月1日", "refused EraEnd"),
            ("令和元年4月30日", "refused EraEnd"),
            ("昭和64年1月7日", "1989-01-07 [JapaneseEra]"),
            ("昭和64年1月8日", "refused EraEnd"),
            ("大正15年12月24日", "1926-12-24 [JapaneseEra]"),
            ("令和0年1月1日", "unread"),
            ("令和2024年1月1日", "unread"),
            ("R2024.1.1", "unread"),
            ("昭和63年度3月1日", "1989-03-01 [JapaneseEra, FiscalYear]"),
            ("昭和64年度4月1日", "refused EraEnd"),
            ("2021年1月1日", "2021-01-01 [TimeForm]"),
            ("2021年1月1日(金)", "2021-01-01 [TimeForm]"),
            ("2021年1月1日（木）", "refused Weekday"),
            ("２０２１／１／１", "2021-01-01 [FullWidth]"),
            ("2021.1.1", "2021-01-01 [TimeForm]"),
            ("令和6年度1月5日", "2025-01-05 [JapaneseEra, FiscalYear]"),
            ("01/02/2024", "refused TwoReadings"),
            ("24/5/1", "refused TwoReadings"),
            ("13/02/2024", "unread"),
            ("5月1日", "unread"),
            ("45292", "unread"),
            ("2024年", "2024 [TimeForm]"),
        ],
    );
    check(
        &field(FieldType::Datetime, None),
        &[
            ("令和6年4月1日 8時30分", "2024-04-01 08:30 [JapaneseEra]"),
            ("2024年4月1日24時", "2024-04-01 24:00 [Hour24, TimeForm]"),
            ("2024/4/1 24時", "2024-04-01 24:00 [Hour24, TimeForm]"),
            ("\u{3000}2024-04-01T08:00Z", "2024-04-01T08:00Z []"),
            ("2024/4/1 8時", "2024-04-01 08:00 [TimeForm]"),
            ("2024年4月1日午後3時15分", "2024-04-01 15:15 [TimeForm]"),
            ("2024年4月1日午後12時", "refused TwoReadings"),
            ("２０１６/1/1 1:00", "2016-01-01 01:00 [FullWidth]"),
            ("R6.4.1 1:02:03", "2024-04-01 01:02:03 [JapaneseEra]"),
            ("2024年4月1日 8", "unread"),
            ("2024/4/18時", "unread"),
        ],
    );
    check(
        &field(FieldType::Yearmonth, None),
        &[
            ("令和6年3月", "2024-03 [JapaneseEra]"),
            ("R6.3", "2024-03 [JapaneseEra]"),
            ("2024年5月分", "2024-05 [TimeForm]"),
            ("令和6年度3月", "2025-03 [JapaneseEra, FiscalYear]"),
            ("平成31年5月", "refused EraEnd"),
            ("昭和63年度3月", "1989-03 [JapaneseEra, FiscalYear]"),
            ("令和元年度4月", "2019-04 [JapaneseEra, FiscalYear]"),
            ("平成31年度3月", "2020-03 [JapaneseEra, FiscalYear]"),
            ("平成32年度4月", "refused EraEnd"),
        ],
    );
    check(
        &field(FieldType::Year, None),
        &[
            ("令和6年", "2024 [JapaneseEra]"),
            ("2024年", "2024 [TimeForm]"),
            ("令和6年度", "refused TwoReadings"),
        ],
    );
    let fiscal = Field::new("年度", FieldType::Year);
    assert_eq!(shown(&read(&fiscal, "令和6年度")), "2024 [JapaneseEra, FiscalYear]");
    assert_eq!(shown(&read(&fiscal, "平成31年度")), "2019 [JapaneseEra, FiscalYear]");
    assert_eq!(shown(&read(&fiscal, "令和32年度")), "2050 [JapaneseEra, FiscalYear]");
}

#[test]
fn codes_of_municipalities_are_brought_to_six_digits() {
    for (text, expected) in [
        ("014001", "unread"),
        ("R01400", "014001 [Code]"),
        ("01400", "014001 [Code]"),
        ("1400", "014001 [Code]"),
        ("０１４００１", "014001 [FullWidth]"),
        ("倶知安町", "014001 [PlaceName]"),
        ("俱知安町", "014001 [PlaceName]"),
        ("北海道虻田郡倶知安町", "014001 [PlaceName]"),
        ("二セコ町", "013951 [PlaceName]"),
        ("小樽", "012033 [PlaceName]"),
        ("泊村", "014036 [PlaceName]"),
        ("14001", "014001 [Code]"),
        ("13101", "131016 [Code]"),
        ("014002", "refused CheckDigit"),
        ("990000", "refused UnknownPlace"),
        ("架空町", "refused UnknownPlace"),
        ("国後郡泊村", "refused UnknownPlace"),
    ] {
        let reading = code::read(text);
        assert_eq!(shown(&reading), expected, "{text}");
    }
    assert_eq!(shown(&code::read("12025")), "012025 [Code]");
    // 千葉市美浜区 without its check digit, or 岩見沢市 without its zero.
    assert_eq!(shown(&code::read("12106")), "refused TwoReadings");
}

fn any_field() -> impl Strategy<Value = Field> {
    let types = [
        FieldType::Integer,
        FieldType::Number,
        FieldType::Boolean,
        FieldType::Date,
        FieldType::Datetime,
        FieldType::Year,
        FieldType::Yearmonth,
    ];
    (proptest::sample::select(types.to_vec()), any::<bool>()).prop_map(|(field_type, with_unit)| {
        let numeric = matches!(field_type, FieldType::Integer | FieldType::Number);
        field(field_type, (with_unit && numeric).then_some("m"))
    })
}

/// Texts of the characters that cells are made of, and any others.
const CELLS: &str =
    "[0-9０-９年月日時分元令和平成昭RHSＲ./:,，．－▲△ 　m人%℃度()午前後T+eE×/…*-]{0,14}|\\PC{0,12}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_cell_is_survived_and_what_was_read_reads_as_itself(field in any_field(), text in CELLS) {
        let reading = read(&field, &text);
        if let Reading::Refused(kind) = &reading {
            let told = describe(*kind, &field, "列", &text);
            prop_assert!(*kind == FaultKind::Type || told.is_some(), "{kind:?} is not told");
        }
        if let Reading::Value(plain, kinds) = reading {
            prop_assert!(!kinds.is_empty() || plain == fold_width(&text).0);
            let again = read(&field, &plain);
            let stays = matches!(&again, Reading::Unread | Reading::Refused(_))
                || matches!(&again, Reading::Value(same, _) if *same == plain);
            prop_assert!(stays, "{text:?} {plain:?} {again:?}");
        }
        let _ = code::read(&text);
    }

    #[test]
    fn no_number_changes_its_value(value in -1_000_000_000i64..1_000_000_000, decimals in 0usize..4, wide in any::<bool>(), sign in 0usize..4) {
        let scale = 10f64.powi(decimals as i32);
        let plain = format!("{:.decimals$}", value.abs() as f64 / scale);
        let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(w, f)| (w, Some(f)));
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        if let Some(fraction) = fraction {
            grouped.push('.');
            grouped.push_str(fraction);
        }
        if value < 0 {
            grouped.insert_str(0, ["-", "▲", "△ ", "−"][sign]);
        }
        if wide {
            grouped = grouped.chars().map(|c| match c {
                '!'..='~' => char::from_u32(u32::from(c) + 0xFEE0).unwrap(),
                other => other,
            }).collect();
        }
        let expected: f64 = plain.parse::<f64>().unwrap() * if value < 0 { -1.0 } else { 1.0 };
        match read(&field(FieldType::Number, None), &grouped) {
            Reading::Value(text, _) => prop_assert_eq!(parse_number(text.as_bytes()).unwrap(), expected),
            Reading::Unread => prop_assert_eq!(parse_number(grouped.as_bytes()).unwrap(), expected),
            other => prop_assert!(false, "{grouped} {other:?}"),
        }
    }

    #[test]
    fn eras_and_the_common_era_name_the_same_day(days in -15_000i32..25_000) {
        let day = chrono::NaiveDate::from_epoch_days(days).unwrap();
        use chrono::Datelike;
        let key = (day.year(), day.month(), day.day());
        let (letter, offset) = if key >= (2019, 5, 1) { ("令和", 2018) }
            else if key >= (1989, 1, 8) { ("平成", 1988) }
            else { ("昭和", 1925) };
        let year = day.year() - offset;
        let year = if year == 1 { "元".to_owned() } else { year.to_string() };
        let text = format!("{letter}{year}年{}月{}日", day.month(), day.day());
        let expected = Reading::Value(day.to_string(), vec![ChangeKind::JapaneseEra]);
        prop_assert_eq!(read(&field(FieldType::Date, None), &text), expected);
    }
}
