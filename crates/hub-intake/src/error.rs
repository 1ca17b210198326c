//! What can stop the reading of a file. Cells that break a contract are not errors: they are in the report.

use hub_model::{ErrorKind, Text};

/// What a sink of batches fails with; the caller that gave the sink knows its true type.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Why a file could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The file is of a kind that the hub does not read, or the stated format is not the file's.
    #[error("{}", .detail.en)]
    UnsupportedFormat {
        /// What the file seems to be, and what to do now.
        detail: Text,
    },
    /// The file claims a format and cannot be read as such.
    #[error("{}", .detail.en)]
    UnreadableFile {
        /// Where it breaks off, and what to do now.
        detail: Text,
    },
    /// A part of the file is larger than the limits allow.
    #[error("{}", .detail.en)]
    TooLarge {
        /// Which limit, and how to stay within it.
        detail: Text,
    },
    /// The file seems to be about persons.
    #[error("{}", .detail.en)]
    PersonalData {
        /// Which columns, and what to do now.
        detail: Text,
    },
    /// The contract asks for something that can't be checked.
    #[error("{detail}; change it in the contract")]
    BadContract {
        /// Which constraint of which column.
        detail: String,
    },
    /// The caller asked to stop.
    #[error("the reading of the file was stopped; send the same file again")]
    Stopped,
    /// The file could not be read from its disk.
    #[error("the received file can't be read from its disk: {0}")]
    Io(#[from] std::io::Error),
    /// The receiver of the batches failed.
    #[error("the batches of the file were not taken in: {0}")]
    Sink(#[source] SinkError),
    /// A fault of the hub's own, such as a contract that was never validated.
    #[error("a fault of the hub's own while reading the file: {0}")]
    Internal(String),
}

impl IntakeError {
    pub(crate) fn unsupported(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::UnsupportedFormat { detail: Text::new(ja, en) }
    }

    /// A file that a set of datasets can't be made of.
    pub fn not_several() -> Self {
        Self::UnsupportedFormat { detail: crate::archive::not_several() }
    }

    /// The same error, said to be of this file among several.
    #[must_use]
    pub fn in_file(self, name: &str) -> Self {
        crate::decode::in_file(self, Some(name))
    }

    pub(crate) fn unreadable(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::UnreadableFile { detail: Text::new(ja, en) }
    }

    pub(crate) fn too_large(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::TooLarge { detail: Text::new(ja, en) }
    }

    /// The kind a caller acts on. A sink's error has a kind of its own: take it out of [`Self::Sink`].
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnsupportedFormat { .. } => ErrorKind::UnsupportedFormat,
            Self::UnreadableFile { .. } => ErrorKind::UnreadableFile,
            Self::TooLarge { .. } => ErrorKind::UploadTooLarge,
            // There is no report to go with it: what can be done about it is the same as with a file that
            // can't be read.
            Self::PersonalData { .. } => ErrorKind::UnreadableFile,
            Self::BadContract { .. } => ErrorKind::InvalidDescriptor,
            Self::Stopped => ErrorKind::Unavailable,
            Self::Io(_) | Self::Sink(_) | Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// The message in both languages, where it is for the person who sent the file.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::UnsupportedFormat { detail }
            | Self::UnreadableFile { detail }
            | Self::TooLarge { detail }
            | Self::PersonalData { detail } => Some(detail),
            Self::BadContract { .. }
            | Self::Stopped
            | Self::Io(_)
            | Self::Sink(_)
            | Self::Internal(_) => None,
        }
    }
}
