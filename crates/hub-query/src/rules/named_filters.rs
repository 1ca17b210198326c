//! Filters are handed down a plan by their columns' names, and where an input has two columns of one name, as
//! both sides of a join often have, the first of them is taken for either. A filter on the one then leaves out
//! rows by the other. Here the plan is cut at such inputs, so that no filter is handed past them; each part is
//! given to the engine's own rule.

use std::{collections::HashSet, sync::Arc};

use arrow_schema::Schema;
use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        internal_err,
        tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    },
    execution::TaskContext,
    physical_expr::PhysicalExpr,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
        execution_plan::{ReplaceChildrenOptions, replace_children_if_necessary},
    },
};

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The engine's rule that hands filters down, part by part.
#[derive(Debug)]
pub(crate) struct NamedFilters(Rule);

impl NamedFilters {
    /// The rules, with this around those that hand filters down.
    pub(crate) fn around(rules: Vec<Rule>) -> Vec<Rule> {
        let rules = rules.into_iter().map(|rule| match rule.name() {
            "FilterPushdown" | "FilterPushdown(Post)" => Arc::new(Self(rule)) as Rule,
            _ => rule,
        });
        rules.collect()
    }
}

impl PhysicalOptimizerRule for NamedFilters {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let cut = plan.transform_down(|plan| {
            let is_cut = |input: &Arc<dyn ExecutionPlan>| repeats_a_name(&input.schema());
            if !plan.children().into_iter().any(is_cut) {
                return Ok(Transformed::no(plan));
            }
            let inputs = plan.children().into_iter().map(|input| match is_cut(input) {
                true => Ok(Arc::new(Cut(self.optimize(Arc::clone(input), config)?)) as _),
                false => Ok(Arc::clone(input)),
            });
            let inputs = inputs.collect::<Result<Vec<Arc<dyn ExecutionPlan>>>>()?;
            Ok(Transformed::yes(replace_children_if_necessary(plan, inputs)?))
        })?;
        let optimized = self.0.optimize(cut.data, config)?;
        if !cut.transformed {
            return Ok(optimized);
        }
        optimized
            .transform_down(|plan| {
                Ok(match plan.downcast_ref::<Cut>() {
                    Some(Cut(below)) => {
                        Transformed::new(Arc::clone(below), true, TreeNodeRecursion::Jump)
                    }
                    None => Transformed::no(plan),
                })
            })
            .data()
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

fn repeats_a_name(schema: &Schema) -> bool {
    let mut names = HashSet::with_capacity(schema.fields().len());
    !schema.fields().iter().all(|field| names.insert(field.name()))
}

/// A part of the plan as the end of another.
#[derive(Debug)]
struct Cut(Arc<dyn ExecutionPlan>);

impl DisplayAs for Cut {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cut")
    }
}

impl ExecutionPlan for Cut {
    fn name(&self) -> &str {
        "Cut"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        internal_err!("a part of a plan was left cut off")
    }
}
