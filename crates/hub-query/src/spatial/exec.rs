//! The operator: one side is collected into an R-tree once, the other streams past it in all its
//! partitions.

use std::{fmt, sync::Arc};

use arrow::datatypes::SchemaRef;
use datafusion::{
    common::{JoinSide, Result, internal_err, tree_node::TreeNodeRecursion},
    execution::TaskContext,
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

use super::{
    probing::{Collected, Probing},
    recognise::Condition,
};

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
    collected: Collected,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// What all partitions of a join have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) condition: Condition,
    /// The condition of place as it was written.
    said: String,
    pub(super) residual: Option<JoinFilter>,
    pub(super) keeps: Keeps,
    pub(super) probe_side: JoinSide,
    pub(super) schema: SchemaRef,
    pub(super) columns: Vec<ColumnIndex>,
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
        let probing = Probing::new(
            Arc::clone(&self.shared),
            Arc::clone(&self.held),
            Arc::clone(&self.collected),
            self.probe.execute(partition, Arc::clone(&context))?,
            context,
            BaselineMetrics::new(&self.metrics, partition),
        );
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
