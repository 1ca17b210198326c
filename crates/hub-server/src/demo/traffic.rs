//! douro.traffic_5min: counts by direction and class, from the hour, the day of the week, the season and
//! the weather that drivers meet. The inner loop stays light: a year of one region is 1.6 million rows.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::SchemaRef,
};
use chrono::{Datelike, Weekday};
use hub_model::{Quality, ZONE_NAME};

use super::{
    DemoError,
    files::Sink,
    fiscal::{FiscalYear, date, hour_micros},
    noise::{Noise, stream},
    places::{Counter, World},
    settings::{Pattern, TrafficSettings},
    sky::{Hour, Sky},
};

/// Five-minute intervals of an hour and of a day.
const PER_HOUR: i64 = 12;
const PER_DAY: i64 = 288;
const INTERVAL_MICROS: i64 = 300_000_000;

/// The contract's greatest count.
const MOST: i64 = 3_000;

/// Shares of a day's traffic by hour, in thousandths.
const COMMUTER: [f64; 24] = [
    7.0, 4.0, 3.0, 4.0, 8.0, 18.0, 42.0, 88.0, 82.0, 62.0, 56.0, 54.0, 52.0, 54.0, 55.0, 60.0,
    72.0, 86.0, 68.0, 46.0, 32.0, 22.0, 15.0, 10.0,
];
const LEISURE: [f64; 24] = [
    8.0, 6.0, 4.0, 4.0, 6.0, 12.0, 24.0, 40.0, 56.0, 72.0, 82.0, 82.0, 74.0, 76.0, 78.0, 80.0,
    76.0, 68.0, 50.0, 36.0, 26.0, 18.0, 13.0, 9.0,
];
const GOODS: [f64; 24] = [
    22.0, 20.0, 20.0, 24.0, 32.0, 44.0, 52.0, 58.0, 62.0, 64.0, 64.0, 60.0, 52.0, 58.0, 60.0, 58.0,
    52.0, 44.0, 36.0, 30.0, 26.0, 24.0, 20.0, 18.0,
];

/// Factors of small vehicles by month, January first.
const SEASONS: [(Pattern, [f64; 12]); 4] = [
    (Pattern::Commuter, [0.93, 0.94, 0.97, 1.0, 1.04, 1.03, 1.05, 1.08, 1.03, 1.02, 0.98, 0.95]),
    (Pattern::Trunk, [0.80, 0.82, 0.92, 1.0, 1.10, 1.06, 1.12, 1.20, 1.08, 1.05, 0.95, 0.85]),
    (Pattern::Coast, [0.45, 0.48, 0.62, 0.85, 1.25, 1.35, 1.75, 1.90, 1.30, 1.05, 0.70, 0.50]),
    (Pattern::Ski, [1.25, 1.28, 1.08, 0.82, 0.92, 0.90, 1.02, 1.08, 0.95, 0.95, 0.80, 1.08]),
];

#[derive(Default)]
struct Columns<'a> {
    counter: Vec<&'a str>,
    time: Vec<i64>,
    counts: [Vec<Option<i64>>; 4],
    qualities: [Vec<&'static str>; 2],
}

impl Columns<'_> {
    fn batch(&mut self, schema: &SchemaRef) -> Result<RecordBatch, DemoError> {
        let whole = std::mem::take(self);
        let [up_small, up_large, down_small, down_large] =
            whole.counts.map(|counts| Arc::new(Int64Array::from(counts)) as ArrayRef);
        let [up, down] =
            whole.qualities.map(|words| Arc::new(StringArray::from(words)) as ArrayRef);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(whole.counter)),
            Arc::new(TimestampMicrosecondArray::from(whole.time).with_timezone(ZONE_NAME)),
            up_small,
            up_large,
            up,
            down_small,
            down_large,
            down,
        ];
        RecordBatch::try_new(schema.clone(), columns).map_err(DemoError::Encode)
    }
}

pub(super) fn generate(
    world: &World,
    year: &FiscalYear,
    schema: SchemaRef,
    batch_rows: usize,
    sink: Sink<'_>,
) -> Result<(), DemoError> {
    let mut columns = Columns::default();
    for counter in &world.counters {
        let own = stream("traffic", &counter.site.id);
        let station = world.station(&counter.station)?;
        // The weather of the hour that begins is the one that the next hour's end names.
        let mut sky = Sky::over(world, station, year.first_day * 24 + 1);
        for day in year.first_day..year.end_day {
            let today = Today::of(world.noise, own, day, &world.settings.traffic);
            let demand = DayDemand::of(counter, day);
            let present =
                if day >= year.provisional_from { Quality::Provisional } else { Quality::Normal };
            for hour in 0..24 {
                let rates = demand.rates(hour, &sky.next_hour());
                let from = hour_micros(day * 24 + hour);
                for interval in hour * PER_HOUR..(hour + 1) * PER_HOUR {
                    columns.counter.push(&counter.site.id);
                    columns.time.push(from + (interval - hour * PER_HOUR) * INTERVAL_MICROS);
                    let chance = world.noise.bits(own, day * PER_DAY + interval);
                    today.count(&mut columns, interval, chance, &rates, present);
                    if columns.time.len() == batch_rows {
                        sink(columns.batch(&schema)?)?;
                    }
                }
            }
        }
    }
    if columns.time.is_empty() { Ok(()) } else { sink(columns.batch(&schema)?) }
}

/// How a counter's instruments do on one day.
struct Today {
    closed: bool,
    /// The intervals without an observation, by direction.
    gaps: [std::ops::Range<i64>; 2],
    /// Parts of 65,536 of the intervals that are missing, and an interval that is doubtful.
    missing: u64,
    doubtful: Option<i64>,
    noise: Noise,
    own: u64,
    day: i64,
}

impl Today {
    fn of(noise: Noise, own: u64, day: i64, settings: &TrafficSettings) -> Self {
        let chance = |n: i64| noise.unit(!own, day * 8 + n);
        let gap = |n: i64| {
            if chance(n) >= settings.gap_rate {
                return 0..0;
            }
            let start = (chance(n + 1) * PER_DAY as f64) as i64;
            start..start + 1 + (chance(n + 2).powi(2) * settings.gap_max_intervals as f64) as i64
        };
        Self {
            closed: chance(0) < settings.closed_rate,
            gaps: [gap(1), gap(4)],
            missing: (settings.missing_rate * 65_536.0) as u64,
            doubtful: (chance(7) < settings.doubtful_rate * PER_DAY as f64)
                .then(|| (chance(0) * 1e6) as i64 % PER_DAY),
            noise,
            own,
            day,
        }
    }

    fn count(
        &self,
        columns: &mut Columns<'_>,
        interval: i64,
        chance: u64,
        rates: &[f64; 4],
        present: Quality,
    ) {
        for direction in 0..2 {
            let bits = chance >> (32 * direction) & 0xffff_ffff;
            let quality = if self.closed {
                Quality::Closed
            } else if self.gaps[direction].contains(&interval) || bits & 0xffff < self.missing {
                Quality::Missing
            } else if self.doubtful == Some(interval) {
                Quality::Doubtful
            } else {
                present
            };
            columns.qualities[direction].push(quality.as_str());
            let at = direction * 2;
            if matches!(quality, Quality::Closed | Quality::Missing) {
                columns.counts[at].push(None);
                columns.counts[at + 1].push(None);
                continue;
            }
            // The bits that decided on a gap are not used again; the classes need their own.
            let small = arrivals(rates[at], (bits >> 16) as f64 / 65_536.0);
            let large = arrivals(rates[at + 1], self.second_chance(interval, direction));
            let times = if quality == Quality::Doubtful { 9 } else { 1 };
            columns.counts[at].push(Some((small * times + times - 1).min(MOST)));
            columns.counts[at + 1].push(Some((large * times).min(MOST)));
        }
    }

    fn second_chance(&self, interval: i64, direction: usize) -> f64 {
        let at = (self.day * PER_DAY + interval) * 2 + direction as i64;
        self.noise.unit(self.own ^ 0x1a_26e5, at)
    }
}

/// A count whose mean is the rate, and whose spread is about that of arrivals by chance.
pub(super) fn arrivals(rate: f64, chance: f64) -> i64 {
    if rate < 1.5 {
        // The Poisson distribution's own steps.
        let mut probability = (-rate).exp();
        let mut reached = probability;
        let mut count = 0;
        while chance > reached && count < 12 {
            count += 1;
            probability *= rate / f64::from(count);
            reached += probability;
        }
        return i64::from(count);
    }
    // An even spread of the same variance: its half-width is the square root of three times the rate.
    (rate + (chance * 2.0 - 1.0) * (3.0 * rate).sqrt()).round().max(0.0) as i64
}

/// What a counter's roads are asked for on one day.
struct DayDemand {
    pattern: Pattern,
    free: bool,
    /// Small and large vehicles of the day, both directions.
    small: f64,
    large: f64,
}

impl DayDemand {
    fn of(counter: &Counter, day: i64) -> Self {
        let date = date(day);
        let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        let free = weekend
            || matches!(
                (date.month(), date.day()),
                (1, 1..=3)
                    | (2, 11 | 23)
                    | (4, 29)
                    | (5, 3..=5)
                    | (8, 11 | 13..=15)
                    | (11, 3 | 23)
                    | (12, 30..)
            );
        let demand = counter.demand;
        let month = SEASONS
            .iter()
            .find(|(pattern, _)| *pattern == demand.pattern)
            .map_or(1.0, |(_, factors)| factors[date.month0() as usize]);
        let guests = match (demand.pattern, free) {
            (Pattern::Commuter, true) => 0.84,
            (Pattern::Trunk, true) => 0.95,
            (Pattern::Coast | Pattern::Ski, true) => 1.32,
            (_, false) => 1.0,
        };
        let goods = if free { 0.52 } else { 1.12 };
        Self {
            pattern: demand.pattern,
            free,
            small: demand.daily * (1.0 - demand.heavy) * month * guests,
            large: demand.daily * demand.heavy * goods,
        }
    }

    /// Mean counts of five minutes: up small, up large, down small, down large.
    fn rates(&self, hour: i64, weather: &Hour) -> [f64; 4] {
        let at = hour as usize;
        let shares = if self.free || matches!(self.pattern, Pattern::Coast | Pattern::Ski) {
            &LEISURE
        } else {
            &COMMUTER
        };
        // Most drive toward the route's origin, which is nearer to the cities, before noon.
        let up = if hour < 12 { 0.56 } else { 0.46 };
        let part = |daily: f64, share: f64| daily * share / 1_000.0 / PER_HOUR as f64;
        let small = part(self.small, shares[at]) * courage(weather);
        let large = part(self.large, GOODS[at]) * courage(weather).sqrt();
        [small * up, large * 0.5, small * (1.0 - up), large * 0.5]
    }
}

/// The share of drivers who go out in such weather: fewer in driven snow, in deep cold and in heavy rain.
fn courage(weather: &Hour) -> f64 {
    let snowing = if weather.temperature < 0.5 { weather.precipitation } else { 0.0 };
    let blizzard = (snowing * weather.wind_speed / 9.0).min(1.0);
    let rain = if snowing == 0.0 { (weather.precipitation / 30.0).min(0.3) } else { 0.0 };
    let cold = if weather.temperature < -10.0 { 0.04 } else { 0.0 };
    1.0 - 0.55 * blizzard - rain - cold
}
