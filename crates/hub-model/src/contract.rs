//! Contracts: what a dataset promises of its columns.
//!
//! A contract is a Frictionless Table Schema (<https://specs.frictionlessdata.io/table-schema/>) with
//! keys of the hub's own on fields: `role`, `unit`, `interval`, `label`, `quality_of`, `code`, `alias`. A key
//! that is neither is refused, so that a misspelt one is never ignored.

mod field;
mod growth;
mod rules;
mod schema;

use serde::{Deserialize, Serialize};

pub use field::{Aggregate, CodeList, Constraints, Field, FieldRole, FieldType, Label};
pub use growth::BreakingChange;
pub use rules::{ContractProblem, MAX_FIELDS};
pub use schema::StorageColumn;

use crate::ModelError;

/// What a dataset promises of its columns. Made by [`Contract::parse`] or checked by
/// [`Contract::validated`]; both leave every field with a name that storage can bear.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contract {
    /// The columns, in the order they are shown.
    pub fields: Vec<Field>,
    /// The columns whose values together name a row; empty where rows have no name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// The texts that mean "no value" in text formats. Missing is never zero.
    #[serde(default = "default_missing_values")]
    pub missing_values: Vec<String>,
}

fn default_missing_values() -> Vec<String> {
    vec![String::new()]
}

impl Contract {
    /// Reads a contract from JSON and checks it.
    pub fn parse(json: &[u8]) -> Result<Self, ModelError> {
        Self::read(json)?.validated()
    }

    /// Reads a contract from JSON as it stands; [`Self::validated`] or [`Self::grown_to`] checks it.
    pub fn read(json: &[u8]) -> Result<Self, ModelError> {
        serde_json::from_slice(json)
            .map_err(|e| ModelError::Malformed { what: "the contract", detail: e.to_string() })
    }

    /// The field of this name or alias.
    pub fn field(&self, name_or_alias: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|f| f.name == name_or_alias)
            .or_else(|| self.fields.iter().find(|f| f.alias.as_deref() == Some(name_or_alias)))
    }

    /// The column that says when a row was observed, where there is one.
    pub fn time_field(&self) -> Option<&Field> {
        self.fields.iter().find(|f| f.role == FieldRole::Time)
    }

    /// The columns that name a series: the key's columns other than time, or those with the role
    /// `key` or `place` where there is no key.
    pub fn series_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|f| {
            if self.primary_key.is_empty() {
                matches!(f.role, FieldRole::Key | FieldRole::Place)
            } else {
                f.role != FieldRole::Time && self.primary_key.contains(&f.name)
            }
        })
    }

    /// Whether a row must have a value in this column.
    pub fn is_required(&self, field: &Field) -> bool {
        field.constraints.required || self.primary_key.contains(&field.name)
    }
}
