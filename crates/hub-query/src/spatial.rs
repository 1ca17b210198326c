//! Joins by place between two tables: `distance_m(…) <= d`, `ST_DWithin`, `ST_Distance(…) <= d`, and how one
//! geometry lies to another where that means that they share a point, `ST_Contains` and the like. One side is
//! held in an R-tree, the other streams past it, so that each row is compared with those near it and not with
//! all.
//!
//! Candidates of the tree are decided by the same code that the functions run, so that the answer is that of
//! the comparison of all with all.

mod exec;
mod near;
mod probing;
mod recognise;

use std::sync::Arc;

use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{ExecutionPlan, joins::NestedLoopJoinExec},
};

/// Puts [`exec::SpatialJoinExec`] in the place of nested loops whose condition is one of place.
#[derive(Debug)]
pub(crate) struct SpatialJoins;

impl PhysicalOptimizerRule for SpatialJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() else {
                return Ok(Transformed::no(plan));
            };
            Ok(match recognise::spatial(join)? {
                Some(spatial) => Transformed::yes(Arc::new(spatial) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "spatial_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
