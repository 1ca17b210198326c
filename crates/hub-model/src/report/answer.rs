//! What is to be done with cells that break the contract.

use serde::{Deserialize, Serialize};

/// The answer to errors, chosen for each upload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// One error refuses the file.
    #[default]
    Reject,
    /// Rows with errors are kept back, to be mended and sent again; the others are published.
    Quarantine,
    /// Values with errors are published with the quality `doubtful`: without a value where the cell is
    /// none, with it where it breaks a limit. An error in a key, a time, a place or a row's shape refuses
    /// the file.
    Flag,
}

impl OnError {
    /// The word used in requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Quarantine => "quarantine",
            Self::Flag => "flag",
        }
    }
}
