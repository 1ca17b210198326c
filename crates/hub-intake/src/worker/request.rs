//! What a parent asks of a worker, and how a failure travels back.

use hub_model::{Contract, ErrorKind, Text, UploadReport};
use serde::{Deserialize, Serialize};

use crate::{FormatHint, IntakeError, IntakeOptions};

/// What is to be done with the file on the standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Nothing: to learn how a worker is fenced in.
    Probe,
    /// Check it against a contract.
    Conform(Box<Contract>),
    /// Propose a contract for it.
    Propose,
    /// Try it against this contract, or against a proposed one.
    Try(Option<Box<Contract>>),
    /// Tell which tables it holds.
    List,
    /// Write a copy of the workbook in which the report's cells are marked.
    Mark(Box<UploadReport>),
}

/// The one piece that a worker gets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) task: Task,
    pub(crate) hint: FormatHint,
    pub(crate) options: IntakeOptions,
    pub(crate) memory_bytes: u64,
    pub(crate) cpu_seconds: u64,
    /// Whether a test may call for faults.
    #[cfg(debug_assertions)]
    pub(crate) faults: bool,
}

/// An [`IntakeError`] on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Failure {
    Unsupported(Text),
    Unreadable(Text),
    TooLarge(Text),
    BadContract(String),
    Internal(String),
}

impl From<IntakeError> for Failure {
    fn from(error: IntakeError) -> Self {
        if let IntakeError::BadContract { detail } = error {
            return Self::BadContract(detail);
        }
        let Some(text) = error.text().cloned() else { return Self::Internal(error.to_string()) };
        match error.kind() {
            ErrorKind::UnsupportedFormat => Self::Unsupported(text),
            ErrorKind::UploadTooLarge => Self::TooLarge(text),
            // Whatever else is told to the sender is about the file.
            _ => Self::Unreadable(text),
        }
    }
}

impl From<Failure> for IntakeError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unsupported(detail) => Self::UnsupportedFormat { detail },
            Failure::Unreadable(detail) => Self::UnreadableFile { detail },
            Failure::TooLarge(detail) => Self::TooLarge { detail },
            Failure::BadContract(detail) => Self::BadContract { detail },
            Failure::Internal(detail) => Self::Internal(detail),
        }
    }
}
