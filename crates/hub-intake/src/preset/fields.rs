//! Fields of contracts as publishers' layouts need them.

use hub_model::{Field, FieldRole, FieldType, Interval, Label, Quality, Unit};

/// A column of this name, alias, type and role.
pub(super) fn field(name: &str, alias: &str, field_type: FieldType, role: FieldRole) -> Field {
    Field { role, alias: Some(alias.to_owned()), ..Field::new(name, field_type) }
}

/// Text that is known of a row.
pub(super) fn text(name: &str, alias: &str) -> Field {
    field(name, alias, FieldType::String, FieldRole::Attribute)
}

/// A number that is known of a row.
pub(super) fn number(name: &str, alias: &str, unit: &str) -> Field {
    let unit = Unit::parse(unit).ok();
    Field { unit, ..field(name, alias, FieldType::Number, FieldRole::Attribute) }
}

/// An observed number; no unit where it is empty.
pub(super) fn value(name: &str, alias: &str, unit: &str) -> Field {
    Field { role: FieldRole::Value, ..number(name, alias, unit) }
}

/// The time of a row, with its interval as ISO 8601 writes it.
pub(super) fn time(name: &str, alias: &str, field_type: FieldType, span: (&str, Label)) -> Field {
    Field {
        interval: Interval::parse(span.0).ok(),
        label: Some(span.1),
        ..field(name, alias, field_type, FieldRole::Time)
    }
}

/// The quality of the column `of`, in the hub's vocabulary, to which such columns are held without an
/// `enum`.
pub(super) fn quality(name: &str, alias: &str, of: &str) -> Field {
    let mut quality = field(name, alias, FieldType::String, FieldRole::Quality);
    quality.quality_of = Some(of.to_owned());
    quality
}

/// The field, with what it means.
pub(super) fn described(field: Field, description: &str) -> Field {
    Field { description: Some(description.to_owned()), ..field }
}

/// The word of a quality; what stands in the file where it is none that is known.
pub(super) fn quality_word(quality: Option<Quality>, otherwise: &str) -> &str {
    match quality {
        Some(quality) => quality.as_str(),
        None => otherwise,
    }
}
