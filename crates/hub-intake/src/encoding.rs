//! How a text file's bytes stand for characters, and the file as UTF-8.
//!
//! A byte that stands for nothing in the file's encoding is never garbled silently. Where a file is
//! transcoded, each such sequence arrives as the one byte 0xFF, which is valid nowhere in UTF-8, so that
//! it makes the same broken cell as a stray byte in a file that is UTF-8 throughout. Delimiters, quotes
//! and line ends after it stay what they are, and so do rows and columns.
//!
//! Characters are those that Windows and Excel have for them: in CP932, EUC-JP and ISO-2022-JP alike the
//! wave dash is U+FF5E and the full-width minus U+FF0D, and the extensions of NEC and IBM are read. What
//! is made of look-alikes is not decided here.

mod tell;
mod transcode;

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

pub(crate) use tell::tell;
use transcode::Transcoder;

use crate::{IntakeError, show::show_text};

/// The byte that stands for what could not be decoded.
pub(crate) const UNDECODABLE: u8 = 0xFF;

/// A text encoding that files come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    Utf8,
    Utf8Bom,
    Utf16Le,
    Utf16Be,
    Cp932,
    EucJp,
    Iso2022Jp,
    /// One that is never found by itself, and read when the sender names it.
    Other(&'static encoding_rs::Encoding),
}

impl TextEncoding {
    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Bom => "UTF-8 (BOM)",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Cp932 => "CP932 (Shift_JIS)",
            Self::EucJp => "EUC-JP",
            Self::Iso2022Jp => "ISO-2022-JP",
            Self::Other(encoding) => encoding.name(),
        }
    }

    /// Whether the file's bytes become others on their way to UTF-8.
    pub(crate) fn is_changed(self) -> bool {
        !matches!(self, Self::Utf8 | Self::Utf8Bom)
    }

    /// Reads a name as people write it, such as `cp932`, `sjis`, `Shift_JIS`, `utf8` or `euc-jp`.
    pub(crate) fn parse(name: &str) -> Result<Self, IntakeError> {
        let word = name.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        Ok(match word.as_str() {
            "utf8" | "utf-8" => Self::Utf8,
            "utf8-bom" | "utf-8-bom" | "utf-8-sig" | "utf8-sig" | "utf-8-(bom)" => Self::Utf8Bom,
            "utf16" | "utf-16" | "utf16le" | "utf-16le" | "utf-16-le" | "unicode" => Self::Utf16Le,
            "utf16be" | "utf-16be" | "utf-16-be" => Self::Utf16Be,
            "cp932" | "ms932" | "windows-31j" | "sjis" | "shift-jis" | "shiftjis" | "s-jis"
            | "ms-kanji" | "x-sjis" | "csshiftjis" | "cp932-(shift-jis)" => Self::Cp932,
            "eucjp" | "euc-jp" | "euc" | "ujis" | "eucjp-ms" | "euc-jp-ms" | "x-euc-jp" => {
                Self::EucJp
            }
            "iso-2022-jp" | "iso2022jp" | "iso2022-jp" | "jis" => Self::Iso2022Jp,
            word => Self::Other(
                encoding_rs::Encoding::for_label(word.as_bytes())
                    .filter(|found| *found != encoding_rs::REPLACEMENT)
                    .ok_or_else(|| unknown(name))?,
            ),
        })
    }

    /// The same as a file's first bytes have it: a mark there says which UTF-16 or UTF-8 it is.
    pub(crate) fn settled_by(self, head: &[u8]) -> Self {
        match (self, head) {
            (Self::Utf16Le | Self::Utf16Be, [0xFE, 0xFF, ..]) => Self::Utf16Be,
            (Self::Utf16Le | Self::Utf16Be, [0xFF, 0xFE, ..]) => Self::Utf16Le,
            (Self::Utf8 | Self::Utf8Bom, [0xEF, 0xBB, 0xBF, ..]) => Self::Utf8Bom,
            (Self::Utf8Bom, _) => Self::Utf8,
            _ => self,
        }
    }

    fn decoded_by(self) -> &'static encoding_rs::Encoding {
        match self {
            Self::Utf8 | Self::Utf8Bom => encoding_rs::UTF_8,
            Self::Utf16Le => encoding_rs::UTF_16LE,
            Self::Utf16Be => encoding_rs::UTF_16BE,
            Self::Cp932 => encoding_rs::SHIFT_JIS,
            Self::EucJp => encoding_rs::EUC_JP,
            Self::Iso2022Jp => encoding_rs::ISO_2022_JP,
            Self::Other(encoding) => encoding,
        }
    }

    /// The file from its start, as UTF-8 without a mark, but for what can't be decoded: see above.
    pub(crate) fn read(self, mut file: File) -> Result<Box<dyn Read + Send>, IntakeError> {
        let start = if self == Self::Utf8Bom { 3 } else { 0 };
        file.seek(SeekFrom::Start(start))?;
        Ok(self.decode(Box::new(file)))
    }

    /// The same of bytes that come from elsewhere and begin after a mark.
    pub(crate) fn decode(self, bytes: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        match self {
            Self::Utf8 | Self::Utf8Bom => bytes,
            _ => Box::new(Transcoder::new(bytes, self.decoded_by())),
        }
    }

    /// Some bytes from within a file as text, for a look at it; the first and the last character may be
    /// broken.
    pub(crate) fn glance(self, bytes: &[u8]) -> String {
        let (text, _, _) = self.decoded_by().decode(bytes);
        text.trim_start_matches('\u{FEFF}').to_owned()
    }
}

fn unknown(name: &str) -> IntakeError {
    let name = show_text(name);
    IntakeError::unsupported(
        format!(
            "文字コード「{name}」はわかりません。utf-8、cp932、euc-jp、utf-16le、iso-2022-jp などで指定するか、指定を外してください"
        ),
        format!(
            "the encoding {name:?} is not known; give utf-8, cp932, euc-jp, utf-16le, iso-2022-jp or the like, or leave it out"
        ),
    )
}

#[cfg(test)]
mod tests;
