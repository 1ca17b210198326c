//! How one geometry lies to another, on the plane of longitude and latitude.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
};

use geo::{
    BoundingRect, Contains, CoordsIter, Geometry, Intersects, MultiLineString, MultiPoint,
    MultiPolygon, Rect, Relate,
};

use super::effort::{Steps, Unsaid, corners, each_path};

/// How one geometry lies to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Relation {
    /// The first has all of the second, not only on its edge.
    Contains,
    /// The second has all of the first, not only on its edge.
    Within,
    /// The first has all of the second.
    Covers,
    /// The second has all of the first.
    CoveredBy,
    /// They share a point.
    Intersects,
    /// They share points of their edges and no others.
    Touches,
    /// They share some of their insides, which are less than the larger of the two.
    Crosses,
    /// They are of one kind and share some of their insides; each has some that the other has not.
    Overlaps,
    /// They have the same points.
    Equals,
}

impl Relation {
    /// Every relation under the name of its function. Whatever is so related shares a point.
    pub(crate) const NAMED: [(&'static str, Self); 9] = [
        ("st_contains", Self::Contains),
        ("st_within", Self::Within),
        ("st_covers", Self::Covers),
        ("st_coveredby", Self::CoveredBy),
        ("st_intersects", Self::Intersects),
        ("st_touches", Self::Touches),
        ("st_crosses", Self::Crosses),
        ("st_overlaps", Self::Overlaps),
        ("st_equals", Self::Equals),
    ];

    pub(crate) fn named(function: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(name, _)| *name == function).map(|(_, relation)| *relation)
    }

    /// Whether it is so. What it takes is spent first.
    pub(crate) fn holds(
        self,
        first: &Geometry,
        second: &Geometry,
        steps: &mut Steps,
    ) -> Result<bool, Unsaid> {
        steps.spend(corners(first) + corners(second))?;
        let (Some(a), Some(b)) = (first.bounding_rect(), second.bounding_rect()) else {
            return Ok(false);
        };
        if !a.intersects(&b) {
            return Ok(false);
        }
        match self {
            Self::Within => return Self::Contains.holds(second, first, steps),
            Self::CoveredBy => return Self::Covers.holds(second, first, steps),
            // A point is looked for directly, which is far cheaper than the general way.
            Self::Contains if let Geometry::Point(point) = second => {
                return Ok(first.contains(point));
            }
            Self::Covers | Self::Intersects if let Geometry::Point(point) = second => {
                return Ok(first.intersects(point));
            }
            Self::Intersects if let Geometry::Point(point) = first => {
                return Ok(second.intersects(point));
            }
            _ => {}
        }
        for (area, other, rect, contains) in [(first, second, b, true), (second, first, a, false)] {
            if let Some(is_inside) = apart_from_edges(area, other, rect) {
                return Ok(is_inside
                    && match self {
                        Self::Intersects => true,
                        Self::Contains | Self::Covers => contains,
                        _ => false,
                    });
            }
        }
        let pairs = corners(first).saturating_mul(corners(second));
        if self == Self::Intersects && pairs <= FEW_PAIRS {
            steps.spend(pairs)?;
            return Ok(first.intersects(second));
        }
        let (first, second) = match (of_one_kind(first), of_one_kind(second)) {
            (Some(first), Some(second)) => (first, second),
            _ => return self.holds_of_parts(first, second, steps),
        };
        steps.spend_meetings(&[&first, &second])?;
        let matrix = unbroken(|| first.relate(second.as_ref()))?;
        Ok(match self {
            Self::Contains => matrix.is_contains(),
            Self::Within => matrix.is_within(),
            Self::Covers => matrix.is_covers(),
            Self::CoveredBy => matrix.is_coveredby(),
            Self::Intersects => matrix.is_intersects(),
            Self::Touches => matrix.is_touches(),
            Self::Crosses => matrix.is_crosses(),
            Self::Overlaps => matrix.is_overlaps(),
            Self::Equals => matrix.is_equal_topo(),
        })
    }

    /// Of collections with parts of several kinds, what their parts tell.
    fn holds_of_parts(
        self,
        first: &Geometry,
        second: &Geometry,
        steps: &mut Steps,
    ) -> Result<bool, Unsaid> {
        let any = |whole: &Geometry, relation: Self, parts: &[Geometry], steps: &mut Steps| {
            for part in parts {
                if relation.holds(whole, part, steps)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        match (self, first, second) {
            (Self::Intersects, Geometry::GeometryCollection(parts), other)
            | (Self::Intersects, other, Geometry::GeometryCollection(parts)) => {
                any(other, self, &parts.0, steps)
            }
            (Self::Covers | Self::Contains, whole, Geometry::GeometryCollection(parts))
                if of_one_kind(whole).is_some() =>
            {
                for part in parts {
                    if !is_empty(part) && !Self::Covers.holds(whole, part, steps)? {
                        return Ok(false);
                    }
                }
                if self == Self::Covers { Ok(true) } else { any(whole, self, &parts.0, steps) }
            }
            _ => Err(Unsaid::Mixed),
        }
    }
}

/// So few pairs of corners are compared one by one.
const FEW_PAIRS: u64 = 100_000;

/// Whether something lies in an area, where no edge of the area comes near to it.
fn apart_from_edges(area: &Geometry, other: &Geometry, around: Rect) -> Option<bool> {
    if !matches!(area, Geometry::Polygon(_) | Geometry::MultiPolygon(_)) {
        return None;
    }
    let mut is_near = false;
    each_path(area, &mut |path| {
        is_near =
            is_near || path.lines().any(|edge| Rect::new(edge.start, edge.end).intersects(&around));
    });
    if is_near {
        return None;
    }
    other.coords_iter().next().map(|at| area.intersects(&at))
}

/// Whether a geometry has no point.
pub(crate) fn is_empty(geometry: &Geometry) -> bool {
    geometry.coords_iter().next().is_none()
}

/// The geometry itself, or the parts of a collection as one; none where they are of several kinds, which lie
/// over one another in ways that no relation has words for.
pub(crate) fn of_one_kind(geometry: &Geometry) -> Option<Cow<'_, Geometry>> {
    let Geometry::GeometryCollection(_) = geometry else { return Some(Cow::Borrowed(geometry)) };
    let (mut points, mut lines, mut polygons) = (Vec::new(), Vec::new(), Vec::new());
    let mut waiting = vec![geometry];
    while let Some(part) = waiting.pop() {
        match part {
            Geometry::Point(point) => points.push(*point),
            Geometry::MultiPoint(several) => points.extend(&several.0),
            Geometry::LineString(line) => lines.push(line.clone()),
            Geometry::MultiLineString(several) => lines.extend(several.0.iter().cloned()),
            Geometry::Polygon(polygon) => polygons.push(polygon.clone()),
            Geometry::MultiPolygon(several) => polygons.extend(several.0.iter().cloned()),
            Geometry::GeometryCollection(parts) => waiting.extend(parts.0.iter().rev()),
            Geometry::Line(_) | Geometry::Rect(_) | Geometry::Triangle(_) => return None,
        }
    }
    let one = match (points.is_empty(), lines.is_empty(), polygons.is_empty()) {
        (_, true, true) => Geometry::MultiPoint(MultiPoint(points)),
        (true, false, true) => Geometry::MultiLineString(MultiLineString(lines)),
        (true, true, false) => Geometry::MultiPolygon(MultiPolygon(polygons)),
        _ => return None,
    };
    Some(Cow::Owned(one))
}

/// The result of work that expects edges not to cross, and comes to no end of its own where they do.
pub(crate) fn unbroken<T>(work: impl FnOnce() -> T) -> Result<T, Unsaid> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Unsaid::Broken)
}

#[cfg(test)]
mod tests {
    use super::{super::from_wkt, *};

    /// Pairs of geometries and how they lie to one another as GEOS says, in the order of the names. About
    /// lines of a collection that end on one another, libraries differ, and none is among them.
    const KNOWN: &str = include_str!("relations.txt");

    #[test]
    fn relations_are_those_of_geos() {
        let mut wrong = Vec::new();
        for line in KNOWN.lines() {
            let [a, b, known] = line.split('|').collect::<Vec<_>>().try_into().unwrap();
            let (first, second) = (from_wkt(a).unwrap(), from_wkt(b).unwrap());
            let said = Relation::NAMED.map(|(_, relation)| {
                match relation.holds(&first, &second, &mut Steps::default()) {
                    Ok(true) => '1',
                    Ok(false) => '0',
                    Err(_) => '?',
                }
            });
            let said: String = said.iter().collect();
            if said != known {
                wrong.push(format!("{line} {said}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn of_large_areas_only_what_lies_at_their_edges_is_worked_out() {
        let ring = (0..20_000).map(|step| {
            let angle = f64::from(step) / 20_000.0 * std::f64::consts::TAU;
            (140.0 + angle.cos(), 43.0 + angle.sin())
        });
        let circle = Geometry::Polygon(geo::Polygon::new(ring.collect(), Vec::new()));
        let cell = |x: f64, y: f64| {
            Geometry::Polygon(Rect::new((x, y), (x + 0.01, y + 0.01)).to_polygon())
        };
        for (x, y, relations) in [
            (140.0, 43.0, [true, true, true, false, false]),
            (140.9, 43.9, [false; 5]),
            (140.995, 43.0, [false, false, true, false, true]),
        ] {
            let mut steps = Steps::default();
            let found = [
                Relation::Contains,
                Relation::Covers,
                Relation::Intersects,
                Relation::Touches,
                Relation::Overlaps,
            ]
            .map(|relation| relation.holds(&circle, &cell(x, y), &mut steps).unwrap());
            assert_eq!(found, relations, "{x} {y}");
            let inside = Relation::Within.holds(&cell(x, y), &circle, &mut steps).unwrap();
            assert_eq!(inside, relations[0]);
            assert_eq!(steps.spent() < 1_000_000, x < 140.99, "{x} {y} {}", steps.spent());
        }
    }

    #[test]
    fn collections_are_as_their_parts() {
        let holds = |relation: Relation, a: &str, b: &str| {
            let (a, b) = (from_wkt(a).unwrap(), from_wkt(b).unwrap());
            relation.holds(&a, &b, &mut Steps::default())
        };
        let square = "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))";
        let mixed = "GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (0 0, 0 4), MULTIPOINT EMPTY)";
        assert_eq!(holds(Relation::Covers, square, mixed), Ok(true));
        assert_eq!(holds(Relation::Contains, square, mixed), Ok(true));
        assert_eq!(holds(Relation::Within, mixed, square), Ok(true));
        assert_eq!(holds(Relation::Intersects, mixed, "POINT (0 2)"), Ok(true));
        assert_eq!(holds(Relation::Intersects, mixed, "POINT (1 2)"), Ok(false));
        assert_eq!(holds(Relation::Touches, mixed, square), Err(Unsaid::Mixed));
        let edges = "GEOMETRYCOLLECTION (LINESTRING (0 0, 0 4), GEOMETRYCOLLECTION (LINESTRING (0 4, 4 4)))";
        assert_eq!(holds(Relation::Touches, edges, square), Ok(true));
        assert_eq!(holds(Relation::Contains, square, edges), Ok(false));
        assert_eq!(holds(Relation::Equals, "POLYGON EMPTY", "POLYGON EMPTY"), Ok(false));
    }

    #[test]
    fn edges_that_all_cross_are_refused_before_they_are_compared() {
        // Combs of long teeth that lie over one another.
        let comb = |turned: bool| {
            let corners = (0..6_000).map(|step| {
                let (along, across) = (f64::from(step) / 3_000.0, f64::from(step % 2));
                if turned { (across, along) } else { (along, across) }
            });
            Geometry::LineString(corners.collect())
        };
        let relation = Relation::Crosses.holds(&comb(false), &comb(true), &mut Steps::default());
        assert_eq!(relation, Err(Unsaid::TooMuch));
    }

    proptest::proptest! {
        /// Rings that cross themselves and lie on one another get an answer or are told to be broken.
        #[test]
        fn broken_areas_end_nothing(
            a in proptest::collection::vec((0u8..5, 0u8..5), 1..9),
            b in proptest::collection::vec((0u8..5, 0u8..5), 1..9),
        ) {
            let area = |ring: &[(u8, u8)]| {
                let ring = ring.iter().map(|(x, y)| (f64::from(*x), f64::from(*y))).collect();
                Geometry::Polygon(geo::Polygon::new(ring, Vec::new()))
            };
            for (_, relation) in Relation::NAMED {
                let said = relation.holds(&area(&a), &area(&b), &mut Steps::default());
                proptest::prop_assert!(matches!(said, Ok(_) | Err(Unsaid::Broken)), "{:?}", said);
            }
        }
    }
}
