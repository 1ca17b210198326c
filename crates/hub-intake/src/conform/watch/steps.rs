//! Steps from one time of a series to the next: the usual one, gaps, and times that go back.

use std::collections::HashMap;

use chrono::DateTime;
use hub_model::{Gap, Gaps, Interval, Text, Warning};

use super::{Tick, keys::Keys};
use crate::conform::time::{MICROS_PER_DAY, MICROS_PER_SECOND, TOKYO_MICROS};

/// How many different steps are counted one by one.
const MAX_STEPS: usize = 512;

/// How many places of a step are remembered, and how many gaps are told.
const PLACES: usize = 3;
const SHOWN: usize = 5;

/// A place where a series makes a step.
#[derive(Debug, Clone, Copy)]
struct Place {
    series: u32,
    from: i64,
    to: i64,
    row: u64,
}

#[derive(Debug, Clone, Copy)]
struct Series {
    last: i64,
    row: u64,
    /// The step to the last time, which counts once the next does not take it back; 0 where there is none.
    pending: i64,
    /// Whether time has just gone back, so that the way forth again is no gap.
    returned: bool,
}

impl Place {
    /// The place where a series came to its last time, by the step that it made.
    fn before(series: u32, state: &Series) -> impl Fn(i64) -> Self + use<> {
        let (to, row) = (state.last, state.row);
        move |step| Self { series, from: to - step, to, row }
    }
}

#[derive(Debug, Default)]
struct Step {
    count: u64,
    places: Vec<Place>,
}

/// The steps of all series.
#[derive(Debug)]
pub(super) struct Steps {
    tick: Tick,
    series: Vec<Series>,
    steps: HashMap<i64, Step>,
    /// The last step, and how often it came since another did.
    run: (i64, u64),
    uncounted: u64,
    forth: u64,
    equal: u64,
    back: u64,
    backward: Vec<(u64, u64)>,
}

/// What the steps show.
#[derive(Debug)]
pub(super) struct Rhythm {
    pub(super) cadence: Option<Interval>,
    pub(super) gaps: Option<Gaps>,
    back: u64,
    forth: u64,
    equal: u64,
    backward: Vec<(u64, u64)>,
}

impl Steps {
    pub(super) fn new(tick: Tick) -> Self {
        Self {
            tick,
            series: Vec::new(),
            steps: HashMap::new(),
            run: (0, 0),
            uncounted: 0,
            forth: 0,
            equal: 0,
            back: 0,
            backward: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, series: u32, tick: i64, row: u64) {
        let Some(state) = self.series.get_mut(series as usize) else {
            self.series.push(Series { last: tick, row, pending: 0, returned: false });
            return;
        };
        let step = tick - state.last;
        if step > 0 {
            self.forth += 1;
            let (confirmed, at) = (state.pending, Place::before(series, state));
            state.pending = if state.returned { 0 } else { step };
            state.returned = false;
            (state.last, state.row) = (tick, row);
            if confirmed == 0 {
                return;
            }
            if confirmed == self.run.0 {
                self.run.1 += 1;
            } else {
                self.count(at(confirmed));
            }
        } else if step == 0 {
            self.equal += 1;
            state.row = row;
        } else {
            self.back += 1;
            if self.backward.len() < PLACES {
                self.backward.push((state.row, row));
            }
            state.pending = 0;
            state.returned = true;
            (state.last, state.row) = (tick, row);
        }
    }

    fn count(&mut self, place: Place) {
        self.settle();
        let step = place.to - place.from;
        self.run = (step, 1);
        if self.steps.len() < MAX_STEPS || self.steps.contains_key(&step) {
            let known = self.steps.entry(step).or_default();
            if known.places.len() < PLACES {
                known.places.push(place);
            }
        }
    }

    fn settle(&mut self) {
        let (step, count) = self.run;
        match self.steps.get_mut(&step) {
            Some(known) => known.count += count,
            None => self.uncounted += count,
        }
        self.run.1 = 0;
    }

    pub(super) fn finish(&mut self, keys: &Keys) -> Rhythm {
        let pending: Vec<Place> = self
            .series
            .iter()
            .zip(0..)
            .filter(|(state, _)| state.pending > 0)
            .map(|(state, series)| Place::before(series, state)(state.pending))
            .collect();
        for place in pending {
            self.count(place);
        }
        self.settle();
        let common = self.steps.iter().max_by_key(|(step, known)| (known.count, -**step));
        let unit = common.map(|(step, _)| self.unit(*step));
        // Rows in no order make steps that say nothing.
        let in_order = self.back == 0 || self.back * 20 <= self.forth;
        let unit = unit.filter(|_| in_order && self.forth > 0);
        Rhythm {
            cadence: unit.and_then(|unit| unit.interval(self.tick)),
            gaps: unit.map(|unit| self.gaps(unit, keys)),
            back: self.back,
            forth: self.forth,
            equal: self.equal,
            backward: std::mem::take(&mut self.backward),
        }
    }

    /// The usual step, as it is counted: months and years differ in length.
    fn unit(&self, step: i64) -> Unit {
        let day = match self.tick {
            Tick::Micros => MICROS_PER_DAY,
            Tick::Days => 1,
            _ => return Unit::Even(step),
        };
        let days = step / day;
        if step % day == 0 && matches!(days, 28..=31 | 365 | 366) {
            // 28 days may also be four weeks: months have other lengths beside.
            let (lengths, unit): (&[i64], Unit) = if days < 32 {
                (&[28, 29, 30, 31], Unit::Months(day))
            } else {
                (&[365, 366], Unit::Years(day))
            };
            let has = |days: &&i64| self.steps.contains_key(&(**days * day));
            if lengths.iter().filter(has).count() > 1 || matches!(days, 31 | 365 | 366) {
                return unit;
            }
        }
        Unit::Even(step)
    }

    fn gaps(&self, unit: Unit, keys: &Keys) -> Gaps {
        let mut found = Gaps::default();
        let mut places = Vec::new();
        let mut longest: Option<(u64, Place)> = None;
        for (step, known) in &self.steps {
            let missing = unit.missing(*step);
            if missing == 0 {
                continue;
            }
            // Of steps of a microsecond, centuries leave out more than can be counted.
            let all = missing.saturating_mul(known.count);
            found.missing_steps = found.missing_steps.saturating_add(all);
            places.extend(known.places.iter().map(|place| (missing, *place)));
            if let Some(place) = known.places.first()
                && longest.is_none_or(|(most, other)| (missing, other.row) > (most, place.row))
            {
                longest = Some((missing, *place));
            }
        }
        places.sort_by_key(|(_, place)| place.row);
        let gap = |(missing, place): (u64, Place)| {
            Some(Gap {
                series: keys.name(place.series),
                after: self.instant(place.from)?,
                before: self.instant(place.to)?,
                missing_steps: missing,
                row: Some(place.row),
            })
        };
        found.longest = longest.and_then(gap);
        found.first = places.into_iter().take(SHOWN).filter_map(gap).collect();
        found
    }

    fn instant(&self, tick: i64) -> Option<DateTime<chrono::Utc>> {
        let day = |year: i64, month: i64| {
            let (year, month) = (i32::try_from(year).ok()?, u32::try_from(month).ok()?);
            let date = chrono::NaiveDate::from_ymd_opt(year, month, 1)?;
            Some(i64::from(date.to_epoch_days()))
        };
        let days = match self.tick {
            Tick::Micros => return DateTime::from_timestamp_micros(tick),
            Tick::Days => tick,
            Tick::Months => day(tick.div_euclid(12), tick.rem_euclid(12) + 1)?,
            Tick::Years => day(tick, 1)?,
        };
        DateTime::from_timestamp_micros(days * MICROS_PER_DAY - TOKYO_MICROS)
    }
}

/// How steps are counted.
#[derive(Debug, Clone, Copy)]
enum Unit {
    /// In steps of even length.
    Even(i64),
    /// In months of days of so many ticks.
    Months(i64),
    Years(i64),
}

impl Unit {
    /// How many steps a step leaves out.
    fn missing(self, step: i64) -> u64 {
        let steps = match self {
            Self::Even(even) => step / even,
            // Months are never further from their mean than two days in each.
            Self::Months(day) => (step as f64 / (day as f64 * 30.436_875)).round() as i64,
            Self::Years(day) => (step as f64 / (day as f64 * 365.242_5)).round() as i64,
        };
        u64::try_from(steps - 1).unwrap_or(0)
    }

    fn interval(self, tick: Tick) -> Option<Interval> {
        let text = match (self, tick) {
            (Self::Months(_), _) => "P1M".to_owned(),
            (Self::Years(_), _) => "P1Y".to_owned(),
            (Self::Even(months), Tick::Months) => format!("P{months}M"),
            (Self::Even(years), Tick::Years) => format!("P{years}Y"),
            (Self::Even(days), Tick::Days) => format!("P{days}D"),
            (Self::Even(micros), Tick::Micros) if micros % MICROS_PER_SECOND == 0 => {
                format!("PT{}S", micros / MICROS_PER_SECOND)
            }
            _ => return None,
        };
        Interval::parse(&text).ok()
    }
}

impl Rhythm {
    /// What is to be said of times that go back or repeat.
    pub(super) fn disorder(&self, column: &str, has_key: bool) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |row: Option<u64>, message: Text, fix: Text| {
            let column = Some(column.to_owned());
            warnings.push(Warning { row, column, value: None, message, fix });
        };
        if self.back > 0 && self.back * 20 <= self.forth {
            for (before, row) in &self.backward {
                warn(
                    Some(*row),
                    Text::new(
                        format!(
                            "{row}行目の時刻は、同じ系列の前の行（{before}行目）より前に戻っています"
                        ),
                        format!(
                            "the time of row {row} is before that of row {before} of the same series"
                        ),
                    ),
                    Text::new(
                        "どちらかの行の年月日や時刻の書き間違いでないか確かめてください",
                        "see whether one of the two times was mistyped",
                    ),
                );
            }
        } else if self.back > 0 && self.forth > 0 {
            warn(
                None,
                Text::new(
                    format!(
                        "行が時刻の順に並んでいません（{}か所で前に戻ります）。欠けている時刻は数えていません",
                        self.back
                    ),
                    format!(
                        "the rows are not in the order of time (it goes back {} times); missing times were not counted",
                        self.back
                    ),
                ),
                Text::new(
                    "並べ直す必要はありませんが、欠測の数を知りたいときは時刻の順に並べてください",
                    "nothing needs to be done; sort the rows by time to have gaps counted",
                ),
            );
        }
        if self.equal > 0 && !has_key {
            warn(
                None,
                Text::new(
                    format!("同じ系列で同じ時刻の行が{}行続いています", self.equal),
                    format!("{} rows have the same series and time as the row before", self.equal),
                ),
                Text::new(
                    "二重に入っていないか確かめ、契約に primaryKey を加えてください",
                    "see whether rows are there twice, and give the contract a primaryKey",
                ),
            );
        }
        warnings
    }
}
