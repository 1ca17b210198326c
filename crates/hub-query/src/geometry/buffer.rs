//! All that lies within a distance of a geometry. Around each corner stands a circle on the ellipsoid, around
//! each edge what lies between the circles of its ends, and the whole is all of them as one: so it is right
//! on the ground, at whatever latitude and however far the geometry reaches.

use geo::{
    BooleanOps, Coord, Destination, Distance, Geodesic, Geometry, LineString, MapCoords,
    MultiPolygon, Orient, Point, Polygon, algorithm::convex_hull::graham_hull, orient::Direction,
    unary_union,
};

use super::{
    effort::{Steps, Unsaid, each_path},
    overlay::{one_or_many, rounded},
    paths::{beside, on_earth},
    relation::{is_empty, of_one_kind, unbroken},
    simplified::simplified_path,
};

/// Corners of a circle, as many as PostGIS gives it.
const CORNERS: u32 = 32;

/// Edges that bend less than this part of the distance count as straight.
const STRAIGHT: f64 = 0.005;

/// What a part of the whole costs: to make it, and to put it together with others again and again.
const STEPS_A_PART: u64 = 10_000;

/// So many parts are put together at once.
const AT_ONCE: usize = 16;

/// The largest distance.
const MAX_METRES: f64 = 1_000_000.0;

/// All that lies within a distance; of a negative distance, what of areas lies farther within from their
/// edges.
pub(crate) fn buffered(
    geometry: &Geometry,
    metres: f64,
    steps: &mut Steps,
) -> Result<Geometry, Unsaid> {
    on_earth(geometry)?;
    if metres.is_nan() || metres.abs() > MAX_METRES {
        return Err(Unsaid::Takes("takes metres from -1000000 to 1000000"));
    }
    let areas = areas(geometry, steps)?;
    if metres == 0.0 || metres < 0.0 && areas.0.is_empty() || is_empty(geometry) {
        return Ok(one_or_many(areas));
    }
    let mut parts = Vec::new();
    around(geometry, metres.abs(), &mut parts, steps)?;
    let band = together(parts)?;
    let made = unbroken(|| {
        if areas.0.is_empty() {
            band
        } else if metres > 0.0 {
            areas.union(&band)
        } else {
            areas.difference(&band)
        }
    })?;
    Ok(one_or_many(in_eight_places(made)))
}

fn in_eight_places(areas: MultiPolygon) -> MultiPolygon {
    areas.map_coords(|at| Coord { x: rounded(at.x), y: rounded(at.y) })
}

/// The areas of a geometry.
fn areas(geometry: &Geometry, steps: &mut Steps) -> Result<MultiPolygon, Unsaid> {
    let geometry = of_one_kind(geometry).ok_or(Unsaid::Mixed)?;
    Ok(match geometry.as_ref() {
        Geometry::Polygon(polygon) => {
            steps.spend_meetings(&[&geometry])?;
            MultiPolygon(vec![polygon.orient(Direction::Default)])
        }
        Geometry::MultiPolygon(polygons) => {
            steps.spend_meetings(&[&geometry])?;
            polygons.orient(Direction::Default)
        }
        _ => MultiPolygon(Vec::new()),
    })
}

/// What lies around every point and every edge.
fn around(
    geometry: &Geometry,
    metres: f64,
    parts: &mut Vec<Polygon>,
    steps: &mut Steps,
) -> Result<(), Unsaid> {
    match geometry {
        Geometry::Point(point) => {
            steps.spend(STEPS_A_PART)?;
            parts.push(Polygon::new(LineString(circle(point.0, metres)?), Vec::new()));
        }
        Geometry::MultiPoint(points) => {
            for point in points {
                around(&Geometry::Point(*point), metres, parts, steps)?;
            }
        }
        Geometry::GeometryCollection(several) => {
            for part in several {
                around(part, metres, parts, steps)?;
            }
        }
        paths => {
            let mut found = Vec::new();
            each_path(paths, &mut |path| found.push(path));
            for path in found {
                let path = simplified_path(path, metres * STRAIGHT, steps)?;
                steps.spend(path.0.len() as u64 * STEPS_A_PART)?;
                let circles = path.coords().map(|at| circle(*at, metres));
                let circles = circles.collect::<Result<Vec<_>, _>>()?;
                if let [alone] = circles.as_slice() {
                    parts.push(Polygon::new(LineString(alone.clone()), Vec::new()));
                }
                for ends in circles.windows(2) {
                    let mut both = ends.concat();
                    parts.push(Polygon::new(graham_hull(&mut both, false), Vec::new()));
                }
            }
        }
    }
    Ok(())
}

/// A circle on the ground, against the clock.
fn circle(middle: Coord, metres: f64) -> Result<Vec<Coord>, Unsaid> {
    let place = Point(middle);
    let pole = Point::new(middle.x, 90f64.copysign(middle.y));
    if Geodesic.distance(place, pole) <= metres {
        return Err(Unsaid::Takes("takes nothing within its distance of a pole"));
    }
    let turned = (0..CORNERS).rev().map(|corner| {
        let bearing = 360.0 / f64::from(CORNERS) * f64::from(corner);
        beside(Geodesic.destination(place, bearing, metres), middle.x)
    });
    Ok(turned.collect())
}

/// All parts as one: few at a time, so that what lies over one another is gone before there is much of it.
fn together(parts: Vec<Polygon>) -> Result<MultiPolygon, Unsaid> {
    let mut wholes = unbroken(|| parts.chunks(AT_ONCE).map(unary_union).collect::<Vec<_>>())?;
    while wholes.len() > 1 {
        wholes = unbroken(|| wholes.chunks(AT_ONCE).map(unary_union).collect::<Vec<_>>())?;
    }
    Ok(wholes.pop().unwrap_or(MultiPolygon(Vec::new())))
}
