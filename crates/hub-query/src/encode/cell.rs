//! One cell as text: the parts that JSON and CSV share. A column's type is looked at once for a batch, and
//! its cells are read from the values themselves.

use arrow::{
    array::{
        Array, AsArray, BooleanArray, Decimal128Array, LargeStringArray, StringArray,
        StringViewArray,
    },
    buffer::NullBuffer,
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
use serde::Serialize;

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

/// A column of one batch, ready to be read cell by cell.
pub(super) struct Column<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    None,
    Boolean(&'a BooleanArray),
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    UInt8(&'a [u8]),
    UInt16(&'a [u16]),
    UInt32(&'a [u32]),
    UInt64(&'a [u64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Decimal(&'a Decimal128Array),
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    TextView(&'a StringViewArray),
    Day(&'a [i32]),
    Instant(Instants<'a>),
    Other(ArrayFormatter<'a>),
}

/// How anything without a form of its own is shown.
const SHOWN: FormatOptions<'static> = FormatOptions::new();

impl<'a> Column<'a> {
    pub(super) fn new(column: &'a dyn Array) -> Result<Self, QueryError> {
        macro_rules! values {
            ($type:ty) => {
                column.as_primitive::<$type>().values().as_ref()
            };
        }
        let values = match column.data_type() {
            DataType::Null => Values::None,
            DataType::Boolean => Values::Boolean(column.as_boolean()),
            DataType::Int8 => Values::Int8(values!(Int8Type)),
            DataType::Int16 => Values::Int16(values!(Int16Type)),
            DataType::Int32 => Values::Int32(values!(Int32Type)),
            DataType::Int64 => Values::Int64(values!(Int64Type)),
            DataType::UInt8 => Values::UInt8(values!(UInt8Type)),
            DataType::UInt16 => Values::UInt16(values!(UInt16Type)),
            DataType::UInt32 => Values::UInt32(values!(UInt32Type)),
            DataType::UInt64 => Values::UInt64(values!(UInt64Type)),
            DataType::Float32 => Values::Float32(values!(Float32Type)),
            DataType::Float64 => Values::Float64(values!(Float64Type)),
            DataType::Decimal128(..) => Values::Decimal(column.as_primitive::<Decimal128Type>()),
            DataType::Utf8 => Values::Text(column.as_string()),
            DataType::LargeUtf8 => Values::LargeText(column.as_string()),
            DataType::Utf8View => Values::TextView(column.as_string_view()),
            DataType::Date32 => Values::Day(values!(Date32Type)),
            DataType::Timestamp(unit, zone) => {
                let (values, units) = match unit {
                    TimeUnit::Second => (values!(TimestampSecondType), 1),
                    TimeUnit::Millisecond => (values!(TimestampMillisecondType), 1_000),
                    TimeUnit::Microsecond => (values!(TimestampMicrosecondType), 1_000_000),
                    TimeUnit::Nanosecond => (values!(TimestampNanosecondType), 1_000_000_000),
                };
                Values::Instant(Instants::new(values, units, zone.is_some()))
            }
            _ => Values::Other(
                ArrayFormatter::try_new(column, &SHOWN).map_err(QueryError::internal)?,
            ),
        };
        Ok(Self { nulls: column.nulls(), values })
    }

    /// Reads one cell; numbers and times are written into `buffer`, which is cleared first.
    pub(super) fn read(
        &mut self,
        row: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<Cell<'a>, QueryError> {
        buffer.clear();
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(Cell::Null);
        }
        match &mut self.values {
            Values::None => Ok(Cell::Null),
            Values::Boolean(values) => {
                buffer.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
                Ok(Cell::Bare)
            }
            Values::Int8(values) => bare(values[row], buffer),
            Values::Int16(values) => bare(values[row], buffer),
            Values::Int32(values) => bare(values[row], buffer),
            Values::Int64(values) => bare(values[row], buffer),
            Values::UInt8(values) => bare(values[row], buffer),
            Values::UInt16(values) => bare(values[row], buffer),
            Values::UInt32(values) => bare(values[row], buffer),
            Values::UInt64(values) => bare(values[row], buffer),
            Values::Float32(values) if !values[row].is_finite() => Ok(Cell::Null),
            Values::Float32(values) => bare(values[row], buffer),
            Values::Float64(values) if !values[row].is_finite() => Ok(Cell::Null),
            Values::Float64(values) => bare(values[row], buffer),
            Values::Decimal(values) => {
                buffer.extend_from_slice(values.value_as_string(row).as_bytes());
                Ok(Cell::Bare)
            }
            Values::Text(values) => Ok(Cell::Text(values.value(row))),
            Values::LargeText(values) => Ok(Cell::Text(values.value(row))),
            Values::TextView(values) => Ok(Cell::Text(values.value(row))),
            Values::Day(values) => Ok(match NaiveDate::from_epoch_days(values[row]) {
                Some(day) => {
                    write_day(day, buffer);
                    Cell::Word
                }
                None => Cell::Null,
            }),
            Values::Instant(values) => {
                Ok(if values.write(row, buffer) { Cell::Word } else { Cell::Null })
            }
            Values::Other(formatter) => {
                let text = formatter.value(row).try_to_string().map_err(QueryError::internal)?;
                buffer.extend_from_slice(text.as_bytes());
                Ok(Cell::Other)
            }
        }
    }
}

fn bare<'a>(value: impl Serialize, buffer: &mut Vec<u8>) -> Result<Cell<'a>, QueryError> {
    serde_json::to_writer(buffer, &value).map_err(QueryError::internal)?;
    Ok(Cell::Bare)
}

/// Instants of one column. Rows near one another are mostly of one day, whose text is kept.
struct Instants<'a> {
    values: &'a [i64],
    /// Units in a second.
    units: i64,
    /// Whether they are shown in Japanese time with its offset.
    zoned: bool,
    day: i64,
    day_text: Vec<u8>,
}

const DAY_SECONDS: i64 = 86_400;

/// Days around 1970 for which every way of counting is safe: some 2,700 years each way.
const NEAR_DAYS: i64 = 1_000_000;

impl<'a> Instants<'a> {
    fn new(values: &'a [i64], units: i64, zoned: bool) -> Self {
        Self { values, units, zoned, day: i64::MIN, day_text: Vec::new() }
    }

    /// Appends the instant; not where it lies beyond all calendars.
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        let value = self.values[row];
        let nanos = value.rem_euclid(self.units) * (1_000_000_000 / self.units);
        let nanos = u32::try_from(nanos).unwrap_or(0);
        let utc = value.div_euclid(self.units);
        let local =
            if self.zoned { utc.saturating_add(i64::from(TOKYO.local_minus_utc())) } else { utc };
        let day = local.div_euclid(DAY_SECONDS);
        if day.abs() > NEAR_DAYS {
            return self.write_far(utc, nanos, out);
        }
        if day != self.day {
            let Some(date) = i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days) else {
                return false;
            };
            self.day_text.clear();
            write_day(date, &mut self.day_text);
            self.day = day;
        }
        out.extend_from_slice(&self.day_text);
        // The rest of a division by a day's seconds fits.
        write_clock(u32::try_from(local.rem_euclid(DAY_SECONDS)).unwrap_or(0), nanos, out);
        if self.zoned {
            out.extend_from_slice(b"+09:00");
        }
        true
    }

    fn write_far(&self, utc: i64, nanos: u32, out: &mut Vec<u8>) -> bool {
        let Some(instant) = DateTime::from_timestamp(utc, nanos) else { return false };
        let time = if self.zoned {
            instant.with_timezone(&TOKYO).naive_local()
        } else {
            instant.naive_utc()
        };
        write_day(time.date(), out);
        write_clock(time.num_seconds_from_midnight(), nanos, out);
        if self.zoned {
            out.extend_from_slice(b"+09:00");
        }
        true
    }
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
fn write_clock(seconds: u32, nanos: u32, out: &mut Vec<u8>) {
    out.push(b'T');
    two(seconds / 3_600, out);
    out.push(b':');
    two(seconds / 60 % 60, out);
    out.push(b':');
    two(seconds % 60, out);
    let (digits, value) = match nanos {
        0 => return,
        n if n % 1_000_000 == 0 => (3, n / 1_000_000),
        n if n % 1_000 == 0 => (6, n / 1_000),
        n => (9, n),
    };
    out.extend_from_slice(format!(".{value:0digits$}").as_bytes());
}

#[cfg(test)]
mod tests {
    use arrow::array::{TimestampMicrosecondArray, TimestampNanosecondArray};

    use super::*;

    fn shown(column: &dyn Array, row: usize) -> Option<String> {
        let mut buffer = Vec::new();
        let mut column = Column::new(column).unwrap();
        // A day read before must not show in the next.
        column.read(0, &mut buffer).unwrap();
        match column.read(row, &mut buffer).unwrap() {
            Cell::Null => None,
            _ => Some(String::from_utf8(buffer).unwrap()),
        }
    }

    proptest::proptest! {
        #[test]
        fn instants_are_as_the_calendar_has_them(
            value in proptest::prop_oneof![
                proptest::num::i64::ANY, -300_000_000_000_000_000i64..300_000_000_000_000_000,
                0i64..3_000_000_000_000_000],
            first in 0i64..3_000_000_000_000_000,
        ) {
            let naive = TimestampMicrosecondArray::from(vec![first, value]);
            let zoned = naive.clone().with_timezone("Asia/Tokyo");
            // Instants at the very ends have no Japanese time.
            let instant = DateTime::from_timestamp_micros(value)
                .filter(|instant| instant.checked_add_signed(chrono::TimeDelta::hours(9)).is_some());
            let form = |text: String| text.trim_start_matches('+').to_owned();
            let expected = |instant: DateTime<chrono::Utc>| {
                let digits = match value.rem_euclid(1_000_000) {
                    0 => "%Y-%m-%dT%H:%M:%S",
                    n if n % 1_000 == 0 => "%Y-%m-%dT%H:%M:%S%.3f",
                    _ => "%Y-%m-%dT%H:%M:%S%.6f",
                };
                (
                    form(instant.format(digits).to_string()),
                    form(instant.with_timezone(&TOKYO).format(digits).to_string()) + "+09:00",
                )
            };
            if let Some((utc, tokyo)) = instant.map(expected) {
                proptest::prop_assert_eq!(shown(&naive, 1).map(form), Some(utc));
                proptest::prop_assert_eq!(shown(&zoned, 1).map(form), Some(tokyo));
            }
        }
    }

    #[test]
    fn nanoseconds_are_shown_where_there_are_any() {
        let times = TimestampNanosecondArray::from(vec![1_500_000_000, 1_000_000_001, -1]);
        assert_eq!(shown(&times, 0).unwrap(), "1970-01-01T00:00:01.500");
        assert_eq!(shown(&times, 1).unwrap(), "1970-01-01T00:00:01.000000001");
        assert_eq!(shown(&times, 2).unwrap(), "1969-12-31T23:59:59.999999999");
    }
}
