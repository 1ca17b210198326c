//! Geometries as WKT and GeoJSON.

use arrow::array::ArrayRef;
use datafusion::common::Result;
use geo::Geometry;

use super::{Call, Definition, GEOMETRY_ARGUMENT, Gives, SHAPE, Shapes, Takes, WKT};
use crate::geometry::{from_geojson, from_wkt, to_wkt, write_geojson};

pub(in super::super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: "st_astext",
        title: "ST_AsText",
        syntax: "ST_AsText(geometry)",
        ja: "図形をWKTの文字にする",
        en: "A geometry as WKT",
        arguments: &[GEOMETRY_ARGUMENT],
        example: ("SELECT ST_AsText(ST_Point(140.7567, 42.9))", "POINT (140.7567 42.9)"),
        takes: &[Takes::Text],
        gives: Gives::Text,
        work: |call| written(call, from_wkt, WKT, to_wkt),
        ..SHAPE
    },
    &Definition {
        name: "st_geomfromtext",
        title: "ST_GeomFromText",
        syntax: "ST_GeomFromText(text)",
        ja: "WKTの文字を図形として確かめる",
        en: "The geometry of a WKT text",
        arguments: &[("text", "WKT")],
        example: ("SELECT ST_GeomFromText('point(140.7567 42.9)')", "POINT (140.7567 42.9)"),
        takes: &[Takes::Text],
        gives: Gives::Geometry,
        work: |call| written(call, from_wkt, WKT, to_wkt),
        ..SHAPE
    },
    &Definition {
        name: "st_asgeojson",
        title: "ST_AsGeoJSON",
        syntax: "ST_AsGeoJSON(geometry)",
        ja: "図形をGeoJSONの文字にする",
        en: "A geometry as GeoJSON",
        arguments: &[GEOMETRY_ARGUMENT],
        example: (
            "SELECT ST_AsGeoJSON(ST_Point(140.7567, 42.9))",
            r#"{"type":"Point","coordinates":[140.7567,42.9]}"#,
        ),
        takes: &[Takes::Text],
        gives: Gives::Text,
        work: |call| {
            written(call, from_wkt, WKT, |geometry| {
                let mut text = String::new();
                write_geojson(geometry, &mut text);
                text
            })
        },
        ..SHAPE
    },
    &Definition {
        name: "st_geomfromgeojson",
        title: "ST_GeomFromGeoJSON",
        syntax: "ST_GeomFromGeoJSON(text)",
        ja: "GeoJSONの文字（図形または地物）を図形にする",
        en: "The geometry of a GeoJSON text, which is a geometry or a feature",
        arguments: &[("text", "GeoJSON")],
        example: (
            r#"SELECT ST_GeomFromGeoJSON('{"type":"Point","coordinates":[140.7567,42.9]}')"#,
            "POINT (140.7567 42.9)",
        ),
        takes: &[Takes::Text],
        gives: Gives::Geometry,
        work: |call| {
            written(
                call,
                from_geojson,
                "GeoJSON such as {\"type\":\"Point\",\"coordinates\":[140.7567,42.9]}",
                to_wkt,
            )
        },
        ..SHAPE
    },
];

fn written(
    call: &Call<'_>,
    read: fn(&str) -> Option<Geometry>,
    form: &'static str,
    write: fn(&Geometry) -> String,
) -> Result<ArrayRef> {
    let shapes = Shapes::of(call, 0, read, form)?;
    call.texts_of_rows(|row| Ok(shapes.get(row)?.map(|geometry| write(&geometry))))
}
