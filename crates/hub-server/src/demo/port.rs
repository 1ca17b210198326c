//! kowan.port_calls: cruise ships in the warm season, a ferry on most days, and cargo.

use chrono::{Datelike, NaiveDate, Weekday};

use super::{
    DemoError,
    files::{CsvFile, optional},
    fiscal::date,
    noise::stream,
    places::World,
    settings::CruiseShip,
};

/// Otaru.
const HARBOUR: &str = "012033";

/// A cruise ship's call.
pub(super) struct Cruise<'a> {
    ship: &'a CruiseShip,
    pub(super) passengers: f64,
    hour: i64,
    stay: i64,
}

/// The cruise ship that calls on a day.
pub(super) fn cruise(world: &World, day: i64) -> Option<Cruise<'_>> {
    let settings = &world.settings.port;
    let today = date(day);
    let chance = |n: i64| world.noise.unit(stream("cruise", ""), day * 8 + n);
    let season = matches!((today.month(), today.day()), (4, 10..) | (5..=10, _));
    if !season || chance(0) >= settings.cruise_rate {
        return None;
    }
    let ships = &settings.cruise_ships;
    let ship = ships.get((chance(1) * ships.len() as f64) as usize)?;
    Some(Cruise {
        ship,
        passengers: (ship.passengers * (0.7 + 0.3 * chance(2))).round(),
        hour: 6 + (chance(3) * 4.0) as i64,
        stay: 8 + (chance(4) * 5.0) as i64,
    })
}

pub(super) fn generate(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for year in world.years() {
        for day in year.first_day..year.end_day {
            let mut calls = Calls { file: &mut *file, today: date(day), number: 0 };
            let chance = |n: i64| world.noise.unit(stream("port", ""), day * 8 + n);
            if calls.today.weekday() != Weekday::Mon {
                let guests = (90.0 + 260.0 * chance(0)).round() as i64;
                calls.add(4, 30, 12, "あかつき北航路（架空）", "ferry", 14_000, Some(guests))?;
            }
            if let Some(cruise) = cruise(world, day) {
                let guests = Some(cruise.passengers as i64);
                let ship = cruise.ship;
                calls.add(
                    cruise.hour,
                    0,
                    cruise.stay,
                    &ship.name,
                    "cruise",
                    ship.tonnage,
                    guests,
                )?;
            }
            if chance(1) < world.settings.port.cargo_rate {
                let hour = (chance(2) * 24.0) as i64;
                let tonnage = 900 + (chance(3) * 9_000.0) as i64;
                calls.add(hour, 15, 20, "穀物丸（架空）", "cargo", tonnage, None)?;
            }
        }
    }
    Ok(())
}

struct Calls<'a> {
    file: &'a mut CsvFile,
    today: NaiveDate,
    number: u32,
}

impl Calls<'_> {
    #[expect(clippy::too_many_arguments, reason = "a line's cells in their order")]
    fn add(
        &mut self,
        hour: i64,
        minute: u32,
        stay: i64,
        ship: &str,
        kind: &str,
        tonnage: i64,
        passengers: Option<i64>,
    ) -> Result<(), DemoError> {
        self.number += 1;
        let arrived = self.today.and_hms_opt(hour as u32, minute, 0).unwrap_or_default();
        let departed = arrived + chrono::TimeDelta::hours(stay);
        self.file.line(&[
            &format!("{}-{}", self.today.format("%Y%m%d"), self.number),
            &arrived.format("%Y-%m-%d %H:%M"),
            &departed.format("%Y-%m-%d %H:%M"),
            &HARBOUR,
            &ship,
            &kind,
            &tonnage,
            &optional(passengers),
        ])
    }
}
