//! Rows without SQL: filters, orders, pages that join up, and the newest of each series.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray},
    util::display::array_value_to_string,
};
use futures::TryStreamExt;
use hub_model::{Contract, ErrorKind};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    Cursor, Direction, FilterOperator, FilterValue, LatestRequest, OrderBy, QueryError,
    QueryStream, ReadableTable, RowFilter, RowsRequest,
    tests::support::{APRIL, Bench, HOUR, RIVER, river, small},
};

pub(super) fn request(table: &ReadableTable, limit: usize) -> RowsRequest {
    RowsRequest {
        table: table.clone(),
        select: None,
        filters: Vec::new(),
        order: Vec::new(),
        with_quality: true,
        limit,
        cursor: None,
    }
}

pub(super) fn filter(column: &str, operator: FilterOperator, value: &str) -> RowFilter {
    RowFilter { column: column.to_owned(), operator, value: FilterValue::One(value.to_owned()) }
}

pub(super) async fn texts(stream: QueryStream) -> Vec<Vec<String>> {
    let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter();
            // Rows that differ in the sign of a zero only are equal.
            let text = |c: &ArrayRef| array_value_to_string(c, row).unwrap().replace("-0.0", "0.0");
            rows.push(cells.map(text).collect());
        }
    }
    rows
}

pub(super) async fn all_pages(
    bench: &Bench,
    first: &RowsRequest,
) -> Result<Vec<Vec<String>>, QueryError> {
    let mut rows = Vec::new();
    let mut request = first.clone();
    loop {
        let page = bench.engine.rows(request.clone()).await?;
        let expected = page.rows;
        let found = texts(page.stream).await;
        assert_eq!(found.len(), expected);
        rows.extend(found);
        let Some(cursor) = page.next_cursor else { return Ok(rows) };
        assert_eq!(expected, request.limit);
        request.cursor = Some(Cursor::parse(&cursor.to_string())?);
    }
}

#[tokio::test]
async fn one_stations_day_is_read_by_its_columns() {
    let mut bench = Bench::new(small());
    let files: Vec<_> =
        (0..3).map(|d| river(&["余市", "朝里"], APRIL + d * 24 * HOUR, 24)).collect();
    bench.add("otaru.river", RIVER, &files).await;
    let mut request = request(&bench.tables[0], 100);
    request.select = Some(vec!["time".to_owned(), "流量".to_owned()]);
    request.filters = vec![
        filter("station", FilterOperator::Eq, "朝里"),
        filter("時刻", FilterOperator::Gte, "2024-04-02"),
        filter("time", FilterOperator::Lt, "2024-04-03"),
    ];
    let page = bench.engine.rows(request.clone()).await.unwrap();
    assert!(page.next_cursor.is_none());
    assert_eq!(page.stream.schema().field(0).name(), "time");
    assert_eq!(page.stream.schema().field(1).metadata()["unit"], "m3/s");
    let rows = texts(page.stream).await;
    assert_eq!(rows.len(), 24);
    assert_eq!(rows[0], ["2024-04-02T00:00:00+09:00", "2000.0"]);
    assert_eq!(bench.engine.gauges().files_scanned, 1);

    request.order = vec![OrderBy { column: "time".to_owned(), direction: Direction::Descending }];
    request.limit = 7;
    let rows = all_pages(&bench, &request).await.unwrap();
    assert_eq!(rows.len(), 24);
    assert!(rows.windows(2).all(|pair| pair[0][0] > pair[1][0]));
}

#[tokio::test]
async fn every_operator_filters() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市", "朝里"], APRIL, 24)]).await;
    let table = bench.tables[0].clone();
    let count = async |filters: Vec<RowFilter>| {
        let request = RowsRequest { filters, ..request(&table, 1_000) };
        bench.engine.rows(request).await.unwrap().rows
    };
    assert_eq!(count(vec![filter("level", FilterOperator::Gt, "1000")]).await, 23);
    assert_eq!(count(vec![filter("level", FilterOperator::Lte, "3")]).await, 4);
    assert_eq!(count(vec![filter("station", FilterOperator::NotEq, "余市")]).await, 24);
    assert_eq!(count(vec![filter("station", FilterOperator::Like, "余*")]).await, 24);
    let list = FilterValue::Many(vec!["1".to_owned(), "5".to_owned(), "999".to_owned()]);
    let among = RowFilter { column: "samples".into(), operator: FilterOperator::In, value: list };
    assert_eq!(count(vec![among]).await, 2);
    let null = |operator| RowFilter { column: "流量".into(), operator, value: FilterValue::None };
    assert_eq!(count(vec![null(FilterOperator::IsNull)]).await, 6);
    assert_eq!(count(vec![null(FilterOperator::IsNotNull)]).await, 42);
}

#[tokio::test]
async fn requests_that_cannot_be_meant_are_refused() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市"], APRIL, 24)]).await;
    let good = request(&bench.tables[0], 10);
    let refused = async |request: RowsRequest| {
        let error = bench.engine.rows(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
        error
    };
    let error = refused(RowsRequest { select: Some(vec!["statoin".into()]), ..good.clone() }).await;
    assert_eq!(error.suggestions(), ["station"]);
    let none = filter("nothing_like_it", FilterOperator::Eq, "1");
    refused(RowsRequest { filters: vec![none], ..good.clone() }).await;
    let text = filter("level", FilterOperator::Gt, "high");
    let error = refused(RowsRequest { filters: vec![text], ..good.clone() }).await;
    assert!(error.to_string().contains("high"), "{error}");
    let like = filter("level", FilterOperator::Like, "1*");
    refused(RowsRequest { filters: vec![like], ..good.clone() }).await;
    refused(RowsRequest { limit: 0, ..good.clone() }).await;
    refused(RowsRequest { limit: 10_001, ..good.clone() }).await;
    let page = bench.engine.rows(good.clone()).await.unwrap();
    let cursor = page.next_cursor;
    assert!(cursor.is_some());
    let order = vec![OrderBy { column: "level".into(), direction: Direction::Descending }];
    refused(RowsRequest { cursor: cursor.clone(), order, ..good.clone() }).await;
    let mut later = good.clone();
    later.table.snapshot.log_version += 1;
    refused(RowsRequest { cursor, ..later }).await;
}

/// A row's place, whole number, number and mark.
type TiedRow = (Option<u8>, Option<i8>, Option<f64>, Option<u8>);

/// Rows with many ties, rows without values, and rows that are wholly equal.
fn tied_rows() -> impl Strategy<Value = Vec<TiedRow>> {
    let number = prop_oneof![
        Just(0.0f64),
        Just(-0.0),
        Just(1.5),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-2.0)
    ];
    let row = (
        proptest::option::of(0u8..3),
        proptest::option::of(-1i8..2),
        proptest::option::weighted(0.8, number),
        proptest::option::of(0u8..2),
    );
    proptest::collection::vec(row, 0..30)
}

#[test]
fn pages_put_together_are_the_whole_in_order() {
    const MIXED: &str = r#"{"fields":[
        {"name":"名","type":"string","role":"key","alias":"name"},
        {"name":"n","type":"integer"},
        {"name":"x","type":"number"},
        {"name":"day","type":"date"}]}"#;
    let contract = Arc::new(Contract::parse(MIXED.as_bytes()).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = Bench::new(small());
    let orders = proptest::collection::vec((0usize..4, any::<bool>()), 0..3);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(12));
    let case = (tied_rows(), orders, 3usize..12, 1usize..4);
    let result = runner.run(&case, |(rows, order, limit, files)| {
        runtime.block_on(async {
            let chunks: Vec<RecordBatch> = rows
                .chunks(rows.len().div_ceil(files).max(1))
                .map(|chunk| {
                    let mut chunk = chunk.to_vec();
                    // Files are sorted by the key, rows without one last.
                    chunk.sort_by_key(|row| row.0.map_or(u8::MAX, |name| name));
                    let names: StringArray =
                        chunk.iter().map(|r| r.0.map(|n| format!("駅{n}"))).collect();
                    let numbers: Int64Array = chunk.iter().map(|r| r.1.map(i64::from)).collect();
                    let values: Float64Array = chunk.iter().map(|r| r.2).collect();
                    let days: Date32Array = chunk.iter().map(|r| r.3.map(i32::from)).collect();
                    let columns: Vec<ArrayRef> =
                        vec![Arc::new(names), Arc::new(numbers), Arc::new(values), Arc::new(days)];
                    RecordBatch::try_new(contract.storage_schema(), columns).unwrap()
                })
                .collect();
            let mut table = bench.table("a.b", Arc::clone(&contract), &chunks).await;
            // The paths are written again in each case, which a lake never does.
            bench.forget();
            table.snapshot.log_version = 9;
            let names = ["name", "n", "x", "day"];
            let order: Vec<OrderBy> = order
                .iter()
                .map(|(column, up)| OrderBy {
                    column: names[*column].to_owned(),
                    direction: if *up { Direction::Ascending } else { Direction::Descending },
                })
                .collect();
            let paged = RowsRequest { order: order.clone(), ..request(&table, limit) };
            let whole = RowsRequest { order, ..request(&table, 10_000) };
            let paged = all_pages(&bench, &paged).await.unwrap();
            let whole = all_pages(&bench, &whole).await.unwrap();
            prop_assert_eq!(whole.len(), rows.len());
            prop_assert_eq!(paged, whole);
            Ok(())
        })
    });
    result.unwrap();
}

#[tokio::test]
async fn the_latest_row_of_each_series_is_found() {
    let mut bench = Bench::new(small());
    // A gauge that ended long ago, and two that go on.
    let old = river(&["忍路"], APRIL - 400 * 24 * HOUR, 5);
    let files = [old, river(&["余市", "朝里"], APRIL, 24), river(&["余市"], APRIL + 24 * HOUR, 6)];
    bench.add("otaru.river", RIVER, &files).await;
    let mut request = LatestRequest {
        table: bench.tables[0].clone(),
        select: None,
        filters: Vec::new(),
        with_quality: true,
    };
    request.select = Some(vec!["station".to_owned(), "time".to_owned(), "level".to_owned()]);
    let rows = texts(bench.engine.latest(request.clone()).await.unwrap()).await;
    assert_eq!(
        rows,
        [
            ["余市", "2024-04-02T05:00:00+09:00", "5.0"],
            ["忍路", "2023-02-26T04:00:00+09:00", "4.0"],
            ["朝里", "2024-04-01T23:00:00+09:00", "1023.0"],
        ]
    );
    request.filters = vec![filter("level", FilterOperator::Lt, "3")];
    let rows = texts(bench.engine.latest(request).await.unwrap()).await;
    assert_eq!(rows[0], ["余市", "2024-04-02T02:00:00+09:00", "2.0"]);
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn the_latest_of_equal_times_is_one_row_and_missing_keys_are_a_series() {
    const LOOSE: &str = r#"{"fields":[
        {"name":"place","type":"string","role":"place"},
        {"name":"at","type":"date","role":"time"},
        {"name":"v","type":"integer"}]}"#;
    let mut bench = Bench::new(small());
    let contract = Contract::parse(LOOSE.as_bytes()).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("a"), Some("a"), Some("b"), None, None])),
        Arc::new(Date32Array::from(vec![Some(5), Some(5), None, Some(1), Some(2)])),
        Arc::new(Int64Array::from(vec![2, 1, 3, 4, 5])),
    ];
    let batch = RecordBatch::try_new(contract.storage_schema(), columns).unwrap();
    bench.add("a.b", LOOSE, &[batch]).await;
    let request = LatestRequest {
        table: bench.tables[0].clone(),
        select: None,
        filters: vec![],
        with_quality: true,
    };
    let rows = texts(bench.engine.latest(request).await.unwrap()).await;
    assert_eq!(rows, [["a", "1970-01-06", "1"], ["b", "", "3"], ["", "1970-01-03", "5"]]);
}

#[tokio::test]
async fn without_a_time_nothing_is_the_latest() {
    let mut bench = Bench::new(small());
    bench.add("a.b", r#"{"fields":[{"name":"v","type":"integer"}]}"#, &[]).await;
    let request = LatestRequest {
        table: bench.tables[0].clone(),
        select: None,
        filters: vec![],
        with_quality: true,
    };
    let error = bench.engine.latest(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}
