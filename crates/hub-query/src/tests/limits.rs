//! Limits on memory, time, output and numbers, and work that stops when nobody wants it.

use std::time::Duration;

use arrow::{array::AsArray, datatypes::Int64Type};
use futures::{StreamExt, TryStreamExt};
use hub_model::ErrorKind;

use crate::{
    EngineConfig,
    tests::support::{APRIL, Bench, RIVER, river, small},
};

/// A query that goes on for hours.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 1000000000000)";

async fn bench(config: EngineConfig) -> Bench {
    let mut bench = Bench::new(config);
    bench.add("otaru.river", RIVER, &[river(&["a", "b", "c", "d"], APRIL, 2_000)]).await;
    bench
}

/// Waits until no query's work exists; the test's own time limit is the bound.
async fn until_idle(bench: &Bench) {
    let busy = |gauges: crate::EngineGauges| gauges.running > 0 || gauges.memory_reserved_bytes > 0;
    while busy(bench.engine.gauges()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_query_over_its_time_is_stopped() {
    let bench = bench(EngineConfig { time_limit: Duration::from_millis(300), ..small() }).await;
    for sql in [
        ENDLESS,
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "SELECT count(*) FROM generate_series(1, 100000000000) a(x) JOIN otaru.river r ON r.samples = a.x % 10",
    ] {
        let error = bench.error(sql).await;
        assert_eq!(error.kind(), ErrorKind::TimeLimit, "{sql}: {error:?}");
        until_idle(&bench).await;
    }
}

#[tokio::test]
async fn dropping_an_answer_stops_its_work() {
    let bench = bench(small()).await;
    for sql in [
        "SELECT value, repeat('x', 100) FROM generate_series(1, 1000000000000)",
        "SELECT a.level FROM otaru.river a JOIN otaru.river b ON a.samples < b.samples + 0",
        "SELECT a.level FROM otaru.river a, otaru.river b",
        "SELECT r.level FROM otaru.river r JOIN generate_series(1, 1000000000000) s(x) ON r.samples % 2 = s.x % 2",
    ] {
        let mut stream = bench.start(sql).await.unwrap();
        assert!(stream.next().await.unwrap().unwrap().num_rows() > 0);
        assert_eq!(bench.engine.gauges().running, 1, "{sql}");
        drop(stream);
        until_idle(&bench).await;
    }
}

#[tokio::test]
async fn leaving_before_the_first_batch_stops_the_work() {
    let bench = bench(small()).await;
    {
        let started = bench.start(ENDLESS);
        futures::pin_mut!(started);
        while bench.engine.gauges().running == 0 {
            assert!(futures::poll!(&mut started).is_pending());
            tokio::task::yield_now().await;
        }
    }
    until_idle(&bench).await;
}

#[tokio::test]
async fn a_small_query_is_answered_beside_a_large_one() {
    let bench = bench(small()).await;
    let large = bench.start(ENDLESS);
    futures::pin_mut!(large);
    while bench.engine.gauges().running == 0 {
        assert!(futures::poll!(&mut large).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.value("SELECT 1").await, "1");
}

#[tokio::test]
async fn a_query_over_its_memory_is_stopped_and_sorting_goes_to_disk() {
    let tight = EngineConfig { memory_bytes_per_query: 2 << 20, ..small() };
    let bench = bench(tight).await;
    let error = bench
        .error("SELECT array_agg(value::text || repeat('x', 100)) FROM generate_series(1, 200000)")
        .await;
    assert_eq!(error.kind(), ErrorKind::MemoryLimit, "{error:?}");
    assert!(error.to_string().contains("2 MB"), "{error}");
    until_idle(&bench).await;
}

#[tokio::test]
async fn texts_that_are_collected_count_with_all_their_bytes() {
    let tight = EngineConfig { memory_bytes_per_query: 16 << 20, ..small() };
    let bench = bench(tight).await;
    // 40,000 views are 640 kB, and the texts behind them 20 MB.
    let texts =
        "(SELECT value, repeat('x', 500) || value::text AS t FROM generate_series(1, 40000))";
    for sql in [
        format!("SELECT array_length(array_agg(t)) FROM {texts}"),
        format!("SELECT array_length(array_agg(DISTINCT t)) FROM {texts}"),
        format!("SELECT array_length(array_agg(t ORDER BY value DESC)) FROM {texts}"),
        format!("SELECT array_length(array_agg(make_array(t))) FROM {texts}"),
        format!("SELECT array_length(array_agg(named_struct('t', t))) FROM {texts}"),
        format!("SELECT value / 1000000, array_length(array_agg(t)) FROM {texts} GROUP BY 1"),
        format!("SELECT length(string_agg(t, ',')) FROM {texts}"),
        format!("SELECT length(string_agg(DISTINCT t, ',')) FROM {texts}"),
        format!("SELECT value / 1000000, length(string_agg(t, ',')) FROM {texts} GROUP BY 1"),
    ] {
        let error = bench.error(&sql).await;
        assert_eq!(error.kind(), ErrorKind::MemoryLimit, "{sql}: {error:?}");
        until_idle(&bench).await;
    }
    // What is grouped may go to disk in time, which depends on how the threads meet.
    let distinct = format!("SELECT count(DISTINCT t) FROM {texts}");
    match bench.batches(&distinct).await {
        Ok(batches) => {
            let counted = batches[0].column(0).as_primitive::<Int64Type>();
            assert_eq!(counted.values(), &[40_000]);
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::MemoryLimit, "{distinct}: {error:?}"),
    }
    until_idle(&bench).await;
    let small = "SELECT array_to_string(array_agg(x ORDER BY x DESC), '/') FROM (VALUES ('余市'), ('a'), (NULL)) AS t(x)";
    assert_eq!(bench.value(small).await, "余市/a");
    let stations = "SELECT array_agg(DISTINCT station ORDER BY station) FROM otaru.river";
    assert_eq!(bench.value(stations).await, "[a, b, c, d]");
    let grouped =
        "SELECT array_length(array_agg(level)) AS n FROM otaru.river GROUP BY station LIMIT 1";
    assert_eq!(bench.value(grouped).await, "2000");
    let first = "SELECT array_agg(station) FILTER (WHERE level = 0) FROM otaru.river";
    assert_eq!(bench.value(first).await, "[a]");
}

#[tokio::test]
async fn spilling_is_bounded_too() {
    let tight = EngineConfig {
        memory_bytes_per_query: 16 << 20,
        spill_bytes_per_query: 1 << 10,
        target_partitions: 1,
        ..small()
    };
    let sql = "SELECT value, repeat('x', 100) AS t FROM generate_series(1, 300000) ORDER BY value % 1000, value";
    let bounded = bench(tight.clone()).await;
    let error = bounded.error(sql).await;
    assert_eq!(error.kind(), ErrorKind::MemoryLimit, "{error:?}");
    assert!(error.to_string().contains("disk"), "{error}");
    let roomy = bench(EngineConfig { spill_bytes_per_query: 1 << 30, ..tight }).await;
    let rows: usize = roomy.batches(sql).await.unwrap().iter().map(|b| b.num_rows()).sum();
    assert_eq!(rows, 300_000);
}

#[tokio::test]
async fn an_answer_over_its_size_ends_with_an_error_and_not_early() {
    let by_rows = bench(EngineConfig { max_output_rows: Some(10_000), ..small() }).await;
    let stream = by_rows.start("SELECT value FROM generate_series(1, 100000)").await.unwrap();
    let result: Result<Vec<_>, _> = stream.try_collect().await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutputLimit);
    assert!(error.to_string().contains("10000 rows"), "{error}");
    assert!(by_rows.batches("SELECT value FROM generate_series(1, 10000)").await.is_ok());
    let by_bytes = bench(EngineConfig { max_output_bytes: Some(100_000), ..small() }).await;
    let error = by_bytes.error("SELECT value FROM generate_series(1, 100000)").await;
    assert_eq!(error.kind(), ErrorKind::OutputLimit);
}

#[tokio::test]
async fn a_query_too_many_waits_or_is_told_so() {
    let one = EngineConfig {
        max_running: 1,
        max_waiting: 1,
        max_wait: Duration::from_secs(600),
        ..small()
    };
    let bench = bench(one).await;
    let running = bench.start("SELECT value FROM generate_series(1, 10000000)").await.unwrap();
    let waiting = bench.start("SELECT 1");
    futures::pin_mut!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    let error = bench.error("SELECT 2").await;
    assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
    drop(running);
    assert!(waiting.await.is_ok());
    let brief = EngineConfig { max_running: 1, max_wait: Duration::from_millis(1), ..small() };
    let bench = self::bench(brief).await;
    let _running = bench.start("SELECT value FROM generate_series(1, 10000000)").await.unwrap();
    assert_eq!(bench.error("SELECT 2").await.kind(), ErrorKind::Busy);
}

#[tokio::test]
async fn a_reader_that_stops_reading_frees_the_place() {
    let brief = EngineConfig { stall_limit: Duration::from_millis(20), ..small() };
    let bench = bench(brief).await;
    let mut stream = bench.start("SELECT value FROM generate_series(1, 10000000)").await.unwrap();
    until_idle(&bench).await;
    let mut last = None;
    while let Some(item) = stream.next().await {
        last = Some(item);
    }
    let error = last.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimeLimit);
    assert!(error.to_string().contains("not read"), "{error}");
}

#[tokio::test]
async fn a_store_that_fails_is_told_apart_from_a_fault() {
    let mut bench = bench(small()).await;
    let mut files = bench.tables[0].snapshot.files.to_vec();
    files[0].path = object_store::path::Path::from("gone.parquet");
    bench.tables[0].snapshot.files = files.into();
    let error = bench.error("SELECT sum(level) FROM otaru.river").await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(!error.to_string().contains("gone"), "{error}");
}
