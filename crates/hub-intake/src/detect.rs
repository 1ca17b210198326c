//! Which format a file has: first by its own bytes, then by what the sender says of it. A file that
//! the hub does not read is named, with what to do about it.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use serde::{Deserialize, Serialize};

use crate::{IntakeError, encoding::TextEncoding};

/// A format that the hub reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text whose cells are separated by commas.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// The Arrow IPC file format, also called Feather version 2.
    ArrowFile,
    /// The Arrow IPC streaming format.
    ArrowStream,
    /// JSON.
    Json,
}

impl Format {
    /// The word used in reports and parameters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::ArrowFile => "arrow_file",
            Self::ArrowStream => "arrow_stream",
            Self::Json => "json",
        }
    }

    /// Reads the word used in parameters.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            "arrow" | "arrow_file" | "feather" => Some(Self::ArrowFile),
            "arrow_stream" | "arrows" => Some(Self::ArrowStream),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "text/csv" | "application/csv" => Some(Self::Csv),
            "application/vnd.apache.parquet" | "application/parquet" => Some(Self::Parquet),
            "application/vnd.apache.arrow.file" => Some(Self::ArrowFile),
            "application/vnd.apache.arrow.stream" => Some(Self::ArrowStream),
            _ => None,
        }
    }

    fn of_file_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "parquet" | "parq" | "pq" => Some(Self::Parquet),
            "arrow" | "feather" | "ipc" => Some(Self::ArrowFile),
            "arrows" => Some(Self::ArrowStream),
            _ => None,
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the sender says of a file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FormatHint {
    /// The name of the file on the sender's side.
    pub file_name: Option<String>,
    /// The media type it was sent with.
    pub media_type: Option<String>,
    /// The format the sender asks for outright. That the bytes say otherwise is then an error, where a
    /// media type or a file name merely gives way to the bytes.
    pub format: Option<Format>,
    /// A publisher's layout by its id, or `none` to read the file as a plain table; found by itself where
    /// nothing is said.
    pub preset: Option<String>,
}

/// How many bytes are looked at.
const LOOKED_AT: u64 = 64 * 1024;

/// The format of a file, and the encoding where it is text.
pub(crate) fn detect(
    file: &mut File,
    hint: &FormatHint,
) -> Result<(Format, TextEncoding), IntakeError> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    Read::by_ref(file).take(LOOKED_AT).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(IntakeError::unreadable(
            "ファイルが空です。書き出しが終わっているかを確かめて、もう一度送ってください",
            "the file is empty; check that it was written to its end and send it again",
        ));
    }
    if let Some(format) = by_magic(&head) {
        return match hint.format {
            Some(asked) if asked != format => Err(contradiction(asked, format.as_str())),
            _ => Ok((format, TextEncoding::Utf8)),
        };
    }
    if let Some(found) = foreign(&head) {
        return Err(found.refusal());
    }
    let stated = hint
        .format
        .or_else(|| hint.media_type.as_deref().and_then(Format::of_media_type))
        .or_else(|| hint.file_name.as_deref().and_then(Format::of_file_name));
    let Some(text) = utf8_head(&head) else {
        return Err(match stated {
            Some(format) if !format.is_text() => broken(format),
            _ if looks_like_cp932(&head) => return Ok((Format::Csv, TextEncoding::Cp932)),
            _ => IntakeError::unsupported(
                "ファイルの形式がわかりません。UTF-8のCSV、Parquet、Arrowのいずれかで保存して送ってください",
                "the file's format is not known; save it as CSV in UTF-8, as Parquet or as Arrow",
            ),
        });
    };
    if let Some(asked) = hint.format.filter(|asked| !asked.is_text()) {
        return Err(contradiction(asked, "text"));
    }
    let encoding =
        if text.starts_with('\u{FEFF}') { TextEncoding::Utf8Bom } else { TextEncoding::Utf8 };
    match foreign_text(text) {
        Some(Foreign::Json) => Ok((Format::Json, encoding)),
        Some(found) => Err(found.refusal()),
        None => Ok((Format::Csv, encoding)),
    }
}

fn by_magic(head: &[u8]) -> Option<Format> {
    if head.starts_with(b"PAR1") {
        Some(Format::Parquet)
    } else if head.starts_with(b"ARROW1") {
        Some(Format::ArrowFile)
    } else if head.starts_with(&[0xFF; 4]) {
        Some(Format::ArrowStream)
    } else {
        None
    }
}

/// The text of the head, of which the cut may have split the last character.
fn utf8_head(head: &[u8]) -> Option<&str> {
    match std::str::from_utf8(head) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() && head.len() as u64 == LOOKED_AT => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()
        }
        Err(error) => {
            // One stray byte in a text that is otherwise UTF-8 is a broken cell, which the report names.
            let broken = String::from_utf8_lossy(head).matches('\u{FFFD}').count();
            (error.valid_up_to() > 0 && head.iter().any(|b| *b >= 0x80) && broken * 50 < head.len())
                .then(|| std::str::from_utf8(&head[..error.valid_up_to()]).ok())
                .flatten()
                .filter(|_| valid_multibyte(head) > broken)
        }
    }
}

/// How many characters beyond ASCII are valid UTF-8.
fn valid_multibyte(head: &[u8]) -> usize {
    String::from_utf8_lossy(head).chars().filter(|c| !c.is_ascii() && *c != '\u{FFFD}').count()
}

/// Whether the bytes are pairs of CP932, apart from a last one that the cut may have split.
fn looks_like_cp932(head: &[u8]) -> bool {
    let mut bytes = head.iter().copied().peekable();
    let mut pairs = 0usize;
    while let Some(first) = bytes.next() {
        match first {
            0x81..=0x9F | 0xE0..=0xFC => match bytes.next() {
                Some(0x40..=0x7E | 0x80..=0xFC) => pairs += 1,
                None => {}
                Some(_) => return false,
            },
            0x80 | 0xA0 | 0xFD..=0xFF => return false,
            _ => {}
        }
    }
    pairs > 0 || head.iter().any(|b| (0xA1..=0xDF).contains(b))
}

/// Kinds of files that are known and not read.
#[derive(Debug, Clone, Copy)]
enum Foreign {
    Xlsx,
    Xls,
    Zip,
    Gzip,
    Zstd,
    OldArrow,
    Utf16,
    Pdf,
    Html,
    Json,
}

fn foreign(head: &[u8]) -> Option<Foreign> {
    let contains = |needle: &[u8]| head.windows(needle.len()).any(|w| w == needle);
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        let workbook = contains(b"[Content_Types].xml") || contains(b"xl/");
        return Some(if workbook { Foreign::Xlsx } else { Foreign::Zip });
    }
    if head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Some(Foreign::Xls);
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
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) || every_other_nul(head) {
        return Some(Foreign::Utf16);
    }
    None
}

/// Text in UTF-16 without a mark: most ASCII characters carry a zero byte on the same side.
fn every_other_nul(head: &[u8]) -> bool {
    let head = &head[..head.len().min(256)];
    let nuls = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    let half = head.len() / 2;
    half >= 4 && (nuls(0) * 4 > half * 3) != (nuls(1) * 4 > half * 3)
}

fn foreign_text(text: &str) -> Option<Foreign> {
    let start = text.trim_start_matches('\u{FEFF}').trim_start();
    let lower: String = start.chars().take(16).flat_map(char::to_lowercase).collect();
    if ["<!doctype", "<html", "<?xml"].iter().any(|mark| lower.starts_with(mark)) {
        Some(Foreign::Html)
    } else if start.starts_with('{') || start.starts_with("[{") {
        Some(Foreign::Json)
    } else {
        None
    }
}

impl Foreign {
    fn refusal(self) -> IntakeError {
        let (seems_ja, seems_en) = match self {
            Self::Xlsx => ("Excelブック（xlsx）", "an Excel workbook (xlsx)"),
            Self::Xls => ("古い形式のExcelブック（xls）", "an old Excel workbook (xls)"),
            Self::Zip => ("ZIPで圧縮されたもの", "a ZIP archive"),
            Self::Gzip => ("gzipで圧縮されたもの", "compressed with gzip"),
            Self::Zstd => ("zstdで圧縮されたもの", "compressed with zstd"),
            Self::OldArrow => ("Featherの古い版（V1）", "the old version 1 of Feather"),
            Self::Utf16 => ("UTF-16の文字コード", "text in UTF-16"),
            Self::Pdf => ("PDF", "a PDF document"),
            Self::Html => ("HTMLかXML", "HTML or XML"),
            Self::Json => ("JSON", "JSON"),
        };
        let (do_ja, do_en) = match self {
            Self::Xlsx | Self::Xls => (
                "Excelの「名前を付けて保存」で「CSV UTF-8（コンマ区切り）」を選び、そのCSVを送ってください",
                "in Excel choose \"Save As\", \"CSV UTF-8 (Comma delimited)\", and send that file",
            ),
            Self::Zip | Self::Gzip | Self::Zstd => {
                ("展開して、中のファイルを送ってください", "unpack it and send the file inside")
            }
            Self::Utf16 => (
                "文字コードをUTF-8にしたCSV（Excelなら「CSV UTF-8（コンマ区切り）」）かParquetで保存して送ってください",
                "save it as CSV in UTF-8 (in Excel, \"CSV UTF-8 (Comma delimited)\") or as Parquet, and send that",
            ),
            Self::OldArrow | Self::Pdf | Self::Html | Self::Json => (
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

/// The error of JSON that is in no known layout.
pub(crate) fn json_refusal() -> IntakeError {
    Foreign::Json.refusal()
}

fn contradiction(asked: Format, found: &str) -> IntakeError {
    IntakeError::unsupported(
        format!(
            "形式は{asked}と指定されていますが、ファイルの中身は{found}です。指定を外すか、正しい形式を指定してください"
        ),
        format!(
            "the format was given as {asked} and the file's own bytes say {found}; leave the format out or give the right one"
        ),
    )
}

fn broken(format: Format) -> IntakeError {
    IntakeError::unreadable(
        format!(
            "{format}のファイルとして送られましたが、先頭がその形式ではありません。書き出しが終わっているかを確かめて、もう一度送ってください"
        ),
        format!(
            "the file was sent as {format} and does not begin like one; check that it was written to its end and send it again"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn detect_bytes(bytes: &[u8], hint: &FormatHint) -> Result<Format, IntakeError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        detect(&mut file, hint).map(|(format, _)| format)
    }

    fn refusal(bytes: &[u8]) -> String {
        match detect_bytes(bytes, &FormatHint::default()) {
            Err(error @ IntakeError::UnsupportedFormat { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_bytes_come_before_what_is_said_of_them() {
        let misnamed =
            FormatHint { file_name: Some("data.csv".to_owned()), ..FormatHint::default() };
        assert_eq!(detect_bytes(b"PAR1\0\0", &misnamed).unwrap(), Format::Parquet);
        assert_eq!(detect_bytes(b"ARROW1\0\0", &misnamed).unwrap(), Format::ArrowFile);
        assert_eq!(
            detect_bytes(&[255, 255, 255, 255, 1, 0], &misnamed).unwrap(),
            Format::ArrowStream
        );
        let misnamed =
            FormatHint { file_name: Some("data.parquet".to_owned()), ..FormatHint::default() };
        assert_eq!(detect_bytes(b"a,b\n1,2\n", &misnamed).unwrap(), Format::Csv);
        for bom in [&b""[..], b"\xEF\xBB\xBF"] {
            let text = [bom, "観測所,水位\n".as_bytes()].concat();
            assert_eq!(detect_bytes(&text, &FormatHint::default()).unwrap(), Format::Csv);
        }
    }

    #[test]
    fn an_explicit_format_that_the_bytes_deny_is_refused() {
        let asked = |format| FormatHint { format: Some(format), ..FormatHint::default() };
        for (bytes, format) in [
            (&b"PAR1\0\0"[..], Format::Csv),
            (b"a,b\n", Format::Parquet),
            (b"ARROW1\0\0", Format::ArrowStream),
        ] {
            let error = detect_bytes(bytes, &asked(format)).unwrap_err();
            assert_eq!(error.kind(), hub_model::ErrorKind::UnsupportedFormat, "{error}");
            assert!(error.to_string().contains(format.as_str()), "{error}");
        }
    }

    #[test]
    fn what_is_not_read_is_named_with_what_to_do() {
        assert!(refusal(b"PK\x03\x04....[Content_Types].xml").contains("CSV UTF-8"));
        assert!(refusal(b"PK\x03\x04....data.csv").contains("unpack"));
        assert!(refusal(&[0x1F, 0x8B, 8, 0]).contains("gzip"));
        assert!(refusal(b"\xFF\xFEa\0,\0b\0").contains("UTF-16"));
        assert!(refusal(b"a\0,\0b\0\n\0c\0,\0").contains("UTF-16"));
        assert!(refusal(&[0xD0, 0xCF, 0x11, 0xE0, 0]).contains("xls"));
    }

    #[test]
    fn one_stray_byte_in_utf8_is_left_to_the_report() {
        let mut text = "観測所,水位\n".repeat(20).into_bytes();
        text.push(0x90);
        text.extend_from_slice("\n余市川,1\n".as_bytes());
        assert_eq!(detect_bytes(&text, &FormatHint::default()).unwrap(), Format::Csv);
    }

    #[test]
    fn an_empty_file_is_refused() {
        let error = detect_bytes(b"", &FormatHint::default()).unwrap_err();
        assert_eq!(error.kind(), hub_model::ErrorKind::UnreadableFile);
    }

    #[test]
    fn real_files_are_named_for_what_they_are() {
        for (path, encoding) in [
            ("traffic/jartic_5m_20260115_0800_otaru.csv", TextEncoding::Utf8),
            ("traffic/jartic_typeB_dummy_type_b.csv", TextEncoding::Cp932),
            ("municipal/SSDSE-A-2025.csv", TextEncoding::Cp932),
            ("jma/obsdl/tokyo_20211020-20221019.csv", TextEncoding::Cp932),
        ] {
            let Some(path) = hub_testkit::shared::data_file(path) else { continue };
            let found = detect(&mut File::open(&path).unwrap(), &FormatHint::default());
            assert_eq!(found.unwrap(), (Format::Csv, encoding), "{path:?}");
        }
    }
}
