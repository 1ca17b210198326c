//! What can go wrong in the registry, named for what the caller can do.

use hub_model::ErrorKind;
use sqlx::error::ErrorKind as SqlKind;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why the registry did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Something with this id is there already.
    #[error("the {what} {id} exists already; choose another id, or change the one that is there")]
    AlreadyExists {
        /// What was to be made, such as "agency".
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// There is nothing with this id.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// Another writer was first.
    #[error("the {what} {id} has changed in the meantime; {advice}")]
    Conflict {
        /// What was to be changed.
        what: &'static str,
        /// Its id.
        id: String,
        /// What to do.
        advice: &'static str,
    },
    /// The request can't be recorded as it stands.
    #[error("the {what} can't be used: {expected}")]
    InvalidRequest {
        /// What of the request.
        what: &'static str,
        /// What would be accepted.
        expected: &'static str,
    },
    /// The database does not answer.
    #[error("the registry's database does not answer; try again in a while")]
    Unavailable {
        /// The driver's words.
        #[source]
        source: Source,
    },
    /// The way to the database can't be secured as its address asks.
    #[error(
        "the way to the registry's database can't be secured as sslmode and sslrootcert of its url ask"
    )]
    Insecure {
        /// The driver's words.
        #[source]
        source: Source,
    },
    /// A fault of the hub's own, or of its stored records.
    #[error("the registry failed while {doing}")]
    Internal {
        /// What it was about to do.
        doing: &'static str,
        /// The cause.
        #[source]
        source: Source,
    },
}

impl RegistryError {
    /// The kind a caller acts on.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::InvalidRequest { .. } => ErrorKind::InvalidRequest,
            Self::Unavailable { .. } | Self::Insecure { .. } => ErrorKind::Unavailable,
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    pub(crate) fn internal(doing: &'static str, source: impl Into<Source>) -> Self {
        Self::Internal { doing, source: source.into() }
    }

    pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    pub(crate) fn already_exists(what: &'static str, id: impl ToString) -> Self {
        Self::AlreadyExists { what, id: id.to_string() }
    }

    pub(crate) fn conflict(what: &'static str, id: impl ToString, advice: &'static str) -> Self {
        Self::Conflict { what, id: id.to_string(), advice }
    }
}

/// A driver's error, classified: whether the database is away, or the statement is at fault.
pub(crate) fn classify(doing: &'static str, error: sqlx::Error) -> RegistryError {
    if is_insecure(&error) {
        RegistryError::Insecure { source: error.into() }
    } else if is_away(&error) {
        RegistryError::Unavailable { source: error.into() }
    } else {
        RegistryError::internal(doing, error)
    }
}

/// Whether a statement was refused because it names a row of another table that is not there.
pub(crate) fn is_missing_reference(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|e| e.kind() == SqlKind::ForeignKeyViolation)
}

/// A certificate that is not accepted comes as data that can't be read.
fn is_insecure(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            match code.parse::<u32>() {
                // SQLite's codes: busy, locked, I/O error, disk full, can't open; extended codes carry
                // the primary code in their low byte. PostgreSQL's have five characters.
                Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 10 | 13 | 14),
                // PostgreSQL's classes: connection, transaction rolled back, resources, operator.
                _ => ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)),
            }
        }
        _ => false,
    }
}
