//! Columns between the contract, the stored files and the session.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::{
    common::{ColumnStatistics, Statistics, stats::Precision},
    scalar::ScalarValue,
};
use hub_lake::{Bound, DataFile};
use hub_model::{Contract, Field as ContractField, ZONE_NAME};

use crate::quality;

/// A column as a query sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exposed {
    /// Its place in the contract, and in the scan's schema.
    pub(crate) index: usize,
    /// The name it has in the session: the contract's name or its alias.
    pub(crate) name: String,
    /// The place of the column that tells which of its values are left out; none where all are shown.
    pub(crate) judged_by: Option<usize>,
}

impl Exposed {
    /// Every column under its contract's name, with values of every quality or of good quality alone.
    pub(crate) fn of(contract: &Contract, with_quality: bool) -> Vec<Self> {
        if with_quality { Self::all(contract) } else { Self::judged(contract) }
    }

    /// Every column under its contract's name, without values of bad quality.
    pub(crate) fn judged(contract: &Contract) -> Vec<Self> {
        let mut all = Self::all(contract);
        for (exposed, field) in all.iter_mut().zip(&contract.fields) {
            exposed.judged_by = quality::judge(contract, field);
        }
        all
    }

    /// Every column under its contract's name.
    pub(crate) fn all(contract: &Contract) -> Vec<Self> {
        let fields = contract.fields.iter().enumerate();
        let plain = |(index, field): (usize, &ContractField)| Self {
            index,
            name: field.name.clone(),
            judged_by: None,
        };
        fields.map(plain).collect()
    }
}

/// The schema that files are scanned with: stored names, everything else as readers see it. Texts are
/// read as views, which saves copying them out of dictionary pages.
pub(crate) fn scan_schema(contract: &Contract) -> SchemaRef {
    let read = contract.reader_schema();
    let fields = contract.fields.iter().zip(read.fields()).map(|(field, read)| {
        let data_type = match read.data_type() {
            DataType::Utf8 => DataType::Utf8View,
            other => other.clone(),
        };
        Field::new(field.storage_name(), data_type, read.is_nullable())
            .with_metadata(read.metadata().clone())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A bound as a value of the column's type in the scan; none where they do not fit together.
pub(crate) fn bound_value(bound: &Bound, data_type: &DataType) -> Option<ScalarValue> {
    Some(match (bound, data_type) {
        (Bound::Boolean(value), DataType::Boolean) => ScalarValue::Boolean(Some(*value)),
        (Bound::Integer(value), DataType::Int64) => ScalarValue::Int64(Some(*value)),
        (Bound::Integer(value), DataType::Int32) => {
            ScalarValue::Int32(Some(i32::try_from(*value).ok()?))
        }
        (Bound::Number(value), DataType::Float64) if !value.is_nan() => {
            ScalarValue::Float64(Some(*value))
        }
        (Bound::Text(value), DataType::Utf8View) => ScalarValue::Utf8View(Some(value.clone())),
        (Bound::Date(value), DataType::Date32) => ScalarValue::Date32(Some(*value)),
        (Bound::Instant(value), DataType::Timestamp(TimeUnit::Microsecond, Some(_))) => {
            ScalarValue::TimestampMicrosecond(Some(*value), Some(ZONE_NAME.into()))
        }
        _ => return None,
    })
}

/// A least value that is certainly not greater than any of the column, however it was rounded.
pub(crate) fn widened_minimum(bound: &Bound, exact: bool) -> Option<Bound> {
    if exact {
        return Some(bound.clone());
    }
    Some(match bound {
        Bound::Number(value) => Bound::Number(value - slack(*value)),
        Bound::Instant(value) => Bound::Instant(value.saturating_sub(INSTANT_SLACK_US)),
        other => other.clone(),
    })
}

/// A greatest value that is certainly not less than any of the column.
pub(crate) fn widened_maximum(bound: &Bound, exact: bool) -> Option<Bound> {
    if exact {
        return Some(bound.clone());
    }
    Some(match bound {
        Bound::Number(value) => Bound::Number(value + slack(*value)),
        Bound::Instant(value) => Bound::Instant(value.saturating_add(INSTANT_SLACK_US)),
        Bound::Text(value) => Bound::Text(after_every(value)?),
        other => other.clone(),
    })
}

/// The log's statistics keep milliseconds of an instant.
const INSTANT_SLACK_US: i64 = 1_000;

/// The log's statistics pass numbers through decimal text.
fn slack(value: f64) -> f64 {
    value.abs() * 1e-9 + f64::MIN_POSITIVE
}

/// The least text that comes after every text with this prefix; none where there is no such text.
fn after_every(prefix: &str) -> Option<String> {
    let mut text: Vec<char> = prefix.chars().collect();
    while let Some(last) = text.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text.into_iter().collect());
        }
    }
    None
}

/// What the planner may know of one file. Only exact bounds answer MIN and MAX.
pub(crate) fn file_statistics(file: &DataFile, scan_schema: &Schema) -> Statistics {
    let column_statistics = scan_schema
        .fields()
        .iter()
        .map(|field| {
            let Some(known) = file.columns.get(field.name()) else {
                return ColumnStatistics::new_unknown();
            };
            let precision = |bound: Option<Bound>| {
                let value = bound.and_then(|bound| bound_value(&bound, field.data_type()));
                match value {
                    Some(value) if known.exact => Precision::Exact(value),
                    Some(value) => Precision::Inexact(value),
                    None => Precision::Absent,
                }
            };
            let minimum = known.minimum.as_ref();
            let maximum = known.maximum.as_ref();
            ColumnStatistics {
                null_count: match known.nulls {
                    Some(nulls) => Precision::Exact(usize::try_from(nulls).unwrap_or(usize::MAX)),
                    None => Precision::Absent,
                },
                min_value: precision(minimum.and_then(|b| widened_minimum(b, known.exact))),
                max_value: precision(maximum.and_then(|b| widened_maximum(b, known.exact))),
                ..ColumnStatistics::new_unknown()
            }
        })
        .collect();
    Statistics {
        num_rows: Precision::Exact(usize::try_from(file.rows).unwrap_or(usize::MAX)),
        total_byte_size: Precision::Inexact(usize::try_from(file.bytes).unwrap_or(usize::MAX)),
        column_statistics,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inexact_bounds_are_widened_to_hold_every_value() {
        let text = |bound| match bound {
            Some(Bound::Text(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(text(widened_maximum(&Bound::Text("余市".into()), false)), "余布");
        assert!(text(widened_maximum(&Bound::Text("ab".into()), false)).as_str() > "abzzz");
        assert_eq!(widened_maximum(&Bound::Text("\u{10FFFF}".into()), false), None);
        assert_eq!(widened_minimum(&Bound::Instant(1_500), false), Some(Bound::Instant(500)));
        assert_eq!(widened_minimum(&Bound::Instant(1_500), true), Some(Bound::Instant(1_500)));
        let Some(Bound::Number(wide)) = widened_maximum(&Bound::Number(-1.0), false) else {
            panic!()
        };
        assert!(wide > -1.0);
    }
}
