//! What a geometry is, what it is made of, and what holds it.

use geo::{
    BoundingRect, Coord, CoordsIter, Geometry, LineString, MultiPoint, Point, Polygon, Validation,
    algorithm::convex_hull::graham_hull,
};

use super::{
    effort::{Steps, Unsaid, corners, pieces},
    paths::on_earth,
    relation::{is_empty, unbroken},
};

/// The name of its kind, as PostGIS gives it.
pub(crate) fn kind(geometry: &Geometry) -> &'static str {
    match geometry {
        Geometry::Point(_) => "ST_Point",
        Geometry::Line(_) | Geometry::LineString(_) => "ST_LineString",
        Geometry::Polygon(_) | Geometry::Rect(_) | Geometry::Triangle(_) => "ST_Polygon",
        Geometry::MultiPoint(_) => "ST_MultiPoint",
        Geometry::MultiLineString(_) => "ST_MultiLineString",
        Geometry::MultiPolygon(_) => "ST_MultiPolygon",
        Geometry::GeometryCollection(_) => "ST_GeometryCollection",
    }
}

/// How many geometries it is made of.
pub(crate) fn count(geometry: &Geometry) -> usize {
    match geometry {
        Geometry::MultiPoint(points) => points.0.len(),
        Geometry::MultiLineString(lines) => lines.0.len(),
        Geometry::MultiPolygon(polygons) => polygons.0.len(),
        Geometry::GeometryCollection(parts) => parts.0.len(),
        alone => usize::from(!is_empty(alone)),
    }
}

/// One of those, counted from 1; none beyond the last.
pub(crate) fn part(geometry: &Geometry, number: i64) -> Option<Geometry> {
    let place = usize::try_from(number.checked_sub(1)?).ok()?;
    match geometry {
        Geometry::MultiPoint(points) => points.0.get(place).copied().map(Geometry::Point),
        Geometry::MultiLineString(lines) => lines.0.get(place).cloned().map(Geometry::LineString),
        Geometry::MultiPolygon(polygons) => polygons.0.get(place).cloned().map(Geometry::Polygon),
        Geometry::GeometryCollection(parts) => parts.0.get(place).cloned(),
        alone => (place == 0 && !is_empty(alone)).then(|| alone.clone()),
    }
}

/// Whether its edges neither cross nor lie on one another where they may not.
pub(crate) fn is_valid(geometry: &Geometry, steps: &mut Steps) -> Result<bool, Unsaid> {
    steps.spend_meetings(&[geometry])?;
    // Rings are held against one another, each pair as two areas.
    steps.spend(pieces(geometry).saturating_mul(pieces(geometry)).saturating_mul(64))?;
    unbroken(|| geometry.is_valid()).or(Ok(false))
}

/// The box around it: a point or a line where it has no width; itself where it is empty.
pub(crate) fn envelope(geometry: &Geometry) -> Geometry {
    let Some(rect) = geometry.bounding_rect() else { return geometry.clone() };
    rectangle(rect.min(), rect.max())
}

/// The box between two corners, from the south-west by the north-west as in PostGIS.
pub(crate) fn rectangle(min: Coord, max: Coord) -> Geometry {
    if min == max {
        return Geometry::Point(Point(min));
    }
    if min.x == max.x || min.y == max.y {
        return Geometry::LineString(LineString(vec![min, max]));
    }
    let (north_west, south_east) = (Coord { x: min.x, y: max.y }, Coord { x: max.x, y: min.y });
    let ring = LineString(vec![min, north_west, max, south_east, min]);
    Geometry::Polygon(Polygon::new(ring, Vec::new()))
}

/// The least area without dents that holds it: a point or a line where it has no width.
pub(crate) fn hull(geometry: &Geometry, steps: &mut Steps) -> Result<Geometry, Unsaid> {
    on_earth(geometry)?;
    steps.spend(corners(geometry) * 64)?;
    let mut corners: Vec<Coord> = geometry.coords_iter().collect();
    corners.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    corners.dedup();
    match corners.as_slice() {
        [] => return Ok(geometry.clone()),
        [point] => return Ok(Geometry::Point(Point(*point))),
        [from, to] => return Ok(Geometry::LineString(LineString(vec![*from, *to]))),
        _ => {}
    }
    let (first, last) = (corners[0], corners[corners.len() - 1]);
    let ring = graham_hull(&mut corners, false);
    if ring.0.len() < 4 {
        return Ok(Geometry::LineString(LineString(vec![first, last])));
    }
    Ok(Geometry::Polygon(Polygon::new(ring, Vec::new())))
}

/// A point, or the empty geometry that stands for none.
pub(crate) fn point_or_none(point: Option<Coord>) -> Geometry {
    match point {
        Some(at) => Geometry::Point(Point(at)),
        None => Geometry::MultiPoint(MultiPoint(Vec::new())),
    }
}
