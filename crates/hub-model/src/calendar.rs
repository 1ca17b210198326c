//! Japanese time: the hub's zone, interval lengths as contracts write them, and the calendar's own parts:
//! holidays, eras, and the seasons that offices count by.

mod holidays;
mod seasons;
mod wareki;

use std::{fmt, str::FromStr};

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
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
                "use an ISO 8601 duration such as PT5M, PT1H, P1D, P1M or P1Y",
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
    fn instants_are_written_in_japanese_time() {
        let midnight = DateTime::parse_from_rfc3339("2020-01-01T15:00:00Z").unwrap();
        assert_eq!(format_instant(midnight.to_utc()), "2020-01-02T00:00:00+09:00");
    }
}
