//! Aggregates answered from rollups: a rule on logical plans that reads what was kept of files by series,
//! day and hour in the place of their rows, wherever that gives the same answer.
//!
//! Each file is asked in the coarsest form that can tell: its companion where the grouping and the
//! conditions are the same over a companion's whole stretch, its rows where there is none, and both where
//! a range of time begins or ends amid a stretch. Whole numbers, counts and extremes are the same to the
//! last bit; sums of floating-point numbers are added up in another order.

mod cover;
mod days;
mod grain;
mod input;
mod listing;
mod measures;
mod months;
mod proofs;
mod question;
mod range;
mod rewrite;
mod sets;

use datafusion::{
    common::{Result, tree_node::Transformed},
    logical_expr::LogicalPlan,
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

pub(crate) use input::Input;
pub use months::{Counted, CountedSeries, Counts, Stretch};
pub(crate) use proofs::Proofs;
pub(crate) use sets::RollupSets;

/// The name of the rule, and of the one that it comes before: later rules move filters away from the
/// aggregate that they belong to.
const RULE: &str = "use_rollups";
const BEFORE: &str = "push_down_limit";

/// The rule.
#[derive(Debug)]
pub(crate) struct UseRollups;

impl UseRollups {
    /// Puts the rule into its place among the others.
    pub(crate) fn among(
        mut rules: Vec<std::sync::Arc<dyn OptimizerRule + Send + Sync>>,
    ) -> Vec<std::sync::Arc<dyn OptimizerRule + Send + Sync>> {
        let place = rules.iter().position(|rule| rule.name() == BEFORE).unwrap_or(rules.len());
        rules.insert(place, std::sync::Arc::new(Self));
        rules
    }

    /// The rules without this one; none where it is not among them.
    pub(crate) fn left_out_of(
        rules: &[std::sync::Arc<dyn OptimizerRule + Send + Sync>],
    ) -> Option<Vec<std::sync::Arc<dyn OptimizerRule + Send + Sync>>> {
        let others: Vec<_> = rules.iter().filter(|rule| rule.name() != RULE).cloned().collect();
        (others.len() < rules.len()).then_some(others)
    }
}

impl OptimizerRule for UseRollups {
    fn name(&self) -> &str {
        RULE
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        Ok(match rewrite::rewritten(aggregate) {
            Ok(Some(rewritten)) => Transformed::yes(rewritten),
            Ok(None) => Transformed::no(plan),
            Err(error) => {
                // The rows tell the same, only slower.
                tracing::warn!(%error, "a query was not answered from rollups");
                Transformed::no(plan)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use datafusion::optimizer::Optimizer;

    use super::*;

    #[test]
    fn the_rule_has_its_place() {
        let rules = UseRollups::among(Optimizer::new().rules);
        let place = rules.iter().position(|rule| rule.name() == RULE).unwrap();
        assert_eq!(rules[place + 1].name(), BEFORE);
        let simplifies = rules.iter().position(|rule| rule.name() == "simplify_expressions");
        assert!(simplifies.unwrap() < place, "conditions are compared with constants by then");
    }
}
