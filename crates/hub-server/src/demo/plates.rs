//! daigaku.plate_counts_daily: guests come in rental cars and go out in any weather, those who live here
//! stay at home when it snows.

use chrono::{Datelike, Weekday};
use hub_model::Quality;

use super::{
    DemoError,
    daily::{Day, days},
    files::{CsvFile, optional},
    fiscal::{date, part_of_year, yearly_wave},
    noise::stream,
    places::World,
    settings::Cars,
};

/// Prefectures of plates, with their share of private and of rental cars: the others, Hokkaido, Miyagi,
/// Tokyo, Osaka.
const PREFECTURES: [(&str, f64, f64); 5] = [
    ("00", 0.06, 0.01),
    ("01", 0.88, 0.97),
    ("04", 0.02, 0.004),
    ("13", 0.03, 0.012),
    ("27", 0.01, 0.004),
];

pub(super) fn generate(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    let settings = &world.settings.plates;
    for site in &world.cameras {
        let cars = settings.sites.get(&site.id).ok_or_else(|| {
            DemoError::embedded("generator.toml", format!("no cars of {}", site.id))
        })?;
        let station = world.nearest_station(site.latitude, site.longitude)?;
        let own = stream("plates", &site.id);
        for year in world.years() {
            for today in days(world, station, year) {
                let seen = world.noise.unit(!own, today.day) >= settings.gap_rate;
                let quality = match (seen, today.day >= year.provisional_from) {
                    (false, _) => Quality::Missing,
                    (true, true) => Quality::Provisional,
                    (true, false) => Quality::Normal,
                };
                let (private, rental) = usual(cars, &today, settings.snowy_cm);
                for (prefecture, of_private, of_rental) in PREFECTURES {
                    for (class, cars) in
                        [("private", private * of_private), ("rental", rental * of_rental)]
                    {
                        let luck = stream(class, prefecture) ^ own;
                        let luck = 0.85 + 0.3 * world.noise.unit(luck, today.day);
                        let vehicles = seen.then_some((cars * luck).round() as i64);
                        file.line(&[
                            &site.id,
                            &date(today.day),
                            &prefecture,
                            &class,
                            &optional(vehicles),
                            &quality.as_str(),
                        ])?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Private and rental cars of a day.
fn usual(cars: &Cars, today: &Day, snowy_cm: f64) -> (f64, f64) {
    let part = part_of_year(today.day);
    // Skiers come around the end of January, travellers in the first days of August.
    let winter = yearly_wave(part, 0.08).max(0.0).powi(2) * (cars.winter - 1.0);
    let summer = yearly_wave(part, 0.59).max(0.0).powi(2) * (cars.summer - 1.0);
    let season = 1.0 + winter + summer;
    let weekend = matches!(date(today.day).weekday(), Weekday::Sat | Weekday::Sun);
    let snowing = today.fallen >= snowy_cm;
    let (stay, go) = if snowing { (0.72, 0.93) } else { (1.0, 1.0) };
    let free = if weekend { 1.3 } else { 1.0 };
    (cars.private * season * free * stay, cars.rental * season.powf(1.4) * go)
}
