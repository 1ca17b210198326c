//! Geometries that are made of numbers and of other geometries.

use arrow::array::ArrayRef;
use datafusion::common::Result;
use geo::{Coord, Geometry, LineString, OpType};

use super::{
    Call, Definition, GEOMETRY_ARGUMENT, Gives, OF_ONE, OF_TWO, SHAPE, Takes, made_of_each,
    made_of_pairs,
};
use crate::geometry::{Unsaid, buffered, hull, overlaid, rectangle, simplified, to_wkt};

pub(in super::super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: "st_makeenvelope",
        title: "ST_MakeEnvelope",
        syntax: "ST_MakeEnvelope(west, south, east, north)",
        ja: "西端・南端・東端・北端から長方形をつくる",
        en: "A rectangle of its edges: the west and the south, the east and the north",
        arguments: &[
            ("west", "degrees east"),
            ("south", "degrees north"),
            ("east", "degrees east"),
            ("north", "degrees north"),
        ],
        example: (
            "SELECT ST_MakeEnvelope(140, 42, 141, 43)",
            "POLYGON ((140 42, 140 43, 141 43, 141 42, 140 42))",
        ),
        takes: &[Takes::Number, Takes::Number, Takes::Number, Takes::Number],
        gives: Gives::Geometry,
        may_be_missing: true,
        work: envelopes,
        ..SHAPE
    },
    &Definition {
        name: "st_makeline",
        title: "ST_MakeLine",
        syntax: "ST_MakeLine(a, b)",
        ja: "点または線を順につないだ線",
        en: "The line through two points or lines, one after the other",
        example: (
            "SELECT ST_MakeLine(ST_Point(140, 42), ST_Point(141, 43))",
            "LINESTRING (140 42, 141 43)",
        ),
        gives: Gives::Geometry,
        work: |call| made_of_pairs(call, |a, b, _, _| line(a, b).map(Some)),
        ..OF_TWO
    },
    &Definition {
        name: "st_convexhull",
        title: "ST_ConvexHull",
        syntax: "ST_ConvexHull(geometry)",
        ja: "図形を囲む最小の凸多角形（点や線になることもある）",
        en: "The least area without dents that holds a geometry; a point or a line where it has no width",
        example: (
            "SELECT ST_Equals(ST_ConvexHull('MULTIPOINT ((0 0), (4 0), (0 4), (1 1))'), 'POLYGON ((0 0, 4 0, 0 4, 0 0))')",
            "true",
        ),
        gives: Gives::Geometry,
        work: |call| made_of_each(call, |geometry, _, steps| hull(geometry, steps).map(Some)),
        ..OF_ONE
    },
    &Definition {
        name: "st_simplify",
        title: "ST_Simplify",
        syntax: "ST_Simplify(geometry, metres)",
        ja: "線から離れる距離がおよそmetres以下の頂点を省いた図形（ダグラス・ポイカー法）。許容差は度ではなくm。小さな面はなくなり、何も残らなければNULL。隣り合う面のあいだに隙間ができることがある",
        en: "The geometry without corners that lie at most about so many metres, not degrees, from the line that is left (Douglas and Peucker). Small areas vanish, and NULL is left of nothing else; between neighbours there may be gaps",
        arguments: &[GEOMETRY_ARGUMENT, ("metres", "how far the result may lie from the geometry")],
        example: (
            "SELECT ST_Simplify('LINESTRING (140 42, 140.5 42.0001, 141 42)', 100)",
            "LINESTRING (140 42, 141 42)",
        ),
        takes: &[Takes::Text, Takes::Number],
        gives: Gives::Geometry,
        may_be_missing: true,
        work: |call| {
            let metres = call.numbers(1)?;
            made_of_each(call, |geometry, row, steps| match metres.get(row) {
                Some(metres) if metres >= 0.0 => simplified(geometry, metres, steps),
                Some(_) => Err(Unsaid::Takes("takes metres from 0")),
                None => Ok(None),
            })
        },
        ..SHAPE
    },
    &Definition {
        name: "st_buffer",
        title: "ST_Buffer",
        syntax: "ST_Buffer(geometry, metres)",
        ja: "図形からmetres以内の範囲。距離は度ではなく楕円体上のm（円は32角形）。負なら面を内側に縮める",
        en: "All that lies within so many metres of a geometry, on the ellipsoid, not degrees; circles have 32 corners. Negative metres make areas smaller",
        arguments: &[GEOMETRY_ARGUMENT, ("metres", "a distance; negative to the inside")],
        example: (
            "SELECT round(ST_Area(ST_Buffer(ST_Point(140.7567, 42.9), 1000)) / 1000)",
            "3121.0",
        ),
        takes: &[Takes::Text, Takes::Number],
        gives: Gives::Geometry,
        may_be_missing: true,
        work: |call| {
            let metres = call.numbers(1)?;
            made_of_each(call, |geometry, row, steps| match metres.get(row) {
                Some(metres) => buffered(geometry, metres, steps).map(Some),
                None => Ok(None),
            })
        },
        ..SHAPE
    },
    &Definition {
        name: "st_intersection",
        title: "ST_Intersection",
        syntax: "ST_Intersection(a, b)",
        ja: "2つの図形の共通部分。面と面、面と線、点と何かについて。面どうしが辺だけで接するときは空",
        en: "What two geometries have in common: areas and areas, lines in areas, points in anything. Of areas that share only an edge it is empty",
        example: (
            "SELECT ST_Intersection('POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))', 'POLYGON ((1 1, 3 1, 3 3, 1 3, 1 1))')",
            "POLYGON ((1 2, 1 1, 2 1, 2 2, 1 2))",
        ),
        gives: Gives::Geometry,
        work: |call| overlay(call, OpType::Intersection),
        ..OF_TWO
    },
    &Definition {
        name: "st_union",
        title: "ST_Union",
        syntax: "ST_Union(a, b)",
        ja: "2つの面を合わせた面",
        en: "Two areas as one",
        example: (
            "SELECT ST_Envelope(ST_Union('POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))', 'POLYGON ((2 0, 4 0, 4 2, 2 2, 2 0))'))",
            "POLYGON ((0 0, 0 2, 4 2, 4 0, 0 0))",
        ),
        gives: Gives::Geometry,
        work: |call| overlay(call, OpType::Union),
        ..OF_TWO
    },
    &Definition {
        name: "st_difference",
        title: "ST_Difference",
        syntax: "ST_Difference(a, b)",
        ja: "図形aから面bを除いた残り",
        en: "What is left of a without the area b",
        example: (
            "SELECT ST_Envelope(ST_Difference('POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))', 'POLYGON ((1 0, 3 0, 3 2, 1 2, 1 0))'))",
            "POLYGON ((0 0, 0 2, 1 2, 1 0, 0 0))",
        ),
        gives: Gives::Geometry,
        work: |call| overlay(call, OpType::Difference),
        ..OF_TWO
    },
    &Definition {
        name: "st_symdifference",
        title: "ST_SymDifference",
        syntax: "ST_SymDifference(a, b)",
        ja: "2つの面の、どちらか一方だけにある部分",
        en: "What lies in one of two areas and not in both",
        example: (
            "SELECT ST_Envelope(ST_SymDifference('POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))', 'POLYGON ((1 0, 2 0, 2 2, 1 2, 1 0))'))",
            "POLYGON ((0 0, 0 2, 1 2, 1 0, 0 0))",
        ),
        gives: Gives::Geometry,
        work: |call| overlay(call, OpType::Xor),
        ..OF_TWO
    },
];

fn overlay(call: &Call<'_>, how: OpType) -> Result<ArrayRef> {
    made_of_pairs(call, |a, b, _, steps| overlaid(how, a, b, steps).map(Some))
}

fn envelopes(call: &Call<'_>) -> Result<ArrayRef> {
    let edges = [call.numbers(0)?, call.numbers(1)?, call.numbers(2)?, call.numbers(3)?];
    call.texts_of_rows(|row| {
        let [west, south, east, north] = [0, 1, 2, 3].map(|place| edges[place].get(row));
        let (Some(west), Some(south), Some(east), Some(north)) = (west, south, east, north) else {
            return Ok(None);
        };
        if [west, south, east, north].iter().any(|edge| !edge.is_finite()) {
            return Ok(None);
        }
        if west > east || south > north {
            return Err(call.refused(
                "takes the west and the south before the east and the north; write ST_MakeEnvelope(west, south, east, north)",
            ));
        }
        let (min, max) = (Coord { x: west, y: south }, Coord { x: east, y: north });
        Ok(Some(to_wkt(&rectangle(min, max))))
    })
}

/// One line through both.
fn line(first: &Geometry, second: &Geometry) -> Result<Geometry, Unsaid> {
    let mut corners: Vec<Coord> = Vec::new();
    for part in [first, second] {
        match part {
            Geometry::Point(point) => corners.push(point.0),
            Geometry::LineString(line) => {
                // Where one begins as the other ends there is one corner.
                let met = !corners.is_empty() && corners.last() == line.0.first();
                corners.extend(line.0.iter().skip(usize::from(met)));
            }
            Geometry::MultiPoint(points) => corners.extend(points.iter().map(|point| point.0)),
            _ => return Err(Unsaid::Takes("takes points and lines")),
        }
    }
    Ok(Geometry::LineString(LineString(corners)))
}
