//! Distances on the ellipsoid WGS 84, which differs from the one of Japanese surveys (GRS 80) by less than a
//! tenth of a millimetre: Karney's algorithm (2013), exact to nanometres, and what may lie within a distance.

use geo::{
    Closest, ClosestPoint, Coord, CoordsIter, Distance, Geodesic, GeodesicArea, Geometry,
    Intersects, LineIntersection, MapCoords, Point, Rect,
    algorithm::line_intersection::line_intersection,
};

use super::{
    effort::{Steps, Unsaid, corners, each_path},
    paths::measured,
    relation::Relation,
};

/// The least radius of curvature of the ellipsoid, in metres: that of a meridian at the equator.
const LEAST_RADIUS_M: f64 = 6_335_439.0;

/// Whether these are degrees of latitude and longitude.
pub(crate) fn is_on_earth(latitude: f64, longitude: f64) -> bool {
    latitude.abs() <= 90.0 && longitude.abs() <= 360.0
}

/// The length of the shortest way on the ellipsoid between two points, in metres; none where a coordinate is
/// none.
pub(crate) fn geodesic_m(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> Option<f64> {
    let known = is_on_earth(lat1, lon1) && is_on_earth(lat2, lon2);
    known.then(|| Geodesic.distance(Point::new(lon1, lat1), Point::new(lon2, lat2)))
}

/// How far two geometries are apart, in metres; none where one is empty or has coordinates that are none.
/// Between points it is the geodesic. To a line or an edge the nearest point is found on a plane that
/// touches the ground there, and the geodesic to it is measured: within 100 km that is right to some
/// metres.
pub(crate) fn apart_m(
    first: &Geometry,
    second: &Geometry,
    steps: &mut Steps,
) -> Result<Option<f64>, Unsaid> {
    if !are_known(first, second, steps)? {
        return Ok(None);
    }
    if let (Geometry::Point(a), Geometry::Point(b)) = (first, second) {
        return Ok(geodesic_m(a.y(), a.x(), b.y(), b.x()));
    }
    if Relation::Intersects.holds(first, second, steps)? {
        return Ok(Some(0.0));
    }
    Ok(nearest(first, second, steps)?.map(|(metres, _)| metres))
}

/// The point of the first that is nearest to the second, which [`apart_m`] measures from; none where it
/// measures nothing.
pub(crate) fn closest(
    first: &Geometry,
    second: &Geometry,
    steps: &mut Steps,
) -> Result<Option<Coord>, Unsaid> {
    if !are_known(first, second, steps)? {
        return Ok(None);
    }
    if let Geometry::Point(point) = first {
        return Ok(Some(point.0));
    }
    if Relation::Intersects.holds(first, second, steps)? {
        return shared(first, second, steps);
    }
    Ok(nearest(first, second, steps)?.map(|(_, at)| at))
}

fn are_known(first: &Geometry, second: &Geometry, steps: &mut Steps) -> Result<bool, Unsaid> {
    steps.spend(corners(first) + corners(second))?;
    let known = |geometry: &Geometry| {
        let mut coords = geometry.coords_iter().peekable();
        coords.peek().is_some() && coords.all(|at| is_on_earth(at.y, at.x))
    };
    Ok(known(first) && known(second))
}

/// How far geometries are apart that do not meet, and the point of the first from which that is: a corner of
/// one of them is nearest to the other.
fn nearest(
    first: &Geometry,
    second: &Geometry,
    steps: &mut Steps,
) -> Result<Option<(f64, Coord)>, Unsaid> {
    steps.spend(corners(first).saturating_mul(corners(second)).saturating_mul(2))?;
    let from_first = first.coords_iter().filter_map(|at| Some((to_geometry(at, second)?.0, at)));
    let to_first = second.coords_iter().filter_map(|at| to_geometry(at, first));
    Ok(from_first.chain(to_first).min_by(|(one, _), (other, _)| one.total_cmp(other)))
}

/// How far it is from a place to a geometry, and to which of its points.
fn to_geometry(at: Coord, geometry: &Geometry) -> Option<(f64, Coord)> {
    // Degrees of longitude are made as long as those of latitude.
    let narrow = at.y.to_radians().cos().max(1e-6);
    let flat = |at: Coord| Coord { x: at.x * narrow, y: at.y };
    let plane = geometry.map_coords(flat);
    let found = match plane.closest_point(&Point(flat(at))) {
        Closest::SinglePoint(point) | Closest::Intersection(point) => point,
        Closest::Indeterminate => return None,
    };
    let found = Coord { x: found.x() / narrow, y: found.y() };
    Some((geodesic_m(at.y, at.x, found.y, found.x)?, found))
}

/// A point that two geometries share: a corner of one that lies in the other, or one where edges cross.
fn shared(first: &Geometry, second: &Geometry, steps: &mut Steps) -> Result<Option<Coord>, Unsaid> {
    steps.spend(corners(first).saturating_mul(corners(second)).saturating_mul(3))?;
    let corner = first.coords_iter().find(|at| second.intersects(at));
    if let Some(corner) = corner.or_else(|| second.coords_iter().find(|at| first.intersects(at))) {
        return Ok(Some(corner));
    }
    let (mut one, mut other) = (Vec::new(), Vec::new());
    each_path(first, &mut |path| one.extend(path.lines()));
    each_path(second, &mut |path| other.extend(path.lines()));
    let crossings = one
        .iter()
        .flat_map(|edge| other.iter().filter_map(|crossed| line_intersection(*edge, *crossed)));
    Ok(crossings.into_iter().next().map(|crossing| match crossing {
        LineIntersection::SinglePoint { intersection, .. } => intersection,
        LineIntersection::Collinear { intersection } => intersection.start,
    }))
}

/// The area of polygons on the ellipsoid, in square metres; lines and points have none.
pub(crate) fn area_m2(geometry: &Geometry, steps: &mut Steps) -> Result<f64, Unsaid> {
    measured(geometry, steps, &|geometry| match geometry {
        // Either way of turning means the inside.
        Geometry::Polygon(polygon) => polygon.geodesic_area_signed().abs(),
        Geometry::MultiPolygon(polygons) => {
            polygons.iter().map(|polygon| polygon.geodesic_area_signed().abs()).sum()
        }
        _ => 0.0,
    })
}

/// The boxes that hold everything within a distance of a box: two where it reaches over the line of dates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reach {
    pub(crate) boxes: Vec<Rect>,
}

impl Reach {
    /// Everything within so many metres of a place.
    pub(crate) fn around(place: Rect, metres: f64) -> Self {
        // An angle that is too large by less than a hundredth, so that nothing is missed.
        let angle = (metres.max(0.0) / LEAST_RADIUS_M).min(std::f64::consts::PI);
        let up = angle.to_degrees();
        let (south, north) = (place.min().y - up, place.max().y + up);
        let widest = place.min().y.abs().max(place.max().y.abs()).to_radians();
        let over_pole = widest + angle >= std::f64::consts::FRAC_PI_2;
        let aside = if over_pole {
            360.0
        } else {
            (angle.sin() / widest.cos()).clamp(0.0, 1.0).asin().to_degrees() * 1.01 + 1e-9
        };
        let (west, east) = (place.min().x - aside, place.max().x + aside);
        let span = |west: f64, east: f64| {
            Rect::new(Coord { x: west, y: south - 1e-9 }, Coord { x: east, y: north + 1e-9 })
        };
        let mut boxes = vec![span(west, east)];
        // The same place may be written with a whole turn more or less.
        if east - west >= 360.0 {
            boxes = vec![span(-720.0, 720.0)];
        } else {
            for turn in [-360.0, 360.0] {
                let (west, east) = (west + turn, east + turn);
                if east >= -180.0 && west <= 180.0 {
                    boxes.push(span(west, east));
                }
            }
        }
        Self { boxes }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::from_wkt, *};

    #[test]
    fn a_published_baseline_has_its_length() {
        // Flinders Peak to Buninyong, as the survey of Australia publishes it for its own ellipsoid.
        let metres = geodesic_m(
            -(37.0 + 57.0 / 60.0 + 3.720_30 / 3_600.0),
            144.0 + 25.0 / 60.0 + 29.524_40 / 3_600.0,
            -(37.0 + 39.0 / 60.0 + 10.156_10 / 3_600.0),
            143.0 + 55.0 / 60.0 + 35.383_90 / 3_600.0,
        );
        assert!((metres.unwrap() - 54_972.271).abs() < 0.001, "{metres:?}");
        assert_eq!(geodesic_m(91.0, 0.0, 0.0, 0.0), None);
        assert_eq!(geodesic_m(f64::NAN, 0.0, 0.0, 0.0), None);
    }

    #[test]
    fn the_nearest_part_of_a_geometry_counts() {
        let geometry = |text: &str| from_wkt(text).unwrap();
        let area_m2 = |area: &Geometry| area_m2(area, &mut Steps::default()).unwrap();
        let apart_m = |a: &Geometry, b: &Geometry| apart_m(a, b, &mut Steps::default()).unwrap();
        let square = geometry("POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42))");
        assert_eq!(apart_m(&geometry("POINT (140.5 42.5)"), &square), Some(0.0));
        // Half a degree north of the edge: half of about 111.08 km.
        let north = apart_m(&geometry("POINT (140.5 43.5)"), &square).unwrap();
        let direct = geodesic_m(43.5, 140.5, 43.0, 140.5).unwrap();
        assert!((north - direct).abs() < 1.0, "{north} {direct}");
        assert_eq!(apart_m(&square, &geometry("POINT (140.5 43.5)")), Some(north));
        assert_eq!(apart_m(&square, &geometry("POLYGON EMPTY")), None);
        let area = area_m2(&square);
        let turned = area_m2(&geometry("POLYGON ((140 42, 140 43, 141 43, 141 42, 140 42))"));
        assert!((area - 9.1e9).abs() < 0.1e9 && (area - turned).abs() < 1.0, "{area} {turned}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_within_reach_lies_outside_of_its_boxes(
            lat in -90.0f64..90.0, lon in -180.0f64..180.0,
            lat2 in -90.0f64..90.0, lon2 in -180.0f64..180.0,
        ) {
            let metres = geodesic_m(lat, lon, lat2, lon2).unwrap();
            let place = Rect::new(Coord { x: lon, y: lat }, Coord { x: lon, y: lat });
            let reach = Reach::around(place, metres);
            let other = Coord { x: lon2, y: lat2 };
            proptest::prop_assert!(
                reach.boxes.iter().any(|rect| rect.intersects(&other)),
                "{:?} {:?}", reach, other
            );
        }

        #[test]
        fn what_is_near_is_within_reach(
            lat in -89.0f64..89.0, lon in -180.0f64..180.0,
            north in -1.0f64..1.0, east in -1.0f64..1.0,
        ) {
            let (lat2, lon2) = (lat + north, lon + east);
            let lon2 = if lon2 > 180.0 { lon2 - 360.0 } else if lon2 < -180.0 { lon2 + 360.0 } else { lon2 };
            let metres = geodesic_m(lat, lon, lat2, lon2).unwrap();
            let place = Rect::new(Coord { x: lon, y: lat }, Coord { x: lon, y: lat });
            let reach = Reach::around(place, metres);
            let other = Coord { x: lon2, y: lat2 };
            proptest::prop_assert!(reach.boxes.iter().any(|rect| rect.intersects(&other)));
        }
    }
}
