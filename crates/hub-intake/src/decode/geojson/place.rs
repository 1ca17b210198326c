//! Points that stand for lines and polygons. Degrees are taken as a plane, which is right for what is
//! asked: whether a point lies within, and which part is the largest.

use super::geometry::Position;

/// The length of a line.
pub(super) fn length(line: &[Position]) -> f64 {
    line.windows(2).map(|two| distance(two[0], two[1])).sum()
}

fn distance(a: Position, b: Position) -> f64 {
    (a.x - b.x).hypot(a.y - b.y)
}

/// The point at half a line's length.
pub(super) fn middle(line: &[Position]) -> Option<(f64, f64)> {
    let mut left = length(line) / 2.0;
    for two in line.windows(2) {
        let step = distance(two[0], two[1]);
        if step >= left && step > 0.0 {
            let share = left / step;
            let at = |a: f64, b: f64| a + (b - a) * share;
            return Some((at(two[0].x, two[1].x), at(two[0].y, two[1].y)));
        }
        left -= step;
    }
    line.first().map(|first| (first.x, first.y))
}

/// The area of a polygon's outer ring.
pub(super) fn area(polygon: &[Vec<Position>]) -> f64 {
    let Some([origin, ring @ ..]) = polygon.first().map(Vec::as_slice) else { return 0.0 };
    // Differences keep the digits that products of whole coordinates would lose.
    let cross = |a: &Position, b: &Position| {
        (a.x - origin.x) * (b.y - origin.y) - (b.x - origin.x) * (a.y - origin.y)
    };
    ring.windows(2).map(|two| cross(&two[0], &two[1])).sum::<f64>().abs() / 2.0
}

/// A point within a polygon and outside its holes: the middle of the longest stretch of a line from west
/// to east that passes no corner.
pub(super) fn within(polygon: &[Vec<Position>]) -> Option<(f64, f64)> {
    let outer = polygon.first()?;
    let south = outer.iter().map(|p| p.y).fold(f64::INFINITY, f64::min);
    let north = outer.iter().map(|p| p.y).fold(f64::NEG_INFINITY, f64::max);
    let centre = south.midpoint(north);
    // Corners on the line would be counted twice, so it lies halfway between two of them.
    let (mut below, mut above) = (south, north);
    for position in polygon.iter().flatten() {
        if position.y <= centre {
            below = below.max(position.y);
        } else {
            above = above.min(position.y);
        }
    }
    let line = below.midpoint(above);
    let mut crossings: Vec<f64> = polygon
        .iter()
        .flat_map(|ring| ring.windows(2))
        .filter(|two| (two[0].y > line) != (two[1].y > line))
        .map(|two| two[0].x + (line - two[0].y) / (two[1].y - two[0].y) * (two[1].x - two[0].x))
        .collect();
    crossings.sort_by(f64::total_cmp);
    let widest = crossings
        .chunks_exact(2)
        .max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])))
        .map(|stretch| (stretch[0].midpoint(stretch[1]), line));
    // A polygon without any area has its points and nothing within.
    widest.or_else(|| outer.first().map(|first| (first.x, first.y)))
}
