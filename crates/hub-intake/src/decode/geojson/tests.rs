//! GeoJSON as maps are published, and as it is often wrong.

use super::super::json::tests::{Table, read};
use crate::{Format, FormatHint, IntakeError, IntakeOptions, conform, propose, recognise};

fn collection(features: &str) -> String {
    format!(r#"{{"type":"FeatureCollection","name":"x","features":[{features}],"bbox":[1]}}"#)
}

fn feature(geometry: &str) -> String {
    format!(r#"{{"type":"Feature","properties":{{"名":"余市"}},"geometry":{geometry}}}"#)
}

fn table(features: &str) -> Table {
    read(collection(features).as_bytes()).unwrap()
}

#[test]
fn points_are_rows_with_their_place() {
    let found = table(
        r#"{"type":"Feature","id":7,"geometry":{"type":"Point","coordinates":[140.80,43.190]},"properties":{"名":"余市","a":{"b":1}}},
           {"type":"Feature","geometry":null,"properties":null}"#,
    );
    assert_eq!(found.format, Format::GeoJson);
    assert_eq!(found.names, ["名", "a.b", "id", "geometry", "longitude", "latitude"]);
    assert_eq!(found.rows, ["1: 余市|1|7|POINT (140.80 43.190)|140.80|43.190", "2: |||||"]);
}

#[test]
fn lines_and_polygons_have_a_point_and_a_box() {
    // A U whose centre lies outside of it.
    let found = table(
        &[
            feature(r#"{"coordinates":[[[0,0],[3,0],[3,3],[2,3],[2,1],[1,1],[1,3],[0,3],[0,0]]],"type":"Polygon"}"#),
            feature(r#"{"type":"LineString","coordinates":[[0,0],[4,0]]}"#),
            feature(r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[10,10],[14,10],[14,14],[10,14],[10,10]],[[11,11],[13,11],[13,13],[11,13],[11,11]]]]}"#),
            feature(r#"{"type":"Point","coordinates":[1,2,30.5]}"#),
            feature(r#"{"type":"GeometryCollection","geometries":[{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}]}"#),
        ]
        .join(","),
    );
    assert_eq!(found.names[1..4], ["geometry", "longitude", "latitude"]);
    assert_eq!(
        found.rows,
        [
            "1: 余市|POLYGON ((0 0, 3 0, 3 3, 2 3, 2 1, 1 1, 1 3, 0 3, 0 0))|2.5|2|0|0|3|3",
            "2: 余市|LINESTRING (0 0, 4 0)|2|0|0|0|4|0",
            "3: 余市|MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((10 10, 14 10, 14 14, 10 14, 10 10), (11 11, 13 11, 13 13, 11 13, 11 11)))|13.5|12|0|0|14|14",
            "4: 余市|POINT Z (1 2 30.5)|1|2|1|2|1|2",
            "5: 余市|GEOMETRYCOLLECTION (MULTIPOINT ((1 2), (3 4)))|1|2|1|2|3|4",
        ]
    );
}

#[test]
fn features_one_a_line_are_read_too() {
    let lines = [feature(r#"{"type":"Point","coordinates":[1,2]}"#), feature("null")].join("\n");
    let found = read(lines.as_bytes()).unwrap();
    assert_eq!(found.rows, ["1: 余市|POINT (1 2)|1|2", "2: 余市|||"]);
}

#[test]
fn coordinates_that_are_wrong_are_told_before_anything_is_read() {
    let good = feature(r#"{"type":"Point","coordinates":[141,43]}"#);
    for (geometry, word) in [
        (r#"{"type":"Point","coordinates":[43.1,141.2]}"#, "latitude first"),
        (r#"{"type":"Point","coordinates":[-34500.5,98000]}"#, "metres"),
        (r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}"#, "not closed"),
        (r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0]]]}"#, "a ring four"),
        (r#"{"type":"LineString","coordinates":[[0,0]]}"#, "a line needs two"),
        (r#"{"type":"Circle","coordinates":[0,0]}"#, "Circle"),
        (r#"{"type":"Polygon","coordinates":[[0,0],[1,0]]}"#, "not nested"),
        (r#"{"type":"Point","coordinates":["141",43]}"#, "not nested"),
    ] {
        let text = collection(&format!("{good},{},{good}", feature(geometry)));
        let error = read(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("feature 2 (1 in all)") && error.contains(word), "{error}");
    }
    let plane = r#"{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:2454"}},"features":[]}"#;
    let error = read(plane.as_bytes()).map(|_| ()).unwrap_err();
    assert!(matches!(error, IntakeError::UnsupportedFormat { .. }), "{error}");
}

#[test]
fn the_region_goes_in_with_its_codes() {
    let path = "geo/shiribeshi_20_municipalities.geojson";
    let Some(path) = hub_testkit::shared::data_file(path) else { return };
    let file = std::fs::File::open(path).unwrap();
    let recognised = recognise(file, &FormatHint::default()).unwrap();
    let options = IntakeOptions::default();
    let contract = propose(&recognised, &options).unwrap().contract.validated().unwrap();
    let mut rows = 0;
    let report = conform(&recognised, &contract, &options, &mut |batch| {
        rows += batch.batch.num_rows();
        Ok(())
    })
    .unwrap();
    assert_eq!((report.error_count, rows), (0, 20), "{:?}", report.errors);
    let fields: Vec<_> = contract.fields.iter().map(|f| (f.name.as_str(), f.field_type)).collect();
    insta::assert_debug_snapshot!(fields);
}
