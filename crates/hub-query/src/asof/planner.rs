//! Plans the nodes that the engine does not know, and chooses how an as-of join is run.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use async_trait::async_trait;
use datafusion::{
    catalog::Session,
    common::{DFSchema, Result, ScalarValue, internal_datafusion_err},
    execution::context::QueryPlanner,
    logical_expr::{
        Expr, LogicalPlan, UserDefinedLogicalNode,
        physical_planning_context::PhysicalPlanningContext,
    },
    physical_expr::PhysicalExpr,
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties,
        aggregates::AggregateExec,
        coalesce_partitions::CoalescePartitionsExec,
        filter::FilterExec,
        limit::{GlobalLimitExec, LocalLimitExec},
        projection::ProjectionExec,
        repartition::RepartitionExec,
        sorts::{sort::SortExec, sort_preserving_merge::SortPreservingMergeExec},
        statistics::{StatisticsArgs, StatisticsContext},
        union::UnionExec,
    },
    physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner},
};

use super::{
    exec::{AsOfJoinExec, Mode},
    node::AsOfJoin,
    sides::{Gap, Matching, Side},
};
use crate::{checked, gapfill::GapFillPlanner, japan_time};

/// The part of a query's memory that the right side may take before both sides are merged instead.
const LOOKUP_SHARE: usize = 2;

/// What a text is taken to need, beside the sixteen bytes of its view.
const TEXT_BYTES: usize = 24;

/// What is kept of each right row beside its columns: its place and its time.
const ENTRY_BYTES: usize = 16;

/// The engine's planner with the hub's own nodes.
#[derive(Debug)]
pub(crate) struct HubPlanner {
    pub(crate) memory_bytes_per_query: usize,
}

#[async_trait]
impl QueryPlanner for HubPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let max_lookup_bytes = self.memory_bytes_per_query / LOOKUP_SHARE;
        let asof: Arc<dyn ExtensionPlanner + Send + Sync> =
            Arc::new(AsOfPlanner { max_lookup_bytes });
        let plan = checked::arithmetic(japan_time::quick(plan.clone())?)?;
        DefaultPhysicalPlanner::with_extension_planners(vec![asof, Arc::new(GapFillPlanner)])
            .create_physical_plan(&plan, session)
            .await
    }
}

struct AsOfPlanner {
    max_lookup_bytes: usize,
}

#[async_trait]
impl ExtensionPlanner for AsOfPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(join) = node.as_any().downcast_ref::<AsOfJoin>() else { return Ok(None) };
        let [left, right] = physical_inputs else {
            return Err(internal_datafusion_err!("an as-of join has two inputs"));
        };
        let physical = |expr: &Expr, schema: &DFSchema| -> Result<Arc<dyn PhysicalExpr>> {
            planner.create_physical_expr(expr, schema, session, planning)
        };
        let (of_left, of_right) = (join.left.schema(), join.right.schema());
        let keys = join.keys.iter();
        let left_keys =
            keys.clone().map(|(key, _)| physical(key, of_left)).collect::<Result<_>>()?;
        let right_keys = keys.map(|(_, key)| physical(key, of_right)).collect::<Result<_>>()?;
        let gap = match &join.gap {
            Some(ScalarValue::Int64(Some(gap))) => Some(Gap::Whole(gap.unsigned_abs())),
            Some(ScalarValue::Float64(Some(gap))) => Some(Gap::Double(*gap)),
            _ => None,
        };
        let matching = Matching {
            left: Side { keys: left_keys, time: physical(&join.left_time, of_left)? },
            right: Side { keys: right_keys, time: physical(&join.right_time, of_right)? },
            direction: join.direction,
            kind: join.kind,
            gap,
        };
        let small = most_bytes(right).is_some_and(|bytes| bytes <= self.max_lookup_bytes);
        let mode = if small { Mode::Lookup } else { Mode::Merge };
        let (left, right) = (Arc::clone(left), Arc::clone(right));
        Ok(Some(Arc::new(AsOfJoinExec::new(left, right, matching, mode, None)?)))
    }
}

/// How much memory the rows of a plan take at most; none where that can't be told beforehand.
fn most_bytes(plan: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    most_rows(plan)?.checked_mul(row_bytes(&plan.schema()))
}

fn row_bytes(schema: &Schema) -> usize {
    let columns = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Boolean | DataType::Null => 1,
        DataType::Utf8View | DataType::BinaryView => 16 + TEXT_BYTES,
        other => other.primitive_width().unwrap_or(8 + TEXT_BYTES),
    });
    columns.sum::<usize>() + ENTRY_BYTES
}

/// Estimates may be wrong; only rows that are counted, or come of counted ones by leaving some out, tell.
fn most_rows(plan: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    let children = plan.children();
    if children.is_empty() {
        // Where a filter went into the scan its rows are at most the counted ones.
        let counted = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new());
        return counted.ok()?.num_rows.get_value().copied();
    }
    let fewer = plan.is::<FilterExec>()
        || plan.is::<ProjectionExec>()
        || plan.is::<AggregateExec>()
        || plan.is::<SortExec>()
        || plan.is::<SortPreservingMergeExec>()
        || plan.is::<CoalescePartitionsExec>()
        || plan.is::<RepartitionExec>()
        || plan.is::<GlobalLimitExec>()
        || plan.is::<LocalLimitExec>()
        || plan.is::<UnionExec>();
    if plan.is::<AsOfJoinExec>() {
        return most_rows(children.first()?);
    }
    if !fewer || plan.boundedness().is_unbounded() {
        return None;
    }
    children.into_iter().try_fold(0_usize, |rows, child| rows.checked_add(most_rows(child)?))
}
