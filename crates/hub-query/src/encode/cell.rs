//! One cell as text: the parts that JSON and CSV share.

use arrow::{
    array::{Array, AsArray},
    datatypes::{
        DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
        Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
        UInt64Type,
    },
    util::display::{ArrayFormatter, FormatOptions},
};
use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use hub_model::TOKYO;

use crate::error::QueryError;

/// What a cell holds, for a format to write in its way.
pub(super) enum Cell<'a> {
    /// No value, or a number that is none.
    Null,
    /// A boolean or a number, as it is written; in the buffer.
    Bare,
    /// A text of the data.
    Text(&'a str),
    /// A day, an instant or another word of digits that needs no escaping; in the buffer.
    Word,
    /// Something else, as text; in the buffer.
    Other,
}

/// Reads one cell; numbers and times are written into `buffer`, which is cleared first.
pub(super) fn read<'a>(
    column: &'a dyn Array,
    row: usize,
    buffer: &mut Vec<u8>,
) -> Result<Cell<'a>, QueryError> {
    buffer.clear();
    if column.is_null(row) {
        return Ok(Cell::Null);
    }
    macro_rules! whole {
        ($type:ty) => {{
            let mut digits = itoa(column.as_primitive::<$type>().value(row) as i128);
            buffer.append(&mut digits);
            Cell::Bare
        }};
    }
    Ok(match column.data_type() {
        DataType::Null => Cell::Null,
        DataType::Boolean => {
            let value = column.as_boolean().value(row);
            buffer.extend_from_slice(if value { b"true" } else { b"false" });
            Cell::Bare
        }
        DataType::Int8 => whole!(Int8Type),
        DataType::Int16 => whole!(Int16Type),
        DataType::Int32 => whole!(Int32Type),
        DataType::Int64 => whole!(Int64Type),
        DataType::UInt8 => whole!(UInt8Type),
        DataType::UInt16 => whole!(UInt16Type),
        DataType::UInt32 => whole!(UInt32Type),
        DataType::UInt64 => whole!(UInt64Type),
        DataType::Float32 => {
            let value = column.as_primitive::<Float32Type>().value(row);
            if !value.is_finite() {
                return Ok(Cell::Null);
            }
            serde_json::to_writer(&mut *buffer, &value).map_err(QueryError::internal)?;
            Cell::Bare
        }
        DataType::Float64 => {
            let value = column.as_primitive::<Float64Type>().value(row);
            if !value.is_finite() {
                return Ok(Cell::Null);
            }
            serde_json::to_writer(&mut *buffer, &value).map_err(QueryError::internal)?;
            Cell::Bare
        }
        DataType::Decimal128(..) => {
            let text = column.as_primitive::<Decimal128Type>().value_as_string(row);
            buffer.extend_from_slice(text.as_bytes());
            Cell::Bare
        }
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Cell::Text(column.as_string::<i64>().value(row)),
        DataType::Utf8View => Cell::Text(column.as_string_view().value(row)),
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row);
            match NaiveDate::from_epoch_days(days) {
                Some(day) => write_day(day, buffer),
                None => return Ok(Cell::Null),
            }
            Cell::Word
        }
        DataType::Timestamp(unit, zone) => {
            let (seconds, nanos) = match unit {
                TimeUnit::Second => (column.as_primitive::<TimestampSecondType>().value(row), 0),
                TimeUnit::Millisecond => {
                    split(column.as_primitive::<TimestampMillisecondType>().value(row), 1_000)
                }
                TimeUnit::Microsecond => {
                    split(column.as_primitive::<TimestampMicrosecondType>().value(row), 1_000_000)
                }
                TimeUnit::Nanosecond => split(
                    column.as_primitive::<TimestampNanosecondType>().value(row),
                    1_000_000_000,
                ),
            };
            match DateTime::from_timestamp(seconds, nanos) {
                Some(instant) if zone.is_some() => {
                    write_time(instant.with_timezone(&TOKYO).naive_local(), buffer);
                    buffer.extend_from_slice(b"+09:00");
                }
                Some(instant) => write_time(instant.naive_utc(), buffer),
                None => return Ok(Cell::Null),
            }
            Cell::Word
        }
        _ => {
            let options = FormatOptions::new();
            let formatter =
                ArrayFormatter::try_new(column, &options).map_err(QueryError::internal)?;
            let text = formatter.value(row).try_to_string().map_err(QueryError::internal)?;
            buffer.extend_from_slice(text.as_bytes());
            Cell::Other
        }
    })
}

fn itoa(value: i128) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn split(value: i64, units: i64) -> (i64, u32) {
    let nanos = value.rem_euclid(units) * (1_000_000_000 / units);
    (value.div_euclid(units), u32::try_from(nanos).unwrap_or(0))
}

fn two(value: u32, out: &mut Vec<u8>) {
    out.extend([b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]);
}

fn write_day(day: NaiveDate, out: &mut Vec<u8>) {
    match u32::try_from(day.year()) {
        Ok(year) if year < 10_000 => {
            two(year / 100, out);
            two(year % 100, out);
            out.push(b'-');
            two(day.month(), out);
            out.push(b'-');
            two(day.day(), out);
        }
        _ => out.extend_from_slice(day.to_string().as_bytes()),
    }
}

/// To the second, or as finely as the value is given: thousandths, millionths, or finer.
fn write_time(time: chrono::NaiveDateTime, out: &mut Vec<u8>) {
    write_day(time.date(), out);
    out.push(b'T');
    two(time.hour(), out);
    out.push(b':');
    two(time.minute(), out);
    out.push(b':');
    two(time.second(), out);
    let nanos = time.nanosecond() % 1_000_000_000;
    let (digits, value) = match nanos {
        0 => return,
        n if n % 1_000_000 == 0 => (3, n / 1_000_000),
        n if n % 1_000 == 0 => (6, n / 1_000),
        n => (9, n),
    };
    out.extend_from_slice(format!(".{value:0digits$}").as_bytes());
}
