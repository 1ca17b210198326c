//! The newest row of each series, against the same found by hand; and how little is read for it.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use arrow::{array::RecordBatch, compute::concat_batches};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{TryStreamExt, stream::BoxStream};
use hub_lake::{Lake, SnapshotAt, WithdrawRequest};
use hub_model::{UploadId, UploadMode, Withdrawal};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};
use proptest::prelude::*;

use crate::{
    FilterOperator, FilterValue, LatestRequest, QueryEngine, ReadableTable, RowFilter,
    tests::{
        rollups::{Pair, Reading, rows, series, step},
        support::{APRIL, HOUR, small},
    },
};

const DAY: i64 = 24 * HOUR;

impl Pair {
    async fn latest(
        &self,
        engine: &QueryEngine,
        at: SnapshotAt,
        filters: Vec<RowFilter>,
    ) -> Vec<Vec<String>> {
        let snapshot = self.lake.snapshot(&self.id, at).await.unwrap();
        let table = ReadableTable { contract: Arc::clone(&self.contract), snapshot };
        let select = ["観測所", "時刻", "水位", "cars", "quality"].map(str::to_owned).to_vec();
        let request = LatestRequest { table, select: Some(select), filters, with_quality: true };
        let stream = engine.latest(request).await.unwrap();
        let schema = stream.schema();
        let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
        rows(&concat_batches(&schema, &batches).unwrap())
    }

    /// By going through all rows.
    async fn latest_by_hand(&self, at: SnapshotAt) -> Vec<Vec<String>> {
        let all = "SELECT 観測所, 時刻, 水位, cars, quality FROM with_quality('otaru.gauges')";
        let all = rows(&self.run(&self.without, all, at).await);
        // Texts of instants are in the order of these, but for their fractions of seconds.
        let instant = |row: &Vec<String>| {
            chrono::DateTime::parse_from_rfc3339(&row[1]).unwrap().timestamp_micros()
        };
        let mut newest: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in all {
            match newest.get(&row[0]) {
                Some(known) if instant(known) >= instant(&row) => {}
                _ => {
                    newest.insert(row[0].clone(), row);
                }
            }
        }
        newest.into_values().collect()
    }
}

fn only(station: &str) -> RowFilter {
    RowFilter {
        column: "station".to_owned(),
        operator: FilterOperator::Eq,
        value: FilterValue::One(station.to_owned()),
    }
}

/// A condition that every row fulfils, and that the newest times alone can't tell of.
fn any_time() -> RowFilter {
    RowFilter {
        column: "time".to_owned(),
        operator: FilterOperator::IsNotNull,
        value: FilterValue::None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn the_latest_rows_are_those_found_by_hand(
        label in prop::sample::select(vec!["start", "end"]),
        steps in prop::collection::vec(step(), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pair = Pair::new(label).await;
            let mut versions = vec![SnapshotAt::Latest];
            for (number, step) in steps.into_iter().enumerate() {
                let record = pair.take(number, step).await;
                versions.extend(record.map(|record| SnapshotAt::Log(record.log_version)));
                // What is remembered of files must hold for every version that they are part of.
                for at in versions.iter().rev().take(2) {
                    let expected = pair.latest_by_hand(*at).await;
                    assert_eq!(pair.latest(&pair.with, *at, vec![]).await, expected);
                    assert_eq!(pair.latest(&pair.without, *at, vec![]).await, expected);
                    assert_eq!(pair.latest(&pair.with, *at, vec![any_time()]).await, expected);
                    let of_one = expected.iter().filter(|row| row[0] == "a").cloned();
                    let of_one: Vec<_> = of_one.collect();
                    assert_eq!(pair.latest(&pair.with, *at, vec![only("a")]).await, of_one);
                }
            }
        });
    }
}

#[tokio::test]
async fn the_latest_row_follows_revisions_and_withdrawals_whatever_its_quality() {
    let pair = Pair::new("start").await;
    let first = series("余市", APRIL, 144);
    pair.publish(UploadMode::Append, &first, true).await;
    // A doubtful one is the newest: cars of 5 stand for that.
    let newer: Vec<Reading> = vec![("余市".to_owned(), APRIL + DAY, Some(7.5), Some(5))];
    let second = pair.publish(UploadMode::Upsert, &newer, true).await;
    let latest = || pair.latest(&pair.with, SnapshotAt::Latest, vec![]);
    let doubtful = ["余市", "2024-04-02T00:00:00+09:00", "7.5", "5", "doubtful"];
    assert_eq!(latest().await, [doubtful]);
    // The same row again with another value, in the place of the first.
    let corrected: Vec<Reading> = vec![("余市".to_owned(), APRIL + DAY, Some(6.5), Some(0))];
    pair.publish(UploadMode::Upsert, &corrected, true).await;
    assert_eq!(latest().await[0][2..], ["6.5", "0", "normal"]);
    // A file that is replaced by an older one leaves nothing behind.
    let replaced = pair.publish(UploadMode::Replace, &first, true).await;
    assert_eq!(latest().await[0][1], "2024-04-01T23:50:00+09:00");
    let at = SnapshotAt::Log(second.log_version);
    assert_eq!(pair.latest(&pair.with, at, vec![]).await, [doubtful]);
    let later = pair.publish(UploadMode::Append, &series("朝里", APRIL, 3), true).await;
    assert_eq!(latest().await.len(), 2);
    // Taken back, the version before is seen again.
    let withdrawal = Withdrawal {
        version: later.number,
        restores: replaced.number,
        reason: "別の観測所の値".to_owned(),
    };
    let request = WithdrawRequest {
        id: UploadId::generate(),
        newest: later.number,
        withdrawal,
        restore_from: Some(replaced.log_version),
        keeps_rows: false,
        by: "staff".to_owned(),
        at: later.committed_at,
    };
    pair.lake.withdraw(&pair.id, &request).await.unwrap();
    assert_eq!(latest().await.len(), 1);
    assert_eq!(latest().await, pair.latest_by_hand(SnapshotAt::Latest).await);
}

/// A store that counts what is read of it.
#[derive(Debug)]
struct Counted {
    inner: Arc<InMemory>,
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counted")
    }
}

impl Counted {
    fn taken(&self) -> (u64, u64) {
        (self.requests.swap(0, Ordering::SeqCst), self.bytes.swap(0, Ordering::SeqCst))
    }

    fn count(&self, bytes: u64) {
        self.requests.fetch_add(1, Ordering::SeqCst);
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }
}

#[async_trait]
impl ObjectStore for Counted {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let found = self.inner.get_opts(location, options).await?;
        self.count(found.range.end - found.range.start);
        Ok(found)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        ranges.iter().for_each(|range| self.count(range.end - range.start));
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A dataset in so many files, of each station so many readings in each; one station ended in the first.
async fn many_files(files: i64, stations: i64, readings: i64) -> (Pair, QueryEngine, Arc<Counted>) {
    let inner = Arc::new(InMemory::new());
    let pair = Pair::on(Lake::on_store(Arc::<InMemory>::clone(&inner)), "start");
    pair.lake.create(&pair.id, &pair.contract).await.unwrap();
    for file in 0..files {
        let from = APRIL + file * readings * HOUR / 6;
        let names = (0..stations).map(|station| format!("s{station:03}"));
        let ended = (file == 0).then(|| "ended".to_owned());
        let rows: Vec<Reading> =
            names.chain(ended).flat_map(|name| series(&name, from, readings)).collect();
        pair.publish(UploadMode::Append, &rows, true).await;
    }
    let counted =
        Arc::new(Counted { inner, requests: AtomicU64::new(0), bytes: AtomicU64::new(0) });
    let engine = QueryEngine::new(small(), Arc::<Counted>::clone(&counted)).unwrap();
    (pair, engine, counted)
}

#[tokio::test]
async fn the_latest_rows_are_read_from_the_files_that_have_them() {
    let (pair, engine, counted) = many_files(30, 10, 60).await;
    let expected = pair.latest_by_hand(SnapshotAt::Latest).await;
    assert_eq!(expected.len(), 11);
    let scanned = || engine.gauges().files_scanned;
    assert_eq!(pair.latest(&engine, SnapshotAt::Latest, vec![]).await, expected);
    // The first file for the station that ended, and the last for all others.
    assert_eq!(scanned(), 2);
    counted.taken();
    assert_eq!(pair.latest(&engine, SnapshotAt::Latest, vec![]).await, expected);
    let (requests, known_bytes) = counted.taken();
    assert!(requests < 30, "{requests} requests, of fewer files than there are");
    // A further file is looked at, and no other again.
    let more = series("s000", APRIL + 30 * 60 * HOUR / 6, 60);
    pair.publish(UploadMode::Append, &more, true).await;
    let expected = pair.latest_by_hand(SnapshotAt::Latest).await;
    assert_eq!(pair.latest(&engine, SnapshotAt::Latest, vec![]).await, expected);
    let (requests, _) = counted.taken();
    assert!(requests < 60, "{requests} requests");
    // Through the rows all files are asked.
    let before = scanned();
    assert_eq!(pair.latest(&engine, SnapshotAt::Latest, vec![any_time()]).await, expected);
    assert!(scanned() - before >= 31, "{}", scanned() - before);
    assert!(counted.taken().1 > 4 * known_bytes);
}

/// Each asks for the newest row of each station, or of some of them, and for nothing else.
const NEWEST_OF_EACH: [&str; 6] = [
    "SELECT DISTINCT ON (観測所) 観測所, 時刻, 水位, cars, quality FROM otaru.gauges \
     ORDER BY 観測所, 時刻 DESC",
    "SELECT g.station, g.level FROM (SELECT DISTINCT ON (station) station, time, 水位 AS level \
     FROM otaru.gauges ORDER BY station, time DESC) g ORDER BY 1",
    "SELECT station, last_value(水位 ORDER BY time) AS level, max(time) AS time \
     FROM otaru.gauges GROUP BY station ORDER BY station",
    "SELECT station, first_value(cars ORDER BY time DESC) FROM otaru.gauges \
     WHERE station <> 'b' GROUP BY 1 ORDER BY 1",
    "SELECT n.station, g.time FROM (VALUES ('a'), ('b')) AS n(station) \
     JOIN (SELECT DISTINCT ON (station) * FROM otaru.gauges ORDER BY station, time DESC) g \
     ON g.station = n.station ORDER BY 1",
    "WITH last AS (SELECT DISTINCT ON (station) station, quality FROM with_quality('otaru.gauges') \
     ORDER BY station, time DESC) SELECT * FROM last ORDER BY station",
];

/// Each looks like those, and an older row may be its answer.
const NOT_THE_NEWEST: [&str; 9] = [
    "SELECT DISTINCT ON (station) station, time FROM otaru.gauges WHERE 水位 > 3 \
     ORDER BY station, time DESC",
    "SELECT DISTINCT ON (station) station, time FROM otaru.gauges ORDER BY station, time",
    "SELECT DISTINCT ON (station) station, time FROM otaru.gauges \
     ORDER BY station, 水位 DESC, time DESC",
    "SELECT station, last_value(水位 ORDER BY time) IGNORE NULLS FROM otaru.gauges GROUP BY 1 ORDER BY 1",
    "SELECT station, last_value(水位 ORDER BY time) FILTER (WHERE cars > 2) FROM otaru.gauges \
     GROUP BY 1 ORDER BY 1",
    "SELECT station, last_value(time ORDER BY time), min(time) FROM otaru.gauges GROUP BY 1 ORDER BY 1",
    "SELECT last_value(station ORDER BY time, station), max(time) FROM otaru.gauges",
    "SELECT DISTINCT ON (station) station, time FROM otaru.gauges g WHERE EXISTS \
     (SELECT 1 FROM otaru.gauges b WHERE b.station = 'b' AND b.time = g.time) \
     ORDER BY station, time DESC",
    "SELECT station, last_value(time ORDER BY time) FROM otaru.gauges g WHERE station IN \
     (SELECT b.station FROM otaru.gauges b WHERE b.time = g.time AND b.cars > 2) \
     GROUP BY 1 ORDER BY 1",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn sql_finds_the_newest_rows_and_no_others(steps in prop::collection::vec(step(), 1..5)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pair = Pair::new("start").await;
            for (number, step) in steps.into_iter().enumerate() {
                pair.take(number, step).await;
            }
            for sql in NEWEST_OF_EACH.iter().chain(&NOT_THE_NEWEST) {
                let expected = rows(&pair.run(&pair.without, sql, SnapshotAt::Latest).await);
                assert_eq!(rows(&pair.run(&pair.with, sql, SnapshotAt::Latest).await), expected, "{sql}");
            }
        });
    }
}

#[tokio::test]
async fn sql_reads_the_newest_rows_from_the_files_that_have_them() {
    let (pair, engine, _) = many_files(12, 4, 60).await;
    let scanned = || engine.gauges().files_scanned;
    for sql in NEWEST_OF_EACH {
        let before = scanned();
        let found = rows(&pair.run(&engine, sql, SnapshotAt::Latest).await);
        assert_eq!(found, rows(&pair.run(&pair.without, sql, SnapshotAt::Latest).await), "{sql}");
        // The first file for the station that ended, and the last for all others.
        assert_eq!(scanned() - before, 2, "{sql}");
    }
    for sql in NOT_THE_NEWEST {
        let before = scanned();
        let found = rows(&pair.run(&engine, sql, SnapshotAt::Latest).await);
        assert_eq!(found, rows(&pair.run(&pair.without, sql, SnapshotAt::Latest).await), "{sql}");
        assert!(scanned() - before >= 12, "{sql}");
    }
}

/// `cargo nextest run -p hub-query --run-ignored all two_million --no-capture`
#[tokio::test]
#[ignore = "it measures"]
async fn the_latest_of_two_million_rows_in_two_hundred_files() {
    let (pair, engine, counted) = many_files(200, 200, 50).await;
    for (what, filters) in [("by the newest times", vec![]), ("by all rows", vec![any_time()])] {
        for time in ["first", "again", "again"] {
            let files = engine.gauges().files_scanned;
            let start = Instant::now();
            let found = pair.latest(&engine, SnapshotAt::Latest, filters.clone()).await;
            let took = start.elapsed();
            let (requests, bytes) = counted.taken();
            let files = engine.gauges().files_scanned - files;
            println!(
                "{what}, {time}: {} rows, {took:?}, {files} files scanned, {requests} requests, {bytes} bytes",
                found.len()
            );
            assert_eq!(found.len(), 201);
        }
    }
}
