//! Point lookups: the rows are those that a plan finds, and pages that are kept need no store.

use std::sync::Arc;

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

const TWO_KEYS: &str = r#"{"fields":[
    {"name":"観測所","type":"string","role":"key","alias":"station"},
    {"name":"lane","type":"integer","role":"key"},
    {"name":"time","type":"datetime","role":"time"},
    {"name":"speed","type":"number","role":"value"},
    {"name":"mark","type":"string","role":"quality","quality_of":"speed"},
    {"name":"note","type":"string"}]}"#;

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

fn conditions() -> impl Strategy<Value = Vec<RowFilter>> {
    use FilterOperator::{Eq, Gt, Gte, Lt, Lte, NotEq};
    let compared = prop_oneof![Just(Eq), Just(Gt), Just(Gte), Just(Lt), Just(Lte), Just(NotEq)];
    let some = |column: &'static str, texts: Vec<String>| {
        let value = proptest::sample::select(texts);
        let one = (compared.clone(), value).prop_map(move |(how, v)| filter(column, how, &v));
        proptest::collection::vec(one, 0..3)
    };
    let hours = (0..64).map(|h| format!("2024-04-{:02}T{:02}:00", 1 + h / 24, h % 24)).collect();
    let station = proptest::option::weighted(0.8, 0u8..5).prop_map(|station| {
        station.map(|s| filter("station", FilterOperator::Eq, &format!("駅{s}")))
    });
    (
        station,
        some("観測所", (0..5).map(|s| format!("駅{s}")).collect()),
        some("lane", (0..4).map(|l| l.to_string()).collect()),
        some("time", hours),
        some("speed", (-2..3).map(|s| s.to_string()).collect()),
    )
        .prop_map(|(station, stations, lanes, times, speeds)| {
            station.into_iter().chain(lanes).chain(times).chain(speeds).chain(stations).collect()
        })
}

#[test]
fn lookups_find_what_plans_find() {
    let contract = Arc::new(Contract::parse(TWO_KEYS.as_bytes()).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = Bench::new(small());
    let plain = plans_only(&bench);
    let orders = proptest::collection::vec((0usize..4, any::<bool>()), 0..3);
    let questions = proptest::collection::vec((conditions(), orders, any::<bool>(), 1usize..90), 8);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(12));
    let case = std::cell::Cell::new(0);
    let result = runner.run(&(readings(), questions), |(readings, questions)| {
        case.set(case.get() + 1);
        runtime.block_on(async {
            let files: Vec<_> = readings.iter().map(|some| file(&contract, some)).collect();
            // Paths of its own: a lake never writes one twice.
            let id = format!("a.b{}", case.get());
            let table = bench.table(&id, Arc::clone(&contract), &files).await;
            for (filters, order, with_quality, limit) in questions {
                let names = ["station", "lane", "time", "speed"];
                let order = order.iter().map(|(column, up)| OrderBy {
                    column: names[*column].to_owned(),
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
