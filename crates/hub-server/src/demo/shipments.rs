//! nosei.shipments_monthly: what a season's crop brings month by month.

use chrono::Datelike;
use hub_model::Quality;

use super::{DemoError, files::CsvFile, noise::stream, places::World, settings::Crop};

pub(super) fn generate(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for municipality in &world.municipalities {
        let mut crops: Vec<&Crop> = world
            .settings
            .shipments
            .crops
            .iter()
            .filter(|crop| crop.municipality == municipality.code)
            .collect();
        crops.sort_by(|a, b| a.crop.cmp(&b.crop));
        for year in world.years() {
            for first in year.months() {
                for crop in &crops {
                    let shipped = shipped(world, crop, first);
                    if shipped > 0.0 {
                        file.line(&[
                            &municipality.code,
                            &first.format("%Y-%m"),
                            &crop.crop,
                            &shipped,
                            &Quality::Normal.as_str(),
                        ])?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Tonnes of a month, with one decimal; zero outside the season.
fn shipped(world: &World, crop: &Crop, first: chrono::NaiveDate) -> f64 {
    let month = first.month();
    if !(crop.from..=crop.to).contains(&month) {
        return 0.0;
    }
    let bell = |m: u32| {
        let part = (f64::from(m - crop.from) + 0.5) / f64::from(crop.to - crop.from + 1);
        (std::f64::consts::PI * part).sin()
    };
    let whole: f64 = (crop.from..=crop.to).map(bell).sum();
    let own = stream(&crop.crop, &crop.municipality);
    let luck = |at: i64, spread: f64| 1.0 + spread * (world.noise.unit(own, at) - 0.5);
    let year = i64::from(first.year());
    let tonnes = crop.tonnes * bell(month) / whole
        * luck(year * 16, 0.3)
        * luck(year * 16 + i64::from(month), 0.25);
    (tonnes * 10.0).round() / 10.0
}
