//! What a file is, settled before it is read: its format, its encoding, and whether it is in a
//! publisher's known layout.

use std::{fs::File, io::Read};

use crate::{
    Format, FormatHint, IntakeError,
    detect::detect,
    encoding::TextEncoding,
    preset::{self, Preset},
    rows::{Rows, TextRows},
};

/// A file of which it is known how to read it.
#[derive(Debug)]
pub struct Recognised {
    file: File,
    file_name: Option<String>,
    format: Format,
    encoding: TextEncoding,
    preset: Option<&'static Preset>,
}

/// Finds out what a file is. What the sender says of it comes before what it looks like, and gives way
/// to what its bytes prove.
pub fn recognise(mut file: File, hint: &FormatHint) -> Result<Recognised, IntakeError> {
    let (format, encoding) = detect(&mut file, hint)?;
    let file_name = hint.file_name.as_deref();
    let file_name = file_name.and_then(|name| name.rsplit(['/', '\\']).next()).map(str::to_owned);
    let mut recognised = Recognised { file, file_name, format, encoding, preset: None };
    recognised.preset = match hint.preset.as_deref() {
        None => crate::decode::guarded(|| preset::recognise(&recognised))?,
        Some("none") => None,
        Some(id) => Some(preset::by_id(id).ok_or_else(|| unknown_preset(id))?),
    };
    Ok(recognised)
}

fn unknown_preset(id: &str) -> IntakeError {
    let id = crate::show::show_text(id);
    IntakeError::unsupported(
        format!("「{id}」という様式はありません。指定を外してください"),
        format!(
            "there is no layout {id:?}; leave it out, or give none to read the file as a plain table"
        ),
    )
}

impl Recognised {
    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The publisher's layout, where it is a known one.
    pub fn preset(&self) -> Option<&'static str> {
        self.preset.map(|preset| preset.id)
    }

    pub(crate) fn known_layout(&self) -> Option<&'static Preset> {
        self.preset
    }

    pub(crate) fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    pub(crate) fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    /// The file itself. Its position is shared: only one reader at a time.
    pub(crate) fn file(&self) -> Result<File, IntakeError> {
        Ok(self.file.try_clone()?)
    }

    /// The text from its start, as UTF-8.
    pub(crate) fn text(&self) -> Result<Box<dyn Read + Send>, IntakeError> {
        self.encoding.read(self.file()?)
    }

    /// The rows from the first.
    pub(crate) fn rows(&self) -> Result<Box<dyn Rows>, IntakeError> {
        Ok(Box::new(TextRows::new(self.text()?, b',')))
    }

    /// A file that is known to be of this format, in UTF-8 where it is text.
    #[cfg(test)]
    pub(crate) fn plain(file: File, format: Format) -> Self {
        Self { file, file_name: None, format, encoding: TextEncoding::Utf8, preset: None }
    }

    /// A CSV that is known to be in this encoding.
    #[cfg(test)]
    pub(crate) fn encoded(file: File, encoding: TextEncoding) -> Self {
        Self { file, file_name: None, format: Format::Csv, encoding, preset: None }
    }
}
