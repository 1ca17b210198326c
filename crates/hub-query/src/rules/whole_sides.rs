//! Keeps a condition that DataFusion 55 loses. Its rule against cross joins takes a tree of inner joins
//! apart and puts the inputs together again by their keys, one input after the other. A key that computes
//! with columns of two inputs, such as `y.year = s.year + l.lag` after `s CROSS JOIN l`, is then the key
//! of no pair of inputs, and is dropped without a word: the answer has rows that do not match. This rule
//! goes before it and makes one input of such a side, which then stays together as it was written.

use std::sync::Arc;

use datafusion::{
    common::{Result, tree_node::Transformed},
    logical_expr::{Expr, JoinType, LogicalPlan, Projection},
    optimizer::{ApplyOrder, Optimizer, OptimizerConfig, OptimizerRule},
};

/// The rule that this one must go before.
const TAKES_APART: &str = "eliminate_cross_join";

/// DataFusion's own rules with this one among them.
pub(crate) fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    let at = rules.iter().position(|rule| rule.name() == TAKES_APART).unwrap_or(0);
    rules.insert(at, Arc::new(WholeSides));
    rules
}

#[derive(Debug)]
struct WholeSides;

impl OptimizerRule for WholeSides {
    fn name(&self) -> &str {
        "whole_join_sides"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(mut join) = plan else { return Ok(Transformed::no(plan)) };
        if join.join_type != JoinType::Inner {
            return Ok(Transformed::no(LogicalPlan::Join(join)));
        }
        let keys: Vec<&Expr> = join.on.iter().flat_map(|(left, right)| [left, right]).collect();
        let left = keys.iter().any(|key| spans_inputs(key, &join.left));
        let right = keys.iter().any(|key| spans_inputs(key, &join.right));
        if left {
            join.left = whole(join.left);
        }
        if right {
            join.right = whole(join.right);
        }
        let plan = LogicalPlan::Join(join);
        Ok(if left || right { Transformed::yes(plan) } else { Transformed::no(plan) })
    }
}

/// Whether a key of this side needs columns of more than one of the inputs it would be taken apart into.
fn spans_inputs(key: &Expr, side: &LogicalPlan) -> bool {
    let columns = key.column_refs();
    let within = |plan: &LogicalPlan| columns.iter().all(|column| plan.schema().has_column(column));
    within(side) && !inputs(side).into_iter().any(within)
}

/// What a tree of inner joins is taken apart into.
fn inputs(plan: &LogicalPlan) -> Vec<&LogicalPlan> {
    match plan {
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            let mut found = inputs(&join.left);
            found.extend(inputs(&join.right));
            found
        }
        _ => vec![plan],
    }
}

/// The plan behind a projection to all of its columns, which is not looked into.
fn whole(plan: Arc<LogicalPlan>) -> Arc<LogicalPlan> {
    let schema = Arc::clone(plan.schema());
    Arc::new(LogicalPlan::Projection(Projection::new_from_schema(plan, schema)))
}
