//! What can go wrong with a query, in words for the person who wrote it.

mod japanese;

use std::{fmt, sync::Arc, time::Duration};

use hub_model::ErrorKind;

/// A place in the SQL, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The character in the line.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The cause behind an error, for the log and never for the answer.
pub(crate) type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a query was refused or stopped. The text of each can be shown to whoever asked; a `#[source]` is
/// for the log only.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueryError {
    /// The SQL does not parse, or names what is not there.
    #[error("{message}")]
    InvalidSql {
        /// What is wrong.
        message: String,
        /// Where, if it is known.
        position: Option<Position>,
        /// Names that may have been meant, the nearest first; only of what the asker may see.
        suggestions: Vec<String>,
    },
    /// A request without SQL text names an unknown column, or a value that is not of a column's type.
    #[error("{message}")]
    InvalidRequest {
        /// What is wrong, and what would be right.
        message: String,
        /// Names that may have been meant, the nearest first.
        suggestions: Vec<String>,
    },
    /// The statement is of a kind that the hub does not run.
    #[error("{message}")]
    NotAllowed {
        /// What is not allowed, and what is.
        message: String,
        /// Where, if it is known.
        position: Option<Position>,
    },
    /// The SQL is longer, deeper or joins more than the bounds let through.
    #[error("{message}")]
    TooComplex {
        /// Which bound, and what to do.
        message: String,
    },
    /// The query met a value that it cannot work on.
    #[error("{message}")]
    Execution {
        /// What the value was.
        message: String,
    },
    /// The query needs more memory than its share.
    #[error(
        "the query needs more than its {} MB of memory; filter earlier, select fewer columns, or join \
         fewer rows", .limit_bytes / 1_000_000
    )]
    MemoryLimit {
        /// The share, in bytes.
        limit_bytes: u64,
    },
    /// The query needs more room on disk for intermediate results than its share.
    #[error(
        "the query's intermediate results need more than {} MB of disk; filter earlier, or sort and \
         group fewer rows", .limit_bytes / 1_000_000
    )]
    SpillLimit {
        /// The share, in bytes.
        limit_bytes: u64,
    },
    /// The query ran longer than it may.
    #[error("the query ran longer than its {} s; narrow the time range or aggregate more", .limit_ms / 1_000)]
    TimeLimit {
        /// How long it may run, in milliseconds; waiting for a slow reader does not count.
        limit_ms: u64,
    },
    /// Nobody took the answer for too long.
    #[error("the answer was not read for {} s, so the query was stopped", .limit_ms / 1_000)]
    ReaderStalled {
        /// How long a reader may pause, in milliseconds.
        limit_ms: u64,
    },
    /// The answer is larger than answers may be.
    #[error("the answer is larger than the limit of {limit} {unit}; add a filter or a LIMIT")]
    OutputLimit {
        /// How many.
        limit: u64,
        /// Of what: rows or bytes.
        unit: &'static str,
    },
    /// As many queries run and wait as are allowed at once.
    #[error("{running} queries run at once already; try again in a moment")]
    Busy {
        /// How many may run at once.
        running: usize,
    },
    /// The store of the data does not answer.
    #[error("the data can't be read at the moment; try again later")]
    Storage(#[source] Cause),
    /// A fault of the hub's own.
    #[error("the query failed by a fault of the hub's own")]
    Internal(#[source] Cause),
}

impl QueryError {
    /// The kind a caller acts on.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidSql { .. } => ErrorKind::SqlInvalid,
            Self::InvalidRequest { .. } => ErrorKind::InvalidRequest,
            Self::NotAllowed { .. } => ErrorKind::SqlNotAllowed,
            Self::TooComplex { .. } => ErrorKind::SqlTooComplex,
            Self::Execution { .. } => ErrorKind::SqlExecution,
            Self::MemoryLimit { .. } | Self::SpillLimit { .. } => ErrorKind::MemoryLimit,
            Self::TimeLimit { .. } | Self::ReaderStalled { .. } => ErrorKind::TimeLimit,
            Self::OutputLimit { .. } => ErrorKind::OutputLimit,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Storage(_) => ErrorKind::Unavailable,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// The place in the SQL, where it is known.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::InvalidSql { position, .. } | Self::NotAllowed { position, .. } => *position,
            _ => None,
        }
    }

    /// Names that may have been meant, the nearest first.
    pub fn suggestions(&self) -> &[String] {
        match self {
            Self::InvalidSql { suggestions, .. } | Self::InvalidRequest { suggestions, .. } => {
                suggestions
            }
            _ => &[],
        }
    }

    pub(crate) fn invalid(message: impl Into<String>, position: Option<Position>) -> Self {
        Self::InvalidSql { message: message.into(), position, suggestions: Vec::new() }
    }

    /// More than one table has a column of this name.
    pub(crate) fn ambiguous(column: &str, position: Option<Position>) -> Self {
        Self::invalid(
            format!(
                "more than one table has the column {column:?}; write the table's name in front, as in \
                 a.{column}"
            ),
            position,
        )
    }

    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::InvalidRequest { message: message.into(), suggestions: Vec::new() }
    }

    pub(crate) fn not_allowed(message: impl Into<String>, position: Option<Position>) -> Self {
        Self::NotAllowed { message: message.into(), position }
    }

    pub(crate) fn complex(message: impl Into<String>) -> Self {
        Self::TooComplex { message: message.into() }
    }

    pub(crate) fn time_limit(limit: Duration) -> Self {
        Self::TimeLimit { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
    }

    pub(crate) fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into().into())
    }

    pub(crate) fn storage(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Storage(cause.into().into())
    }
}
