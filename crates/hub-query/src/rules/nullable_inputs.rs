//! Inputs of which an operator makes rows with nulls in them: the side of an outer join that may find nothing,
//! and what is grouped by sets of groupings. What is the same in all rows of such an input, because a filter or
//! a literal says so, need not be so above, yet the engine takes it over as a constant, and leaves out of an
//! order what it holds to be one. Here a node between them says no more than what stays true.

use std::sync::Arc;

use datafusion::{
    common::{
        Result, Statistics,
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    },
    execution::TaskContext,
    logical_expr::JoinType,
    physical_expr::{EquivalenceProperties, PhysicalExpr},
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ChildStats, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
        PlanProperties, SendableRecordBatchStream, StatisticsArgs,
        aggregates::AggregateExec,
        execution_plan::{
            CardinalityEffect, ReplaceChildrenOptions, replace_children_if_necessary,
        },
        filter_pushdown::{
            ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
        },
        joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec},
    },
};

/// Comes before every rule that asks for an order.
#[derive(Debug)]
pub(crate) struct NullableInputs;

impl PhysicalOptimizerRule for NullableInputs {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let nullable = nullable(plan.as_ref());
            let mut changed = false;
            let inputs = plan.children().into_iter().zip(nullable).map(|(input, keeps)| {
                let said = input.equivalence_properties();
                let told = !said.constants().is_empty()
                    || keeps == Some(Keeps::Nothing) && said.output_ordering().is_some();
                match keeps.filter(|_| told) {
                    Some(keeps) => {
                        changed = true;
                        Arc::new(NullableInputExec::new(Arc::clone(input), keeps)) as _
                    }
                    None => Arc::clone(input),
                }
            });
            let inputs: Vec<Arc<dyn ExecutionPlan>> = inputs.collect();
            Ok(if changed {
                Transformed::yes(replace_children_if_necessary(plan, inputs)?)
            } else {
                Transformed::no(plan)
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "nullable_inputs"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// What of its input's properties is true above an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// A row without a partner has nulls for all of a side, and does not stand among its rows.
    Orders,
    /// Each set of groupings has nulls elsewhere.
    Nothing,
}

/// The inputs of which the operator makes rows with nulls.
fn nullable(plan: &dyn ExecutionPlan) -> [Option<Keeps>; 2] {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        let sets = aggregate.group_expr().has_grouping_set();
        return [sets.then_some(Keeps::Nothing), None];
    }
    let join_type = if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        *join.join_type()
    } else if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        *join.join_type()
    } else if let Some(join) = plan.downcast_ref::<SortMergeJoinExec>() {
        join.join_type()
    } else {
        return [None, None];
    };
    match join_type {
        JoinType::Left => [None, Some(Keeps::Orders)],
        JoinType::Right => [Some(Keeps::Orders), None],
        JoinType::Full => [Some(Keeps::Orders), Some(Keeps::Orders)],
        _ => [None, None],
    }
}

/// Its input, of which less is said.
#[derive(Debug, Clone)]
struct NullableInputExec {
    input: Arc<dyn ExecutionPlan>,
    keeps: Keeps,
    properties: Arc<PlanProperties>,
}

impl NullableInputExec {
    fn new(input: Arc<dyn ExecutionPlan>, keeps: Keeps) -> Self {
        let of = input.properties();
        let equivalences = match keeps {
            Keeps::Orders => EquivalenceProperties::new_with_orderings(
                input.schema(),
                of.equivalence_properties().oeq_class().clone(),
            ),
            Keeps::Nothing => EquivalenceProperties::new(input.schema()),
        };
        let properties = PlanProperties::new(
            equivalences,
            of.output_partitioning().clone(),
            of.emission_type,
            of.boundedness,
        )
        .with_evaluation_type(of.evaluation_type)
        .with_scheduling_type(of.scheduling_type);
        Self { input, keeps, properties: Arc::new(properties) }
    }
}

impl DisplayAs for NullableInputExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NullableInputExec")
    }
}

impl ExecutionPlan for NullableInputExec {
    fn name(&self) -> &str {
        "NullableInputExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children.swap_remove(0), self.keeps)))
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children.swap_remove(0), self.keeps)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::clone(&inputs[0]))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(filters, &self.children())
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(result))
    }
}
