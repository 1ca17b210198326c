//! Point lookups: the rows are those that a plan finds, and pages that are kept need no store.

use std::{collections::HashSet, sync::Arc};

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use hub_model::Contract;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::{prelude::*, test_runner::TestRunner};

use super::paging::{all_pages, filter, request, texts};
use crate::{
    Direction, EngineConfig, FilterOperator, OrderBy, QueryEngine, RowFilter, RowsRequest,
    tests::support::{APRIL, Bench, HOUR, RIVER, river, small},
};

/// Observations by station and lane; what is missing of them, and what tells rows apart, differs.
fn contracts() -> [Arc<Contract>; 3] {
    let of = |required: bool, key: &str| {
        let constraints = if required { r#","constraints":{"required":true}"# } else { "" };
        let text = format!(
            r#"{{"fields":[
                {{"name":"観測所","type":"string","role":"key","alias":"station"{constraints}}},
                {{"name":"lane","type":"integer","role":"key"{constraints}}},
                {{"name":"time","type":"datetime","role":"time"{constraints}}},
                {{"name":"speed","type":"number","role":"value"}},
                {{"name":"mark","type":"string","role":"quality","quality_of":"speed"}},
                {{"name":"note","type":"string"}}]{key}}}"#
        );
        Arc::new(Contract::parse(text.as_bytes()).unwrap())
    };
    [of(false, ""), of(true, ""), of(true, r#","primaryKey":["観測所","lane","time"]"#)]
}

/// The same lake, where nothing is kept of files' pages.
fn plans_only(bench: &Bench) -> Bench {
    let store = Arc::clone(&bench.store);
    let config = EngineConfig { page_cache_bytes: 0, ..small() };
    let engine = QueryEngine::new(config, Arc::clone(&store) as Arc<dyn ObjectStore>).unwrap();
    Bench { store, engine, tables: bench.tables.clone(), listed: bench.listed.clone() }
}

#[tokio::test]
async fn what_was_looked_up_before_needs_no_store() {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市", "朝里"], APRIL, 2_000)]).await;
    let mut day = request(&bench.tables[0], 100);
    day.filters = vec![
        filter("station", FilterOperator::Eq, "朝里"),
        filter("time", FilterOperator::Gte, "2024-05-01"),
        filter("time", FilterOperator::Lt, "2024-05-02"),
    ];
    let planned = all_pages(&bench, &day).await.unwrap();
    assert_eq!(planned.len(), 24);
    assert_eq!(planned[0][..3], ["朝里", "2024-05-01T00:00:00+09:00", "1720.0"]);
    // The first time a file is opened by a plan; then its pages are read, and kept.
    let looked_up = all_pages(&bench, &day).await.unwrap();
    let path = bench.tables[0].snapshot.files[0].path.clone();
    bench.store.delete(&path).await.unwrap();
    let kept = all_pages(&bench, &day).await.unwrap();
    assert_eq!((&looked_up, &kept), (&planned, &planned));
    // Part of the same pages, in another order, and with another condition.
    day.order = vec![OrderBy { column: "time".to_owned(), direction: Direction::Descending }];
    day.filters.push(filter("samples", FilterOperator::Lt, "2730"));
    let last = bench.engine.rows(RowsRequest { limit: 2, ..day.clone() }).await.unwrap();
    assert!(last.next_cursor.is_some());
    let hours: Vec<String> =
        texts(last.stream).await.into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(hours, ["2024-05-01T09:00:00+09:00", "2024-05-01T08:00:00+09:00"]);
    // Other pages are still asked of the store.
    day.filters[0] = filter("station", FilterOperator::Eq, "余市");
    bench.engine.rows(day).await.unwrap_err();
}

/// Station, lane, hour, speed, mark: with ties, and without some values.
type Reading = (Option<u8>, Option<i8>, Option<i16>, Option<i8>, u8);

fn readings() -> impl Strategy<Value = Vec<Vec<Reading>>> {
    let reading = (
        proptest::option::weighted(0.95, 0u8..4),
        proptest::option::weighted(0.95, 0i8..3),
        proptest::option::weighted(0.95, 0i16..60),
        proptest::option::weighted(0.9, -3i8..3),
        0u8..4,
    );
    proptest::collection::vec(proptest::collection::vec(reading, 1..900), 1..4)
}

fn file(contract: &Contract, readings: &[Reading]) -> RecordBatch {
    let mut readings = readings.to_vec();
    // Files are sorted by series and time, what is missing last.
    readings.sort_by_key(|(station, lane, hour, ..)| {
        (station.map_or(u8::MAX, |s| s), lane.map_or(i8::MAX, |l| l), hour.map_or(i16::MAX, |h| h))
    });
    let marks = [None, Some("doubtful"), Some("good"), Some("missing")];
    let rows = readings.iter();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.clone().map(|r| r.0.map(|s| format!("駅{s}"))).collect::<StringArray>()),
        Arc::new(rows.clone().map(|r| r.1.map(i64::from)).collect::<Int64Array>()),
        Arc::new(
            rows.clone()
                .map(|r| r.2.map(|hour| APRIL + i64::from(hour) * HOUR))
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
        Arc::new(rows.clone().map(|r| r.3.map(f64::from)).collect::<Float64Array>()),
        Arc::new(rows.clone().map(|r| marks[usize::from(r.4)]).collect::<StringArray>()),
        Arc::new(
            rows.map(|r| (r.4 > 0).then(|| "渋滞".repeat(r.4.into()))).collect::<StringArray>(),
        ),
    ];
    RecordBatch::try_new(contract.storage_schema(), columns).unwrap()
}

/// Readings of which no part of the key is missing, and of those, perhaps, one of each key.
fn with_keys(files: Vec<Vec<Reading>>, one_each: bool) -> Vec<Vec<Reading>> {
    let mut keys = HashSet::new();
    let mut is_kept = |reading: &Reading| match (reading.0, reading.1, reading.2) {
        (Some(station), Some(lane), Some(hour)) => keys.insert((station, lane, hour)) || !one_each,
        _ => false,
    };
    files.into_iter().map(|file| file.into_iter().filter(|r| is_kept(r)).collect()).collect()
}

/// Mostly those that a lookup takes, now and then others beside them.
fn conditions() -> impl Strategy<Value = Vec<RowFilter>> {
    use FilterOperator::{Eq, Gt, Gte, Lt, Lte, NotEq};
    let texts = |count: u8, text: fn(u8) -> String| (0..count).prop_map(text);
    let station = texts(5, |s| format!("駅{s}"));
    let lane = texts(4, |l| l.to_string());
    let time = texts(12, |t| format!("2024-04-{:02}T{:02}:00", 1 + t / 4, t % 4 * 6));
    let speed = texts(6, |s| (i32::from(s) - 3).to_string());
    let equal = |column: &'static str, chance, value: BoxedStrategy<String>| {
        let value = proptest::option::weighted(chance, value);
        value.prop_map(move |value| value.map(|value| filter(column, Eq, &value)))
    };
    let compared = move |column: &'static str, value: BoxedStrategy<String>| {
        let how = prop_oneof![Just(Eq), Just(Gt), Just(Gte), Just(Lt), Just(Lte), Just(NotEq)];
        (how, value).prop_map(move |(how, value)| filter(column, how, &value))
    };
    let beside = prop_oneof![
        compared("観測所", station.clone().boxed()),
        compared("lane", lane.clone().boxed()),
        compared("speed", speed.boxed()),
    ];
    (
        equal("station", 0.9, station.boxed()),
        equal("lane", 0.5, lane.boxed()),
        proptest::collection::vec(compared("time", time.boxed()), 0..3),
        proptest::option::weighted(0.3, beside),
    )
        .prop_map(|(station, lane, times, beside)| {
            station.into_iter().chain(lane).chain(times).chain(beside).collect()
        })
}

/// Columns, and whether they ascend: often those of the files or their reverse.
fn orders() -> impl Strategy<Value = Vec<(&'static str, bool)>> {
    let any_order = proptest::sample::subsequence(vec!["lane", "time", "speed", "station"], 0..3);
    let way = any::<bool>();
    prop_oneof![
        Just(vec![("time", false)]),
        Just(vec![("lane", false), ("time", false)]),
        way.prop_map(|way| vec![("station", way), ("lane", way), ("time", way)]),
        (any_order, way).prop_map(|(names, way)| names.into_iter().map(|n| (n, way)).collect()),
    ]
}

#[test]
fn lookups_find_what_plans_find() {
    let contracts = contracts();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = Bench::new(small());
    let plain = plans_only(&bench);
    let questions =
        proptest::collection::vec((conditions(), orders(), any::<bool>(), 8usize..40), 8);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(10));
    let case = std::cell::Cell::new(0);
    let result = runner.run(&(readings(), 0usize..3, questions), |(readings, kind, questions)| {
        case.set(case.get() + 1);
        let contract = &contracts[kind];
        let readings = if kind > 0 { with_keys(readings, kind == 2) } else { readings };
        runtime.block_on(async {
            let files: Vec<_> = readings.iter().map(|some| file(contract, some)).collect();
            // Paths of its own: a lake never writes one twice.
            let id = format!("a.b{}", case.get());
            let table = bench.table(&id, Arc::clone(contract), &files).await;
            for (filters, order, with_quality, limit) in questions {
                let order = order.iter().map(|(column, up)| OrderBy {
                    column: (*column).to_owned(),
                    direction: if *up { Direction::Ascending } else { Direction::Descending },
                });
                let order = order.collect();
                let asked = RowsRequest { filters, order, with_quality, ..request(&table, limit) };
                let expected = all_pages(&plain, &asked).await.unwrap();
                // A file's first reader is a plan, a page's first a lookup.
                for _ in 0..2 {
                    let found = all_pages(&bench, &asked).await.unwrap();
                    prop_assert_eq!(&found, &expected, "{:?}", &asked.filters);
                }
            }
            Ok(())
        })
    });
    result.unwrap();
}

#[tokio::test]
async fn rows_that_files_do_not_tell_apart_are_ordered_before_a_page_is_cut() {
    let [_, tied, _] = contracts();
    // Three readings at each hour, the greatest first.
    let readings: Vec<Reading> =
        (0..30).map(|n| (Some(1), Some(1), Some(n / 3), Some(2 - (n % 3) as i8), 2)).collect();
    let bench = Bench::new(small());
    let table = bench.table("a.b", Arc::clone(&tied), &[file(&tied, &readings)]).await;
    let station = filter("station", FilterOperator::Eq, "駅1");
    for direction in [Direction::Ascending, Direction::Descending] {
        for limit in 1..8 {
            let names = ["station", "lane", "time"];
            let order = names.map(|name| OrderBy { column: name.to_owned(), direction }).into();
            let asked =
                RowsRequest { filters: vec![station.clone()], order, ..request(&table, limit) };
            let first = asked.clone();
            let planned = texts(plans_only(&bench).engine.rows(first).await.unwrap().stream).await;
            // After the first, from what is kept of the file.
            for _ in 0..2 {
                let page = bench.engine.rows(asked.clone()).await.unwrap();
                assert_eq!(texts(page.stream).await, planned, "{direction:?} {limit}");
            }
            assert!(planned[0][3] == "0.0", "{planned:?}");
        }
    }
}

#[tokio::test]
async fn long_texts_are_left_to_a_plan() {
    let contract = &contracts()[2];
    let readings: Vec<Reading> = (0..60).map(|n| (Some(1), Some(1), Some(n), Some(1), 2)).collect();
    let batch = file(contract, &readings);
    let mut columns = batch.columns().to_vec();
    columns[5] =
        Arc::new(StringArray::from_iter_values(["雪".repeat(200_000)].iter().cycle().take(60)));
    let batch = RecordBatch::try_new(batch.schema(), columns).unwrap();
    let bench = Bench::new(small());
    let table = bench.table("a.b", Arc::clone(contract), &[batch]).await;
    let mut asked = request(&table, 2);
    asked.filters = vec![filter("station", FilterOperator::Eq, "駅1")];
    for _ in 0..3 {
        let page = bench.engine.rows(asked.clone()).await.unwrap();
        assert_eq!(texts(page.stream).await.len(), 2);
    }
    bench.engine.inner.scans.pages.settle().await;
    let kept = bench.engine.gauges().pages_cached_bytes;
    assert!(kept < 100_000, "{kept} bytes are kept");
}
