//! Days, hours and fiscal years in Japanese time, as numbers counted from 1970-01-01T00:00+09:00.

use chrono::{Datelike, Days, NaiveDate};

/// Days between the zone's and UTC's midnight, in hours.
const ZONE_HOURS: i64 = 9;

/// The mean length of a year in days.
const YEAR_DAYS: f64 = 365.2425;

/// April to March.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FiscalYear {
    /// The calendar year it begins in.
    pub(super) number: i32,
    /// Its first day.
    pub(super) first_day: i64,
    /// The day after its last.
    pub(super) end_day: i64,
    /// From this day on values are provisional; the end where none are.
    pub(super) provisional_from: i64,
}

impl FiscalYear {
    /// Hours that end within the year: from 01:00 of 1 April to 24:00 of 31 March.
    pub(super) fn hours_ending(&self) -> std::ops::RangeInclusive<i64> {
        self.first_day * 24 + 1..=self.end_day * 24
    }

    /// Whether an hour, named by its end, is provisional.
    pub(super) fn is_provisional(&self, hour: i64) -> bool {
        hour > self.provisional_from * 24
    }

    /// The first days of its twelve months.
    pub(super) fn months(&self) -> impl Iterator<Item = NaiveDate> {
        let number = self.number;
        (0u32..12).filter_map(move |i| {
            NaiveDate::from_ymd_opt(number + i32::from(i >= 9), (i + 3) % 12 + 1, 1)
        })
    }
}

/// The fiscal years that end before `end`, which is 1 April, oldest first. The last month is provisional.
pub(super) fn fiscal_years(end: NaiveDate, years: u32) -> Vec<FiscalYear> {
    let begin = |number: i32| NaiveDate::from_ymd_opt(number, 4, 1).map_or(0, day_number);
    (end.year() - years.cast_signed()..end.year())
        .map(|number| {
            let end_day = begin(number + 1);
            let last = number + 1 == end.year();
            FiscalYear {
                number,
                first_day: begin(number),
                end_day,
                provisional_from: if last { end_day - 31 } else { end_day },
            }
        })
        .collect()
}

/// A date's number.
pub(super) fn day_number(date: NaiveDate) -> i64 {
    i64::from(date.to_epoch_days())
}

/// A day's date; the first day where the number is out of chrono's range.
pub(super) fn date(day: i64) -> NaiveDate {
    let epoch = NaiveDate::default();
    if day < 0 {
        epoch.checked_sub_days(Days::new(day.unsigned_abs())).unwrap_or(epoch)
    } else {
        epoch.checked_add_days(Days::new(day.unsigned_abs())).unwrap_or(epoch)
    }
}

/// An hour as an instant in UTC microseconds.
pub(super) fn hour_micros(hour: i64) -> i64 {
    (hour - ZONE_HOURS) * 3_600_000_000
}

/// How much of its year has passed by a day, 0 to 1; as even years would have it.
pub(super) fn part_of_year(day: i64) -> f64 {
    (day as f64 / YEAR_DAYS).rem_euclid(1.0)
}

/// A wave over the year that is 1 at `peak` and -1 half a year from it.
pub(super) fn yearly_wave(part: f64, peak: f64) -> f64 {
    (std::f64::consts::TAU * (part - peak)).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fiscal_years_join_and_end_at_midnight_in_japan() {
        let end = NaiveDate::from_ymd_opt(2025, 4, 1).unwrap();
        let years = fiscal_years(end, 3);
        assert_eq!(years.iter().map(|y| y.number).collect::<Vec<_>>(), [2022, 2023, 2024]);
        assert!(years.windows(2).all(|w| w[0].end_day == w[1].first_day));
        assert_eq!(years[1].end_day - years[1].first_day, 366);
        let last = *years[2].hours_ending().end();
        assert_eq!(
            chrono::DateTime::from_timestamp_micros(hour_micros(last)).unwrap().to_rfc3339(),
            "2025-03-31T15:00:00+00:00"
        );
        assert_eq!(date(years[2].provisional_from).to_string(), "2025-03-01");
        let months: Vec<_> = years[2].months().map(|m| m.to_string()).collect();
        assert_eq!((months[0].as_str(), months[11].as_str()), ("2024-04-01", "2025-03-01"));
        assert_eq!(date(-1).to_string(), "1969-12-31");
    }
}
