//! What can go wrong while sample data is made.

use std::path::PathBuf;

use hub_model::ErrorKind;

/// Sample data could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The options are outside what the generator makes.
    #[error("{option} {value} is not possible: {expected}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// As it was given.
        value: u64,
        /// What would be right.
        expected: &'static str,
    },
    /// There is no such dataset in the sample.
    #[error("the sample has no dataset {0}; name one of those that it lists")]
    UnknownDataset(String),
    /// A file of the sample that comes with the program can't be read: a fault of the program's own.
    #[error("the embedded sample file {name} can't be read: {detail}")]
    Embedded {
        /// The file's name under `datasets/`.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// An upload file can't be written.
    #[error("the sample file {} can't be written; check the folder and the space left", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The rows made do not fit their contract's schema, or can't be encoded: a fault of the program's own.
    #[error("the sample rows can't be encoded")]
    Encode(#[source] arrow::error::ArrowError),
}

impl DemoError {
    /// The kind a caller acts on.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Option { .. } => ErrorKind::InvalidRequest,
            Self::UnknownDataset(_) => ErrorKind::NotFound,
            Self::Write { .. } => ErrorKind::Unavailable,
            Self::Embedded { .. } | Self::Encode(_) => ErrorKind::Internal,
        }
    }

    pub(super) fn unknown(id: &str) -> Self {
        Self::UnknownDataset(id.to_owned())
    }

    pub(super) fn embedded(name: &str, detail: impl std::fmt::Display) -> Self {
        Self::Embedded { name: name.to_owned(), detail: detail.to_string() }
    }
}
