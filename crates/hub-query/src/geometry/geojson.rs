//! Geometries as GeoJSON (RFC 7946).

use std::fmt::Write;

use geo::{
    Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon,
    Point, Polygon, Winding,
};
use serde_json::Value;

/// Reads a geometry, or the one of a feature; none where the text is neither.
pub(crate) fn from_geojson(text: &str) -> Option<Geometry> {
    read(&serde_json::from_str(text).ok()?)
}

fn read(value: &Value) -> Option<Geometry> {
    let at = value.get("coordinates");
    Some(match value.get("type")?.as_str()? {
        "Feature" => read(value.get("geometry")?)?,
        "Point" => Geometry::Point(Point(coord(at?)?)),
        "LineString" => Geometry::LineString(line(at?)?),
        "Polygon" => Geometry::Polygon(polygon(at?)?),
        "MultiPoint" => Geometry::MultiPoint(MultiPoint(list(at?, |v| Some(Point(coord(v)?)))?)),
        "MultiLineString" => Geometry::MultiLineString(MultiLineString(list(at?, line)?)),
        "MultiPolygon" => Geometry::MultiPolygon(MultiPolygon(list(at?, polygon)?)),
        "GeometryCollection" => {
            Geometry::GeometryCollection(GeometryCollection(list(value.get("geometries")?, read)?))
        }
        _ => return None,
    })
}

fn list<T>(value: &Value, item: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(item).collect()
}

fn coord(value: &Value) -> Option<Coord> {
    let [x, y, ..] = value.as_array()?.as_slice() else { return None };
    Some(Coord { x: x.as_f64()?, y: y.as_f64()? })
}

fn line(value: &Value) -> Option<LineString> {
    list(value, coord).map(LineString)
}

fn polygon(value: &Value) -> Option<Polygon> {
    let mut rings = list(value, line)?.into_iter();
    let outer = rings.next().unwrap_or_else(|| LineString(Vec::new()));
    Some(Polygon::new(outer, rings.collect()))
}

/// Writes a geometry; rings turn as the format asks, outer ones to the left and holes to the right.
pub(crate) fn write_geojson(geometry: &Geometry, out: &mut String) {
    let simple = |kind: &str, out: &mut String| {
        let _ = write!(out, "{{\"type\":\"{kind}\",\"coordinates\":");
    };
    match geometry {
        Geometry::Point(point) => {
            simple("Point", out);
            write_coord(&point.0, out);
        }
        Geometry::Line(two) => {
            simple("LineString", out);
            write_list([two.start, two.end].iter(), out, write_coord);
        }
        Geometry::LineString(line) => {
            simple("LineString", out);
            write_list(line.0.iter(), out, write_coord);
        }
        Geometry::Polygon(polygon) => {
            simple("Polygon", out);
            write_polygon(polygon, out);
        }
        Geometry::MultiPoint(points) => {
            simple("MultiPoint", out);
            write_list(points.iter(), out, |point, out| write_coord(&point.0, out));
        }
        Geometry::MultiLineString(lines) => {
            simple("MultiLineString", out);
            write_list(lines.iter(), out, |line, out| write_list(line.0.iter(), out, write_coord));
        }
        Geometry::MultiPolygon(polygons) => {
            simple("MultiPolygon", out);
            write_list(polygons.iter(), out, write_polygon);
        }
        Geometry::GeometryCollection(parts) => {
            out.push_str("{\"type\":\"GeometryCollection\",\"geometries\":");
            write_list(parts.iter(), out, write_geojson);
        }
        Geometry::Rect(rect) => return write_geojson(&rect.to_polygon().into(), out),
        Geometry::Triangle(triangle) => return write_geojson(&triangle.to_polygon().into(), out),
    }
    out.push('}');
}

fn write_list<T>(items: impl Iterator<Item = T>, out: &mut String, write: impl Fn(T, &mut String)) {
    out.push('[');
    for (place, item) in items.enumerate() {
        if place > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

fn write_coord(at: &Coord, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "[{},{}]", at.x, at.y);
}

fn write_polygon(polygon: &Polygon, out: &mut String) {
    let outer = (!polygon.exterior().0.is_empty()).then_some(polygon.exterior());
    let rings = outer.map(|ring| (ring, true)).into_iter();
    let rings = rings.chain(polygon.interiors().iter().map(|ring| (ring, false)));
    write_list(rings, out, |(ring, left), out| {
        if ring.is_ccw() == left {
            write_list(ring.0.iter(), out, write_coord);
        } else {
            write_list(ring.0.iter().rev(), out, write_coord);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{super::from_wkt, *};

    #[test]
    fn every_kind_is_written_and_read_again() {
        for (wkt, json) in [
            ("POINT (140.7567 42.9)", r#"{"type":"Point","coordinates":[140.7567,42.9]}"#),
            ("LINESTRING (0 0, 1 1)", r#"{"type":"LineString","coordinates":[[0,0],[1,1]]}"#),
            ("MULTIPOINT EMPTY", r#"{"type":"MultiPoint","coordinates":[]}"#),
            (
                // A ring that turns right is turned round, and so is a hole that turns left.
                "POLYGON ((0 0, 9 9, 9 0, 0 0), (3 1, 4 1, 4 2, 3 1))",
                r#"{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,0]],[[3,1],[4,2],[4,1],[3,1]]]}"#,
            ),
            (
                "GEOMETRYCOLLECTION (POINT (1 2))",
                r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]}"#,
            ),
        ] {
            let mut written = String::new();
            write_geojson(&from_wkt(wkt).unwrap(), &mut written);
            assert_eq!(written, json);
            let mut again = String::new();
            write_geojson(&from_geojson(&written).unwrap(), &mut again);
            assert_eq!(again, json);
        }
        let feature = r#"{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[1,2,3]}}"#;
        assert_eq!(from_geojson(feature), from_wkt("POINT (1 2)"));
        for broken in
            ["", "{}", "[1,2]", r#"{"type":"Point","coordinates":[1]}"#, r#"{"type":"Sphere"}"#]
        {
            assert!(from_geojson(broken).is_none(), "{broken}");
        }
    }
}
