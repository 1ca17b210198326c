//! `x [NOT] IN (SELECT y …)` where x or y may be missing and the subquery speaks of the row outside. The answers
//! are DuckDB's.

use hub_model::ErrorKind;

use crate::tests::support::{Bench, small};

/// Rows with values missing on both sides, and some whose group has no row.
const ROWS: &str = "WITH o(k, x) AS (VALUES (1, 1), (1, 2), (1, NULL), (2, 1), (2, NULL), (3, 1), (3, NULL), \
                    (NULL, 1), (4, 4)), t(k, y) AS (VALUES (1, 1), (1, 3), (2, 1), (2, NULL), (4, NULL), (NULL, 1)) ";

async fn found(bench: &Bench, condition: &str) -> String {
    let shown = "string_agg(coalesce(k::varchar, '') || ',' || coalesce(x::varchar, ''), ' ' ORDER BY k NULLS LAST, x NULLS LAST)";
    bench.value(&format!("{ROWS} SELECT {shown} FROM o WHERE {condition}")).await
}

#[tokio::test]
async fn what_is_missing_beside_the_row_outside_is_unknown() {
    let bench = Bench::new(small());
    let mut wrong = Vec::new();
    for (condition, rows) in [
        ("x NOT IN (SELECT y FROM t WHERE t.k = o.k)", "1,2 3,1 3, ,1"),
        ("NOT (x IN (SELECT y FROM t WHERE t.k = o.k))", "1,2 3,1 3, ,1"),
        ("x IN (SELECT y FROM t WHERE t.k = o.k)", "1,1 2,1"),
        ("x IN (SELECT y FROM t WHERE t.k = o.k) OR k = 3", "1,1 2,1 3,1 3,"),
        ("x NOT IN (SELECT y FROM t WHERE t.k = o.k) OR k = 2", "1,2 2,1 2, 3,1 3, ,1"),
        ("NOT (x IN (SELECT y FROM t WHERE t.k = o.k)) OR k = 2", "1,2 2,1 2, 3,1 3, ,1"),
        ("(x IN (SELECT y FROM t WHERE t.k = o.k)) IS NULL", "1, 2, 4,4"),
        ("(x NOT IN (SELECT y FROM t WHERE t.k = o.k)) IS NOT TRUE", "1,1 1, 2,1 2, 4,4"),
        ("coalesce(x NOT IN (SELECT y FROM t WHERE t.k = o.k), k = 1)", "1,2 1, 3,1 3, ,1"),
        ("NOT (x IN (SELECT y FROM t WHERE t.k = o.k) AND k < 4)", "1,2 3,1 3, 4,4 ,1"),
        (
            "CASE WHEN x NOT IN (SELECT y FROM t WHERE t.k = o.k) THEN false ELSE k IS NOT NULL END",
            "1,1 1, 2,1 2, 4,4",
        ),
        ("x NOT IN (SELECT y FROM t WHERE t.k = o.k AND y > 1)", "1,1 1,2 2,1 2, 3,1 3, 4,4 ,1"),
        ("x NOT IN (SELECT y FROM t WHERE t.k > o.k)", "4,4 ,1"),
        ("x + 1 NOT IN (SELECT y FROM t WHERE t.k = o.k)", "1,1 3,1 3, ,1"),
        ("x NOT IN (SELECT coalesce(y, 7) FROM t WHERE t.k = o.k)", "1,2 3,1 3, 4,4 ,1"),
        (
            "coalesce(x, 9) NOT IN (SELECT coalesce(y, 7) FROM t WHERE t.k = o.k)",
            "1,2 1, 2, 3,1 3, 4,4 ,1",
        ),
        ("x NOT IN (SELECT DISTINCT y FROM t WHERE t.k = o.k)", "1,2 3,1 3, ,1"),
        ("x NOT IN (SELECT s.y FROM (SELECT y, k FROM t) s WHERE s.k = o.k)", "1,2 3,1 3, ,1"),
        ("x NOT IN (SELECT max(y) FROM t WHERE t.k = o.k GROUP BY y)", "1,2 3,1 3, ,1"),
        ("k NOT IN (SELECT k FROM t WHERE t.y = o.x)", "1,2 1, 2, 3, 4,4"),
        ("x NOT IN (SELECT a.y FROM t a JOIN t b ON a.k = b.k WHERE b.y = o.k)", "2,1 2, 4,4 ,1"),
        (
            "x NOT IN (SELECT y FROM t WHERE t.k = o.k AND NOT EXISTS (SELECT 1 FROM t u WHERE u.k = t.k AND u.y > t.y))",
            "1,1 1,2 3,1 3, ,1",
        ),
        ("x IN (SELECT a.y FROM t a JOIN t b ON a.k = b.k WHERE b.y = o.k)", "1,1 3,1"),
        ("EXISTS (SELECT a.y FROM t a JOIN t b ON a.k = b.k WHERE b.y = o.k)", "1,1 1,2 1, 3,1 3,"),
        (
            "EXISTS (SELECT * FROM t a JOIN t b ON a.k = b.k WHERE b.y = o.k AND a.y = 1)",
            "1,1 1,2 1, 3,1 3,",
        ),
        // What is put together of a group without rows is one row all the same.
        ("x NOT IN (SELECT max(y) FROM t WHERE t.k = o.k)", "1,1 1,2"),
        ("x IN (SELECT max(y) FROM t WHERE t.k = o.k) OR k = 1", "1,1 1,2 1, 2,1"),
        ("coalesce(x IN (SELECT max(y) FROM t WHERE t.k = o.k), true)", "1, 2,1 2, 3,1 3, 4,4 ,1"),
        ("x - 1 NOT IN (SELECT count(y) FROM t WHERE t.k = o.k)", "1,1 1,2 2,1 4,4"),
        ("EXISTS (SELECT max(y) FROM t WHERE t.k = o.k)", "1,1 1,2 1, 2,1 2, 3,1 3, 4,4 ,1"),
        (
            "EXISTS (SELECT count(*) FROM t WHERE t.k = o.k HAVING count(*) > 1)",
            "1,1 1,2 1, 2,1 2,",
        ),
        ("NOT EXISTS (SELECT 1 FROM t WHERE t.k = o.k HAVING count(y) < 2)", "1,1 1,2 1,"),
        ("EXISTS (SELECT 1 FROM t WHERE t.k = o.k HAVING count(*) = 0) OR x = 2", "1,2 3,1 3, ,1"),
        ("EXISTS (SELECT 1 FROM t WHERE t.k = o.k LIMIT 1)", "1,1 1,2 1, 2,1 2, 4,4"),
        (
            "EXISTS (SELECT k FROM t WHERE t.k = o.k GROUP BY k HAVING count(*) > 1)",
            "1,1 1,2 1, 2,1 2,",
        ),
        ("x - 1 IN (SELECT count(y) AS n FROM t WHERE t.k = o.k)", "3,1 ,1"),
    ] {
        let found = found(&bench, condition).await;
        if found != rows {
            wrong.push(format!("{condition}\n  {found:?}, not {rows:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_cannot_be_asked_row_by_row_is_refused_with_another_way() {
    let bench = Bench::new(small());
    for condition in [
        "x NOT IN (SELECT y FROM t WHERE t.k = o.k LIMIT 1)",
        "x NOT IN (SELECT y FROM t WHERE t.k = o.k UNION ALL SELECT 5)",
        "x NOT IN (SELECT y + o.k FROM t WHERE t.k = o.k)",
        "x NOT IN (SELECT max(y) FROM t WHERE t.k = o.k HAVING count(*) > 1)",
        "x IN (SELECT count(y) FROM t WHERE t.k = o.k HAVING count(*) = 0)",
        "x IN (SELECT lag(y) OVER (ORDER BY y) FROM t WHERE t.k = o.k)",
        "EXISTS (SELECT 1 FROM (SELECT k, row_number() OVER (ORDER BY y) AS r FROM t WHERE t.k = o.k) s WHERE r = 2)",
        "EXISTS (SELECT y FROM t WHERE t.k = o.k OFFSET 1)",
        "EXISTS (SELECT 1 FROM (SELECT y FROM t WHERE t.k = o.k LIMIT 1) s WHERE y > 1)",
        "EXISTS (SELECT 1 FROM t a, t b WHERE a.k = o.k AND b.k > o.k)",
        "(SELECT count(*) FROM t a JOIN t b ON a.k = b.k WHERE b.y = o.k AND a.y = o.x) > 0",
        "(SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY y) AS r FROM t WHERE t.k = o.k) s) = 2",
        "(SELECT max(y) FROM t) NOT IN (SELECT y FROM t WHERE t.k = o.k)",
    ] {
        let error = bench.error(&format!("{ROWS} SELECT k, x FROM o WHERE {condition}")).await;
        assert_eq!(error.kind(), ErrorKind::SqlNotAllowed, "{condition}: {error:?}");
        let said = error.to_string();
        assert!(said.contains("NOT EXISTS") || said.contains("AS other"), "{condition}: {said}");
    }
}
