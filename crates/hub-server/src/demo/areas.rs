//! shicho.municipality_areas as a GeoJSON file: made-up polygons, each of what is nearest to a
//! municipality's point.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{
    DemoError,
    catalog::{AREAS, cell, reference_rows},
    places::World,
};

pub(super) fn write(world: &World, path: &Path) -> Result<(), DemoError> {
    let features = reference_rows(AREAS, 2)
        .map(|cells| {
            let cells = cells?;
            let municipality = world.municipality(cells[0])?;
            Ok(json!({
                "type": "Feature",
                "properties": {"municipality_code": cells[0], "name_ja": municipality.cells[1]},
                "geometry": {"type": "Polygon", "coordinates": [ring(cells[1])?]},
            }))
        })
        .collect::<Result<Vec<Value>, DemoError>>()?;
    let collection = json!({"type": "FeatureCollection", "features": features});
    fs::write(path, collection.to_string())
        .map_err(|source| DemoError::Write { path: path.to_owned(), source })
}

/// The positions of `longitude latitude;…`.
fn ring(text: &str) -> Result<Vec<[f64; 2]>, DemoError> {
    text.split(';')
        .map(|position| {
            let (longitude, latitude) = position.split_once(' ').ok_or_else(|| {
                DemoError::embedded(AREAS.0, format!("{position:?} is no position"))
            })?;
            Ok([cell(AREAS.0, longitude)?, cell(AREAS.0, latitude)?])
        })
        .collect()
}
