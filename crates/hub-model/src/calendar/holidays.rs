//! The holidays of Japan by the law on national holidays (国民の祝日に関する法律), from the day it came into
//! force, 20 July 1948, to 2150.
//!
//! The days of the equinoxes are fixed each February for the following year; what is computed here is the
//! formula of the Hydrographic Department's office for almanacs (海上保安庁水路部), which has met every
//! announced day so far. A later change of the law changes what is computed for years to come.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// A day off by this law that is no national holiday itself.
const SUBSTITUTE: &str = "振替休日";

/// A day off because it lies between two national holidays.
const BETWEEN: &str = "国民の休日";

/// The last year that the equinoxes are computed for.
const LAST_YEAR: i32 = 2150;

/// The holiday on this day, by its name in the law; none on other days, and none outside of 20 July 1948
/// to 31 December 2150.
pub fn jp_holiday(day: NaiveDate) -> Option<&'static str> {
    if day.year() > LAST_YEAR || day < NaiveDate::from_ymd_opt(1948, 7, 20)? {
        return None;
    }
    if let Some(name) = national(day).or_else(|| ceremony(day)) {
        return Some(name);
    }
    if is_substitute(day) {
        return Some(SUBSTITUTE);
    }
    is_between(day).then_some(BETWEEN)
}

/// The third article, second paragraph: where a national holiday is a Sunday, a later day is off. Until
/// 2006 it was the Monday; since 2007 it is the next day that is no national holiday itself.
fn is_substitute(day: NaiveDate) -> bool {
    let begins = NaiveDate::from_ymd_opt(1973, 4, 12);
    if begins.is_none_or(|begins| day < begins) {
        return false;
    }
    let mut before = day;
    loop {
        let Some(earlier) = before.pred_opt() else { return false };
        before = earlier;
        if national(before).is_none() {
            return false;
        }
        if before.weekday() == Weekday::Sun {
            return begins.is_some_and(|begins| before >= begins);
        }
        if day.year() < 2007 {
            return false;
        }
    }
}

/// The third paragraph, since 27 December 1985.
fn is_between(day: NaiveDate) -> bool {
    let begins = NaiveDate::from_ymd_opt(1985, 12, 27);
    if begins.is_none_or(|begins| day < begins) {
        return false;
    }
    // Until 2006 a Sunday needed no second reason to be off.
    if day.year() < 2007 && day.weekday() == Weekday::Sun {
        return false;
    }
    let is_holiday = |day: Option<NaiveDate>| day.is_some_and(|day| national(day).is_some());
    is_holiday(day.pred_opt()) && is_holiday(day.succ_opt())
}

/// Days off by laws of their own, which no substitute day follows.
fn ceremony(day: NaiveDate) -> Option<&'static str> {
    Some(match (day.year(), day.month(), day.day()) {
        (1959, 4, 10) => "皇太子明仁親王の結婚の儀",
        (1989, 2, 24) => "昭和天皇の大喪の礼",
        (1990, 11, 12) => "即位礼正殿の儀",
        (1993, 6, 9) => "皇太子徳仁親王の結婚の儀",
        _ => return None,
    })
}

/// The second article, as it stood in each year, and the special laws of 2018 that put days in and moved
/// others for the accession and the Olympic games.
fn national(day: NaiveDate) -> Option<&'static str> {
    let year = day.year();
    if day < NaiveDate::from_ymd_opt(1948, 7, 20)? {
        return None;
    }
    let monday = |nth: u32| day.weekday() == Weekday::Mon && day.day().div_ceil(7) == nth;
    let date = day.day();
    match day.month() {
        1 if date == 1 => Some("元日"),
        1 if year < 2000 && date == 15 || year >= 2000 && monday(2) => Some("成人の日"),
        2 if year >= 1967 && date == 11 => Some("建国記念の日"),
        2 if year >= 2020 && date == 23 => Some("天皇誕生日"),
        3 if date == vernal_equinox(year) => Some("春分の日"),
        4 if date == 29 => Some(match year {
            ..1989 => "天皇誕生日",
            1989..2007 => "みどりの日",
            _ => "昭和の日",
        }),
        5 if date == 1 && year == 2019 => Some("天皇の即位の日"),
        5 if date == 3 => Some("憲法記念日"),
        5 if date == 4 && year >= 2007 => Some("みどりの日"),
        5 if date == 5 => Some("こどもの日"),
        7 => july(year, date, monday(3)),
        8 if mountain_day(year) == Some(date) => Some("山の日"),
        9 if (1966..2003).contains(&year) && date == 15 || year >= 2003 && monday(3) => {
            Some("敬老の日")
        }
        9 if date == autumnal_equinox(year) => Some("秋分の日"),
        10 if date == 22 && year == 2019 => Some("即位礼正殿の儀の行われる日"),
        10 if (1966..2000).contains(&year) && date == 10
            || (2000..2020).contains(&year) && monday(2) =>
        {
            Some("体育の日")
        }
        10 if year >= 2022 && monday(2) => Some("スポーツの日"),
        11 if date == 3 => Some("文化の日"),
        11 if date == 23 => Some("勤労感謝の日"),
        12 if (1989..2019).contains(&year) && date == 23 => Some("天皇誕生日"),
        _ => None,
    }
}

fn july(year: i32, date: u32, third_monday: bool) -> Option<&'static str> {
    match (year, date) {
        (2020, 23) | (2021, 22) => Some("海の日"),
        (2020, 24) | (2021, 23) => Some("スポーツの日"),
        (2020 | 2021, _) => None,
        (1996..2003, 20) => Some("海の日"),
        (2003.., _) if third_monday => Some("海の日"),
        _ => None,
    }
}

fn mountain_day(year: i32) -> Option<u32> {
    match year {
        2020 => Some(10),
        2021 => Some(8),
        2016.. => Some(11),
        _ => None,
    }
}

/// The day of March on which spring begins, for years from 1900 to 2150.
fn vernal_equinox(year: i32) -> u32 {
    let at_1980 = match year {
        ..1980 => 20_835_700,
        1980..2100 => 20_843_100,
        _ => 21_851_000,
    };
    equinox(at_1980, year)
}

/// The day of September on which autumn begins, likewise.
fn autumnal_equinox(year: i32) -> u32 {
    let at_1980 = match year {
        ..1980 => 23_258_800,
        1980..2100 => 23_248_800,
        _ => 24_248_800,
    };
    equinox(at_1980, year)
}

/// Millionths of a day: where the equinox lay in 1980, its yearly delay, and the leap days between.
fn equinox(at_1980: i64, year: i32) -> u32 {
    let years = i64::from(year) - 1980;
    let day = (at_1980 + 242_194 * years).div_euclid(1_000_000) - years.div_euclid(4);
    u32::try_from(day).unwrap_or(0)
}

/// Every holiday from one day to another, both included.
pub fn jp_holidays(
    from: NaiveDate,
    to: NaiveDate,
) -> impl Iterator<Item = (NaiveDate, &'static str)> {
    let mut next = Some(from);
    std::iter::from_fn(move || {
        let day = next.filter(|day| *day <= to)?;
        next = day.checked_add_days(Days::new(1));
        Some((day, jp_holiday(day)))
    })
    .filter_map(|(day, name)| Some((day, name?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn of_year(year: i32) -> Vec<String> {
        let (from, to) = (format!("{year}-01-01"), format!("{year}-12-31"));
        let shown = |(day, name): (NaiveDate, &str)| format!("{} {name}", day.format("%m-%d"));
        jp_holidays(day(&from), day(&to)).map(shown).collect()
    }

    #[test]
    fn years_are_as_the_cabinet_office_lists_them() {
        assert_eq!(
            of_year(2019),
            [
                "01-01 元日",
                "01-14 成人の日",
                "02-11 建国記念の日",
                "03-21 春分の日",
                "04-29 昭和の日",
                "04-30 国民の休日",
                "05-01 天皇の即位の日",
                "05-02 国民の休日",
                "05-03 憲法記念日",
                "05-04 みどりの日",
                "05-05 こどもの日",
                "05-06 振替休日",
                "07-15 海の日",
                "08-11 山の日",
                "08-12 振替休日",
                "09-16 敬老の日",
                "09-23 秋分の日",
                "10-14 体育の日",
                "10-22 即位礼正殿の儀の行われる日",
                "11-03 文化の日",
                "11-04 振替休日",
                "11-23 勤労感謝の日",
            ]
        );
        assert_eq!(
            of_year(2020),
            [
                "01-01 元日",
                "01-13 成人の日",
                "02-11 建国記念の日",
                "02-23 天皇誕生日",
                "02-24 振替休日",
                "03-20 春分の日",
                "04-29 昭和の日",
                "05-03 憲法記念日",
                "05-04 みどりの日",
                "05-05 こどもの日",
                "05-06 振替休日",
                "07-23 海の日",
                "07-24 スポーツの日",
                "08-10 山の日",
                "09-21 敬老の日",
                "09-22 秋分の日",
                "11-03 文化の日",
                "11-23 勤労感謝の日",
            ]
        );
        assert_eq!(
            of_year(2021),
            [
                "01-01 元日",
                "01-11 成人の日",
                "02-11 建国記念の日",
                "02-23 天皇誕生日",
                "03-20 春分の日",
                "04-29 昭和の日",
                "05-03 憲法記念日",
                "05-04 みどりの日",
                "05-05 こどもの日",
                "07-22 海の日",
                "07-23 スポーツの日",
                "08-08 山の日",
                "08-09 振替休日",
                "09-20 敬老の日",
                "09-23 秋分の日",
                "11-03 文化の日",
                "11-23 勤労感謝の日",
            ]
        );
        assert_eq!(
            of_year(2026),
            [
                "01-01 元日",
                "01-12 成人の日",
                "02-11 建国記念の日",
                "02-23 天皇誕生日",
                "03-20 春分の日",
                "04-29 昭和の日",
                "05-03 憲法記念日",
                "05-04 みどりの日",
                "05-05 こどもの日",
                "05-06 振替休日",
                "07-20 海の日",
                "08-11 山の日",
                "09-21 敬老の日",
                "09-22 国民の休日",
                "09-23 秋分の日",
                "10-12 スポーツの日",
                "11-03 文化の日",
                "11-23 勤労感謝の日",
            ]
        );
    }

    #[test]
    fn the_law_begins_in_the_middle_of_1948_and_grows() {
        assert_eq!(of_year(1948), ["09-23 秋分の日", "11-03 文化の日", "11-23 勤労感謝の日"]);
        assert_eq!(of_year(1947), [""; 0]);
        assert_eq!(
            of_year(1949),
            [
                "01-01 元日",
                "01-15 成人の日",
                "03-21 春分の日",
                "04-29 天皇誕生日",
                "05-03 憲法記念日",
                "05-05 こどもの日",
                "09-23 秋分の日",
                "11-03 文化の日",
                "11-23 勤労感謝の日",
            ]
        );
        assert_eq!(jp_holiday(day("2151-01-01")), None);
    }

    #[test]
    fn substitutes_and_days_between_follow_the_law_of_their_time() {
        for (date, name) in [
            // The first substitute day; a Sunday of two months before has none.
            ("1973-04-30", Some(SUBSTITUTE)),
            ("1973-02-12", None),
            // 4 May: nothing, a Sunday, a substitute, and at last a day between.
            ("1985-05-04", None),
            ("1986-05-04", None),
            ("1987-05-04", Some(SUBSTITUTE)),
            ("1988-05-04", Some(BETWEEN)),
            ("2006-05-04", Some(BETWEEN)),
            ("2007-05-04", Some("みどりの日")),
            // Since 2007 a substitute passes over national holidays.
            ("2008-05-06", Some(SUBSTITUTE)),
            ("2009-05-06", Some(SUBSTITUTE)),
            ("2009-09-22", Some(BETWEEN)),
            ("2015-09-22", Some(BETWEEN)),
            ("2032-09-21", Some(BETWEEN)),
            ("1989-02-24", Some("昭和天皇の大喪の礼")),
            ("2019-12-23", None),
            ("2012-03-20", Some("春分の日")),
            ("2012-09-22", Some("秋分の日")),
            ("1979-09-24", Some("秋分の日")),
        ] {
            assert_eq!(jp_holiday(day(date)), name, "{date}");
        }
    }
}
