//! Joins by place give what the comparison of all with all gives.

use std::fmt::Write;

use hub_model::ErrorKind;
use proptest::prelude::*;

use crate::{
    EngineConfig,
    tests::support::{Bench, small},
};

/// Points as a table of values.
fn values(points: &[(f64, f64)]) -> String {
    let mut rows = String::from("(VALUES (-1, NULL, 140.0)");
    for (id, (lat, lon)) in points.iter().enumerate() {
        let _ = write!(rows, ", ({id}, {lat}, {lon})");
    }
    rows + ")"
}

/// Squares around points as a table of values.
fn squares(points: &[(f64, f64)]) -> String {
    let mut rows = String::from("(VALUES (-1, NULL)");
    for (id, (lat, lon)) in points.iter().enumerate() {
        let (w, s, e, n) = (lon - 0.3, lat - 0.2, lon + 0.3, lat + 0.2);
        let _ = write!(rows, ", ({id}, 'POLYGON (({w} {s}, {e} {s}, {e} {n}, {w} {n}, {w} {s}))')");
    }
    rows + ")"
}

const KINDS: [&str; 4] = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"];

/// Asks twice: with a condition that is looked up, and with the same written so that it is not.
async fn same(bench: &Bench, with: &str, near: &str, plain: &str, residual: &str) {
    let mut questions: Vec<_> = KINDS
        .iter()
        .map(|kind| {
            move |on: &str| {
                format!("{with} SELECT p.id AS a, s.id AS b FROM p {kind} s ON {on} {residual} ORDER BY 1, 2")
            }
        })
        .map(|question| Box::new(question) as Box<dyn Fn(&str) -> String>)
        .collect();
    for word in ["EXISTS", "NOT EXISTS"] {
        questions.push(Box::new(move |on: &str| {
            format!(
                "{with} SELECT p.id AS a FROM p WHERE {word} (SELECT 1 FROM s WHERE {on} {residual}) ORDER BY 1"
            )
        }));
    }
    for question in questions {
        let (looked_up, compared) = (question(near), question(plain));
        if !looked_up.contains("FULL JOIN") {
            let plan = bench.plan(&looked_up).await;
            assert!(plan.contains("SpatialJoinExec"), "{looked_up}: {plan}");
        }
        let plan = bench.plan(&compared).await;
        assert!(!plan.contains("SpatialJoinExec"), "{compared}: {plan}");
        assert_eq!(bench.show(&looked_up).await, bench.show(&compared).await, "{looked_up}");
    }
}

fn points(count: usize) -> impl Strategy<Value = Vec<(f64, f64)>> {
    let near = (42.5f64..43.5, 140.0f64..141.5);
    let anywhere = (-90.0f64..90.0, -180.0f64..180.0);
    prop::collection::vec(prop_oneof![4 => near, 1 => anywhere], 0..count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn points_within_a_distance(p in points(40), s in points(12), metres in 0u32..60_000, all in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new(small());
            let with = format!(
                "WITH p AS (SELECT * FROM {} v(id, lat, lon)), s AS (SELECT * FROM {} v(id, lat, lon))",
                values(&p), values(&s)
            );
            let distance = "distance_m(p.lat, p.lon, s.lat, s.lon)";
            let residual = if all { "" } else { "AND (p.id + s.id) % 3 > 0" };
            let near = format!("{distance} <= {metres}");
            same(&bench, &with, &near, &format!("{distance} - {metres} <= 0"), residual).await;
        });
    }

    #[test]
    fn points_in_polygons(p in points(40), s in points(12)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new(small());
            let with = format!(
                "WITH p AS (SELECT * FROM {} v(id, lat, lon)), s AS (SELECT * FROM {} v(id, shape))",
                values(&p), squares(&s)
            );
            let inside = "ST_Contains(s.shape, ST_Point(p.lon, p.lat))";
            same(&bench, &with, inside, &format!("{inside}::int + 1 = 2"), "").await;
        });
    }
}

#[tokio::test]
async fn every_condition_of_place_is_looked_up() {
    let bench = Bench::new(small());
    let places = [(42.9, 140.75), (43.19, 141.0), (43.0, 140.5)];
    let with = format!(
        "WITH p AS (SELECT * FROM {} v(id, lat, lon)), s AS (SELECT * FROM {} v(id, shape))",
        values(&places),
        squares(&places)
    );
    for (condition, count) in [
        ("ST_Within(ST_Point(p.lon, p.lat), s.shape)", 5),
        ("ST_Intersects(s.shape, ST_Point(p.lon, p.lat))", 5),
        ("ST_Covers(s.shape, ST_Point(p.lon, p.lat))", 5),
        ("ST_CoveredBy(ST_Point(p.lon, p.lat), s.shape)", 5),
        ("ST_Touches(ST_Point(p.lon + 0.3, p.lat), s.shape)", 3),
        ("ST_Equals(ST_Point(p.lon, p.lat), s.shape)", 0),
        ("ST_DWithin(s.shape, ST_Point(p.lon, p.lat), 20000)", 9),
        ("20000 >= ST_Distance(ST_Point(p.lon, p.lat), s.shape)", 9),
        ("ST_Distance(ST_Point(p.lon, p.lat), s.shape) < 0", 0),
        (
            "distance_m(p.lat, p.lon, ST_Y(ST_GeomFromText('POINT (140.75 42.9)')), 140.75 + s.id / 1000000000) < 1",
            4,
        ),
    ] {
        let sql = format!("{with} SELECT count(*) FROM p JOIN s ON {condition}");
        let plan = bench.plan(&sql).await;
        assert!(plan.contains("SpatialJoinExec"), "{condition}: {plan}");
        assert_eq!(bench.value(&sql).await, count.to_string(), "{condition}");
    }
    // What is compared with one place is a filter, and no join.
    let plan = bench
        .plan(&format!("{with} SELECT * FROM p, s WHERE ST_DWithin(ST_Point(p.lon, p.lat), 'POINT (140 43)', 9)"))
        .await;
    assert!(!plan.contains("SpatialJoinExec"), "{plan}");
}

#[tokio::test]
async fn the_nearest_of_each_is_one_row() {
    let bench = Bench::new(small());
    let stations = [(42.9, 140.75), (43.19, 141.0), (43.0, 140.5)];
    let sql = format!(
        "SELECT p.id, s.id AS station \
         FROM {} p(id, lat, lon) JOIN {} s(id, lat, lon) \
         ON distance_m(p.lat, p.lon, s.lat, s.lon) <= 15000 \
         QUALIFY row_number() OVER (PARTITION BY p.id ORDER BY distance_m(p.lat, p.lon, s.lat, s.lon)) = 1 \
         ORDER BY 1",
        values(&[(42.95, 140.7), (43.2, 141.05), (45.0, 142.0)]),
        values(&stations)
    );
    insta::assert_snapshot!(bench.show(&sql).await, @r"
    +----+---------+
    | id | station |
    +----+---------+
    | 0  | 0       |
    | 1  | 1       |
    +----+---------+
    ");
}

#[tokio::test]
async fn a_join_by_place_stays_within_its_memory_and_its_time() {
    let bench = Bench::new(EngineConfig {
        memory_bytes_per_query: 8 << 20,
        time_limit: std::time::Duration::from_millis(1_500),
        ..small()
    });
    let many = |rows: u32| {
        format!(
            "(SELECT value AS id, 42 + (value % 1000) / 1000.0 AS lat, 140.0 AS lon FROM generate_series(1, {rows}))"
        )
    };
    let join = |p: u32, s: u32| {
        format!(
            "SELECT count(*) FROM {} p JOIN {} s ON distance_m(p.lat, p.lon, s.lat, s.lon) <= 1000000",
            many(p),
            many(s)
        )
    };
    let error = bench.error(&join(400_000, 400_000)).await;
    assert_eq!(error.kind(), ErrorKind::MemoryLimit, "{error:?}");
    let error = bench.error(&join(20_000, 20_000)).await;
    assert_eq!(error.kind(), ErrorKind::TimeLimit, "{error:?}");
    while bench.engine.gauges().running > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.engine.gauges().memory_reserved_bytes, 0);
}
