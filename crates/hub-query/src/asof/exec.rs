//! The operator that runs an as-of join.

use std::{fmt, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array},
    compute::{filter, filter_record_batch, take},
    datatypes::{Field, Schema, SchemaRef},
};
use datafusion::{
    common::{DataFusionError, Result, Statistics, internal_err, tree_node::TreeNodeRecursion},
    execution::{
        TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_expr::{
        EquivalenceProperties, OrderingRequirements, Partitioning, PhysicalExpr,
        equivalence::ProjectionMapping, expressions::Column,
    },
    physical_plan::{
        ChildStats, ChildrenPropertiesMode, DisplayAs, DisplayFormatType, Distribution,
        ExecutionPlan, ExecutionPlanProperties, InputDistributionRequirements, PlanProperties,
        ReplaceChildrenOptions, SendableRecordBatchStream, apply_expression_roots,
        execution_plan::{Boundedness, EmissionType},
        metrics::{
            BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, RecordOutput,
        },
        projection::ProjectionExec,
        statistics::StatisticsArgs,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, TryFutureExt, TryStreamExt, stream};
use tokio::sync::OnceCell;

use super::{
    Kind,
    lookup::{Index, own_texts},
    merge::Merge,
    sides::Matching,
};

/// How the right side is brought to the left rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is small, and held in memory.
    Lookup,
    /// Both sides are read in the order of keys and time.
    Merge,
}

/// What is made of a left row and its match.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) kind: Kind,
    schema: SchemaRef,
    /// Columns of both sides, those of the right one after those of the left one.
    columns: Vec<usize>,
    /// Columns of the left side.
    border: usize,
}

impl Output {
    pub(super) fn assemble(
        &self,
        left: &RecordBatch,
        mut right: impl FnMut(usize) -> Result<ArrayRef>,
    ) -> Result<RecordBatch> {
        let columns = self.columns.iter().map(|column| match column.checked_sub(self.border) {
            // Texts that come from all over the right side would keep it alive, and be counted with it.
            Some(column) => Ok(own_texts(&right(column)?)),
            None => Ok(Arc::clone(left.column(*column))),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(left.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

/// The right side, once it is read; every partition of the left side waits for it.
type Shared = Arc<OnceCell<Result<Arc<Index>, Arc<DataFusionError>>>>;

/// Joins every left row with the right row nearest to it in time. The output has the order of the left
/// side.
#[derive(Debug)]
pub(crate) struct AsOfJoinExec {
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    matching: Arc<Matching>,
    mode: Mode,
    projection: Option<Vec<usize>>,
    output: Output,
    index: Shared,
    metrics: ExecutionPlanMetricsSet,
    properties: Arc<PlanProperties>,
}

impl AsOfJoinExec {
    pub(super) fn new(
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        matching: impl Into<Arc<Matching>>,
        mode: Mode,
        projection: Option<Vec<usize>>,
    ) -> Result<Self> {
        let matching = matching.into();
        let both = joined_schema(&left.schema(), &right.schema(), matching.kind);
        let border = left.schema().fields().len();
        let columns =
            projection.clone().unwrap_or_else(|| (0..both.fields().len()).collect::<Vec<_>>());
        let schema = Arc::new(both.project(&columns)?);
        // Columns of the left side come first and keep their places.
        let orders = left.equivalence_properties().oeq_class().clone();
        let mut equivalences = EquivalenceProperties::new_with_orderings(Arc::clone(&both), orders);
        let mut partitioning = match mode {
            Mode::Lookup => left.output_partitioning().clone(),
            Mode::Merge => Partitioning::UnknownPartitioning(1),
        };
        if projection.is_some() {
            let mapping = ProjectionMapping::from_indices(&columns, &both)?;
            partitioning = partitioning.project(&mapping, &equivalences);
            equivalences = equivalences.project(&mapping, Arc::clone(&schema));
        }
        let properties = PlanProperties::new(
            equivalences,
            partitioning,
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            output: Output { kind: matching.kind, schema, columns, border },
            left,
            right,
            matching,
            mode,
            projection,
            index: Shared::default(),
            metrics: ExecutionPlanMetricsSet::new(),
            properties: Arc::new(properties),
        })
    }

    fn reservation(&self, partition: usize, context: &TaskContext) -> MemoryReservation {
        MemoryConsumer::new(format!("AsOfJoin[{partition}]")).register(context.memory_pool())
    }

    fn look_up(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let left = self.left.execute(partition, Arc::clone(&context))?;
        let keys = self.matching.left.converter(&left.schema())?;
        let (shared, right) = (Arc::clone(&self.index), Arc::clone(&self.right));
        let (matching, output) = (Arc::clone(&self.matching), self.output.clone());
        let memory = self.reservation(partition, &context);
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let build = MetricBuilder::new(&self.metrics).subset_time("build_time", partition);
        let rows = async move {
            let building = async {
                let _timer = build.timer();
                let built = Index::build(right, &matching, context, memory).await;
                built.map(Arc::new).map_err(Arc::new)
            };
            let index = shared.get_or_init(|| building).await.clone();
            let index = index.map_err(DataFusionError::Shared)?;
            Ok(left.map(move |batch| {
                let _timer = metrics.elapsed_compute().timer();
                let batch = batch?;
                let compared = matching.left.compared(&batch, keys.as_ref())?;
                let matches = index.matches(&compared, &matching);
                matched(&output, batch, matches, &index).record_output(&metrics)
            }))
        };
        let rows =
            rows.try_flatten_stream().try_filter(|batch| std::future::ready(batch.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    fn merge(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let left = self.left.execute(partition, Arc::clone(&context))?;
        let right = self.right.execute(partition, Arc::clone(&context))?;
        let memory = self.reservation(partition, &context);
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let (matching, output) = (Arc::clone(&self.matching), self.output.clone());
        let merge = Merge::new(matching, output, left, right, memory, metrics.clone())?;
        let rows = stream::try_unfold(merge, |mut merge| async move {
            Ok(merge.next().await?.map(|batch| (batch, merge)))
        });
        let rows = rows.inspect_ok(move |batch| metrics.record_output(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// A left batch with its matches.
fn matched(
    output: &Output,
    mut left: RecordBatch,
    mut matches: UInt32Array,
    index: &Index,
) -> Result<RecordBatch> {
    if output.kind == Kind::Inner && matches.null_count() > 0 {
        let found =
            BooleanArray::from_iter((0..matches.len()).map(|row| Some(matches.is_valid(row))));
        left = filter_record_batch(&left, &found)?;
        let kept = filter(&matches, &found)?;
        matches = arrow::array::AsArray::as_primitive(&kept).clone();
    }
    output.assemble(&left, |column| Ok(take(index.column(column), &matches, None)?))
}

fn joined_schema(left: &Schema, right: &Schema, kind: Kind) -> SchemaRef {
    let right_fields = right.fields().iter().map(|field| match kind {
        Kind::Left => Arc::new(Field::clone(field).with_nullable(true)),
        Kind::Inner => Arc::clone(field),
    });
    let fields: Vec<_> = left.fields().iter().cloned().chain(right_fields).collect();
    let mut metadata = right.metadata().clone();
    metadata.extend(left.metadata().clone());
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

impl DisplayAs for AsOfJoinExec {
    fn fmt_as(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matching = &self.matching;
        let mode = match self.mode {
            Mode::Lookup => "lookup",
            Mode::Merge => "merge",
        };
        let kind = match matching.kind {
            Kind::Left => "Left",
            Kind::Inner => "Inner",
        };
        let sign = matching.direction.sign();
        let comparison = format!("{} {sign} {}", matching.left.time, matching.right.time);
        let keys: Vec<String> = matching
            .left
            .keys
            .iter()
            .zip(&matching.right.keys)
            .map(|(left, right)| format!("({left}, {right})"))
            .collect();
        let keys = keys.join(", ");
        if form == DisplayFormatType::TreeRender {
            writeln!(f, "mode={mode}")?;
            writeln!(f, "join_type={kind}")?;
            writeln!(f, "match={comparison}")?;
            return writeln!(f, "on={keys}");
        }
        write!(f, "AsOfJoinExec: mode={mode}, join_type={kind}, match={comparison}, on=[{keys}]")?;
        if let Some(gap) = matching.gap {
            write!(f, ", within={gap}")?;
        }
        if self.projection.is_some() {
            let names: Vec<_> =
                self.output.schema.fields().iter().map(|f| f.name().as_str()).collect();
            write!(f, ", projection=[{}]", names.join(", "))?;
        }
        Ok(())
    }
}

impl ExecutionPlan for AsOfJoinExec {
    fn name(&self) -> &'static str {
        "AsOfJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(match self.mode {
            // The right side is read in all its partitions at once.
            Mode::Lookup => vec![Distribution::UnspecifiedDistribution; 2],
            Mode::Merge => vec![Distribution::SinglePartition; 2],
        })
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        match self.mode {
            Mode::Lookup => vec![None, None],
            Mode::Merge => [&self.matching.left, &self.matching.right]
                .map(|side| side.ordering().map(OrderingRequirements::from))
                .to_vec(),
        }
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true, false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        // Moving rows between partitions costs more than looking a match up.
        vec![false, false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left, &self.right]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let sides = [&self.matching.left, &self.matching.right];
        apply_expression_roots(
            sides.into_iter().flat_map(|side| side.keys.iter().chain([&side.time])),
            f,
        )
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([left, right]) = <[Arc<dyn ExecutionPlan>; 2]>::try_from(children) else {
            return internal_err!("an as-of join has two inputs");
        };
        let matching = Arc::clone(&self.matching);
        Ok(Arc::new(Self::new(left, right, matching, self.mode, self.projection.clone())?))
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
        match self.mode {
            Mode::Lookup => self.look_up(partition, context),
            Mode::Merge => self.merge(partition, context),
        }
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition), ChildStats::Skip]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        if let Some(left) = inputs.first() {
            statistics.num_rows = match self.output.kind {
                Kind::Left => left.num_rows,
                Kind::Inner => left.num_rows.to_inexact(),
            };
        }
        Ok(Arc::new(statistics))
    }

    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let columns: Option<Vec<usize>> = projection
            .expr()
            .iter()
            .map(|part| {
                let column = part.expr.downcast_ref::<Column>()?;
                (column.name() == part.alias).then(|| self.output.columns[column.index()])
            })
            .collect();
        let Some(columns) = columns.filter(|columns| *columns != self.output.columns) else {
            return Ok(None);
        };
        let (left, right) = (Arc::clone(&self.left), Arc::clone(&self.right));
        let joined = Self::new(left, right, Arc::clone(&self.matching), self.mode, Some(columns))?;
        Ok(Some(Arc::new(joined)))
    }
}
