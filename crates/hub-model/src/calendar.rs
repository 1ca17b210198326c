//! Japanese time: the hub's zone, interval lengths as contracts write them, and the calendar's own parts:
//! holidays, eras, and the seasons that offices count by.

mod holidays;
mod seasons;
mod wareki;

use std::{fmt, str::FromStr};

use chrono::{
    DateTime, Datelike, FixedOffset, Months, NaiveDateTime, SecondsFormat, TimeDelta, Utc,
};
use serde::{Deserialize, Serialize};

use crate::ModelError;

pub use holidays::{jp_holiday, jp_holidays};
pub use seasons::{fiscal_year, jun, jun_name, jun_start, winter_season};
pub use wareki::{wareki, wareki_date};

/// Asia/Tokyo has no summer time: it is UTC+9 all the year, for all of the hub's data.
pub const TOKYO: FixedOffset = match FixedOffset::east_opt(9 * 3600) {
    Some(offset) => offset,
    None => unreachable!(),
};

/// The zone's name in Arrow types and in SQL sessions.
pub const ZONE_NAME: &str = "Asia/Tokyo";

/// Writes an instant as RFC 3339 in Japanese time, to the second or as finely as it is given.
pub fn format_instant(instant: DateTime<Utc>) -> String {
    instant.with_timezone(&TOKYO).to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// The length of an observation's interval, or of a cadence, as an ISO 8601 duration: `PT5M`, `PT1H`,
/// `P1D`, `P1M`, `P1Y`. Months and seconds are kept apart, since months differ in length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval {
    months: u32,
    seconds: u64,
}

impl Interval {
    /// Whole months in the interval.
    pub fn months(self) -> u32 {
        self.months
    }

    /// Seconds beyond the whole months; a day is 86,400, since the zone has no summer time.
    pub fn seconds(self) -> u64 {
        self.seconds
    }

    /// Reads an ISO 8601 duration of whole units, greater than nothing.
    pub fn parse(value: &str) -> Result<Self, ModelError> {
        let refuse = || {
            ModelError::invalid(
                "interval",
                value,
                (
                    "PT5M、PT1H、P1D、P1M、P1YのようなISO 8601の期間で書いてください",
                    "use an ISO 8601 duration such as PT5M, PT1H, P1D, P1M or P1Y",
                ),
            )
        };
        let mut months = 0u32;
        let mut seconds = 0u64;
        let mut in_time = false;
        let mut digits = String::new();
        for c in value.strip_prefix('P').ok_or_else(refuse)?.chars() {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            if c == 'T' && digits.is_empty() && !in_time {
                in_time = true;
                continue;
            }
            let count: u32 = digits.parse().map_err(|_| refuse())?;
            digits.clear();
            let (add_months, add_seconds) = match (c, in_time) {
                ('Y', false) => (12, 0),
                ('M', false) => (1, 0),
                ('W', false) => (0, 7 * 86_400),
                ('D', false) => (0, 86_400),
                ('H', true) => (0, 3_600),
                ('M', true) => (0, 60),
                ('S', true) => (0, 1),
                _ => return Err(refuse()),
            };
            months = count
                .checked_mul(add_months)
                .and_then(|m| m.checked_add(months))
                .ok_or_else(refuse)?;
            seconds += u64::from(count) * add_seconds;
        }
        if !digits.is_empty() || (months == 0 && seconds == 0) {
            return Err(refuse());
        }
        Ok(Self { months, seconds })
    }

    /// The time one interval later; none beyond what a calendar can say. Where a month is too short for the
    /// day, its last day.
    pub fn after(self, time: NaiveDateTime) -> Option<NaiveDateTime> {
        let seconds = TimeDelta::try_seconds(i64::try_from(self.seconds).ok()?)?;
        time.checked_add_months(Months::new(self.months))?.checked_add_signed(seconds)
    }

    /// The time one interval earlier, likewise.
    pub fn before(self, time: NaiveDateTime) -> Option<NaiveDateTime> {
        let seconds = TimeDelta::try_seconds(i64::try_from(self.seconds).ok()?)?;
        time.checked_sub_signed(seconds)?.checked_sub_months(Months::new(self.months))
    }

    /// How many of the times `first`, one interval later, and so on lie before `until`; none where months
    /// and shorter units are mixed, which no observation is made by.
    pub fn steps_before(self, first: NaiveDateTime, until: NaiveDateTime) -> Option<u64> {
        if until <= first {
            return Some(0);
        }
        match (self.months, self.seconds) {
            (0, seconds) => {
                let width = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
                let span = (until - first).num_microseconds()?;
                u64::try_from((span - 1) / width + 1).ok()
            }
            (months, 0) => {
                let month = |time: NaiveDateTime| time.year() * 12 + time.month0() as i32;
                let steps = u32::try_from(month(until) - month(first)).ok()? / months;
                let last = first.checked_add_months(Months::new(steps * months))?;
                Some(u64::from(steps) + u64::from(last < until))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        match (self.months / 12, self.months % 12) {
            (0, 0) => {}
            (0, months) => write!(f, "{months}M")?,
            (years, 0) => write!(f, "{years}Y")?,
            (years, months) => write!(f, "{years}Y{months}M")?,
        }
        let (days, rest) = (self.seconds / 86_400, self.seconds % 86_400);
        if days > 0 {
            write!(f, "{days}D")?;
        }
        if rest > 0 {
            f.write_str("T")?;
            for (unit, length) in [('H', 3_600), ('M', 60), ('S', 1)] {
                let count = match unit {
                    'H' => rest / length,
                    'M' => rest % 3_600 / length,
                    _ => rest % 60,
                };
                if count > 0 {
                    write!(f, "{count}{unit}")?;
                }
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Interval {
    type Error = ModelError;
    fn try_from(value: String) -> Result<Self, ModelError> {
        Self::parse(&value)
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        interval.to_string()
    }
}

impl FromStr for Interval {
    type Err = ModelError;
    fn from_str(value: &str) -> Result<Self, ModelError> {
        Self::parse(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_read_and_write_alike() {
        for text in ["PT5M", "PT1H", "P1D", "P1M", "P1Y", "P1DT12H", "PT90S", "P2Y6M"] {
            let interval = Interval::parse(text).unwrap();
            assert_eq!(Interval::parse(&interval.to_string()).unwrap(), interval, "{text}");
        }
        assert_eq!(Interval::parse("PT60M").unwrap().to_string(), "PT1H");
        for bad in ["", "P", "PT", "1H", "PT1", "PT0S", "P1H", "PT1.5H", "P-1D", "P99999999999Y"] {
            assert!(Interval::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn steps_are_counted_as_one_by_one() {
        let at = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        for interval in ["PT10M", "PT1H", "P1D", "P7D", "P1M", "P3M", "P1Y"] {
            let interval = Interval::parse(interval).unwrap();
            let first = at("2023-11-15 09:10");
            let mut time = first;
            for count in 0..40 {
                assert_eq!(interval.steps_before(first, time), Some(count), "{interval} {time}");
                let later = time + TimeDelta::minutes(1);
                assert_eq!(
                    interval.steps_before(first, later),
                    Some(count + 1),
                    "{interval} {time}"
                );
                time = interval.after(time).unwrap();
            }
            assert_eq!(interval.before(interval.after(first).unwrap()), Some(first));
        }
        let mixed = Interval::parse("P1M1D").unwrap();
        assert_eq!(mixed.steps_before(at("2024-01-01 00:00"), at("2025-01-01 00:00")), None);
        // A series that begins at a month's end goes on at the end of shorter ones.
        let monthly = Interval::parse("P1M").unwrap();
        let (first, march) = (at("2024-01-31 00:00"), at("2024-03-01 00:00"));
        assert_eq!(monthly.steps_before(first, march), Some(2));
    }

    #[test]
    fn instants_are_written_in_japanese_time() {
        let midnight = DateTime::parse_from_rfc3339("2020-01-01T15:00:00Z").unwrap();
        assert_eq!(format_instant(midnight.to_utc()), "2020-01-02T00:00:00+09:00");
    }
}
