//! Times in the form that a contract gives.

use chrono::{
    NaiveTime,
    format::{Item, Parsed},
};

use super::{DAYS, Part, Unit, Written, days, digits, time_of_day};
use crate::conform::fault::FaultKind;

/// A form that is made of numbers and what stands between them.
pub(super) fn parse_plain(parts: &[Part], text: &[u8]) -> Result<Written, FaultKind> {
    let mut rest = text;
    let mut year = None;
    let (mut month, mut day) = (1, 1);
    let (mut hour, mut minute, mut second) = (None, 0, 0);
    for part in parts {
        match part {
            Part::Literal(literal) => {
                rest = rest.strip_prefix(literal.as_slice()).ok_or(FaultKind::Type)?;
            }
            Part::Number(unit, least, most) => {
                let (value, after) = digits(rest, *least, *most).ok_or(FaultKind::Type)?;
                rest = after;
                match unit {
                    Unit::Year => year = Some(value),
                    Unit::Month => month = value,
                    Unit::Day => day = value,
                    Unit::Hour => hour = Some(value),
                    Unit::Minute => minute = value,
                    Unit::Second => second = value,
                }
            }
        }
    }
    if !rest.is_empty() {
        return Err(FaultKind::Type);
    }
    let days = days(year.ok_or(FaultKind::Type)?, month, day)?;
    let micros = match hour {
        Some(hour) => time_of_day(hour, minute, second)?,
        None => -1,
    };
    Ok(Written { days, micros, offset: None })
}

/// Any other form, read by the library that knows them all.
pub(super) fn parse_other(items: &[Item<'static>], text: &[u8]) -> Result<Written, FaultKind> {
    let text = std::str::from_utf8(text).map_err(|_| FaultKind::Encoding)?;
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).map_err(|_| FaultKind::Type)?;
    let date = parsed.to_naive_date().map_err(|_| FaultKind::NoSuchDay)?;
    let days = i64::from(date.to_epoch_days());
    if !DAYS.contains(&days) {
        return Err(FaultKind::OutOfRange);
    }
    let micros = match parsed.to_naive_time() {
        Ok(time) => {
            let nanos = time.signed_duration_since(NaiveTime::MIN).num_nanoseconds().unwrap_or(0);
            if nanos % 1_000 != 0 {
                return Err(FaultKind::TooFine);
            }
            nanos / 1_000
        }
        Err(_) => -1,
    };
    let offset = parsed.to_fixed_offset().ok().map(|offset| i64::from(offset.local_minus_utc()));
    Ok(Written { days, micros, offset })
}
