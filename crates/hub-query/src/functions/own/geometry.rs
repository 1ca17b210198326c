//! Geometry by the names that PostGIS gave: columns hold WKT in degrees of longitude and latitude, as the
//! hub makes them of GeoJSON, and so do results. Distances are metres on the ellipsoid; what lies in what is
//! decided on the plane of the degrees.

mod made;
mod measures;
mod parts;
mod points;
mod relations;
mod shapes;
mod texts;

use arrow::{array::ArrayRef, datatypes::Field};
use datafusion::common::Result;
use geo::Geometry;

use super::{Call, Definition, Family, Gives, PLAIN, Takes};
use crate::geometry::{Steps, Unsaid, from_wkt, to_wkt};
use shapes::{Shapes, Two, WKT};

/// What fields of geometries bear, so that they are known as such: the key and its value.
pub(super) const GEOMETRY: (&str, &str) = ("geometry", "wkt");

/// What says of a field that it holds geometries.
pub(crate) fn geometry_metadata(field: &Field) -> bool {
    field.metadata().get(GEOMETRY.0).is_some_and(|form| form == GEOMETRY.1)
}

/// Whether a function makes a point of a longitude and a latitude.
pub(crate) fn is_point_function(name: &str) -> bool {
    name == "st_point"
}

/// Functions by what they are about.
pub(super) const FUNCTIONS: &[&[&Definition]] = &[
    measures::FUNCTIONS,
    points::FUNCTIONS,
    parts::FUNCTIONS,
    relations::FUNCTIONS,
    made::FUNCTIONS,
    texts::FUNCTIONS,
];

const SHAPE: Definition = Definition { family: Family::Geometry, ..PLAIN };

const GEOMETRY_ARGUMENT: (&str, &str) = ("geometry", "a geometry as WKT");

const LINE: (&str, &str) = ("line", "a line as WKT");

const TWO: &[(&str, &str)] = &[("a", "a geometry as WKT"), ("b", "a geometry as WKT")];

/// What takes one geometry.
const OF_ONE: Definition =
    Definition { arguments: &[GEOMETRY_ARGUMENT], takes: &[Takes::Text], ..SHAPE };

/// What takes two.
const OF_TWO: Definition =
    Definition { arguments: TWO, takes: &[Takes::Text, Takes::Text], ..SHAPE };

/// What is worked out of each row's geometry, within the steps that a batch may take.
fn of_each<T>(
    call: &Call<'_>,
    mut work: impl FnMut(&Geometry, usize, &mut Steps) -> Result<Option<T>, Unsaid>,
) -> Result<Vec<Option<T>>> {
    let shapes = Shapes::of(call, 0, from_wkt, WKT)?;
    let mut steps = Steps::default();
    let rows = (0..call.rows()).map(|row| {
        let Some(geometry) = shapes.get(row)? else { return Ok(None) };
        work(&geometry, row, &mut steps).map_err(|unsaid| call.refused(&unsaid.to_string()))
    });
    rows.collect()
}

/// What is worked out of each row's two geometries, within the steps that a batch may take.
fn of_pairs<T>(
    call: &Call<'_>,
    mut work: impl FnMut(&Geometry, &Geometry, usize, &mut Steps) -> Result<Option<T>, Unsaid>,
) -> Result<Vec<Option<T>>> {
    let two = Two::of(call)?;
    let mut steps = Steps::default();
    let rows = (0..call.rows()).map(|row| {
        let Some((a, b)) = two.get(row)? else { return Ok(None) };
        work(&a, &b, row, &mut steps).map_err(|unsaid| call.refused(&unsaid.to_string()))
    });
    rows.collect()
}

/// What a byte of a geometry that is made counts for.
const STEPS_A_BYTE: u64 = 10;

fn written(made: Option<Geometry>, steps: &mut Steps) -> Result<Option<String>, Unsaid> {
    let Some(made) = made else { return Ok(None) };
    let text = to_wkt(&made);
    steps.spend(text.len() as u64 * STEPS_A_BYTE)?;
    Ok(Some(text))
}

/// What is made of each row's geometry.
fn made_of_each(
    call: &Call<'_>,
    mut make: impl FnMut(&Geometry, usize, &mut Steps) -> Result<Option<Geometry>, Unsaid>,
) -> Result<ArrayRef> {
    let rows = of_each(call, |geometry, row, steps| written(make(geometry, row, steps)?, steps))?;
    call.texts_of_rows(|row| Ok(rows[row].as_deref()))
}

/// What is made of each row's two geometries.
fn made_of_pairs(
    call: &Call<'_>,
    mut make: impl FnMut(&Geometry, &Geometry, usize, &mut Steps) -> Result<Option<Geometry>, Unsaid>,
) -> Result<ArrayRef> {
    let rows = of_pairs(call, |a, b, row, steps| written(make(a, b, row, steps)?, steps))?;
    call.texts_of_rows(|row| Ok(rows[row].as_deref()))
}
