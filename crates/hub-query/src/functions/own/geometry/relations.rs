//! How one geometry lies to another.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use datafusion::common::Result;

use super::{Call, Definition, Gives, OF_TWO, of_pairs};
use crate::geometry::Relation;

const RELATION: Definition = Definition { gives: Gives::Boolean, ..OF_TWO };

pub(in super::super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: "st_contains",
        title: "ST_Contains",
        syntax: "ST_Contains(a, b)",
        ja: "図形aが図形bを含めばtrue（境界だけの点は含まない。境界も含めるならST_Covers）。緯度経度を平面とみるので、経度180度をまたぐ図形は扱わない。結合条件に使えば空間索引で処理する",
        en: "Whether a has all of b; a point on the very edge is not contained, but covered (ST_Covers). Degrees are taken for a plane, so no shape reaches over 180° of longitude. A join ON it uses a spatial index",
        example: (
            "SELECT ST_Contains('POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42))', ST_Point(140.7567, 42.9))",
            "true",
        ),
        work: |call| relates(call, Relation::Contains),
        ..RELATION
    },
    &Definition {
        name: "st_within",
        title: "ST_Within",
        syntax: "ST_Within(a, b)",
        ja: "図形aが図形bに含まれればtrue（ST_Contains(b, a)と同じ）。結合条件に使えば空間索引で処理する",
        en: "Whether b has all of a, as ST_Contains(b, a) says. A join ON it uses a spatial index",
        example: (
            "SELECT ST_Within(ST_Point(140.7567, 42.9), 'POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42))')",
            "true",
        ),
        work: |call| relates(call, Relation::Within),
        ..RELATION
    },
    &Definition {
        name: "st_covers",
        title: "ST_Covers",
        syntax: "ST_Covers(a, b)",
        ja: "図形bのどの点も図形aの中か境界にあればtrue。境界の上の点も含む。結合条件に使えば空間索引で処理する",
        en: "Whether no point of b lies outside of a; a point on the edge is covered. A join ON it uses a spatial index",
        example: (
            "SELECT ST_Covers('POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42))', ST_Point(140, 42.9))",
            "true",
        ),
        work: |call| relates(call, Relation::Covers),
        ..RELATION
    },
    &Definition {
        name: "st_coveredby",
        title: "ST_CoveredBy",
        syntax: "ST_CoveredBy(a, b)",
        ja: "図形aのどの点も図形bの中か境界にあればtrue（ST_Covers(b, a)と同じ）。結合条件に使えば空間索引で処理する",
        en: "Whether no point of a lies outside of b, as ST_Covers(b, a) says. A join ON it uses a spatial index",
        example: (
            "SELECT ST_CoveredBy(ST_Point(140, 42.9), 'POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42))')",
            "true",
        ),
        work: |call| relates(call, Relation::CoveredBy),
        ..RELATION
    },
    &Definition {
        name: "st_intersects",
        title: "ST_Intersects",
        syntax: "ST_Intersects(a, b)",
        ja: "2つの図形が共通の点を持てばtrue。結合条件に使えば空間索引で処理する",
        en: "Whether two geometries share a point. A join ON it uses a spatial index",
        example: (
            "SELECT ST_Intersects('LINESTRING (140 42, 141 43)', 'LINESTRING (140 43, 141 42)')",
            "true",
        ),
        work: |call| relates(call, Relation::Intersects),
        ..RELATION
    },
    &Definition {
        name: "st_disjoint",
        title: "ST_Disjoint",
        syntax: "ST_Disjoint(a, b)",
        ja: "2つの図形が共通の点を持たなければtrue。結合条件にすると総当たりになるので、NOT EXISTSとST_Intersectsで書くほうが速い",
        en: "Whether two geometries share no point. A join ON it compares all with all; NOT EXISTS with ST_Intersects uses a spatial index",
        example: (
            "SELECT ST_Disjoint(ST_Point(139, 42), 'POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42))')",
            "true",
        ),
        work: |call| {
            let rows = of_pairs(call, |a, b, _, steps| {
                Ok(Some(!Relation::Intersects.holds(a, b, steps)?))
            })?;
            Ok(Arc::new(BooleanArray::from(rows)))
        },
        ..RELATION
    },
    &Definition {
        name: "st_touches",
        title: "ST_Touches",
        syntax: "ST_Touches(a, b)",
        ja: "2つの図形が境界だけで接していればtrue（隣り合う市町村など）。結合条件に使えば空間索引で処理する",
        en: "Whether two geometries share points of their edges and none of their insides, as neighbours do. A join ON it uses a spatial index",
        example: (
            "SELECT ST_Touches('POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))', 'POLYGON ((1 0, 2 0, 2 1, 1 1, 1 0))')",
            "true",
        ),
        work: |call| relates(call, Relation::Touches),
        ..RELATION
    },
    &Definition {
        name: "st_crosses",
        title: "ST_Crosses",
        syntax: "ST_Crosses(a, b)",
        ja: "線が面や別の線を横切っていればtrue（川と行政界など）。結合条件に使えば空間索引で処理する",
        en: "Whether a line goes through an area or another line, partly inside and partly not. A join ON it uses a spatial index",
        example: (
            "SELECT ST_Crosses('LINESTRING (139 42.5, 142 42.5)', 'POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42))')",
            "true",
        ),
        work: |call| relates(call, Relation::Crosses),
        ..RELATION
    },
    &Definition {
        name: "st_overlaps",
        title: "ST_Overlaps",
        syntax: "ST_Overlaps(a, b)",
        ja: "同じ種類の2つの図形が一部だけ重なっていればtrue（どちらも他方を含まない）。結合条件に使えば空間索引で処理する",
        en: "Whether two geometries of one kind share a part, and neither has all of the other. A join ON it uses a spatial index",
        example: (
            "SELECT ST_Overlaps('POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))', 'POLYGON ((1 1, 3 1, 3 3, 1 3, 1 1))')",
            "true",
        ),
        work: |call| relates(call, Relation::Overlaps),
        ..RELATION
    },
    &Definition {
        name: "st_equals",
        title: "ST_Equals",
        syntax: "ST_Equals(a, b)",
        ja: "2つの図形が同じ点の集まりならtrue（頂点の順や始点は問わない）。空の図形はどれとも等しくない。結合条件に使えば空間索引で処理する",
        en: "Whether two geometries have the same points, whatever their order and where they begin. An empty geometry equals none. A join ON it uses a spatial index",
        example: ("SELECT ST_Equals('LINESTRING (0 0, 1 1)', 'LINESTRING (1 1, 0 0)')", "true"),
        work: |call| relates(call, Relation::Equals),
        ..RELATION
    },
];

fn relates(call: &Call<'_>, relation: Relation) -> Result<ArrayRef> {
    let rows = of_pairs(call, |a, b, _, steps| relation.holds(a, b, steps).map(Some))?;
    Ok(Arc::new(BooleanArray::from(rows)))
}
