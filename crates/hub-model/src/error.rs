//! The closed list of what can go wrong for a caller. Only the HTTP layer turns a kind into a status;
//! every crate's own error type answers `kind()` with one of these.

/// What a caller can do about an error, whatever its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request itself is malformed: a parameter, a header, a body that cannot be read.
    InvalidRequest,
    /// An id, a contract or metadata breaks a rule of the model.
    InvalidDescriptor,
    /// No token, or one that is unknown or expired, where one is needed.
    Unauthenticated,
    /// The principal is known and may not do this.
    Forbidden,
    /// It does not exist, or the principal may not see that it does.
    NotFound,
    /// It was published and taken out of sight again.
    Withdrawn,
    /// Something with this id exists already.
    AlreadyExists,
    /// Another writer was first; the same request can be tried again.
    Conflict,
    /// The idempotency key was used before with another body.
    IdempotencyMismatch,
    /// A change to a contract would break its readers.
    BreakingChange,
    /// The bytes do not match the checksum that came with them.
    ChecksumMismatch,
    /// The upload is larger than the configuration allows.
    UploadTooLarge,
    /// The file's format is not one that the hub reads.
    UnsupportedFormat,
    /// The file claims a format and cannot be read as such.
    UnreadableFile,
    /// The file was read and its cells break the contract; a report says where.
    ContractViolated,
    /// The requested output format is not offered.
    NotAcceptable,
    /// The SQL does not parse, or names what is not there.
    SqlInvalid,
    /// The SQL is a kind of statement, or uses a function, that the hub does not run.
    SqlNotAllowed,
    /// The SQL is longer or deeper than the bounds.
    SqlTooComplex,
    /// The query ran and met a value it cannot work on, such as a division by zero.
    SqlExecution,
    /// The query needs more memory than its share.
    MemoryLimit,
    /// The query ran longer than its limit.
    TimeLimit,
    /// The answer is larger than the limit on answers.
    OutputLimit,
    /// As many queries or uploads run as are allowed at once.
    Busy,
    /// The caller has asked for this more often than it may within an hour.
    RateLimited,
    /// A store behind the hub does not answer.
    Unavailable,
    /// A fault of the hub's own.
    Internal,
}

impl ErrorKind {
    /// Every kind, for tables and tests that must cover all of them.
    pub const ALL: [Self; 27] = [
        Self::InvalidRequest,
        Self::InvalidDescriptor,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Withdrawn,
        Self::AlreadyExists,
        Self::Conflict,
        Self::IdempotencyMismatch,
        Self::BreakingChange,
        Self::ChecksumMismatch,
        Self::UploadTooLarge,
        Self::UnsupportedFormat,
        Self::UnreadableFile,
        Self::ContractViolated,
        Self::NotAcceptable,
        Self::SqlInvalid,
        Self::SqlNotAllowed,
        Self::SqlTooComplex,
        Self::SqlExecution,
        Self::MemoryLimit,
        Self::TimeLimit,
        Self::OutputLimit,
        Self::Busy,
        Self::RateLimited,
        Self::Unavailable,
        Self::Internal,
    ];
}

/// A value that breaks a rule of the model. The text says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// An id, a name or a code is not of its form.
    #[error("{what} {value:?} is not valid: {expected}")]
    InvalidValue {
        /// What the value was to be, such as "agency id".
        what: &'static str,
        /// The value as it came, cut to a readable length.
        value: String,
        /// What would be accepted.
        expected: &'static str,
        /// The same in Japanese; empty where programs alone meet it.
        expected_ja: &'static str,
    },
    /// A unit's code has a part that is not known.
    #[error(
        "the unit {unit:?} can't be converted, since {part:?} in it is not a known unit; use UCUM codes such \
         as mm, Cel, m3/s, mm/(10.min) or {{person}}"
    )]
    UnknownUnit {
        /// The code.
        unit: String,
        /// From where on it is not understood.
        part: String,
    },
    /// Two units measure different things.
    #[error("{from:?} can't be converted to {to:?}: they measure different things")]
    UnitsDiffer {
        /// The unit that values have.
        from: String,
        /// The unit that was asked for.
        to: String,
    },
    /// A contract breaks one or more rules.
    #[error("the contract has {} problem(s): {}", .problems.len(), first(.problems))]
    InvalidContract {
        /// Every problem found, in the order of the document.
        problems: Vec<crate::ContractProblem>,
    },
    /// A changed contract would break readers of the old one.
    #[error("the contract can't change like this: {}", first(.changes))]
    BreakingChange {
        /// Every breaking change found.
        changes: Vec<crate::BreakingChange>,
    },
    /// The document is not JSON of the expected shape.
    #[error("{what} can't be read: {detail}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// The parser's words, with line and column.
        detail: String,
    },
}

impl ModelError {
    pub(crate) fn invalid(
        what: &'static str,
        value: &str,
        (expected_ja, expected): (&'static str, &'static str),
    ) -> Self {
        let value = value.chars().take(80).collect();
        Self::InvalidValue { what, value, expected, expected_ja }
    }

    /// The kind a caller acts on.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BreakingChange { .. } => ErrorKind::BreakingChange,
            Self::InvalidValue { .. }
            | Self::UnknownUnit { .. }
            | Self::UnitsDiffer { .. }
            | Self::InvalidContract { .. }
            | Self::Malformed { .. } => ErrorKind::InvalidDescriptor,
        }
    }
}

fn first<T: std::fmt::Display>(items: &[T]) -> String {
    items.first().map(ToString::to_string).unwrap_or_default()
}
