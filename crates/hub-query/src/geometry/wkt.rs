//! Well-known text, two dimensions of it: a height or a measure is read over.

use std::fmt::Write;

use geo::{
    Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon,
    Point, Polygon,
};

/// How deeply collections may lie inside of one another.
const MAX_DEPTH: usize = 8;

/// Reads a geometry; none where the text is none.
pub(crate) fn from_wkt(text: &str) -> Option<Geometry> {
    let mut reader = Reader { rest: text };
    let geometry = reader.geometry(0)?;
    reader.rest.trim_start().is_empty().then_some(geometry)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn takes(&mut self, c: char) -> bool {
        let Some(rest) = self.rest.trim_start().strip_prefix(c) else { return false };
        self.rest = rest;
        true
    }

    fn word(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        (!word.is_empty()).then(|| {
            self.rest = rest;
            word.to_ascii_uppercase()
        })
    }

    fn geometry(&mut self, depth: usize) -> Option<Geometry> {
        let kind = self.word()?;
        let mut kind = kind.as_str();
        let empty = match self.word().as_deref() {
            Some("EMPTY") => true,
            Some("Z" | "M" | "ZM") => self.word().map(|word| word == "EMPTY").unwrap_or(false),
            Some(_) => return None,
            None => {
                // As in POINTZ.
                for mark in ["ZM", "Z", "M"] {
                    if let Some(plain) = kind.strip_suffix(mark) {
                        kind = plain;
                        break;
                    }
                }
                false
            }
        };
        Some(match kind {
            // A point without a place is a collection of none.
            "POINT" if empty => Geometry::MultiPoint(MultiPoint(Vec::new())),
            "POINT" => {
                let mut points = self.list(|reader| reader.coord())?;
                match (points.pop(), points.is_empty()) {
                    (Some(point), true) => Geometry::Point(Point(point)),
                    _ => return None,
                }
            }
            "LINESTRING" => Geometry::LineString(LineString(self.unless(empty, Self::coords)?)),
            "POLYGON" => polygon(self.unless(empty, Self::rings)?),
            "MULTIPOINT" => {
                let points = self.unless(empty, |reader| {
                    reader.list(|reader| match reader.takes('(') {
                        true => reader.coord().filter(|_| reader.takes(')')),
                        false => reader.coord(),
                    })
                })?;
                Geometry::MultiPoint(MultiPoint(points.into_iter().map(Point).collect()))
            }
            "MULTILINESTRING" => {
                Geometry::MultiLineString(MultiLineString(self.unless(empty, Self::rings)?))
            }
            "MULTIPOLYGON" => {
                let polygons = self.unless(empty, |reader| reader.list(Self::rings))?;
                Geometry::MultiPolygon(MultiPolygon(polygons.into_iter().map(of_rings).collect()))
            }
            "GEOMETRYCOLLECTION" if depth < MAX_DEPTH => {
                let parts =
                    self.unless(empty, |reader| reader.list(|reader| reader.geometry(depth + 1)))?;
                Geometry::GeometryCollection(GeometryCollection(parts))
            }
            _ => return None,
        })
    }

    fn unless<T>(
        &mut self,
        empty: bool,
        read: impl FnOnce(&mut Self) -> Option<Vec<T>>,
    ) -> Option<Vec<T>> {
        if empty { Some(Vec::new()) } else { read(self) }
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        if !self.takes('(') {
            return None;
        }
        let mut items = Vec::new();
        loop {
            items.push(item(self)?);
            if self.takes(')') {
                return Some(items);
            }
            if !self.takes(',') {
                return None;
            }
        }
    }

    fn rings(&mut self) -> Option<Vec<LineString>> {
        self.list(|reader| reader.coords().map(LineString))
    }

    fn coords(&mut self) -> Option<Vec<Coord>> {
        self.list(Self::coord)
    }

    fn coord(&mut self) -> Option<Coord> {
        let (x, y) = (self.number()?, self.number()?);
        // A height and a measure may follow.
        for _ in 0..2 {
            if self.number().is_none() {
                break;
            }
        }
        Some(Coord { x, y })
    }

    fn number(&mut self) -> Option<f64> {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E')))
            .unwrap_or(rest.len());
        let (number, rest) = rest.split_at(end);
        let number = number.parse().ok().filter(|number: &f64| number.is_finite())?;
        self.rest = rest;
        Some(number)
    }
}

fn polygon(rings: Vec<LineString>) -> Geometry {
    Geometry::Polygon(of_rings(rings))
}

fn of_rings(rings: Vec<LineString>) -> Polygon {
    let mut rings = rings.into_iter();
    let outer = rings.next().unwrap_or_else(|| LineString(Vec::new()));
    Polygon::new(outer, rings.collect())
}

/// Writes a geometry.
pub(crate) fn to_wkt(geometry: &Geometry) -> String {
    let mut text = String::new();
    write(geometry, &mut text);
    text
}

fn write(geometry: &Geometry, out: &mut String) {
    match geometry {
        Geometry::Point(point) => {
            out.push_str("POINT ");
            list(out, std::iter::once(point.0), coord);
        }
        Geometry::Line(line) => {
            out.push_str("LINESTRING ");
            list(out, [line.start, line.end].into_iter(), coord);
        }
        Geometry::LineString(line) => {
            out.push_str("LINESTRING ");
            coords(line, out);
        }
        Geometry::Polygon(polygon) => {
            out.push_str("POLYGON ");
            rings(polygon, out);
        }
        Geometry::MultiPoint(points) => {
            out.push_str("MULTIPOINT ");
            list(out, points.iter().map(|point| point.0), |at, out| {
                list(out, std::iter::once(at), coord);
            });
        }
        Geometry::MultiLineString(lines) => {
            out.push_str("MULTILINESTRING ");
            list(out, lines.iter(), coords);
        }
        Geometry::MultiPolygon(polygons) => {
            out.push_str("MULTIPOLYGON ");
            list(out, polygons.iter(), rings);
        }
        Geometry::GeometryCollection(parts) => {
            out.push_str("GEOMETRYCOLLECTION ");
            list(out, parts.iter(), write);
        }
        Geometry::Rect(rect) => {
            out.push_str("POLYGON ");
            rings(&rect.to_polygon(), out);
        }
        Geometry::Triangle(triangle) => {
            out.push_str("POLYGON ");
            rings(&triangle.to_polygon(), out);
        }
    }
}

fn list<T>(out: &mut String, items: impl Iterator<Item = T>, write: impl Fn(T, &mut String)) {
    let begin = out.len();
    for item in items {
        out.push_str(if out.len() == begin { "(" } else { ", " });
        write(item, out);
    }
    out.push_str(if out.len() == begin { "EMPTY" } else { ")" });
}

fn coord(at: Coord, out: &mut String) {
    number(at.x, out);
    out.push(' ');
    number(at.y, out);
}

/// Numbers that would take hundreds of digits are written with their power of ten.
fn number(number: f64, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = match number.abs() {
        0.0 | 1e-15..1e16 => write!(out, "{number}"),
        _ => write!(out, "{number:e}"),
    };
}

fn coords(line: &LineString, out: &mut String) {
    list(out, line.coords().copied(), coord);
}

fn rings(polygon: &Polygon, out: &mut String) {
    let outer = (!polygon.exterior().0.is_empty()).then_some(polygon.exterior());
    list(out, outer.into_iter().chain(polygon.interiors()), coords);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_and_written_alike() {
        for text in [
            "POINT (140.7567 42.9)",
            "LINESTRING (140 42, 141 43)",
            "POLYGON ((140 42, 141 42, 141 43, 140 42))",
            "POLYGON ((0 0, 9 0, 9 9, 0 0), (1 1, 2 1, 2 2, 1 1))",
            "MULTIPOINT ((1 2), (3 4))",
            "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))",
            "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))",
            "GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (0 0, 1 1))",
            "MULTIPOINT EMPTY",
            "POLYGON EMPTY",
        ] {
            assert_eq!(to_wkt(&from_wkt(text).unwrap()), text);
        }
        for (text, plain) in [
            ("point(140.7567 42.9)", "POINT (140.7567 42.9)"),
            ("POINT Z (1 2 3)", "POINT (1 2)"),
            ("POINTZ(1 2 3)", "POINT (1 2)"),
            ("MULTIPOINT(1 2,3 4)", "MULTIPOINT ((1 2), (3 4))"),
            (" LINESTRING ZM ( 0 0 1 2 , 1 1 1 2 ) ", "LINESTRING (0 0, 1 1)"),
            ("POINT EMPTY", "MULTIPOINT EMPTY"),
            ("POINT (1e300 -1e-300)", "POINT (1e300 -1e-300)"),
        ] {
            assert_eq!(to_wkt(&from_wkt(text).unwrap()), plain);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[A-Z(), 0-9.eE+-]{0,60}") {
            if let Some(geometry) = from_wkt(&text) {
                let written = to_wkt(&geometry);
                proptest::prop_assert_eq!(to_wkt(&from_wkt(&written).unwrap()), written);
            }
        }
    }

    #[test]
    fn what_is_no_geometry_is_told_from_one() {
        let deep = format!("{}POINT (1 2){}", "GEOMETRYCOLLECTION (".repeat(9), ")".repeat(9));
        for text in [
            "",
            "POINT",
            "POINT (1)",
            "POINT (1 x)",
            "POINT (1 2",
            "POINT (1 2) x",
            "CIRCLE (1 2)",
            "POINT (1 2, 3 4)",
            "POINT (NaN 1)",
            "POINT (1e999 1)",
            "LINESTRING (1 2; 3 4)",
            deep.as_str(),
        ] {
            assert!(from_wkt(text).is_none(), "{text}");
        }
    }
}
