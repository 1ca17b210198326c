//! Units and parts of Japanese times, which many rows one after the other share.

use chrono::{Datelike, NaiveDate};

pub(super) const HOUR: i64 = 3_600_000_000;
pub(super) const DAY: i64 = 24 * HOUR;
/// The first Monday was 5 January 1970.
const MONDAY: i64 = 4 * DAY;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Unit {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            _ => return None,
        })
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Hour,
    Day,
    Weekday,
    YearDay,
    Month,
    Quarter,
    Year,
}

impl Part {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "hour" => Self::Hour,
            "day" => Self::Day,
            "dow" => Self::Weekday,
            "doy" => Self::YearDay,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            _ => return None,
        })
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Weekday => "dow",
            Self::YearDay => "doy",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The unit within which it does not change.
    pub(super) fn unit(self) -> Unit {
        match self {
            Self::Hour => Unit::Hour,
            Self::Day | Self::Weekday | Self::YearDay => Unit::Day,
            Self::Month => Unit::Month,
            Self::Quarter => Unit::Quarter,
            Self::Year => Unit::Year,
        }
    }
}

/// A value for each Japanese time, asked for once for each span of rows in the same unit. `value` is given
/// the unit's beginning in Japanese microseconds.
pub(super) fn by_span<T: Copy + Default>(
    local: impl Iterator<Item = i64>,
    unit: Unit,
    value: impl Fn(i64) -> Option<T>,
) -> Option<Vec<T>> {
    let (mut from, mut to, mut held) = (0, 0, T::default());
    local
        .map(|local| {
            if !(from..to).contains(&local) {
                (from, to) = span(unit, local)?;
                held = value(from)?;
            }
            Some(held)
        })
        .collect()
}

/// The beginning of the unit that a Japanese time is in, and that of the next.
fn span(unit: Unit, local: i64) -> Option<(i64, i64)> {
    let whole = |length: i64, offset: i64| {
        let from = local - (local - offset).rem_euclid(length);
        Some((from, from + length))
    };
    match unit {
        Unit::Hour => whole(HOUR, 0),
        Unit::Day => whole(DAY, 0),
        Unit::Week => whole(7 * DAY, MONDAY),
        Unit::Month => months(local, 1),
        Unit::Quarter => months(local, 3),
        Unit::Year => months(local, 12),
    }
}

/// The span of so many months that a Japanese time is in.
fn months(local: i64, length: u32) -> Option<(i64, i64)> {
    let date = date(local)?;
    let first = date.month0() / length * length;
    let from = NaiveDate::from_ymd_opt(date.year(), first + 1, 1)?;
    let to = from.checked_add_months(chrono::Months::new(length))?;
    Some((i64::from(from.to_epoch_days()) * DAY, i64::from(to.to_epoch_days()) * DAY))
}

fn date(local: i64) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(local.div_euclid(DAY).try_into().ok()?)
}

pub(super) fn number(part: Part, local: i64) -> Option<i32> {
    let date = date(local)?;
    let number = match part {
        Part::Year => return Some(date.year()),
        Part::Hour => return (local.rem_euclid(DAY) / HOUR).try_into().ok(),
        Part::Day => date.day(),
        Part::Weekday => date.weekday().num_days_from_sunday(),
        Part::YearDay => date.ordinal(),
        Part::Month => date.month(),
        Part::Quarter => date.month0() / 3 + 1,
    };
    number.try_into().ok()
}
