//! nosei.rice_yearly: yields that follow the summer's warmth, in the municipalities that grow rice.

use hub_model::Quality;

use super::{
    DemoError,
    files::{CsvFile, optional},
    noise::stream,
    places::World,
    settings::Paddy,
    sky::summer_departure,
};

pub(super) fn generate(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    let settings = &world.settings.rice;
    for municipality in &world.municipalities {
        let code = municipality.code;
        for year in world.history(settings.history_years) {
            let warmth = summer_departure(world.noise, year);
            let chance =
                |n: i64| world.noise.unit(stream("rice", code), i64::from(year) * 4 + n) - 0.5;
            let harvest = settings.municipalities.get(code).map(|paddy| {
                let luck = [chance(0), chance(1), chance(2)];
                Harvest::of(*paddy, warmth, settings.kg_per_degree, year, luck)
            });
            let quality = if harvest.is_some() { Quality::Normal } else { Quality::NotObserved };
            file.line(&[
                &code,
                &year,
                // No paddies are a true zero; their yield is not zero, there is none.
                &harvest.as_ref().map_or(0.0, |h| h.area),
                &optional(harvest.as_ref().map(|h| h.per_area)),
                &optional(harvest.as_ref().map(|h| h.first_grade)),
                &quality.as_str(),
            ])?;
        }
    }
    Ok(())
}

struct Harvest {
    area: f64,
    per_area: f64,
    first_grade: f64,
}

impl Harvest {
    fn of(paddy: Paddy, warmth: f64, kg_per_degree: f64, year: i32, luck: [f64; 3]) -> Self {
        let grown = paddy.area * 0.994f64.powi(year - 2020) * (1.0 + 0.03 * luck[0]);
        let per_area = paddy.usual_yield + kg_per_degree * warmth + 24.0 * luck[1];
        // Heat beyond the usual clouds the grains, cold leaves them thin.
        let lost = 2.2 * (warmth - 0.3).powi(2);
        Self {
            area: grown.round(),
            per_area: per_area.round(),
            first_grade: ((paddy.grade - lost + 7.0 * luck[2]).clamp(0.0, 100.0) * 10.0).round()
                / 10.0,
        }
    }
}
