//! One geometry: read off GeoJSON, checked, and written as WKT with its numbers as they were.

mod fault;

use std::io::Read;

pub(super) use fault::Fault;

use super::{
    super::json::lexer::{Event, Lexer},
    place,
};
use crate::IntakeError;

/// The most bytes of a geometry's numbers: all of Japan's coast in full detail is some 60 MB.
const MAX_BYTES: usize = 16 << 20;

/// A position, with the places of its numbers' texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Position {
    pub(super) x: f64,
    pub(super) y: f64,
    texts: (u32, u32),
    dimensions: u8,
}

/// Coordinates as they are nested: positions at the innermost.
#[derive(Debug)]
enum Nested {
    Position(Position),
    List(Vec<Nested>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Point,
    MultiPoint,
    LineString,
    MultiLineString,
    Polygon,
    MultiPolygon,
}

/// A geometry whose coordinates are right.
#[derive(Debug)]
pub(super) struct Geometry {
    /// Several where it is a collection.
    parts: Vec<Part>,
    is_collection: bool,
    texts: String,
}

/// A geometry of one kind; what has fewer levels has lists of one.
#[derive(Debug)]
struct Part {
    kind: Kind,
    polygons: Vec<Vec<Vec<Position>>>,
}

impl Geometry {
    /// Reads the object that was just opened, to its end.
    pub(super) fn read<R: Read>(lexer: &mut Lexer<R>) -> Result<Result<Self, Fault>, IntakeError> {
        let mut geometry = Self { parts: Vec::new(), is_collection: false, texts: String::new() };
        let fault = geometry.read_object(lexer)?;
        Ok(match fault {
            Some(fault) => Err(fault),
            None => Ok(geometry),
        })
    }

    fn read_object<R: Read>(&mut self, lexer: &mut Lexer<R>) -> Result<Option<Fault>, IntakeError> {
        let (mut kind, mut coordinates, mut fault) = (String::new(), None, None);
        while lexer.next()? == Event::Key {
            let key = lexer.text()?.to_owned();
            let event = lexer.next()?;
            match (key.as_str(), event) {
                ("type", Event::Text) => kind = lexer.text()?.to_owned(),
                ("coordinates", Event::ArrayStart) => {
                    coordinates = Some(nested(lexer, &mut self.texts)?);
                }
                ("geometries", Event::ArrayStart) => loop {
                    match lexer.next()? {
                        Event::ObjectStart => {
                            let found = self.read_object(lexer)?;
                            fault = fault.or(found);
                        }
                        Event::ArrayEnd => break,
                        event => {
                            lexer.skip(event)?;
                            fault = fault.or(Some(Fault::Shape));
                        }
                    }
                },
                _ => lexer.skip(event)?,
            }
        }
        if kind == "GeometryCollection" {
            self.is_collection = true;
            return Ok(fault);
        }
        Ok(match Part::new(&kind, coordinates) {
            Ok(part) => {
                self.parts.push(part);
                fault
            }
            Err(found) => fault.or(Some(found)),
        })
    }

    pub(super) fn is_point(&self) -> bool {
        !self.is_collection && self.parts.iter().all(|part| part.kind == Kind::Point)
    }

    /// The geometry as WKT.
    pub(super) fn wkt(&self) -> String {
        let mut out = String::with_capacity(self.texts.len() + 32);
        if self.is_collection {
            out.push_str("GEOMETRYCOLLECTION");
            if self.parts.is_empty() {
                out.push_str(" EMPTY");
                return out;
            }
            out.push_str(" (");
        }
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            part.write(&self.texts, &mut out);
        }
        if self.is_collection {
            out.push(')');
        }
        out
    }

    /// The longitude and the latitude of a point that stands for it.
    pub(super) fn representative(&self) -> Option<(String, String)> {
        let part = self.parts.first()?;
        let all = || part.polygons.iter().flatten();
        Some(match part.kind {
            Kind::Point | Kind::MultiPoint => {
                let position = all().flatten().next()?;
                let mut numbers = position.numbers(&self.texts);
                (numbers.next()?.to_owned(), numbers.next()?.to_owned())
            }
            Kind::LineString | Kind::MultiLineString => show(place::middle(
                all().max_by(|a, b| place::length(a).total_cmp(&place::length(b)))?,
            )?),
            Kind::Polygon | Kind::MultiPolygon => {
                let largest = part
                    .polygons
                    .iter()
                    .max_by(|a, b| place::area(a).total_cmp(&place::area(b)))?;
                show(place::within(largest)?)
            }
        })
    }

    /// West, south, east and north; empty where there are no positions.
    pub(super) fn bounds(&self) -> [String; 4] {
        let mut edges = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for position in self.parts.iter().flat_map(|part| &part.polygons).flatten().flatten() {
            edges[0] = edges[0].min(position.x);
            edges[1] = edges[1].min(position.y);
            edges[2] = edges[2].max(position.x);
            edges[3] = edges[3].max(position.y);
        }
        edges.map(|edge| if edge.is_finite() { edge.to_string() } else { String::new() })
    }
}

fn show((x, y): (f64, f64)) -> (String, String) {
    // Seven digits are a centimetre; more would pretend that the point is anywhere in particular.
    let round = |value: f64| ((value * 1e7).round() / 1e7).to_string();
    (round(x), round(y))
}

impl Position {
    fn numbers<'a>(&self, texts: &'a str) -> impl Iterator<Item = &'a str> {
        texts[self.texts.0 as usize..self.texts.1 as usize].split(' ')
    }
}

/// Reads the array that was just opened; the numbers' texts go into `texts`.
fn nested<R: Read>(
    lexer: &mut Lexer<R>,
    texts: &mut String,
) -> Result<Option<Nested>, IntakeError> {
    let mut list = Vec::new();
    let mut numbers: Vec<f64> = Vec::new();
    let start = texts.len();
    let mut sound = true;
    loop {
        match lexer.next()? {
            Event::ArrayEnd => break,
            Event::ArrayStart => match nested(lexer, texts)? {
                Some(inner) => list.push(inner),
                None => sound = false,
            },
            Event::Number => {
                let text = lexer.text()?;
                // What is beyond the height has no place in WKT.
                if numbers.len() < 3 {
                    if !numbers.is_empty() {
                        texts.push(' ');
                    }
                    texts.push_str(text);
                    numbers.push(text.parse().unwrap_or(f64::NAN));
                }
            }
            event => {
                lexer.skip(event)?;
                sound = false;
            }
        }
        if texts.len() + list.len() * 8 > MAX_BYTES {
            let line = lexer.line();
            let limit = crate::decode::show_size(MAX_BYTES as u64);
            return Err(IntakeError::too_large(
                format!(
                    "{line}行目の図形が{limit}を超えています。図形を簡略化して書き出してください"
                ),
                format!(
                    "the geometry in line {line} is longer than {limit}; simplify it and send that"
                ),
            ));
        }
    }
    Ok(match numbers.as_slice() {
        _ if !sound => None,
        [] => Some(Nested::List(list)),
        [x, y, ..] if list.is_empty() => Some(Nested::Position(Position {
            x: *x,
            y: *y,
            texts: (start as u32, texts.len() as u32),
            dimensions: numbers.len() as u8,
        })),
        _ => None,
    })
}

impl Nested {
    fn position(self) -> Option<Position> {
        match self {
            Self::Position(position) => Some(position),
            Self::List(_) => None,
        }
    }

    fn list<T>(self, each: impl Fn(Self) -> Option<T>) -> Option<Vec<T>> {
        match self {
            Self::List(list) => list.into_iter().map(each).collect(),
            Self::Position(_) => None,
        }
    }
}

impl Part {
    fn new(kind: &str, coordinates: Option<Option<Nested>>) -> Result<Self, Fault> {
        let kind = match kind {
            "Point" => Kind::Point,
            "MultiPoint" => Kind::MultiPoint,
            "LineString" => Kind::LineString,
            "MultiLineString" => Kind::MultiLineString,
            "Polygon" => Kind::Polygon,
            "MultiPolygon" => Kind::MultiPolygon,
            other => return Err(Fault::Kind(other.to_owned())),
        };
        let nested = coordinates.flatten().ok_or(Fault::Shape)?;
        let line = |nested: Nested| nested.list(Nested::position);
        let lines = |nested: Nested| nested.list(line);
        let polygons = match kind {
            Kind::Point => nested.position().map(|position| vec![vec![vec![position]]]),
            Kind::MultiPoint | Kind::LineString => line(nested).map(|line| vec![vec![line]]),
            Kind::MultiLineString | Kind::Polygon => lines(nested).map(|lines| vec![lines]),
            Kind::MultiPolygon => nested.list(lines),
        };
        let part = Self { kind, polygons: polygons.ok_or(Fault::Shape)? };
        part.check()?;
        Ok(part)
    }

    fn check(&self) -> Result<(), Fault> {
        for line in self.polygons.iter().flatten() {
            for Position { x, y, .. } in line {
                if x.abs() <= 180.0 && y.abs() <= 90.0 {
                    continue;
                }
                return Err(if x.abs() <= 90.0 && y.abs() <= 180.0 {
                    Fault::Swapped(*x, *y)
                } else {
                    Fault::Range(*x, *y)
                });
            }
            match self.kind {
                Kind::LineString | Kind::MultiLineString if line.len() < 2 => {
                    return Err(Fault::Few);
                }
                Kind::Polygon | Kind::MultiPolygon => match line.as_slice() {
                    [first, .., last] if (first.x, first.y) != (last.x, last.y) => {
                        return Err(Fault::Open);
                    }
                    ring if ring.len() < 4 => return Err(Fault::Few),
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(())
    }

    fn write(&self, texts: &str, out: &mut String) {
        let dimensions =
            self.polygons.iter().flatten().flatten().map(|p| p.dimensions).min().unwrap_or(2);
        let name = match self.kind {
            Kind::Point => "POINT",
            Kind::MultiPoint => "MULTIPOINT",
            Kind::LineString => "LINESTRING",
            Kind::MultiLineString => "MULTILINESTRING",
            Kind::Polygon => "POLYGON",
            Kind::MultiPolygon => "MULTIPOLYGON",
        };
        out.push_str(name);
        out.push_str(if dimensions == 3 { " Z " } else { " " });
        let positions = |line: &[Position], wrapped: bool, out: &mut String| {
            for (index, position) in line.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                out.push_str(if wrapped { "(" } else { "" });
                for (number, text) in
                    position.numbers(texts).take(usize::from(dimensions)).enumerate()
                {
                    out.push_str(if number > 0 { " " } else { "" });
                    out.push_str(text);
                }
                out.push_str(if wrapped { ")" } else { "" });
            }
        };
        let lines = |lines: &[Vec<Position>], out: &mut String| {
            for (index, line) in lines.iter().enumerate() {
                out.push_str(if index > 0 { ", (" } else { "(" });
                positions(line, false, out);
                out.push(')');
            }
        };
        if self.polygons.iter().flatten().flatten().next().is_none() {
            out.push_str("EMPTY");
            return;
        }
        out.push('(');
        match self.kind {
            Kind::Point | Kind::LineString => positions(&self.polygons[0][0], false, out),
            Kind::MultiPoint => positions(&self.polygons[0][0], true, out),
            Kind::MultiLineString | Kind::Polygon => lines(&self.polygons[0], out),
            Kind::MultiPolygon => {
                for (index, polygon) in self.polygons.iter().enumerate() {
                    out.push_str(if index > 0 { ", (" } else { "(" });
                    lines(polygon, out);
                    out.push(')');
                }
            }
        }
        out.push(')');
    }
}
