//! Days, months and instants as text. A time without an offset is Japanese; `24:00` is the next day's
//! beginning; nothing is added that the text does not say.

mod pattern;

use chrono::{
    Datelike, NaiveDate,
    format::{Item, Numeric, StrftimeItems},
};
use pattern::{parse_other, parse_plain};

use super::fault::FaultKind;

pub(crate) const MICROS_PER_SECOND: i64 = 1_000_000;
pub(crate) const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// How far Japanese time is ahead of UTC.
pub(crate) const TOKYO_MICROS: i64 = 9 * 3_600 * MICROS_PER_SECOND;

/// Days from 1970-01-01 to the first and the last that four digits can write.
pub(crate) const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// The instants of those days in Japan, in microseconds of UTC.
pub(crate) const INSTANTS: std::ops::Range<i64> = *DAYS.start() * MICROS_PER_DAY - TOKYO_MICROS
    ..(*DAYS.end() + 1) * MICROS_PER_DAY - TOKYO_MICROS;

/// A day and a time of it, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written {
    /// Days from 1970-01-01.
    days: i64,
    /// From the day's beginning; a whole day where the text says 24:00.
    micros: i64,
    /// Seconds ahead of UTC, where the text says so.
    offset: Option<i64>,
}

impl Written {
    /// Microseconds from 1970-01-01T00:00:00Z.
    #[inline]
    fn instant(self) -> Result<i64, FaultKind> {
        if self.micros < 0 {
            return Err(FaultKind::TimeUnsaid);
        }
        let ahead = self.offset.map_or(TOKYO_MICROS, |seconds| seconds * MICROS_PER_SECOND);
        let instant = self.days * MICROS_PER_DAY + self.micros - ahead;
        if INSTANTS.contains(&instant) { Ok(instant) } else { Err(FaultKind::OutOfRange) }
    }
}

/// How a contract says that text gives times.
#[derive(Debug)]
pub(crate) enum TimeFormat {
    /// The forms that every contract accepts.
    Default,
    /// A strptime pattern of plain numbers, read here.
    Plain(Vec<Part>),
    /// Any other strptime pattern.
    Other(Vec<Item<'static>>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A number of at least and at most so many digits.
    Number(Unit, usize, usize),
    Literal(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

impl TimeFormat {
    /// Reads a contract's `format`.
    pub(crate) fn new(format: Option<&str>) -> Self {
        let Some(pattern) = format.filter(|format| *format != "default") else {
            return Self::Default;
        };
        let items: Vec<Item<'static>> = StrftimeItems::new(pattern).map(Item::to_owned).collect();
        let is_number = |item: Option<&Item<'_>>| matches!(item, Some(Item::Numeric(..)));
        let mut parts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            // Numbers that touch are told apart only by their full width.
            let touches =
                is_number(items.get(index + 1)) || (index > 0 && is_number(items.get(index - 1)));
            let two = if touches { 2 } else { 1 };
            parts.push(match item {
                Item::Numeric(Numeric::Year, _) => Part::Number(Unit::Year, 4, 4),
                Item::Numeric(Numeric::Month, _) => Part::Number(Unit::Month, two, 2),
                Item::Numeric(Numeric::Day, _) => Part::Number(Unit::Day, two, 2),
                Item::Numeric(Numeric::Hour, _) => Part::Number(Unit::Hour, two, 2),
                Item::Numeric(Numeric::Minute, _) => Part::Number(Unit::Minute, two, 2),
                Item::Numeric(Numeric::Second, _) => Part::Number(Unit::Second, two, 2),
                Item::Literal(text) | Item::Space(text) => Part::Literal(text.as_bytes().to_vec()),
                Item::OwnedLiteral(text) | Item::OwnedSpace(text) => {
                    Part::Literal(text.as_bytes().to_vec())
                }
                _ => return Self::Other(items),
            });
        }
        Self::Plain(parts)
    }

    fn parse(&self, text: &[u8]) -> Result<Written, FaultKind> {
        match self {
            Self::Default => parse_default(text),
            Self::Plain(parts) => parse_plain(parts, text),
            Self::Other(items) => parse_other(items, text),
        }
    }

    /// The same as [`Self::parse_instant`], where 24 o'clock is a fault, so that it can be told.
    #[inline]
    pub(crate) fn parse_instant_of_day(&self, text: &[u8]) -> Result<i64, FaultKind> {
        if let Self::Default = self
            && let Some(written) = parse_common(text)
        {
            return Ok(written.days * MICROS_PER_DAY + written.micros - TOKYO_MICROS);
        }
        let written = self.parse(text)?;
        if written.micros == MICROS_PER_DAY { Err(FaultKind::NextDay) } else { written.instant() }
    }

    /// The next day's beginning as text, if the text says 24 o'clock.
    pub(crate) fn next_day(&self, text: &str) -> Option<String> {
        let written = self.parse(text.as_bytes()).ok()?;
        if written.micros != MICROS_PER_DAY {
            return None;
        }
        let day = i32::try_from(written.days + 1).ok()?;
        Some(format!("{} 00:00", NaiveDate::from_epoch_days(day)?))
    }

    /// The text with the zeros that a time such as `800` lacks, where the format ends in hours and minutes
    /// of two digits each with something before them that ends where they begin.
    pub(crate) fn padded(&self, text: &str) -> Option<String> {
        let Self::Plain(parts) = self else { return None };
        let [before @ .., Part::Number(Unit::Hour, 2, 2), Part::Number(Unit::Minute, 2, 2)] =
            parts.as_slice()
        else {
            return None;
        };
        if !matches!(before.last(), Some(Part::Literal(literal)) if literal.last().is_some_and(|b| !b.is_ascii_digit()))
        {
            return None;
        }
        let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
        if !matches!(digits, 1..=3) {
            return None;
        }
        let (head, time) = text.split_at(text.len() - digits);
        Some(format!("{head}{time:0>4}"))
    }

    /// Microseconds from 1970-01-01T00:00:00Z.
    #[inline]
    pub(crate) fn parse_instant(&self, text: &[u8]) -> Result<i64, FaultKind> {
        let written = match self {
            Self::Default => match parse_common(text) {
                Some(written) => written,
                None => parse_default(text)?,
            },
            _ => self.parse(text)?,
        };
        written.instant()
    }

    /// Days from 1970-01-01; a time of day may be there if it is the day's beginning.
    pub(crate) fn parse_date(&self, text: &[u8]) -> Result<i32, FaultKind> {
        let written = self.parse(text)?;
        if written.offset.is_some() || written.micros > 0 {
            return Err(FaultKind::TimeOfDay);
        }
        Ok(written.days as i32)
    }

    /// The month's first day, in days from 1970-01-01.
    pub(crate) fn parse_month(&self, text: &[u8]) -> Result<i32, FaultKind> {
        if let Self::Default = self {
            let (year, rest) = digits(text, 4, 4).ok_or(FaultKind::Type)?;
            let rest = match rest.split_first() {
                Some((b'-' | b'/', rest)) => rest,
                _ => return Err(FaultKind::Type),
            };
            return match digits(rest, 1, 2) {
                Some((month, [])) => Ok(days(year, month, 1)? as i32),
                Some(_) if parse_default(text).is_ok() => Err(FaultKind::DayOfMonth),
                _ => Err(FaultKind::Type),
            };
        }
        let day = self.parse_date(text)?;
        if first_of_month(day) == day { Ok(day) } else { Err(FaultKind::DayOfMonth) }
    }
}

/// The first day of the month in which a day lies; both count from 1970-01-01.
pub(crate) fn first_of_month(day: i32) -> i32 {
    NaiveDate::from_epoch_days(day)
        .and_then(|date| date.with_day(1))
        .map_or(day, |date| date.to_epoch_days())
}

/// A year of up to four digits.
pub(crate) fn parse_year(text: &[u8]) -> Result<i32, FaultKind> {
    match digits(text, 4, 4) {
        Some((year, [])) => Ok(year as i32),
        _ => Err(FaultKind::Type),
    }
}

/// `YYYY-MM-DD HH:MM` with seconds or without, which nearly every file of instants has throughout.
#[inline]
fn parse_common(text: &[u8]) -> Option<Written> {
    let head = text.first_chunk::<16>()?;
    if !matches!(head[4], b'-' | b'/')
        || head[7] != head[4]
        || !matches!(head[10], b' ' | b'T')
        || head[13] != b':'
    {
        return None;
    }
    let two = |at: usize| {
        let (tens, ones) = (head[at].wrapping_sub(b'0'), head[at + 1].wrapping_sub(b'0'));
        (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
    };
    let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let (hour, minute) = (two(11)?, two(14)?);
    let second = match &text[16..] {
        [] => 0,
        [b':', tens @ b'0'..=b'5', ones @ b'0'..=b'9'] => {
            u32::from(tens - b'0') * 10 + u32::from(ones - b'0')
        }
        _ => return None,
    };
    if hour > 23 || minute > 59 {
        return None;
    }
    let days = days(year, month, day).ok()?;
    let micros = i64::from(hour * 3_600 + minute * 60 + second) * MICROS_PER_SECOND;
    Some(Written { days, micros, offset: None })
}

/// The default forms: `YYYY-MM-DD` or `YYYY/M/D`, then possibly a time, then possibly an offset. Where
/// there is no time, `micros` is -1.
fn parse_default(text: &[u8]) -> Result<Written, FaultKind> {
    let (year, rest) = digits(text, 4, 4).ok_or(FaultKind::Type)?;
    let (mark, rest) = match rest.split_first() {
        Some((mark @ (b'-' | b'/'), rest)) => (*mark, rest),
        _ => return Err(FaultKind::Type),
    };
    let (month, rest) = digits(rest, 1, 2).ok_or(FaultKind::Type)?;
    let rest = match rest.split_first() {
        Some((second, rest)) if *second == mark => rest,
        _ => return Err(FaultKind::Type),
    };
    let (day, rest) = digits(rest, 1, 2).ok_or(FaultKind::Type)?;
    let days = days(year, month, day)?;
    let rest = match rest.split_first() {
        None => return Ok(Written { days, micros: -1, offset: None }),
        Some((b' ' | b'T' | b't', rest)) => rest,
        _ => return Err(FaultKind::Type),
    };
    let (hour, rest) = digits(rest, 1, 2).ok_or(FaultKind::Type)?;
    let (minute, rest) = after_colon(rest)?.ok_or(FaultKind::Type)?;
    let (second, rest) = after_colon(rest)?.unwrap_or((0, rest));
    let (fraction, rest) = match rest.split_first() {
        Some((b'.', rest)) => fraction(rest)?,
        _ => (0, rest),
    };
    let offset = offset(rest)?;
    Ok(Written { days, micros: time_of_day(hour, minute, second)? + fraction, offset }).and_then(
        |written| {
            if written.micros > MICROS_PER_DAY { Err(FaultKind::Type) } else { Ok(written) }
        },
    )
}

fn after_colon(text: &[u8]) -> Result<Option<(u32, &[u8])>, FaultKind> {
    match text.split_first() {
        Some((b':', rest)) => digits(rest, 2, 2).map(Some).ok_or(FaultKind::Type),
        _ => Ok(None),
    }
}

fn fraction(text: &[u8]) -> Result<(i64, &[u8]), FaultKind> {
    let length = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (shown, rest) = text.split_at(length);
    if shown.is_empty() {
        return Err(FaultKind::Type);
    }
    let kept = &shown[..shown.len().min(6)];
    if shown[kept.len()..].iter().any(|b| *b != b'0') {
        return Err(FaultKind::TooFine);
    }
    let mut micros = 0;
    for place in 0..6 {
        micros = micros * 10 + kept.get(place).map_or(0, |b| i64::from(b - b'0'));
    }
    Ok((micros, rest))
}

fn offset(text: &[u8]) -> Result<Option<i64>, FaultKind> {
    let (sign, rest) = match text.split_first() {
        None => return Ok(None),
        Some((b'Z' | b'z', [])) => return Ok(Some(0)),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        _ => return Err(FaultKind::Type),
    };
    let (hours, rest) = digits(rest, 2, 2).ok_or(FaultKind::Type)?;
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    match digits(rest, 2, 2) {
        Some((minutes, [])) if hours <= 23 && minutes <= 59 => {
            Ok(Some(sign * i64::from(hours * 3_600 + minutes * 60)))
        }
        _ => Err(FaultKind::Type),
    }
}

fn time_of_day(hour: u32, minute: u32, second: u32) -> Result<i64, FaultKind> {
    let seconds = i64::from(hour * 3_600 + minute * 60 + second);
    if hour > 24 || minute > 59 || second > 59 || (hour == 24 && seconds > 86_400) {
        return Err(FaultKind::Type);
    }
    Ok(seconds * MICROS_PER_SECOND)
}

/// Between `least` and `most` digits at the start of a text, as many as there are, and what follows.
fn digits(text: &[u8], least: usize, most: usize) -> Option<(u32, &[u8])> {
    let length = text.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    if length < least {
        return None;
    }
    let (shown, rest) = text.split_at(length);
    Some((shown.iter().fold(0, |value, b| value * 10 + u32::from(b - b'0')), rest))
}

#[inline]
fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days from 1970-01-01, if there is such a day. The arithmetic counts years from March, so that the
/// leap day is a year's last (<https://howardhinnant.github.io/date_algorithms.html>).
#[inline]
fn days(year: u32, month: u32, day: u32) -> Result<i64, FaultKind> {
    const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > LENGTHS[month as usize - 1] {
        return Err(FaultKind::NoSuchDay);
    }
    if month == 2 && day == 29 && !is_leap(year) {
        return Err(FaultKind::NoSuchDay);
    }
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Ok(era * 146_097 + day_of_era - 719_468)
}
