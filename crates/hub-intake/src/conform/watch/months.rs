//! Rows by month, and months that stand alone.

use std::collections::BTreeMap;

use chrono::Datelike;
use hub_model::{Text, Warning};

use super::Tick;
use crate::conform::time::{MICROS_PER_DAY, TOKYO_MICROS};

/// The most months that are told one by one.
const SHOWN: usize = 1_200;

/// From fewer rows nothing is concluded.
const LEAST_ROWS: u64 = 30;

/// How far a few rows must be from all others to be told.
const LONE_MONTHS: i64 = 24;

/// Rows of each month, counted from the year 0.
#[derive(Debug)]
pub(super) struct Months {
    tick: Tick,
    rows: BTreeMap<i64, (u64, u64)>,
    /// The month of the last row: its first tick, that of the next month, the month, and rows not yet
    /// counted.
    current: Option<(i64, i64, i64, u64)>,
}

impl Months {
    pub(super) fn new(tick: Tick) -> Self {
        Self { tick, rows: BTreeMap::new(), current: None }
    }

    #[inline]
    pub(super) fn add(&mut self, tick: i64, place: u64) {
        if let Some((first, next, _, rows)) = &mut self.current
            && (*first..*next).contains(&tick)
        {
            *rows += 1;
            return;
        }
        self.begin(tick, place);
    }

    fn begin(&mut self, tick: i64, place: u64) {
        self.settle();
        let (first, next, month) = self.month_of(tick);
        self.rows.entry(month).or_insert((0, place));
        self.current = Some((first, next, month, 1));
    }

    fn settle(&mut self) {
        if let Some((_, _, month, rows)) = self.current.take() {
            self.rows.entry(month).or_insert((0, 0)).0 += rows;
        }
    }

    /// The first tick of a tick's month and of the next, and the month.
    fn month_of(&self, tick: i64) -> (i64, i64, i64) {
        let of_day = |day: i64| -> (i64, i64, i64) {
            let found = i32::try_from(day).ok().and_then(chrono::NaiveDate::from_epoch_days);
            let Some(date) = found else { return (day, day + 1, 0) };
            let month = i64::from(date.year()) * 12 + i64::from(date.month0());
            let first = date.with_day(1).map_or(day, |date| i64::from(date.to_epoch_days()));
            // Days of the next month are found by their own row.
            let days = date.num_days_in_month();
            (first, first + i64::from(days), month)
        };
        match self.tick {
            Tick::Days => of_day(tick),
            Tick::Months => (tick, tick + 1, tick),
            Tick::Years => (tick, tick + 1, tick * 12),
            Tick::Micros => {
                let (first, next, month) = of_day((tick + TOKYO_MICROS).div_euclid(MICROS_PER_DAY));
                (first * MICROS_PER_DAY - TOKYO_MICROS, next * MICROS_PER_DAY - TOKYO_MICROS, month)
            }
        }
    }

    /// Rows by month.
    pub(super) fn rows(&mut self) -> BTreeMap<String, u64> {
        self.settle();
        if self.rows.len() > SHOWN {
            return BTreeMap::new();
        }
        self.rows.iter().map(|(month, (rows, _))| (shown(*month), *rows)).collect()
    }

    /// A few rows years away from all others, as when a year was mistyped.
    pub(super) fn lone(&mut self, column: &str) -> Vec<Warning> {
        self.settle();
        let total: u64 = self.rows.values().map(|(rows, _)| rows).sum();
        if total < LEAST_ROWS {
            return Vec::new();
        }
        let months: Vec<(i64, u64, u64)> =
            self.rows.iter().map(|(month, (rows, place))| (*month, *rows, *place)).collect();
        let usual = if self.tick == Tick::Years { 5 * 12 } else { LONE_MONTHS };
        let few = (total / 1_000).max(3);
        let clusters = months.chunk_by(|a, b| b.0 - a.0 < usual);
        let clusters: Vec<_> = clusters.collect();
        if clusters.len() < 2 {
            return Vec::new();
        }
        clusters
            .into_iter()
            .filter(|cluster| cluster.iter().map(|(_, rows, _)| rows).sum::<u64>() <= few)
            .take(5)
            .filter_map(|cluster| {
                let (month, rows, place) = *cluster.first()?;
                let month = shown(month);
                Some(Warning {
                    row: Some(place),
                    column: Some(column.to_owned()),
                    value: Some(month.clone()),
                    message: Text::new(
                        format!("{month}の行が{rows}行だけ、ほかの行から何年も離れています"),
                        if rows == 1 {
                            format!("only one row is of {month}, years away from all others")
                        } else {
                            format!("only {rows} rows are of {month}, years away from all others")
                        },
                    ),
                    fix: Text::new(
                        "年の書き間違いでないか確かめてください",
                        "see whether the year was mistyped",
                    ),
                })
            })
            .collect()
    }
}

fn shown(month: i64) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}
