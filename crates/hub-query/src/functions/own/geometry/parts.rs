//! What a geometry is and what it is made of.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array};
use datafusion::common::Result;
use geo::{
    BoundingRect, Centroid, Coord, CoordsIter, Geometry, InteriorPoint, LineString, Point, Rect,
};

use super::{
    Call, Definition, GEOMETRY_ARGUMENT, Gives, LINE, OF_ONE, SHAPE, Takes, made_of_each, of_each,
};
use crate::geometry::{
    Steps, Unsaid, count, envelope, is_empty, is_valid, kind, part, point_or_none, unbroken,
};

pub(in super::super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: "st_geometrytype",
        title: "ST_GeometryType",
        syntax: "ST_GeometryType(geometry)",
        ja: "図形の種類（ST_Point、ST_LineString、ST_Polygon、ST_MultiPoint、ST_MultiLineString、ST_MultiPolygon、ST_GeometryCollection）。空の点はST_MultiPoint",
        en: "The kind of a geometry: ST_Point, ST_LineString, ST_Polygon, ST_MultiPoint, ST_MultiLineString, ST_MultiPolygon or ST_GeometryCollection; of an empty point it is ST_MultiPoint",
        example: ("SELECT ST_GeometryType(mesh_polygon('6440'))", "ST_Polygon"),
        gives: Gives::Text,
        work: |call| {
            let rows = of_each(call, |geometry, _, _| Ok(Some(kind(geometry))))?;
            call.texts_of_rows(|row| Ok(rows[row]))
        },
        ..OF_ONE
    },
    &Definition {
        name: "st_isempty",
        title: "ST_IsEmpty",
        syntax: "ST_IsEmpty(geometry)",
        ja: "点を1つも持たない図形ならtrue",
        en: "Whether a geometry has no point",
        example: ("SELECT ST_IsEmpty('POLYGON EMPTY')", "true"),
        gives: Gives::Boolean,
        work: |call| whether(call, |geometry, _| Ok(is_empty(geometry))),
        ..OF_ONE
    },
    &Definition {
        name: "st_isvalid",
        title: "ST_IsValid",
        syntax: "ST_IsValid(geometry)",
        ja: "図形が正しければtrue（面の境界が交わる・重なる、穴が外にあるなどはfalse）。正しくない図形では、ほかの関数の答えも確かでない",
        en: "Whether a geometry is well made: no edges of areas that cross or lie on one another, no holes outside. Of others no function answers reliably",
        example: ("SELECT ST_IsValid('POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))')", "false"),
        gives: Gives::Boolean,
        work: |call| whether(call, is_valid),
        ..OF_ONE
    },
    &Definition {
        name: "st_npoints",
        title: "ST_NPoints",
        syntax: "ST_NPoints(geometry)",
        ja: "図形の頂点の数（面の始点と終点はそれぞれ数える）",
        en: "How many corners a geometry has; the first of a ring counts again as its last",
        example: ("SELECT ST_NPoints('POLYGON ((0 0, 4 0, 4 3, 0 3, 0 0))')", "5"),
        gives: Gives::Whole,
        work: |call| counted(call, |geometry| geometry.coords_count()),
        ..OF_ONE
    },
    &Definition {
        name: "st_numgeometries",
        title: "ST_NumGeometries",
        syntax: "ST_NumGeometries(geometry)",
        ja: "図形の部品の数。ひとつの点・線・面は1、空の図形は0",
        en: "How many points, lines or polygons a collection has; 1 for a single one, 0 for an empty one",
        example: ("SELECT ST_NumGeometries('MULTIPOINT ((0 0), (1 1))')", "2"),
        gives: Gives::Whole,
        work: |call| counted(call, count),
        ..OF_ONE
    },
    &Definition {
        name: "st_geometryn",
        title: "ST_GeometryN",
        syntax: "ST_GeometryN(geometry, n)",
        ja: "図形のn番目の部品（1から）。なければNULL",
        en: "The nth part of a collection, counted from 1; NULL where there is none",
        arguments: &[GEOMETRY_ARGUMENT, ("n", "a whole number from 1")],
        example: ("SELECT ST_GeometryN('MULTIPOINT ((0 0), (1 1))', 2)", "POINT (1 1)"),
        takes: &[Takes::Text, Takes::Whole],
        gives: Gives::Geometry,
        may_be_missing: true,
        work: |call| {
            let numbers = call.wholes(1)?;
            made_of_each(call, |geometry, row, _| {
                Ok(numbers.get(row).and_then(|number| part(geometry, number)))
            })
        },
        ..SHAPE
    },
    &Definition {
        name: "st_startpoint",
        title: "ST_StartPoint",
        syntax: "ST_StartPoint(line)",
        ja: "線の始点。線でなければNULL",
        en: "The first point of a line; NULL for other geometries",
        arguments: &[LINE],
        example: ("SELECT ST_StartPoint('LINESTRING (140 42, 141 43)')", "POINT (140 42)"),
        takes: &[Takes::Text],
        gives: Gives::Geometry,
        may_be_missing: true,
        work: |call| end(call, |line| line.0.first()),
        ..SHAPE
    },
    &Definition {
        name: "st_endpoint",
        title: "ST_EndPoint",
        syntax: "ST_EndPoint(line)",
        ja: "線の終点。線でなければNULL",
        en: "The last point of a line; NULL for other geometries",
        arguments: &[LINE],
        example: ("SELECT ST_EndPoint('LINESTRING (140 42, 141 43)')", "POINT (141 43)"),
        takes: &[Takes::Text],
        gives: Gives::Geometry,
        may_be_missing: true,
        work: |call| end(call, |line| line.0.last()),
        ..SHAPE
    },
    &Definition {
        name: "st_xmin",
        title: "ST_XMin",
        syntax: "ST_XMin(geometry)",
        ja: "図形の西端の経度。空の図形はNULL",
        en: "The westernmost longitude of a geometry; NULL where it is empty",
        example: ("SELECT ST_XMin('LINESTRING (140 42, 141 43)')", "140.0"),
        gives: Gives::Number,
        may_be_missing: true,
        work: |call| edge(call, |rect| rect.min().x),
        ..OF_ONE
    },
    &Definition {
        name: "st_xmax",
        title: "ST_XMax",
        syntax: "ST_XMax(geometry)",
        ja: "図形の東端の経度。空の図形はNULL",
        en: "The easternmost longitude of a geometry; NULL where it is empty",
        example: ("SELECT ST_XMax('LINESTRING (140 42, 141 43)')", "141.0"),
        gives: Gives::Number,
        may_be_missing: true,
        work: |call| edge(call, |rect| rect.max().x),
        ..OF_ONE
    },
    &Definition {
        name: "st_ymin",
        title: "ST_YMin",
        syntax: "ST_YMin(geometry)",
        ja: "図形の南端の緯度。空の図形はNULL",
        en: "The southernmost latitude of a geometry; NULL where it is empty",
        example: ("SELECT ST_YMin('LINESTRING (140 42, 141 43)')", "42.0"),
        gives: Gives::Number,
        may_be_missing: true,
        work: |call| edge(call, |rect| rect.min().y),
        ..OF_ONE
    },
    &Definition {
        name: "st_ymax",
        title: "ST_YMax",
        syntax: "ST_YMax(geometry)",
        ja: "図形の北端の緯度。空の図形はNULL",
        en: "The northernmost latitude of a geometry; NULL where it is empty",
        example: ("SELECT ST_YMax('LINESTRING (140 42, 141 43)')", "43.0"),
        gives: Gives::Number,
        may_be_missing: true,
        work: |call| edge(call, |rect| rect.max().y),
        ..OF_ONE
    },
    &Definition {
        name: "st_envelope",
        title: "ST_Envelope",
        syntax: "ST_Envelope(geometry)",
        ja: "図形を囲む長方形（幅がなければ点か線）",
        en: "The box around a geometry: a point or a line where it has no width",
        example: (
            "SELECT ST_Envelope('LINESTRING (140 42, 141 43)')",
            "POLYGON ((140 42, 140 43, 141 43, 141 42, 140 42))",
        ),
        gives: Gives::Geometry,
        work: |call| made_of_each(call, |geometry, _, _| Ok(Some(envelope(geometry)))),
        ..OF_ONE
    },
    &Definition {
        name: "st_centroid",
        title: "ST_Centroid",
        syntax: "ST_Centroid(geometry)",
        ja: "図形の重心（緯度経度を平面とみる。PostGISの geometry と同じ）。面の外にあることもある",
        en: "The middle of a geometry on the plane of its degrees, as for PostGIS's geometry; it may lie outside",
        example: ("SELECT ST_Centroid('POLYGON ((0 0, 4 0, 4 3, 0 3, 0 0))')", "POINT (2 1.5)"),
        gives: Gives::Geometry,
        work: |call| {
            made_of_each(call, |geometry, _, steps| {
                steps.spend(geometry.coords_count() as u64)?;
                Ok(Some(point_or_none(geometry.centroid().map(|point| point.0))))
            })
        },
        ..OF_ONE
    },
    &Definition {
        name: "st_pointonsurface",
        title: "ST_PointOnSurface",
        syntax: "ST_PointOnSurface(geometry)",
        ja: "必ず図形の上（面なら内側）にある点。ラベルや、図形を1点で代表させるときに使う",
        en: "A point that lies in an area, on a line or among points, to stand for the whole",
        example: (
            "SELECT ST_Contains('POLYGON ((0 0, 4 0, 4 3, 0 3, 0 0))', ST_PointOnSurface('POLYGON ((0 0, 4 0, 4 3, 0 3, 0 0))'))",
            "true",
        ),
        gives: Gives::Geometry,
        work: |call| {
            made_of_each(call, |geometry, _, steps| {
                steps.spend(geometry.coords_count() as u64 * 64)?;
                let point = unbroken(|| geometry.interior_point())?;
                Ok(Some(point_or_none(point.map(|point| point.0))))
            })
        },
        ..OF_ONE
    },
];

fn whether(
    call: &Call<'_>,
    is_so: fn(&Geometry, &mut Steps) -> Result<bool, Unsaid>,
) -> Result<ArrayRef> {
    let rows = of_each(call, |geometry, _, steps| is_so(geometry, steps).map(Some))?;
    Ok(Arc::new(BooleanArray::from(rows)))
}

fn counted(call: &Call<'_>, count: fn(&Geometry) -> usize) -> Result<ArrayRef> {
    let rows = of_each(call, |geometry, _, _| Ok(i32::try_from(count(geometry)).ok()))?;
    Ok(Arc::new(Int32Array::from(rows)))
}

fn edge(call: &Call<'_>, of: fn(&Rect) -> f64) -> Result<ArrayRef> {
    let rows = of_each(call, |geometry, _, _| Ok(geometry.bounding_rect().map(|rect| of(&rect))))?;
    Ok(Arc::new(Float64Array::from(rows)))
}

fn end(call: &Call<'_>, of: fn(&LineString) -> Option<&Coord>) -> Result<ArrayRef> {
    made_of_each(call, |geometry, _, _| {
        let Geometry::LineString(line) = geometry else { return Ok(None) };
        Ok(of(line).map(|at| Geometry::Point(Point(*at))))
    })
}
