//! From the first to the last instant of a time column.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::{max, min},
    datatypes::{Date32Type, Int32Type, TimestampMicrosecondType},
};
use chrono::DateTime;
use hub_model::{FieldType, Period};

use super::time::{MICROS_PER_DAY, TOKYO_MICROS, TimeFormat};

/// The span seen so far, in microseconds of UTC.
#[derive(Debug, Default)]
pub(crate) struct Span(Option<(i64, i64)>);

impl Span {
    /// Widens the span by a column's values. Days, months and years count by their first instant.
    pub(crate) fn add(&mut self, array: &ArrayRef, field_type: FieldType) {
        if array.null_count() == array.len() {
            return;
        }
        let midnight = |day: i32| i64::from(day) * MICROS_PER_DAY - TOKYO_MICROS;
        let found = match field_type {
            FieldType::Datetime => {
                let instants = array.as_primitive::<TimestampMicrosecondType>();
                min(instants).zip(max(instants))
            }
            FieldType::Date | FieldType::Yearmonth => {
                let days = array.as_primitive::<Date32Type>();
                min(days).map(midnight).zip(max(days).map(midnight))
            }
            FieldType::Year => {
                let years = array.as_primitive::<Int32Type>();
                let first_day = |year: i32| {
                    TimeFormat::Default.parse_month(format!("{year:04}-01").as_bytes()).ok()
                };
                let (least, most) = (min(years), max(years));
                least
                    .and_then(first_day)
                    .zip(most.and_then(first_day))
                    .map(|(least, most)| (midnight(least), midnight(most)))
            }
            _ => None,
        };
        if let Some((first, last)) = found {
            self.0 = Some(match self.0 {
                Some((earlier, later)) => (earlier.min(first), later.max(last)),
                None => (first, last),
            });
        }
    }

    pub(crate) fn period(&self) -> Option<Period> {
        let (first, last) = self.0?;
        Some(Period {
            first: DateTime::from_timestamp_micros(first)?,
            last: DateTime::from_timestamp_micros(last)?,
        })
    }
}
