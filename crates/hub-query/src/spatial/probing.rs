//! One partition of a join by place at work: the side that streams is looked up in the one that is held.

use std::{fmt, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array,
        new_null_array,
    },
    compute::{concat_batches, filter, take},
};
use datafusion::{
    common::{DataFusionError, Result},
    execution::{TaskContext, memory_pool::MemoryConsumer},
    physical_plan::{
        ExecutionPlan, SendableRecordBatchStream,
        joins::utils::{ColumnIndex, JoinFilter},
        metrics::BaselineMetrics,
    },
};
use futures::{StreamExt, TryFutureExt};
use tokio::sync::OnceCell;

use super::{
    exec::{Keeps, Shared},
    near::{Held, Place},
};

/// The side that is held, or why it can't be.
pub(super) type Collected = Arc<OnceCell<Result<Arc<Held>, Arc<DataFusionError>>>>;

/// After so many steps other work gets its turn, and whoever left is seen to have.
const STEPS: u64 = 100_000;

/// What a comparison takes at least.
const STEPS_A_PAIR: u64 = 100;

/// One partition at work.
pub(super) struct Probing {
    shared: Arc<Shared>,
    held: Arc<dyn ExecutionPlan>,
    collected: Collected,
    input: SendableRecordBatchStream,
    /// About how many rows a batch of the answer has.
    rows: usize,
    context: Arc<TaskContext>,
    current: Option<Current>,
    metrics: BaselineMetrics,
}

/// A batch of the side that streams, part of whose rows are done.
struct Current {
    batch: RecordBatch,
    places: Vec<Option<Place>>,
    next: usize,
    /// Candidates of the next row that wait.
    waiting: Vec<u32>,
    matched: Vec<bool>,
}

impl Probing {
    pub(super) fn new(
        shared: Arc<Shared>,
        held: Arc<dyn ExecutionPlan>,
        collected: Collected,
        input: SendableRecordBatchStream,
        context: Arc<TaskContext>,
        metrics: BaselineMetrics,
    ) -> Self {
        let rows = context.session_config().batch_size().max(1);
        Self { shared, held, collected, input, rows, context, current: None, metrics }
    }

    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let held = self.collect().await?;
        loop {
            let mut current = match self.current.take() {
                Some(current) => current,
                None => {
                    let Some(batch) = self.input.next().await.transpose()? else { return Ok(None) };
                    let places = self.shared.condition.probe.places(&batch)?;
                    let matched = vec![false; batch.num_rows()];
                    Current { batch, places, next: 0, waiting: Vec::new(), matched }
                }
            };
            let answer = self.advance(&held, &mut current).await?;
            if current.next < current.places.len() || !current.waiting.is_empty() {
                self.current = Some(current);
            }
            if let Some(answer) = answer.filter(|answer| answer.num_rows() > 0) {
                self.metrics.output_rows().add(answer.num_rows());
                return Ok(Some(answer));
            }
        }
    }

    /// Collects the side that is held, once for all partitions; where that fails it does so for all of them.
    async fn collect(&mut self) -> Result<Arc<Held>> {
        let (plan, context) = (Arc::clone(&self.held), Arc::clone(&self.context));
        let shared = Arc::clone(&self.shared);
        let collected = Arc::clone(&self.collected);
        let held = async move {
            let memory = MemoryConsumer::new("SpatialJoin").register(context.memory_pool());
            let mut input = plan.execute(0, context)?;
            let mut batches = Vec::new();
            while let Some(batch) = input.next().await.transpose()? {
                // Twice, since they are put together by copying.
                memory.try_grow(2 * batch.get_array_memory_size())?;
                batches.push(batch);
            }
            let batch = concat_batches(&plan.schema(), &batches)?;
            drop(batches);
            memory.try_resize(batch.get_array_memory_size())?;
            Held::new(batch, &shared.condition.held, memory).map(Arc::new)
        };
        let held = collected.get_or_init(|| held.map_err(Arc::new)).await.clone();
        held.map_err(DataFusionError::Shared)
    }

    /// Works on until there are rows for a batch, or the batch that streams is done.
    async fn advance(&mut self, held: &Held, current: &mut Current) -> Result<Option<RecordBatch>> {
        let test = self.shared.condition.test;
        let (mut held_rows, mut probe_rows) = (Vec::new(), Vec::new());
        let mut taken = 0;
        while current.next < current.places.len() && probe_rows.len() < self.rows {
            let row = current.next;
            let Some(place) = &current.places[row] else {
                current.next += 1;
                continue;
            };
            if current.waiting.is_empty() {
                held.candidates(test, place, &mut current.waiting);
                // The first is taken from the end.
                current.waiting.reverse();
            }
            while let Some(candidate) = current.waiting.pop() {
                let (meets, steps) = held.meets(test, candidate, place)?;
                if meets {
                    held_rows.push(candidate);
                    probe_rows.push(u32::try_from(row).unwrap_or(u32::MAX));
                }
                taken += steps + STEPS_A_PAIR;
                if taken >= STEPS {
                    taken = 0;
                    tokio::task::yield_now().await;
                }
                if probe_rows.len() >= self.rows {
                    break;
                }
            }
            if current.waiting.is_empty() {
                current.next += 1;
            }
        }
        let is_done = current.next >= current.places.len() && current.waiting.is_empty();
        self.give(held, current, held_rows, probe_rows, is_done).map(Some)
    }

    /// The rows of a batch of the answer.
    fn give(
        &self,
        held: &Held,
        current: &mut Current,
        held_rows: Vec<u32>,
        probe_rows: Vec<u32>,
        is_done: bool,
    ) -> Result<RecordBatch> {
        let (mut held_rows, mut probe_rows) =
            (UInt32Array::from(held_rows), UInt32Array::from(probe_rows));
        if let Some(residual) = &self.shared.residual {
            let kept = self.residual(residual, held, current, &held_rows, &probe_rows)?;
            held_rows = filter(&held_rows, &kept)?.as_primitive().clone();
            probe_rows = filter(&probe_rows, &kept)?.as_primitive().clone();
        }
        if self.shared.keeps != Keeps::Pairs {
            for row in probe_rows.values() {
                current.matched[*row as usize] = true;
            }
        }
        let those = |matched: bool| {
            let rows = (0u32..).zip(&current.matched);
            rows.filter(|(_, is)| **is == matched).map(|(row, _)| row).collect::<UInt32Array>()
        };
        let empty = || UInt32Array::from(Vec::<u32>::new());
        match self.shared.keeps {
            Keeps::Pairs => self.answer(held, &current.batch, &held_rows, &probe_rows),
            Keeps::All if is_done => {
                let alone = those(false);
                let nulls = new_null_array(held_rows.data_type(), alone.len());
                let held_rows = arrow::compute::concat(&[&held_rows, &nulls])?;
                let probe_rows = arrow::compute::concat(&[&probe_rows, &alone])?;
                self.answer(
                    held,
                    &current.batch,
                    held_rows.as_primitive(),
                    probe_rows.as_primitive(),
                )
            }
            Keeps::All => self.answer(held, &current.batch, &held_rows, &probe_rows),
            Keeps::Matched | Keeps::Unmatched if is_done => {
                let rows = those(self.shared.keeps == Keeps::Matched);
                self.answer(held, &current.batch, &empty(), &rows)
            }
            Keeps::Matched | Keeps::Unmatched => {
                self.answer(held, &current.batch, &empty(), &empty())
            }
        }
    }

    fn residual(
        &self,
        residual: &JoinFilter,
        held: &Held,
        current: &Current,
        held_rows: &UInt32Array,
        probe_rows: &UInt32Array,
    ) -> Result<BooleanArray> {
        let columns = residual.column_indices().iter();
        let columns = columns
            .map(|column| self.column(column, held, &current.batch, held_rows, probe_rows))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(probe_rows.len()));
        let pairs =
            RecordBatch::try_new_with_options(Arc::clone(residual.schema()), columns, &options)?;
        let kept = residual.expression().evaluate(&pairs)?.into_array(pairs.num_rows())?;
        let kept = kept.as_boolean();
        // What is neither true nor false is no match.
        Ok(kept.iter().map(|kept| Some(kept == Some(true))).collect())
    }

    fn column(
        &self,
        column: &ColumnIndex,
        held: &Held,
        probe: &RecordBatch,
        held_rows: &UInt32Array,
        probe_rows: &UInt32Array,
    ) -> Result<ArrayRef> {
        let (batch, rows) = if column.side == self.shared.probe_side {
            (probe, probe_rows)
        } else {
            (&held.batch, held_rows)
        };
        Ok(take(batch.column(column.index), rows, None)?)
    }

    fn answer(
        &self,
        held: &Held,
        probe: &RecordBatch,
        held_rows: &UInt32Array,
        probe_rows: &UInt32Array,
    ) -> Result<RecordBatch> {
        let columns = self.shared.columns.iter();
        let columns = columns
            .map(|column| self.column(column, held, probe, held_rows, probe_rows))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(probe_rows.len()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.shared.schema), columns, &options)?)
    }
}

impl fmt::Debug for Probing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probing").field("shared", &self.shared).finish_non_exhaustive()
    }
}
