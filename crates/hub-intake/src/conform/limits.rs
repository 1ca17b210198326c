//! A field's constraints on the arrays it became. What a whole batch keeps is found by one pass without
//! branches; single cells are looked at only where that pass finds something.

use std::collections::HashSet;

use arrow::{
    array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringArray},
    datatypes::{
        ArrowNativeType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
    },
};
use hub_model::{Contract, Field, FieldRole, FieldType, Quality};
use regex::Regex;
use serde_json::Value;

use super::{
    fault::FaultKind,
    faults::ColumnFaults,
    time::{TimeFormat, parse_year},
};
use crate::IntakeError;

/// The constraints of one field, ready to be checked.
#[derive(Debug)]
pub(crate) struct Limits {
    required: bool,
    values: Values,
}

#[derive(Debug)]
enum Values {
    None,
    Int64(Range<i64>),
    Int32(Range<i32>),
    Float64(Range<f64>),
    Text(TextLimits),
    Boolean(Vec<bool>),
}

#[derive(Debug)]
struct Range<T> {
    minimum: Option<T>,
    maximum: Option<T>,
    allowed: Option<Vec<T>>,
}

#[derive(Debug)]
struct TextLimits {
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<Regex>,
    allowed: Option<HashSet<String>>,
    /// What a value that is not allowed is told.
    not_allowed: FaultKind,
}

impl Limits {
    /// The constraints of a field. A quality column of text without an `enum` of its own holds the words
    /// of [`Quality`]; a publisher's own marks are kept in a column of another role beside it.
    pub(crate) fn new(contract: &Contract, field: &Field) -> Result<Self, IntakeError> {
        let values = match field.field_type {
            FieldType::String => text_limits(field)?,
            FieldType::Integer => Values::Int64(Range::new(field, Value::as_i64)?),
            FieldType::Number => Values::Float64(Range::new(field, Value::as_f64)?),
            FieldType::Year => Values::Int32(Range::new(field, |value| match value.as_str() {
                Some(text) => parse_year(text.as_bytes()).ok(),
                None => value.as_i64().and_then(|year| i32::try_from(year).ok()),
            })?),
            FieldType::Date => Values::Int32(Range::new(field, |value| {
                TimeFormat::Default.parse_date(value.as_str()?.as_bytes()).ok()
            })?),
            FieldType::Yearmonth => Values::Int32(Range::new(field, |value| {
                TimeFormat::Default.parse_month(value.as_str()?.as_bytes()).ok()
            })?),
            FieldType::Datetime => Values::Int64(Range::new(field, |value| {
                TimeFormat::Default.parse_instant(value.as_str()?.as_bytes()).ok()
            })?),
            FieldType::Boolean => match &field.constraints.allowed {
                Some(allowed) => {
                    Values::Boolean(allowed.iter().filter_map(Value::as_bool).collect())
                }
                None => Values::None,
            },
        };
        Ok(Self { required: contract.is_required(field), values })
    }

    /// Reports every cell of the array that breaks a constraint. Cells that became null because they were
    /// broken already are not missed.
    pub(crate) fn check(&self, array: &ArrayRef, faults: &mut ColumnFaults) {
        if self.required && array.null_count() > faults.failed() {
            for row in (0..array.len()).filter(|row| array.is_null(*row)) {
                if !faults.has_failed(row) {
                    faults.report(row, FaultKind::Required);
                }
            }
        }
        match &self.values {
            Values::None => {}
            Values::Int64(range) => match array.as_primitive_opt::<Int64Type>() {
                Some(array) => range.check(array, faults),
                None => range.check(array.as_primitive::<TimestampMicrosecondType>(), faults),
            },
            Values::Int32(range) => match array.as_primitive_opt::<Int32Type>() {
                Some(array) => range.check(array, faults),
                None => range.check(array.as_primitive::<Date32Type>(), faults),
            },
            Values::Float64(range) => range.check(array.as_primitive::<Float64Type>(), faults),
            Values::Text(limits) => limits.check(array.as_string::<i32>(), faults),
            Values::Boolean(allowed) => {
                for (row, value) in array.as_boolean().iter().enumerate() {
                    if value.is_some_and(|value| !allowed.contains(&value)) {
                        faults.report(row, FaultKind::Enum);
                    }
                }
            }
        }
    }
}

impl<T: ArrowNativeType> Range<T> {
    fn new(field: &Field, read: impl Fn(&Value) -> Option<T>) -> Result<Self, IntakeError> {
        let read = |value: &Value| {
            read(value).ok_or_else(|| IntakeError::BadContract {
                detail: format!(
                    "a constraint of the column {:?} is {value}, which is no value of type {} in its default form",
                    field.name,
                    field.field_type.as_str()
                ),
            })
        };
        let limits = &field.constraints;
        Ok(Self {
            minimum: limits.minimum.as_ref().map(read).transpose()?,
            maximum: limits.maximum.as_ref().map(read).transpose()?,
            allowed: limits
                .allowed
                .as_ref()
                .map(|allowed| allowed.iter().map(read).collect())
                .transpose()?,
        })
    }

    fn check<A: ArrowPrimitiveType<Native = T>>(
        &self,
        array: &PrimitiveArray<A>,
        faults: &mut ColumnFaults,
    ) {
        let values = array.values();
        if let Some(minimum) = self.minimum {
            each(
                array,
                values.iter().any(|v| *v < minimum),
                |v| v < minimum,
                FaultKind::Minimum,
                faults,
            );
        }
        if let Some(maximum) = self.maximum {
            each(
                array,
                values.iter().any(|v| *v > maximum),
                |v| v > maximum,
                FaultKind::Maximum,
                faults,
            );
        }
        if let Some(allowed) = &self.allowed {
            each(array, true, |v| !allowed.contains(&v), FaultKind::Enum, faults);
        }
    }
}

fn each<A: ArrowPrimitiveType>(
    array: &PrimitiveArray<A>,
    suspected: bool,
    is_fault: impl Fn(A::Native) -> bool,
    kind: FaultKind,
    faults: &mut ColumnFaults,
) {
    if !suspected {
        return;
    }
    for (row, value) in array.values().iter().enumerate() {
        if is_fault(*value) && array.is_valid(row) {
            faults.report(row, kind);
        }
    }
}

fn text_limits(field: &Field) -> Result<Values, IntakeError> {
    let limits = &field.constraints;
    let length = |length: Option<u32>| length.map(|length| length as usize);
    let pattern = limits
        .pattern
        .as_ref()
        .map(|pattern| {
            Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|error| IntakeError::BadContract {
                detail: format!(
                    "the pattern of the column {:?} can't be used: {error}",
                    field.name
                ),
            })
        })
        .transpose()?;
    let is_quality = field.role == FieldRole::Quality && limits.allowed.is_none();
    let allowed = if is_quality {
        Some(Quality::ALL.iter().map(|quality| quality.as_str().to_owned()).collect())
    } else {
        limits.allowed.as_ref().map(|allowed| {
            allowed.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
        })
    };
    let limits = TextLimits {
        min_length: length(limits.min_length),
        max_length: length(limits.max_length),
        pattern,
        allowed,
        not_allowed: if is_quality { FaultKind::QualityWord } else { FaultKind::Enum },
    };
    let asks_nothing = limits.min_length.is_none()
        && limits.max_length.is_none()
        && limits.pattern.is_none()
        && limits.allowed.is_none();
    Ok(if asks_nothing { Values::None } else { Values::Text(limits) })
}

impl TextLimits {
    fn check(&self, array: &StringArray, faults: &mut ColumnFaults) {
        // Series and marks repeat from row to row, so that the last verdict often serves again.
        let mut last: Option<(&str, Option<FaultKind>)> = None;
        for row in 0..array.len() {
            if array.is_null(row) {
                continue;
            }
            let value = array.value(row);
            let verdict = match last {
                Some((same, verdict)) if same == value => verdict,
                _ => self.verdict(value),
            };
            last = Some((value, verdict));
            if let Some(kind) = verdict {
                faults.report(row, kind);
            }
        }
    }

    /// The first constraint that a value breaks.
    fn verdict(&self, value: &str) -> Option<FaultKind> {
        if self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(value)) {
            return Some(self.not_allowed);
        }
        if self.min_length.is_some() || self.max_length.is_some() {
            let length = value.chars().count();
            if self.min_length.is_some_and(|least| length < least) {
                return Some(FaultKind::MinLength);
            }
            if self.max_length.is_some_and(|most| length > most) {
                return Some(FaultKind::MaxLength);
            }
        }
        match &self.pattern {
            Some(pattern) if !pattern.is_match(value) => Some(FaultKind::Pattern),
            _ => None,
        }
    }
}
