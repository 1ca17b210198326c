//! Archives as people make them, and as they are made to do harm.

use std::io::Cursor;

use ::zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::{
    Format, FormatHint, Recognised, conform,
    conform::tests::{contract, file_of},
    recognise, recognise_within,
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn opened(bytes: &[u8], name: &str) -> Result<Recognised, IntakeError> {
    let hint = FormatHint { file_name: Some(name.to_owned()), ..FormatHint::default() };
    recognise(file_of(bytes), &hint)
}

fn refusal(bytes: &[u8]) -> String {
    let error = opened(bytes, "data.zip").unwrap_err();
    assert!(error.text().is_some_and(|text| !text.ja.is_empty()), "{error}");
    error.to_string()
}

const ONE: &[u8] = "観測所,水位\n余市,1\n".as_bytes();
const TWO: &[u8] = "観測所,水位\n小樽,?\n倶知安,3\n".as_bytes();

#[test]
fn a_file_alone_in_a_container_is_read_as_that_file() {
    for (bytes, name, kind) in [
        (gzip(ONE), "data.csv.gz", "gzip"),
        ([gzip(&ONE[..5]), gzip(&ONE[5..])].concat(), "data.csv.gz", "gzip"),
        (zip_of(&[("dir/data.csv", ONE), ("__MACOSX/._data.csv", b"x")]), "data.zip", "zip"),
        (zip_of(&[("data.csv", ONE), ("README.txt", b"x"), ("図.pdf", b"x")]), "data.zip", "zip"),
    ] {
        let recognised = opened(&bytes, name).unwrap();
        assert_eq!(recognised.format(), Format::Csv);
        assert_eq!(recognised.file_name(), Some("data.csv"));
        let contract =
            contract(r#"{"name":"観測所","type":"string"},{"name":"水位","type":"number"}"#);
        let report =
            conform(&recognised, &contract, &IntakeOptions::default(), &mut |_| Ok(())).unwrap();
        assert!(report.is_clean() && report.rows == 1, "{report:?}");
        assert_eq!(report.layout.unwrap().container.as_deref(), Some(kind));
    }
}

#[test]
fn files_of_one_layout_are_one_upload_and_rows_say_which() {
    let bytes = zip_of(&[("10月.csv", TWO), ("2月.csv", ONE)]);
    let recognised = opened(&bytes, "data.zip").unwrap();
    let contract = contract(r#"{"name":"観測所","type":"string"},{"name":"水位","type":"number"}"#);
    let report =
        conform(&recognised, &contract, &IntakeOptions::default(), &mut |_| Ok(())).unwrap();
    assert_eq!((report.rows, report.error_count), (3, 1));
    let error = &report.errors[0];
    assert_eq!(error.file.as_deref(), Some("10月.csv"));
    assert_eq!((error.row, error.cell.as_deref()), (Some(2), Some("B2")));
    let notes = report.layout.unwrap().notes;
    assert!(notes[0].ja.contains("2月.csv, 10月.csv"), "{notes:?}");
    // Both are in their own encoding.
    let (cp932, _, _) = encoding_rs::SHIFT_JIS.encode(std::str::from_utf8(ONE).unwrap());
    let bytes = zip_of(&[("a.csv", ONE), ("b.csv", &cp932)]);
    let mut batches = 0;
    let report = conform(
        &opened(&bytes, "data.zip").unwrap(),
        &contract,
        &IntakeOptions::default(),
        &mut |_| {
            batches += 1;
            Ok(())
        },
    )
    .unwrap();
    assert!(report.is_clean() && report.rows == 2 && batches == 2);
}

#[test]
fn names_are_shown_and_lead_nowhere() {
    let (name, _, _) = encoding_rs::SHIFT_JIS.encode("../../表.csv");
    let mut bytes = zip_of(&[("../../xy.csv", ONE), ("../../zz.csv", ONE)]);
    // The writer has no CP932: both places of the name are set by hand.
    let places: Vec<usize> = (0..bytes.len() - name.len())
        .filter(|at| bytes[*at..].starts_with(b"../../xy.csv"))
        .collect();
    assert_eq!(places.len(), 2);
    for at in places {
        bytes[at..at + name.len()].copy_from_slice(&name);
    }
    let recognised = opened(&bytes, "data.zip").unwrap();
    let names: Vec<_> =
        std::iter::once(&recognised).chain(recognised.others()).map(|r| r.file_name()).collect();
    assert_eq!(names, [Some("zz.csv"), Some("表.csv")]);
}

#[test]
fn what_can_not_be_one_table_is_refused_with_what_is_inside() {
    let parquet: &[u8] = b"PAR1....PAR1";
    let message = refusal(&zip_of(&[("a.csv", ONE), ("b.parquet", parquet)]));
    assert!(message.contains("a.csv: csv, b.parquet: parquet"), "{message}");
    let shape = zip_of(&[("a.shp", b"x"), ("a.dbf", b"x"), ("a.shx", b"x")]);
    assert!(refusal(&shape).contains("Shapefile"));
    let map = br#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"N03_001":"\u5317\u6d77\u9053","N03_004":null,"N03_007":"01408"},"geometry":{"type":"Point","coordinates":[140.7,43.1]}}]}"#;
    let both = zip_of(&[
        ("N03-20240101_01.geojson", map),
        ("N03-20240101_01.shp", b"x"),
        ("N03-20240101_01.dbf", b"x"),
        ("KS-META-N03-20240101_01.xml", b"<x/>"),
    ]);
    let recognised = opened(&both, "N03-20240101_01_GML.zip").unwrap();
    assert_eq!((recognised.format(), recognised.preset()), (Format::GeoJson, Some("ksj_n03")));
    let feed = zip_of(&[("stops.txt", b"x"), ("routes.txt", b"x"), ("agency.txt", b"x")]);
    assert!(refusal(&feed).contains("GTFS"));
    assert!(refusal(&zip_of(&[("manual.pdf", b"x")])).contains("no file of data"));
    assert!(refusal(&zip_of(&[])).contains("no file of data"));
    let other = "観測所,流量\n小樽,1\n".as_bytes();
    let recognised = opened(&zip_of(&[("a.csv", ONE), ("b.csv", other)]), "x.zip").unwrap();
    let error = crate::decode::open(&recognised, &IntakeOptions::default()).err().unwrap();
    assert!(error.to_string().contains("\"水位\" of one is \"流量\""), "{error}");
}

#[test]
fn containers_within_containers_are_refused() {
    let inner = zip_of(&[("a.csv", ONE)]);
    for bytes in [
        zip_of(&[("inner.zip", &inner)]),
        zip_of(&[("inner.csv", &inner)]),
        zip_of(&[("a.csv.gz", &gzip(ONE))]),
        zip_of(&[("a.csv", &gzip(ONE))]),
        gzip(&inner),
        gzip(&gzip(ONE)),
    ] {
        let message = refusal(&bytes);
        assert!(message.contains("is an archive itself"), "{message}");
    }
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(refusal(&gzip(&tar)).contains("is an archive itself"));
}

#[test]
fn what_is_locked_cut_or_spoilt_is_refused() {
    let mut bytes = zip_of(&[("a.csv", ONE)]);
    // The mark of encryption, in the entry and in the directory.
    let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[6] |= 1;
    bytes[directory + 8] |= 1;
    assert!(refusal(&bytes).contains("password"));
    let bytes = zip_of(&[("a.csv", &ONE.repeat(500))]);
    for end in [10, bytes.len() / 2, bytes.len() - 3] {
        assert!(refusal(&bytes[..end]).contains("damaged"), "{end}");
    }
    let mut spoilt = bytes.clone();
    spoilt[60] ^= 0xFF;
    assert!(refusal(&spoilt).contains("damaged"));
    let packed = gzip(&ONE.repeat(500));
    assert!(refusal(&packed[..packed.len() / 2]).contains("damaged"));
}

#[test]
fn many_entries_are_refused_before_they_are_read() {
    let many: Vec<String> = (0..3_000).map(|n| format!("{n}.csv")).collect();
    let files: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), ONE)).collect();
    assert!(refusal(&zip_of(&files)).contains("too many files"));
    assert!(refusal(&zip_of(&files[..300])).contains("too many files"));
}

/// The process's peak of memory, where the system tells it.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[test]
fn bombs_end_early_and_in_little_memory() {
    // 200 MB of the same byte, packed to about a thousandth.
    let row = b"0".repeat(1_000_000);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.csv", SimpleFileOptions::default()).unwrap();
    for _ in 0..200 {
        gz.write_all(&row).unwrap();
        zip.write_all(&row).unwrap();
    }
    let (gz, zip) = (gz.finish().unwrap(), zip.finish().unwrap().into_inner());
    let before = peak_bytes();
    for bytes in [&gz, &zip] {
        let message = refusal(bytes);
        assert!(message.contains("times its size"), "{message}");
        let options = IntakeOptions { max_decoded_bytes: 1 << 20, ..IntakeOptions::default() };
        let error = recognise_within(file_of(bytes), &FormatHint::default(), &options).unwrap_err();
        assert_eq!(error.kind(), hub_model::ErrorKind::UploadTooLarge);
    }
    // Other tests of the same process take memory too; a bomb unpacked in memory would take 200 MB.
    if let (Some(before), Some(after)) = (before, peak_bytes()) {
        assert!(after - before < 128 << 20, "{before} to {after}");
    }
}

#[test]
fn a_bomb_whose_directory_lies_about_its_size_is_stopped_all_the_same() {
    let row = b"0101,2024-05-01 00:00,1.5\n".repeat(40_000);
    let mut bytes = zip_of(&[("a.csv", &row)]);
    let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[directory + 24..directory + 28].copy_from_slice(&100u32.to_le_bytes());
    let options = IntakeOptions { max_decoded_bytes: 10_000, ..IntakeOptions::default() };
    let error = recognise_within(file_of(&bytes), &FormatHint::default(), &options).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            hub_model::ErrorKind::UploadTooLarge | hub_model::ErrorKind::UnreadableFile
        ),
        "{error}"
    );
}

#[test]
fn a_workbook_is_no_container() {
    let book = zip_of(&[("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")]);
    let unpacked = unpack(&file_of(&book), None, &IntakeOptions::default()).unwrap();
    assert!(unpacked.is_none());
    let packed = unpack(&file_of(&gzip(&book)), None, &IntakeOptions::default()).unwrap();
    assert_eq!(packed.unwrap().members.len(), 1);
}

proptest::proptest! {
    #[test]
    fn any_bytes_behind_a_containers_mark_are_refused_or_read(
        start in proptest::sample::select(vec![&b"PK\x03\x04"[..], b"\x1F\x8B\x08\x00", b"PK\x05\x06"]),
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        flips in proptest::collection::vec((0usize..10_000, proptest::prelude::any::<u8>()), 0..6),
    ) {
        let _ = opened(&[start, &bytes].concat(), "x");
        for mut packed in [zip_of(&[("a.csv", ONE), ("b.csv", TWO)]), gzip(TWO)] {
            for (at, byte) in &flips {
                let at = at % packed.len();
                packed[at] = *byte;
            }
            let _ = opened(&packed, "x");
        }
    }
}
