//! Points and their coordinates.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use datafusion::common::Result;
use geo::Geometry;

use super::{Call, Definition, Gives, SHAPE, Takes, of_each};

pub(in super::super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: "st_point",
        title: "ST_Point",
        syntax: "ST_Point(longitude, latitude)",
        ja: "経度・緯度から点をつくる（経度が先）",
        en: "A point of a longitude and a latitude, in this order",
        arguments: &[("longitude", "degrees east"), ("latitude", "degrees north")],
        example: ("SELECT ST_Point(140.7567, 42.9)", "POINT (140.7567 42.9)"),
        takes: &[Takes::Number, Takes::Number],
        gives: Gives::Geometry,
        may_be_missing: true,
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
];

fn coordinate(call: &Call<'_>, of: fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let rows = of_each(call, |geometry, _, _| {
        Ok(match geometry {
            Geometry::Point(point) => Some(of(point.x(), point.y())),
            _ => None,
        })
    })?;
    Ok(Arc::new(Float64Array::from(rows)))
}
