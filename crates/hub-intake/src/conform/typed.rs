//! Typed arrays to arrays of a contract's types: by arrow's kernels where a batch allows it, cell by
//! cell where it does not, and never with a loss that is not reported.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray},
    compute::{CastOptions, cast_with_options},
    datatypes::{
        ArrowTimestampType, DataType, Date32Type, Decimal128Type, Decimal256Type, Float64Type,
        Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType, UInt64Type, i256,
    },
};
use hub_model::FieldType;

use super::{
    cells::{self, UTC},
    fault::FaultKind,
    faults::ColumnFaults,
    number::{MAX_EXACT, parse_integer, parse_number, whole_float},
    time::{DAYS, INSTANTS, MICROS_PER_DAY, TOKYO_MICROS, TimeFormat, first_of_month},
};
use crate::IntakeError;

/// Whether arrays of a type can become values of a field's type at all.
pub(crate) fn can_convert(from: &DataType, to: FieldType) -> bool {
    use DataType as D;
    match from {
        D::Dictionary(_, value) => can_convert(value, to),
        D::Null
        | D::Utf8
        | D::LargeUtf8
        | D::Utf8View
        | D::Binary
        | D::LargeBinary
        | D::BinaryView
        | D::FixedSizeBinary(_) => true,
        _ => match to {
            // A number has lost the leading zeros that a code may have had.
            FieldType::String => false,
            FieldType::Integer => is_number(from),
            FieldType::Number => is_number(from),
            FieldType::Boolean => *from == D::Boolean || from.is_integer(),
            FieldType::Year => from.is_integer(),
            FieldType::Date | FieldType::Yearmonth => {
                matches!(from, D::Date32 | D::Date64 | D::Timestamp(..))
            }
            FieldType::Datetime => matches!(from, D::Timestamp(..)),
        },
    }
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// The array as one of the type that a field is stored in.
pub(crate) fn convert(
    array: &ArrayRef,
    to: FieldType,
    format: &TimeFormat,
    faults: &mut ColumnFaults,
) -> Result<ArrayRef, IntakeError> {
    use DataType as D;
    Ok(match array.data_type() {
        D::Null => arrow::array::new_null_array(&stored_type(to), array.len()),
        D::Dictionary(_, value) => convert(&cast(array, value)?, to, format, faults)?,
        D::Utf8 if to == FieldType::String => Arc::clone(array),
        D::Utf8 => cells::convert(array.as_string::<i32>(), to, format, None, faults),
        D::LargeUtf8 => cells::convert(array.as_string::<i64>(), to, format, None, faults),
        D::Utf8View => cells::convert(array.as_string_view(), to, format, None, faults),
        D::Binary => cells::convert(array.as_binary::<i32>(), to, format, None, faults),
        D::LargeBinary => cells::convert(array.as_binary::<i64>(), to, format, None, faults),
        D::BinaryView => cells::convert(array.as_binary_view(), to, format, None, faults),
        D::FixedSizeBinary(_) => {
            let array = cast(array, &D::Binary)?;
            cells::convert(array.as_binary::<i32>(), to, format, None, faults)
        }
        from => match to {
            FieldType::Integer => integers(array, from, faults)?,
            FieldType::Number => numbers(array, from, faults)?,
            FieldType::Boolean => booleans(array, faults)?,
            FieldType::Year => {
                let years = integers(array, from, faults)?;
                Arc::new(each::<Int64Type, Int32Type>(years.as_primitive(), faults, |year| {
                    i32::try_from(year)
                        .ok()
                        .filter(|year| (1..=9999).contains(year))
                        .ok_or(FaultKind::OutOfRange)
                }))
            }
            FieldType::Date => Arc::new(dates(array, faults)?),
            FieldType::Yearmonth => {
                let days = dates(array, faults)?;
                Arc::new(each::<Date32Type, Date32Type>(&days, faults, |day| {
                    if first_of_month(day) == day { Ok(day) } else { Err(FaultKind::DayOfMonth) }
                }))
            }
            FieldType::Datetime => Arc::new(instants(array, faults)?.with_timezone(UTC)),
            FieldType::String => {
                return Err(IntakeError::Internal(format!("{from} was let through as text")));
            }
        },
    })
}

/// The Arrow type that a field is stored in.
fn stored_type(field_type: FieldType) -> DataType {
    match field_type {
        FieldType::String => DataType::Utf8,
        FieldType::Integer => DataType::Int64,
        FieldType::Number => DataType::Float64,
        FieldType::Boolean => DataType::Boolean,
        FieldType::Date | FieldType::Yearmonth => DataType::Date32,
        FieldType::Datetime => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        FieldType::Year => DataType::Int32,
    }
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, IntakeError> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    cast_with_options(array, to, &options).map_err(|e| crate::decode::damaged(&e.to_string()))
}

/// Casts so that what does not fit is null, and reports it.
fn cast_reported(
    array: &ArrayRef,
    to: &DataType,
    faults: &mut ColumnFaults,
) -> Result<ArrayRef, IntakeError> {
    let kept = cast(array, to)?;
    if kept.null_count() > array.null_count() {
        for row in 0..array.len() {
            if kept.is_null(row) && array.is_valid(row) {
                faults.fail(row, FaultKind::OutOfRange);
            }
        }
    }
    Ok(kept)
}

/// Converts cell by cell. Rows that failed before are null in the input and stay so.
fn each<A: ArrowPrimitiveType, B: ArrowPrimitiveType>(
    array: &PrimitiveArray<A>,
    faults: &mut ColumnFaults,
    convert: impl Fn(A::Native) -> Result<B::Native, FaultKind>,
) -> PrimitiveArray<B> {
    let mut late = Vec::new();
    let converted: PrimitiveArray<B> = array
        .iter()
        .enumerate()
        .map(|(row, value)| match convert(value?) {
            Ok(value) => Some(value),
            Err(kind) => {
                late.push((row, kind));
                None
            }
        })
        .collect();
    faults.fail_more(late);
    converted
}

fn integers(
    array: &ArrayRef,
    from: &DataType,
    faults: &mut ColumnFaults,
) -> Result<ArrayRef, IntakeError> {
    use DataType as D;
    Ok(match from {
        D::Int64 => Arc::clone(array),
        D::Float16 | D::Float32 | D::Float64 => {
            let floats = cast(array, &D::Float64)?;
            Arc::new(each::<Float64Type, Int64Type>(floats.as_primitive(), faults, whole_float))
        }
        D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..) => {
            Arc::new(decimals::<Int64Type>(array, faults, |text| parse_integer(text.as_bytes()))?)
        }
        _ => cast_reported(array, &D::Int64, faults)?,
    })
}

fn numbers(
    array: &ArrayRef,
    from: &DataType,
    faults: &mut ColumnFaults,
) -> Result<ArrayRef, IntakeError> {
    use DataType as D;
    Ok(match from {
        D::Float64 => {
            let floats = array.as_primitive::<Float64Type>();
            let as_they_are =
                |value: &f64| value.is_finite() && (*value + 0.0).to_bits() == value.to_bits();
            if floats.values().iter().all(as_they_are) {
                return Ok(Arc::clone(array));
            }
            Arc::new(each::<Float64Type, Float64Type>(floats, faults, finite))
        }
        D::Float16 | D::Float32 => {
            let floats = cast(array, &D::Float64)?;
            Arc::new(each::<Float64Type, Float64Type>(floats.as_primitive(), faults, finite))
        }
        D::Int64 => {
            let whole = array.as_primitive::<Int64Type>();
            let exact = |value: i64| (-MAX_EXACT..=MAX_EXACT).contains(&value);
            if whole.values().iter().all(|value| exact(*value)) {
                return cast(array, &D::Float64);
            }
            Arc::new(each::<Int64Type, Float64Type>(whole, faults, |value| {
                let rounded = value as f64;
                if rounded as i128 == i128::from(value) {
                    Ok(rounded)
                } else {
                    Err(FaultKind::Rounded)
                }
            }))
        }
        D::UInt64 => {
            let whole = array.as_primitive::<UInt64Type>();
            Arc::new(each::<UInt64Type, Float64Type>(whole, faults, |value| {
                let rounded = value as f64;
                if rounded as u128 == u128::from(value) {
                    Ok(rounded)
                } else {
                    Err(FaultKind::Rounded)
                }
            }))
        }
        D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..) => {
            Arc::new(decimals::<Float64Type>(array, faults, |text| parse_number(text.as_bytes()))?)
        }
        _ => cast(array, &D::Float64)?,
    })
}

/// A number, and nought without a sign.
fn finite(value: f64) -> Result<f64, FaultKind> {
    if value.is_finite() { Ok(value + 0.0) } else { Err(FaultKind::NotFinite) }
}

/// Decimals by their digits, so that they are rounded once and exactly as the same number in text.
fn decimals<B: ArrowPrimitiveType>(
    array: &ArrayRef,
    faults: &mut ColumnFaults,
    parse: impl Fn(&str) -> Result<B::Native, FaultKind>,
) -> Result<PrimitiveArray<B>, IntakeError> {
    use std::fmt::Write;
    let scratch = std::cell::RefCell::new(String::new());
    let written = |digits: std::fmt::Arguments<'_>, scale: i8| {
        let mut text = scratch.borrow_mut();
        text.clear();
        let _ = text.write_fmt(digits);
        place_point(&mut text, scale);
        parse(&text)
    };
    Ok(match array.data_type() {
        DataType::Decimal256(_, scale) => {
            let scale = *scale;
            each::<Decimal256Type, B>(array.as_primitive(), faults, |value: i256| {
                written(format_args!("{value}"), scale)
            })
        }
        DataType::Decimal128(_, scale) => {
            let scale = *scale;
            each::<Decimal128Type, B>(array.as_primitive(), faults, |value: i128| {
                written(format_args!("{value}"), scale)
            })
        }
        other => {
            let wide = match other {
                DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) => {
                    DataType::Decimal128(38, *scale)
                }
                _ => return Err(IntakeError::Internal(format!("{other} is no decimal"))),
            };
            return decimals::<B>(&cast(array, &wide)?, faults, parse);
        }
    })
}

/// Puts the point of a decimal into its digits.
fn place_point(text: &mut String, scale: i8) {
    let sign = usize::from(text.starts_with('-'));
    if scale > 0 {
        let scale = usize::from(scale.unsigned_abs());
        while text.len() - sign <= scale {
            text.insert(sign, '0');
        }
        text.insert(text.len() - scale, '.');
    } else {
        for _ in 0..scale.unsigned_abs() {
            text.push('0');
        }
    }
}

fn booleans(array: &ArrayRef, faults: &mut ColumnFaults) -> Result<ArrayRef, IntakeError> {
    if *array.data_type() == DataType::Boolean {
        return Ok(Arc::clone(array));
    }
    let from = array.data_type().clone();
    let whole = integers(array, &from, faults)?;
    let whole = each::<Int64Type, Int64Type>(whole.as_primitive(), faults, |value| match value {
        0 | 1 => Ok(value),
        _ => Err(FaultKind::Type),
    });
    cast(&(Arc::new(whole) as ArrayRef), &DataType::Boolean)
}

fn dates(
    array: &ArrayRef,
    faults: &mut ColumnFaults,
) -> Result<PrimitiveArray<Date32Type>, IntakeError> {
    let in_range = |days: i64| {
        if DAYS.contains(&days) { Ok(days as i32) } else { Err(FaultKind::OutOfRange) }
    };
    Ok(match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            if days.values().iter().all(|day| DAYS.contains(&i64::from(*day))) {
                return Ok(days.clone());
            }
            each(days, faults, |day| in_range(i64::from(day)))
        }
        DataType::Date64 => each::<arrow::datatypes::Date64Type, Date32Type>(
            array.as_primitive(),
            faults,
            |millis| {
                const DAY: i64 = 86_400_000;
                if millis % DAY == 0 { in_range(millis / DAY) } else { Err(FaultKind::TimeOfDay) }
            },
        ),
        _ => {
            let instants = instants(array, faults)?;
            each(&instants, faults, |micros| {
                let local = micros + TOKYO_MICROS;
                if local % MICROS_PER_DAY == 0 {
                    in_range(local / MICROS_PER_DAY)
                } else {
                    Err(FaultKind::TimeOfDay)
                }
            })
        }
    })
}

/// Instants in microseconds of UTC. Without a zone they are Japanese time; with one, Arrow keeps UTC.
fn instants(
    array: &ArrayRef,
    faults: &mut ColumnFaults,
) -> Result<PrimitiveArray<TimestampMicrosecondType>, IntakeError> {
    let DataType::Timestamp(unit, zone) = array.data_type() else {
        return Err(IntakeError::Internal(format!("{} is no instant", array.data_type())));
    };
    let ahead = if zone.is_some() { 0 } else { TOKYO_MICROS };
    Ok(match unit {
        TimeUnit::Second => scaled::<TimestampSecondType>(array, faults, 1_000_000, ahead),
        TimeUnit::Millisecond => scaled::<TimestampMillisecondType>(array, faults, 1_000, ahead),
        TimeUnit::Microsecond => {
            let micros = array.as_primitive::<TimestampMicrosecondType>();
            let inside = INSTANTS.start + ahead..INSTANTS.end + ahead;
            if micros.values().iter().all(|value| inside.contains(value)) {
                return Ok(if ahead == 0 {
                    micros.clone()
                } else {
                    micros.unary(|value| value - ahead)
                });
            }
            scaled::<TimestampMicrosecondType>(array, faults, 1, ahead)
        }
        TimeUnit::Nanosecond => each::<TimestampNanosecondType, TimestampMicrosecondType>(
            array.as_primitive(),
            faults,
            |nanos| {
                if nanos % 1_000 == 0 { Ok(nanos / 1_000 - ahead) } else { Err(FaultKind::TooFine) }
            },
        ),
    })
}

fn scaled<T: ArrowTimestampType>(
    array: &ArrayRef,
    faults: &mut ColumnFaults,
    factor: i64,
    ahead: i64,
) -> PrimitiveArray<TimestampMicrosecondType> {
    each::<T, TimestampMicrosecondType>(array.as_primitive(), faults, |value| {
        value
            .checked_mul(factor)
            .and_then(|micros| micros.checked_sub(ahead))
            .filter(|micros| INSTANTS.contains(micros))
            .ok_or(FaultKind::OutOfRange)
    })
}
