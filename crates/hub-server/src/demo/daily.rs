//! Days of the weather over a station, for what people do and suffer in it. No instrument fails here.

use super::{
    fiscal::FiscalYear,
    places::{Station, World},
    sky::Sky,
};

/// A day, from the hour that ends at 01:00 to the one that ends at 24:00.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Day {
    /// Its number.
    pub(super) day: i64,
    /// The least and the greatest temperature, Cel.
    pub(super) low: f64,
    pub(super) high: f64,
    /// mm.
    pub(super) rain: f64,
    /// The greatest depth on the ground, cm.
    pub(super) snow_depth: f64,
    /// By how much the snow grew, cm.
    pub(super) fallen: f64,
}

impl Day {
    /// Whether it froze and thawed.
    pub(super) fn crosses_freezing(&self) -> bool {
        self.low < 0.0 && self.high > 0.0
    }
}

/// The days of a fiscal year.
pub(super) fn days(world: &World, station: &Station, year: &FiscalYear) -> Vec<Day> {
    let mut sky = Sky::over(world, station, *year.hours_ending().start());
    let mut before = 0.0;
    (year.first_day..year.end_day)
        .map(|day| {
            let mut today =
                Day { day, low: f64::MAX, high: f64::MIN, rain: 0.0, snow_depth: 0.0, fallen: 0.0 };
            for _ in 0..24 {
                let hour = sky.next_hour();
                today.low = today.low.min(hour.temperature);
                today.high = today.high.max(hour.temperature);
                today.rain += hour.precipitation;
                today.snow_depth = today.snow_depth.max(hour.snow_depth);
                today.fallen += (hour.snow_depth - before).max(0.0);
                before = hour.snow_depth;
            }
            today
        })
        .collect()
}
