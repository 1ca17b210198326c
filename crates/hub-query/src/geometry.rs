//! Geometries: read from and written as WKT, which is how the hub's columns hold them, and as GeoJSON; how
//! they lie to one another, and how far apart they are. Coordinates are degrees of longitude and latitude.

mod buffer;
mod distance;
mod effort;
mod geojson;
mod overlay;
mod parts;
mod paths;
mod relation;
mod simplified;
mod wkt;

pub(crate) use buffer::buffered;
pub(crate) use distance::{Reach, apart_m, area_m2, closest, geodesic_m, is_on_earth};
pub(crate) use effort::{Steps, Unsaid};
pub(crate) use geojson::{from_geojson, write_geojson};
pub(crate) use overlay::overlaid;
pub(crate) use parts::{count, envelope, hull, is_valid, kind, part, point_or_none, rectangle};
pub(crate) use paths::{along, azimuth, length_m, perimeter_m};
pub(crate) use relation::{Relation, is_empty, unbroken};
pub(crate) use simplified::simplified;
pub(crate) use wkt::{from_wkt, to_wkt};
