//! Days, months, years and times as people write them: 和暦, 年月日, 時分, fiscal years.

use chrono::{Datelike, NaiveDate, Weekday};
use hub_model::{ChangeKind, FieldType};

use super::{FaultKind, Reading, fold_width};
use crate::era::{ERAS, Era};

/// What a text says of a time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    era: Option<usize>,
    /// The year as written.
    year: u32,
    year_digits: usize,
    fiscal: bool,
    month: Option<u32>,
    day: Option<u32>,
    weekday: Option<Weekday>,
    time: Option<Time>,
    /// Whether only characters of the default form were used.
    plain: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Time {
    hour: u32,
    minute: u32,
    /// With its fraction, as written.
    second: String,
    /// `午前` or `午後`.
    half: Option<Half>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

pub(super) fn read(text: &str, field_type: FieldType, fiscal_column: bool) -> Reading {
    let (folded, changed) = fold_width(text);
    let mut kinds = Vec::new();
    if changed {
        kinds.push(ChangeKind::FullWidth);
    }
    let Some(said) = Said::of(&folded) else {
        if is_day_or_month_first(&folded) || is_short_year(&folded) {
            return Reading::Refused(FaultKind::TwoReadings);
        }
        return if folded != text { Reading::Value(folded, kinds) } else { Reading::Unread };
    };
    let year = match said.common_year(field_type, fiscal_column) {
        Ok(year) => year,
        Err(kind) => return Reading::Refused(kind),
    };
    if said.era.is_some() {
        kinds.push(ChangeKind::JapaneseEra);
    }
    if said.fiscal {
        kinds.push(ChangeKind::FiscalYear);
    }
    let Ok((time, is_next_day)) = said.time_of_day() else {
        return Reading::Refused(FaultKind::TwoReadings);
    };
    if is_next_day {
        kinds.push(ChangeKind::Hour24);
    }
    if kinds.is_empty() || (!said.plain && said.era.is_none() && !said.fiscal) {
        kinds.push(ChangeKind::TimeForm);
    }
    let mut written = format!("{year:04}");
    if let Some(month) = said.month {
        written.push_str(&format!("-{month:02}"));
    }
    if let Some(day) = said.day {
        written.push_str(&format!("-{day:02}"));
        if let Some(expected) = said.weekday
            && NaiveDate::from_ymd_opt(year, said.month.unwrap_or(0), day)
                .is_some_and(|date| date.weekday() != expected)
        {
            return Reading::Refused(FaultKind::Weekday);
        }
    }
    if let Some(time) = time {
        written.push(' ');
        written.push_str(&time);
    }
    Reading::Value(written, kinds)
}

impl Said {
    /// Takes apart a text of ordinary width.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut said = Self { plain: true, ..Self::default() };
        let mut rest = text;
        'eras: for (index, era) in ERAS.iter().enumerate() {
            for spelling in era.spellings {
                if let Some(after) = rest.strip_prefix(spelling) {
                    said.era = Some(index);
                    rest = after.trim_start().strip_prefix('.').unwrap_or(after.trim_start());
                    break 'eras;
                }
            }
        }
        if let Some(after) = rest.strip_prefix('元')
            && said.era.is_some()
        {
            said.year = 1;
            said.year_digits = 1;
            rest = after;
        } else {
            let (year, digits, after) = number(rest)?;
            (said.year, said.year_digits, rest) = (year, digits, after);
        }
        // An era counts its own years: 令和2024年 is a year of neither count.
        let is_year =
            if said.era.is_some() { said.year_digits <= 2 } else { said.year_digits == 4 };
        if !is_year {
            return None;
        }
        if said.era.is_some() && said.year == 0 {
            return None;
        }
        rest = said.day_of(rest)?;
        rest = said.weekday_of(rest)?;
        if !rest.is_empty() {
            said.time_of(rest)?;
        }
        Some(said)
    }

    /// Month and day behind the year.
    fn day_of<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        if let Some(after) = rest.strip_prefix("年度") {
            self.fiscal = true;
            self.plain = false;
            let after = after.trim_start();
            return if after.is_empty() { Some(after) } else { self.month_in_kanji(after) };
        }
        if let Some(after) = rest.strip_prefix('年') {
            self.plain = false;
            let after = after.trim_start();
            return if after.is_empty() { Some(after) } else { self.month_in_kanji(after) };
        }
        let Some(mark) = rest.chars().next() else { return Some(rest) };
        if !matches!(mark, '.' | '/' | '-') {
            return None;
        }
        if mark == '.' {
            self.plain = false;
        }
        let (month, digits, after) = number(&rest[1..])?;
        if digits > 2 {
            return None;
        }
        self.month = Some(month);
        let Some(after) = after.strip_prefix(mark) else {
            // `R6.3` is a month, and `R6.3.` is a fragment.
            return after.is_empty().then_some(after);
        };
        let (day, digits, after) = number(after)?;
        if digits > 2 {
            return None;
        }
        self.day = Some(day);
        Some(after)
    }

    fn month_in_kanji<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        let (month, digits, after) = number(rest)?;
        let after = after.strip_prefix('月').filter(|_| digits <= 2)?;
        self.month = Some(month);
        let after = after.strip_prefix('分').unwrap_or(after).trim_start();
        if after.is_empty() {
            return Some(after);
        }
        let (day, digits, after) = number(after)?;
        let after = after.strip_prefix('日').filter(|_| digits <= 2)?;
        self.day = Some(day);
        Some(after)
    }

    /// A day of the week in brackets.
    fn weekday_of<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        let trimmed = rest.trim_start();
        let Some(inner) = trimmed.strip_prefix('(') else { return Some(rest) };
        let (name, after) = inner.split_once(')')?;
        let name = name.strip_suffix("曜日").or(name.strip_suffix('曜')).unwrap_or(name);
        const DAYS: [(&str, Weekday); 7] = [
            ("月", Weekday::Mon),
            ("火", Weekday::Tue),
            ("水", Weekday::Wed),
            ("木", Weekday::Thu),
            ("金", Weekday::Fri),
            ("土", Weekday::Sat),
            ("日", Weekday::Sun),
        ];
        self.weekday = Some(DAYS.iter().find(|(written, _)| *written == name)?.1);
        self.plain = false;
        self.day.is_some().then_some(after)
    }

    /// Hours, minutes and seconds.
    fn time_of(&mut self, rest: &str) -> Option<()> {
        self.day?;
        let body = rest.trim_start();
        let separated = body.len() < rest.len() || rest.starts_with('T');
        let mut body = body.strip_prefix('T').unwrap_or(body);
        let mut time = Time::default();
        for (word, half) in [("午前", Half::Morning), ("午後", Half::Afternoon)] {
            if let Some(after) = body.strip_prefix(word) {
                time.half = Some(half);
                body = after.trim_start();
            }
        }
        // After 日 a time may follow at once; after digits it may not.
        if !separated && time.half.is_none() && self.plain {
            return None;
        }
        let (hour, digits, after) = number(body)?;
        if digits > 2 {
            return None;
        }
        time.hour = hour;
        let (minute, second, after) = if let Some(after) = after.strip_prefix('時') {
            self.plain = false;
            let (minute, after) = counted(after.trim_start(), '分')?;
            let (second, after) = counted(after.trim_start(), '秒')?;
            (minute, second.map(|second| format!("{second:02}")), after)
        } else {
            let after = after.strip_prefix(':')?;
            let (minute, digits, after) = number(after)?;
            let after = Some(after).filter(|_| digits == 2)?;
            match after.strip_prefix(':') {
                Some(after) => {
                    let end = after
                        .find(|c: char| !c.is_ascii_digit() && c != '.')
                        .unwrap_or(after.len());
                    let (second, rest) = after.split_at(end);
                    (Some(minute), Some(second.to_owned()), rest)
                }
                None => (Some(minute), None, after),
            }
        };
        if !after.trim().is_empty() {
            return None;
        }
        time.minute = minute.unwrap_or(0);
        time.second = second.unwrap_or_default();
        if time.half.is_some() {
            self.plain = false;
        }
        self.time = Some(time);
        Some(())
    }

    /// The year of the common era in which the month lies.
    fn common_year(&self, field_type: FieldType, fiscal_column: bool) -> Result<i32, FaultKind> {
        let written = i32::try_from(self.year).unwrap_or(i32::MAX / 2);
        let first = written + self.era.map_or(0, |era| ERAS[era].offset);
        let year = match (self.fiscal, self.month) {
            (true, Some(1..=3)) => first + 1,
            _ => first,
        };
        if self.fiscal && self.month.is_none() {
            if field_type == FieldType::Year && !fiscal_column {
                return Err(FaultKind::TwoReadings);
            }
            if field_type != FieldType::Year {
                return Err(FaultKind::Type);
            }
        }
        if let Some(era) = self.era
            && !self.within(&ERAS[era], year)
        {
            return Err(FaultKind::EraEnd);
        }
        Ok(year)
    }

    /// Whether an era has the day, or a day of the month or of the year.
    fn within(&self, era: &Era, year: i32) -> bool {
        let (earliest, latest) = match (self.fiscal_year(), self.month, self.day) {
            // A fiscal year has one name throughout: 昭和63年度 ends in 平成.
            (Some(first), ..) => ((first, 4, 1), (first + 1, 3, 31)),
            (None, Some(month), Some(day)) => ((year, month, day), (year, month, day)),
            (None, Some(month), None) => ((year, month, 1), (year, month, 31)),
            _ => ((year, 1, 1), (year, 12, 31)),
        };
        let index = ERAS.iter().position(|other| other == era).unwrap_or(0);
        let ended = index.checked_sub(1).is_some_and(|next| earliest >= ERAS[next].first);
        latest >= era.first && !ended
    }

    /// The year by the era in which a day, or the last day of a month or a year, really lies.
    pub(super) fn right_era(&self) -> Option<String> {
        let year = i32::try_from(self.year).ok()? + ERAS[self.era?].offset;
        // Of a year or a month that an era ends in, the later era is the one that people mean.
        let day = (year, self.month.unwrap_or(12), self.day.unwrap_or(31));
        let era = ERAS.iter().find(|era| day >= era.first)?;
        let counted = match year - era.offset {
            1 => "元".to_owned(),
            year => year.to_string(),
        };
        Some(format!("{}{counted}年{}", era.name, if self.fiscal { "度" } else { "" }))
    }

    pub(super) fn fiscal_year(&self) -> Option<i32> {
        let year = i32::try_from(self.year).ok()? + self.era.map_or(0, |era| ERAS[era].offset);
        self.fiscal.then_some(year)
    }

    pub(super) fn weekday(&self) -> Option<Weekday> {
        let year = i32::try_from(self.year).ok()? + self.era.map_or(0, |era| ERAS[era].offset);
        Some(NaiveDate::from_ymd_opt(year, self.month?, self.day?)?.weekday())
    }

    /// The time in its default form, and whether it is 24 o'clock. Noon and midnight by 午前 and 午後 can
    /// be meant in two ways.
    fn time_of_day(&self) -> Result<(Option<String>, bool), ()> {
        let Some(time) = &self.time else { return Ok((None, false)) };
        let hour = match time.half {
            Some(_) if time.hour >= 12 => return Err(()),
            Some(Half::Afternoon) => time.hour + 12,
            _ => time.hour,
        };
        let mut written = format!("{hour:02}:{:02}", time.minute);
        if !time.second.is_empty() {
            written.push_str(&format!(":{:0>2}", time.second));
        }
        Ok((Some(written), hour == 24))
    }
}

/// Digits at the start: their value, how many, and what follows.
fn number(text: &str) -> Option<(u32, usize, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (shown, rest) = text.split_at(digits);
    Some((shown.get(..digits.min(9))?.parse().ok()?, digits, rest))
}

/// A number with its counter behind it, or nothing.
fn counted(text: &str, counter: char) -> Option<(Option<u32>, &str)> {
    if text.is_empty() {
        return Some((None, text));
    }
    let (value, digits, rest) = number(text)?;
    Some((Some(value), rest.strip_prefix(counter).filter(|_| digits <= 2)?))
}

/// Three numbers between equal marks, of which the lengths are looked at.
fn three(text: &str) -> Option<[(u32, usize); 3]> {
    let head = text.split_whitespace().next()?;
    let mark = ['/', '.', '-'].into_iter().find(|mark| head.contains(*mark))?;
    let mut parts = head.split(mark).map(|part| match number(part) {
        Some((value, digits, "")) => Some((value, digits)),
        _ => None,
    });
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

/// `05/01/2024`: whether month or day comes first is not said.
fn is_day_or_month_first(text: &str) -> bool {
    matches!(three(text), Some([(1..=12, 1..=2), (1..=12, 1..=2), (_, 4)]))
}

/// `24/5/1`, which may be of an era or of a century.
fn is_short_year(text: &str) -> bool {
    matches!(three(text), Some([(_, 1..=2), (1..=12, 1..=2), (1..=31, 1..=2)]))
}

/// Which of the two it is: the months or days that come first, or the century.
pub(super) fn readings(text: &str) -> Option<(String, String)> {
    let [(a, _), (b, _), (c, digits)] = three(text)?;
    if digits == 4 {
        return Some((format!("{c:04}-{a:02}-{b:02}"), format!("{c:04}-{b:02}-{a:02}")));
    }
    let year = i32::try_from(a).ok()?;
    // Of the eras only those that had such a year and are within living memory are worth naming.
    let era = ERAS[..2].iter().find(|era| {
        let year = year + era.offset;
        (year, b, c) >= era.first && year <= 2035
    });
    let other = era.map_or(1900 + year, |era| year + era.offset);
    Some((format!("20{a:02}-{b:02}-{c:02}"), format!("{other:04}-{b:02}-{c:02}")))
}
