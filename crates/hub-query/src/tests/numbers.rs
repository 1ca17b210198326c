//! Numbers as they are written, cast and compared: the answers that PostgreSQL and DuckDB give.

use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array, RecordBatch};
use hub_model::{Contract, ErrorKind};

use crate::{
    FilterOperator, FilterValue, RowFilter, RowsRequest,
    tests::support::{APRIL, Bench, RIVER, river, small},
};

async fn bench() -> Bench {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市", "朝里"], APRIL, 48)]).await;
    bench
}

async fn check(statements: &[(&str, &str)]) {
    let bench = bench().await;
    let mut wrong = Vec::new();
    for (sql, wanted) in statements {
        let found = bench.value(sql).await;
        if found != *wanted {
            wrong.push(format!("{sql}\n  {found:?}, not {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn casts_to_whole_numbers_give_the_nearest() {
    check(&[
        ("SELECT concat_ws(' ', 2.7::int, 2.5::int, -2.5::int, (-2.7)::int, 0.5::bigint, 2.4::smallint)", "3 3 -3 -3 1 2"),
        ("SELECT concat_ws(' ', 2.5::double::int, 3.5::double::int, (-2.5)::double::int, 2.5::real::int, CAST(1.5::double AS bigint))", "2 4 -2 2 2"),
        ("SELECT concat_ws(' ', 2.5::decimal(2, 1)::int, (-0.5)::decimal(2, 1)::int, 9.5::decimal(2, 1)::int, 2.44::decimal(38, 30)::int)", "3 -1 10 2"),
        ("SELECT concat_ws(' ', TRY_CAST(2.7 AS int), coalesce(TRY_CAST('nan'::double AS int), -1), coalesce(TRY_CAST(1e30 AS bigint), -1), coalesce(TRY_CAST(2147483647.6 AS int), -1))", "3 -1 -1 -1"),
        ("SELECT concat_ws(' ', 2147483647.4::double::int, 0.49999999999999994::double::int, 4503599627370497.5::double::bigint)", "2147483647 0 4503599627370498"),
        ("SELECT string_agg((samples * 0.5)::int::varchar, ' ' ORDER BY samples) FROM otaru.river WHERE samples < 4 AND station = '余市'", "0 1 1 2"),
        ("SELECT string_agg((level / 2)::int::varchar, ' ' ORDER BY samples) FROM otaru.river WHERE samples < 8 AND station = '余市'", "0 0 1 2 2 2 3 4"),
        ("SELECT sum((level / 2)::decimal(9, 3)::int) FROM otaru.river WHERE samples < 8 AND station = '余市'", "16"),
        ("SELECT count(*) FROM otaru.river WHERE (level / 2)::int = 2", "3"),
        ("SELECT count(*) FROM otaru.river WHERE (level / 2)::decimal(9, 1)::int = 2", "2"),
        ("SELECT count(*) FROM otaru.river WHERE (level / 4)::decimal(9, 3)::decimal(9, 1) = 0.3", "1"),
        ("SELECT count(*) FROM otaru.river WHERE (level / 4)::decimal(9, 3)::decimal(9, 0) IN (1, 2)", "8"),
        ("SELECT concat_ws(' ', 9.96::decimal(3, 2)::decimal(3, 1), 1.25::decimal(3, 2)::decimal(2, 1), (-1.25)::decimal(3, 2)::decimal(2, 1))", "10.0 1.3 -1.3"),
        ("SELECT count(*) FROM otaru.river WHERE (level + 0.6)::int IN (1001, 1002)", "2"),
        ("SELECT count(*) FROM otaru.river WHERE (level + 0.6)::int > 1047", "1"),
        ("SELECT count(*) FROM otaru.river WHERE (level - 0.6)::bigint BETWEEN -1 AND 0", "2"),
        ("SELECT count(*) FROM (SELECT (level / 4)::int AS quarter, count(*) FROM otaru.river GROUP BY (level / 4)::int)", "26"),
        ("SELECT max(n) FROM (SELECT level::int, count(*) AS n FROM otaru.river GROUP BY ROLLUP (level::int))", "96"),
        ("SELECT count(level) FROM (SELECT (level / 2)::int AS level FROM otaru.river GROUP BY 1 ORDER BY 1)", "50"),
        ("SELECT sum(level::bigint) FROM otaru.river WHERE level::int < 3", "3"),
        ("SELECT (SELECT max(r.level)::int FROM otaru.river r WHERE r.station = o.station AND r.samples = (o.level + 0.6)::int) FROM otaru.river o WHERE level = 3", "4"),
        ("SELECT count(*) FROM otaru.river a JOIN otaru.river b ON (a.level / 2)::int = b.samples AND a.station = b.station", "48"),
        ("SELECT row_number() OVER (ORDER BY (level / 2)::int)::int FROM otaru.river LIMIT 1", "1"),
        ("SELECT string_agg(samples::varchar, ' ' ORDER BY (level / 2)::int DESC, samples) FROM otaru.river WHERE samples < 4", "3 2 0 1"),
        ("SELECT avg(discharge)::int FROM otaru.river WHERE station = '余市' GROUP BY station", "47"),
        ("SELECT date_part('epoch', TIMESTAMP '1970-01-01 00:00:01.7')::bigint", "2"),
    ])
    .await;
    let bench = bench().await;
    for sql in [
        "SELECT 'nan'::double::int",
        "SELECT 'inf'::double::bigint",
        "SELECT 2147483647.6::double::int",
        "SELECT (level * 1e30)::bigint FROM otaru.river",
        "SELECT 2147483647.5::decimal(20, 1)::int",
    ] {
        let error = bench.error(sql).await;
        assert_eq!(error.kind(), ErrorKind::SqlExecution, "{sql}: {error:?}");
    }
    // What is cast has its name and its unit as before.
    let sql = "SELECT level::int, max(level)::bigint AS top FROM otaru.river GROUP BY level";
    let stream = bench.start(sql).await.unwrap();
    for (field, name) in stream.schema().fields().iter().zip(["level", "top"]) {
        assert_eq!((field.name().as_str(), field.metadata()["unit"].as_str()), (name, "m"));
    }
}

#[tokio::test]
async fn signs_bind_tighter_than_powers() {
    check(&[
        ("SELECT concat_ws(' ', -2 ^ 2, -(2 ^ 2), +2 ^ 2, 2 ^ -2, 2 ^ 3 ^ 2, 1 - 2 ^ 2, - -2 ^ 2, 2 * -3 ^ 2)", "4.0 -4.0 4.0 0.25 64.0 -3.0 4.0 18.0"),
        ("SELECT string_agg((-level ^ 2)::varchar, ' ' ORDER BY level) FROM otaru.river WHERE level < 3 AND station = '余市'", "0.0 1.0 4.0"),
        ("SELECT concat_ws(' ', -'3'::int, -[1, 2][2], -2 * 3 + 1, 5 - -3, -7 % 4)", "-3 -2 -5 8 -3"),
        ("SELECT -9223372036854775808", "-9223372036854775808"),
    ])
    .await;
}

/// Files that hold nought on either side of their bounds, and nothing else.
async fn around_nought() -> Bench {
    const PAIRS: &str =
        r#"{"fields":[{"name":"n","type":"integer"},{"name":"level","type":"number"}]}"#;
    let schema = Contract::parse(PAIRS.as_bytes()).unwrap().storage_schema();
    let file = |n: &[i64], level: &[f64]| {
        let n = Arc::new(Int64Array::from(n.to_vec()));
        let level = Arc::new(Float64Array::from(level.to_vec()));
        RecordBatch::try_new(Arc::clone(&schema), vec![n, level]).unwrap()
    };
    let files = [
        file(&[-3, 0], &[-1.5, -0.0]),
        file(&[0, 0], &[0.0, 0.0]),
        file(&[0, 2], &[-0.0, -0.0]),
        file(&[5, 7], &[0.0, 3.0]),
    ];
    let mut bench = Bench::new(small());
    bench.add("otaru.pairs", PAIRS, &files).await;
    bench
}

#[tokio::test]
async fn whole_numbers_are_true_unless_they_are_nought_in_every_file() {
    let bench = around_nought().await;
    for (condition, rows) in [
        ("n::boolean", "4"),
        ("n::boolean = true", "4"),
        ("n::boolean IS NOT TRUE", "4"),
        ("NOT n::boolean", "4"),
        ("n::boolean = false", "4"),
        ("n::boolean <> true", "4"),
        ("n::boolean < true", "4"),
        ("n::boolean >= true", "4"),
        ("n::boolean IN (true)", "4"),
        ("n::boolean AND n < 0", "1"),
        ("level::boolean = true", "2"),
    ] {
        let sql = format!("SELECT count(*) FROM otaru.pairs WHERE {condition}");
        assert_eq!(bench.value(&sql).await, rows, "{condition}");
    }
}

#[tokio::test]
async fn both_noughts_are_one_to_filters_of_rows() {
    let bench = around_nought().await;
    let one = |value: &str| FilterValue::One(value.to_owned());
    for nought in ["0", "-0", "0.0", "-0.0"] {
        for (operator, value, rows) in [
            (FilterOperator::Eq, one(nought), 6),
            (FilterOperator::NotEq, one(nought), 2),
            (FilterOperator::Gt, one(nought), 1),
            (FilterOperator::Gte, one(nought), 7),
            (FilterOperator::Lt, one(nought), 1),
            (FilterOperator::Lte, one(nought), 7),
            (FilterOperator::In, FilterValue::Many(vec![nought.to_owned(), "9".to_owned()]), 6),
        ] {
            let told = format!("{operator:?} {value:?}");
            let request = RowsRequest {
                table: bench.tables[0].clone(),
                select: None,
                filters: vec![RowFilter { column: "level".to_owned(), operator, value }],
                order: Vec::new(),
                with_quality: true,
                limit: 100,
                cursor: None,
            };
            assert_eq!(bench.engine.rows(request).await.unwrap().rows, rows, "{told}");
        }
    }
}
