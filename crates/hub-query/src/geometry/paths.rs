//! Lines and rings along the ground: each edge is a geodesic on the ellipsoid.

use geo::{
    Bearing, Coord, CoordsIter, Distance, Geodesic, Geometry, InterpolatePoint, LineString, Point,
};

use super::{
    distance::is_on_earth,
    effort::{Steps, Unsaid, corners},
};

/// What a geodesic costs.
const STEPS_A_GEODESIC: u64 = 100;

/// Says where coordinates are no degrees.
pub(crate) fn on_earth(geometry: &Geometry) -> Result<(), Unsaid> {
    let known = geometry.coords_iter().all(|at| is_on_earth(at.y, at.x));
    if known { Ok(()) } else { Err(Unsaid::OffEarth) }
}

/// The length of lines, in metres; points and areas have none.
pub(crate) fn length_m(geometry: &Geometry, steps: &mut Steps) -> Result<f64, Unsaid> {
    measured(geometry, steps, &|geometry| match geometry {
        Geometry::LineString(line) => path_m(line),
        Geometry::MultiLineString(lines) => lines.iter().map(path_m).sum(),
        _ => 0.0,
    })
}

/// The length of all rings of polygons, in metres; lines and points have none.
pub(crate) fn perimeter_m(geometry: &Geometry, steps: &mut Steps) -> Result<f64, Unsaid> {
    let rings = |polygon: &geo::Polygon| {
        path_m(polygon.exterior()) + polygon.interiors().iter().map(path_m).sum::<f64>()
    };
    measured(geometry, steps, &|geometry| match geometry {
        Geometry::Polygon(polygon) => rings(polygon),
        Geometry::MultiPolygon(polygons) => polygons.iter().map(rings).sum(),
        _ => 0.0,
    })
}

/// What is measured on the ground, added up over the parts of a collection.
pub(super) fn measured(
    geometry: &Geometry,
    steps: &mut Steps,
    of: &impl Fn(&Geometry) -> f64,
) -> Result<f64, Unsaid> {
    on_earth(geometry)?;
    steps.spend(corners(geometry) * STEPS_A_GEODESIC)?;
    Ok(sum(geometry, of))
}

fn sum(geometry: &Geometry, of: &impl Fn(&Geometry) -> f64) -> f64 {
    match geometry {
        Geometry::GeometryCollection(parts) => parts.iter().map(|part| sum(part, of)).sum(),
        other => of(other),
    }
}

fn path_m(path: &LineString) -> f64 {
    // Of no edges the sum would be -0.
    path.lines()
        .map(|edge| Geodesic.distance(edge.start_point(), edge.end_point()))
        .fold(0.0, |a, b| a + b)
}

/// The point of a line that so much of its length lies before; none on a line without points.
pub(crate) fn along(
    line: &LineString,
    fraction: f64,
    steps: &mut Steps,
) -> Result<Option<Coord>, Unsaid> {
    let (Some(first), Some(last)) = (line.0.first(), line.0.last()) else { return Ok(None) };
    if !line.coords().all(|at| is_on_earth(at.y, at.x)) {
        return Err(Unsaid::OffEarth);
    }
    steps.spend(line.0.len() as u64 * STEPS_A_GEODESIC)?;
    let edges: Vec<f64> =
        line.lines().map(|edge| Geodesic.distance(edge.start_point(), edge.end_point())).collect();
    let mut left = edges.iter().sum::<f64>() * fraction;
    if fraction <= 0.0 {
        return Ok(Some(*first));
    }
    for (edge, metres) in line.lines().zip(edges) {
        if left < metres {
            let (from, to) = (edge.start_point(), edge.end_point());
            let at = Geodesic.point_at_ratio_between(from, to, left / metres);
            return Ok(Some(beside(at, from.x())));
        }
        left -= metres;
    }
    Ok(Some(*last))
}

/// The direction at the first point in which the second is nearest, clockwise from north, in radians; none
/// where they are the same.
pub(crate) fn azimuth(from: Point, to: Point) -> Result<Option<f64>, Unsaid> {
    if [from, to].iter().any(|at| !is_on_earth(at.y(), at.x())) {
        return Err(Unsaid::OffEarth);
    }
    Ok((from != to).then(|| Geodesic.bearing(from, to).to_radians()))
}

/// A place as it is written near a longitude: a whole turn more or less where that is nearer.
pub(super) fn beside(at: Point, longitude: f64) -> Coord {
    let turns = ((longitude - at.x()) / 360.0).round();
    Coord { x: at.x() + 360.0 * turns, y: at.y() }
}
