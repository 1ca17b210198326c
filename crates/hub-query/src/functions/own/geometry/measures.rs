//! Lengths, areas and directions, on the ellipsoid.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array};
use datafusion::common::Result;
use geo::{Geometry, Point};

use super::{
    Call, Definition, Gives, LINE, OF_ONE, OF_TWO, SHAPE, TWO, Takes, made_of_each, made_of_pairs,
    of_each, of_pairs,
};
use crate::geometry::{
    Steps, Unsaid, along, apart_m, area_m2, azimuth, closest, geodesic_m, length_m, perimeter_m,
    point_or_none,
};

pub(in super::super) const FUNCTIONS: &[&Definition] = &[
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
        gives: Gives::In("m"),
        may_be_missing: true,
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
        gives: Gives::In("m"),
        may_be_missing: true,
        work: |call| {
            let rows = of_pairs(call, |a, b, _, steps| apart_m(a, b, steps))?;
            Ok(Arc::new(Float64Array::from(rows)))
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
            let metres = call.numbers(2)?;
            let rows = of_pairs(call, |a, b, row, steps| {
                let Some(metres) = metres.get(row) else { return Ok(None) };
                Ok(apart_m(a, b, steps)?.map(|apart| apart <= metres))
            })?;
            Ok(Arc::new(BooleanArray::from(rows)))
        },
        ..SHAPE
    },
    &Definition {
        name: "st_area",
        title: "ST_Area",
        syntax: "ST_Area(geometry)",
        ja: "面の面積（m²、楕円体上）",
        en: "The area of polygons in square metres, on the ellipsoid",
        example: ("SELECT round(ST_Area(mesh_polygon('64402680')) / 10000)", "95.0"),
        gives: Gives::In("m2"),
        work: |call| number(call, area_m2),
        ..OF_ONE
    },
    &Definition {
        name: "st_length",
        title: "ST_Length",
        syntax: "ST_Length(geometry)",
        ja: "線の長さ（m、楕円体上）。点と面は0（面の周囲はST_Perimeter）。度ではない",
        en: "The length of lines in metres, on the ellipsoid, not in degrees; 0 for points and polygons (ST_Perimeter)",
        example: ("SELECT round(ST_Length('LINESTRING (140 42, 141 42)'))", "82850.0"),
        gives: Gives::In("m"),
        work: |call| number(call, length_m),
        ..OF_ONE
    },
    &Definition {
        name: "st_perimeter",
        title: "ST_Perimeter",
        syntax: "ST_Perimeter(geometry)",
        ja: "面の周囲の長さ（m、楕円体上。穴の周囲も足す）。点と線は0",
        en: "The length around polygons and their holes in metres, on the ellipsoid; 0 for points and lines",
        example: ("SELECT round(ST_Perimeter(mesh_polygon('64402680')))", "3893.0"),
        gives: Gives::In("m"),
        work: |call| number(call, perimeter_m),
        ..OF_ONE
    },
    &Definition {
        name: "st_azimuth",
        title: "ST_Azimuth",
        syntax: "ST_Azimuth(a, b)",
        ja: "点aから見た点bの方位（ラジアン、北から時計回り、測地線）。degrees()で度になる。同じ点はNULL",
        en: "The direction of point b at point a, in radians clockwise from north, along the geodesic; degrees() makes it degrees. NULL where they are the same",
        example: ("SELECT round(degrees(ST_Azimuth(ST_Point(140, 42), ST_Point(140, 43))))", "0.0"),
        gives: Gives::Number,
        may_be_missing: true,
        work: |call| {
            let rows = of_pairs(call, |a, b, _, _| match (a, b) {
                (Geometry::Point(a), Geometry::Point(b)) => azimuth(*a, *b),
                _ => Err(Unsaid::Takes("takes two points, such as ST_Centroid(geometry) makes")),
            })?;
            Ok(Arc::new(Float64Array::from(rows)))
        },
        ..OF_TWO
    },
    &Definition {
        name: "st_closestpoint",
        title: "ST_ClosestPoint",
        syntax: "ST_ClosestPoint(a, b)",
        ja: "図形aの点のうち図形bにもっとも近いもの（ST_Distanceで測る点）。交わるなら共通の点のひとつ。空の図形はNULL",
        en: "The point of a that is nearest to b, to which ST_Distance measures; one of those that they share where they meet. NULL where one is empty",
        example: (
            "SELECT ST_ClosestPoint('LINESTRING (140 43, 141 43)', 'POINT (140.5 43.5)')",
            "POINT (140.5 43)",
        ),
        gives: Gives::Geometry,
        may_be_missing: true,
        work: |call| {
            made_of_pairs(call, |a, b, _, steps| {
                Ok(closest(a, b, steps)?.map(|at| Geometry::Point(Point(at))))
            })
        },
        ..OF_TWO
    },
    &Definition {
        name: "st_lineinterpolatepoint",
        title: "ST_LineInterpolatePoint",
        syntax: "ST_LineInterpolatePoint(line, fraction)",
        ja: "線の始点から長さの割合fraction（0〜1）だけ進んだ点（長さは楕円体上）",
        en: "The point of a line that a fraction of its length, from 0 to 1, lies before; lengths are those on the ellipsoid",
        arguments: &[LINE, ("fraction", "a number from 0 to 1")],
        example: (
            "SELECT ST_LineInterpolatePoint('LINESTRING (140 42, 140 43)', 0)",
            "POINT (140 42)",
        ),
        takes: &[Takes::Text, Takes::Number],
        gives: Gives::Geometry,
        may_be_missing: true,
        work: |call| {
            let fractions = call.numbers(1)?;
            made_of_each(call, |geometry, row, steps| {
                let Some(fraction) = fractions.get(row) else { return Ok(None) };
                let Geometry::LineString(line) = geometry else {
                    return Err(Unsaid::Takes(
                        "takes one line such as LINESTRING (140 42, 141 43); take one of several with ST_GeometryN(geometry, n)",
                    ));
                };
                if !(0.0..=1.0).contains(&fraction) {
                    return Err(Unsaid::Takes("takes a fraction from 0 to 1"));
                }
                Ok(Some(point_or_none(along(line, fraction, steps)?)))
            })
        },
        ..SHAPE
    },
];

fn number(
    call: &Call<'_>,
    of: fn(&Geometry, &mut Steps) -> Result<f64, Unsaid>,
) -> Result<ArrayRef> {
    let rows = of_each(call, |geometry, _, steps| of(geometry, steps).map(Some))?;
    Ok(Arc::new(Float64Array::from(rows)))
}
