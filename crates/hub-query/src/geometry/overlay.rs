//! What two geometries come to together: areas with areas, and what of lines and points lies in areas.

use std::collections::HashMap;

use geo::{
    BooleanOps, BoundingRect, Coord, CoordsIter, Geometry, MapCoordsInPlace, MultiLineString,
    MultiPoint, MultiPolygon, OpType, Point, Polygon, coord,
};

use super::{
    effort::{Steps, Unsaid},
    paths::on_earth,
    relation::{Relation, is_empty, of_one_kind, unbroken},
};

/// Points, lines or areas.
enum Kind {
    Points(Vec<Point>),
    Lines(MultiLineString),
    Areas(MultiPolygon),
}

impl Kind {
    fn of(geometry: &Geometry) -> Result<Self, Unsaid> {
        let geometry = of_one_kind(geometry).ok_or(Unsaid::Mixed)?.into_owned();
        Ok(match geometry {
            Geometry::Point(point) => Self::Points(vec![point]),
            Geometry::MultiPoint(points) => Self::Points(points.0),
            Geometry::LineString(line) => Self::Lines(MultiLineString(vec![line])),
            Geometry::MultiLineString(lines) => Self::Lines(lines),
            Geometry::Polygon(polygon) => Self::Areas(MultiPolygon(vec![polygon])),
            Geometry::MultiPolygon(polygons) => Self::Areas(polygons),
            _ => return Err(Unsaid::Mixed),
        })
    }
}

/// What two geometries come to.
pub(crate) fn overlaid(
    how: OpType,
    first: &Geometry,
    second: &Geometry,
    steps: &mut Steps,
) -> Result<Geometry, Unsaid> {
    on_earth(first)?;
    on_earth(second)?;
    match (how, is_empty(first), is_empty(second)) {
        (OpType::Intersection, true, _) | (OpType::Difference, true, _) => return Ok(first.clone()),
        (OpType::Union | OpType::Xor, true, _) => return Ok(second.clone()),
        (OpType::Intersection, _, true) => return Ok(second.clone()),
        (_, _, true) => return Ok(first.clone()),
        _ => {}
    }
    match (Kind::of(first)?, Kind::of(second)?, how) {
        (Kind::Areas(a), Kind::Areas(b), how) => {
            steps.spend_meetings(&[first, second])?;
            let mut made = unbroken(|| a.boolean_op(&b, how))?;
            Corners::of(&[first, second]).put_back(&mut made);
            Ok(one_or_many(made))
        }
        (Kind::Points(points), _, OpType::Intersection) => among(points, second, true, steps),
        (_, Kind::Points(points), OpType::Intersection) => among(points, first, true, steps),
        (Kind::Points(points), _, OpType::Difference) => among(points, second, false, steps),
        (Kind::Lines(lines), Kind::Areas(area), OpType::Intersection | OpType::Difference)
        | (Kind::Areas(area), Kind::Lines(lines), OpType::Intersection) => {
            steps.spend_meetings(&[first, second])?;
            let is_outside = how == OpType::Difference;
            let mut made = unbroken(|| area.clip(&lines, is_outside))?;
            Corners::of(&[first, second]).put_back(&mut made);
            Ok(match made.0.as_slice() {
                [line] => Geometry::LineString(line.clone()),
                _ => Geometry::MultiLineString(made),
            })
        }
        // What has no width takes nothing away.
        (Kind::Areas(_), _, OpType::Difference)
        | (Kind::Lines(_), Kind::Points(_), OpType::Difference) => Ok(first.clone()),
        (Kind::Lines(_), Kind::Lines(_), OpType::Intersection | OpType::Difference) => {
            Err(Unsaid::Takes(
                "takes no two lines; one of both must be polygons or points. ST_Intersects tells whether lines meet",
            ))
        }
        (_, _, OpType::Union | OpType::Xor) => {
            Err(Unsaid::Takes("takes polygons only; keep points and lines in rows of their own"))
        }
    }
}

/// One polygon as such.
pub(crate) fn one_or_many(areas: MultiPolygon) -> Geometry {
    match areas.0.as_slice() {
        [] => Geometry::Polygon(Polygon::new(geo::LineString(Vec::new()), Vec::new())),
        [area] => Geometry::Polygon(area.clone()),
        _ => Geometry::MultiPolygon(areas),
    }
}

/// Those points that lie in a geometry or on its edge, or those that do not.
fn among(
    points: Vec<Point>,
    other: &Geometry,
    within: bool,
    steps: &mut Steps,
) -> Result<Geometry, Unsaid> {
    let mut left: Vec<Point> = Vec::new();
    for point in points {
        let lies = Relation::Intersects.holds(other, &Geometry::Point(point), steps)?;
        if lies == within && left.last() != Some(&point) {
            left.push(point);
        }
    }
    Ok(match left.as_slice() {
        [point] => Geometry::Point(*point),
        _ => Geometry::MultiPoint(MultiPoint(left)),
    })
}

/// Corners of what was given. Overlays are computed on a grid, to whose lines corners are moved by some
/// billionths of a degree: those that were there before are put back to where they were, and new ones
/// are written with eight places, a millimetre.
struct Corners {
    known: HashMap<(i64, i64), Coord>,
    cell: f64,
}

impl Corners {
    fn of(geometries: &[&Geometry]) -> Self {
        let rects = geometries.iter().filter_map(|geometry| geometry.bounding_rect());
        let (mut west, mut east) = (0f64, 0f64);
        let (mut south, mut north) = (0f64, 0f64);
        for (place, rect) in rects.enumerate() {
            let (min, max) = (rect.min(), rect.max());
            if place == 0 {
                (west, east, south, north) = (min.x, max.x, min.y, max.y);
            }
            (west, east) = (west.min(min.x), east.max(max.x));
            (south, north) = (south.min(min.y), north.max(max.y));
        }
        // The grid has at least so many lines each way.
        let cell = ((east - west).max(north - south) / f64::from(1 << 28)).max(1e-12);
        let mut corners = Self { known: HashMap::new(), cell };
        for geometry in geometries {
            for at in geometry.coords_iter() {
                corners.known.insert(corners.key(at), at);
            }
        }
        corners
    }

    #[expect(clippy::cast_possible_truncation, reason = "cells are counted to some billions")]
    fn key(&self, at: Coord) -> (i64, i64) {
        ((at.x / self.cell).floor() as i64, (at.y / self.cell).floor() as i64)
    }

    fn put_back(&self, made: &mut impl MapCoordsInPlace<f64>) {
        made.map_coords_in_place(|at| {
            let (x, y) = self.key(at);
            let around = (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y)));
            let near = around.filter_map(|key| self.known.get(&key));
            let apart = |known: &Coord| (known.x - at.x).abs() + (known.y - at.y).abs();
            match near.min_by(|a, b| apart(a).total_cmp(&apart(b))) {
                Some(known) if apart(known) <= 2.0 * self.cell => *known,
                _ => coord! { x: rounded(at.x), y: rounded(at.y) },
            }
        });
    }
}

/// Degrees with eight places.
pub(super) fn rounded(degrees: f64) -> f64 {
    (degrees * 1e8).round() / 1e8
}
