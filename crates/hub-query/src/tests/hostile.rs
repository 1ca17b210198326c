//! SQL that attacks. Each case is refused with a sentence that helps, or stopped by a limit.

use hub_model::ErrorKind;

use crate::{
    QueryError, SqlBounds, parse,
    tests::support::{APRIL, Bench, RIVER, river, small},
};

fn refused(sql: &str) -> QueryError {
    match parse(sql, &SqlBounds::default()) {
        Ok(_) => panic!("accepted: {}", sql.chars().take(80).collect::<String>()),
        Err(error) => error,
    }
}

#[test]
fn statements_that_write_or_change_are_refused_by_their_kind() {
    for sql in [
        "COPY otaru.river TO '/tmp/x.parquet'",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "INSERT INTO otaru.river SELECT * FROM otaru.river",
        "UPDATE otaru.river SET level = 0",
        "DELETE FROM otaru.river",
        "CREATE TABLE t AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE otaru.river",
        "ALTER TABLE otaru.river ADD COLUMN x INT",
        "SET datafusion.execution.time_zone = 'UTC'",
        "RESET ALL",
        "SHOW ALL",
        "DESCRIBE otaru.river",
        "PREPARE p AS DELETE FROM otaru.river",
        "EXECUTE p",
        "BEGIN",
        "TRUNCATE otaru.river",
        "MERGE INTO otaru.river USING otaru.river ON true WHEN MATCHED THEN DELETE",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE otaru.river",
        "EXPLAIN DELETE FROM otaru.river",
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN COPY (SELECT 1) TO '/tmp/x'",
        "WITH gone AS (DELETE FROM otaru.river RETURNING *) SELECT * FROM gone",
        "WITH x AS (SELECT 1) INSERT INTO otaru.river SELECT * FROM x",
        "SELECT * INTO t FROM otaru.river",
        "SELECT * FROM otaru.river FOR UPDATE",
    ] {
        let error = refused(sql);
        let kind = error.kind();
        // What the parser itself cannot read is refused as well, with the place.
        assert!(
            matches!(kind, ErrorKind::SqlNotAllowed | ErrorKind::SqlInvalid),
            "{sql}: {error:?}"
        );
        if !sql.starts_with("EXPLAIN COPY") {
            assert_eq!(kind, ErrorKind::SqlNotAllowed, "{sql}: {error:?}");
        }
    }
    for sql in [
        "SELECT 1;",
        "(SELECT 1) UNION (SELECT 2)",
        "VALUES (1)",
        "EXPLAIN SELECT 1",
        " ; SELECT 1",
    ] {
        assert!(parse(sql, &SqlBounds::default()).is_ok(), "{sql}");
    }
}

#[tokio::test]
async fn nothing_reaches_storage_but_the_tables_of_the_query() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["a"], APRIL, 4)]).await;
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM 'http://169.254.169.254/'",
        "SELECT * FROM \"file:///etc/passwd\"",
        "SELECT * FROM \"lake://data/otaru/river/part-0.parquet\"",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('s3://bucket/x')",
        "SELECT * FROM parquet_metadata('/x')",
        "SELECT input_file_name() FROM otaru.river",
        "SELECT * FROM mochiyori.otaru.river",
        "SELECT * FROM public.river",
        "SELECT * FROM pg_catalog.pg_tables",
        "SELECT * FROM information_schema.df_settings",
    ] {
        let error = bench.error(sql).await;
        assert_eq!(error.kind(), ErrorKind::SqlInvalid, "{sql}: {error:?}");
    }
}

#[test]
fn long_deep_and_wide_sql_is_refused_before_planning() {
    let ones = vec!["1"; 5_001].join("+");
    let ors = (0..5_000).map(|n| format!("level = {n}")).collect::<Vec<_>>().join(" OR ");
    let ands = vec!["true"; 5_000].join(" AND ");
    let list = (0..100_000).map(|n| (n % 10).to_string()).collect::<Vec<_>>().join(",");
    let short_list = vec!["1"; 15_000].join(",");
    let cases = [
        format!("SELECT {ones}"),
        format!("SELECT {ones}").replace('+', "||"),
        format!("SELECT 1 FROM otaru.river WHERE {ors}"),
        format!("SELECT {ands}"),
        format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("SELECT {}1{}", "abs(".repeat(500), ")".repeat(500)),
        // The planner's work doubles with each function inside another, and with each subquery.
        format!("SELECT {}1{}", "abs(".repeat(20), ")".repeat(20)),
        format!("SELECT {}1{}", "\"abs\" (".repeat(20), ")".repeat(20)),
        format!("SELECT {}1{}", "(SELECT ".repeat(20), ")".repeat(20)),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(500), " END".repeat(500)),
        format!("SELECT {}1{}", "[".repeat(300), "]".repeat(300)),
        format!("SELECT {} 1", "NOT ".repeat(5_000)),
        format!("SELECT {} 1", "- ".repeat(5_000)),
        format!("SELECT 1{}", "::int".repeat(5_000)),
        format!("SELECT 1{}", " IS NULL".repeat(5_000)),
        format!("SELECT a{}", "[1]".repeat(5_000)),
        format!("SELECT {}1{}", "(SELECT ".repeat(200), ")".repeat(200)),
        format!("SELECT {}1{}", "(SELECT * FROM ".repeat(200), ")".repeat(200)),
        format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(200)),
        format!("SELECT 1 FROM a.b {}", "JOIN a.b USING (c) ".repeat(200)),
        format!("SELECT 1 IN ({list})"),
        format!("SELECT 1 IN ({short_list})"),
        format!("SELECT '{}'", "x".repeat(2_000_000)),
        format!("{}SELECT 1", "EXPLAIN ".repeat(2_000)),
        // Depth that hides behind what looks like the end of a case.
        format!("SELECT {}1{}", "(end, ".repeat(2_000), ")".repeat(2_000)),
        // Chains on every level of nesting add up.
        format!(
            "SELECT {}",
            (0..40).fold("1".to_owned(), |e, _| format!("({e}{})", "+1".repeat(100)))
        ),
    ];
    for sql in cases {
        let error = refused(&sql);
        assert_eq!(error.kind(), ErrorKind::SqlTooComplex, "{error:?}");
    }
}

/// `steps` WITH names, each made of the one before by `step`, in which `{}` stands for that one.
fn chain(first: &str, step: &str, steps: usize) -> String {
    let mut sql = format!("WITH c0 AS ({first})");
    for number in 1..=steps {
        let step = step.replace("{}", &format!("c{}", number - 1));
        sql.push_str(&format!(", c{number} AS ({step})"));
    }
    format!("{sql} SELECT count(*) AS n FROM c{steps} WHERE x > 0")
}

#[tokio::test]
async fn short_lines_that_double_are_refused_before_planning() {
    let table = "SELECT samples AS x FROM otaru.river";
    for (first, step) in [
        (table, "SELECT a.x FROM {} a JOIN {} b ON a.x = b.x"),
        (table, "SELECT a.x FROM {} a, {} b"),
        (table, "SELECT x FROM {} UNION ALL SELECT x FROM {}"),
        (table, "SELECT x FROM {} WHERE x IN (SELECT x FROM {})"),
        (table, "SELECT x FROM {} WHERE EXISTS (WITH i AS (SELECT * FROM {}) SELECT * FROM i)"),
        (table, "SELECT x FROM {} a JOIN LATERAL (SELECT max(x) AS m FROM {}) b ON true"),
        ("SELECT 1 AS x", "SELECT a.x FROM {} a, {} b"),
        // A condition on the last is written out down to the table.
        (table, "SELECT x + x AS x FROM {}"),
        (table, "SELECT CASE WHEN x > 1 THEN x ELSE -x END AS x FROM (SELECT * FROM {}) AS d"),
    ] {
        let error = refused(&chain(first, step, 14));
        assert_eq!(error.kind(), ErrorKind::SqlTooComplex, "{step}: {error:?}");
        assert!(error.to_string().contains("once"), "{error}");
    }
    let sums = vec!["x"; 100].join("+");
    let nested = format!(
        "SELECT x FROM (SELECT {sums} AS x FROM (SELECT {sums} AS x FROM (SELECT samples AS x FROM otaru.river) AS a) AS b) AS c WHERE x > 0"
    );
    assert_eq!(refused(&nested).kind(), ErrorKind::SqlTooComplex);
    // What people write passes: steps one after the other, and a name read several times.
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["a"], APRIL, 4)]).await;
    assert_eq!(bench.value(&chain(table, "SELECT x + 1 AS x FROM {}", 14)).await, "4");
    assert_eq!(bench.value(&chain(table, "SELECT x + x AS x FROM {}", 4)).await, "3");
    assert_eq!(
        bench.value(&chain(table, "SELECT a.x FROM {} a JOIN {} b USING (x)", 3)).await,
        "3"
    );
    let many = (0..20).map(|n| format!("(SELECT max(x) + {n} FROM c)")).collect::<Vec<_>>();
    let many = format!("WITH c AS ({table}) SELECT {}", many.join(" + "));
    assert_eq!(bench.value(&many).await, "250");
}

#[tokio::test]
async fn what_the_bounds_let_through_is_planned_and_run() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["a"], APRIL, 4)]).await;
    let sum = vec!["1"; 480].join("+");
    assert_eq!(bench.value(&format!("SELECT {sum}")).await, "480");
    let sum = format!("SELECT max(samples{}) FROM otaru.river", "+1".repeat(470));
    assert_eq!(bench.value(&sum).await, "473");
    let ors = (0..240).map(|n| format!("level = {n}")).collect::<Vec<_>>().join(" OR ");
    assert_eq!(bench.value(&format!("SELECT count(*) FROM otaru.river WHERE {ors}")).await, "4");
    let nested = format!("{}level{}", "abs(".repeat(10), ")".repeat(10));
    assert_eq!(bench.value(&format!("SELECT max({nested}) FROM otaru.river")).await, "3.0");
    let list = (0..5_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let count = format!("SELECT count(*) FROM otaru.river WHERE samples IN ({list})");
    assert_eq!(bench.value(&count).await, "4");
    let queries = format!("{}1{}", "(SELECT ".repeat(6), ")".repeat(6));
    assert_eq!(bench.value(&format!("SELECT {queries}")).await, "1");
    let cases = format!("{}0{}", "CASE WHEN false THEN 1 ELSE ".repeat(50), " END".repeat(50));
    assert_eq!(bench.value(&format!("SELECT {cases}")).await, "0");
    let wide = (0..2_000).map(|n| format!("level + {n}")).collect::<Vec<_>>().join(",");
    assert_eq!(bench.batches(&format!("SELECT {wide} FROM otaru.river")).await.unwrap().len(), 1);
}

#[test]
fn tables_are_found_with_their_place_and_shadowed_names_are_not() {
    let parsed = parse(
        "WITH river AS (SELECT * FROM otaru.river),\n \"road.traffic\" AS (SELECT 1)\n\
         SELECT (SELECT max(x) FROM Jma.\"weather\") FROM river JOIN road.traffic ON true\n\
         WHERE EXISTS (WITH inner_one AS (SELECT 1) SELECT * FROM inner_one, otaru.river)\n\
         UNION SELECT 1 FROM inner_one, information_schema.tables, generate_series(1, 2)",
        &SqlBounds::default(),
    )
    .unwrap();
    let found: Vec<String> = parsed
        .tables()
        .iter()
        .map(|t| {
            let agency = t.agency.as_deref().unwrap_or("-");
            format!("{agency}.{} {}:{}", t.dataset, t.line, t.column)
        })
        .collect();
    assert_eq!(
        found,
        ["otaru.river 1:30", "jma.weather 3:28", "road.traffic 3:59", "-.inner_one 5:21"]
    );
    assert!(parsed.uses_information_schema());
    // A WITH name is not known before it is defined, nor to itself unless it is recursive.
    let parsed = parse(
        "WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM b",
        &SqlBounds::default(),
    );
    assert_eq!(parsed.unwrap().tables()[0].dataset, "b");
    let parsed = parse(
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n",
        &SqlBounds::default(),
    );
    assert!(parsed.unwrap().tables().is_empty());
}

#[tokio::test]
async fn little_text_that_makes_much_is_stopped() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["a", "b"], APRIL, 4_000)]).await;
    for sql in [
        "SELECT repeat('x', 1000000) FROM otaru.river",
        "SELECT count(*) FROM otaru.river WHERE length(repeat(station, 100000000)) > 5",
        "SELECT repeat('x', 2000000000)",
        "SELECT lpad('x', 2000000000)",
        "SELECT rpad(station, 1000000) FROM otaru.river",
        "SELECT array_repeat(1, 1000000000)",
        "SELECT array_resize([1], 1000000000, 0)",
        "SELECT range(1, 1000000000000)",
        "SELECT generate_series(TIMESTAMP '2000-01-01', TIMESTAMP '2030-01-01', INTERVAL '1 microsecond')",
        "SELECT unnest(generate_series(1, 100000000000))",
        "SELECT array_sort(range(1, 50000000))",
        "SELECT array_repeat(repeat('x', 50000000), 1000)",
        "SELECT max(levenshtein(repeat('a', 50000), repeat('b', 50000)))",
        "SELECT count(*) FROM otaru.river WHERE levenshtein(station, repeat('b', 1000000)) > 1",
        "SELECT array_has_any(range(1, 1000000), range(2000000, 3000000))",
    ] {
        let error = bench.error(sql).await;
        assert!(
            matches!(error.kind(), ErrorKind::SqlExecution | ErrorKind::MemoryLimit),
            "{sql}: {error:?}"
        );
    }
    assert_eq!(bench.value("SELECT length(repeat('ab', 10))").await, "20");
    assert_eq!(bench.value("SELECT array_length(generate_series(1, 10))").await, "10");
    assert_eq!(bench.value("SELECT lpad('7', 4, '0')").await, "0007");
    assert_eq!(bench.value("SELECT levenshtein('余市', '余市川')").await, "1");
    assert_eq!(bench.value("SELECT array_has_any([1, 2], [2, 3])").await, "true");
    let near = "SELECT count(*) FROM otaru.river WHERE levenshtein(station, 'b') = 0";
    assert_eq!(bench.value(near).await, "4000");
}

#[tokio::test]
async fn products_over_the_budget_are_refused_and_small_ones_run() {
    let mut bench = Bench::new(crate::EngineConfig { max_product_rows: 1_000_000, ..small() });
    bench.add("otaru.river", RIVER, &[river(&["a", "b"], APRIL, 1_000)]).await;
    for sql in [
        "SELECT sum(a.level - b.level) FROM otaru.river a, otaru.river b",
        "SELECT sum(a.level) FROM otaru.river a JOIN otaru.river b ON a.level < b.level",
        "SELECT sum(level) FROM otaru.river a, generate_series(1, 1000000000000)",
    ] {
        let error = bench.error(sql).await;
        assert_eq!(error.kind(), ErrorKind::SqlTooComplex, "{sql}: {error:?}");
    }
    let lags = "SELECT count(*) FROM otaru.river, (VALUES (0), (1), (2)) AS lag(h)";
    assert_eq!(bench.value(lags).await, "6000");
}

#[tokio::test]
async fn a_plan_does_not_tell_where_files_are() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["a"], APRIL, 4), river(&["b"], APRIL, 4)]).await;
    for form in ["", "VERBOSE ", "FORMAT TREE ", "FORMAT TEXT ", "FORMAT JSON "] {
        let shown = bench.show(&format!("EXPLAIN {form}SELECT level FROM otaru.river")).await;
        assert!(!shown.contains(".parquet") && !shown.contains("part-"), "{shown}");
    }
    let plan = bench.plan("SELECT level FROM otaru.river").await;
    assert!(plan.contains("file_groups={2 groups}, projection"), "{plan}");
}

#[tokio::test]
async fn names_made_to_break_out_stay_names() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["a"], APRIL, 4)]).await;
    for sql in [
        "SELECT * FROM \"otaru.river\"",
        "SELECT * FROM otaru.\"river\"\"; DROP\"",
        "SELECT * FROM otaru.\"a] UNION SELECT\"",
        "SELECT * FROM ｏｔａｒｕ.ｒｉｖｅｒ",
        "SELECT * FROM \"OTARU\".river",
        "SELECT \"x\nquoted\" FROM otaru.river",
        "SELECT \"\u{202e}level\" FROM otaru.river",
    ] {
        let error = bench.error(sql).await;
        assert_eq!(error.kind(), ErrorKind::SqlInvalid, "{sql}: {error:?}");
    }
}

#[tokio::test]
async fn what_the_planner_would_pass_over_is_refused() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["a", "b"], APRIL, 4)]).await;
    for (sql, said) in [
        ("SELECT count(*) FROM otaru.river TABLESAMPLE BERNOULLI (10)", "random()"),
        ("SELECT count(*) FROM (SELECT 1) AS x TABLESAMPLE (10)", "random()"),
        ("SELECT count(*) FROM otaru.river CONNECT BY 1 = 1", "WITH RECURSIVE"),
        ("SELECT 1 EXCEPT ALL SELECT 1", "EXCEPT or INTERSECT"),
        ("SELECT 1 FROM (SELECT 1 UNION SELECT 2 INTERSECT ALL SELECT 1)", "EXCEPT or INTERSECT"),
        ("SELECT * FROM otaru.river WITH ORDINALITY", "row_number()"),
        ("SELECT 1 FROM otaru.river WITH (NOLOCK)", "leave them out"),
        ("SELECT 1 FROM otaru.river WHERE station SIMILAR TO station", "regexp_like"),
        ("SELECT CAST(station AS varchar(1)) FROM otaru.river", "left(text, length)"),
        ("EXPLAIN SELECT station::char(1) FROM otaru.river", "left(text, length)"),
    ] {
        let error = refused(sql);
        assert_eq!(error.kind(), ErrorKind::SqlNotAllowed, "{sql}: {error:?}");
        assert!(error.to_string().contains(said), "{sql}: {error}");
    }
    let few = "SELECT count(*) FROM otaru.river WHERE random() < 0";
    assert_eq!(bench.value(few).await, "0");
}
