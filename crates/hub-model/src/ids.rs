//! Ids as newtypes. Each is made by `parse` only, so that a value of the type is always well formed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ModelError;

/// How long an agency's or a dataset's id may be, in characters.
const MAX_ID_LENGTH: usize = 63;

fn is_id(value: &str) -> bool {
    let mut bytes = value.bytes();
    value.len() <= MAX_ID_LENGTH
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

const ID_FORM: (&str, &str) = (
    "英小文字で始まる、英小文字・数字・「_」だけの63文字までにしてください",
    "use up to 63 lower-case letters, digits and underscores, beginning with a letter",
);

/// Ids that would be confused with the hub's own schemas.
const RESERVED: [&str; 3] = ["information_schema", "pg_catalog", "public"];

/// The id of an agency: an organisation with its own space. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgencyId(String);

impl AgencyId {
    /// Reads an id; refuses anything outside `[a-z][a-z0-9_]*`, and names of SQL's own schemas.
    pub fn parse(value: &str) -> Result<Self, ModelError> {
        if !is_id(value) {
            return Err(ModelError::invalid("agency id", value, ID_FORM));
        }
        if RESERVED.contains(&value) {
            return Err(ModelError::invalid(
                "agency id",
                value,
                (
                    "この名前はハブが使います。別の名前にしてください",
                    "this name is reserved; choose another",
                ),
            ));
        }
        Ok(Self(value.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a dataset, `agency.name`. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatasetId {
    agency: AgencyId,
    name: String,
}

impl DatasetId {
    /// Reads `agency.name`.
    pub fn parse(value: &str) -> Result<Self, ModelError> {
        let (agency, name) = value.split_once('.').ok_or_else(|| {
            ModelError::invalid(
                "dataset id",
                value,
                ("「機関.データセット」の形で書いてください", "write it as agency.dataset"),
            )
        })?;
        Self::new(AgencyId::parse(agency)?, name)
    }

    /// Joins an agency's id and the dataset's own name.
    pub fn new(agency: AgencyId, name: &str) -> Result<Self, ModelError> {
        if !is_id(name) {
            return Err(ModelError::invalid("dataset name", name, ID_FORM));
        }
        Ok(Self { agency, name: name.to_owned() })
    }

    /// The agency that owns the dataset.
    pub fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// The dataset's name inside its agency.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for DatasetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.agency, self.name)
    }
}

/// The number of a dataset's version: 0 is the empty dataset, every publication adds one.
pub type VersionNumber = u64;

macro_rules! text_id {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = ModelError;
            fn try_from(value: String) -> Result<Self, ModelError> {
                Self::parse(&value)
            }
        }
        impl From<$type> for String {
            fn from(id: $type) -> Self {
                id.to_string()
            }
        }
        impl FromStr for $type {
            type Err = ModelError;
            fn from_str(value: &str) -> Result<Self, ModelError> {
                Self::parse(value)
            }
        }
    };
}

impl fmt::Display for AgencyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of an upload: a UUID whose order is the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UploadId(Uuid);

/// The id of an API token; it is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(Uuid);

/// The id of a query that runs as a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QueryId(Uuid);

/// The id of a permalink: short enough to be printed, and not to be guessed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PermalinkId(String);

impl PermalinkId {
    /// Digits and small letters that are not taken for one another.
    const LETTERS: &[u8; 30] = b"23456789abcdefghjkmnpqrstvwxyz";
    const LENGTH: usize = 12;

    /// An id from a random number.
    pub fn of_random(number: u64) -> Self {
        let letters = Self::LETTERS.len() as u64;
        let digit = |place: u32| {
            let digit = number / letters.pow(place) % letters;
            char::from(Self::LETTERS[usize::try_from(digit).unwrap_or_default()])
        };
        Self((0..).take(Self::LENGTH).map(digit).collect())
    }

    /// Reads an id of the form that [`Self::of_random`] gives.
    pub fn parse(value: &str) -> Result<Self, ModelError> {
        if value.len() == Self::LENGTH && value.bytes().all(|b| Self::LETTERS.contains(&b)) {
            return Ok(Self(value.to_owned()));
        }
        Err(ModelError::invalid("permalink id", value, ("", "give the id as it was answered")))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PermalinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! uuid_id {
    ($type:ident, $what:literal) => {
        impl $type {
            /// A new id, ordered by time.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// Reads the id's UUID form.
            pub fn parse(value: &str) -> Result<Self, ModelError> {
                Uuid::try_parse(value).map(Self).map_err(|_| {
                    ModelError::invalid($what, value, ("", "give the id as it was answered"))
                })
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

uuid_id!(UploadId, "upload id");
uuid_id!(TokenId, "token id");
uuid_id!(QueryId, "query id");
text_id!(AgencyId);
text_id!(DatasetId);
text_id!(UploadId);
text_id!(TokenId);
text_id!(QueryId);
text_id!(PermalinkId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_travel_are_refused() {
        for bad in ["", "A", "1a", "../x", "a.b", "a/b", "a%2e", "a\0", "ａ", "information_schema"]
        {
            assert!(AgencyId::parse(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(AgencyId::parse(&"a".repeat(64)).is_err());
    }

    #[test]
    fn permalinks_ids_are_short_and_read_back() {
        for number in [0, 1, 29, 30, u64::MAX] {
            let id = PermalinkId::of_random(number);
            assert_eq!(PermalinkId::parse(id.as_str()).unwrap(), id);
        }
        assert_ne!(PermalinkId::of_random(1), PermalinkId::of_random(30));
        for bad in ["", "2222222222222", "22222222222", "22222222222l", "22222222222/"] {
            assert!(PermalinkId::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn dataset_ids_keep_their_two_parts() {
        let id = DatasetId::parse("otaru_kaihatsu.river_hourly").unwrap();
        assert_eq!((id.agency().as_str(), id.name()), ("otaru_kaihatsu", "river_hourly"));
        assert_eq!(id.to_string(), "otaru_kaihatsu.river_hourly");
        assert!(DatasetId::parse("river").is_err());
        assert!(DatasetId::parse("a.b.c").is_err());
    }
}
