//! Kinds of files that the hub knows and does not read: each is named, with what to send in its place.

use crate::IntakeError;

/// Kinds of files that are known and not read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Foreign {
    Xlsb,
    OpenDocument,
    Office,
    Zip,
    Gzip,
    Zstd,
    OldArrow,
    Pdf,
    Html,
}

pub(super) fn in_bytes(head: &[u8]) -> Option<Foreign> {
    let contains = |needle: &[u8]| head.windows(needle.len()).any(|w| w == needle);
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Some(if contains(b"xl/workbook.bin") || contains(b"xl/worksheets/sheet1.bin") {
            Foreign::Xlsb
        } else if contains(b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet") {
            Foreign::OpenDocument
        } else if contains(b"[Content_Types].xml") {
            Foreign::Office
        } else {
            Foreign::Zip
        });
    }
    if head.starts_with(&[0x1F, 0x8B]) {
        return Some(Foreign::Gzip);
    }
    if head.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
        return Some(Foreign::Zstd);
    }
    if head.starts_with(b"FEA1") {
        return Some(Foreign::OldArrow);
    }
    if head.starts_with(b"%PDF-") {
        return Some(Foreign::Pdf);
    }
    None
}

pub(super) fn in_text(text: &str) -> Option<Foreign> {
    let start = text.trim_start_matches('\u{FEFF}').trim_start();
    let lower: String = start.chars().take(16).flat_map(char::to_lowercase).collect();
    if ["<!doctype", "<html", "<?xml"].iter().any(|mark| lower.starts_with(mark)) {
        Some(Foreign::Html)
    } else {
        None
    }
}

impl Foreign {
    pub(super) fn refusal(self) -> IntakeError {
        let (seems_ja, seems_en) = match self {
            Self::Xlsb => ("Excelバイナリブック（xlsb）", "a binary Excel workbook (xlsb)"),
            Self::OpenDocument => ("OpenDocumentの表（ods）", "an OpenDocument spreadsheet (ods)"),
            Self::Office => (
                "WordかPowerPointの文書、または壊れたExcelブック",
                "a document of Word or PowerPoint, or a damaged workbook",
            ),
            Self::Zip => ("ZIPで圧縮されたもの", "a ZIP archive"),
            Self::Gzip => ("gzipで圧縮されたもの", "compressed with gzip"),
            Self::Zstd => ("zstdで圧縮されたもの", "compressed with zstd"),
            Self::OldArrow => ("Featherの古い版（V1）", "the old version 1 of Feather"),
            Self::Pdf => ("PDF", "a PDF document"),
            Self::Html => ("HTMLかXML", "HTML or XML"),
        };
        let (do_ja, do_en) = match self {
            Self::Xlsb | Self::OpenDocument => (
                "「名前を付けて保存」で「Excelブック（.xlsx）」を選び、そのブックを送ってください",
                "choose \"Save As\", \"Excel Workbook (.xlsx)\", and send that file",
            ),
            Self::Office => (
                "表をExcelブック（xlsx）かCSVで保存して送ってください",
                "save the table as a workbook (xlsx) or as CSV, and send that",
            ),
            Self::Zip | Self::Gzip | Self::Zstd => {
                ("展開して、中のファイルを送ってください", "unpack it and send the file inside")
            }
            Self::OldArrow | Self::Pdf | Self::Html => (
                "UTF-8のCSV、Parquet、Arrowのいずれかで保存して送ってください",
                "save the data as CSV in UTF-8, as Parquet or as Arrow, and send that",
            ),
        };
        IntakeError::unsupported(
            format!("ファイルは{seems_ja}のようです。{do_ja}"),
            format!("the file seems to be {seems_en}; {do_en}"),
        )
    }
}
