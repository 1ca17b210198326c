//! Which format a file has: first by its own bytes, then by what the sender says of it. A file that
//! the hub does not read is named, with what to do about it.

mod foreign;

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use serde::{Deserialize, Serialize};

use crate::{
    Format, IntakeError,
    decode::json_kind,
    encoding::{TextEncoding, tell},
    workbook,
};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The text encoding as people name it, such as `cp932`; told from the file where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What separates the cells of text: `comma`, `tab`, `semicolon`, `pipe`, `space`, or the character
    /// itself; told from the file where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// What encloses the cells of text: `double`, `single` or `none`; told from the file where nothing is
    /// said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The rows that hold the headings, counted from 1, such as `2` or `2-3`; found where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_rows: Option<String>,
    /// The sheet of a workbook by its name; chosen where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Which table of a GTFS feed is meant, such as `stops`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
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
    if let Some(format) = by_magic(&head).or_else(|| workbook::kind(file, &head)) {
        return match hint.format {
            Some(asked) if asked != format => {
                Err(contradiction(asked, (format.as_str(), format.as_str())))
            }
            _ => Ok((format, TextEncoding::Utf8)),
        };
    }
    if let Some(found) = foreign::in_bytes(&head) {
        return Err(found.refusal());
    }
    let stated = hint
        .format
        .or_else(|| hint.media_type.as_deref().and_then(Format::of_media_type))
        .or_else(|| hint.file_name.as_deref().and_then(Format::of_file_name));
    let encoding = match hint.encoding.as_deref() {
        Some(name) => Some(TextEncoding::parse(name)?.settled_by(&head)),
        None => tell(file)?.first().map(|guess| guess.encoding),
    };
    let Some(encoding) = encoding else {
        return Err(match stated {
            Some(format) if format != Format::Csv => broken(format),
            _ => IntakeError::unsupported(
                "ファイルの形式がわかりません。CSV、Parquet、Arrowのいずれかで保存して送ってください",
                "the file's format is not known; save it as CSV, as Parquet or as Arrow",
            ),
        });
    };
    if let Some(asked) = hint.format.filter(|asked| !asked.is_text()) {
        return Err(contradiction(asked, ("文字のファイル", "text")));
    }
    if let Some(found) = foreign::in_text(&encoding.glance(&head)) {
        return Err(found.refusal());
    }
    let format = json_kind(&encoding.glance(&head)).unwrap_or(Format::Csv);
    match hint.format {
        // Which kind of JSON it is meant as is the sender's to say.
        Some(asked) if asked.is_json() && format.is_json() => Ok((asked, encoding)),
        Some(asked) if asked != format => {
            Err(contradiction(asked, (format.as_str(), format.as_str())))
        }
        _ => Ok((format, encoding)),
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

/// The error of a file that is not of the format that was asked for, but of this one.
fn contradiction(asked: Format, (found_ja, found_en): (&str, &str)) -> IntakeError {
    IntakeError::unsupported(
        format!(
            "形式は{asked}と指定されていますが、ファイルの中身は{found_ja}です。指定を外すか、正しい形式を指定してください"
        ),
        format!(
            "the format was given as {asked} and the file's own bytes say {found_en}; leave the format out or give the right one"
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
        assert!(refusal(b"PK\x03\x04....[Content_Types].xml").contains("Word"));
        assert!(refusal(b"PK\x03\x04....xl/workbook.bin").contains(".xlsx"));
        assert!(refusal(b"PK\x03\x04....data.csv").contains("unpack"));
        assert!(refusal(&[0x1F, 0x8B, 8, 0]).contains("gzip"));
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
        for (path, expected) in [
            ("traffic/jartic_5m_20260115_0800_otaru.csv", (Format::Csv, TextEncoding::Utf8)),
            ("traffic/jartic_typeB_dummy_type_b.csv", (Format::Csv, TextEncoding::Cp932)),
            ("municipal/SSDSE-A-2025.csv", (Format::Csv, TextEncoding::Cp932)),
            ("jma/obsdl/tokyo_20211020-20221019.csv", (Format::Csv, TextEncoding::Cp932)),
            ("jma/bosai/amedastable.json", (Format::Json, TextEncoding::Utf8)),
            ("geo/shiribeshi_20_municipalities.geojson", (Format::GeoJson, TextEncoding::Utf8)),
        ] {
            let Some(path) = hub_testkit::shared::data_file(path) else { continue };
            let found = detect(&mut File::open(&path).unwrap(), &FormatHint::default());
            assert_eq!(found.unwrap(), expected, "{path:?}");
        }
    }
}
