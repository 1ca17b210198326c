//! What a typed file says of its columns.

use std::collections::HashMap;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::DataType,
};
use hub_model::{Field, FieldRole, FieldType, Interval, Label, Unit};

use super::{Notes, profile::Profile};
use crate::conform::{cells::Cells, fault::type_words};

/// The type of a contract that an Arrow type is, if any.
pub(super) fn field_type(data_type: &DataType) -> Option<FieldType> {
    use DataType as D;
    Some(match data_type {
        D::Dictionary(_, value) => return field_type(value),
        D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Null => FieldType::String,
        D::Binary | D::LargeBinary | D::BinaryView => FieldType::String,
        D::Boolean => FieldType::Boolean,
        D::Date32 | D::Date64 => FieldType::Date,
        D::Timestamp(..) => FieldType::Datetime,
        D::Decimal32(_, scale)
        | D::Decimal64(_, scale)
        | D::Decimal128(_, scale)
        | D::Decimal256(_, scale)
            if *scale <= 0 =>
        {
            FieldType::Integer
        }
        other if other.is_integer() => FieldType::Integer,
        other if other.is_numeric() => FieldType::Number,
        _ => return None,
    })
}

/// The field that a column of a typed file is. Where this hub wrote the file, its metadata says the rest.
pub(super) fn by_type(
    name: &str,
    data_type: &DataType,
    metadata: &HashMap<String, String>,
    notes: &mut Notes,
) -> Option<Field> {
    let shown = crate::show::show_text(&data_type.to_string());
    let Some(field_type) = field_type(data_type) else {
        notes.add(
            name,
            format!("{shown}の列は扱えないので、契約に入れませんでした。ファイルからも削ってください"),
            format!("a column of type {shown} can't be kept and is not in the contract; leave it out of the file too"),
        );
        return None;
    };
    let mut field = Field::new(name, field_type);
    let (type_ja, type_en) = type_words(field_type);
    notes.add(
        name,
        format!("{type_ja}としました。ファイルの型は{shown}です"),
        format!("{type_en}: the file's type is {shown}"),
    );
    let text = |key: &str| metadata.get(key).filter(|text| !text.is_empty()).cloned();
    field.title = text("title");
    field.description = text("description");
    if matches!(field_type, FieldType::Integer | FieldType::Number) {
        field.unit = text("unit").and_then(|unit| Unit::parse(&unit).ok());
    }
    match text("role").as_deref() {
        Some("time") if field_type.is_temporal() => {
            field.role = FieldRole::Time;
            field.interval = text("interval").and_then(|text| Interval::parse(&text).ok());
            field.label = match (field.interval, text("label").as_deref()) {
                (Some(_), Some("start")) => Some(Label::Start),
                (Some(_), Some("end")) => Some(Label::End),
                _ => None,
            };
        }
        Some("place") => field.role = FieldRole::Place,
        Some("value") => field.role = FieldRole::Value,
        _ => {}
    }
    Some(field)
}

/// Adds an array's values to what is known of its column.
pub(super) fn add(array: &ArrayRef, profile: &mut Profile) {
    use DataType as D;
    match array.data_type() {
        D::Utf8 => add_cells(array.as_string::<i32>(), profile),
        D::LargeUtf8 => add_cells(array.as_string::<i64>(), profile),
        D::Utf8View => add_cells(array.as_string_view(), profile),
        D::Dictionary(_, value) if matches!(**value, D::Utf8) => {
            let Some(dictionary) = array.as_any_dictionary_opt() else { return };
            let values = dictionary.values().as_string::<i32>();
            if values.is_empty() {
                return profile.add_opaque(0, array.len() as u64);
            }
            for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
                let missing = array.is_null(row) || values.is_null(key);
                profile.add(if missing { b"" } else { values.value(key).as_bytes() });
            }
        }
        _ => {
            let missing = array.null_count() as u64;
            profile.add_opaque(array.len() as u64 - missing, missing);
        }
    }
}

fn add_cells(cells: &impl Cells, profile: &mut Profile) {
    (0..cells.len()).for_each(|row| profile.add(cells.get(row).unwrap_or_default()));
}
