//! Dates by Japanese eras (和暦).

use chrono::{Datelike, NaiveDate};
use unicode_normalization::UnicodeNormalization;

/// An era: its name, its letter, its first day, and what its years are added to.
struct Era {
    name: &'static str,
    letter: char,
    begins: (i32, u32, u32),
    before: i32,
}

/// The newest first. Meiji begins with the Gregorian calendar, on the first day of its sixth year; days
/// before that were counted otherwise.
const ERAS: [Era; 5] = [
    Era { name: "令和", letter: 'R', begins: (2019, 5, 1), before: 2018 },
    Era { name: "平成", letter: 'H', begins: (1989, 1, 8), before: 1988 },
    Era { name: "昭和", letter: 'S', begins: (1926, 12, 25), before: 1925 },
    Era { name: "大正", letter: 'T', begins: (1912, 7, 30), before: 1911 },
    Era { name: "明治", letter: 'M', begins: (1873, 1, 1), before: 1867 },
];

impl Era {
    fn begins(&self) -> Option<NaiveDate> {
        let (year, month, day) = self.begins;
        NaiveDate::from_ymd_opt(year, month, day)
    }
}

/// The day as offices write it, such as `令和6年4月1日`; the first year of an era is `元年`. None before
/// 1873.
pub fn wareki(day: NaiveDate) -> Option<String> {
    let era = ERAS.iter().find(|era| era.begins().is_some_and(|begins| begins <= day))?;
    let (name, year) = (era.name, day.year() - era.before);
    let (month, date) = (day.month(), day.day());
    Some(match year {
        1 => format!("{name}元年{month}月{date}日"),
        year => format!("{name}{year}年{month}月{date}日"),
    })
}

/// The day that a text with an era names: `令和6年4月1日`, `平成元年1月8日`, `R6.4.1`, `昭53/10/30`, in full
/// or half width, or without a day, which means the first of the month. None where the text is none of
/// these, and where the era had not begun; years beyond an era's end are counted on, as in plans that
/// were written before it ended.
pub fn wareki_date(text: &str) -> Option<NaiveDate> {
    let text: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let (era, rest) = ERAS.iter().find_map(|era| {
        let first = era.name.chars().next()?;
        let rest = text
            .strip_prefix(era.name)
            .or_else(|| text.strip_prefix(first))
            .or_else(|| text.strip_prefix([era.letter, era.letter.to_ascii_lowercase()]))?;
        Some((era, rest))
    })?;
    let (year, rest) = rest.split_once(['年', '.', '/', '-'])?;
    let year = if year == "元" { 1 } else { number(year, 3)? };
    let (month, date) = match rest.split_once(['月', '.', '/', '-']) {
        Some((month, "")) => (number(month, 2)?, 1),
        Some((month, date)) => {
            (number(month, 2)?, number(date.strip_suffix('日').unwrap_or(date), 2)?)
        }
        None => (number(rest, 2)?, 1),
    };
    if year == 0 {
        return None;
    }
    let year = era.before.checked_add(i32::try_from(year).ok()?)?;
    let day = NaiveDate::from_ymd_opt(year, month, date)?;
    // A month in which an era began is named whole.
    let begins = era.begins()?;
    let named_by_month = (day.year(), day.month()) == (begins.year(), begins.month()) && date == 1;
    (day >= begins || named_by_month && !rest.contains('日') && names_no_day(rest)).then_some(day)
}

fn names_no_day(rest: &str) -> bool {
    rest.split(['月', '.', '/', '-']).filter(|part| !part.is_empty()).count() == 1
}

fn number(digits: &str, most: usize) -> Option<u32> {
    let plain = (1..=most).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn eras_change_on_their_days() {
        for (date, shown) in [
            ("2026-04-01", "令和8年4月1日"),
            ("2019-05-01", "令和元年5月1日"),
            ("2019-04-30", "平成31年4月30日"),
            ("1989-01-08", "平成元年1月8日"),
            ("1989-01-07", "昭和64年1月7日"),
            ("1926-12-25", "昭和元年12月25日"),
            ("1926-12-24", "大正15年12月24日"),
            ("1912-07-30", "大正元年7月30日"),
            ("1912-07-29", "明治45年7月29日"),
            ("1873-01-01", "明治6年1月1日"),
        ] {
            assert_eq!(wareki(day(date)).as_deref(), Some(shown));
            assert_eq!(wareki_date(shown), Some(day(date)), "{shown}");
        }
        assert_eq!(wareki(day("1872-12-31")), None);
    }

    #[test]
    fn texts_are_read_in_the_forms_that_offices_write() {
        for (text, date) in [
            ("R6.4.1", "2024-04-01"),
            ("r6/4/1", "2024-04-01"),
            ("Ｒ６．４．１", "2024-04-01"),
            ("昭53.10.30", "1978-10-30"),
            ("令和 6 年 4 月 1 日", "2024-04-01"),
            ("令和6年4月", "2024-04-01"),
            ("R6.3", "2024-03-01"),
            ("令和元年5月", "2019-05-01"),
            ("昭和元年12月", "1926-12-01"),
            ("平成33年3月31日", "2021-03-31"),
            ("H31-04-30", "2019-04-30"),
        ] {
            assert_eq!(wareki_date(text), Some(day(date)), "{text}");
        }
        for text in [
            "",
            "令和",
            "令和6年",
            "令和6年度",
            "2024年4月1日",
            "令和6年13月1日",
            "令和6年2月30日",
            "令和0年1月1日",
            "令和元年4月30日",
            "昭和元年12月24日",
            "X6.4.1",
            "令和6年4月1日頃",
            "R6.4.1.2",
            "慶応4年1月1日",
        ] {
            assert_eq!(wareki_date(text), None, "{text}");
        }
    }
}
