//! What a sheet's number formats show: whether a number is a date, a share or a code is told by its format
//! alone.

/// What a format makes of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Number,
    /// As `21.8%`.
    Percent,
    /// A number of at least so many digits, as codes are written.
    Digits(u8),
    /// A day, whatever of it the format shows.
    Day,
    /// A year and a month.
    Month,
    DayAndTime,
    /// A time of day.
    Time,
    /// A time that may be longer than a day.
    Elapsed,
}

/// What a format of the built-in numbers shows; those from 27 on are Japanese Excel's.
pub(crate) fn built_in(id: u32) -> Shown {
    match id {
        9 | 10 => Shown::Percent,
        14..=16 | 27..=31 | 35..=36 | 50..=51 | 53..=54 | 56..=58 => Shown::Day,
        17 | 34 | 52 | 55 => Shown::Month,
        18..=21 | 32..=33 | 45 | 47 => Shown::Time,
        22 => Shown::DayAndTime,
        46 => Shown::Elapsed,
        _ => Shown::Number,
    }
}

/// What a format's code shows. Only its first section is looked at: the others are for negative numbers,
/// zero and text.
pub(crate) fn of_code(code: &str) -> Shown {
    let mut seen = Seen::default();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ';' => break,
            '"' => while chars.next().is_some_and(|c| c != '"') {},
            // The next character is shown, or as wide as what is left free, or repeated.
            '\\' | '_' | '*' | '!' => {
                chars.next();
            }
            '[' => {
                let inner: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let inner = inner.to_ascii_lowercase();
                if !inner.is_empty() && inner.bytes().all(|b| matches!(b, b'h' | b'm' | b's')) {
                    seen.elapsed = true;
                }
            }
            'G' | 'g' if starts_with(&mut chars, "eneral") => {
                chars.by_ref().take(6).for_each(drop);
            }
            'A' | 'a' if starts_with(&mut chars, "m/pm") || starts_with(&mut chars, "/p") => {
                let rest = if starts_with(&mut chars, "m/pm") { 4 } else { 2 };
                chars.by_ref().take(rest).for_each(drop);
                seen.hour = true;
            }
            'E' | 'e' if seen.digit && matches!(chars.peek(), Some('+' | '-')) => {
                chars.next();
            }
            'y' | 'Y' | 'e' | 'E' | 'g' | 'G' => seen.year = true,
            'd' | 'D' => seen.day = true,
            // The weekday, in Japanese.
            'a' | 'A' => seen.day = true,
            'h' | 'H' => seen.hour = true,
            's' | 'S' => {
                seen.second = true;
                // Minutes are told from months by what stands beside them.
                if seen.pending_month {
                    (seen.pending_month, seen.minute) = (false, true);
                }
            }
            'm' | 'M' => {
                while matches!(chars.peek(), Some('m' | 'M')) {
                    chars.next();
                }
                if (seen.hour || seen.elapsed) && !seen.minute {
                    seen.minute = true;
                } else {
                    seen.month |= seen.pending_month;
                    seen.pending_month = true;
                }
            }
            '0' | '#' | '?' => {
                seen.digit = true;
                seen.zeros += u32::from(c == '0');
                seen.plain &= c == '0';
            }
            '.' | ',' | '/' => seen.plain = false,
            '%' => seen.percent = true,
            _ => {}
        }
    }
    seen.decide()
}

fn starts_with(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, rest: &str) -> bool {
    let mut ahead = chars.clone();
    rest.chars().all(|c| ahead.next().is_some_and(|found| found.eq_ignore_ascii_case(&c)))
}

#[derive(Debug)]
struct Seen {
    year: bool,
    month: bool,
    /// An `m` that is a month unless seconds follow.
    pending_month: bool,
    day: bool,
    hour: bool,
    minute: bool,
    second: bool,
    elapsed: bool,
    digit: bool,
    percent: bool,
    zeros: u32,
    /// Nothing but zeros among digits.
    plain: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            year: false,
            month: false,
            pending_month: false,
            day: false,
            hour: false,
            minute: false,
            second: false,
            elapsed: false,
            digit: false,
            percent: false,
            zeros: 0,
            plain: true,
        }
    }
}

impl Seen {
    fn decide(self) -> Shown {
        let month = self.month || self.pending_month;
        let date = self.year || month || self.day;
        let time = self.hour || self.minute || self.second;
        match (date, time) {
            _ if self.elapsed => Shown::Elapsed,
            (true, true) => Shown::DayAndTime,
            (true, false) if self.year && month && !self.day => Shown::Month,
            (true, false) => Shown::Day,
            (false, true) => Shown::Time,
            _ if self.percent => Shown::Percent,
            _ if self.plain && self.zeros >= 2 => {
                Shown::Digits(u8::try_from(self.zeros).unwrap_or(u8::MAX).min(40))
            }
            _ => Shown::Number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_tell_dates_from_numbers() {
        use Shown::*;
        for (code, shown) in [
            ("General", Number),
            ("0.00E+00", Number),
            ("#,##0;[Red]▲ #,##0", Number),
            ("0.0\"mm\"", Number),
            ("\"d\"0", Number),
            ("0%", Percent),
            ("0.0%", Percent),
            ("000000", Digits(6)),
            ("yyyy/m/d", Day),
            ("[$-411]ggge\"年\"m\"月\"d\"日\";@", Day),
            ("[$-411]ge.m.d", Day),
            ("[$-ja-JP-x-gannen]ggge\"年\"m\"月\"", Month),
            ("yyyy\"年\"m\"月\"", Month),
            ("m\"月\"d\"日\"", Day),
            ("aaa", Day),
            ("yyyy/m/d h:mm", DayAndTime),
            ("h:mm", Time),
            ("h\"時\"mm\"分\"", Time),
            ("h:mm AM/PM", Time),
            ("mm:ss.0", Time),
            ("[h]:mm:ss", Elapsed),
            ("[mm]", Elapsed),
            ("[Red]0.0", Number),
            ("@", Number),
        ] {
            assert_eq!(of_code(code), shown, "{code}");
        }
    }
}
