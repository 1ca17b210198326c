//! The catalog as docs/FUNCTIONS.md.

use std::fmt::Write;

use super::{FunctionKind, function_catalog};

/// The catalog as a document: the hub's own functions in full, the engine's by name.
pub fn functions_document() -> String {
    let entries = function_catalog();
    let mut text = String::from(
        "# Functions\n\n\
         Written by `cargo xtask functions` from the catalog of the program; `GET /v1/functions?q=`, \
         `information_schema.routines` and `mochiyori functions` show the same. Names are written in any case. \
         A day is a day in Japan, whatever the time's zone; a missing argument gives a missing result. Every \
         example is run by a test.\n\n\
         ## The hub's own\n\n\
         Geometries are WKT in degrees of longitude and latitude, as uploads of GeoJSON hold them. Lengths, \
         distances and areas are those on the ellipsoid, in metres and square metres; how geometries lie to one \
         another, their middles and what they come to together are worked out on the plane of the degrees, so \
         that no shape reaches over 180° of longitude. Joins `ON distance_m(…) <= …`, `ST_DWithin`, \
         `ST_Intersects`, `ST_Contains`, `ST_Within`, `ST_Covers`, `ST_CoveredBy`, `ST_Touches`, `ST_Crosses`, \
         `ST_Overlaps` and `ST_Equals` look candidates up in a spatial index; the nearest of each is `QUALIFY row_number() OVER (PARTITION BY p.id ORDER BY \
         distance) = 1`.\n",
    );
    // Writing to a String cannot fail.
    let mut family = "";
    for entry in entries.iter().filter(|entry| entry.own) {
        if entry.family != family {
            family = &entry.family;
            let _ = write!(text, "\n### {}\n", heading(family));
        }
        let _ = write!(
            text,
            "\n#### {}\n\n`{}`\n\n{}。\n\n{}.\n\n",
            entry.name, entry.syntax, entry.description_ja, entry.description_en
        );
        for argument in &entry.arguments {
            let _ = writeln!(text, "- `{}`: {}", argument.name, argument.description);
        }
        if let Some(example) = &entry.example {
            let _ = write!(text, "\n```sql\n{};\n-- {}\n```\n", example.sql, example.answer);
        }
    }
    text.push_str("\n## The engine's\n");
    let kinds = [
        FunctionKind::Scalar,
        FunctionKind::HigherOrder,
        FunctionKind::Aggregate,
        FunctionKind::Window,
        FunctionKind::Table,
    ];
    for kind in kinds {
        let names = entries.iter().filter(|entry| !entry.own && entry.kind == kind);
        let names: Vec<_> = names.map(|entry| format!("`{}`", entry.name)).collect();
        let _ = write!(text, "\n{}: {}.\n", kind.as_str(), names.join(", "));
    }
    text
}

fn heading(family: &str) -> &'static str {
    match family {
        "time" => "Time",
        "place" => "Place",
        "geometry" => "Geometry",
        "datasets" => "Datasets",
        "quality" => "Quality",
        _ => "Units",
    }
}
