//! Parquet and Arrow files against contracts.

use std::{fs::File, io::Write, sync::Arc};

use arrow::datatypes::{ArrowPrimitiveType, Float16Type};
use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Date64Array,
        Decimal128Array, Decimal256Array, DictionaryArray, Float16Array, Float32Array,
        Float64Array, Int32Array, Int64Array, LargeStringArray, ListArray, StringArray,
        StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray,
        TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt64Array,
    },
    datatypes::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, i256},
    ipc::{
        CompressionType,
        writer::{FileWriter, IpcWriteOptions, StreamWriter},
    },
    record_batch::RecordBatch,
};
use hub_model::{Rule, UploadReport};
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

use super::{contract, rows, run, told};
use crate::{Format, IntakeOptions, Recognised, conform};

pub(super) const TYPED: [Format; 3] = [Format::Parquet, Format::ArrowFile, Format::ArrowStream];

/// A file of some batches.
pub(super) fn written(batches: &[RecordBatch], format: Format, compressed: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let schema = batches[0].schema();
    let options = IpcWriteOptions::default()
        .try_with_compression(compressed.then_some(CompressionType::ZSTD))
        .unwrap();
    match format {
        Format::Parquet => {
            let properties = WriterProperties::builder()
                .set_compression(if compressed {
                    Compression::ZSTD(Default::default())
                } else {
                    Compression::UNCOMPRESSED
                })
                .build();
            let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).unwrap();
            batches.iter().for_each(|batch| writer.write(batch).unwrap());
            writer.close().unwrap();
        }
        Format::ArrowFile => {
            let mut writer =
                FileWriter::try_new_with_options(&mut bytes, &schema, options).unwrap();
            batches.iter().for_each(|batch| writer.write(batch).unwrap());
            writer.finish().unwrap();
        }
        _ => {
            let mut writer =
                StreamWriter::try_new_with_options(&mut bytes, &schema, options).unwrap();
            batches.iter().for_each(|batch| writer.write(batch).unwrap());
            writer.finish().unwrap();
        }
    }
    bytes
}

pub(super) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap()
}

/// One column as a field of a type, by every typed format that can hold it; all must agree.
fn as_field(array: &ArrayRef, field_type: &str) -> (UploadReport, Option<ArrayRef>) {
    let contract = contract(&format!(r#"{{"name":"c","type":"{field_type}"}}"#));
    let mut seen: Vec<(UploadReport, Option<ArrayRef>)> = Vec::new();
    for format in TYPED {
        let bytes = written(&[batch(vec![("c", array.clone())])], format, false);
        let (report, batches) = run(&bytes, format, &contract, &IntakeOptions::default()).unwrap();
        let column = (report.is_clean() && !batches.is_empty())
            .then(|| rows(&batches, &contract).column(0).clone());
        if let Some((other, _)) = seen.first() {
            assert_eq!(other.errors_by_rule, report.errors_by_rule, "{format}");
        }
        seen.push((report, column));
    }
    assert!(seen.iter().all(|(_, column)| *column == seen[0].1));
    seen.remove(0)
}

fn values(array: impl Array + 'static, field_type: &str) -> ArrayRef {
    let (report, column) = as_field(&(Arc::new(array) as ArrayRef), field_type);
    column.unwrap_or_else(|| panic!("{}", told(&report)))
}

/// Row, rule and shown value of each error.
fn faults(array: impl Array + 'static, field_type: &str) -> Vec<String> {
    let (report, _) = as_field(&(Arc::new(array) as ArrayRef), field_type);
    let show = |e: &hub_model::CellError| {
        let row = e.row.map_or("-".to_owned(), |row| row.to_string());
        format!("{row} {:?} {}", e.rule, e.value.as_deref().unwrap_or("-"))
    };
    report.errors.iter().map(show).collect()
}

#[test]
fn texts_of_every_arrow_type_are_texts() {
    let text = ["0050", "水位"];
    let expected: ArrayRef = Arc::new(StringArray::from_iter([Some("0050"), Some("水位")]));
    assert_eq!(&values(StringArray::from_iter_values(text), "string"), &expected);
    assert_eq!(&values(LargeStringArray::from_iter_values(text), "string"), &expected);
    assert_eq!(&values(StringViewArray::from_iter_values(text), "string"), &expected);
    assert_eq!(
        &values(BinaryArray::from_iter_values(text.map(str::as_bytes)), "string"),
        &expected
    );
    let dictionary: DictionaryArray<Int32Type> = text.into_iter().collect();
    assert_eq!(&values(dictionary, "string"), &expected);
    let broken = BinaryArray::from_iter_values([b"ok".as_slice(), b"\x90\x85"]);
    assert_eq!(faults(broken, "string"), ["2 Encoding \u{fffd}\u{fffd}"]);
}

#[test]
fn a_number_is_no_code() {
    let (report, _) = as_field(&(Arc::new(Int64Array::from(vec![50, 51])) as ArrayRef), "string");
    insta::assert_snapshot!(told(&report), @"
    - c [-] Type
      「c」列は契約では文字ですが、ファイルではInt64です
      数値にしたコードは先頭の0が失われていることがあります。元のデータから、この列を文字として書き出してください
    1 in all
    ");
}

#[test]
fn numbers_keep_their_values_or_are_reported() {
    let integers = |array: ArrayRef| array.as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(integers(values(UInt8Array::from(vec![0, 255]), "integer")), [0, 255]);
    assert_eq!(integers(values(Float64Array::from(vec![1.0, -2.0]), "integer")), [1, -2]);
    for zeros in [
        values(Float64Array::from(vec![-0.0, 0.0]), "number"),
        values(Float32Array::from(vec![0.0, -0.0]), "number"),
    ] {
        let zeros = zeros.as_primitive::<Float64Type>().values().iter();
        assert!(zeros.map(|zero| zero.to_bits()).all(|bits| bits == 0), "nought has no sign");
    }
    let decimal = Decimal128Array::from(vec![1200, -300]).with_precision_and_scale(10, 2).unwrap();
    assert_eq!(integers(values(decimal, "integer")), [12, -3]);
    assert_eq!(
        faults(UInt64Array::from(vec![1, u64::MAX]), "integer"),
        ["2 Lossless 18446744073709551615"]
    );
    assert_eq!(
        faults(Float32Array::from(vec![1.5, f32::NAN, 1e30]), "integer"),
        ["1 Lossless 1.5", "2 Type NaN", "3 Lossless 1e30"]
    );
    let numbers = |array: ArrayRef| array.as_primitive::<Float64Type>().values().to_vec();
    assert_eq!(numbers(values(Float16Array::from(vec![half_and_one()]), "number")), [1.5]);
    assert_eq!(numbers(values(Int32Array::from(vec![-7]), "number")), [-7.0]);
    let decimal = Decimal128Array::from(vec![1, 123_456]).with_precision_and_scale(10, 3).unwrap();
    assert_eq!(numbers(values(decimal, "number")), [0.001, 123.456]);
    let wide = Decimal256Array::from(vec![i256::from_i128(-25)]).with_precision_and_scale(50, 1);
    assert_eq!(numbers(values(wide.unwrap(), "number")), [-2.5]);
    assert_eq!(
        faults(Float64Array::from(vec![Some(f64::INFINITY), None, Some(1.0)]), "number"),
        ["1 Type inf"]
    );
    assert_eq!(
        faults(Int64Array::from(vec![(1 << 53) + 1, 1 << 53]), "number"),
        ["1 Lossless 9007199254740993"]
    );
    assert_eq!(faults(StringArray::from(vec!["1.5", "", "x"]), "number"), ["2 Type ", "3 Type x"]);
    assert_eq!(faults(Int32Array::from(vec![0, 1, 2]), "boolean"), ["3 Type 2"]);
    let truth = values(BooleanArray::from(vec![Some(true), None]), "boolean");
    assert_eq!(truth.null_count(), 1);
}

#[test]
fn instants_of_every_unit_and_zone_are_the_same_instant() {
    // 2024-05-01T04:00:00Z, and 13:00 of that day where no zone is given.
    let utc = 1_714_536_000i64;
    let local = utc + 9 * 3_600;
    let micros =
        |array: ArrayRef| array.as_primitive::<TimestampMicrosecondType>().values().to_vec();
    let expected = [utc * 1_000_000];
    for zone in ["UTC", "Asia/Tokyo", "+05:30"] {
        let array = TimestampMillisecondArray::from(vec![utc * 1_000]).with_timezone(zone);
        assert_eq!(micros(values(array, "datetime")), expected, "{zone}");
    }
    assert_eq!(micros(values(TimestampSecondArray::from(vec![local]), "datetime")), expected);
    assert_eq!(
        micros(values(TimestampMicrosecondArray::from(vec![local * 1_000_000]), "datetime")),
        expected
    );
    assert_eq!(
        micros(values(TimestampNanosecondArray::from(vec![local * 1_000_000_000]), "datetime")),
        expected
    );
    assert_eq!(
        micros(values(StringArray::from(vec!["2024-05-01T13:00+09:00"]), "datetime")),
        expected
    );
    let fine = TimestampNanosecondArray::from(vec![1_500]).with_timezone("UTC");
    assert_eq!(faults(fine, "datetime"), ["1 Lossless 1970-01-01T00:00:00.000001500Z"]);
    let far = TimestampMicrosecondArray::from(vec![i64::MAX, 0]).with_timezone("UTC");
    assert_eq!(faults(far, "datetime").len(), 1);
    assert_eq!(faults(Date32Array::from(vec![0]), "datetime"), ["- Type -"]);
}

#[test]
fn days_and_months_are_kept_only_where_nothing_is_lost() {
    let days = |array: ArrayRef| array.as_primitive::<Date32Type>().values().to_vec();
    assert_eq!(days(values(Date32Array::from(vec![19_844]), "date")), [19_844]);
    assert_eq!(days(values(Date64Array::from(vec![86_400_000]), "date")), [1]);
    let midnight = TimestampSecondArray::from(vec![86_400]);
    assert_eq!(days(values(midnight, "date")), [1]);
    let nine = TimestampSecondArray::from(vec![86_400]).with_timezone("UTC");
    assert_eq!(faults(nine, "date"), ["1 Lossless 1970-01-02T00:00:00Z"]);
    assert_eq!(faults(Date32Array::from(vec![0, 31, 40]), "yearmonth"), ["3 Lossless 1970-02-10"]);
    assert_eq!(faults(Int32Array::from(vec![2024, 20240]), "year"), ["2 Lossless 20240"]);
}

#[test]
fn a_nested_column_is_refused_as_a_whole() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)]), None]);
    let found = faults(list, "number");
    assert_eq!(found, ["- Type -"]);
}

#[test]
fn required_and_limits_are_checked_in_typed_files() {
    let contract = contract(
        r#"{"name":"a","type":"integer","constraints":{"required":true,"maximum":9}},
           {"name":"b","type":"string","constraints":{"enum":["x"]}}"#,
    );
    let data = batch(vec![
        ("a", Arc::new(Int32Array::from(vec![Some(1), None, Some(10)])) as ArrayRef),
        ("b", Arc::new(StringArray::from(vec![Some("x"), None, Some("y")])) as ArrayRef),
    ]);
    for format in TYPED {
        for compressed in [false, true] {
            let bytes = written(std::slice::from_ref(&data), format, compressed);
            let (report, batches) =
                run(&bytes, format, &contract, &IntakeOptions::default()).unwrap();
            assert!(batches.is_empty());
            let listed: Vec<_> = report.errors.iter().map(|e| (e.row.unwrap(), e.rule)).collect();
            assert_eq!(listed, [(2, Rule::Required), (3, Rule::Maximum), (3, Rule::Enum)]);
            assert_eq!(report.columns[1].missing, 1);
        }
    }
}

#[test]
fn a_typed_file_is_given_out_in_pieces_with_their_rows() {
    let contract = contract(r#"{"name":"a","type":"string"}"#);
    let long = "x".repeat(1_000);
    let many = StringArray::from_iter_values((0..500).map(|_| long.as_str()));
    let data = batch(vec![("a", Arc::new(many) as ArrayRef)]);
    let options = IntakeOptions { batch_bytes: 100_000, ..IntakeOptions::default() };
    for format in TYPED {
        let bytes = written(&[data.clone(), data.clone()], format, true);
        let (report, batches) = run(&bytes, format, &contract, &options).unwrap();
        assert_eq!(report.rows, 1_000);
        let mut next = 1;
        for batch in &batches {
            assert_eq!(batch.first_row, next);
            assert!(batch.batch.num_rows() <= 100);
            next += batch.batch.num_rows() as u64;
        }
        assert_eq!(next, 1_001);
        let small = IntakeOptions { batch_bytes: 500, ..IntakeOptions::default() };
        let error = run(&bytes, format, &contract, &small).unwrap_err();
        assert_eq!(error.kind(), hub_model::ErrorKind::UploadTooLarge, "{error}");
        let small = IntakeOptions { max_decoded_bytes: 600_000, ..IntakeOptions::default() };
        let error = run(&bytes, format, &contract, &small).unwrap_err();
        assert_eq!(error.kind(), hub_model::ErrorKind::UploadTooLarge, "{error}");
    }
}

#[test]
fn an_empty_typed_file_is_clean() {
    let contract = contract(r#"{"name":"a","type":"string"}"#);
    let data = batch(vec![("a", Arc::new(StringArray::from(Vec::<&str>::new())) as ArrayRef)]);
    for format in TYPED {
        let bytes = written(std::slice::from_ref(&data), format, true);
        let (report, batches) = run(&bytes, format, &contract, &IntakeOptions::default()).unwrap();
        assert!(report.is_clean() && batches.is_empty() && report.rows == 0);
    }
}

#[test]
fn a_text_that_a_million_rows_share_takes_its_place_once() {
    // 200 kB of text in each of 100,000 rows would be 20 GB.
    let long = "x".repeat(200_000);
    let values = StringArray::from(vec![long.as_str()]);
    let keys = arrow::array::Int32Array::from(vec![0; 100_000]);
    let dictionary = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values)).unwrap();
    let data = batch(vec![("a", Arc::new(dictionary) as ArrayRef)]);
    let contract = contract(r#"{"name":"a","type":"string"}"#);
    let options = IntakeOptions { max_decoded_bytes: 256 << 20, ..IntakeOptions::default() };
    for format in [Format::ArrowFile, Format::ArrowStream] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&written(std::slice::from_ref(&data), format, true)).unwrap();
        let file: File = file;
        let mut most = 0;
        let error = conform(&Recognised::plain(file, format), &contract, &options, &mut |batch| {
            most = most.max(batch.batch.get_array_memory_size());
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.kind(), hub_model::ErrorKind::UploadTooLarge);
        assert!(most < 64 << 20, "{most}");
    }
}

fn half_and_one() -> <Float16Type as ArrowPrimitiveType>::Native {
    <Float16Type as ArrowPrimitiveType>::Native::from_f32(1.5)
}
