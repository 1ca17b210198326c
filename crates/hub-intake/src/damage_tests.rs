//! Small files of every format with some of their bytes spoilt: each is read or refused, and nothing of the
//! hub's own breaks on it.

use std::{
    io::{Cursor, Write},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, Float64Array, StringArray},
    ipc::writer::{FileWriter, StreamWriter},
    record_batch::RecordBatch,
};
use parquet::{
    arrow::ArrowWriter,
    basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel},
    file::properties::WriterProperties,
};
use proptest::prelude::*;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    FormatHint, IntakeError, IntakeOptions, conform, conform::tests::file_of, propose, recognise,
};

const CSV: &str = "水位の記録\n\n観測所,日時,水位\n余市,2024-05-01 01:00,1.5\n\"小\n樽\",2024/5/1 24:00,▲2\n※注\n";
const NDJSON: &str =
    "{\"観測所\":\"余市\",\"水位\":1.5}\n{\"観測所\":\"小樽\",\"水位\":null,\"旗\":[1]}\n";
const GEOJSON: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"名":"余市"},"geometry":{"type":"Polygon","coordinates":[[[140.7,43.1],[140.8,43.1],[140.8,43.2],[140.7,43.1]]]}},{"type":"Feature","properties":{"名":"点"},"geometry":{"type":"Point","coordinates":[140.7,43.1,5]}}]}"#;

fn rows() -> RecordBatch {
    let columns: [(&str, ArrayRef); 2] = [
        ("観測所", Arc::new(StringArray::from(vec![Some("余市"), None, Some("小樽")]))),
        ("水位", Arc::new(Float64Array::from(vec![Some(1.5), Some(-2.0), None]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn parquet(compression: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows().schema(), Some(properties)).unwrap();
    writer.write(&rows()).unwrap();
    writer.into_inner().unwrap()
}

fn zipped(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, SimpleFileOptions::default()).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap().into_inner()
}

/// A sound file of each format, and whether our own code alone reads it.
fn samples() -> Vec<(Vec<u8>, bool)> {
    let mut stream = StreamWriter::try_new(Vec::new(), &rows().schema()).unwrap();
    stream.write(&rows()).unwrap();
    let mut file = FileWriter::try_new(Vec::new(), &rows().schema()).unwrap();
    file.write(&rows()).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(CSV.as_bytes()).unwrap();
    let (cp932, _, _) = encoding_rs::SHIFT_JIS.encode(CSV);
    let utf16: Vec<u8> = CSV.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "観測所").unwrap().write(0, 1, "水位").unwrap();
    sheet.write(1, 0, "余市").unwrap().write(1, 1, 1.5).unwrap();
    vec![
        (CSV.as_bytes().to_vec(), true),
        (CSV.replace(',', "\t").into_bytes(), true),
        (cp932.into_owned(), true),
        (utf16, true),
        (NDJSON.as_bytes().to_vec(), true),
        (format!("[{}]", NDJSON.trim().replace('\n', ",")).into_bytes(), true),
        (GEOJSON.as_bytes().to_vec(), true),
        (gzip.finish().unwrap(), true),
        (zipped("a.csv", CSV.as_bytes()), true),
        (zipped("a.geojson", GEOJSON.as_bytes()), true),
        (book.save_to_buffer().unwrap(), true),
        (stream.into_inner().unwrap(), false),
        (file.into_inner().unwrap(), false),
        (parquet(Compression::UNCOMPRESSED), false),
        (parquet(Compression::SNAPPY), false),
        (parquet(Compression::GZIP(GzipLevel::default())), false),
        (parquet(Compression::BROTLI(BrotliLevel::default())), false),
        (parquet(Compression::ZSTD(ZstdLevel::default())), false),
    ]
}

fn read(bytes: &[u8]) -> Result<u64, IntakeError> {
    let recognised = recognise(file_of(bytes), &FormatHint::default())?;
    let options = IntakeOptions::default();
    let proposed = propose(&recognised, &options)?.contract;
    let contract = proposed.validated().map_err(|e| IntakeError::Internal(e.to_string()))?;
    Ok(conform(&recognised, &contract, &options, &mut |_| Ok(()))?.rows)
}

#[test]
fn every_sample_is_read_as_long_as_it_is_sound() {
    for (at, (bytes, _)) in samples().iter().enumerate() {
        assert!((1..=3).contains(&read(bytes).unwrap()), "sample {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn spoilt_files_are_read_or_refused(
        sample in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        put_in in prop::collection::vec(any::<u8>(), 0..6),
        place in any::<prop::sample::Index>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let samples = samples();
        let (bytes, is_ours) = sample.get(&samples);
        let mut bytes = bytes.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let place = place.index(bytes.len());
        bytes.splice(place..place, put_in);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        match read(&bytes) {
            Err(IntakeError::Internal(detail)) => prop_assert!(false, "{detail}"),
            // What is said where a decoder panicked: that is for the formats that are others' code.
            Err(error) => prop_assert!(!is_ours || !error.to_string().contains("contradict each other"), "{error}"),
            Ok(_) => {}
        }
    }
}
