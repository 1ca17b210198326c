//! What the values of one column have in common.

use std::collections::{BTreeSet, HashSet};

use hub_model::{FieldType, Quality};

use super::place;
use crate::conform::{
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

/// What could still be said of all values so far.
#[derive(Debug)]
pub(crate) struct Profile {
    /// Cells with a value, markers left out.
    pub(crate) values: u64,
    pub(crate) missing: u64,
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
        if text.len() <= 6
            && let Some(marker) = MARKERS.iter().find(|marker| marker.as_bytes() == text)
        {
            self.missing += 1;
            self.markers.insert((*marker).to_owned());
            return;
        }
        self.values += 1;
        self.last.clear();
        self.last.extend_from_slice(cell);
        self.look(text);
        if let Some(distinct) = &mut self.distinct
            && !distinct.contains(cell)
        {
            if distinct.len() == MAX_DISTINCT || cell.len() > MAX_LENGTH {
                self.distinct = None;
            } else {
                distinct.insert(cell.into());
            }
        }
    }

    fn look(&mut self, text: &[u8]) {
        let time = TimeFormat::Default;
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
        self.municipality = self.municipality && place::is_municipality_code(text);
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
        self.municipality = false;
        self.distinct = None;
    }
}
