//! Units by their UCUM codes.

use serde::{Deserialize, Serialize};

use crate::ModelError;

/// A unit's UCUM code, such as `m3/s`, `Cel` or `{vehicles}/(5.min)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Unit(String);

impl Unit {
    /// Reads a code: printable ASCII without spaces, its brackets closed in the order they open.
    pub fn parse(value: &str) -> Result<Self, ModelError> {
        let refuse = || {
            ModelError::invalid("unit", value, "use a UCUM code such as mm, Cel, m3/s or {person}")
        };
        if value.is_empty() || value.len() > 64 || !value.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(refuse());
        }
        let mut open = Vec::new();
        for c in value.chars() {
            match c {
                '{' | '[' | '(' => open.push(c),
                '}' | ']' | ')' => {
                    let expected = match c {
                        '}' => '{',
                        ']' => '[',
                        _ => '(',
                    };
                    if open.pop() != Some(expected) {
                        return Err(refuse());
                    }
                }
                '<' | '>' | '"' | '\\' | ',' | ';' => return Err(refuse()),
                _ => {}
            }
        }
        if open.is_empty() { Ok(Self(value.to_owned())) } else { Err(refuse()) }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Unit {
    type Error = ModelError;
    fn try_from(value: String) -> Result<Self, ModelError> {
        Self::parse(&value)
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_the_domain_are_read_and_prose_is_not() {
        for good in ["Cel", "mm", "m3/s", "deg", "%", "{vehicles}/(5.min)", "{person}.d", "1"] {
            assert!(Unit::parse(good).is_ok(), "{good} was refused");
        }
        for bad in ["", "m3 / s", "℃", "{person", "a}b{", "<b>", "(m]"] {
            assert!(Unit::parse(bad).is_err(), "{bad} was accepted");
        }
    }
}
