//! shicho.population_yearly and toukei.workers_by_industry: towns that shrink and age from about their
//! size in 2020, and the two that do not.

use super::{
    DemoError,
    files::CsvFile,
    noise::stream,
    places::{Municipality, World},
    settings::People,
};

/// The year whose population the reference table rounds.
const BASE_YEAR: i32 = 2020;

pub(super) fn generate(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    let settings = &world.settings.population;
    for municipality in &world.municipalities {
        let people = settings.municipalities.get(municipality.code).ok_or_else(|| {
            DemoError::embedded("generator.toml", format!("no population of {}", municipality.code))
        })?;
        // Tables name 1 January, which comes after the calendar year that ended.
        for year in world.history(settings.history_years) {
            let year = year + 1;
            let row = Row::of(world, municipality, *people, year);
            file.line(&[
                &municipality.code,
                &year,
                &row.population,
                &row.old,
                &row.households,
                &row.births,
                &row.deaths,
            ])?;
        }
    }
    Ok(())
}

/// The years of a census, which asks what people work at.
const CENSUSES: [i32; 2] = [2015, 2020];

pub(super) fn workers(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for municipality in &world.municipalities {
        let code = municipality.code;
        let said = |of: &str| DemoError::embedded("generator.toml", format!("no {of} of {code}"));
        let people = *world
            .settings
            .population
            .municipalities
            .get(code)
            .ok_or_else(|| said("population"))?;
        let farming = *world.settings.workers.get(code).ok_or_else(|| said("workers"))? / 100.0;
        for year in CENSUSES {
            let row = Row::of(world, municipality, people, year);
            let workers = ((row.population - row.old) as f64 * 0.74 + row.old as f64 * 0.2).round();
            // Farms are given up faster than other work; a few can't be classed.
            let primary = (workers * farming * (1.0 - 0.02 * f64::from(year - BASE_YEAR))).round();
            let secondary = ((workers - primary) * 0.17).round();
            let tertiary = ((workers - primary - secondary) * 0.985).round();
            file.line(&[&code, &year, &workers, &primary, &secondary, &tertiary])?;
        }
    }
    Ok(())
}

struct Row {
    population: i64,
    old: i64,
    households: i64,
    births: i64,
    deaths: i64,
}

impl Row {
    fn of(world: &World, municipality: &Municipality, people: People, year: i32) -> Self {
        let chance = |n: i64| {
            world.noise.unit(stream("population", municipality.code), i64::from(year) * 8 + n)
        };
        let since = f64::from(year - BASE_YEAR);
        let size = municipality.population * (1.0 + people.change).powf(since);
        let size = size * (1.0 + 0.004 * (chance(0) - 0.5));
        let old = (people.old + 0.28 * since).clamp(10.0, 70.0) / 100.0;
        let per_household = 2.12 - 0.013 * since;
        let births = size * (0.0105 - 0.0125 * (old - 0.2)) * (0.75 + 0.5 * chance(1));
        let deaths = size * old * 0.042 * (0.85 + 0.3 * chance(2));
        Self {
            population: size.round() as i64,
            old: (size * old).round() as i64,
            households: (size / per_household).round() as i64,
            births: births.max(0.0).round() as i64,
            deaths: deaths.round() as i64,
        }
    }
}
