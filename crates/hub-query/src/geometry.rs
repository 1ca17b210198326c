//! Geometries: read from and written as WKT, which is how the hub's columns hold them, and as GeoJSON; how
//! they lie to one another, and how far apart they are. Coordinates are degrees of longitude and latitude.

mod distance;
mod geojson;
mod wkt;

use geo::{BoundingRect, Contains, Geometry, Intersects};

pub(crate) use distance::{Reach, apart_m, area_m2, geodesic_m, is_on_earth};
pub(crate) use geojson::{from_geojson, write_geojson};
pub(crate) use wkt::{from_wkt, to_wkt};

/// How one geometry lies to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Relation {
    /// The first has all of the second, not only on its edge.
    Contains,
    /// The second has all of the first.
    Within,
    /// They share a point.
    Intersects,
}

impl Relation {
    /// Whether it is so.
    pub(crate) fn holds(self, first: &Geometry, second: &Geometry) -> bool {
        let (Some(a), Some(b)) = (first.bounding_rect(), second.bounding_rect()) else {
            return false;
        };
        if !a.intersects(&b) {
            return false;
        }
        match self {
            Self::Contains => contains(first, second),
            Self::Within => contains(second, first),
            Self::Intersects => first.intersects(second),
        }
    }
}

/// A point is looked for directly, which is far cheaper than the general way.
fn contains(whole: &Geometry, part: &Geometry) -> bool {
    match part {
        Geometry::Point(point) => whole.contains(point),
        other => whole.contains(other),
    }
}
