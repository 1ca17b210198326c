//! Values that go into a statement.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::RegistryError;

/// A value of a statement, or its absence.
#[derive(Debug, Clone)]
pub(crate) enum Bind {
    Text(Option<String>),
    Int(Option<i64>),
}

impl Bind {
    /// A value as JSON text.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, RegistryError> {
        serde_json::to_string(value)
            .map(Self::from)
            .map_err(|e| RegistryError::internal("writing a document", e))
    }
}

/// A list of values, in the order of their numbers in the statement.
macro_rules! binds {
    ($($value:expr),* $(,)?) => { vec![$($crate::database::Bind::from($value)),*] };
}
pub(crate) use binds;

/// A count as databases keep it: in 63 bits.
pub(crate) fn count(value: u64) -> Result<i64, RegistryError> {
    i64::try_from(value).map_err(|_| RegistryError::InvalidRequest {
        what: "number",
        expected: "give a number under 9,223,372,036,854,775,808",
    })
}

/// PostgreSQL keeps no text with a NUL character, so neither database gets one.
pub(super) fn check(binds: &[Bind]) -> Result<(), RegistryError> {
    if binds.iter().any(|bind| matches!(bind, Bind::Text(Some(text)) if text.contains('\0'))) {
        return Err(RegistryError::InvalidRequest {
            what: "text",
            expected: "take the NUL character out of it",
        });
    }
    Ok(())
}

impl From<String> for Bind {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<String>> for Bind {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<Option<&str>> for Bind {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(ToOwned::to_owned))
    }
}

impl From<i64> for Bind {
    fn from(int: i64) -> Self {
        Self::Int(Some(int))
    }
}

impl From<Option<i64>> for Bind {
    fn from(int: Option<i64>) -> Self {
        Self::Int(int)
    }
}

/// How many rows to answer at most; more than a database can count is as many as there are.
impl From<usize> for Bind {
    fn from(limit: usize) -> Self {
        Self::Int(Some(i64::try_from(limit).unwrap_or(i64::MAX)))
    }
}

impl From<DateTime<Utc>> for Bind {
    fn from(instant: DateTime<Utc>) -> Self {
        Self::Int(Some(instant.timestamp_micros()))
    }
}

impl From<Option<DateTime<Utc>>> for Bind {
    fn from(instant: Option<DateTime<Utc>>) -> Self {
        Self::Int(instant.map(|instant| instant.timestamp_micros()))
    }
}
