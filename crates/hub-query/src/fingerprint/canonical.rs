//! A value as the bytes that are hashed: a letter for its kind, then its value in a form that does not
//! depend on how wide or in what unit it was kept. Kinds differ, so that the number 1 is not the text "1";
//! widths don't, since engines choose them differently from version to version.

use std::io::Write;

use arrow::{
    array::{Array, AsArray},
    datatypes::{
        ArrowPrimitiveType, DataType, Date32Type, Date64Type, Decimal128Type, Decimal256Type,
        DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
        DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit,
        IntervalYearMonthType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
        Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
        UInt64Type,
    },
    util::display::{ArrayFormatter, FormatOptions},
};

use crate::error::QueryError;

/// Where the bounds lie between fractions that count as the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grid {
    /// Twelve significant digits, rounded to the nearest.
    Nearest,
    /// Thirteen, rounded to the nearest, of which the last is cut off: about half a step from the first.
    Shifted,
}

/// Appends a value; answers whether it has fractions in it, which the grids differ on.
pub(super) fn write(
    array: &dyn Array,
    row: usize,
    grid: Grid,
    out: &mut Vec<u8>,
) -> Result<bool, QueryError> {
    use DataType as T;
    if array.is_null(row) || *array.data_type() == T::Null {
        out.push(b'n');
        return Ok(false);
    }
    match array.data_type() {
        T::Boolean => out.extend([b'b', u8::from(array.as_boolean().value(row))]),
        T::Int8 => integer::<Int8Type>(array, row, out),
        T::Int16 => integer::<Int16Type>(array, row, out),
        T::Int32 => integer::<Int32Type>(array, row, out),
        T::Int64 => integer::<Int64Type>(array, row, out),
        T::UInt8 => integer::<UInt8Type>(array, row, out),
        T::UInt16 => integer::<UInt16Type>(array, row, out),
        T::UInt32 => integer::<UInt32Type>(array, row, out),
        T::UInt64 => integer::<UInt64Type>(array, row, out),
        T::Float16 => {
            return fraction(array.as_primitive::<Float16Type>().value(row).to_f64(), grid, out);
        }
        T::Float32 => {
            return fraction(array.as_primitive::<Float32Type>().value(row).into(), grid, out);
        }
        T::Float64 => return fraction(array.as_primitive::<Float64Type>().value(row), grid, out),
        T::Decimal128(_, scale) => {
            let value = array.as_primitive::<Decimal128Type>().value(row);
            decimal(&value.to_string(), *scale, out);
        }
        T::Decimal256(_, scale) => {
            let value = array.as_primitive::<Decimal256Type>().value(row);
            decimal(&value.to_string(), *scale, out);
        }
        T::Utf8 => bytes(b't', array.as_string::<i32>().value(row).as_bytes(), out),
        T::LargeUtf8 => bytes(b't', array.as_string::<i64>().value(row).as_bytes(), out),
        T::Utf8View => bytes(b't', array.as_string_view().value(row).as_bytes(), out),
        T::Binary => bytes(b'x', array.as_binary::<i32>().value(row), out),
        T::LargeBinary => bytes(b'x', array.as_binary::<i64>().value(row), out),
        T::BinaryView => bytes(b'x', array.as_binary_view().value(row), out),
        T::FixedSizeBinary(_) => bytes(b'x', array.as_fixed_size_binary().value(row), out),
        T::Date32 => whole(b'd', array.as_primitive::<Date32Type>().value(row).into(), out),
        T::Date64 => {
            const DAY_MS: i64 = 86_400_000;
            let days = array.as_primitive::<Date64Type>().value(row).div_euclid(DAY_MS);
            whole(b'd', days.into(), out);
        }
        T::Timestamp(unit, zone) => {
            let value = match unit {
                TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value(row),
                TimeUnit::Millisecond => {
                    array.as_primitive::<TimestampMillisecondType>().value(row)
                }
                TimeUnit::Microsecond => {
                    array.as_primitive::<TimestampMicrosecondType>().value(row)
                }
                TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(row),
            };
            let kind = if zone.is_some() { b'z' } else { b'l' };
            whole(kind, i128::from(value) * nanoseconds(*unit), out);
        }
        T::Time32(unit) | T::Time64(unit) => {
            let value = match unit {
                TimeUnit::Second => array.as_primitive::<Time32SecondType>().value(row).into(),
                TimeUnit::Millisecond => {
                    array.as_primitive::<Time32MillisecondType>().value(row).into()
                }
                TimeUnit::Microsecond => array.as_primitive::<Time64MicrosecondType>().value(row),
                TimeUnit::Nanosecond => array.as_primitive::<Time64NanosecondType>().value(row),
            };
            whole(b'c', i128::from(value) * nanoseconds(*unit), out);
        }
        T::Duration(unit) => {
            let value = match unit {
                TimeUnit::Second => array.as_primitive::<DurationSecondType>().value(row),
                TimeUnit::Millisecond => array.as_primitive::<DurationMillisecondType>().value(row),
                TimeUnit::Microsecond => array.as_primitive::<DurationMicrosecondType>().value(row),
                TimeUnit::Nanosecond => array.as_primitive::<DurationNanosecondType>().value(row),
            };
            interval(0, 0, i128::from(value) * nanoseconds(*unit), out);
        }
        T::Interval(IntervalUnit::YearMonth) => {
            interval(array.as_primitive::<IntervalYearMonthType>().value(row), 0, 0, out);
        }
        T::Interval(IntervalUnit::DayTime) => {
            let value = array.as_primitive::<IntervalDayTimeType>().value(row);
            interval(0, value.days, i128::from(value.milliseconds) * 1_000_000, out);
        }
        T::Interval(IntervalUnit::MonthDayNano) => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            interval(value.months, value.days, value.nanoseconds.into(), out);
        }
        T::List(_) => return elements(array.as_list::<i32>().value(row).as_ref(), grid, out),
        T::LargeList(_) => return elements(array.as_list::<i64>().value(row).as_ref(), grid, out),
        T::FixedSizeList(..) => {
            return elements(array.as_fixed_size_list().value(row).as_ref(), grid, out);
        }
        T::Struct(_) => {
            out.push(b's');
            let mut fractions = false;
            for part in array.as_struct().columns() {
                fractions |= write(part.as_ref(), row, grid, out)?;
            }
            out.push(b'e');
            return Ok(fractions);
        }
        // What is left is rare, and its text is as good as any form.
        _ => {
            let options = FormatOptions::default();
            let shown = ArrayFormatter::try_new(array, &options).map_err(QueryError::internal)?;
            bytes(b'o', shown.value(row).to_string().as_bytes(), out);
        }
    }
    Ok(false)
}

fn integer<T>(array: &dyn Array, row: usize, out: &mut Vec<u8>)
where
    T: ArrowPrimitiveType,
    T::Native: Into<i128>,
{
    whole(b'i', array.as_primitive::<T>().value(row).into(), out);
}

/// A kind and a whole number in decimal digits.
fn whole(kind: u8, value: i128, out: &mut Vec<u8>) {
    out.push(kind);
    put(out, format_args!("{value};"));
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

fn fraction(value: f64, grid: Grid, out: &mut Vec<u8>) -> Result<bool, QueryError> {
    out.push(b'f');
    if value.is_nan() {
        out.extend_from_slice(b"nan;");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"inf;" } else { b"-inf;" });
    } else if value == 0.0 {
        // Both zeros are one.
        out.extend_from_slice(b"0;");
    } else {
        match grid {
            Grid::Nearest => put(out, format_args!("{value:.11e};")),
            Grid::Shifted => {
                let from = out.len();
                put(out, format_args!("{value:.12e}"));
                let exponent = out[from..].iter().position(|byte| *byte == b'e');
                if let Some(exponent) = exponent {
                    out.remove(from + exponent - 1);
                }
                out.push(b';');
            }
        }
        return Ok(true);
    }
    Ok(false)
}

/// A decimal by its digits without zeros at its end and the power of ten they count.
fn decimal(unscaled: &str, scale: i8, out: &mut Vec<u8>) {
    let digits = unscaled.trim_end_matches('0');
    let cut = i32::try_from(unscaled.len() - digits.len()).unwrap_or_default();
    out.push(b'm');
    if digits.is_empty() || digits == "-" {
        out.extend_from_slice(b"0;");
    } else {
        put(out, format_args!("{digits}e{};", cut - i32::from(scale)));
    }
}

fn bytes(kind: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    put(out, format_args!("{}:", value.len()));
    out.extend_from_slice(value);
}

fn interval(months: i32, days: i32, nanoseconds: i128, out: &mut Vec<u8>) {
    out.push(b'v');
    put(out, format_args!("{months},{days},{nanoseconds};"));
}

fn elements(list: &dyn Array, grid: Grid, out: &mut Vec<u8>) -> Result<bool, QueryError> {
    out.push(b'a');
    let mut fractions = false;
    for element in 0..list.len() {
        fractions |= write(list, element, grid, out)?;
    }
    out.push(b'e');
    Ok(fractions)
}

fn nanoseconds(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}
