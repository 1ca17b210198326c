//! Days and times as publishers write them, and in the form that contracts read.

use chrono::{Datelike, Days, NaiveDate};

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

impl When {
    /// Reads `2021/10/20`, `2021年10月20日1時`, `2016-1-1 1:00:00`, `1990/1`, `2020年1月上旬` and the like:
    /// numbers in descending order of size, whatever stands between them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (text, part) = split_part(text.trim());
        let mut numbers = [None; 6];
        let mut count = 0;
        for word in
            text.split(['/', '-', '年', '月', '日', '時', '分', '秒', ':', '：', 'T', ' ', '　'])
        {
            if word.is_empty() {
                continue;
            }
            let is_number = word.len() <= 4 && word.bytes().all(|b| b.is_ascii_digit());
            if !is_number || count == numbers.len() || (count == 0) != (word.len() == 4) {
                return None;
            }
            numbers[count] = word.parse().ok();
            count += 1;
        }
        let [year, month, day, hour, minute, second] = numbers;
        let (hour, minute) = (hour, minute.unwrap_or(0));
        let is_time = hour.is_none_or(|hour: u32| hour < 24 || (hour == 24 && minute == 0));
        if !is_time || minute > 59 || second.is_some_and(|second| second != 0) {
            return None;
        }
        if part.is_some() && (month.is_none() || day.is_some()) {
            return None;
        }
        Some(Self { year: i32::try_from(year?).ok()?, month, day, hour, minute, part })
    }

    /// The day, if there is one and it exists.
    pub(super) fn date(self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year, self.month?, self.day?)
    }

    /// `YYYY-MM-DD HH:MM:00`, 24 o'clock being the next day's beginning.
    pub(super) fn instant(self) -> Option<String> {
        let (date, hour) = (self.date()?, self.hour?);
        let (date, hour) =
            if hour == 24 { (date.checked_add_days(Days::new(1))?, 0) } else { (date, hour) };
        Some(format!("{} {hour:02}:{:02}:00", iso(date), self.minute))
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

/// A day as contracts read it.
pub(super) fn iso(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

/// How many days a month has; none if there is no such month.
pub(super) fn days_in_month(year: i32, month: u32) -> Option<u32> {
    NaiveDate::from_ymd_opt(year, month, 1).map(|first| u32::from(first.num_days_in_month()))
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
}
