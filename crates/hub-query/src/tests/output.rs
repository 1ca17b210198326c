//! Each format, read back by a reader of its own.

use std::io::Cursor as Bytes;

use arrow::{array::RecordBatch, ipc::reader::StreamReader};
use futures::{StreamExt, TryStreamExt};
use hub_model::{DatasetId, ErrorKind, Source, Text};
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, file::reader::FileReader};
use serde_json::{Value, json};

use crate::{
    AnswerHeader, EncodeOptions, EngineConfig, OutputFormat, SOURCES_KEY, encode,
    tests::support::{APRIL, Bench, RIVER, river, small},
};

async fn bench() -> Bench {
    let mut bench = Bench::new(small());
    bench.add("otaru.river", RIVER, &[river(&["余市"], APRIL, 5)]).await;
    bench
}

fn header() -> AnswerHeader {
    let source = Source {
        dataset: DatasetId::parse("otaru.river").unwrap(),
        version: 3,
        committed_at: None,
        title: Text::default(),
        publisher: Text::default(),
        homepage: None,
        licence: "CC-BY-4.0".to_owned(),
        licence_url: "https://creativecommons.org/licenses/by/4.0/".to_owned(),
        attribution: "Otaru".to_owned(),
        synthetic: true,
    };
    AnswerHeader { sources: vec![source], query_id: "q-1".to_owned(), ..AnswerHeader::default() }
}

async fn bytes(bench: &Bench, sql: &str, format: OutputFormat) -> Vec<u8> {
    let stream = bench.start(sql).await.unwrap();
    let pieces: Vec<_> =
        encode(stream, format, header(), EncodeOptions::default()).try_collect().await.unwrap();
    pieces.concat()
}

const MIXED: &str = "SELECT time, level, 流量, station, 'NaN'::double AS nan, 1/3.0::double AS third, \
    DATE '2024-02-29' AS day, level > 2 AS high, [1, 2] AS list, {a: 1, b: 'x'} AS pair, \
    TIMESTAMP '2024-01-01T00:00:00.5' AS naive, 9007199254740993 AS large, 1.50::decimal(10,2) AS price \
    FROM otaru.river ORDER BY time";

#[tokio::test]
async fn json_says_what_columns_are_and_where_they_come_from() {
    let bench = bench().await;
    let sql = MIXED
        .replace("{a: 1, b: 'x'}", "named_struct('a', 1, 'b', 'x')")
        .replace("[1, 2]", "make_array(1, 2)");
    let answer: Value =
        serde_json::from_slice(&bytes(&bench, &sql, OutputFormat::Json).await).unwrap();
    assert_eq!(answer["row_count"], 5);
    assert_eq!(answer["query_id"], "q-1");
    assert_eq!(answer["sources"][0]["dataset"], "otaru.river");
    assert_eq!(
        answer["columns"][1],
        json!({"name":"level","type":"number","unit":"m","title":"水位","role":"value"})
    );
    assert_eq!(answer["columns"][0]["type"], "datetime");
    assert_eq!(answer["columns"][0]["interval"], "PT1H");
    let row = &answer["rows"][3];
    assert_eq!(
        row,
        &json!({"time":"2024-04-01T03:00:00+09:00","level":3.0,"流量":null,"station":"余市","nan":null,
            "third":0.3333333333333333,"day":"2024-02-29","high":true,"list":[1,2],
            "pair":{"a":1,"b":"x"},"naive":"2024-01-01T00:00:00.500","large":9007199254740993u64,
            "price":1.5})
    );
}

#[tokio::test]
async fn an_empty_answer_is_whole_in_every_format() {
    let bench = bench().await;
    let sql = "SELECT time, level FROM otaru.river WHERE station = 'nowhere'";
    let answer: Value =
        serde_json::from_slice(&bytes(&bench, sql, OutputFormat::Json).await).unwrap();
    assert_eq!(answer["rows"], json!([]));
    assert_eq!(answer["columns"][1]["unit"], "m");
    assert_eq!(bytes(&bench, sql, OutputFormat::NdJson).await, b"");
    assert_eq!(bytes(&bench, sql, OutputFormat::Csv).await, b"time,level\r\n");
    let stream = bytes(&bench, sql, OutputFormat::ArrowStream).await;
    assert_eq!(StreamReader::try_new(Bytes::new(stream), None).unwrap().count(), 0);
    let file = bytes::Bytes::from(bytes(&bench, sql, OutputFormat::Parquet).await);
    assert_eq!(ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().count(), 0);
}

#[tokio::test]
async fn ndjson_is_one_object_a_line() {
    let bench = bench().await;
    let text =
        bytes(&bench, "SELECT time, level FROM otaru.river ORDER BY time", OutputFormat::NdJson)
            .await;
    let rows: Vec<Value> = String::from_utf8(text)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[4], json!({"time":"2024-04-01T04:00:00+09:00","level":4.0}));
}

#[tokio::test]
async fn csv_is_read_back_and_runs_no_formula() {
    let bench = bench().await;
    let sql = "SELECT * FROM (VALUES ('=1+1', -2.5, 'a,\"b\"\r\nc', ''), (NULL, NULL, '-3', '0050')) \
               AS t(a, \"b,c\", d, e)";
    let text = bytes(&bench, sql, OutputFormat::Csv).await;
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "a,\"b,c\",d,e\r\n'=1+1,-2.5,\"a,\"\"b\"\"\r\nc\",\"\"\r\n,,-3,0050\r\n"
    );
    let stream = bench.start("SELECT 1 AS a").await.unwrap();
    let options = EncodeOptions { csv_byte_order_mark: true };
    let pieces: Vec<_> =
        encode(stream, OutputFormat::Csv, header(), options).try_collect().await.unwrap();
    assert!(pieces.concat().starts_with("\u{FEFF}a".as_bytes()));
    // A stock reader finds the same cells.
    let text =
        bytes(&bench, "SELECT time, station, level FROM otaru.river", OutputFormat::Csv).await;
    let format = arrow_csv_schema(&text);
    assert_eq!(format, ["time", "station", "level"]);
}

fn arrow_csv_schema(text: &[u8]) -> Vec<String> {
    let format = arrow::csv::reader::Format::default().with_header(true);
    let (schema, rows) = format.infer_schema(Bytes::new(text), None).unwrap();
    assert_eq!(rows, 5);
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

#[tokio::test]
async fn arrow_and_parquet_carry_types_units_and_sources() {
    let bench = bench().await;
    let sql = "SELECT time, station, level, 流量 FROM otaru.river ORDER BY time";
    let check = |batches: Vec<RecordBatch>| {
        let all = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
        assert_eq!(all.num_rows(), 5);
        assert_eq!(all.schema().field(0).data_type().to_string(), "Timestamp(µs, \"Asia/Tokyo\")");
        assert_eq!(all.schema().field(1).data_type(), &arrow_schema::DataType::Utf8);
        assert_eq!(all.schema().field(2).metadata()["unit"], "m");
    };
    let stream = bytes(&bench, sql, OutputFormat::ArrowStream).await;
    let reader = StreamReader::try_new(Bytes::new(stream), None).unwrap();
    let sources: Vec<Source> =
        serde_json::from_str(&reader.schema().metadata()[SOURCES_KEY]).unwrap();
    assert_eq!(sources, header().sources);
    check(reader.collect::<Result<_, _>>().unwrap());

    let file = bytes::Bytes::from(bytes(&bench, sql, OutputFormat::Parquet).await);
    let plain = parquet::file::reader::SerializedFileReader::new(file.clone()).unwrap();
    let said = plain.metadata().file_metadata().key_value_metadata().unwrap();
    let sources = said.iter().find(|kv| kv.key == SOURCES_KEY).unwrap().value.clone().unwrap();
    assert_eq!(serde_json::from_str::<Vec<Source>>(&sources).unwrap(), header().sources);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    check(reader.build().unwrap().collect::<Result<_, _>>().unwrap());
}

#[tokio::test]
async fn large_answers_leave_piece_by_piece() {
    let bench = bench().await;
    for format in OutputFormat::ALL {
        // A workbook is packed when all its rows are there, and then leaves piece by piece.
        let rows = if format.is_made_whole() { 60_000 } else { 300_000 };
        let sql = format!(
            "SELECT value, random() AS r, random() AS lat, 140.7 AS lon FROM generate_series(1, {rows})"
        );
        let sql = sql.as_str();
        let stream = bench.start(sql).await.unwrap();
        let mut pieces = Box::pin(encode(stream, format, header(), EncodeOptions::default()));
        let mut count = 0;
        let mut largest = 0;
        while let Some(piece) = pieces.next().await {
            count += 1;
            largest = largest.max(piece.unwrap().len());
        }
        assert!(count >= 2 && largest < 20_000_000, "{format:?}: {count} pieces up to {largest}");
    }
}

#[tokio::test]
async fn an_error_midway_is_an_error_of_the_bytes() {
    let mut bench = Bench::new(EngineConfig { max_output_rows: Some(20_000), ..small() });
    bench.add("otaru.river", RIVER, &[river(&["余市"], APRIL, 5)]).await;
    for format in OutputFormat::ALL {
        let stream = bench
            .start("SELECT value, 42.9 AS lat, 140.7 AS lon FROM generate_series(1, 100000)")
            .await
            .unwrap();
        let result: Result<Vec<_>, _> =
            encode(stream, format, header(), EncodeOptions::default()).try_collect().await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::OutputLimit, "{format:?}");
    }
}

#[tokio::test]
async fn dropping_the_bytes_stops_the_query() {
    let bench = bench().await;
    let stream = bench.start("SELECT value FROM generate_series(1, 1000000000000)").await.unwrap();
    let mut pieces =
        Box::pin(encode(stream, OutputFormat::Csv, header(), EncodeOptions::default()));
    assert!(pieces.next().await.unwrap().is_ok());
    assert_eq!(bench.engine.gauges().running, 1);
    drop(pieces);
    while bench.engine.gauges().running > 0 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn formats_are_found_by_name_and_media_type() {
    for format in OutputFormat::ALL {
        assert_eq!(OutputFormat::parse(format.name()), Some(format));
        assert_eq!(OutputFormat::of_media_type(format.media_type()), Some(format));
    }
    assert_eq!(OutputFormat::of_media_type("text/html"), None);
}
