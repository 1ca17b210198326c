//! Values of bad quality: left out by default, shown on request, and never lost from what a filter finds.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::Float64Type,
};
use futures::TryStreamExt;
use hub_model::Contract;

use super::support::{APRIL, Bench, HOUR, small};
use crate::{
    Direction, FilterOperator, FilterValue, LatestRequest, OrderBy, QUALITY_KEY, QueryError,
    RowFilter, RowsRequest,
};

const SNOW: &str = r#"{"fields":[
    {"name":"station","type":"string","role":"key"},
    {"name":"time","type":"datetime","role":"time","interval":"PT1H","label":"end"},
    {"name":"積雪","type":"number","role":"value","unit":"cm","alias":"depth"},
    {"name":"depth_quality","type":"string","role":"quality","quality_of":"積雪"},
    {"name":"wind","type":"number","role":"value","unit":"m/s"}],
    "primaryKey":["station","time"]}"#;

/// One file of six hours with a word for each, and one in which every value is doubtful.
async fn bench() -> Bench {
    let mut bench = Bench::new(small());
    let words = ["normal", "doubtful", "quasi_normal", "missing", "provisional", "closed"];
    let files = [snow("a", &words), snow("b", &["doubtful"; 6])];
    bench.add("kisho.snow", SNOW, &files).await;
    bench
}

fn snow(station: &str, words: &[&str]) -> RecordBatch {
    let rows = words.len();
    let hours = (0..rows as i64).map(|hour| APRIL + hour * HOUR);
    let depths = (0..rows).map(|row| row as f64 * 10.0);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![station; rows])),
        Arc::new(TimestampMicrosecondArray::from_iter_values(hours).with_timezone("UTC")),
        Arc::new(Float64Array::from_iter_values(depths)),
        Arc::new(StringArray::from(words.to_vec())),
        Arc::new(Float64Array::from(vec![1.5; rows])),
    ];
    let schema = Contract::parse(SNOW.as_bytes()).unwrap().storage_schema();
    RecordBatch::try_new(schema, columns).unwrap()
}

#[tokio::test]
async fn values_of_bad_quality_are_left_out_and_shown_on_request() {
    let bench = bench().await;
    let good = "SELECT count(*) AS n, count(depth) AS good, max(depth) AS most, min(depth) AS least \
                FROM kisho.snow";
    insta::assert_snapshot!(bench.show(good).await, @r"
    +----+------+------+-------+
    | n  | good | most | least |
    +----+------+------+-------+
    | 12 | 3    | 40.0 | 0.0   |
    +----+------+------+-------+
    ");
    let all = good.replace("kisho.snow", "with_quality('kisho.snow')");
    insta::assert_snapshot!(bench.show(&all).await, @r"
    +----+------+------+-------+
    | n  | good | most | least |
    +----+------+------+-------+
    | 12 | 12   | 50.0 | 0.0   |
    +----+------+------+-------+
    ");
    let both = "SELECT g.time, a.積雪 AS raw, g.depth, a.depth_quality \
                FROM kisho.snow g JOIN with_quality('kisho.snow') a USING (station, time) \
                WHERE a.station = 'a' ORDER BY 1";
    insta::assert_snapshot!(bench.show(both).await, @r"
    +---------------------------+------+-------+---------------+
    | time                      | raw  | depth | depth_quality |
    +---------------------------+------+-------+---------------+
    | 2024-04-01T00:00:00+09:00 | 0.0  | 0.0   | normal        |
    | 2024-04-01T01:00:00+09:00 | 10.0 |       | doubtful      |
    | 2024-04-01T02:00:00+09:00 | 20.0 | 20.0  | quasi_normal  |
    | 2024-04-01T03:00:00+09:00 | 30.0 |       | missing       |
    | 2024-04-01T04:00:00+09:00 | 40.0 | 40.0  | provisional   |
    | 2024-04-01T05:00:00+09:00 | 50.0 |       | closed        |
    +---------------------------+------+-------+---------------+
    ");
}

#[tokio::test]
async fn filters_find_what_is_shown_although_the_files_hold_more() {
    let bench = bench().await;
    for (condition, rows) in [
        ("depth IS NULL", "9"),
        ("depth IS NOT NULL", "3"),
        ("depth > 25", "1"),
        ("depth <= 25", "2"),
        ("NOT depth > 25", "2"),
        ("station = 'b' AND depth >= 0", "0"),
        ("coalesce(depth, 99) = 99", "9"),
    ] {
        let sql = format!("SELECT count(*) FROM kisho.snow WHERE {condition}");
        assert_eq!(bench.value(&sql).await, rows, "{condition}");
    }
}

#[tokio::test]
async fn filters_ask_the_stored_values_first_and_let_nothing_bad_through() {
    let bench = bench().await;
    for (condition, stored, rows) in [
        ("depth > 25", "depth@2 > 25", "1"),
        ("25 < depth", "depth@2 > 25", "1"),
        ("depth IN (10, 40)", "depth@2 = 10 OR depth@2 = 40", "1"),
        ("depth = 10 OR depth >= 40 AND wind > 1", "depth@2 = 10 OR depth@2 >= 40", "1"),
    ] {
        let sql = format!("SELECT count(wind) FROM kisho.snow WHERE {condition}");
        assert_eq!(bench.value(&sql).await, rows, "{condition}");
        let plan = bench.plan(&sql).await;
        let first = format!("predicate={stored} AND ");
        assert!(
            plan.contains(&first) || plan.contains(&format!("predicate=({stored}) AND ")),
            "{plan}"
        );
    }
    // What nothing follows from is left as it is.
    for condition in ["depth IS NULL", "depth <> 10", "depth > 25 OR wind > 2"] {
        let sql = format!("SELECT count(wind) FROM kisho.snow WHERE {condition}");
        let plan = bench.plan(&sql).await;
        assert!(!plan.contains("predicate=depth") && !plan.contains("predicate=(depth"), "{plan}");
    }
}

#[tokio::test]
async fn the_greatest_values_are_those_of_good_quality() {
    let bench = bench().await;
    for (order, rows) in [
        ("depth DESC NULLS LAST, time", "40.0 a"),
        ("depth, time", "0.0 a"),
        ("depth DESC NULLS LAST, station, time LIMIT 1 OFFSET 2", "0.0 a"),
    ] {
        let limit = if order.contains("LIMIT") { "" } else { "LIMIT 1" };
        let sql = format!(
            "SELECT CAST(depth AS VARCHAR) || ' ' || station FROM kisho.snow \
             WHERE depth IS NOT NULL ORDER BY {order} {limit}"
        );
        assert_eq!(bench.value(&sql).await, rows, "{order}");
    }
}

#[tokio::test]
async fn an_answer_says_of_which_columns_values_were_left_out() {
    let bench = bench().await;
    let said = async |sql: &str| {
        let answer = bench.start(sql).await.unwrap();
        answer.schema().metadata().get(QUALITY_KEY).cloned().unwrap_or_default()
    };
    insta::assert_snapshot!(
        said("SELECT avg(depth) FROM kisho.snow").await,
        @r#"[{"dataset":"kisho.snow","column":"積雪","quality_column":"depth_quality","left_out":["doubtful","missing","not_observed","closed"]}]"#
    );
    assert_eq!(said("SELECT avg(wind) FROM kisho.snow").await, "");
    assert_eq!(said("SELECT avg(depth) FROM with_quality('kisho.snow')").await, "");
}

/// The pages of one order, each read by the cursor of the one before, as depths.
async fn paged(bench: &Bench, filters: &[RowFilter], with_quality: bool) -> Vec<Option<f64>> {
    let by = |column: &str, direction| OrderBy { column: column.to_owned(), direction };
    let mut request = RowsRequest {
        table: bench.tables[0].clone(),
        select: Some(vec!["depth".to_owned()]),
        filters: filters.to_vec(),
        order: vec![by("depth", Direction::Descending), by("time", Direction::Ascending)],
        with_quality,
        limit: 2,
        cursor: None,
    };
    let mut depths = Vec::new();
    loop {
        let page = bench.engine.rows(request.clone()).await.unwrap();
        assert_eq!(page.stream.schema().metadata().contains_key(QUALITY_KEY), !with_quality);
        let batches: Vec<RecordBatch> = page.stream.try_collect().await.unwrap();
        for batch in batches {
            depths.extend(batch.column(0).as_primitive::<Float64Type>().iter());
        }
        let Some(cursor) = page.next_cursor else { return depths };
        // A cursor is of one of the two ways to see the rows.
        let other = RowsRequest {
            with_quality: !with_quality,
            cursor: Some(cursor.clone()),
            ..request.clone()
        };
        assert!(bench.engine.rows(other).await.is_err());
        request.cursor = Some(cursor);
    }
}

#[tokio::test]
async fn pages_of_rows_filter_order_and_show_good_values_alone() {
    let bench = bench().await;
    let condition = |column: &str, operator, value: &str| RowFilter {
        column: column.to_owned(),
        operator,
        value: FilterValue::One(value.to_owned()),
    };
    let of_a = condition("station", FilterOperator::Eq, "a");
    let good = paged(&bench, std::slice::from_ref(&of_a), false).await;
    assert_eq!(good, [Some(40.0), Some(20.0), Some(0.0), None, None, None]);
    let all = paged(&bench, std::slice::from_ref(&of_a), true).await;
    assert_eq!(all, [50.0, 40.0, 30.0, 20.0, 10.0, 0.0].map(Some));
    let deep = [of_a, condition("depth", FilterOperator::Gte, "15")];
    assert_eq!(paged(&bench, &deep, false).await, [Some(40.0), Some(20.0)]);
    assert_eq!(paged(&bench, &deep, true).await, [50.0, 40.0, 30.0, 20.0].map(Some));
    let none = RowFilter {
        column: "depth".to_owned(),
        operator: FilterOperator::IsNull,
        value: FilterValue::None,
    };
    assert_eq!(paged(&bench, &[none], false).await, [None; 9]);
}

#[tokio::test]
async fn the_newest_row_stays_although_its_value_is_left_out() {
    let bench = bench().await;
    for (with_quality, depths) in [(false, [None, None]), (true, [Some(50.0), Some(50.0)])] {
        let request = LatestRequest {
            table: bench.tables[0].clone(),
            select: Some(vec!["depth".to_owned(), "station".to_owned()]),
            filters: Vec::new(),
            with_quality,
        };
        let answer = bench.engine.latest(request).await.unwrap();
        assert_eq!(answer.schema().metadata().contains_key(QUALITY_KEY), !with_quality);
        let batches: Vec<RecordBatch> = answer.try_collect().await.unwrap();
        let found: Vec<Option<f64>> = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Float64Type>().iter())
            .collect();
        assert_eq!(found, depths);
    }
}

#[tokio::test]
async fn with_quality_takes_the_name_of_a_dataset_that_is_there() {
    let bench = bench().await;
    for wrong in ["", "'snow'", "kisho.snow", "'kisho.snow', 1", "1"] {
        let error = bench.error(&format!("SELECT * FROM with_quality({wrong})")).await;
        assert!(error.to_string().contains("with_quality('agency.dataset')"), "{wrong}: {error}");
    }
    let error = bench.error("SELECT * FROM with_quality('kisho.snwo')").await;
    let QueryError::InvalidSql { message, suggestions, .. } = error else { panic!("{error:?}") };
    assert_eq!(message, "there is no dataset \"kisho.snwo\"; did you mean \"kisho.snow\"?");
    assert_eq!(suggestions, ["kisho.snow"]);
}

#[tokio::test]
async fn the_share_of_good_values_is_of_those_that_were_due() {
    let bench = bench().await;
    // Of a: normal, quasi_normal and provisional are shown; doubtful and missing were due beside them, and
    // closed was not. Of b all are doubtful.
    let shares = "SELECT station, good_share(depth) AS share, good_share(wind) AS wind FROM kisho.snow GROUP BY 1 ORDER BY 1";
    let expected = "\
+---------+-------+------+
| station | share | wind |
+---------+-------+------+
| a       | 0.6   | 1.0  |
| b       | 0.0   | 1.0  |
+---------+-------+------+";
    assert_eq!(bench.show(shares).await, expected);
    let all = shares.replace("kisho.snow", "with_quality('kisho.snow')");
    assert_eq!(bench.show(&all).await, expected);
    for (sql, share) in [
        ("SELECT good_share(積雪) FROM kisho.snow WHERE station = 'a'", "0.6"),
        ("SELECT good_share(s.depth) FROM kisho.snow s WHERE s.station = 'a'", "0.6"),
        (
            "SELECT GOOD_SHARE(depth) FILTER (WHERE wind > 1) FROM kisho.snow WHERE station = 'a'",
            "0.6",
        ),
        (
            "WITH s AS (SELECT * FROM kisho.snow) SELECT good_share(depth) FROM s WHERE station = 'a'",
            "0.6",
        ),
        ("SELECT good_share(depth) FROM kisho.snow WHERE depth_quality = 'closed'", ""),
        (
            "SELECT good_share(depth) FROM kisho.snow HAVING good_share(depth) < 0.5",
            "0.2727272727272727",
        ),
        ("SELECT round(good_share(depth) * 100) FROM kisho.snow WHERE station = 'a'", "60.0"),
        (
            "SELECT good_share(depth) OVER (PARTITION BY station) FROM kisho.snow WHERE station = 'a' LIMIT 1",
            "0.6",
        ),
    ] {
        assert_eq!(bench.value(sql).await, share, "{sql}");
    }
    // Wherever the column and its quality come through.
    for (sql, share) in [
        (
            "SELECT good_share(d) FROM (SELECT depth AS d, depth_quality FROM kisho.snow WHERE station = 'a')",
            "0.6",
        ),
        (
            "SELECT good_share(s.d) FROM (SELECT station, depth, depth_quality FROM kisho.snow) AS s(k, d, q) WHERE k = 'a'",
            "0.6",
        ),
        (
            "WITH s AS (SELECT * EXCLUDE (wind) FROM with_quality('kisho.snow')) SELECT good_share(積雪) FROM s WHERE station = 'a'",
            "0.6",
        ),
        (
            "SELECT x.station FROM kisho.snow x GROUP BY x.station ORDER BY good_share(x.depth) DESC LIMIT 1",
            "a",
        ),
        (
            "SELECT max(depth) AS depth FROM kisho.snow GROUP BY station ORDER BY good_share(depth) LIMIT 1",
            "",
        ),
        (
            "SELECT (SELECT good_share(depth) FROM kisho.snow i WHERE i.station = o.station) FROM kisho.snow o WHERE station = 'a' LIMIT 1",
            "0.6",
        ),
        (
            "SELECT good_share(b.depth) FROM kisho.snow a JOIN with_quality('kisho.snow') b USING (station, time) WHERE a.station = 'a'",
            "0.6",
        ),
        // A row that a join made up was not due.
        (
            "SELECT good_share(s.depth) FROM (VALUES ('a'), ('c')) k(station) LEFT JOIN kisho.snow s ON s.station = k.station",
            "0.6",
        ),
        (
            "SELECT good_share(s.wind) FROM (VALUES ('a'), ('c')) k(station) LEFT JOIN kisho.snow s ON s.station = k.station",
            "1.0",
        ),
        (
            "SELECT good_share(s.depth) FROM (VALUES ('c')) k(station) LEFT JOIN kisho.snow s ON s.station = k.station",
            "",
        ),
        (
            "SELECT good_share(depth) FROM (SELECT * FROM (VALUES ('a'), ('c')) k(station) LEFT JOIN kisho.snow USING (station))",
            "0.6",
        ),
    ] {
        assert_eq!(bench.value(sql).await, share, "{sql}");
    }
    // What it is made of shows nowhere.
    let star = "SELECT *, good_share(depth) OVER () FROM kisho.snow";
    let batches = bench.batches(star).await.unwrap();
    let schema = batches[0].schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let expected =
        ["station", "time", "積雪", "depth_quality", "wind", "good_share(depth) OVER ()"];
    assert_eq!(names, expected);
    let plain = bench.batches("SELECT good_share(depth) FROM kisho.snow").await.unwrap();
    assert_eq!(plain[0].schema().field(0).name(), "good_share(depth)");
    for (sql, said) in [
        ("SELECT good_share(depth + 1) FROM kisho.snow", "takes one column of a dataset"),
        ("SELECT good_share(depth, wind) FROM kisho.snow", "takes one column of a dataset"),
        ("SELECT good_share(DISTINCT depth) FROM kisho.snow", "takes one column of a dataset"),
        (
            "SELECT good_share(d) FROM (SELECT depth AS d FROM kisho.snow)",
            "good_share(d) is told by \"depth_quality\", which is not given here; select it in the subquery",
        ),
        (
            "SELECT good_share(d) FROM (SELECT depth + 1 AS d, depth_quality FROM kisho.snow)",
            "takes a column of a dataset, and \"d\" is none here; write it where the dataset is read",
        ),
        (
            "SELECT good_share(depth) FROM (SELECT * REPLACE (depth * 2 AS depth) FROM kisho.snow)",
            "\"depth\" is none here",
        ),
        (
            "SELECT good_share(wind) FROM (SELECT station, wind FROM kisho.snow UNION ALL SELECT NULL, wind FROM kisho.snow)",
            "\"wind\" is none here",
        ),
        ("SELECT good_share(dept) FROM kisho.snow", "did you mean \"depth\"?"),
        ("SELECT good_share(depth) FROM align('kisho.snow', '1 day')", "\"depth\" is none here"),
        (
            "SELECT good_share(depth) FROM kisho.snow a, kisho.snow b",
            "more than one table has the column \"depth\"; write the table's name in front",
        ),
        ("SELECT good_shar(depth) FROM kisho.snow", "did you mean \"good_share\"?"),
        ("SELECT good_share(depth), good_share(depth) FROM kisho.snow", "good_share(depth)"),
    ] {
        let error = bench.error(sql).await;
        assert!(
            matches!(&error, QueryError::InvalidSql { message, .. } if message.contains(said)),
            "{sql}: {error:?}"
        );
    }
}

#[tokio::test]
async fn rows_that_an_outer_join_makes_up_are_in_no_share_or_it_is_refused() {
    let mut bench = bench().await;
    let loose = SNOW.replace(r#""primaryKey":["station","time"]"#, r#""missingValues":[""]"#);
    bench.add("kisho.loose", &loose, &[snow("a", &["normal"; 6])]).await;
    // Of these two stations one has rows.
    let stations = "(VALUES ('A'), ('C')) k(st)";
    let snow = |with: &str| {
        format!("(SELECT upper(station) AS st, depth, depth_quality, wind{with} FROM kisho.snow) s")
    };
    let (bare, keyed) = (snow(""), snow(", time"));
    let loose = bare.replace("kisho.snow", "kisho.loose");
    let asof = "MATCH_CONDITION (k.t >= s.t) ON s.st = k.st";
    let timed = |with: &str| {
        format!(
            "(SELECT upper(station) AS st, time + INTERVAL '1 hour' AS t, depth, depth_quality{with} FROM kisho.snow) s"
        )
    };
    let asked = "(VALUES ('A', TIMESTAMP '2090-01-01'), ('C', TIMESTAMP '2090-01-01')) k(st, t)";
    let by_name = "(VALUES ('a'), ('c')) k(station)";
    for (from, column, share) in [
        (format!("{stations} LEFT JOIN {keyed} USING (st)"), "depth", "0.6"),
        (format!("{stations} LEFT JOIN {keyed} USING (st)"), "s.wind", "1.0"),
        (format!("{keyed} RIGHT JOIN {stations} ON s.st = k.st"), "depth", "0.6"),
        (format!("{stations} FULL JOIN {keyed} ON s.st = k.st"), "depth", "0.2727272727272727"),
        // No row of the dataset is made up here.
        (format!("{stations} JOIN {bare} USING (st)"), "depth", "0.6"),
        (format!("{bare} LEFT JOIN {stations} USING (st) WHERE s.st = 'A'"), "depth", "0.6"),
        (format!("{asked} INNER ASOF JOIN {} {asof}", timed("")), "depth", ""),
        (format!("{asked} ASOF JOIN {} {asof}", timed(", time")), "depth", ""),
        (
            format!(
                "(SELECT k.*, i.depth, i.depth_quality, i.time AS observed FROM {by_name} LEFT JOIN kisho.snow i USING (station))"
            ),
            "depth",
            "0.6",
        ),
    ] {
        let sql = format!("SELECT good_share({column}) FROM {from}");
        assert_eq!(bench.value(&sql).await, share, "{sql}");
    }
    let select = "select the dataset's \"station\" in the subquery, too, under a name of its own";
    let alone = "ask for it in a subquery that reads the dataset alone";
    for (from, column, way) in [
        (format!("{stations} LEFT JOIN {bare} USING (st)"), "depth", select),
        (format!("{stations} LEFT JOIN {bare} USING (st)"), "s.wind", select),
        (format!("{bare} RIGHT OUTER JOIN {stations} ON s.st = k.st"), "depth", select),
        (format!("{stations} FULL OUTER JOIN {bare} ON s.st = k.st"), "depth", select),
        (format!("{asked} ASOF JOIN {} {asof}", timed("")), "depth", select),
        (format!("(SELECT * FROM {stations} LEFT JOIN {bare} USING (st))"), "wind", select),
        (
            format!(
                "(SELECT i.depth, i.depth_quality FROM {by_name} LEFT JOIN kisho.snow i USING (station))"
            ),
            "depth",
            select,
        ),
        (format!("{stations} LEFT JOIN {loose} USING (st)"), "depth", alone),
        (format!("{by_name} LEFT JOIN kisho.loose i USING (station)"), "depth", alone),
    ] {
        let sql = format!("SELECT good_share({column}) FROM {from}");
        let error = bench.error(&sql).await;
        let said = format!("can't tell the rows that the outer join makes up; {way}");
        assert!(
            matches!(&error, QueryError::InvalidSql { message, position: Some(_), .. } if message.contains(&said)),
            "{sql}: {error:?}"
        );
    }
}
