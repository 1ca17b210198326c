//! Geometry by the names that PostGIS gave: columns hold WKT in degrees of longitude and latitude, as the
//! hub makes them of GeoJSON, and so do results. Distances are metres on the ellipsoid.

mod shapes;

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{ArrayRef, BooleanArray},
    datatypes::{DataType, Field},
};
use arrow_schema::FieldRef;
use datafusion::{common::Result, logical_expr::ReturnFieldArgs};
use geo::Geometry;

use super::{Call, Definition, Family, Gives, PLAIN, Takes};
use crate::geometry::{
    Relation, apart_m, area_m2, from_geojson, from_wkt, geodesic_m, to_wkt, write_geojson,
};
use shapes::{Shapes, Two, WKT};

/// What fields of geometries bear, so that they are known as such: the key and its value.
const GEOMETRY: (&str, &str) = ("geometry", "wkt");

/// What says of a field that it holds geometries.
pub(crate) fn geometry_metadata(field: &Field) -> bool {
    field.metadata().get(GEOMETRY.0).is_some_and(|form| form == GEOMETRY.1)
}

/// Whether a function makes a point of a longitude and a latitude.
pub(crate) fn is_point_function(name: &str) -> bool {
    name == "st_point"
}

const SHAPE: Definition = Definition { family: Family::Geometry, ..PLAIN };

const GEOMETRY_ARGUMENT: (&str, &str) = ("geometry", "a geometry as WKT");

pub(super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: "distance_m",
        title: "distance_m",
        syntax: "distance_m(lat1, lon1, lat2, lon2)",
        ja: "2点の距離（m）。楕円体WGS 84上の測地線（Karney 2013）。結合条件 distance_m(…) <= 15000 は空間索引で処理する",
        en: "Metres between two points: the geodesic on the ellipsoid WGS 84 (Karney 2013). A join ON distance_m(…) <= 15000 uses a spatial index",
        arguments: &[
            ("lat1", "degrees north"),
            ("lon1", "degrees east"),
            ("lat2", "degrees north"),
            ("lon2", "degrees east"),
        ],
        example: ("SELECT round(distance_m(42.9, 140.7567, 43.1907, 140.9947))", "37670.0"),
        takes: &[Takes::Number, Takes::Number, Takes::Number, Takes::Number],
        gives: Gives::Number,
        may_be_missing: true,
        field: Some(|args| metres("distance_m", args)),
        work: |call| {
            let numbers = [call.numbers(0)?, call.numbers(1)?, call.numbers(2)?, call.numbers(3)?];
            call.numbers_of_rows(|row| {
                let [lat1, lon1, lat2, lon2] = [0, 1, 2, 3].map(|place| numbers[place].get(row));
                geodesic_m(lat1?, lon1?, lat2?, lon2?)
            })
        },
        ..SHAPE
    },
    &Definition {
        name: "st_point",
        title: "ST_Point",
        syntax: "ST_Point(longitude, latitude)",
        ja: "経度・緯度から点をつくる（経度が先）",
        en: "A point of a longitude and a latitude, in this order",
        arguments: &[("longitude", "degrees east"), ("latitude", "degrees north")],
        example: ("SELECT ST_Point(140.7567, 42.9)", "POINT (140.7567 42.9)"),
        takes: &[Takes::Number, Takes::Number],
        gives: Gives::Text,
        may_be_missing: true,
        field: Some(|args| geometry_field("st_point", args)),
        work: |call| {
            let (x, y) = (call.numbers(0)?, call.numbers(1)?);
            call.texts_of_rows(|row| {
                let place = x.get(row).zip(y.get(row));
                let place = place.filter(|(x, y)| x.is_finite() && y.is_finite());
                Ok(place.map(|(x, y)| format!("POINT ({x} {y})")))
            })
        },
        ..SHAPE
    },
    &Definition {
        name: "st_x",
        title: "ST_X",
        syntax: "ST_X(point)",
        ja: "点の経度。点でなければNULL",
        en: "A point's longitude; NULL for other geometries",
        arguments: &[("point", "a point as WKT")],
        example: ("SELECT ST_X('POINT (140.7567 42.9)')", "140.7567"),
        takes: &[Takes::Text],
        gives: Gives::Number,
        may_be_missing: true,
        work: |call| coordinate(call, |x, _| x),
        ..SHAPE
    },
    &Definition {
        name: "st_y",
        title: "ST_Y",
        syntax: "ST_Y(point)",
        ja: "点の緯度。点でなければNULL",
        en: "A point's latitude; NULL for other geometries",
        arguments: &[("point", "a point as WKT")],
        example: ("SELECT ST_Y('POINT (140.7567 42.9)')", "42.9"),
        takes: &[Takes::Text],
        gives: Gives::Number,
        may_be_missing: true,
        work: |call| coordinate(call, |_, y| y),
        ..SHAPE
    },
    &Definition {
        name: "st_distance",
        title: "ST_Distance",
        syntax: "ST_Distance(a, b)",
        ja: "2つの図形のもっとも近い点どうしの距離（m、楕円体上）。度ではない",
        en: "Metres between the nearest points of two geometries, on the ellipsoid; not degrees",
        arguments: TWO,
        example: (
            "SELECT round(ST_Distance('POINT (140.5 43.5)', 'LINESTRING (140 43, 141 43)'))",
            "55549.0",
        ),
        takes: &[Takes::Text, Takes::Text],
        gives: Gives::Number,
        may_be_missing: true,
        field: Some(|args| metres("st_distance", args)),
        work: |call| {
            let two = Two::of(call)?;
            let mut rows = Vec::with_capacity(call.rows());
            for row in 0..call.rows() {
                rows.push(two.get(row)?.and_then(|(a, b)| apart_m(&a, &b)));
            }
            Ok(Arc::new(arrow::array::Float64Array::from(rows)))
        },
        ..SHAPE
    },
    &Definition {
        name: "st_dwithin",
        title: "ST_DWithin",
        syntax: "ST_DWithin(a, b, metres)",
        ja: "2つの図形の距離がmetres以内ならtrue",
        en: "Whether two geometries are at most so many metres apart",
        arguments: &[TWO[0], TWO[1], ("metres", "a distance")],
        example: (
            "SELECT ST_DWithin(ST_Point(140.75, 42.9), ST_Point(140.76, 42.9), 1000)",
            "true",
        ),
        takes: &[Takes::Text, Takes::Text, Takes::Number],
        gives: Gives::Boolean,
        may_be_missing: true,
        work: |call| {
            let two = Two::of(call)?;
            let metres = call.numbers(2)?;
            let mut rows = Vec::with_capacity(call.rows());
            for row in 0..call.rows() {
                let apart = two.get(row)?.and_then(|(a, b)| apart_m(&a, &b));
                rows.push(apart.zip(metres.get(row)).map(|(apart, metres)| apart <= metres));
            }
            Ok(Arc::new(BooleanArray::from(rows)))
        },
        ..SHAPE
    },
    &Definition {
        name: "st_contains",
        title: "ST_Contains",
        syntax: "ST_Contains(a, b)",
        ja: "図形aが図形bを含めばtrue（境界だけの点は含まない）。緯度経度を平面とみるので、経度180度をまたぐ図形は扱わない。結合条件に使えば空間索引で処理する",
        en: "Whether a has all of b; a point on the very edge is not contained. Degrees are taken for a plane, so no shape reaches over 180° of longitude. A join ON it uses a spatial index",
        arguments: TWO,
        example: (
            "SELECT ST_Contains('POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42))', ST_Point(140.7567, 42.9))",
            "true",
        ),
        takes: &[Takes::Text, Takes::Text],
        gives: Gives::Boolean,
        work: |call| relates(call, Relation::Contains),
        ..SHAPE
    },
    &Definition {
        name: "st_within",
        title: "ST_Within",
        syntax: "ST_Within(a, b)",
        ja: "図形aが図形bに含まれればtrue",
        en: "Whether b has all of a. A join ON it uses a spatial index",
        arguments: TWO,
        example: (
            "SELECT ST_Within(ST_Point(140.7567, 42.9), 'POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42))')",
            "true",
        ),
        takes: &[Takes::Text, Takes::Text],
        gives: Gives::Boolean,
        work: |call| relates(call, Relation::Within),
        ..SHAPE
    },
    &Definition {
        name: "st_intersects",
        title: "ST_Intersects",
        syntax: "ST_Intersects(a, b)",
        ja: "2つの図形が共通の点を持てばtrue",
        en: "Whether two geometries share a point. A join ON it uses a spatial index",
        arguments: TWO,
        example: (
            "SELECT ST_Intersects('LINESTRING (140 42, 141 43)', 'LINESTRING (140 43, 141 42)')",
            "true",
        ),
        takes: &[Takes::Text, Takes::Text],
        gives: Gives::Boolean,
        work: |call| relates(call, Relation::Intersects),
        ..SHAPE
    },
    &Definition {
        name: "st_area",
        title: "ST_Area",
        syntax: "ST_Area(geometry)",
        ja: "面の面積（m²、楕円体上）",
        en: "The area of polygons in square metres, on the ellipsoid",
        arguments: &[GEOMETRY_ARGUMENT],
        example: ("SELECT round(ST_Area(mesh_polygon('64402680')) / 10000)", "95.0"),
        takes: &[Takes::Text],
        gives: Gives::Number,
        field: Some(|args| {
            let field = result_field("st_area", DataType::Float64, args, false);
            Ok(Arc::new(with(field, "unit", "m2")))
        }),
        work: |call| {
            let shapes = Shapes::of(call, 0, from_wkt, WKT)?;
            let mut rows = Vec::with_capacity(call.rows());
            for row in 0..call.rows() {
                rows.push(shapes.get(row)?.map(|geometry| area_m2(&geometry)));
            }
            Ok(Arc::new(arrow::array::Float64Array::from(rows)))
        },
        ..SHAPE
    },
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
        gives: Gives::Text,
        field: Some(|args| geometry_field("st_geomfromtext", args)),
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
        gives: Gives::Text,
        field: Some(|args| geometry_field("st_geomfromgeojson", args)),
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

const TWO: &[(&str, &str)] = &[("a", "a geometry as WKT"), ("b", "a geometry as WKT")];

fn result_field(
    name: &str,
    data_type: DataType,
    args: &ReturnFieldArgs<'_>,
    may_be_missing: bool,
) -> Field {
    let missing = may_be_missing || args.arg_fields.iter().any(|field| field.is_nullable());
    Field::new(name, data_type, missing)
}

fn with(field: Field, key: &str, value: &str) -> Field {
    field.with_metadata(HashMap::from([(key.to_owned(), value.to_owned())]))
}

/// The field of a result that holds geometries.
pub(super) fn geometry_field(name: &str, args: &ReturnFieldArgs<'_>) -> Result<FieldRef> {
    let field = result_field(name, DataType::Utf8View, args, true);
    Ok(Arc::new(with(field, GEOMETRY.0, GEOMETRY.1)))
}

fn metres(name: &str, args: &ReturnFieldArgs<'_>) -> Result<FieldRef> {
    Ok(Arc::new(with(result_field(name, DataType::Float64, args, true), "unit", "m")))
}

fn coordinate(call: &Call<'_>, of: fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let shapes = Shapes::of(call, 0, from_wkt, WKT)?;
    let mut rows = Vec::with_capacity(call.rows());
    for row in 0..call.rows() {
        rows.push(match shapes.get(row)?.as_deref() {
            Some(Geometry::Point(point)) => Some(of(point.x(), point.y())),
            _ => None,
        });
    }
    Ok(Arc::new(arrow::array::Float64Array::from(rows)))
}

fn relates(call: &Call<'_>, relation: Relation) -> Result<ArrayRef> {
    let two = Two::of(call)?;
    let mut rows = Vec::with_capacity(call.rows());
    for row in 0..call.rows() {
        rows.push(two.get(row)?.map(|(a, b)| relation.holds(&a, &b)));
    }
    Ok(Arc::new(BooleanArray::from(rows)))
}

fn written(
    call: &Call<'_>,
    read: fn(&str) -> Option<Geometry>,
    form: &'static str,
    write: fn(&Geometry) -> String,
) -> Result<ArrayRef> {
    let shapes = Shapes::of(call, 0, read, form)?;
    call.texts_of_rows(|row| Ok(shapes.get(row)?.map(|geometry| write(&geometry))))
}
