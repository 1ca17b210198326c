//! The reference tables: the places of the sample, and small tables that are as they are written, as
//! upload files.

use super::{
    DemoError,
    catalog::reference_rows,
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

pub(super) fn sites(sites: &[Site], file: &mut CsvFile) -> Result<(), DemoError> {
    for Site { id, name_ja, name_en, municipality, latitude, longitude, fictional } in sites {
        file.line(&[id, name_ja, name_en, municipality, latitude, longitude, fictional])?;
    }
    Ok(())
}

/// An embedded table of so many columns, as it is.
pub(super) fn as_written(
    table: (&'static str, &'static str),
    columns: usize,
    file: &mut CsvFile,
) -> Result<(), DemoError> {
    for row in reference_rows(table, columns) {
        let row = row?;
        let cells: Vec<&dyn std::fmt::Display> =
            row.iter().map(|cell| cell as &dyn std::fmt::Display).collect();
        file.line(&cells)?;
    }
    Ok(())
}

/// The usual flow of each third of a month.
pub(super) fn flow_normals(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for gauge in &world.gauges {
        for (index, flow) in gauge.normals.iter().enumerate() {
            file.line(&[&gauge.site.id, &(index / 3 + 1), &(index % 3 + 1), flow])?;
        }
    }
    Ok(())
}
