//! kanko.visits_daily: seasons, weekends, and the guests of a cruise ship on the day that it calls.

use chrono::{Datelike, Weekday};
use hub_model::Quality;

use super::{
    DemoError,
    files::{CsvFile, optional},
    fiscal::{date, part_of_year, yearly_wave},
    noise::stream,
    places::World,
    port::cruise,
};

pub(super) fn generate(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    let settings = &world.settings.visits;
    for site in &world.desks {
        let guests = settings.sites.get(&site.id).ok_or_else(|| {
            DemoError::embedded("generator.toml", format!("no visits of {}", site.id))
        })?;
        let own = stream("visits", &site.id);
        for year in world.years() {
            for day in year.first_day..year.end_day {
                let today = date(day);
                let part = part_of_year(day);
                let winter = yearly_wave(part, 0.08).max(0.0).powi(2) * (guests.winter - 1.0);
                let summer = yearly_wave(part, 0.59).max(0.0).powi(2) * (guests.summer - 1.0);
                let weekend = matches!(today.weekday(), Weekday::Sat | Weekday::Sun);
                let free = if weekend { guests.weekend } else { 1.0 };
                let luck = 0.8 + 0.4 * world.noise.unit(own, day);
                let ashore = cruise(world, day).map_or(0.0, |call| call.passengers * guests.cruise);
                let visitors = guests.usual * (1.0 + winter + summer) * free * luck + ashore;
                let closed = matches!((today.month(), today.day()), (12, 31) | (1, 1));
                let quality = if closed {
                    Quality::Closed
                } else if world.noise.unit(!own, day) < settings.gap_rate {
                    Quality::Missing
                } else if day >= year.provisional_from {
                    Quality::Provisional
                } else {
                    Quality::Normal
                };
                let seen = !matches!(quality, Quality::Closed | Quality::Missing);
                file.line(&[
                    &site.id,
                    &today,
                    &optional(seen.then_some(visitors.round() as i64)),
                    &quality.as_str(),
                ])?;
            }
        }
    }
    Ok(())
}
