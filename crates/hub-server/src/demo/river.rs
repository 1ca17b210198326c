//! otaru_kaihatsu.river_hourly: rain and melting snow on two bands of height run through a quick and a
//! slow store; level follows flow by a rating curve.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::SchemaRef,
};
use hub_model::{Quality, ZONE_NAME};

use super::{
    DemoError,
    files::Sink,
    fiscal::{FiscalYear, date, hour_micros, part_of_year, yearly_wave},
    flags::Gaps,
    noise::stream,
    places::{Gauge, World},
    sky::{Hour, SNOW_BELOW, Sky},
};
use chrono::Datelike;

/// How much colder than the station the halves of a basin are, Cel.
const BANDS: [f64; 2] = [1.5, 4.5];

/// Hours that groundwater takes.
const SLOW_HOURS: f64 = 620.0;

/// Days before a year at which its water begins, so that snow and stores are settled when it does.
const BEFORE_DAYS: i64 = 212;

/// The water of a basin, mm.
#[derive(Debug, Default)]
struct Basin {
    snow: [f64; 2],
    quick: [f64; 2],
    slow: f64,
}

impl Basin {
    /// Takes in an hour of weather and gives the hour's runoff, mm.
    fn step(&mut self, hour: &Hour, gauge: &Gauge, melt_mm: f64, loss: f64) -> f64 {
        let mut water = 0.0;
        for (band, colder) in BANDS.iter().enumerate() {
            let temperature = hour.temperature - colder;
            if temperature < SNOW_BELOW {
                self.snow[band] += hour.precipitation * 1.15 / 2.0;
            } else {
                water += hour.precipitation / 2.0 * (1.0 - loss);
            }
            let melt = (temperature.max(0.0) * melt_mm / 2.0).min(self.snow[band]);
            self.snow[band] -= melt;
            water += melt;
        }
        // The ground under the snow gives a little all winter.
        let ground = (self.snow[0] + self.snow[1]).min(0.05);
        self.snow[0] = (self.snow[0] - ground).max(0.0);
        let turn = 1.0 / gauge.regime.quick;
        let (first, second) = (self.quick[0] * turn, self.quick[1] * turn);
        self.quick[0] += water * 0.5 - first;
        self.quick[1] += first - second;
        let slow = self.slow / SLOW_HOURS;
        self.slow += water * 0.5 + ground - slow;
        second + slow
    }
}

#[derive(Default)]
struct Columns<'a> {
    gauge: Vec<&'a str>,
    time: Vec<i64>,
    level: Vec<Option<f64>>,
    level_quality: Vec<&'static str>,
    flow: Vec<Option<f64>>,
    flow_quality: Vec<&'static str>,
}

impl Columns<'_> {
    fn batch(&mut self, schema: &SchemaRef) -> Result<RecordBatch, DemoError> {
        let whole = std::mem::take(self);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(whole.gauge)),
            Arc::new(TimestampMicrosecondArray::from(whole.time).with_timezone(ZONE_NAME)),
            Arc::new(Float64Array::from(whole.level)),
            Arc::new(StringArray::from(whole.level_quality)),
            Arc::new(Float64Array::from(whole.flow)),
            Arc::new(StringArray::from(whole.flow_quality)),
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
    for gauge in &world.gauges {
        let mut water = Water::before(world, gauge, year)?;
        for end in year.hours_ending() {
            let reading = water.next_hour(year.is_provisional(end));
            columns.gauge.push(&gauge.site.id);
            columns.time.push(hour_micros(end));
            columns.level.push(reading.level.0);
            columns.level_quality.push(reading.level.1.as_str());
            columns.flow.push(reading.flow.0);
            columns.flow_quality.push(reading.flow.1.as_str());
            if columns.time.len() == batch_rows {
                sink(columns.batch(&schema)?)?;
            }
        }
    }
    if columns.time.is_empty() { Ok(()) } else { sink(columns.batch(&schema)?) }
}

struct Reading {
    level: (Option<f64>, Quality),
    flow: (Option<f64>, Quality),
}

/// A gauge's river, hour by hour.
struct Water<'a> {
    world: &'a World,
    gauge: &'a Gauge,
    sky: Sky<'a>,
    basin: Basin,
    gaps: Gaps,
    own: u64,
}

impl<'a> Water<'a> {
    /// The river such that the next hour is the year's first.
    fn before(world: &'a World, gauge: &'a Gauge, year: &FiscalYear) -> Result<Self, DemoError> {
        let settings = &world.settings.river;
        let own = stream("river", &gauge.site.id);
        let station = world.station(&gauge.regime.station)?;
        let first = *year.hours_ending().start();
        let mut water = Self {
            world,
            gauge,
            sky: Sky::over(world, station, first - BEFORE_DAYS * 24),
            basin: Basin { slow: 60.0, ..Basin::default() },
            gaps: Gaps::new(world.noise, own, settings.gap_rate, settings.gap_max_hours),
            own,
        };
        while water.sky.next_end() < first {
            water.runoff();
        }
        Ok(water)
    }

    /// The next hour's flow, m3/s.
    fn runoff(&mut self) -> f64 {
        let day = self.sky.next_end().div_euclid(24);
        // Plants and the sun take more of the rain in summer.
        let loss = 0.32 + 0.30 * yearly_wave(part_of_year(day), 0.58);
        let hour = self.sky.next_hour();
        let runoff = self.basin.step(&hour, self.gauge, self.world.settings.river.melt_mm, loss);
        // A millimetre an hour on a square kilometre is 1/3.6 cubic metres a second.
        runoff * self.gauge.basin_km2 / 3.6
    }

    fn next_hour(&mut self, provisional: bool) -> Reading {
        let end = self.sky.next_end();
        let flow = self.runoff();
        let day = date(end.div_euclid(24));
        let winter = matches!((day.month(), day.day()), (12, 15..) | (1 | 2, _) | (3, ..15));
        if winter && self.gauge.regime.closed_in_winter {
            return Reading { level: (None, Quality::Closed), flow: (None, Quality::Closed) };
        }
        if self.gaps.cover(end) {
            return Reading { level: (None, Quality::Missing), flow: (None, Quality::Missing) };
        }
        let ripple = self.world.noise.unit(self.own, end) - 0.5;
        let level = self.gauge.regime.gain * flow.powf(0.55) + 0.015 * ripple;
        let level = (level * 100.0).round() / 100.0;
        let flow = ((flow * (1.0 + 0.02 * ripple)) * 100.0).round() / 100.0;
        if self.gaps.doubt(end, self.world.settings.river.doubtful_rate) {
            let level = (level + 1.5 + 2.0 * ripple).max(0.0);
            let level = (level * 100.0).round() / 100.0;
            return Reading {
                level: (Some(level), Quality::Doubtful),
                flow: (None, Quality::Missing),
            };
        }
        let usual = self.gaps.usual(end, provisional);
        let iced = winter && self.gauge.regime.ice && !provisional;
        let flow_quality = if iced { Quality::Estimated } else { usual };
        Reading { level: (Some(level), usual), flow: (Some(flow), flow_quality) }
    }
}
