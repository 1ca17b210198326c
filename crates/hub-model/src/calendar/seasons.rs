//! Parts of the year as offices in Japan count them: 旬, 年度, and winters by the year they end in.

use chrono::{Datelike, NaiveDate};

/// Which third of its month a day lies in: 1 (上旬, days 1–10), 2 (中旬, 11–20) or 3 (下旬, the rest).
pub fn jun(day: NaiveDate) -> u8 {
    match day.day() {
        ..=10 => 1,
        11..=20 => 2,
        _ => 3,
    }
}

/// The name of that third.
pub fn jun_name(day: NaiveDate) -> &'static str {
    match jun(day) {
        1 => "上旬",
        2 => "中旬",
        _ => "下旬",
    }
}

/// The first day of that third.
pub fn jun_start(day: NaiveDate) -> NaiveDate {
    let first = u32::from(jun(day) - 1) * 10 + 1;
    day.with_day(first).unwrap_or(day)
}

/// The fiscal year (年度), which begins on 1 April.
pub fn fiscal_year(day: NaiveDate) -> i32 {
    if day.month() < 4 { day.year() - 1 } else { day.year() }
}

/// The cold season (寒候年) of the Japan Meteorological Agency: 1 August to 31 July, named by the year it
/// ends in, so that one winter's snow is not cut at New Year.
pub fn winter_season(day: NaiveDate) -> i32 {
    if day.month() < 8 { day.year() } else { day.year() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_begins_on_its_day() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (date, third, start) in [
            ("2024-02-01", 1, "2024-02-01"),
            ("2024-02-10", 1, "2024-02-01"),
            ("2024-02-11", 2, "2024-02-11"),
            ("2024-02-20", 2, "2024-02-11"),
            ("2024-02-21", 3, "2024-02-21"),
            ("2024-02-29", 3, "2024-02-21"),
            ("2024-01-31", 3, "2024-01-21"),
        ] {
            assert_eq!((jun(day(date)), jun_start(day(date))), (third, day(start)), "{date}");
        }
        assert_eq!(jun_name(day("2024-02-11")), "中旬");
        assert_eq!((fiscal_year(day("2024-03-31")), fiscal_year(day("2024-04-01"))), (2023, 2024));
        assert_eq!(
            (winter_season(day("2024-07-31")), winter_season(day("2024-08-01"))),
            (2024, 2025)
        );
    }
}
