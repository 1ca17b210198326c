//! Values as cells of a sheet hold them: numbers are doubles there, and days are counted from 1900.

use arrow::{
    array::{Array, AsArray},
    datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType},
};
use hub_model::TOKYO;

/// The first day of 1970 as Excel counts.
const EPOCH: f64 = 25_569.0;

/// Excel takes 1900 for a leap year, so that days before March of that year are not what it shows.
const FIRST_DAY: i32 = -25_508;

/// The first day of the year 10000.
const BEYOND: i32 = 2_932_897;

const DAY_US: i64 = 86_400_000_000;

/// The greatest whole number up to which none is lost in a double.
const EXACT: u64 = 1 << 53;

/// A cell of a sheet.
pub(super) enum Value {
    Nothing,
    Number(f64),
    Boolean(bool),
    /// Days as Excel counts them.
    Day(f64),
    Instant(f64),
    Text(String),
}

/// A number or a boolean as it is written elsewhere. One that a double would change is text.
pub(super) fn number(written: &[u8]) -> Value {
    match written {
        b"true" => return Value::Boolean(true),
        b"false" => return Value::Boolean(false),
        _ => {}
    }
    let text = String::from_utf8_lossy(written);
    let digits = text.trim_start_matches('-');
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && is_kept(&text, digits, number) => Value::Number(number),
        _ => Value::Text(text.into_owned()),
    }
}

/// Whether a double holds every digit that is written.
fn is_kept(text: &str, digits: &str, number: f64) -> bool {
    if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return digits.parse::<u64>().is_ok_and(|number| number <= EXACT);
    }
    // What is written with an exponent was a double.
    let Some((_, behind)) = text.split_once('.').filter(|_| !text.contains(['e', 'E'])) else {
        return true;
    };
    let zeros = behind.len() - behind.trim_end_matches('0').len();
    let short = text[..text.len() - zeros].trim_end_matches('.');
    number.to_string() == short || number == 0.0 && short.trim_start_matches('-') == "0"
}

/// The days and instants of a column that Excel can show.
pub(super) enum Days<'a> {
    Dates(&'a arrow::array::PrimitiveArray<Date32Type>),
    Instants(&'a arrow::array::PrimitiveArray<TimestampMicrosecondType>, i64),
}

pub(super) fn days_of(column: &dyn Array) -> Option<Days<'_>> {
    match column.data_type() {
        DataType::Date32 => Some(Days::Dates(column.as_primitive())),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let ahead = if zone.is_some() { i64::from(TOKYO.local_minus_utc()) } else { 0 };
            Some(Days::Instants(column.as_primitive(), ahead * 1_000_000))
        }
        _ => None,
    }
}

impl Days<'_> {
    /// None where Excel has no such day, or nothing is there.
    pub(super) fn get(&self, row: usize) -> Option<Value> {
        let shown = FIRST_DAY..BEYOND;
        match self {
            Self::Dates(days) => {
                let day = days.is_valid(row).then(|| days.value(row))?;
                shown.contains(&day).then(|| Value::Day(f64::from(day) + EPOCH))
            }
            Self::Instants(times, ahead) => {
                let time = times.is_valid(row).then(|| times.value(row))?.checked_add(*ahead)?;
                let day = i32::try_from(time.div_euclid(DAY_US)).ok()?;
                let part = time.rem_euclid(DAY_US) as f64 / DAY_US as f64;
                shown.contains(&day).then(|| Value::Instant(f64::from(day) + EPOCH + part))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_numbers_and_none_loses_a_digit() {
        assert!(matches!(number(b"-3.5"), Value::Number(-3.5)));
        assert!(matches!(number(b"9007199254740992"), Value::Number(_)));
        let Value::Text(text) = number(b"9007199254740993") else { panic!() };
        assert_eq!(text, "9007199254740993");
        for written in [&b"0.1"[..], b"0.30000000000000004", b"1e-7", b"12.500", b"-0.0", b"100.00"]
        {
            assert!(matches!(number(written), Value::Number(_)));
        }
        let Value::Text(text) = number(b"12345678901234567.89") else { panic!() };
        assert_eq!(text, "12345678901234567.89");
        assert!(matches!(number(b"true"), Value::Boolean(true)));
    }
}
