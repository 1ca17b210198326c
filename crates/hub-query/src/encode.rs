//! Answers as bytes, batch by batch, one module a format. What is encoded is never held whole, but for a few
//! rows that are there already.

mod arrow_stream;
mod cell;
mod csv;
mod envelope;
mod geojson;
mod json;
mod ndjson;
mod parquet;
mod xlsx;

use std::{
    io::{self, Write},
    path::Path,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use ::arrow::{array::RecordBatch, datatypes::SchemaRef};
use bytes::Bytes;
use futures::{
    Stream, StreamExt,
    future::{self, Either},
    stream,
};
use hub_model::Source;
use tokio::{sync::mpsc, task::AbortHandle, time::timeout};

pub(crate) use json::describe_columns;

use crate::{error::QueryError, stream::QueryStream};

/// The key of Arrow and Parquet metadata under which the sources stand, as JSON.
pub const SOURCES_KEY: &str = "mochiyori:sources";

/// The key under which the query's id stands.
pub(crate) const QUERY_ID_KEY: &str = "mochiyori:query_id";

/// How many finished pieces wait for a slow reader.
const WAITING_PIECES: usize = 2;

/// About how many bytes a piece of an answer has. The first is as large as its first batch, so that it
/// leaves at once.
const PIECE_BYTES: usize = 1024 * 1024;

/// How long bytes that are there wait for more before they leave.
const PIECE_WAIT: Duration = Duration::from_millis(50);

/// The formats that answers are given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// One JSON object with columns, sources and rows.
    Json,
    /// One JSON object a line, rows only.
    NdJson,
    /// RFC 4180 with a header line, in UTF-8.
    Csv,
    /// Arrow's streaming format.
    ArrowStream,
    /// A Parquet file.
    Parquet,
    /// A GeoJSON FeatureCollection.
    GeoJson,
    /// An Excel workbook.
    Xlsx,
}

impl OutputFormat {
    /// Every format, in the order in which they are recommended.
    pub const ALL: [Self; 7] = [
        Self::Json,
        Self::NdJson,
        Self::Csv,
        Self::ArrowStream,
        Self::Parquet,
        Self::GeoJson,
        Self::Xlsx,
    ];

    /// The format of this name, as in `?format=`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The format of this media type, its parameters left out.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/ndjson" | "application/jsonl" => Some(Self::NdJson),
            "application/x-parquet" => Some(Self::Parquet),
            _ => Self::ALL.into_iter().find(|format| {
                format.media_type().split(';').next().unwrap_or_default() == essence
            }),
        }
    }

    /// The name used in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::NdJson => "ndjson",
            Self::Csv => "csv",
            Self::ArrowStream => "arrow",
            Self::Parquet => "parquet",
            Self::GeoJson => "geojson",
            Self::Xlsx => "xlsx",
        }
    }

    /// The media type of such an answer.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::ArrowStream => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::GeoJson => "application/geo+json",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// Whether the whole answer is made before any of it is sent, so that whatever is wrong with it can be
    /// told in its place.
    pub fn is_made_whole(self) -> bool {
        matches!(self, Self::Xlsx)
    }
}

/// What is said of an answer beside its rows.
#[derive(Debug, Clone, Default)]
pub struct AnswerHeader {
    /// The dataset versions that were read.
    pub sources: Vec<Source>,
    /// The id under which logs know the query.
    pub query_id: String,
    /// Where the answer's citation is told; empty where it is not.
    pub citation: String,
    /// Whether the answer is one of several pages.
    pub paged: bool,
    /// Where the next page begins; none after the last.
    pub next_cursor: Option<String>,
}

/// What can be chosen about a format.
#[derive(Debug, Clone, Copy, Default)]
pub struct EncodeOptions {
    /// Begin CSV with a byte order mark, which spreadsheets need to see UTF-8.
    pub csv_byte_order_mark: bool,
}

/// One format at work. It appends to `out` whatever is finished.
trait Encoder: Send {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError>;
    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError>;
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError>;

    /// What is still to be written once all else has been, where that is long work.
    fn tail(self: Box<Self>) -> Option<Tail> {
        None
    }
}

/// The rest of an answer.
type Tail = Box<dyn FnOnce(&mut (dyn Write + Send)) -> Result<(), QueryError> + Send>;

/// Rows of an answer that is there already, and is encoded where it is asked for: that is less work than
/// handing them to another thread.
const ROWS_IN_PLACE: usize = 256;

/// Encodes an answer on the engine's runtime. An error is the last item; bytes that end without one are
/// whole. Dropping the stream stops the query.
pub fn encode(
    mut answer: QueryStream,
    format: OutputFormat,
    header: AnswerHeader,
    options: EncodeOptions,
) -> impl Stream<Item = Result<Bytes, QueryError>> + Send + 'static {
    if !format.is_made_whole()
        && let Some(batch) = answer.take_whole(ROWS_IN_PLACE)
    {
        let bytes = in_place(answer.schema(), batch.as_ref(), format, &header, options);
        return Either::Left(stream::once(future::ready(bytes)));
    }
    let (sender, receiver) = mpsc::channel(WAITING_PIECES);
    let runtime = answer.runtime();
    let work = runtime.spawn(async move {
        let (schema, scratch) = (answer.schema(), answer.scratch());
        let made = encoder(schema, format, &header, options, scratch.as_deref());
        let result = match made {
            Ok(encoder) => run(encoder, answer, &sender).await,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            // A reader that has gone needs no error.
            let _ = sender.send(Piece::Failed(error)).await;
        }
    });
    Either::Right(Pieces { receiver, ended: false, work: work.abort_handle() })
}

/// A few rows at once.
fn in_place(
    schema: SchemaRef,
    batch: Option<&RecordBatch>,
    format: OutputFormat,
    header: &AnswerHeader,
    options: EncodeOptions,
) -> Result<Bytes, QueryError> {
    let mut encoder = encoder(schema, format, header, options, None)?;
    let mut out = Vec::new();
    encoder.begin(&mut out)?;
    if let Some(batch) = batch {
        encoder.batch(batch, &mut out)?;
    }
    encoder.finish(&mut out)?;
    Ok(out.into())
}

enum Piece {
    Bytes(Bytes),
    Failed(QueryError),
    Done,
}

async fn run(
    mut encoder: Box<dyn Encoder>,
    mut answer: impl Stream<Item = Result<RecordBatch, QueryError>> + Unpin,
    sender: &mpsc::Sender<Piece>,
) -> Result<(), QueryError> {
    let mut out = Vec::new();
    let send = async |out: &mut Vec<u8>| {
        if out.is_empty() {
            return Ok(());
        }
        let bytes = Bytes::from(std::mem::take(out));
        let gone = |_| QueryError::internal("the reader has gone");
        sender.send(Piece::Bytes(bytes)).await.map_err(gone)
    };
    encoder.begin(&mut out)?;
    let mut enough = 1;
    loop {
        let batch = match timeout(PIECE_WAIT, answer.next()).await {
            Ok(batch) => batch,
            Err(_) => {
                // A slow query's rows are not held back.
                send(&mut out).await?;
                answer.next().await
            }
        };
        let Some(batch) = batch else { break };
        encoder.batch(&batch?, &mut out)?;
        if out.len() >= enough {
            send(&mut out).await?;
            enough = PIECE_BYTES;
        }
    }
    encoder.finish(&mut out)?;
    send(&mut out).await?;
    if let Some(tail) = encoder.tail() {
        let mut pieces = PieceWriter { bytes: Vec::new(), sender: sender.clone() };
        // Packing waits for slow readers, which keeps no other query from running on a thread of its own.
        let work = tokio::task::spawn_blocking(move || {
            tail(&mut pieces)?;
            pieces.flush().map_err(QueryError::internal)
        });
        work.await.map_err(QueryError::internal)??;
    }
    let _ = sender.send(Piece::Done).await;
    Ok(())
}

fn encoder(
    schema: SchemaRef,
    format: OutputFormat,
    header: &AnswerHeader,
    options: EncodeOptions,
    scratch: Option<&Path>,
) -> Result<Box<dyn Encoder>, QueryError> {
    Ok(match format {
        OutputFormat::Json => Box::new(json::Json::new(schema, header)),
        OutputFormat::NdJson => Box::new(ndjson::NdJson::new(schema)),
        OutputFormat::Csv => Box::new(csv::Csv::new(schema, options.csv_byte_order_mark)),
        OutputFormat::ArrowStream => Box::new(arrow_stream::ArrowStream::new(&schema, header)?),
        OutputFormat::Parquet => Box::new(parquet::Parquet::new(&schema, header)?),
        OutputFormat::GeoJson => Box::new(geojson::GeoJson::new(schema, header)?),
        OutputFormat::Xlsx => Box::new(xlsx::Xlsx::new(schema, header, scratch)?),
    })
}

/// The sources as they stand in metadata.
fn sources_json(header: &AnswerHeader) -> Result<String, QueryError> {
    serde_json::to_string(&header.sources).map_err(QueryError::internal)
}

/// Sends what is written to it, piece by piece. A reader that has gone is an error.
struct PieceWriter {
    bytes: Vec<u8>,
    sender: mpsc::Sender<Piece>,
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let piece = Piece::Bytes(Bytes::from(std::mem::take(&mut self.bytes)));
        self.sender.blocking_send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

struct Pieces {
    receiver: mpsc::Receiver<Piece>,
    ended: bool,
    work: AbortHandle,
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Stream for Pieces {
    type Item = Result<Bytes, QueryError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(context).map(|piece| match piece {
            Some(Piece::Bytes(bytes)) => Some(Ok(bytes)),
            Some(Piece::Done) => {
                self.ended = true;
                None
            }
            Some(Piece::Failed(error)) => {
                self.ended = true;
                Some(Err(error))
            }
            None => {
                self.ended = true;
                Some(Err(QueryError::internal("encoding ended without a word")))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::arrow::array::Int64Array;

    use super::*;

    #[tokio::test]
    async fn the_first_batch_leaves_at_once_and_later_ones_together() {
        let rows: Vec<i64> = (0..8_192).map(|n| n + 1_000_000_000).collect();
        let column: ::arrow::array::ArrayRef = Arc::new(Int64Array::from(rows));
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let schema = batch.schema();
        let answer = futures::stream::iter((0..200).map(|_| Ok(batch.clone())));
        let (sender, mut receiver) = mpsc::channel(1_000);
        let (format, header) = (OutputFormat::Csv, AnswerHeader::default());
        let encoder = encoder(schema, format, &header, EncodeOptions::default(), None).unwrap();
        run(encoder, answer, &sender).await.unwrap();
        let mut sizes = Vec::new();
        while let Ok(Piece::Bytes(bytes)) = receiver.try_recv() {
            sizes.push(bytes.len());
        }
        // Ten digits and the line's end.
        assert_eq!(sizes.iter().sum::<usize>(), 3 + 200 * 8_192 * 12);
        assert_eq!(sizes[0], 3 + 8_192 * 12);
        let (_, whole) = sizes[1..].split_last().unwrap();
        let piece = PIECE_BYTES..PIECE_BYTES + 8_192 * 12;
        assert!(whole.iter().all(|size| piece.contains(size)), "{sizes:?}");
        assert!(whole.len() > 10, "{sizes:?}");
    }
}
