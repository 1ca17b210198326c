//! A GeoJSON FeatureCollection (RFC 7946), feature by feature: a geometry of a column of WKT or of a
//! latitude and a longitude, and the other columns as properties. The sources and the columns stand beside
//! the features as members of the collection.

use std::io::Write;

use arrow::{
    array::{Array, AsArray, Float64Array, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, Field, Float64Type, Schema, SchemaRef},
};
use serde_json::{Map, json};

use super::{
    AnswerHeader, Encoder,
    envelope::Envelope,
    json::{RowWriter, columns, describe},
};
use crate::{
    error::QueryError,
    functions::geometry_metadata,
    geometry::{from_wkt, is_on_earth, write_geojson},
};

/// Names of columns that hold geometries where nothing else says so.
const GEOMETRIES: [&str; 4] = ["geometry", "geom", "wkt", "the_geom"];

/// Names of columns that hold places.
const PLACES: [[&str; 2]; 4] =
    [["latitude", "longitude"], ["lat", "lon"], ["lat", "lng"], ["緯度", "経度"]];

/// Where a feature's geometry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Geometry(usize),
    Point { latitude: usize, longitude: usize },
}

impl Place {
    /// A geometry by what is said of the columns or by their names, or else a latitude and a longitude.
    fn of(schema: &Schema) -> Option<Self> {
        let fields = schema.fields();
        let is_text = |field: &Field| field.data_type().is_string();
        let marked = fields.iter().position(|field| is_text(field) && geometry_metadata(field));
        let named = || {
            fields.iter().position(|field| {
                is_text(field) && GEOMETRIES.iter().any(|name| is_called(field, name))
            })
        };
        if let Some(place) = marked.or_else(named) {
            return Some(Self::Geometry(place));
        }
        let find = |name: &str| {
            fields.iter().position(|field| field.data_type().is_numeric() && is_called(field, name))
        };
        PLACES.iter().find_map(|[latitude, longitude]| {
            Some(Self::Point { latitude: find(latitude)?, longitude: find(longitude)? })
        })
    }
}

/// Whether a column has this name or alias.
fn is_called(field: &Field, name: &str) -> bool {
    let alias = field.metadata().get("alias").map(String::as_str);
    [Some(field.name().as_str()), alias]
        .into_iter()
        .flatten()
        .any(|own| own.eq_ignore_ascii_case(name))
}

pub(super) struct GeoJson {
    envelope: Envelope,
    place: Place,
    /// The columns that are properties.
    properties: Vec<usize>,
    rows: RowWriter,
    schema: SchemaRef,
}

impl GeoJson {
    pub(super) fn new(schema: SchemaRef, header: &AnswerHeader) -> Result<Self, QueryError> {
        let Some(place) = Place::of(&schema) else {
            return Err(QueryError::request(
                "GeoJSON needs to know where each row is: select columns named latitude and longitude, or in \
                 SQL a geometry such as ST_Point(longitude, latitude) AS geometry; rows of a dataset without \
                 places get them from /v1/sql, by a join with one that has them",
            ));
        };
        let properties: Vec<usize> =
            (0..schema.fields().len()).filter(|column| place != Place::Geometry(*column)).collect();
        let shown = schema.project(&properties).map_err(QueryError::internal)?;
        let rows = RowWriter::new(&std::sync::Arc::new(shown));
        let envelope = Envelope::new(SchemaRef::clone(&schema), header);
        Ok(Self { envelope, place, properties, rows, schema })
    }
}

impl Encoder for GeoJson {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let described = self.properties.iter().map(|column| describe(self.schema.field(*column)));
        let mut head = Map::new();
        head.insert("type".to_owned(), json!("FeatureCollection"));
        self.envelope.begin(head, described.collect(), "features", out)
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let places = Places::of(batch, self.place)?;
        let properties = batch.project(&self.properties).map_err(QueryError::internal)?;
        let mut columns = columns(&properties)?;
        for row in 0..batch.num_rows() {
            self.envelope.next_row(out);
            out.extend_from_slice(b"{\"type\":\"Feature\",\"geometry\":");
            places.write(row, out)?;
            out.extend_from_slice(b",\"properties\":");
            self.rows.write(&mut columns, row, out)?;
            out.push(b'}');
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.envelope.finish(out)
    }
}

/// The places of one batch.
enum Places {
    Geometry(StringArray),
    Point { latitude: Float64Array, longitude: Float64Array },
}

impl Places {
    fn of(batch: &RecordBatch, place: Place) -> Result<Self, QueryError> {
        let as_type = |column: usize, data_type: &DataType| {
            cast(batch.column(column), data_type).map_err(QueryError::internal)
        };
        let numbers = |column: usize| {
            Ok::<_, QueryError>(
                as_type(column, &DataType::Float64)?.as_primitive::<Float64Type>().clone(),
            )
        };
        Ok(match place {
            Place::Geometry(column) => {
                Self::Geometry(as_type(column, &DataType::Utf8)?.as_string::<i32>().clone())
            }
            Place::Point { latitude, longitude } => {
                Self::Point { latitude: numbers(latitude)?, longitude: numbers(longitude)? }
            }
        })
    }

    /// A row without a place has the geometry null, as the format allows.
    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), QueryError> {
        match self {
            Self::Geometry(texts) if texts.is_valid(row) => {
                let text = texts.value(row);
                let geometry = from_wkt(text).ok_or_else(|| {
                    let begin: String = text.chars().take(40).collect();
                    QueryError::Execution {
                        message: format!(
                            "can't write {begin:?} as a geometry of GeoJSON; it must be WKT such as POINT \
                             (140.7567 42.9)"
                        ),
                    }
                })?;
                let mut written = String::new();
                write_geojson(&geometry, &mut written);
                out.extend_from_slice(written.as_bytes());
            }
            Self::Point { latitude, longitude }
                if latitude.is_valid(row) && longitude.is_valid(row) =>
            {
                let (y, x) = (latitude.value(row), longitude.value(row));
                if !is_on_earth(y, x) {
                    return Err(QueryError::Execution {
                        message: format!("{y} and {x} are no latitude and longitude in degrees"),
                    });
                }
                write!(out, "{{\"type\":\"Point\",\"coordinates\":[{x},{y}]}}")
                    .map_err(QueryError::internal)?;
            }
            _ => out.extend_from_slice(b"null"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_geometry_goes_before_a_place_and_names_are_known_in_both_languages() {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let number = |name: &str| Field::new(name, DataType::Float64, true);
        let alias = |field: Field, alias: &str| {
            field.with_metadata(HashMap::from([("alias".to_owned(), alias.to_owned())]))
        };
        let of = |fields: Vec<Field>| Place::of(&Schema::new(fields));
        assert_eq!(of(vec![text("a"), number("b")]), None);
        assert_eq!(
            of(vec![number("Lon"), number("lat"), text("geometry")]),
            Some(Place::Geometry(2))
        );
        assert_eq!(
            of(vec![number("経度"), number("緯度")]),
            Some(Place::Point { latitude: 1, longitude: 0 })
        );
        assert_eq!(
            of(vec![alias(number("東経"), "longitude"), alias(number("北緯"), "latitude")]),
            Some(Place::Point { latitude: 1, longitude: 0 })
        );
        // A text is no latitude, and a number no geometry.
        assert_eq!(of(vec![text("lat"), text("lon"), number("geometry")]), None);
    }
}
