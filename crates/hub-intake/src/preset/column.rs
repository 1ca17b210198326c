//! Columns of layouts' contracts, said briefly. Nothing here knows a layout.

use hub_model::{Contract, Field, FieldRole, FieldType, Interval, Label, Unit};

/// A column of a type, with the publisher's name and a stable one in ASCII.
pub(super) fn column(name: &str, alias: &str, field_type: FieldType) -> Field {
    let alias = (name != alias).then(|| alias.to_owned());
    Field { alias, ..Field::new(name, field_type) }
}

/// A column of texts or codes.
pub(super) fn text(name: &str, alias: &str) -> Field {
    column(name, alias, FieldType::String)
}

/// A column of counts, none below zero.
pub(super) fn count(name: &str, alias: &str) -> Field {
    column(name, alias, FieldType::Integer).at_least(0)
}

/// A column of numbers.
pub(super) fn number(name: &str, alias: &str) -> Field {
    column(name, alias, FieldType::Number)
}

/// The column of times, each the start or the end of an interval.
pub(super) fn time(
    name: &str,
    alias: &str,
    field_type: FieldType,
    interval: Option<(&str, Label)>,
) -> Field {
    let interval =
        interval.and_then(|(length, label)| Some((Interval::parse(length).ok()?, label)));
    Field {
        role: FieldRole::Time,
        label: interval.map(|(_, label)| label),
        interval: interval.map(|(length, _)| length),
        ..column(name, alias, field_type)
    }
}

/// How good another column's values are, in the hub's words, to which such columns are held without an
/// `enum`.
pub(super) fn quality(name: &str, alias: &str, of: &str) -> Field {
    let mut field = text(name, alias).role(FieldRole::Quality);
    field.quality_of = Some(of.to_owned());
    field
}

/// A place on the map, in degrees.
pub(super) fn latitude(name: &str, alias: &str) -> Field {
    number(name, alias).unit("deg").between(20, 46)
}

/// A place on the map, in degrees.
pub(super) fn longitude(name: &str, alias: &str) -> Field {
    number(name, alias).unit("deg").between(122, 154)
}

/// The six digits of a municipality or a prefecture.
pub(super) fn municipality_code(name: &str) -> Field {
    text(name, "municipality_code")
        .role(FieldRole::Place)
        .pattern("[0-9]{6}")
        .described("検査数字を含む6桁。 Six digits, the last a check digit.")
}

/// Whether a heading of a file can be a column's name as it stands.
pub(super) fn is_usable(name: &str) -> bool {
    let contract = Contract {
        fields: vec![Field::new(name, FieldType::String)],
        primary_key: Vec::new(),
        missing_values: Vec::new(),
    };
    contract.validated().is_ok()
}

/// What is said of a column beyond its name and type.
pub(super) trait Describe: Sized {
    fn role(self, role: FieldRole) -> Self;
    fn unit(self, code: &str) -> Self;
    fn at_least(self, minimum: i64) -> Self;
    fn between(self, minimum: i64, maximum: i64) -> Self;
    fn pattern(self, pattern: &str) -> Self;
    fn required(self) -> Self;
    fn described(self, description: &str) -> Self;
    fn value(self, unit: &str) -> Self {
        self.role(FieldRole::Value).unit(unit)
    }
}

impl Describe for Field {
    fn role(mut self, role: FieldRole) -> Self {
        self.role = role;
        self
    }

    fn unit(mut self, code: &str) -> Self {
        self.unit = Unit::parse(code).ok();
        self
    }

    fn at_least(mut self, minimum: i64) -> Self {
        self.constraints.minimum = Some(minimum.into());
        self
    }

    fn between(mut self, minimum: i64, maximum: i64) -> Self {
        self.constraints.minimum = Some(minimum.into());
        self.constraints.maximum = Some(maximum.into());
        self
    }

    fn pattern(mut self, pattern: &str) -> Self {
        self.constraints.pattern = Some(pattern.to_owned());
        self
    }

    fn required(mut self) -> Self {
        self.constraints.required = true;
        self
    }

    fn described(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }
}
