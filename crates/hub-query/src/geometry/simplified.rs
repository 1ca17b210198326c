//! Fewer corners: Douglas and Peucker's way (1973), without calling itself, so that no line is too long for
//! it, and within steps, since some lines take the square of their corners.

use geo::{
    BoundingRect, Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPolygon,
    Polygon,
};

use super::{
    effort::{Steps, Unsaid},
    paths::on_earth,
};

/// About how many metres a degree of latitude has.
const METRES_A_DEGREE: f64 = 111_195.0;

/// The geometry without corners that lie less than so many metres from the line that is left; none where
/// nothing is left of it.
pub(crate) fn simplified(
    geometry: &Geometry,
    metres: f64,
    steps: &mut Steps,
) -> Result<Option<Geometry>, Unsaid> {
    on_earth(geometry)?;
    let Some(around) = geometry.bounding_rect() else { return Ok(Some(geometry.clone())) };
    Rule::new(around.center().y, metres).geometry(geometry, steps)
}

/// A line without corners so near to it.
pub(super) fn simplified_path(
    path: &LineString,
    metres: f64,
    steps: &mut Steps,
) -> Result<LineString, Unsaid> {
    let Some(around) = path.bounding_rect() else { return Ok(path.clone()) };
    Rule::new(around.center().y, metres).path(path, steps)
}

struct Rule {
    /// How much shorter a degree of longitude is.
    narrow: f64,
    /// The distance in degrees of latitude, squared.
    nearest: f64,
}

impl Rule {
    fn new(latitude: f64, metres: f64) -> Self {
        let degrees = metres / METRES_A_DEGREE;
        Self { narrow: latitude.to_radians().cos(), nearest: degrees * degrees }
    }

    fn geometry(&self, geometry: &Geometry, steps: &mut Steps) -> Result<Option<Geometry>, Unsaid> {
        Ok(match geometry {
            Geometry::LineString(line) => Some(Geometry::LineString(self.path(line, steps)?)),
            Geometry::MultiLineString(lines) => {
                let lines = lines.iter().map(|line| self.path(line, steps));
                Some(Geometry::MultiLineString(MultiLineString(lines.collect::<Result<_, _>>()?)))
            }
            Geometry::Polygon(polygon) => self.polygon(polygon, steps)?.map(Geometry::Polygon),
            Geometry::MultiPolygon(polygons) => {
                let mut left = Vec::new();
                for polygon in polygons {
                    left.extend(self.polygon(polygon, steps)?);
                }
                (!left.is_empty()).then_some(Geometry::MultiPolygon(MultiPolygon(left)))
            }
            Geometry::GeometryCollection(parts) => {
                let mut left = Vec::new();
                for part in parts {
                    left.extend(self.geometry(part, steps)?);
                }
                (!left.is_empty()).then_some(Geometry::GeometryCollection(GeometryCollection(left)))
            }
            other => Some(other.clone()),
        })
    }

    /// Rings that became lines are left out.
    fn polygon(&self, polygon: &Polygon, steps: &mut Steps) -> Result<Option<Polygon>, Unsaid> {
        let outer = self.path(polygon.exterior(), steps)?;
        if outer.0.len() < 4 {
            return Ok(None);
        }
        let mut holes = Vec::new();
        for hole in polygon.interiors() {
            holes.extend(Some(self.path(hole, steps)?).filter(|hole| hole.0.len() >= 4));
        }
        Ok(Some(Polygon::new(outer, holes)))
    }

    fn path(&self, path: &LineString, steps: &mut Steps) -> Result<LineString, Unsaid> {
        let corners = &path.0;
        let mut keeps = vec![false; corners.len()];
        if let [first, .., last] = keeps.as_mut_slice() {
            (*first, *last) = (true, true);
        } else {
            return Ok(path.clone());
        }
        let mut waiting = vec![(0, corners.len() - 1)];
        while let Some((from, to)) = waiting.pop() {
            steps.spend((to - from) as u64)?;
            let between =
                (from + 1..to).map(|at| (at, self.apart(corners[at], corners[from], corners[to])));
            let farthest = between.max_by(|(_, a), (_, b)| a.total_cmp(b));
            if let Some((at, apart)) = farthest
                && apart > self.nearest
            {
                keeps[at] = true;
                waiting.extend([(from, at), (at, to)]);
            }
        }
        let left = corners.iter().zip(keeps).filter(|(_, keeps)| *keeps);
        Ok(LineString(left.map(|(at, _)| *at).collect()))
    }

    /// The square of how far a place lies from an edge.
    fn apart(&self, at: Coord, from: Coord, to: Coord) -> f64 {
        let flat = |to: Coord| ((to.x - from.x) * self.narrow, to.y - from.y);
        let ((x, y), (east, north)) = (flat(at), flat(to));
        let long = east * east + north * north;
        let share = if long > 0.0 { ((x * east + y * north) / long).clamp(0.0, 1.0) } else { 0.0 };
        let (x, y) = (x - share * east, y - share * north);
        x * x + y * y
    }
}
