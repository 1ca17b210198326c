//! How a contract may change: it can grow by columns that may be empty, and say more of those it has.

use std::fmt;

use serde::Serialize;

use super::{Contract, Field};
use crate::ModelError;

/// A change that readers of the old contract would break on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakingChange {
    /// The column, as the old contract names it.
    pub column: String,
    /// What changed, and what to do instead.
    pub reason: String,
}

impl fmt::Display for BreakingChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.column, self.reason)
    }
}

impl Contract {
    /// The contract `next`, if every reader of this one can read on. Columns that `next` gives no alias
    /// keep the one they have here, so `next` comes as it was read, not yet validated.
    pub fn grown_to(&self, mut next: Self) -> Result<Self, ModelError> {
        for field in &mut next.fields {
            if let Some(old) = self.fields.iter().find(|f| f.name == field.name)
                && field.alias.is_none()
            {
                field.alias.clone_from(&old.alias);
            }
        }
        let next = next.validated()?;
        let mut changes = Vec::new();
        let mut breaking = |column: &str, reason: &str| {
            changes.push(BreakingChange { column: column.to_owned(), reason: reason.to_owned() });
        };
        for old in &self.fields {
            match next.fields.iter().find(|f| f.name == old.name) {
                None => breaking(&old.name, "it is gone; keep it, or make a new dataset"),
                Some(new) => {
                    if let Some(reason) = difference(old, new) {
                        breaking(&old.name, reason);
                    } else if next.is_required(new) && !self.is_required(old) {
                        breaking(
                            &old.name,
                            "it became required; rows without a value may be there",
                        );
                    }
                }
            }
        }
        for new in &next.fields {
            if self.fields.iter().all(|f| f.name != new.name) && next.is_required(new) {
                breaking(
                    &new.name,
                    "a new column can't be required, since older rows have no value",
                );
            }
        }
        if self.primary_key != next.primary_key {
            breaking(
                "primaryKey",
                "the key names rows for good; make a new dataset for another key",
            );
        }
        if changes.is_empty() { Ok(next) } else { Err(ModelError::BreakingChange { changes }) }
    }
}

fn difference(old: &Field, new: &Field) -> Option<&'static str> {
    if old.field_type != new.field_type {
        return Some("its type changed; add a new column instead");
    }
    if old.alias != new.alias {
        return Some("its alias changed; stored files have the old one");
    }
    if old.role != new.role {
        return Some("its role changed; add a new column instead");
    }
    if old.unit != new.unit {
        return Some("its unit changed; add a new column in the new unit");
    }
    if old.interval != new.interval || old.label != new.label {
        return Some("its interval or label changed; make a new dataset for another interval");
    }
    if old.code != new.code {
        return Some(
            "its code list changed; older rows hold other texts; add a new column instead",
        );
    }
    if old.quality_of != new.quality_of {
        return Some("it speaks of another column's quality now; add a new column instead");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(fields: &str) -> Contract {
        Contract::read(format!(r#"{{"fields":[{fields}]}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn a_contract_grows_by_nullable_columns_only() {
        let old = contract(r#"{"name":"流量","type":"number","unit":"m3/s"}"#).validated().unwrap();
        let grown = old
            .grown_to(contract(
                r#"{"name":"備考","type":"string"},{"name":"流量","type":"number","unit":"m3/s","title":"Flow"}"#,
            ))
            .unwrap();
        assert_eq!(grown.field("流量").unwrap().alias, Some("column_1".to_owned()));
        for (next, reason) in [
            (r#"{"name":"水位","type":"number"}"#, "gone"),
            (r#"{"name":"流量","type":"integer","unit":"m3/s"}"#, "type"),
            (r#"{"name":"流量","type":"number","unit":"L/s"}"#, "unit"),
            (
                r#"{"name":"流量","type":"number","unit":"m3/s"},{"name":"b","type":"string","constraints":{"required":true}}"#,
                "older rows",
            ),
        ] {
            let error = old.grown_to(contract(next)).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
