//! Functions of geometry in SQL. Lengths, areas and directions are those of GeographicLib by way of PROJ,
//! what lies in what and what areas come to together are those of GEOS.

use hub_model::ErrorKind;

use crate::tests::support::{Bench, small};

const HOLED: &str = "'POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42), (140.2 42.2, 140.4 42.2, 140.4 42.4, 140.2 42.2))'";
const FRAME: &str = "'POLYGON ((140 42, 141 42, 141 43, 140 43, 140 42), (140.4 42.4, 140.6 42.4, 140.6 42.6, 140.4 42.6, 140.4 42.4))'";
const KITE: &str = "'POLYGON ((140.5 42.1, 141.5 42.5, 140.5 42.9, 140.5 42.1))'";
const ROAD: &str = "'LINESTRING (139 42.5, 142 42.5)'";

#[tokio::test]
async fn lengths_areas_and_directions_are_those_on_the_ellipsoid() {
    let bench = Bench::new(small());
    let mut wrong = Vec::new();
    for (call, known, within) in [
        ("ST_Length('LINESTRING (140 42, 141 42)')", 82_850.290_751, 1e-5),
        (
            "ST_Length('GEOMETRYCOLLECTION (LINESTRING (140 42, 141 43, 141 44), LINESTRING (139 35, 139.5 35.5))')",
            321_037.277_855,
            1e-5,
        ),
        (&format!("ST_Length({HOLED})"), 0.0, 0.0),
        (&format!("ST_Perimeter({HOLED})"), 452_958.996_845, 1e-5),
        (&format!("ST_Area({HOLED})"), 8_947_227_001.67, 0.1),
        ("ST_Perimeter('LINESTRING (140 42, 141 42)')", 0.0, 0.0),
        ("ST_Azimuth(ST_Point(140, 42), ST_Point(141, 43))", 0.631_178_400_517, 1e-9),
        ("ST_Azimuth(ST_Point(140, 42), ST_Point(139, 42))", 4.718_228_328_655, 1e-9),
        ("ST_Azimuth(ST_Point(179.5, 10), ST_Point(-179.5, 10))", 1.569_280_923_022, 1e-9),
        (
            "ST_X(ST_LineInterpolatePoint('LINESTRING (140 42, 141 43, 141 44)', 0.25))",
            140.447_059_540_485,
            1e-9,
        ),
        (
            "ST_Y(ST_LineInterpolatePoint('LINESTRING (140 42, 141 43, 141 44)', 0.5))",
            42.902_399_603_109,
            1e-9,
        ),
        ("ST_Y(ST_LineInterpolatePoint('LINESTRING (140 42, 141 43, 141 44)', 1))", 44.0, 0.0),
        // A regular polygon of 32 corners on the ground, each right to a millimetre.
        ("ST_Area(ST_Buffer(ST_Point(140.7567, 42.9), 1000))", 3_121_445.15, 4.0),
        // Around a straight line as wide as twice the distance, with half of that polygon at each end.
        ("ST_Area(ST_Buffer('LINESTRING (140 42, 140 42.1)', 1000))", 25_336_296.0, 8_000.0),
        // The edge goes in everywhere, and the corners stay.
        (
            "sqrt(ST_Area(ST_Buffer(ST_Buffer(mesh_polygon('644026'), 3000), -3000)) / ST_Area(mesh_polygon('644026')))",
            1.0,
            0.002,
        ),
    ] {
        let value: f64 = bench.value(&format!("SELECT {call}")).await.parse().unwrap();
        if (value - known).abs() > within {
            wrong.push(format!("{call}: {value}, not {known}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_areas_come_to_together_is_what_geos_says() {
    let bench = Bench::new(small());
    for (function, known, size) in [
        (
            "ST_Intersection",
            "POLYGON ((141 42.3, 140.5 42.1, 140.5 42.4, 140.6 42.4, 140.6 42.6, 140.5 42.6, 140.5 42.9, 141 42.7, 141 42.3))",
            9,
        ),
        (
            "ST_Union",
            "POLYGON ((141 42, 140 42, 140 43, 141 43, 141 42.7, 141.5 42.5, 141 42.3, 141 42), (140.5 42.4, 140.5 42.6, 140.4 42.6, 140.4 42.4, 140.5 42.4))",
            13,
        ),
        (
            "ST_Difference",
            "POLYGON ((141 42, 140 42, 140 43, 141 43, 141 42.7, 140.5 42.9, 140.5 42.6, 140.4 42.6, 140.4 42.4, 140.5 42.4, 140.5 42.1, 141 42.3, 141 42))",
            13,
        ),
        (
            "ST_SymDifference",
            "MULTIPOLYGON (((141 42, 140 42, 140 43, 141 43, 141 42.7, 140.5 42.9, 140.5 42.6, 140.4 42.6, 140.4 42.4, 140.5 42.4, 140.5 42.1, 141 42.3, 141 42)), ((141 42.7, 141.5 42.5, 141 42.3, 141 42.7)), ((140.6 42.6, 140.6 42.4, 140.5 42.4, 140.5 42.6, 140.6 42.6)))",
            22,
        ),
    ] {
        let made = format!("{function}({FRAME}, {KITE})");
        let sql =
            format!("SELECT ST_Equals({made}, '{known}')::text || ' ' || ST_NPoints({made})::text");
        let shown = bench.value(&format!("SELECT {made}")).await;
        assert_eq!(bench.value(&sql).await, format!("true {size}"), "{shown}");
    }
}

#[tokio::test]
async fn geometries_are_taken_apart_and_made_as_elsewhere() {
    let bench = Bench::new(small());
    let mut wrong = Vec::new();
    for (call, known) in [
        (
            format!("ST_Equals(ST_Intersection({ROAD}, {FRAME}), 'MULTILINESTRING ((140 42.5, 140.4 42.5), (140.6 42.5, 141 42.5))')"),
            "true",
        ),
        (
            format!("ST_Equals(ST_Difference({ROAD}, {FRAME}), 'MULTILINESTRING ((139 42.5, 140 42.5), (140.4 42.5, 140.6 42.5), (141 42.5, 142 42.5))')"),
            "true",
        ),
        (format!("ST_Intersection('MULTIPOINT ((140.1 42.1), (140.5 42.5), (140 42))', {FRAME})"), "MULTIPOINT ((140.1 42.1), (140 42))"),
        (format!("ST_Difference('MULTIPOINT ((140.1 42.1), (140.5 42.5))', {FRAME})"), "POINT (140.5 42.5)"),
        (format!("ST_Difference({KITE}, {ROAD})"), KITE.trim_matches('\'')),
        (format!("ST_Union({KITE}, 'POLYGON EMPTY')"), KITE.trim_matches('\'')),
        (format!("ST_Intersection({KITE}, 'POLYGON EMPTY')"), "POLYGON EMPTY"),
        ("ST_Intersection(mesh_polygon('6440'), mesh_polygon('6441'))".into(), "POLYGON EMPTY"),
        ("ST_Union(mesh_polygon('644026'), mesh_polygon('644027')) = ST_Union(mesh_polygon('644027'), mesh_polygon('644026'))".into(), "true"),
        ("ST_XMax(ST_Union(mesh_polygon('64402680'), mesh_polygon('64402681'))) = ST_XMax(mesh_polygon('64402681'))".into(), "true"),
        ("ST_Centroid('POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1))')".into(), "POINT (2.033333333333333 2.033333333333333)"),
        ("ST_Centroid('GEOMETRYCOLLECTION (POINT (9 9), LINESTRING (0 0, 2 0))')".into(), "POINT (1 0)"),
        ("ST_Centroid('POLYGON EMPTY')".into(), "MULTIPOINT EMPTY"),
        ("ST_Equals(ST_ConvexHull('MULTIPOLYGON (((0 0, 1 0, 1 1, 0 1, 0 0)), ((5 5, 8 5, 8 8, 5 8, 5 5)))'), 'POLYGON ((0 0, 0 1, 5 8, 8 8, 8 5, 1 0, 0 0))')".into(), "true"),
        ("ST_ConvexHull('LINESTRING (0 0, 1 1, 2 2, 1 1)')".into(), "LINESTRING (0 0, 2 2)"),
        ("ST_ConvexHull('MULTIPOINT ((1 1), (1 1))')".into(), "POINT (1 1)"),
        ("ST_Envelope('POINT (1 2)')".into(), "POINT (1 2)"),
        ("ST_Envelope('LINESTRING (1 2, 1 3)')".into(), "LINESTRING (1 2, 1 3)"),
        ("ST_Envelope('POLYGON EMPTY')".into(), "POLYGON EMPTY"),
        ("ST_XMin('POLYGON EMPTY') IS NULL AND ST_StartPoint('POINT (1 2)') IS NULL AND ST_EndPoint('LINESTRING EMPTY') IS NULL".into(), "true"),
        ("ST_GeometryN('POINT (1 2)', 1)".into(), "POINT (1 2)"),
        ("ST_GeometryN('POINT (1 2)', 2) IS NULL AND ST_GeometryN('POINT (1 2)', 0) IS NULL".into(), "true"),
        ("ST_NumGeometries('POINT (1 2)') + ST_NumGeometries('POLYGON EMPTY')".into(), "1"),
        ("ST_IsValid('POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (5 5, 6 5, 6 6, 5 5))')".into(), "false"),
        ("ST_IsValid('LINESTRING (0 0, 1 1, 1 0, 0 1)') AND ST_IsValid('POINT (1 2)')".into(), "true"),
        ("ST_IsValid('LINESTRING (0 0, 0 0)')".into(), "false"),
        ("ST_IsValid('MULTIPOLYGON (((0 0, 2 0, 2 2, 0 2, 0 0)), ((1 1, 3 1, 3 3, 1 3, 1 1)))')".into(), "false"),
        ("ST_IsValid('MULTIPOLYGON (((0 0, 2 0, 2 2, 0 2, 0 0)), ((2 2, 3 2, 3 3, 2 3, 2 2)))')".into(), "true"),
        ("ST_MakeLine('LINESTRING (0 0, 1 1)', 'LINESTRING (1 1, 2 0)')".into(), "LINESTRING (0 0, 1 1, 2 0)"),
        ("ST_ClosestPoint('LINESTRING (140 42, 141 43)', 'LINESTRING (140 43, 141 42)')".into(), "POINT (140.5 42.5)"),
        (format!("ST_Distance(ST_ClosestPoint({FRAME}, 'POINT (139 42.5)'), 'POINT (139 42.5)') = ST_Distance({FRAME}, 'POINT (139 42.5)')"), "true"),
        ("ST_ClosestPoint('POLYGON EMPTY', 'POINT (1 2)') IS NULL".into(), "true"),
        ("ST_Azimuth(ST_Point(140, 42), ST_Point(140, 42)) IS NULL".into(), "true"),
        ("ST_Simplify(mesh_polygon('64402680'), 100000) IS NULL".into(), "true"),
        ("ST_Simplify('LINESTRING (140 42, 140.5 42.01, 141 42)', 100)".into(), "LINESTRING (140 42, 140.5 42.01, 141 42)"),
        ("ST_Contains(ST_Buffer(mesh_polygon('64402680'), 1), mesh_polygon('64402680'))".into(), "true"),
        ("ST_Buffer('LINESTRING (140 42, 141 42)', -5)".into(), "POLYGON EMPTY"),
        ("ST_XMax(ST_Buffer('POINT (180 42)', 1000)) > 180".into(), "true"),
        ("ST_Disjoint('POLYGON EMPTY', 'POINT (1 2)') AND NOT ST_Intersects('POLYGON EMPTY', 'POINT (1 2)')".into(), "true"),
        ("ST_Buffer(NULL, 5) IS NULL AND ST_Buffer('POINT (1 2)', NULL) IS NULL AND ST_Union(NULL, 'POINT (1 2)') IS NULL".into(), "true"),
    ] {
        let value = bench.value(&format!("SELECT {call}")).await;
        if value != known {
            wrong.push(format!("{call}: {value}, not {known}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_a_function_cannot_work_on_is_told_with_a_way_out() {
    let bench = Bench::new(small());
    let long = "(SELECT 'LINESTRING (0 0' || repeat(', 1 1, 0 1, 1 0, 0 0', 5000) || ')' AS line)";
    for (call, said) in [
        ("ST_Length('LINESTRING (500000 4000000, 500100 4000000)')", "longitude and latitude"),
        ("ST_Area('POLYGON ((0 0, 500 0, 500 500, 0 0))')", "longitude and latitude"),
        ("ST_Buffer('POINT (140 91)', 5)", "longitude and latitude"),
        ("ST_Buffer('POINT (140 89.9999)', 500)", "pole"),
        ("ST_Buffer('POINT (140 42)', 1e9)", "1000000"),
        ("ST_Azimuth('POINT (1 2)', 'LINESTRING (1 2, 3 4)')", "two points"),
        ("ST_LineInterpolatePoint('POINT (1 2)', 0.5)", "one line"),
        ("ST_LineInterpolatePoint('LINESTRING (0 0, 1 1)', 2)", "from 0 to 1"),
        ("ST_Union('POINT (1 2)', 'POINT (1 3)')", "polygons only"),
        ("ST_Intersection('LINESTRING (0 0, 1 1)', 'LINESTRING (1 0, 0 1)')", "ST_Intersects"),
        ("ST_MakeEnvelope(141, 42, 140, 43)", "ST_MakeEnvelope(west, south, east, north)"),
        ("ST_Simplify('POINT (1 2)', -1)", "from 0"),
        ("ST_Simplify('POINT (1 2)')", "ST_Simplify(geometry, metres)"),
        ("ST_IsValid('POLYGON ((0 0, 1 1')", "WKT"),
        (
            "ST_Touches('GEOMETRYCOLLECTION (POINT (0 0), LINESTRING (0 0, 9 9))', 'LINESTRING (0 0, 1 1)')",
            "ST_GeometryN",
        ),
        (&format!("ST_Crosses(line, 'LINESTRING (0 0.5, 1 0.5)') FROM {long}"), "ST_Simplify"),
        (&format!("ST_IsValid(line) FROM {long}"), "simpler"),
        (
            &format!("ST_Distance(replace(line, '0', '5'), replace(line, '1', '7')) FROM {long}"),
            "simpler",
        ),
    ] {
        let error = bench.error(&format!("SELECT {call}")).await;
        assert!(
            matches!(error.kind(), ErrorKind::SqlExecution | ErrorKind::SqlInvalid),
            "{call}: {error:?}"
        );
        assert!(error.to_string().contains(said), "{call}: {error}");
    }
}

#[tokio::test]
async fn results_bear_their_unit_and_that_they_are_geometries() {
    let bench = Bench::new(small());
    let sql = "SELECT ST_Length('LINESTRING (0 0, 1 1)') AS l, ST_Area(mesh_polygon('6440')) AS a, \
        ST_Centroid('POINT (1 2)') AS c, ST_NPoints('POINT (1 2)') AS n";
    let batches = bench.batches(sql).await.unwrap();
    let said: Vec<_> = batches[0]
        .schema()
        .fields()
        .iter()
        .map(|field| {
            let said = |key: &str| field.metadata().get(key).cloned();
            said("unit").or(said("geometry"))
        })
        .collect();
    let said: Vec<_> = said.iter().map(Option::as_deref).collect();
    assert_eq!(said, [Some("m"), Some("m2"), Some("wkt"), None]);
}
