//! How many rows the planner expects of a grouping. By itself it expects as many as go in where it knows
//! nothing of the groups, and then keeps the larger side of a join in memory.

use std::sync::Arc;

use datafusion::{
    common::{Result, stats::Precision},
    physical_plan::{
        ExecutionPlan,
        aggregates::{AggregateExec, AggregateMode},
        operator_statistics::{
            DefaultStatisticsProvider, ExtendedStatistics, FilterStatisticsProvider,
            LimitStatisticsProvider, PassthroughStatisticsProvider, ProjectionStatisticsProvider,
            StatisticsProvider, StatisticsRegistry, StatisticsResult, UnionStatisticsProvider,
        },
        statistics::{StatisticsArgs, StatisticsContext},
    },
};

/// How many rows are taken to share a group where nothing is known of it.
const ROWS_A_GROUP: usize = 10;

/// The planner's estimates with ours in front. That of joins is left out: without distinct counts it takes
/// a join for a product.
pub(crate) fn registry() -> StatisticsRegistry {
    StatisticsRegistry::with_providers(vec![
        Arc::new(GroupedRows),
        Arc::new(FilterStatisticsProvider),
        Arc::new(ProjectionStatisticsProvider),
        Arc::new(PassthroughStatisticsProvider),
        Arc::new(LimitStatisticsProvider),
        Arc::new(UnionStatisticsProvider),
        Arc::new(DefaultStatisticsProvider),
    ])
}

#[derive(Debug)]
struct GroupedRows;

impl StatisticsProvider for GroupedRows {
    fn compute_statistics(
        &self,
        plan: &dyn ExecutionPlan,
        inputs: &[ExtendedStatistics],
    ) -> Result<StatisticsResult> {
        let Some(grouping) = plan.downcast_ref::<AggregateExec>() else {
            return Ok(StatisticsResult::Delegate);
        };
        let partial = matches!(grouping.mode(), AggregateMode::Partial);
        let rows_in = inputs.first().and_then(|input| input.base().num_rows.get_value().copied());
        let (false, false, Some(rows_in)) =
            (partial, grouping.group_expr().expr().is_empty(), rows_in)
        else {
            return Ok(StatisticsResult::Delegate);
        };
        let known = StatisticsContext::new().compute(plan, &StatisticsArgs::new())?;
        if known.num_rows.get_value().is_some_and(|rows| *rows < rows_in) {
            return Ok(StatisticsResult::Delegate);
        }
        let mut statistics = known.as_ref().clone();
        statistics.num_rows = Precision::Inexact((rows_in / ROWS_A_GROUP).max(1));
        statistics.total_byte_size = match statistics.total_byte_size {
            Precision::Exact(bytes) | Precision::Inexact(bytes) => {
                Precision::Inexact((bytes / ROWS_A_GROUP).max(1))
            }
            Precision::Absent => Precision::Absent,
        };
        Ok(StatisticsResult::Computed(ExtendedStatistics::new(statistics)))
    }
}
