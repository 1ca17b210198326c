//! Days and times as publishers write them, to the one form that tables have. What is not understood is
//! `None`, never a guess.

use chrono::{Days, NaiveDate};
use unicode_normalization::UnicodeNormalization;

/// `20260115`, `2026/1/5`, `2026-01-05`, `2026.1.5`, `2026年1月5日`, and the same with a year of an era
/// (`令和8年1月5日`, `R8.1.5`).
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    let text: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return NaiveDate::parse_from_str(&text, "%Y%m%d").ok();
    }
    let (year, rest) = year(&text)?;
    let rest = rest.strip_prefix(['/', '-', '.', '年'])?;
    let (month, rest) = digits(rest, 2)?;
    let rest = rest.strip_prefix(['/', '-', '.', '月'])?;
    let (day, rest) = digits(rest, 2)?;
    if !matches!(rest, "" | "日") {
        return None;
    }
    NaiveDate::from_ymd_opt(year, month, day)
}

/// A year of the common era or of a Japanese one at a text's beginning, and what follows.
pub(super) fn year(text: &str) -> Option<(i32, &str)> {
    const ERAS: [(&str, i32); 10] = [
        ("令和", 2018),
        ("平成", 1988),
        ("昭和", 1925),
        ("大正", 1911),
        ("R", 2018),
        ("H", 1988),
        ("S", 1925),
        ("T", 1911),
        ("令", 2018),
        ("平", 1988),
    ];
    for (era, before) in ERAS {
        let Some(rest) = text.strip_prefix(era) else { continue };
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
    let text: String = text.trim().nfkc().collect();
    let (hour, minute) = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let (value, rest) = digits(&text, 4)?;
        if !rest.is_empty() {
            return None;
        }
        (value / 100, value % 100)
    } else {
        let (hour, rest) = digits(&text, 2)?;
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
    Some(format!("{} {:02}:{minute:02}:00", day.format("%Y-%m-%d"), hour % 24))
}

#[cfg(test)]
mod tests {
    use super::*;

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
