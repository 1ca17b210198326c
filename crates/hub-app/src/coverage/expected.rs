//! What there is against what is to be expected.
//!
//! A contract whose times have an interval promises a row of each series for every interval. A series is
//! expected from its own first row to the last row of all: one that began later lacks nothing before, and
//! one that fell silent lacks everything since. Where the key has no time (a list of accidents), where times
//! have no interval, or where series begin at too many times to be told apart, nothing is expected.

use std::collections::BTreeMap;

use chrono::{Datelike, Months, NaiveDate, NaiveDateTime};
use hub_model::{Contract, FieldType, Interval};
use hub_query::{Counted, CountedSeries, Counts, Stretch};

use super::period::shown;

/// The most stretches that are told; the newest are.
const STRETCHES: usize = 1_200;

/// A dataset version by time.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// Months, or years.
    pub stretch: Stretch,
    /// The interval that rows are expected at.
    pub interval: Option<Interval>,
    /// The value columns by their names.
    pub columns: Vec<String>,
    /// Each stretch from the first row to the last, those without any among them; the newest where there
    /// are too many.
    pub stretches: Vec<CoveredStretch>,
    /// How many older ones are not told.
    pub older_stretches: u64,
    /// Rows without a time.
    pub undated_rows: u64,
    /// How many series there are; none where rows are of no series.
    pub series_count: Option<u64>,
    /// Each series, where there are few.
    pub series: Option<Vec<CoveredSeries>>,
    /// The names of the columns that name a series.
    pub key: Vec<String>,
}

/// One stretch.
#[derive(Debug, Clone, PartialEq)]
pub struct CoveredStretch {
    /// Its first day.
    pub first_day: NaiveDate,
    /// What there is.
    pub counts: Counts,
    /// Rows that are to be expected.
    pub expected: Option<u64>,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct CoveredSeries {
    /// The values of the series' columns.
    pub key: Vec<Option<String>>,
    /// When its first interval begins, as the column of times shows times.
    pub first: String,
    /// When its last interval begins.
    pub last: String,
    /// What there is of it, by stretch.
    pub stretches: Vec<CoveredStretch>,
}

impl CoveredStretch {
    /// The share of what is expected that is there: of values, or of rows where there are no value columns.
    /// Cut to four places, so that only what is whole is 1.
    pub fn ratio(&self) -> Option<f64> {
        let expected = self.expected?;
        match self.counts.values.as_slice() {
            [] => share(self.counts.rows, expected),
            values => {
                let present = values.iter().map(|(present, _)| present).sum();
                share(present, expected * values.len() as u64)
            }
        }
    }

    /// The share of one value column.
    pub fn column_ratio(&self, column: usize) -> Option<f64> {
        share(self.counts.values.get(column).map_or(0, |(present, _)| *present), self.expected?)
    }
}

/// A share, cut to four places; none of nothing.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).floor() / 10_000.0)
}

impl Coverage {
    pub(crate) fn of(contract: &Contract, counted: Counted) -> Self {
        let time = contract.time_field();
        let field_type = time.map_or(FieldType::Datetime, |time| time.field_type);
        let interval = time.and_then(|time| time.interval);
        let days = days(counted.stretch, &counted.stretches);
        let older_stretches = days.len().saturating_sub(STRETCHES);
        let days = &days[older_stretches..];
        let expectation = |beginnings: &BTreeMap<NaiveDateTime, u64>| {
            expected(interval?, counted.stretch, beginnings, counted.last?, days)
        };
        let all = counted.beginnings.as_ref().and_then(expectation);
        let columns = counted.columns.len();
        let series = counted.series.map(|series| {
            let covered = series.into_iter().map(|one| {
                let CountedSeries { key, first, last, mut stretches, .. } = one;
                let expected = expectation(&BTreeMap::from([(first, 1)]));
                let first_day = first_day(counted.stretch, first.date());
                let covered = covered(days, &mut stretches, expected.as_deref(), columns);
                let covered = covered.into_iter().filter(|one| one.first_day >= first_day);
                CoveredSeries {
                    key,
                    first: shown(first, field_type),
                    last: shown(last, field_type),
                    stretches: covered.collect(),
                }
            });
            covered.collect::<Vec<_>>()
        });
        let mut stretches = counted.stretches;
        Self {
            stretch: counted.stretch,
            interval,
            stretches: covered(days, &mut stretches, all.as_deref(), columns),
            columns: counted.columns,
            older_stretches: older_stretches as u64,
            undated_rows: counted.undated_rows,
            series_count: (counted.series_count > 0).then_some(counted.series_count),
            series: series.filter(|series| !series.is_empty()),
            key: contract.series_fields().map(|field| field.name.clone()).collect(),
        }
    }

    /// What keeping it takes, in bytes, about.
    pub(crate) fn bytes(&self) -> u32 {
        let one = |stretch: &CoveredStretch| 64 + stretch.counts.values.len() * 16;
        let own: usize = self.stretches.iter().map(one).sum();
        let series = self.series.iter().flatten();
        let series: usize = series.map(|s| 256 + s.stretches.iter().map(one).sum::<usize>()).sum();
        u32::try_from(own + series + 1_024).unwrap_or(u32::MAX)
    }
}

fn covered(
    days: &[NaiveDate],
    counts: &mut BTreeMap<NaiveDate, Counts>,
    expected: Option<&[u64]>,
    columns: usize,
) -> Vec<CoveredStretch> {
    let stretches = days.iter().enumerate().map(|(at, day)| {
        let mut counts = counts.remove(day).unwrap_or_default();
        counts.values.resize(columns, (0, 0));
        let expected = expected.and_then(|expected| expected.get(at).copied());
        CoveredStretch { first_day: *day, counts, expected }
    });
    stretches.collect()
}

/// The rows that are to be expected in each stretch.
fn expected(
    interval: Interval,
    stretch: Stretch,
    beginnings: &BTreeMap<NaiveDateTime, u64>,
    last: NaiveDateTime,
    days: &[NaiveDate],
) -> Option<Vec<u64>> {
    let end = last.checked_add_signed(chrono::TimeDelta::microseconds(1))?;
    let mut bounds = Vec::with_capacity(days.len() + 1);
    for day in days {
        bounds.push(day.and_hms_opt(0, 0, 0)?.min(end));
    }
    bounds.push(next(stretch, *days.last()?)?.and_hms_opt(0, 0, 0)?.min(end));
    let mut all = vec![0u64; days.len()];
    for (first, series) in beginnings {
        let mut before = interval.steps_before(*first, bounds[0])?;
        for (at, until) in bounds[1..].iter().enumerate() {
            let steps = interval.steps_before(*first, *until)?;
            all[at] += (steps - before) * series;
            before = steps;
        }
    }
    Some(all)
}

/// The first days of all stretches from the first that has rows to the last.
fn days(stretch: Stretch, counted: &BTreeMap<NaiveDate, Counts>) -> Vec<NaiveDate> {
    let (Some((first, _)), Some((last, _))) = (counted.first_key_value(), counted.last_key_value())
    else {
        return Vec::new();
    };
    let days = std::iter::successors(Some(*first), |day| next(stretch, *day));
    days.take_while(|day| day <= last).collect()
}

fn next(stretch: Stretch, day: NaiveDate) -> Option<NaiveDate> {
    day.checked_add_months(Months::new(if stretch == Stretch::Year { 12 } else { 1 }))
}

fn first_day(stretch: Stretch, day: NaiveDate) -> NaiveDate {
    let month = if stretch == Stretch::Year { 1 } else { day.month() };
    NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn contract() -> Contract {
        let text = br#"{"fields":[{"name":"station","type":"string","role":"key"},
            {"name":"time","type":"datetime","role":"time","interval":"PT1H","label":"start"},
            {"name":"level","type":"number","role":"value"}],"primaryKey":["station","time"]}"#;
        Contract::parse(text).unwrap()
    }

    fn counted() -> Counted {
        let counts = |rows| Counts { rows, values: vec![(rows, rows)] };
        Counted {
            stretch: Stretch::Month,
            columns: vec!["level".to_owned()],
            stretches: [(day("2024-01-01"), counts(744)), (day("2024-03-01"), counts(3))].into(),
            undated_rows: 0,
            series_count: 2,
            beginnings: Some([(at("2024-01-01 00:00"), 1), (at("2024-02-29 22:00"), 1)].into()),
            last: Some(at("2024-03-01 01:00")),
            series: None,
        }
    }

    #[test]
    fn a_series_is_expected_from_its_own_beginning_to_the_end_of_all() {
        let coverage = Coverage::of(&contract(), counted());
        let told: Vec<_> = coverage
            .stretches
            .iter()
            .map(|one| (one.first_day, one.counts.rows, one.expected, one.ratio()))
            .collect();
        // February has 29 × 24 hours of the one series and two of the other, and nothing was observed; of
        // March two hours are over for each.
        assert_eq!(
            told,
            [
                (day("2024-01-01"), 744, Some(744), Some(1.0)),
                (day("2024-02-01"), 0, Some(29 * 24 + 2), Some(0.0)),
                (day("2024-03-01"), 3, Some(4), Some(0.75)),
            ]
        );
    }

    #[test]
    fn nothing_is_expected_where_series_have_no_beginning() {
        let coverage = Coverage::of(&contract(), Counted { beginnings: None, ..counted() });
        assert!(coverage.stretches.iter().all(|one| one.expected.is_none()));
        assert_eq!(coverage.stretches.len(), 3);
    }

    #[test]
    fn a_share_is_whole_only_where_nothing_lacks() {
        assert_eq!(share(99_999, 100_000), Some(0.9999));
        assert_eq!(share(3, 3), Some(1.0));
        assert_eq!(share(0, 0), None);
    }
}
