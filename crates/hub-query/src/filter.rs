//! Filters without SQL: a column, an operator, and values written as text, read by the column's type.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone};
use datafusion::{
    common::Column,
    logical_expr::{Expr, Operator, binary_expr, lit},
    scalar::ScalarValue,
};
use hub_model::{Contract, Field, FieldType, TOKYO, ZONE_NAME};

use crate::{classify::asking, error::QueryError, suggest::nearest};

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FilterOperator {
    /// Equal; a row without a value is never equal.
    Eq,
    /// Not equal; a row without a value is not among them.
    NotEq,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Equal to one of a list.
    In,
    /// Text of a pattern: `*` or `%` for any characters, `_` for one.
    Like,
    /// Without a value.
    IsNull,
    /// With a value.
    IsNotNull,
}

/// What a column is compared with, as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FilterValue {
    /// Nothing, for [`FilterOperator::IsNull`] and [`FilterOperator::IsNotNull`].
    None,
    /// One value.
    One(String),
    /// A list, for [`FilterOperator::In`].
    Many(Vec<String>),
}

/// One condition; several must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowFilter {
    /// The column's name or alias.
    pub column: String,
    /// How it is compared.
    pub operator: FilterOperator,
    /// With what.
    pub value: FilterValue,
}

/// How many values a list may have.
const MAX_VALUES: usize = 1_000;

impl RowFilter {
    /// The condition as an expression over the contract's names.
    pub(crate) fn expression(&self, contract: &Contract) -> Result<Expr, QueryError> {
        let field = field(contract, &self.column)?;
        let column = column(field);
        let compare = |operator| -> Result<Expr, QueryError> {
            Ok(binary_expr(column.clone(), operator, lit(parse_value(field, self.one()?)?)))
        };
        match self.operator {
            FilterOperator::Eq => compare(Operator::Eq),
            FilterOperator::NotEq => compare(Operator::NotEq),
            FilterOperator::Gt => compare(Operator::Gt),
            FilterOperator::Gte => compare(Operator::GtEq),
            FilterOperator::Lt => compare(Operator::Lt),
            FilterOperator::Lte => compare(Operator::LtEq),
            FilterOperator::In => {
                let values = match &self.value {
                    FilterValue::Many(values) => values.as_slice(),
                    FilterValue::One(value) => std::slice::from_ref(value),
                    FilterValue::None => &[],
                };
                if values.is_empty() || values.len() > MAX_VALUES {
                    return Err(QueryError::request(format!(
                        "{}: give from 1 to {MAX_VALUES} values",
                        self.column
                    )));
                }
                let values = values.iter().map(|value| parse_value(field, value).map(lit));
                let mut values = values.collect::<Result<Vec<_>, _>>()?;
                if values.contains(&lit(0.0)) {
                    // In a list nought is looked for by its bits.
                    values.push(lit(-0.0));
                }
                Ok(column.in_list(values, false))
            }
            FilterOperator::Like => {
                if field.field_type != FieldType::String {
                    return Err(QueryError::request(format!(
                        "{}: patterns are for text, and this is of type {}",
                        self.column,
                        field.field_type.as_str()
                    )));
                }
                let pattern = self.one()?.replace('*', "%");
                Ok(column.like(lit(ScalarValue::Utf8View(Some(pattern)))))
            }
            FilterOperator::IsNull => self.none().map(|()| column.is_null()),
            FilterOperator::IsNotNull => self.none().map(|()| column.is_not_null()),
        }
    }

    fn one(&self) -> Result<&str, QueryError> {
        match &self.value {
            FilterValue::One(value) => Ok(value),
            FilterValue::None | FilterValue::Many(_) => {
                Err(QueryError::request(format!("{}: give one value", self.column)))
            }
        }
    }

    fn none(&self) -> Result<(), QueryError> {
        match &self.value {
            FilterValue::None => Ok(()),
            FilterValue::One(_) | FilterValue::Many(_) => {
                Err(QueryError::request(format!("{}: this condition takes no value", self.column)))
            }
        }
    }
}

/// The field of this name or alias, or an error that names near ones.
pub(crate) fn field<'a>(contract: &'a Contract, name: &str) -> Result<&'a Field, QueryError> {
    contract.field(name).ok_or_else(|| {
        let names = contract.fields.iter();
        let names = names.flat_map(|f| [Some(f.name.as_str()), f.alias.as_deref()]).flatten();
        let suggestions = nearest(name, names);
        QueryError::InvalidRequest {
            message: asking(&format!("there is no column {name:?}"), &suggestions),
            suggestions,
        }
    })
}

/// The column as scans of one table have it.
pub(crate) fn column(field: &Field) -> Expr {
    Expr::Column(Column::new_unqualified(&field.name))
}

/// Reads a value of the column's type. Instants without an offset are Japanese time.
pub(crate) fn parse_value(field: &Field, text: &str) -> Result<ScalarValue, QueryError> {
    let refuse = |expected: &str| {
        let shown: String = text.chars().take(40).collect();
        QueryError::request(format!(
            "{}: {shown:?} is not {expected}",
            field.alias.as_deref().unwrap_or(&field.name)
        ))
    };
    let trimmed = text.trim();
    Ok(match field.field_type {
        FieldType::String => ScalarValue::Utf8View(Some(text.to_owned())),
        FieldType::Integer => ScalarValue::Int64(Some(
            trimmed.parse().map_err(|_| refuse("a whole number, such as 12"))?,
        )),
        FieldType::Year => {
            ScalarValue::Int32(Some(trimmed.parse().map_err(|_| refuse("a year, such as 2024"))?))
        }
        FieldType::Number => {
            let number = trimmed.parse::<f64>().ok().filter(|number| number.is_finite());
            ScalarValue::Float64(Some(number.ok_or_else(|| refuse("a number, such as 2.5"))? + 0.0))
        }
        FieldType::Boolean => ScalarValue::Boolean(Some(match trimmed {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return Err(refuse("true or false")),
        })),
        FieldType::Date => {
            let day = NaiveDate::parse_from_str(trimmed, "%Y-%m-%d");
            days(day.map_err(|_| refuse("a day, such as 2024-04-01"))?)
        }
        FieldType::Yearmonth => {
            let day = NaiveDate::parse_from_str(&format!("{trimmed}-01"), "%Y-%m-%d")
                .or_else(|_| NaiveDate::parse_from_str(trimmed, "%Y-%m-%d"));
            days(day.map_err(|_| refuse("a month, such as 2024-04"))?)
        }
        FieldType::Datetime => ScalarValue::TimestampMicrosecond(
            Some(
                parse_instant(trimmed)
                    .ok_or_else(|| refuse("a time, such as 2024-04-01T09:00:00+09:00"))?,
            ),
            Some(ZONE_NAME.into()),
        ),
    })
}

fn days(day: NaiveDate) -> ScalarValue {
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    ScalarValue::Date32(i32::try_from(days).ok())
}

/// Microseconds since 1970-01-01T00:00:00Z.
fn parse_instant(text: &str) -> Option<i64> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.timestamp_micros());
    }
    // In an address, a plus sign that was not escaped arrives as a space.
    if let Some((time, offset)) = text.rsplit_once(' ')
        && time.contains('T')
        && let Ok(instant) = DateTime::parse_from_rfc3339(&format!("{time}+{offset}"))
    {
        return Some(instant.timestamp_micros());
    }
    if let Ok(instant) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z") {
        return Some(instant.timestamp_micros());
    }
    const FORMS: [&str; 4] =
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let local = FORMS
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    Some(TOKYO.from_local_datetime(&local).single()?.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_without_an_offset_are_japanese_time() {
        let midnight = 1_711_897_200_000_000; // 2024-04-01T00:00:00+09:00
        for text in [
            "2024-04-01",
            "2024-04-01T00:00",
            "2024-04-01 00:00:00",
            "2024-04-01T00:00:00+09:00",
            "2024-04-01T00:00:00 09:00",
            "2024-03-31T15:00:00Z",
            "2024-04-01T00:00+09:00",
        ] {
            assert_eq!(parse_instant(text), Some(midnight), "{text}");
        }
        assert_eq!(parse_instant("yesterday"), None);
    }

    #[test]
    fn a_value_of_another_type_is_refused_with_an_example() {
        for (field_type, bad, hint) in [
            (FieldType::Integer, "1.5", "such as 12"),
            (FieldType::Number, "high", "such as 2.5"),
            (FieldType::Number, "NaN", "such as 2.5"),
            (FieldType::Boolean, "yes", "true or false"),
            (FieldType::Date, "2024/04/01", "2024-04-01"),
            (FieldType::Yearmonth, "2024-13", "2024-04"),
            (FieldType::Year, "R6", "2024"),
            (FieldType::Datetime, "noon", "+09:00"),
        ] {
            let error = parse_value(&Field::new("c", field_type), bad).unwrap_err();
            assert!(error.to_string().contains(hint), "{error}");
        }
    }
}
