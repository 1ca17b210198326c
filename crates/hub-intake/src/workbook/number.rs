//! A number of a sheet as text: what its format makes of it. A date is a number of days with a format
//! that shows dates, so that format alone tells `45000` from 2023-03-15.

use chrono::{Datelike, Days, NaiveDate};

use super::shown::Shown;

/// Where a book's days begin: Excel for Windows counts 1 as 1900-01-01, and some books of Macs count 0 as
/// 1904-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Epoch {
    Y1900,
    Y1904,
}

/// Days of the year 9999's end, the last that Excel knows.
const LAST_DAY: f64 = 2_958_466.0;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// Adds a number's text. `raw` is the number as the file writes it.
pub(crate) fn write(raw: &str, shown: Shown, epoch: Epoch, out: &mut String) {
    if shown == Shown::Number && is_short(raw.as_bytes()) {
        out.push_str(raw);
        return;
    }
    match raw.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => write_value(value, shown, epoch, out),
        // The report names what is no number.
        _ => out.push_str(raw),
    }
}

/// Adds the text of a number that is held as one.
pub(crate) fn write_value(value: f64, shown: Shown, epoch: Epoch, out: &mut String) {
    let done = match shown {
        Shown::Number => false,
        Shown::Percent => {
            write_percent(value, out);
            true
        }
        Shown::Digits(digits) => write_digits(value, digits, out),
        Shown::Elapsed => write_elapsed(value, out),
        // 24:00 typed into a cell that shows times of day is the number 1.
        Shown::Time if (0.0..2.0).contains(&value) => write_elapsed(value, out),
        Shown::Day | Shown::Month | Shown::DayAndTime | Shown::Time => {
            write_date(value, shown, epoch, out)
        }
    };
    if !done {
        write_number(value, out);
    }
}

/// A date or a time that the file writes as text in the ISO form: a day without its midnight where the
/// format shows days alone.
pub(crate) fn iso(text: &str, shown: Shown) -> &str {
    match text.split_once('T') {
        Some((day, time))
            if matches!(shown, Shown::Day | Shown::Month)
                && time.trim_end_matches('Z').bytes().all(|b| matches!(b, b'0' | b':' | b'.')) =>
        {
            day
        }
        _ => text,
    }
}

/// A number that is its own shortest text: up to fifteen digits and a point, without zeros that say
/// nothing.
pub(crate) fn is_short(raw: &[u8]) -> bool {
    let digits = raw.strip_prefix(b"-").unwrap_or(raw);
    let (whole, fraction) = match memchr::memchr(b'.', digits) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let all = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    all(whole)
        && (whole.len() == 1 || whole[0] != b'0')
        && fraction.is_none_or(|f| all(f) && f.last() != Some(&b'0'))
        && digits.len() <= 15
        && raw != b"-0"
}

/// The shortest text that reads back as the same number, without an exponent where that is readable.
fn write_number(value: f64, out: &mut String) {
    use std::fmt::Write;
    let size = value.abs();
    // Writing to a text can't fail.
    let _ = if value == 0.0 {
        write!(out, "0")
    } else if (1e-7..1e21).contains(&size) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
}

/// A hundredfold by moving the point, since multiplying would spoil the last digits.
fn write_percent(value: f64, out: &mut String) {
    let mut text = String::new();
    write_number(value, &mut text);
    if text.contains('e') {
        write_number(value * 100.0, out);
    } else {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text.as_str()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let moved = fraction.len().min(2);
        let mut whole = format!("{whole}{}", &fraction[..moved]);
        whole.extend(std::iter::repeat_n('0', 2 - moved));
        let whole = whole.trim_start_matches('0');
        out.push_str(sign);
        out.push_str(if whole.is_empty() { "0" } else { whole });
        if fraction.len() > moved {
            out.push('.');
            out.push_str(&fraction[moved..]);
        }
    }
    out.push('%');
}

fn write_digits(value: f64, digits: u8, out: &mut String) -> bool {
    use std::fmt::Write;
    if value < 0.0 || value.fract() != 0.0 || value >= 1e15 {
        return false;
    }
    write!(out, "{:0width$}", value as u64, width = usize::from(digits)).is_ok()
}

/// Milliseconds of a number of days. Sums of fractions of days miss the second by a hair, which nobody
/// meant.
fn millis(days: f64) -> i64 {
    let millis = (days * MILLIS_PER_DAY as f64).round() as i64;
    let second = (millis + 500).div_euclid(1_000) * 1_000;
    if (millis - second).abs() <= 10 { second } else { millis }
}

fn write_clock(millis: i64, out: &mut String) {
    let (seconds, rest) = (millis / 1_000, (millis % 1_000) as u32);
    let (hour, minute, second) =
        ((seconds / 3_600) as u32, (seconds / 60 % 60) as u32, (seconds % 60) as u32);
    for (mark, number) in [("", hour), (":", minute), (":", second)] {
        out.push_str(mark);
        write_padded(number, 2, out);
    }
    if rest > 0 {
        out.push('.');
        write_padded(rest, 3, out);
    }
}

/// Adds a number with at least so many digits. A sheet of times has some million such numbers, for which
/// the standard library's formatting takes longer than reading their cells.
fn write_padded(number: u32, width: u32, out: &mut String) {
    let mut scale = 10u32.pow(width - 1);
    while number / scale >= 10 {
        scale *= 10;
    }
    while scale > 0 {
        out.push(char::from(b'0' + (number / scale % 10) as u8));
        scale /= 10;
    }
}

fn write_elapsed(days: f64, out: &mut String) -> bool {
    if !(0.0..LAST_DAY).contains(&days) {
        return false;
    }
    write_clock(millis(days), out);
    true
}

fn write_date(value: f64, shown: Shown, epoch: Epoch, out: &mut String) -> bool {
    let Some((day, millis)) = date(value, epoch) else { return false };
    write_padded(day.year().unsigned_abs(), 4, out);
    out.push('-');
    write_padded(day.month(), 2, out);
    if shown == Shown::Month && millis == 0 && day.day() == 1 {
        return true;
    }
    out.push('-');
    write_padded(day.day(), 2, out);
    if millis > 0 || matches!(shown, Shown::DayAndTime | Shown::Time) {
        out.push(' ');
        write_clock(millis, out);
    }
    true
}

/// The day and the milliseconds of it.
fn date(value: f64, epoch: Epoch) -> Option<(NaiveDate, i64)> {
    if !(0.0..LAST_DAY).contains(&value) {
        return None;
    }
    let millis = millis(value);
    let (days, rest) = (millis / MILLIS_PER_DAY, millis % MILLIS_PER_DAY);
    let (year, month, first) = match epoch {
        Epoch::Y1904 => (1904, 1, 1),
        // Excel counts a 29 February 1900, which never was, as day 60, and shows day 0 as 1900/1/0, which
        // is what a formula makes of an empty cell.
        Epoch::Y1900 if days == 60 || days == 0 => return None,
        Epoch::Y1900 if days > 60 => (1899, 12, 30),
        Epoch::Y1900 => (1899, 12, 31),
    };
    let start = NaiveDate::from_ymd_opt(year, month, first)?;
    Some((start.checked_add_days(Days::new(u64::try_from(days).ok()?))?, rest))
}

#[cfg(test)]
mod tests {
    use super::{super::shown::of_code, *};

    fn text(raw: &str, code: &str) -> String {
        let mut out = String::new();
        write(raw, of_code(code), Epoch::Y1900, &mut out);
        out
    }

    #[test]
    fn numbers_keep_their_value_and_lose_their_noise() {
        for (raw, code, expected) in [
            ("12", "General", "12"),
            ("-1.5", "General", "-1.5"),
            ("1.1000000000000001", "General", "1.1"),
            ("1.50", "General", "1.5"),
            ("3.0101128110401E+14", "General", "301011281104010"),
            ("1E-3", "General", "0.001"),
            ("1e300", "General", "1e300"),
            ("-0", "General", "0"),
            ("n/a", "General", "n/a"),
            ("12033", "000000", "012033"),
            ("0.218", "0.0%", "21.8%"),
            ("1", "0%", "100%"),
            ("0.005", "0.0%", "0.5%"),
            ("-0.07", "0%", "-7%"),
            ("1.23456", "0%", "123.456%"),
        ] {
            assert_eq!(text(raw, code), expected, "{raw} {code}");
        }
    }

    #[test]
    fn days_and_times_are_iso() {
        for (raw, code, expected) in [
            ("45000", "yyyy/m/d", "2023-03-15"),
            ("45000", "[$-411]ggge\"年\"m\"月\"d\"日\"", "2023-03-15"),
            ("45000.5", "yyyy/m/d", "2023-03-15 12:00:00"),
            ("45000", "yyyy/m/d h:mm", "2023-03-15 00:00:00"),
            ("45000.04166666667", "yyyy/m/d h:mm", "2023-03-15 01:00:00"),
            ("45000.999999999", "yyyy/m/d h:mm", "2023-03-16 00:00:00"),
            ("44986", "yyyy\"年\"m\"月\"", "2023-03"),
            ("45000", "yyyy\"年\"m\"月\"", "2023-03-15"),
            ("0.375", "h:mm", "09:00:00"),
            ("1", "h:mm", "24:00:00"),
            ("1", "[h]:mm", "24:00:00"),
            ("1.0625", "[h]:mm", "25:30:00"),
            ("45000.375", "h:mm", "2023-03-15 09:00:00"),
            ("1", "yyyy/m/d", "1900-01-01"),
            ("59", "yyyy/m/d", "1900-02-28"),
            ("60", "yyyy/m/d", "60"),
            ("0", "yyyy/m/d", "0"),
            ("61", "yyyy/m/d", "1900-03-01"),
            ("-1", "yyyy/m/d", "-1"),
            ("2958465", "yyyy/m/d", "9999-12-31"),
            ("2958466", "yyyy/m/d", "2958466"),
        ] {
            assert_eq!(text(raw, code), expected, "{raw} {code}");
        }
        let mut out = String::new();
        write("43538", Shown::Day, Epoch::Y1904, &mut out);
        assert_eq!(out, "2023-03-15");
    }

    #[test]
    fn every_second_of_a_day_survives() {
        for second in 0..86_400 {
            let raw = (45_000.0 + f64::from(second) / 86_400.0).to_string();
            let (hour, minute, rest) = (second / 3_600, second / 60 % 60, second % 60);
            let expected = format!("2023-03-15 {hour:02}:{minute:02}:{rest:02}");
            assert_eq!(text(&raw, "yyyy/m/d h:mm:ss"), expected);
        }
    }
}
