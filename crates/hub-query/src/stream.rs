//! An answer as it is made: the work runs on the engine's own runtime and hands batches over through a
//! short channel; dropping the stream stops the work.

mod shape;

use std::{
    collections::HashMap,
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use arrow::array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::{
    execution::TaskContext,
    physical_plan::{ExecutionPlan, execute_stream},
};
use futures::{Stream, StreamExt};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::AbortHandle,
    time::{Sleep, timeout},
};

pub(crate) use shape::{Shape, plain};

use crate::{
    classify::{self, classify},
    error::QueryError,
    limits::OutputBudget,
    units::Unit,
};

/// How many finished batches wait for a slow reader.
const WAITING_BATCHES: usize = 2;

/// How much longer than its limit a query is waited for, in case it does not notice the limit itself.
const GRACE: Duration = Duration::from_millis(1_000);

/// A running query's answer, batch by batch, in the order of the query. Empty batches do not occur. An
/// error is the last item, and an answer without an error is whole.
#[derive(Debug)]
pub struct QueryStream {
    schema: SchemaRef,
    first: Option<RecordBatch>,
    receiver: mpsc::Receiver<Message>,
    failure: Arc<OnceLock<QueryError>>,
    time_limit: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    ended: bool,
    rows: Arc<AtomicU64>,
    runtime: Handle,
    scratch: Option<PathBuf>,
    _work: Option<AbortOnDrop>,
}

impl QueryStream {
    /// The columns of the answer, with what their contracts say of them as field metadata.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Counts the rows that were taken of the answer, also once it is taken by somebody else.
    pub fn row_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.rows)
    }

    /// The one number of an answer that counts something.
    pub async fn number(mut self) -> Result<u64, QueryError> {
        while let Some(batch) = self.next().await.transpose()? {
            let column = batch
                .columns()
                .first()
                .and_then(|column| column.as_any().downcast_ref::<arrow::array::Int64Array>());
            if let Some(column) = column.filter(|column| !column.is_empty()) {
                return Ok(column.value(0).unsigned_abs());
            }
        }
        Err(QueryError::internal("a count has no number"))
    }

    /// The runtime that the answer is made on; encoding it is work of the same kind.
    pub(crate) fn runtime(&self) -> Handle {
        self.runtime.clone()
    }

    /// Where temporary files of the answer go; the system's folder for them where there is none.
    pub(crate) fn scratch(&self) -> Option<PathBuf> {
        self.scratch.clone()
    }

    /// An answer that is there already. Nothing works for it.
    pub(crate) fn of_batch(batch: RecordBatch, runtime: Handle, time_limit: Duration) -> Self {
        Self {
            schema: batch.schema(),
            first: Some(batch).filter(|batch| batch.num_rows() > 0),
            receiver: mpsc::channel(1).1,
            failure: Arc::new(OnceLock::new()),
            time_limit,
            waiting: None,
            ended: true,
            rows: Arc::default(),
            runtime,
            scratch: None,
            _work: None,
        }
    }

    /// Takes the rows of an answer that is there already, where they are no more than this; none where more
    /// is to come.
    pub(crate) fn take_whole(&mut self, max_rows: usize) -> Option<Option<RecordBatch>> {
        if !self.ended || self.first.as_ref().is_some_and(|batch| batch.num_rows() > max_rows) {
            return None;
        }
        let batch = self.first.take();
        let rows = batch.as_ref().map_or(0, RecordBatch::num_rows);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        Some(batch)
    }

    /// An answer whose batches come from elsewhere.
    pub(crate) fn of_stream(
        schema: SchemaRef,
        batches: impl Stream<Item = Result<RecordBatch, QueryError>> + Send + 'static,
        runtime: Handle,
        time_limit: Duration,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_BATCHES);
        let failure = Arc::new(OnceLock::new());
        let work = {
            let failure = Arc::clone(&failure);
            runtime.spawn(async move {
                let mut batches = std::pin::pin!(batches);
                while let Some(batch) = batches.next().await {
                    match batch {
                        Ok(batch) if batch.num_rows() == 0 => {}
                        Ok(batch) => {
                            if sender.send(Message::Batch(batch)).await.is_err() {
                                return;
                            }
                        }
                        Err(error) => {
                            let _ = failure.set(error);
                            return;
                        }
                    }
                }
                // A reader that has gone needs no end.
                let _ = sender.send(Message::Done).await;
            })
        };
        Self {
            schema,
            first: None,
            receiver,
            failure,
            time_limit,
            waiting: None,
            ended: false,
            rows: Arc::default(),
            runtime,
            scratch: None,
            _work: Some(AbortOnDrop(work.abort_handle())),
        }
    }
}

/// Stops a task when it is dropped.
#[derive(Debug)]
pub(crate) struct AbortOnDrop(AbortHandle);

impl AbortOnDrop {
    pub(crate) fn new(task: AbortHandle) -> Self {
        Self(task)
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug)]
enum Message {
    Begun(SchemaRef),
    Batch(RecordBatch),
    Done,
}

/// What bounds one query's work.
#[derive(Debug, Clone)]
pub(crate) struct WorkLimits {
    pub(crate) time: Duration,
    pub(crate) stall: Duration,
    pub(crate) output: OutputBudget,
    /// Where temporary files go.
    pub(crate) scratch: Option<PathBuf>,
}

/// A plan that is ready to run.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    pub(crate) context: Arc<TaskContext>,
    pub(crate) said: Said,
}

/// What is said of an answer and is not in its plan.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Labels to show otherwise: as planned, and as shown.
    pub(crate) labels: Vec<(String, String)>,
    /// The columns' units; those that the plan's fields carry where there are none.
    pub(crate) units: Option<Vec<Unit>>,
    /// What else there is to say, as metadata of the answer's schema.
    pub(crate) metadata: HashMap<String, String>,
}

impl Planned {
    /// A plan of whose answer nothing else is said.
    pub(crate) fn new(plan: Arc<dyn ExecutionPlan>, context: Arc<TaskContext>) -> Self {
        Self { plan, context, said: Said::default() }
    }
}

/// Runs `plan` on `runtime` and waits for the first batch, so that whatever fails early is an error here.
/// `guard` lives as long as the work.
pub(crate) async fn start<G: Send + 'static>(
    runtime: &Handle,
    planning: impl Future<Output = Result<Planned, QueryError>> + Send + 'static,
    errors: classify::Context,
    limits: WorkLimits,
    guard: G,
) -> Result<QueryStream, QueryError> {
    let (sender, receiver) = mpsc::channel(WAITING_BATCHES);
    let failure = Arc::new(OnceLock::new());
    let time_limit = limits.time;
    let scratch = limits.scratch.clone();
    let work = {
        let failure = Arc::clone(&failure);
        async move {
            if let Err(error) = work(planning, &errors, limits, &sender).await {
                // The reader looks here when the channel ends without `Done`.
                let _ = failure.set(error);
            }
            drop(guard);
        }
    };
    let mut stream = QueryStream {
        schema: SchemaRef::new(arrow_schema::Schema::empty()),
        first: None,
        receiver,
        failure,
        time_limit,
        waiting: None,
        ended: false,
        rows: Arc::default(),
        runtime: runtime.clone(),
        scratch,
        _work: Some(AbortOnDrop(runtime.spawn(work).abort_handle())),
    };
    stream.first = stream.next().await.transpose()?;
    // It is taken once more, by whoever asked.
    stream.rows.store(0, Ordering::Relaxed);
    Ok(stream)
}

/// Time that counts: that of the work, not that of waiting for the reader.
struct Clock {
    limit: Duration,
    left: Duration,
}

impl Clock {
    async fn run<T>(&mut self, work: impl Future<Output = T>) -> Result<T, QueryError> {
        let begun = Instant::now();
        let result = timeout(self.left, work).await;
        self.left = self.left.saturating_sub(begun.elapsed());
        result.map_err(|_| QueryError::time_limit(self.limit))
    }
}

async fn work(
    planning: impl Future<Output = Result<Planned, QueryError>>,
    errors: &classify::Context,
    mut limits: WorkLimits,
    sender: &mpsc::Sender<Message>,
) -> Result<(), QueryError> {
    let mut clock = Clock { limit: limits.time, left: limits.time };
    let stall = limits.stall;
    let send = async |message| {
        let stall_ms = u64::try_from(stall.as_millis()).unwrap_or(u64::MAX);
        match timeout(stall, sender.send(message)).await {
            Ok(Ok(())) => Ok(()),
            // The reader has gone, and nobody sees this.
            Ok(Err(_)) => Err(QueryError::internal("the reader has gone")),
            Err(_) => Err(QueryError::ReaderStalled { limit_ms: stall_ms }),
        }
    };
    let planned = clock.run(planning).await??;
    let shape = Shape::new(&planned.plan.schema(), planned.said);
    let mut batches =
        execute_stream(planned.plan, planned.context).map_err(|error| classify(&error, errors))?;
    // It is told with the first rows, for which the reader waits: each word alone wakes it once.
    let mut schema = Some(shape.schema());
    while let Some(batch) = clock.run(batches.next()).await? {
        let batch = batch.map_err(|error| classify(&error, errors))?;
        if batch.num_rows() == 0 {
            continue;
        }
        for part in shape.parts(&batch) {
            let part = shape.apply(part).map_err(|error| classify(&error.into(), errors))?;
            limits.output.take(&part)?;
            if let Some(schema) = schema.take() {
                send(Message::Begun(schema)).await?;
            }
            send(Message::Batch(part)).await?;
        }
    }
    if let Some(schema) = schema {
        send(Message::Begun(schema)).await?;
    }
    send(Message::Done).await
}

impl Stream for QueryStream {
    type Item = Result<RecordBatch, QueryError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(batch) = self.first.take() {
            self.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            return Poll::Ready(Some(Ok(batch)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        loop {
            match self.receiver.poll_recv(context) {
                Poll::Ready(Some(Message::Begun(schema))) => {
                    self.schema = schema;
                    self.waiting = None;
                }
                Poll::Ready(Some(Message::Batch(batch))) => {
                    self.waiting = None;
                    self.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
                    return Poll::Ready(Some(Ok(batch)));
                }
                Poll::Ready(Some(Message::Done)) => {
                    self.ended = true;
                    return Poll::Ready(None);
                }
                Poll::Ready(None) => {
                    self.ended = true;
                    let error = self.failure.get().cloned();
                    return Poll::Ready(Some(Err(error.unwrap_or_else(|| {
                        QueryError::internal("the work ended without a word")
                    }))));
                }
                Poll::Pending => break,
            }
        }
        // Work that never yields cannot notice its limit; the reader is told all the same.
        let patience = self.time_limit + GRACE;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        if waiting.as_mut().poll(context).is_ready() {
            self.ended = true;
            return Poll::Ready(Some(Err(QueryError::time_limit(self.time_limit))));
        }
        Poll::Pending
    }
}
