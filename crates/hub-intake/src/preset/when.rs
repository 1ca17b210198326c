//! Days and times as publishers write them, and in the form that contracts read. What is not understood is
//! `None`, never a guess.

use std::borrow::Cow;

use chrono::{Datelike, Days, NaiveDate};
use unicode_normalization::UnicodeNormalization;

use crate::era::ERAS;

/// A year with as much of a month, a day and a time as a text says; no such day need exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct When {
    pub(super) year: i32,
    pub(super) month: Option<u32>,
    pub(super) day: Option<u32>,
    /// From 0 to 24.
    pub(super) hour: Option<u32>,
    pub(super) minute: u32,
    /// A part of the month, where the text names one instead of a day.
    pub(super) part: Option<Part>,
}

/// A part of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// 上旬, 中旬, 下旬 from 1.
    Dekad(u32),
    /// 半旬 from 1 to 6.
    HalfDekad(u32),
}

/// What stands between the numbers of a day and a time.
const BETWEEN: [char; 12] = ['/', '-', '.', '年', '月', '日', '時', '分', '秒', ':', 'T', ' '];

impl When {
    /// Reads `2021/10/20`, `20211020`, `2021年10月20日1時`, `2016-1-1 1:00:00`, `1990/1`, `2020年1月上旬`,
    /// `令和8年1月5日`, `H.18.3.6` and the like: numbers in descending order of size, whatever stands
    /// between them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = ordinary(text);
        let (text, part) = split_part(text.trim());
        if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
            let (year, month, day) = (text[..4].parse().ok()?, &text[4..6], &text[6..]);
            let (month, day) = (month.parse().ok(), day.parse().ok());
            return Some(Self { year, month, day, hour: None, minute: 0, part: None });
        }
        let (year, rest) = year(text)?;
        if !rest.is_empty() && !rest.starts_with(BETWEEN) {
            return None;
        }
        let mut numbers = [None; 5];
        let words = rest.split(BETWEEN).filter(|word| !word.is_empty());
        for (count, word) in words.enumerate() {
            let is_number = word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit());
            if !is_number || count == numbers.len() {
                return None;
            }
            numbers[count] = word.parse().ok();
        }
        let [month, day, hour, minute, second] = numbers;
        let minute = minute.unwrap_or(0);
        let is_time = hour.is_none_or(|hour: u32| hour < 24 || (hour == 24 && minute == 0));
        if !is_time || minute > 59 || second.is_some_and(|second| second != 0) {
            return None;
        }
        if part.is_some() && (month.is_none() || day.is_some()) {
            return None;
        }
        Some(Self { year, month, day, hour, minute, part })
    }

    /// The day, if there is one and it exists.
    pub(super) fn date(self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year, self.month?, self.day?)
    }

    /// `YYYY-MM-DD HH:MM:00`, 24 o'clock being the next day's beginning.
    pub(super) fn instant(self) -> Option<String> {
        instant(self.date()?, (self.hour?, self.minute))
    }

    /// The first and the last day of what the text names.
    pub(super) fn span(self) -> Option<(NaiveDate, NaiveDate)> {
        if let Some(date) = self.date() {
            return Some((date, date));
        }
        if self.day.is_some() {
            return None;
        }
        let first = NaiveDate::from_ymd_opt(self.year, self.month.unwrap_or(1), 1)?;
        let last = NaiveDate::from_ymd_opt(self.year, self.month.unwrap_or(12), 1)?;
        let last = last.with_day(u32::from(last.num_days_in_month()))?;
        let (length, index, count) = match self.part {
            None => return Some((first, last)),
            Some(Part::Dekad(index)) => (10, index, 3),
            Some(Part::HalfDekad(index)) => (5, index, 6),
        };
        let start = first.with_day((index.checked_sub(1)?) * length + 1)?;
        let end = if index == count { last } else { first.with_day(index * length)? };
        (index <= count).then_some((start, end))
    }
}

/// A day that exists, and nothing but a day: its midnight is the day too, as spreadsheets write days.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    let is_day = |when: &When| matches!(when.hour, None | Some(0)) && when.minute == 0;
    When::parse(text).filter(is_day).and_then(When::date)
}

/// A year of the common era or of a Japanese one at a text's beginning, and what follows.
pub(super) fn year(text: &str) -> Option<(i32, &str)> {
    // A small letter before a number is no era: years are looked for within titles.
    let is_small = |spelling: &str| spelling.starts_with(|c: char| c.is_ascii_lowercase());
    for era in &ERAS {
        let mut spellings = era.spellings.iter().filter(|spelling| !is_small(spelling));
        let Some(rest) = spellings.find_map(|spelling| text.strip_prefix(*spelling)) else {
            continue;
        };
        let before = era.offset;
        let rest = rest.trim_start_matches(['.', ' ']);
        if let Some(rest) = rest.strip_prefix('元') {
            return Some((before + 1, rest));
        }
        let (year, rest) = digits(rest, 2)?;
        return (year > 0).then_some((before + i32::try_from(year).ok()?, rest));
    }
    let (year, rest) = digits(text, 4)?;
    (year >= 1000).then_some((i32::try_from(year).ok()?, rest))
}

/// Up to `most` digits at a text's beginning, and what follows.
pub(super) fn digits(text: &str, most: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (shown, rest) = text.split_at(length);
    Some((shown.parse().ok()?, rest))
}

/// Hours and minutes, of a day that may have 24 hours: `800`, `0`, `2355`, `8:05`, `08:05:00`, `8時5分`,
/// `24時`.
pub(super) fn clock(text: &str) -> Option<(u32, u32)> {
    let text = ordinary(text);
    let text = text.trim();
    let (hour, minute) = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let (value, rest) = digits(text, 4)?;
        if !rest.is_empty() {
            return None;
        }
        (value / 100, value % 100)
    } else {
        let (hour, rest) = digits(text, 2)?;
        match rest {
            "時" => (hour, 0),
            _ => {
                let (minute, rest) = digits(rest.strip_prefix([':', '時'])?, 2)?;
                if !matches!(rest, "" | "分" | ":00") {
                    return None;
                }
                (hour, minute)
            }
        }
    };
    (minute < 60 && (hour < 24 || (hour == 24 && minute == 0))).then_some((hour, minute))
}

/// A day and a time of it as tables have them; 24 o'clock is the next day's 0 o'clock.
pub(super) fn instant(day: NaiveDate, (hour, minute): (u32, u32)) -> Option<String> {
    let day = if hour == 24 { day.checked_add_days(Days::new(1))? } else { day };
    Some(format!("{} {:02}:{minute:02}:00", iso(day), hour % 24))
}

/// A day as contracts read it.
pub(super) fn iso(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

/// How many days a month has; none if there is no such month.
pub(super) fn days_in_month(year: i32, month: u32) -> Option<u32> {
    NaiveDate::from_ymd_opt(year, month, 1).map(|first| u32::from(first.num_days_in_month()))
}

/// The text in ordinary width.
fn ordinary(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { text.into() } else { text.nfkc().collect::<String>().into() }
}

fn split_part(text: &str) -> (&str, Option<Part>) {
    for (name, index) in [("上旬", 1), ("中旬", 2), ("下旬", 3)] {
        if let Some(rest) = text.strip_suffix(name) {
            return (rest, Some(Part::Dekad(index)));
        }
    }
    if let Some(rest) = text.strip_suffix("半旬") {
        let rest = rest.trim_end_matches('第');
        let index = rest.chars().next_back().and_then(|c| c.to_digit(10));
        if let Some(index) = index.filter(|index| (1..=6).contains(index)) {
            let rest = rest[..rest.len() - 1].trim_end_matches('第');
            return (rest, Some(Part::HalfDekad(index)));
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, expected) in [
            ("2016/1/1 1:00:00", Some("2016-01-01 01:00:00")),
            ("2016/12/31 24:00", Some("2017-01-01 00:00:00")),
            ("2021年10月20日24時", Some("2021-10-21 00:00:00")),
            ("2021-10-20 06:07", Some("2021-10-20 06:07:00")),
            ("2021/2/29 1:00", None),
            ("2021/10/20 25:00", None),
            ("2021/10/20", None),
            ("20/10/2021 1:00", None),
        ] {
            let found = When::parse(text).and_then(When::instant);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn spans_end_with_their_last_day() {
        for (text, expected) in [
            ("2020年2月下旬", Some(("2020-02-21", "2020-02-29"))),
            ("2021年2月上旬", Some(("2021-02-01", "2021-02-10"))),
            ("2021年1月第6半旬", Some(("2021-01-26", "2021-01-31"))),
            ("1990/1", Some(("1990-01-01", "1990-01-31"))),
            ("1990年", Some(("1990-01-01", "1990-12-31"))),
            ("1990/13", None),
        ] {
            let found = When::parse(text).and_then(When::span);
            let found = found.map(|(start, end)| (iso(start), iso(end)));
            let found = found.as_ref().map(|(start, end)| (start.as_str(), end.as_str()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn days_are_read_in_the_forms_that_publishers_use() {
        let expected = NaiveDate::from_ymd_opt(2026, 1, 5);
        for text in [
            "20260105",
            "2026/1/5",
            "2026-01-05",
            "2026.1.5",
            "2026年1月5日",
            "令和8年1月5日",
            "R8.1.5",
            "２０２６年１月５日",
            "令和 8年 1月 5日",
            "R.8.1.5",
            "令8.01.05",
            "2026-01-05 00:00:00",
        ] {
            assert_eq!(day(text), expected, "{text}");
        }
        assert_eq!(day("平成元年4月1日"), NaiveDate::from_ymd_opt(1989, 4, 1));
        for text in ["", "2026/13/1", "2026/2/30", "26/1/5", "2026/1/5 8:00", "99999999", "R0.1.1"]
        {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn times_may_be_unpadded_and_end_a_day() {
        for (text, expected) in [
            ("800", (8, 0)),
            ("0", (0, 0)),
            ("5", (0, 5)),
            ("2355", (23, 55)),
            ("8:05", (8, 5)),
            ("08:05:00", (8, 5)),
            ("8時5分", (8, 5)),
            ("24時", (24, 0)),
            ("２４：００", (24, 0)),
        ] {
            assert_eq!(clock(text), Some(expected), "{text}");
        }
        for text in ["", "2401", "860", "25:00", "8:5:30", "1 200", "x", "12345"] {
            assert_eq!(clock(text), None, "{text}");
        }
        let last = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
        assert_eq!(instant(last, (24, 0)).unwrap(), "2027-01-01 00:00:00");
        assert_eq!(instant(NaiveDate::MAX, (24, 0)), None);
    }
}
