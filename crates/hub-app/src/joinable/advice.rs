//! One join: which columns meet, how well, and what comes of it.

use std::cmp::{Ordering, Reverse};

use hub_model::{Contract, DatasetId, Field, FieldType, Interval, Text, VersionNumber};

use super::{
    columns::{KeyColumn, Meaning, Profile},
    explain,
    grid::{self, Grid, Relation},
    statement::{Equal, Side, Statement},
};
use crate::{VersionSelector, coverage::share, snapshots::OpenDataset};

/// The most pairs of columns that one join is by.
const PAIRS: usize = 3;

/// The least share of the smaller side's values that columns of different names must have in common.
const LEAST_SHARE: f64 = 0.5;

/// What a dataset can be joined with.
#[derive(Debug)]
pub struct Advice {
    /// The dataset.
    pub dataset: DatasetId,
    /// What it is called.
    pub title: Text,
    /// Its version.
    pub version: VersionNumber,
    /// How many others were looked at.
    pub looked_at: u64,
    /// How many joins were found.
    pub found: u64,
    /// The best of them, the best first.
    pub joins: Vec<JoinAdvice>,
    /// Whether all datasets that may be read were looked at to the end.
    pub is_whole: bool,
}

/// A join.
#[derive(Debug)]
pub struct JoinAdvice {
    /// The other dataset.
    pub dataset: DatasetId,
    /// What it is called.
    pub title: Text,
    /// Its version.
    pub version: VersionNumber,
    /// The columns that are equal.
    pub keys: Vec<KeyPair>,
    /// The columns of times that meet; none where either has none.
    pub time: Option<TimePair>,
    /// The rows that come of it.
    pub expected: ExpectedRows,
    /// The statement.
    pub sql: String,
    /// The join in a sentence or two.
    pub explanation: Text,
}

/// Two columns whose values are the same things.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyPair {
    /// The dataset's column.
    pub own: String,
    /// The other dataset's.
    pub other: String,
    /// What the values are.
    pub meaning: Meaning,
    /// Different values in both.
    pub common: u64,
    /// Different values in the dataset's.
    pub own_values: u64,
    /// Different values in the other's.
    pub other_values: u64,
}

impl KeyPair {
    /// The share of the dataset's values that the other has, too.
    pub fn own_share(&self) -> Option<f64> {
        share(self.common, self.own_values)
    }

    /// The share of the other's values that the dataset has, too.
    pub fn other_share(&self) -> Option<f64> {
        share(self.common, self.other_values)
    }
}

/// Two columns of times.
#[derive(Debug, Clone, PartialEq)]
pub struct TimePair {
    /// The dataset's column.
    pub own: String,
    /// The other dataset's.
    pub other: String,
    /// How long the dataset's intervals are.
    pub own_interval: Option<Interval>,
    /// How long the other's are.
    pub other_interval: Option<Interval>,
    /// How often the other speaks against the dataset.
    pub relation: Relation,
    /// The stretches that both are brought to: `time`, `hour`, `day`, `month` or `year`.
    pub grid: &'static str,
    /// The first and the last day of both.
    pub period: Option<(String, String)>,
}

/// The rows that come of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedRows {
    /// How many; none where that can't be told.
    pub rows: Option<u64>,
    /// Whether they were counted, or follow from counts; otherwise there are about so many at most.
    pub is_exact: bool,
}

/// A join that is looked into.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    own: &'a OpenDataset,
    other: &'a OpenDataset,
    keys: Vec<KeyPair>,
    time: Option<TimePair>,
    /// Rows by the keys alone, where that is all that is asked.
    by_keys: Option<u64>,
    estimated: Option<u64>,
    pub(super) statement: Statement,
}

impl<'a> Candidate<'a> {
    /// The best join of two datasets; none where they have nothing in common.
    pub(super) fn of(
        own: &'a OpenDataset,
        own_profile: &Profile,
        other: &'a OpenDataset,
        other_profile: &Profile,
    ) -> Option<Self> {
        let pairs = pairs(own_profile, other_profile);
        let keys: Vec<KeyPair> = pairs.iter().map(|(a, b)| pair(a, b)).collect();
        let (a, b) = (&own.known.contract, &other.known.contract);
        let equal: Vec<Equal<'_>> = keys
            .iter()
            .map(|pair| Some(Equal { own: a.field(&pair.own)?, other: b.field(&pair.other)? }))
            .collect::<Option<_>>()?;
        // Rain of all stations together, or levels over different zeros, would mean nothing.
        let (own_series, other_series) = match equal.is_empty() {
            true => (one_series(a, own_profile)?, one_series(b, other_profile)?),
            false => (Vec::new(), Vec::new()),
        };
        let (own_side, other_side) = (
            Side { id: &own.snapshot.dataset, contract: a, only: &own_series },
            Side { id: &other.snapshot.dataset, contract: b, only: &other_series },
        );
        let times = a.time_field().zip(b.time_field());
        let mut candidate = Self {
            own,
            other,
            keys,
            time: None,
            by_keys: None,
            estimated: None,
            statement: Statement::by_keys(own_side, other_side, &equal),
        };
        let Some((own_time, other_time)) = times else {
            let (first, second) = pairs.first()?;
            let products = first.values.iter().filter_map(|(value, rows)| {
                Some(rows.checked_mul(*second.values.get(value)?).unwrap_or(u64::MAX))
            });
            let rows = products.fold(0u64, u64::saturating_add);
            candidate.estimated = Some(rows);
            candidate.by_keys = (pairs.len() == 1).then_some(rows);
            return Some(candidate);
        };
        let period = own_profile.period.as_ref().zip(other_profile.period.as_ref());
        let period = period.map(|(own, other)| {
            let ((a, b), (c, d)) = (own.days_to_the_end(), other.days_to_the_end());
            (a.max(c), b.min(d))
        });
        let times = Equal { own: own_time, other: other_time };
        let is_as_of = !equal.is_empty() && grid::is_as_of(a, b);
        let grid = Grid::common(own_time, other_time);
        candidate.time = Some(TimePair {
            own: own_time.name.clone(),
            other: other_time.name.clone(),
            own_interval: own_time.interval,
            other_interval: other_time.interval,
            relation: if is_as_of { Relation::AsOf } else { grid::relation(own_time, other_time) },
            grid: if is_as_of { "time" } else { grid.as_str() },
            period: period
                .filter(|(first, last)| first <= last)
                .map(|(first, last)| (first.to_string(), last.to_string())),
        });
        if is_as_of {
            candidate.statement = Statement::as_of(own_side, other_side, &equal, times);
            candidate.estimated = Some(own.snapshot.rows());
            return Some(candidate);
        }
        // Yearly data of 2020 and a day of that year meet, though their first days do not.
        if let Some((first, last)) = period
            && grid < Grid::Month
            && first > last
        {
            return None;
        }
        let days = period.map_or(0, |(first, last)| (last - first).num_days().max(0) + 1);
        let stretches = grid.stretches(days.unsigned_abs(), own_time.interval);
        let series = candidate.keys.first().map_or(1, |pair| pair.common);
        candidate.estimated = Some(stretches.saturating_mul(series));
        candidate.statement = Statement::on_grid(own_side, other_side, &equal, times, grid);
        Some(candidate)
    }

    /// How good a join is: how well the keys meet; joins by time alone come last.
    fn worth(&self) -> f64 {
        let Some(pair) = self.keys.first() else { return 0.1 };
        let smaller = pair.own_values.min(pair.other_values).max(1) as f64;
        let met = pair.common as f64 / smaller;
        if self.time.is_some() { met } else { met * 0.95 }
    }

    /// Whether nothing but time joins them.
    pub(super) fn is_by_time_alone(&self) -> bool {
        self.keys.is_empty()
    }

    /// The better keys come first, then the more values in common; of joins by time alone those with the most
    /// stretches in common.
    pub(super) fn better_first(&self, other: &Self) -> Ordering {
        let common = |one: &Self| match one.keys.first() {
            Some(pair) => pair.common,
            None => one.estimated.unwrap_or(0),
        };
        other
            .worth()
            .total_cmp(&self.worth())
            .then_with(|| common(other).cmp(&common(self)))
            .then_with(|| self.other.snapshot.dataset.cmp(&other.other.snapshot.dataset))
    }

    /// The rows, where they follow from what is known.
    pub(super) fn known_rows(&self) -> Option<ExpectedRows> {
        self.by_keys.map(|rows| ExpectedRows { rows: Some(rows), is_exact: true })
    }

    /// About how many rows there are at most.
    pub(super) fn estimated_rows(&self) -> ExpectedRows {
        ExpectedRows { rows: self.estimated, is_exact: false }
    }

    /// The other dataset.
    pub(super) fn dataset(&self) -> &DatasetId {
        &self.other.snapshot.dataset
    }

    /// The versions that were looked at.
    pub(super) fn versions(&self) -> [(DatasetId, VersionSelector); 2] {
        [self.own, self.other].map(|opened| {
            let snapshot = &opened.snapshot;
            (snapshot.dataset.clone(), VersionSelector::Number(snapshot.version))
        })
    }

    pub(super) fn told(self, expected: ExpectedRows) -> JoinAdvice {
        let title = self.other.source.title.clone();
        JoinAdvice {
            explanation: explain::join(
                &title,
                &self.keys,
                self.time.as_ref(),
                &self.statement,
                expected,
            ),
            dataset: self.other.snapshot.dataset.clone(),
            title,
            version: self.other.snapshot.version,
            sql: self.statement.text(),
            keys: self.keys,
            time: self.time,
            expected,
        }
    }
}

/// The series that has the most rows, by its columns, where a dataset measures again and again. None where not
/// all that names its series was looked at.
fn one_series<'a>(contract: &'a Contract, profile: &Profile) -> Option<Vec<(&'a Field, String)>> {
    let is_measured = contract.time_field().is_some_and(|time| time.interval.is_some());
    let columns = contract.series_fields().filter(|_| is_measured);
    columns
        .map(|field| {
            let column = profile.columns.iter().find(|column| column.name == field.name)?;
            let most = column.values.iter().max_by_key(|(value, rows)| (**rows, Reverse(*value)));
            Some((field, most?.0.clone()))
        })
        .collect()
}

/// The pairs of columns that two datasets are joined by, the best first.
fn pairs<'a>(own: &'a Profile, other: &'a Profile) -> Vec<(&'a KeyColumn, &'a KeyColumn)> {
    let mut found: Vec<(f64, &KeyColumn, &KeyColumn)> = Vec::new();
    for a in &own.columns {
        for b in &other.columns {
            if let Some(worth) = worth(a, b) {
                found.push((worth, a, b));
            }
        }
    }
    found.sort_by(|x, y| y.0.total_cmp(&x.0));
    let mut chosen: Vec<(&KeyColumn, &KeyColumn)> = Vec::new();
    for (_, a, b) in found {
        let is_taken = chosen.iter().any(|(x, y)| x.name == a.name || y.name == b.name);
        // Further pairs make the join finer, which they must not by chance.
        let belongs = chosen.is_empty() || (a.name == b.name && a.is_key && b.is_key);
        if !is_taken && belongs && chosen.len() < PAIRS {
            chosen.push((a, b));
        }
    }
    chosen
}

/// How well two columns meet; none where they don't.
fn worth(a: &KeyColumn, b: &KeyColumn) -> Option<f64> {
    if a.field_type != b.field_type || a.meaning != b.meaning {
        return None;
    }
    let common = common(a, b);
    let smaller = a.values.len().min(b.values.len());
    let met = common as f64 / smaller as f64;
    let is_named_alike = a.name == b.name;
    let is_code = a.meaning != Meaning::Key;
    // Numbers that count something, such as months, are the same numbers everywhere.
    let is_told_by_values = a.field_type == FieldType::String && common >= 2 && met >= LEAST_SHARE;
    if common == 0 || !(is_named_alike || is_code || is_told_by_values) {
        return None;
    }
    let named = if is_named_alike || is_code { 1.0 } else { 0.0 };
    let keyed = if a.is_key || b.is_key { 0.5 } else { 0.0 };
    Some(met + named + keyed)
}

fn common(a: &KeyColumn, b: &KeyColumn) -> u64 {
    let (few, many) = if a.values.len() <= b.values.len() { (a, b) } else { (b, a) };
    few.values.keys().filter(|value| many.values.contains_key(*value)).count() as u64
}

fn pair(a: &KeyColumn, b: &KeyColumn) -> KeyPair {
    KeyPair {
        own: a.name.clone(),
        other: b.name.clone(),
        meaning: a.meaning,
        common: common(a, b),
        own_values: a.values.len() as u64,
        other_values: b.values.len() as u64,
    }
}
