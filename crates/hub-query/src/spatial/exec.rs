//! The operator: one side is collected into an R-tree once, the other streams past it in all its
//! partitions.

use std::{fmt, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array,
        new_null_array,
    },
    compute::{concat_batches, filter, take},
    datatypes::SchemaRef,
};
use datafusion::{
    common::{JoinSide, Result, internal_err, tree_node::TreeNodeRecursion},
    execution::{TaskContext, memory_pool::MemoryConsumer},
    physical_expr::EquivalenceProperties,
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, Distribution, ExecutionPlan,
        ExecutionPlanProperties, InputDistributionRequirements, Partitioning, PhysicalExpr,
        PlanProperties, ReplaceChildrenOptions, SendableRecordBatchStream, apply_expression_roots,
        coalesce_partitions::CoalescePartitionsExec,
        execution_plan::{Boundedness, EmissionType},
        joins::{
            NestedLoopJoinExec,
            utils::{ColumnIndex, JoinFilter, build_join_schema},
        },
        metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, stream};
use tokio::sync::OnceCell;

use super::{
    near::{Held, Place},
    recognise::Condition,
};

/// After so many comparisons other work gets its turn.
const COMPARISONS: usize = 1_024;

/// Which rows of the side that streams are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Each with each match.
    Pairs,
    /// The same, and those without a match.
    All,
    /// Those with a match, once.
    Matched,
    /// Those without.
    Unmatched,
}

/// A join by place.
#[derive(Debug)]
pub(crate) struct SpatialJoinExec {
    shared: Arc<Shared>,
    held: Arc<dyn ExecutionPlan>,
    probe: Arc<dyn ExecutionPlan>,
    collected: Arc<OnceCell<Arc<Held>>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// What all partitions of a join have in common.
#[derive(Debug)]
struct Shared {
    condition: Condition,
    /// The condition of place as it was written.
    said: String,
    residual: Option<JoinFilter>,
    keeps: Keeps,
    probe_side: JoinSide,
    schema: SchemaRef,
    columns: Vec<ColumnIndex>,
}

impl SpatialJoinExec {
    pub(super) fn new(
        join: &NestedLoopJoinExec,
        keeps: Keeps,
        probe_side: JoinSide,
        condition: Condition,
        residual: Option<JoinFilter>,
        said: String,
    ) -> Result<Self> {
        let (left, right) = (join.left(), join.right());
        let (_, columns) = build_join_schema(&left.schema(), &right.schema(), join.join_type());
        let columns = match join.projection() {
            Some(projection) => {
                projection.iter().filter_map(|place| columns.get(*place).cloned()).collect()
            }
            None => columns,
        };
        let (probe, held) = match probe_side {
            JoinSide::Left => (left, right),
            _ => (right, left),
        };
        let shared =
            Shared { condition, said, residual, keeps, probe_side, schema: join.schema(), columns };
        Ok(Self::over(Arc::new(shared), Arc::clone(held), Arc::clone(probe)))
    }

    fn over(
        shared: Arc<Shared>,
        held: Arc<dyn ExecutionPlan>,
        probe: Arc<dyn ExecutionPlan>,
    ) -> Self {
        let held = if held.output_partitioning().partition_count() > 1 {
            Arc::new(CoalescePartitionsExec::new(held)) as Arc<dyn ExecutionPlan>
        } else {
            held
        };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&shared.schema)),
            Partitioning::UnknownPartitioning(probe.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            shared,
            held,
            probe,
            collected: Arc::default(),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for SpatialJoinExec {
    fn fmt_as(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { said, residual, keeps, .. } = self.shared.as_ref();
        match form {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "SpatialJoinExec: on={said}, keeps={keeps:?}")?;
                match residual {
                    Some(residual) => write!(f, ", filter={}", residual.expression()),
                    None => Ok(()),
                }
            }
            DisplayFormatType::TreeRender => writeln!(f, "on={said}"),
        }
    }
}

impl ExecutionPlan for SpatialJoinExec {
    fn name(&self) -> &'static str {
        "SpatialJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![
            Distribution::SinglePartition,
            Distribution::UnspecifiedDistribution,
        ])
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.held, &self.probe]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let Shared { condition, residual, .. } = self.shared.as_ref();
        let places = condition.held.expressions().into_iter().chain(condition.probe.expressions());
        apply_expression_roots(places.chain(residual.iter().map(JoinFilter::expression)), f)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([held, probe]) = <[Arc<dyn ExecutionPlan>; 2]>::try_from(children) else {
            return internal_err!("a join has two inputs");
        };
        Ok(Arc::new(Self::over(Arc::clone(&self.shared), held, probe)))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let probing = Probing {
            shared: Arc::clone(&self.shared),
            held: Arc::clone(&self.held),
            collected: Arc::clone(&self.collected),
            input: self.probe.execute(partition, Arc::clone(&context))?,
            rows: context.session_config().batch_size().max(1),
            context,
            current: None,
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = stream::unfold(probing, |mut probing| async move {
            let batch = probing.next().await.transpose()?;
            Some((batch, probing))
        });
        // After an error nothing more comes.
        let batches = batches.scan(false, |failed, batch| {
            let ended = *failed;
            *failed |= batch.is_err();
            std::future::ready((!ended).then_some(batch))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.shared.schema), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// One partition at work.
struct Probing {
    shared: Arc<Shared>,
    held: Arc<dyn ExecutionPlan>,
    collected: Arc<OnceCell<Arc<Held>>>,
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
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
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

    /// Collects the side that is held, once for all partitions.
    async fn collect(&mut self) -> Result<Arc<Held>> {
        let (plan, context) = (Arc::clone(&self.held), Arc::clone(&self.context));
        let shared = Arc::clone(&self.shared);
        let collected = Arc::clone(&self.collected);
        let held = collected.get_or_try_init(|| async move {
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
        });
        held.await.cloned()
    }

    /// Works on until there are rows for a batch, or the batch that streams is done.
    async fn advance(&mut self, held: &Held, current: &mut Current) -> Result<Option<RecordBatch>> {
        let test = self.shared.condition.test;
        let (mut held_rows, mut probe_rows) = (Vec::new(), Vec::new());
        let mut compared = 0;
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
                if held.meets(test, candidate, place) {
                    held_rows.push(candidate);
                    probe_rows.push(u32::try_from(row).unwrap_or(u32::MAX));
                }
                compared += 1;
                if compared % COMPARISONS == 0 {
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
