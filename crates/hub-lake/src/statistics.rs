//! Column statistics as the log carries them, in both directions.
//!
//! The log's JSON can't say whether a bound is exact, so the writer keeps to two rules from which the
//! reader tells. A text bound of [`TEXT_CUT`] characters was cut, a shorter one is whole. An instant
//! that is a whole second is exact; any other is rounded outwards to a millisecond that is not.

use std::collections::HashMap;

use arrow_schema::{DataType, SchemaRef};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use crate::{Bound, ColumnStatistics};

/// Texts of this length or longer are cut in the log.
const TEXT_CUT: usize = 64;
const SECOND: i64 = 1_000_000;
const MILLISECOND: i64 = 1_000;
const EPOCH: NaiveDate = match NaiveDate::from_ymd_opt(1970, 1, 1) {
    Some(date) => date,
    None => unreachable!(),
};

/// Writes a file's statistics as the log's `stats` text.
pub(crate) fn to_log(rows: u64, columns: &[(String, ColumnStatistics)]) -> String {
    let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (name, column) in columns {
        if let Some(value) = column.minimum.as_ref().and_then(|bound| write(bound, false)) {
            least.insert(name.clone(), value);
        }
        if let Some(value) = column.maximum.as_ref().and_then(|bound| write(bound, true)) {
            greatest.insert(name.clone(), value);
        }
        if let Some(count) = column.nulls {
            nulls.insert(name.clone(), count.into());
        }
    }
    json!({"numRecords": rows, "minValues": least, "maxValues": greatest, "nullCount": nulls})
        .to_string()
}

fn write(bound: &Bound, upper: bool) -> Option<Value> {
    match bound {
        // The log format keeps no bounds of booleans.
        Bound::Boolean(_) => None,
        Bound::Integer(value) => Some((*value).into()),
        // JSON has no infinity and no NaN: such a bound is left out, which says nothing.
        Bound::Number(value) => serde_json::Number::from_f64(*value).map(Value::Number),
        Bound::Text(value) => cut(value, upper).map(Value::String),
        Bound::Date(days) => {
            let date = EPOCH.checked_add_signed(chrono::TimeDelta::try_days(i64::from(*days))?)?;
            is_plain(date.year()).then(|| date.to_string().into())
        }
        Bound::Instant(micros) => {
            let instant = DateTime::from_timestamp_micros(outwards(*micros, upper))?;
            is_plain(instant.year())
                .then(|| instant.to_rfc3339_opts(SecondsFormat::Millis, true).into())
        }
    }
}

/// Other years are not written in four digits, and readers differ on them; they get no bounds.
fn is_plain(year: i32) -> bool {
    (1..=9998).contains(&year)
}

fn outwards(micros: i64, upper: bool) -> i64 {
    if micros.rem_euclid(SECOND) == 0 {
        return micros;
    }
    let floor = micros - micros.rem_euclid(MILLISECOND);
    let (rounded, step) = match (upper, floor == micros) {
        (true, false) => (floor + MILLISECOND, MILLISECOND),
        (true, true) => (floor, MILLISECOND),
        (false, _) => (floor, -MILLISECOND),
    };
    if rounded.rem_euclid(SECOND) == 0 { rounded + step } else { rounded }
}

fn cut(text: &str, upper: bool) -> Option<String> {
    let Some((end, _)) = text.char_indices().nth(TEXT_CUT - 1) else {
        return Some(text.to_owned());
    };
    let mut kept: String = text[..end].to_owned();
    let last = text[end..].chars().next()?;
    // A greater text of the same length bounds from above all that begin alike. Where the last
    // character has no successor there is no bound of this length, and none is written.
    kept.push(if upper { successor(last)? } else { last });
    Some(kept)
}

fn successor(c: char) -> Option<char> {
    match c {
        '\u{D7FF}' => Some('\u{E000}'),
        _ => char::from_u32(u32::from(c) + 1),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogStatistics<'a> {
    num_records: u64,
    #[serde(borrow, default)]
    min_values: HashMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    max_values: HashMap<String, &'a RawValue>,
    #[serde(default)]
    null_count: HashMap<String, Option<u64>>,
}

/// Reads a file's rows and statistics from the log's `stats` text; `None` where it is not such a text.
pub(crate) fn from_log(
    stats: &str,
    schema: &SchemaRef,
) -> Option<(u64, HashMap<String, ColumnStatistics>)> {
    let read: LogStatistics<'_> = serde_json::from_str(stats).ok()?;
    let columns = schema.fields().iter().filter_map(|field| {
        let name = field.name();
        let bound = |raw: Option<&&RawValue>| raw.and_then(|raw| bound(raw, field.data_type()));
        let minimum = bound(read.min_values.get(name));
        let maximum = bound(read.max_values.get(name));
        let nulls = read.null_count.get(name).copied().flatten();
        // A file written before the column was added says nothing of it.
        nulls?;
        let exact =
            [&minimum, &maximum].into_iter().all(|bound| bound.as_ref().is_some_and(is_exact));
        Some((name.clone(), ColumnStatistics { minimum, maximum, exact, nulls }))
    });
    Some((read.num_records, columns.collect()))
}

fn is_exact(bound: &Bound) -> bool {
    match bound {
        Bound::Text(text) => text.chars().count() < TEXT_CUT,
        Bound::Instant(micros) => micros.rem_euclid(SECOND) == 0,
        Bound::Boolean(_) | Bound::Integer(_) | Bound::Number(_) | Bound::Date(_) => true,
    }
}

fn bound(raw: &RawValue, data_type: &DataType) -> Option<Bound> {
    let raw = raw.get();
    let text = || serde_json::from_str::<String>(raw).ok();
    match data_type {
        DataType::Int64 | DataType::Int32 => raw.parse().ok().map(Bound::Integer),
        // Parsed from the text itself: serde_json's own reading can be off in the last place.
        DataType::Float64 => raw.parse().ok().map(Bound::Number),
        DataType::Utf8 => text().map(Bound::Text),
        DataType::Date32 => {
            let date: NaiveDate = text()?.parse().ok()?;
            i32::try_from((date - EPOCH).num_days()).ok().map(Bound::Date)
        }
        DataType::Timestamp(..) => {
            let instant = DateTime::parse_from_rfc3339(&text()?).ok()?;
            Some(Bound::Instant(instant.timestamp_micros()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{Field, Schema, TimeUnit};
    use proptest::prelude::*;

    use super::*;

    fn round(bound: Bound, data_type: DataType) -> ColumnStatistics {
        let schema = Arc::new(Schema::new(vec![Field::new("c", data_type, true)]));
        let column = ColumnStatistics {
            minimum: Some(bound.clone()),
            maximum: Some(bound),
            exact: true,
            nulls: Some(1),
        };
        let (rows, columns) = from_log(&to_log(7, &[("c".to_owned(), column)]), &schema).unwrap();
        assert_eq!(rows, 7);
        columns["c"].clone()
    }

    proptest! {
        #[test]
        fn text_bounds_hold_and_say_whether_they_are_exact(text in "\\PC{0,80}") {
            let read = round(Bound::Text(text.clone()), DataType::Utf8);
            if let Some(Bound::Text(least)) = &read.minimum {
                prop_assert!(*least <= text);
            }
            if let Some(Bound::Text(greatest)) = &read.maximum {
                prop_assert!(*greatest >= text);
            }
            prop_assert_eq!(read.exact, text.chars().count() < TEXT_CUT);
        }

        #[test]
        fn instant_bounds_hold_and_say_whether_they_are_exact(
            micros in -62_000_000_000_000_000i64..200_000_000_000_000_000,
        ) {
            for micros in [micros, micros / SECOND * SECOND, micros / SECOND * SECOND + 400] {
                let read = round(
                    Bound::Instant(micros),
                    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                );
                let (Some(Bound::Instant(least)), Some(Bound::Instant(greatest))) =
                    (read.minimum, read.maximum) else { panic!("no bounds") };
                prop_assert!(least <= micros && micros <= greatest);
                prop_assert!(greatest - least <= 4 * MILLISECOND);
                prop_assert_eq!(read.exact, micros % SECOND == 0);
            }
        }

        #[test]
        fn numbers_come_back_to_the_last_bit(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            let read = round(Bound::Number(value), DataType::Float64);
            match read.minimum {
                Some(Bound::Number(back)) => prop_assert_eq!(back.to_bits(), bits),
                other => prop_assert!(!value.is_finite(), "{:?}", other),
            }
        }

        #[test]
        fn dates_and_integers_come_back(days in -700_000i32..2_000_000, number in any::<i64>()) {
            prop_assert_eq!(round(Bound::Date(days), DataType::Date32).maximum, Some(Bound::Date(days)));
            prop_assert_eq!(
                round(Bound::Integer(number), DataType::Int64).minimum,
                Some(Bound::Integer(number))
            );
        }
    }

    #[test]
    fn a_year_of_five_digits_has_no_bound() {
        let data_type = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let read = round(Bound::Instant(300_000_000_000_000_000), data_type);
        assert_eq!((read.minimum, read.maximum, read.exact), (None, None, false));
        assert_eq!(round(Bound::Date(i32::MAX), DataType::Date32).minimum, None);
    }

    #[test]
    fn a_column_that_the_file_lacks_is_absent() {
        let schema = Arc::new(Schema::new(vec![Field::new("later", DataType::Int64, true)]));
        let (_, columns) = from_log(&to_log(1, &[]), &schema).unwrap();
        assert!(columns.is_empty());
    }
}
