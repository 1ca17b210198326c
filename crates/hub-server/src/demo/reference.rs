//! The reference tables: the places of the sample as upload files.

use super::{
    DemoError,
    files::CsvFile,
    places::{Site, World},
};

pub(super) fn municipalities(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for municipality in &world.municipalities {
        let cells: Vec<&dyn std::fmt::Display> =
            municipality.cells.iter().map(|cell| cell as &dyn std::fmt::Display).collect();
        file.line(&cells)?;
    }
    Ok(())
}

pub(super) fn stations(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for station in &world.stations {
        let Site { id, name_ja, name_en, municipality, latitude, longitude, fictional } =
            &station.site;
        file.line(&[
            id,
            name_ja,
            name_en,
            municipality,
            latitude,
            longitude,
            &station.elevation_m,
            &station.observes.as_str(),
            fictional,
        ])?;
    }
    Ok(())
}

pub(super) fn gauges(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for gauge in &world.gauges {
        let Site { id, name_ja, name_en, municipality, latitude, longitude, fictional } =
            &gauge.site;
        let (river_ja, river_en) = gauge.river;
        file.line(&[
            id,
            &river_ja,
            &river_en,
            name_ja,
            name_en,
            municipality,
            latitude,
            longitude,
            &gauge.basin_km2,
            fictional,
        ])?;
    }
    Ok(())
}

pub(super) fn counters(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for counter in &world.counters {
        let Site { id, name_ja, name_en, municipality, latitude, longitude, fictional } =
            &counter.site;
        file.line(&[
            id,
            name_ja,
            name_en,
            &counter.road,
            municipality,
            latitude,
            longitude,
            fictional,
        ])?;
    }
    Ok(())
}
