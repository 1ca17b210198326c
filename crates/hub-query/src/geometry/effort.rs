//! How much there is to do with geometries, found out before it is done, and what is said where it is too
//! much or cannot be. A step is about ten nanoseconds.

use std::fmt;

use geo::{CoordsIter, Geometry, Line, LineString};
use rstar::{RTree, RTreeObject};

/// The most that is done with one geometry or pair, and with one batch of them: some seconds' work.
pub(crate) const MAX_STEPS: u64 = 1_000_000_000;

/// What an edge or a crossing costs where edges are put in order to find how they meet.
const STEPS_AN_EDGE: u64 = 64;

/// The most edges that may lie near to one another, each pair of which may make a new corner.
const MAX_MEETINGS: u64 = 1_000_000;

/// Edges that are so few need not be looked at to know that they meet less often.
const FEW: u64 = 1_024;

/// Why something cannot be said of geometries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsaid {
    TooMuch,
    Mixed,
    OffEarth,
    Broken,
    /// What the function takes, where it was given something else.
    Takes(&'static str),
}

impl fmt::Display for Unsaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMuch => {
                "would compare too many corners or edges at once; give it simpler geometries, such as ST_Simplify(geometry, metres) makes, or join two tables ON it"
            }
            Self::Mixed => {
                "takes no collection of points, lines and polygons together; take one of its parts with ST_GeometryN(geometry, n)"
            }
            Self::OffEarth => {
                "takes degrees: longitudes from -360 to 360 and latitudes from -90 to 90; convert metres of a map to longitude and latitude first"
            }
            Self::Broken => {
                "can't work on this geometry, whose edges cross or lie on one another; find such geometries with NOT ST_IsValid(geometry)"
            }
            Self::Takes(what) => what,
        })
    }
}

/// What may be done within a limit.
#[derive(Debug)]
pub(crate) struct Steps {
    left: u64,
}

impl Default for Steps {
    fn default() -> Self {
        Self { left: MAX_STEPS }
    }
}

impl Steps {
    pub(crate) fn spend(&mut self, steps: u64) -> Result<(), Unsaid> {
        self.left = self.left.checked_sub(steps).ok_or(Unsaid::TooMuch)?;
        Ok(())
    }

    /// How many are spent.
    pub(crate) fn spent(&self) -> u64 {
        MAX_STEPS - self.left
    }

    /// Takes what it costs to find out how all edges of some geometries meet.
    pub(crate) fn spend_meetings(&mut self, geometries: &[&Geometry]) -> Result<(), Unsaid> {
        let corners: u64 = geometries.iter().map(|geometry| corners(geometry)).sum();
        self.spend(corners.saturating_mul(STEPS_AN_EDGE))?;
        let pieces: u64 = geometries.iter().map(|geometry| pieces(geometry)).sum();
        // Each piece that meets no other is looked for in the whole.
        self.spend(pieces.saturating_mul(corners))?;
        if corners > FEW {
            let met = meetings(geometries).ok_or(Unsaid::TooMuch)?;
            self.spend(met * STEPS_AN_EDGE)?;
        }
        Ok(())
    }
}

/// How many corners a geometry has.
pub(crate) fn corners(geometry: &Geometry) -> u64 {
    geometry.coords_count() as u64
}

/// How many points, lines and rings a geometry is made of.
pub(crate) fn pieces(geometry: &Geometry) -> u64 {
    match geometry {
        Geometry::GeometryCollection(parts) => parts.iter().map(pieces).sum(),
        Geometry::MultiPoint(points) => points.0.len() as u64,
        Geometry::MultiLineString(lines) => lines.0.len() as u64,
        Geometry::Polygon(polygon) => 1 + polygon.interiors().len() as u64,
        Geometry::MultiPolygon(polygons) => {
            polygons.iter().map(|polygon| 1 + polygon.interiors().len() as u64).sum()
        }
        _ => 1,
    }
}

/// Calls for every line and ring of a geometry.
pub(crate) fn each_path<'a>(geometry: &'a Geometry, call: &mut impl FnMut(&'a LineString)) {
    match geometry {
        Geometry::LineString(line) => call(line),
        Geometry::MultiLineString(lines) => lines.iter().for_each(call),
        Geometry::Polygon(polygon) => {
            std::iter::once(polygon.exterior()).chain(polygon.interiors()).for_each(call);
        }
        Geometry::MultiPolygon(polygons) => {
            for polygon in polygons {
                std::iter::once(polygon.exterior()).chain(polygon.interiors()).for_each(&mut *call);
            }
        }
        Geometry::GeometryCollection(parts) => {
            parts.iter().for_each(|part| each_path(part, &mut *call));
        }
        _ => {}
    }
}

/// How many pairs of edges have boxes that meet; none where they are too many.
fn meetings(geometries: &[&Geometry]) -> Option<u64> {
    let mut edges: Vec<Line> = Vec::new();
    for geometry in geometries {
        each_path(geometry, &mut |path| edges.extend(path.lines()));
    }
    let tree = RTree::bulk_load(edges);
    let mut met = 0;
    for edge in &tree {
        for _ in tree.locate_in_envelope_intersecting(&edge.envelope()) {
            met += 1;
            // Each pair is found from both sides.
            if met > 2 * MAX_MEETINGS {
                return None;
            }
        }
    }
    Some(met / 2)
}
