//! How a contract may change: it can grow by columns that may be empty, and say more of those it has.

use std::fmt;

use serde::Serialize;

use super::{Contract, Field};
use crate::{ModelError, Text};

/// A change that readers of the old contract would break on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakingChange {
    /// The column, as the old contract names it.
    pub column: String,
    /// What changed, and what to do instead.
    pub reason: Text,
}

impl fmt::Display for BreakingChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.column, self.reason.en)
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
        let mut breaking = |column: &str, (ja, en): (&str, &str)| {
            changes.push(BreakingChange { column: column.to_owned(), reason: Text::new(ja, en) });
        };
        for old in &self.fields {
            match next.fields.iter().find(|f| f.name == old.name) {
                None => breaking(
                    &old.name,
                    (
                        "列がなくなっています。残すか、新しいデータセットを作ってください",
                        "it is gone; keep it, or make a new dataset",
                    ),
                ),
                Some(new) => {
                    if let Some(reason) = difference(old, new) {
                        breaking(&old.name, reason);
                    } else if next.is_required(new) && !self.is_required(old) {
                        breaking(
                            &old.name,
                            (
                                "必須に変わっています。値のない行がすでにあるかもしれません",
                                "it became required; rows without a value may be there",
                            ),
                        );
                    }
                }
            }
        }
        for new in &next.fields {
            if self.fields.iter().all(|f| f.name != new.name) && next.is_required(new) {
                breaking(
                    &new.name,
                    (
                        "前からある行に値がないので、新しい列は必須にできません",
                        "a new column can't be required, since older rows have no value",
                    ),
                );
            }
        }
        if self.primary_key != next.primary_key {
            breaking(
                "primaryKey",
                (
                    "主キーは行を指し続けるので変えられません。別の主キーには新しいデータセットを作ってください",
                    "the key names rows for good; make a new dataset for another key",
                ),
            );
        }
        if changes.is_empty() { Ok(next) } else { Err(ModelError::BreakingChange { changes }) }
    }
}

fn difference(old: &Field, new: &Field) -> Option<(&'static str, &'static str)> {
    if old.field_type != new.field_type {
        return Some((
            "型が変わっています。代わりに新しい列を足してください",
            "its type changed; add a new column instead",
        ));
    }
    if old.alias != new.alias {
        return Some((
            "別名（alias）が変わっています。保管したファイルは前の別名を使っています",
            "its alias changed; stored files have the old one",
        ));
    }
    if old.role != new.role {
        return Some((
            "役割が変わっています。代わりに新しい列を足してください",
            "its role changed; add a new column instead",
        ));
    }
    if old.unit != new.unit {
        return Some((
            "単位が変わっています。新しい単位の列を足してください",
            "its unit changed; add a new column in the new unit",
        ));
    }
    if old.interval != new.interval || old.label != new.label {
        return Some((
            "interval か label が変わっています。別の間隔には新しいデータセットを作ってください",
            "its interval or label changed; make a new dataset for another interval",
        ));
    }
    if old.code != new.code {
        return Some((
            "コード表が変わっています。前からある行は別の文字なので、代わりに新しい列を足してください",
            "its code list changed; older rows hold other texts; add a new column instead",
        ));
    }
    if old.quality_of != new.quality_of {
        return Some((
            "品質の対象が別の列に変わっています。代わりに新しい列を足してください",
            "it speaks of another column's quality now; add a new column instead",
        ));
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
