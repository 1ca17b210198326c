//! Mesh codes of JIS X 0410.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, Float64Array, StringViewArray, StructArray},
    buffer::NullBuffer,
    datatypes::{DataType, Field, Fields},
};
use datafusion::common::Result;
use hub_model::MeshCell;

use super::{Call, Definition, Family, Gives, PLAIN, Takes, call::Values};

const OF_CODE: Definition = Definition {
    family: Family::Place,
    arguments: &[("code", "a mesh code of 4, 6, 8, 9, 10 or 11 digits")],
    takes: &[Takes::Code],
    may_be_missing: true,
    ..PLAIN
};

pub(super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: "mesh_code",
        title: "mesh_code",
        family: Family::Place,
        syntax: "mesh_code(latitude, longitude, level)",
        ja: "地域メッシュコード（JIS X 0410）。1＝第1次〜3＝第3次（約1km）、4＝1/2、5＝1/4、6＝1/8。緯度経度は小数第9位に丸め、境界は10進数で正確に判定する。範囲外はNULL",
        en: "The mesh code (JIS X 0410) of a point: level 1 to 3 (about 1 km), 4, 5 and 6 for halves, quarters and eighths. Coordinates are rounded to nine places, and edges then decided exactly, as decimal numbers. NULL where the standard has no code",
        arguments: &[
            ("latitude", "degrees north"),
            ("longitude", "degrees east"),
            ("level", "1 to 6"),
        ],
        example: ("SELECT mesh_code(42.9, 140.7567, 3)", "64402680"),
        takes: &[Takes::Number, Takes::Number, Takes::Whole],
        gives: Gives::Text,
        may_be_missing: true,
        work: |call| {
            let (latitude, longitude) = (call.numbers(0)?, call.numbers(1)?);
            let levels = call.wholes(2)?;
            call.texts_of_rows(|row| {
                let Some(level) = level(call, levels.get(row))? else { return Ok(None) };
                let (Some(y), Some(x)) = (latitude.get(row), longitude.get(row)) else {
                    return Ok(None);
                };
                Ok(MeshCell::at(y, x, level).map(MeshCell::code))
            })
        },
        ..PLAIN
    },
    &Definition {
        name: "mesh_parent",
        title: "mesh_parent",
        family: Family::Place,
        syntax: "mesh_parent(code, level)",
        ja: "そのメッシュを含む、より粗いメッシュのコード。細かいほうはNULL",
        en: "The code of the coarser cell that a cell lies in; NULL for a finer level",
        arguments: &[("code", "a mesh code"), ("level", "1 to 6")],
        example: ("SELECT mesh_parent('64402680', 2)", "644026"),
        takes: &[Takes::Code, Takes::Whole],
        gives: Gives::Text,
        may_be_missing: true,
        work: |call| {
            let codes = call.texts(0)?;
            let levels = call.wholes(1)?;
            call.texts_of_rows(|row| {
                let Some(level) = level(call, levels.get(row))? else { return Ok(None) };
                Ok(cell(&codes, row).and_then(|cell| cell.parent(level)).map(MeshCell::code))
            })
        },
        ..PLAIN
    },
    &Definition {
        name: "mesh_lat",
        title: "mesh_lat",
        syntax: "mesh_lat(code)",
        ja: "メッシュの中心の緯度（度）",
        en: "The latitude of a cell's middle, in degrees",
        example: ("SELECT mesh_lat('64402680')", "42.90416666666667"),
        gives: Gives::Number,
        work: |call| {
            let codes = call.texts(0)?;
            call.numbers_of_rows(|row| cell(&codes, row).map(|cell| cell.center().0))
        },
        ..OF_CODE
    },
    &Definition {
        name: "mesh_lon",
        title: "mesh_lon",
        syntax: "mesh_lon(code)",
        ja: "メッシュの中心の経度（度）",
        en: "The longitude of a cell's middle, in degrees",
        example: ("SELECT mesh_lon('64402680')", "140.75625"),
        gives: Gives::Number,
        work: |call| {
            let codes = call.texts(0)?;
            call.numbers_of_rows(|row| cell(&codes, row).map(|cell| cell.center().1))
        },
        ..OF_CODE
    },
    &Definition {
        name: "mesh_center",
        title: "mesh_center",
        syntax: "mesh_center(code)",
        ja: "メッシュの中心の点（ジオメトリ）",
        en: "A cell's middle as a point geometry",
        example: ("SELECT mesh_center('64402680')", "POINT (140.75625 42.90416666666667)"),
        gives: Gives::Geometry,
        work: |call| {
            let codes = call.texts(0)?;
            call.texts_of_rows(|row| {
                let middle = cell(&codes, row).map(MeshCell::center);
                Ok(middle.map(|(y, x)| format!("POINT ({x} {y})")))
            })
        },
        ..OF_CODE
    },
    &Definition {
        name: "mesh_polygon",
        title: "mesh_polygon",
        syntax: "mesh_polygon(code)",
        ja: "メッシュの四角形（ジオメトリ）",
        en: "A cell as a polygon geometry",
        example: (
            "SELECT mesh_polygon('6440')",
            "POLYGON ((140 42.666666666666664, 141 42.666666666666664, 141 43.333333333333336, 140 43.333333333333336, 140 42.666666666666664))",
        ),
        gives: Gives::Geometry,
        work: |call| {
            let codes = call.texts(0)?;
            call.texts_of_rows(|row| {
                Ok(cell(&codes, row).map(|cell| {
                    let hub_model::MeshBounds { west, south, east, north } = cell.bounds();
                    format!(
                        "POLYGON (({west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}))"
                    )
                }))
            })
        },
        ..OF_CODE
    },
    &Definition {
        name: "mesh_bounds",
        title: "mesh_bounds",
        syntax: "mesh_bounds(code)",
        ja: "メッシュの端（west・south・east・north、度）",
        en: "A cell's edges in degrees, as west, south, east and north",
        example: ("SELECT mesh_bounds('64402680')['north']", "42.90833333333333"),
        gives: Gives::Bounds,
        work: bounds,
        ..OF_CODE
    },
];

fn level(call: &Call<'_>, level: Option<i64>) -> Result<Option<u8>> {
    match level {
        None => Ok(None),
        Some(level) if MeshCell::LEVELS.contains(&level) => Ok(u8::try_from(level).ok()),
        Some(other) => Err(call.refused(&format!("takes a level from 1 to 6, not {other}"))),
    }
}

fn cell(codes: &Values<StringViewArray>, row: usize) -> Option<MeshCell> {
    codes.get(row).and_then(MeshCell::parse)
}

/// The type of a cell's edges.
pub(super) fn bounds_type() -> DataType {
    let edges = ["west", "south", "east", "north"];
    DataType::Struct(edges.map(|name| Field::new(name, DataType::Float64, true)).to_vec().into())
}

fn bounds(call: &Call<'_>) -> Result<ArrayRef> {
    let codes = call.texts(0)?;
    let cells: Vec<_> =
        (0..call.rows()).map(|row| cell(&codes, row).map(MeshCell::bounds)).collect();
    let edge = |of: fn(&hub_model::MeshBounds) -> f64| {
        Arc::new(cells.iter().map(|cell| cell.as_ref().map(of)).collect::<Float64Array>())
            as Arc<dyn Array>
    };
    let edges = vec![edge(|b| b.west), edge(|b| b.south), edge(|b| b.east), edge(|b| b.north)];
    let known: NullBuffer = cells.iter().map(Option::is_some).collect::<Vec<_>>().into();
    let fields = match bounds_type() {
        DataType::Struct(fields) => fields,
        _ => Fields::empty(),
    };
    Ok(Arc::new(StructArray::try_new(fields, edges, Some(known))?))
}
