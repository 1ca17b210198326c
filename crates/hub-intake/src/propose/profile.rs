//! What the values of one column have in common.

use std::collections::{BTreeSet, HashSet};

use hub_model::{FieldType, Quality};

use super::place;
use crate::conform::{
    normal,
    number::{parse_integer, parse_number},
    time::{TimeFormat, parse_year},
};

/// Texts that often stand where nothing was observed.
const MARKERS: [&str; 22] = [
    "×", "///", "-", "--", "---", "…", "...", "*", "**", "***", "x", "X", "Ｘ", "－", "欠測", "欠",
    "NA", "N/A", "n/a", "null", "NULL", "NaN",
];

/// Forms of times that are no default ones and are still told from their values.
const FORMATS: [(&str, FieldType); 9] = [
    ("%Y年%m月%d日", FieldType::Date),
    ("%Y年%m月%d日 %H時%M分", FieldType::Datetime),
    ("%Y年%m月%d日%H時%M分", FieldType::Datetime),
    ("%Y年%m月%d日%H時", FieldType::Datetime),
    ("%Y年%m月%d日 %H:%M", FieldType::Datetime),
    ("%Y年%m月", FieldType::Yearmonth),
    ("%Y%m%d%H%M", FieldType::Datetime),
    ("%Y%m%d", FieldType::Date),
    ("%Y%m", FieldType::Yearmonth),
];

/// How many different values are remembered, and how long they may be.
const MAX_DISTINCT: usize = 1_000;
const MAX_LENGTH: usize = 256;

/// How many different markers of a column are remembered.
const MAX_MARKERS: usize = 20;

/// The mark that a text is.
fn marker(text: &[u8]) -> Option<&str> {
    if text.len() > 24 || text.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    (MARKERS.contains(&text) || normal::is_mark(text)).then_some(text)
}

/// What could still be said of all values so far.
#[derive(Debug)]
pub(crate) struct Profile {
    /// Cells with a value, markers left out.
    pub(crate) values: u64,
    pub(crate) missing: u64,
    /// Numbers met that often mean that nothing was observed.
    pub(crate) fillers: BTreeSet<String>,
    /// Markers met.
    pub(crate) markers: BTreeSet<String>,
    pub(crate) integer: bool,
    pub(crate) number: bool,
    pub(crate) boolean: bool,
    pub(crate) datetime: bool,
    pub(crate) date: bool,
    pub(crate) month: bool,
    /// Four digits, between 1800 and 2200.
    pub(crate) year: bool,
    /// The same, in other ways of writing: 和暦, full-width digits, commas, units.
    pub(crate) loose: Loose,
    formats: Vec<(&'static str, FieldType, TimeFormat)>,
    pub(crate) digits_only: bool,
    pub(crate) leading_zero: bool,
    pub(crate) shortest: usize,
    pub(crate) longest: usize,
    pub(crate) quality: bool,
    pub(crate) municipality: bool,
    distinct: Option<HashSet<Box<[u8]>>>,
    last: Vec<u8>,
}

/// What could still be said of all values as people write them.
#[derive(Debug)]
pub(crate) struct Loose {
    pub(crate) number: bool,
    pub(crate) integer: bool,
    pub(crate) datetime: bool,
    pub(crate) date: bool,
    pub(crate) month: bool,
    pub(crate) year: bool,
    /// Units behind numbers.
    pub(crate) units: BTreeSet<&'static str>,
    /// A value that only this way of reading takes.
    pub(crate) example: Option<String>,
}

/// Numbers that stand for a missing value more often than for themselves.
const FILLERS: [&[u8]; 8] =
    [b"-9999", b"-9999.0", b"-9999.00", b"-999", b"-999.9", b"-99.9", b"-99999", b"-9999.9"];

impl Profile {
    pub(crate) fn new() -> Self {
        let formats = FORMATS
            .map(|(pattern, field_type)| (pattern, field_type, TimeFormat::new(Some(pattern))));
        Self {
            values: 0,
            missing: 0,
            markers: BTreeSet::new(),
            integer: true,
            number: true,
            boolean: true,
            datetime: true,
            date: true,
            month: true,
            year: true,
            loose: Loose {
                number: true,
                integer: true,
                datetime: true,
                date: true,
                month: true,
                year: true,
                units: BTreeSet::new(),
                example: None,
            },
            fillers: BTreeSet::new(),
            formats: formats.into(),
            digits_only: true,
            leading_zero: false,
            shortest: usize::MAX,
            longest: 0,
            quality: true,
            municipality: true,
            distinct: Some(HashSet::new()),
            last: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, cell: &[u8]) {
        if cell.is_empty() {
            self.missing += 1;
            return;
        }
        if self.values > 0 && cell == self.last {
            self.values += 1;
            return;
        }
        let text = cell.trim_ascii();
        if text.is_empty() {
            self.missing += 1;
            return;
        }
        if let Some(distinct) = &self.distinct
            && distinct.contains(cell)
        {
            self.values += 1;
            return;
        }
        if let Some(marker) = marker(text) {
            self.missing += 1;
            if self.markers.len() < MAX_MARKERS {
                self.markers.insert(marker.to_owned());
            }
            return;
        }
        self.values += 1;
        self.last.clear();
        self.last.extend_from_slice(cell);
        self.look(text);
        if let Some(distinct) = &mut self.distinct {
            if distinct.len() == MAX_DISTINCT || cell.len() > MAX_LENGTH {
                self.distinct = None;
            } else {
                distinct.insert(cell.into());
            }
        }
    }

    fn look(&mut self, text: &[u8]) {
        let time = TimeFormat::Default;
        self.look_loosely(text);
        if text.first() == Some(&b'-') && FILLERS.contains(&text) {
            self.fillers.insert(String::from_utf8_lossy(text).into_owned());
        }
        self.integer = self.integer && parse_integer(text).is_ok() && !text.contains(&b'.');
        self.number = self.number && parse_number(text).is_ok();
        self.boolean = self.boolean
            && matches!(text, b"true" | b"True" | b"TRUE" | b"false" | b"False" | b"FALSE");
        self.datetime = self.datetime && time.parse_instant(text).is_ok();
        self.date = self.date && time.parse_date(text).is_ok();
        self.month = self.month && time.parse_month(text).is_ok();
        self.year = self.year && parse_year(text).is_ok_and(|year| (1800..=2200).contains(&year));
        self.formats.retain(|(_, field_type, format)| match field_type {
            FieldType::Datetime => format.parse_instant(text).is_ok(),
            FieldType::Yearmonth => format.parse_month(text).is_ok(),
            _ => format.parse_date(text).is_ok(),
        });
        self.digits_only = self.digits_only && text.iter().all(u8::is_ascii_digit);
        self.leading_zero = self.leading_zero
            || (text.len() > 1 && text[0] == b'0' && text.iter().all(u8::is_ascii_digit));
        self.shortest = self.shortest.min(text.len());
        self.longest = self.longest.max(text.len());
        self.quality =
            self.quality && Quality::ALL.iter().any(|quality| quality.as_str().as_bytes() == text);
        self.municipality = self.municipality
            && (place::is_municipality_code(text)
                || std::str::from_utf8(text).is_ok_and(normal::is_municipality));
    }

    /// Whether the value is one at least as people write it.
    fn look_loosely(&mut self, text: &[u8]) {
        let Ok(text) = std::str::from_utf8(text) else {
            self.loose = Loose {
                number: false,
                integer: false,
                datetime: false,
                date: false,
                month: false,
                year: false,
                ..std::mem::replace(&mut self.loose, Profile::new().loose)
            };
            return;
        };
        let loose = &mut self.loose;
        let mut only_loosely = false;
        if loose.number && parse_number(text.as_bytes()).is_err() {
            match normal::any_number(text) {
                Some((plain, unit)) => {
                    loose.number = parse_number(plain.as_bytes()).is_ok();
                    loose.integer = loose.integer && !plain.contains('.');
                    only_loosely |= loose.number;
                    loose.units.extend(unit);
                }
                None => loose.number = false,
            }
        } else if loose.integer {
            loose.integer = parse_integer(text.as_bytes()).is_ok() && !text.contains('.');
        }
        loose.integer = loose.integer && loose.number;
        let time = TimeFormat::Default;
        let mut still = |flag: &mut bool, field_type, parse: &dyn Fn(&[u8]) -> bool| {
            if *flag && !parse(text.as_bytes()) {
                let plain = normal::any_time(text, field_type);
                *flag = plain.is_some_and(|plain| parse(plain.as_bytes()));
                only_loosely |= *flag;
            }
        };
        still(&mut loose.datetime, FieldType::Datetime, &|t| time.parse_instant(t).is_ok());
        still(&mut loose.date, FieldType::Date, &|t| time.parse_date(t).is_ok());
        still(&mut loose.month, FieldType::Yearmonth, &|t| time.parse_month(t).is_ok());
        still(&mut loose.year, FieldType::Year, &|t| {
            parse_year(t).is_ok_and(|year| (1800..=2200).contains(&year))
        });
        if only_loosely && loose.example.is_none() {
            loose.example = Some(crate::show::show_text(text));
        }
    }

    /// The different values, where they are few.
    pub(crate) fn few(&self, most: usize) -> Option<Vec<String>> {
        let distinct = self.distinct.as_ref().filter(|distinct| distinct.len() <= most)?;
        let text = |value: &[u8]| std::str::from_utf8(value.trim_ascii()).ok().map(str::to_owned);
        let mut values: Vec<String> = distinct.iter().filter_map(|value| text(value)).collect();
        values.sort();
        values.dedup();
        Some(values)
    }

    /// The one form of times other than the default ones that all values have.
    pub(crate) fn format(&self) -> Option<(&'static str, FieldType)> {
        self.formats.first().map(|(pattern, field_type, _)| (*pattern, *field_type))
    }

    /// How many different values there are, unless they are too many to count.
    pub(crate) fn distinct(&self) -> Option<usize> {
        self.distinct.as_ref().map(HashSet::len)
    }

    /// Whether all values are of one length and each stands for several rows.
    pub(crate) fn looks_like_codes(&self) -> bool {
        self.digits_only
            && self.shortest == self.longest
            && self.longest >= 4
            && self.distinct().is_some_and(|distinct| distinct as u64 * 2 <= self.values)
    }

    /// The values may be anything but null: a typed file says what they are.
    pub(crate) fn add_opaque(&mut self, values: u64, missing: u64) {
        self.values += values;
        self.missing += missing;
        self.quality = false;
        self.loose.number = false;
        self.municipality = false;
        self.distinct = None;
    }
}
