//! Rules of our own: on physical plans joins that yield, joins of everything with everything that are
//! refused before they start, filters that stored values answer, what is computed once for each run of a key,
//! what of an input stays true above it, and filters that name one column; on logical plans joins that keep all of their conditions, days that
//! begin in Japan, intervals by their length, casts that round, and subqueries that find no row or lack a value.

mod in_zone;
mod input_properties;
mod interval_lengths;
mod japanese_days;
mod key_runs;
mod named_filters;
mod nearest_whole;
mod no_row;
mod stored_filters;
mod unknown_in;
pub(crate) mod whole_sides;
mod zeros;

pub(crate) use input_properties::InputProperties;
pub(crate) use japanese_days::JapaneseDays;
pub(crate) use key_runs::KeyRuns;
pub(crate) use named_filters::NamedFilters;
pub(crate) use nearest_whole::NearestWhole;
pub(crate) use no_row::NoRow;
pub(crate) use stored_filters::StoredFilters;
pub(crate) use unknown_in::UnknownIn;

use std::sync::Arc;

use datafusion::{
    common::{
        DataFusionError, Result,
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        coop::CooperativeExec,
        joins::{
            CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec,
            SymmetricHashJoinExec,
        },
        recursive_query::RecursiveQueryExec,
        statistics::{StatisticsArgs, StatisticsContext},
        unnest::UnnestExec,
    },
};

use crate::{asof::AsOfJoinExec, error::QueryError};

/// What is assumed of an input whose rows nobody can tell, such as a generated series.
const UNKNOWN_ROWS: u64 = 1_000_000;

/// Wraps joins so that they give way to cancellation and time limits, which they otherwise ignore, and
/// refuses a product of two inputs over a budget of rows.
#[derive(Debug)]
pub(crate) struct YieldingJoins {
    pub(crate) max_product_rows: u64,
}

impl PhysicalOptimizerRule for YieldingJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let product = plan.is::<CrossJoinExec>() || plan.is::<NestedLoopJoinExec>();
            if product {
                self.check_product(&plan)?;
            }
            let joins = product
                || plan.is::<HashJoinExec>()
                || plan.is::<SortMergeJoinExec>()
                || plan.is::<SymmetricHashJoinExec>()
                || plan.is::<AsOfJoinExec>()
                || plan.is::<RecursiveQueryExec>()
                || plan.is::<UnnestExec>();
            Ok(if joins {
                Transformed::yes(Arc::new(CooperativeExec::new(plan)) as Arc<dyn ExecutionPlan>)
            } else {
                Transformed::no(plan)
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "yielding_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl YieldingJoins {
    fn check_product(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
        let rows = plan
            .children()
            .into_iter()
            .map(estimated_rows)
            .try_fold(1u64, |product, rows| Some(product.saturating_mul(rows?)));
        let rows = rows.unwrap_or(u64::MAX);
        if rows <= self.max_product_rows {
            return Ok(());
        }
        Err(DataFusionError::External(Box::new(QueryError::complex(format!(
            "the query compares about {rows} pairs of rows, and at most {} are allowed; join on equal \
             columns, such as a station and a time bucket, or filter both sides first",
            self.max_product_rows
        )))))
    }
}

/// Rows by the statistics, or those of the inputs where the operator itself knows nothing.
fn estimated_rows(plan: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    if let Ok(statistics) = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new())
        && let Some(rows) = statistics.num_rows.get_value()
    {
        return Some(*rows as u64);
    }
    let children = plan.children();
    if children.is_empty() {
        return Some(UNKNOWN_ROWS);
    }
    children.into_iter().filter_map(estimated_rows).max()
}
