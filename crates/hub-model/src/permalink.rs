//! Permalinks: a statement, the versions it read, and what came of it, so that anybody who may read them
//! can run it again and see whether the same comes of it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AgencyId, ModelError, PermalinkId, Source, Text};

/// What is recorded of a permalink. It is stored as it stands here: fields are added, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Permalink {
    /// Its id.
    pub id: PermalinkId,
    /// What its maker called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The statement.
    pub sql: String,
    /// The values of `$1`, `$2` and so on.
    pub parameters: Vec<Value>,
    /// Whether it was made from rows where rollups would have told the same but for the last digits of sums.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_rollups: bool,
    /// The dataset versions that it read, as they were described then.
    pub sources: Vec<Source>,
    /// What ran it.
    pub engine: EngineVersion,
    /// The columns of the result: name, type, unit and meaning.
    pub columns: Vec<Value>,
    /// The rows of the result.
    pub row_count: u64,
    /// The hash of the result.
    pub result_hash: ResultHash,
    /// What may keep the result from being the same when it is run again, although the versions are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Text>,
    /// When it was made; the data was viewed then.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: MadeBy,
}

/// Who made a permalink. Permalinks are shown to others, so no more than this is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeBy {
    /// Somebody without a token.
    Anonymous,
    /// The holder of a token of this agency.
    Agency(AgencyId),
    /// The holder of a token that belongs to no agency.
    Administrator,
}

/// The versions of what runs queries. Another version may round, sort or name otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineVersion {
    /// The hub's.
    pub hub: String,
    /// That of the query engine inside of it, Apache DataFusion.
    pub datafusion: String,
}

/// A hash of a result's rows that does not depend on how they came: see `docs/CITING.md`, "The result hash".
///
/// Numbers with a fraction are rounded before they are hashed, once on each of two grids that lie half a step
/// apart. Two sums of the same numbers that differ in their last digits by the order of adding may fall on
/// two sides of one grid's bound, and then lie well inside the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResultHash {
    /// The sum of the rows' hashes modulo 2^128, on either grid.
    pub rows: [u128; 2],
    /// The hash of the rows in their sequence, where the statement orders them.
    pub sequence: Option<[u128; 2]>,
}

/// What two hashes of results say of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// The same rows, in the same sequence where there is one.
    Same,
    /// The same rows in another sequence.
    OtherSequence,
    /// Other rows.
    Different,
}

impl ResultHash {
    /// The form's name and version; another way of hashing gets another.
    const FORM: &str = "mrh1";

    /// Whether both are hashes of the same rows, and in the same sequence.
    pub fn compare(&self, other: &Self) -> Agreement {
        let alike = |a: &[u128; 2], b: &[u128; 2]| a[0] == b[0] || a[1] == b[1];
        if !alike(&self.rows, &other.rows) {
            return Agreement::Different;
        }
        match (&self.sequence, &other.sequence) {
            (Some(a), Some(b)) if !alike(a, b) => Agreement::OtherSequence,
            _ => Agreement::Same,
        }
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let parts: Option<Vec<u128>> = text
            .strip_prefix(Self::FORM)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.split('-').map(number).collect());
        match parts.as_deref() {
            Some(&[a, b]) => Ok(Self { rows: [a, b], sequence: None }),
            Some(&[a, b, c, d]) => Ok(Self { rows: [a, b], sequence: Some([c, d]) }),
            _ => Err(ModelError::invalid("result hash", text, ("", "give it as it was answered"))),
        }
    }
}

fn number(text: &str) -> Option<u128> {
    let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    u128::from_str_radix(text, 16).ok().filter(|_| digits)
}

impl fmt::Display for ResultHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:032x}-{:032x}", Self::FORM, self.rows[0], self.rows[1])?;
        match self.sequence {
            Some([a, b]) => write!(f, "-{a:032x}-{b:032x}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for ResultHash {
    type Error = ModelError;
    fn try_from(text: String) -> Result<Self, ModelError> {
        Self::parse(&text)
    }
}

impl From<ResultHash> for String {
    fn from(hash: ResultHash) -> Self {
        hash.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_and_broken_ones_are_refused() {
        let plain = ResultHash { rows: [1, u128::MAX], sequence: None };
        let ordered = ResultHash { sequence: Some([3, 4]), ..plain };
        for hash in [plain, ordered] {
            assert_eq!(ResultHash::parse(&hash.to_string()).unwrap(), hash);
        }
        for broken in ["", "mrh1", "mrh1-1-2", "mrh2-0-0", &plain.to_string().replace('f', "g")] {
            assert!(ResultHash::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn one_grid_that_agrees_is_enough_and_the_sequence_counts_apart() {
        let hash = ResultHash { rows: [1, 2], sequence: Some([3, 4]) };
        assert_eq!(hash.compare(&ResultHash { rows: [9, 2], ..hash }), Agreement::Same);
        let turned = ResultHash { sequence: Some([9, 9]), ..hash };
        assert_eq!(hash.compare(&turned), Agreement::OtherSequence);
        assert_eq!(hash.compare(&ResultHash { rows: [9, 9], ..hash }), Agreement::Different);
    }
}
