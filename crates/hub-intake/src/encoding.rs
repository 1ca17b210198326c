//! How a text file's bytes stand for characters, told from the bytes, and the file as UTF-8.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use crate::IntakeError;

/// A text encoding that files come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    Utf8,
    Utf8Bom,
    Cp932,
}

impl TextEncoding {
    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Bom => "UTF-8 (BOM)",
            Self::Cp932 => "CP932 (Shift_JIS)",
        }
    }

    /// Whether the file's bytes become others on their way to UTF-8.
    pub(crate) fn is_changed(self) -> bool {
        !matches!(self, Self::Utf8 | Self::Utf8Bom)
    }

    /// The file from its start, as UTF-8 without a mark. Bytes that stand for nothing become U+FFFD;
    /// those of a file in UTF-8 are left as they are.
    pub(crate) fn read(self, mut file: File) -> Result<Box<dyn Read + Send>, IntakeError> {
        let start = if self == Self::Utf8Bom { 3 } else { 0 };
        file.seek(SeekFrom::Start(start))?;
        Ok(match self {
            Self::Utf8 | Self::Utf8Bom => Box::new(file),
            Self::Cp932 => Box::new(
                encoding_rs_io::DecodeReaderBytesBuilder::new()
                    .encoding(Some(encoding_rs::SHIFT_JIS))
                    .build(file),
            ),
        })
    }
}
