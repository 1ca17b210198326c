//! The same rows as text and in each typed format.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
        TimestampMicrosecondArray,
    },
    record_batch::RecordBatch,
};
use proptest::prelude::*;

use super::{
    contract, rows, run, told,
    typed::{batch, written},
};
use crate::{Format, IntakeOptions};

/// Values that a column of each type can hold, as text and typed.
#[derive(Debug, Clone)]
struct Row {
    text: Option<String>,
    number: Option<f64>,
    integer: Option<i64>,
    instant: Option<i64>,
    day: Option<i32>,
    truth: Option<bool>,
}

prop_compose! {
    fn any_row()(
        text in proptest::option::of("[ -~水位\n\"éÿ]{1,12}"),
        number in proptest::option::of(proptest::num::f64::NORMAL.prop_filter("short", |v| v.abs() < 1e15)),
        integer in proptest::option::of(any::<i64>()),
        instant in proptest::option::of(-60_000_000_000_000_000i64..250_000_000_000_000_000),
        day in proptest::option::of(-700_000i32..2_900_000),
        truth in proptest::option::of(any::<bool>()),
    ) -> Row {
        Row { text, number, integer, instant, day, truth }
    }
}

fn as_csv(rows: &[Row]) -> String {
    use std::fmt::Write as _;
    let mut csv = String::from("text,number,integer,instant,day,truth\r\n");
    let show = |value: &Option<String>| value.clone().unwrap_or_default();
    for row in rows {
        let text = row.text.as_ref().map(|text| format!("\"{}\"", text.replace('"', "\"\"")));
        let instant = row.instant.map(|micros| {
            let instant = chrono::DateTime::from_timestamp_micros(micros).unwrap();
            instant.with_timezone(&hub_model::TOKYO).to_rfc3339()
        });
        let day = row.day.map(|day| chrono::NaiveDate::from_epoch_days(day).unwrap().to_string());
        let number = row.number.map(|number| number.to_string());
        let integer = row.integer.map(|integer| integer.to_string());
        let truth = row.truth.map(|truth| truth.to_string());
        let cells = [text, number, integer, instant, day, truth].map(|cell| show(&cell));
        write!(csv, "{}\r\n", cells.join(",")).unwrap();
    }
    csv
}

fn as_batch(rows: &[Row]) -> RecordBatch {
    let instants: TimestampMicrosecondArray = rows.iter().map(|row| row.instant).collect();
    batch(vec![
        (
            "text",
            Arc::new(rows.iter().map(|row| row.text.clone()).collect::<StringArray>()) as ArrayRef,
        ),
        ("number", Arc::new(rows.iter().map(|row| row.number).collect::<Float64Array>())),
        ("integer", Arc::new(rows.iter().map(|row| row.integer).collect::<Int64Array>())),
        ("instant", Arc::new(instants.with_timezone("UTC"))),
        ("day", Arc::new(rows.iter().map(|row| row.day).collect::<Date32Array>())),
        ("truth", Arc::new(rows.iter().map(|row| row.truth).collect::<BooleanArray>())),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_same_data_in_every_format_becomes_the_same_rows(
        data in proptest::collection::vec(any_row(), 1..40),
        batch_rows in 1usize..50,
    ) {
        let contract = contract(
            r#"{"name":"text","type":"string"},{"name":"number","type":"number"},
               {"name":"integer","type":"integer"},{"name":"instant","type":"datetime"},
               {"name":"day","type":"date"},{"name":"truth","type":"boolean"}"#,
        );
        let options = IntakeOptions { batch_rows, ..IntakeOptions::default() };
        let typed = as_batch(&data);
        for format in [Format::Csv, Format::Parquet, Format::ArrowFile, Format::ArrowStream] {
            let bytes = match format {
                Format::Csv => as_csv(&data).into_bytes(),
                _ => written(std::slice::from_ref(&typed), format, batch_rows % 2 == 0),
            };
            let (report, batches) = run(&bytes, format, &contract, &options).unwrap();
            prop_assert!(report.is_clean(), "{format} {}", told(&report));
            prop_assert!(batches.iter().all(|b| b.batch.num_rows() <= batch_rows));
            let found = rows(&batches, &contract);
            prop_assert_eq!(found.columns(), typed.columns(), "{}", format);
        }
    }
}
