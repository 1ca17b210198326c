//! What is true of an input and not of what an operator makes of it, but is taken over by the engine:
//!
//! - what is the same in all rows, because a filter or a literal says so, of the side of an outer join that may
//!   find nothing, and of what is grouped by sets of groupings: both add nulls;
//! - the order of the side of a join that is collected: its rows begin anew with each row of the other side,
//!   and not with each value that the other side is ordered by.
//!
//! An operator above would leave out a sort for it. Here a node between them says no more than what stays true.

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
        joins::{HashJoinExec, NestedLoopJoinExec},
        projection::ProjectionExec,
    },
};

/// Comes after the rule that swaps the sides of joins, and before those that ask for an order.
#[derive(Debug)]
pub(crate) struct InputProperties;

impl InputProperties {
    /// The engine's own rules, with this one in its place.
    pub(crate) fn among(
        mut rules: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>,
    ) -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
        let swapping = rules.iter().position(|rule| rule.name() == "join_selection");
        rules.insert(swapping.map_or(0, |place| place + 1), Arc::new(Self));
        rules
    }
}

impl PhysicalOptimizerRule for InputProperties {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let mut changed = false;
            let inputs =
                plan.children().into_iter().zip(ends(plan.as_ref())).map(|(input, ends)| {
                    let said = input.equivalence_properties();
                    if ends.constants && !said.constants().is_empty()
                        || ends.orders && said.output_ordering().is_some()
                    {
                        changed = true;
                        return Arc::new(PropertiesEndExec::new(Arc::clone(input), ends)) as _;
                    }
                    Arc::clone(input)
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
        "input_properties"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// What of an input's properties ends with it.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    constants: bool,
    orders: bool,
}

/// What ends with each of an operator's inputs.
fn ends(plan: &dyn ExecutionPlan) -> [Ends; 2] {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        let sets = aggregate.group_expr().has_grouping_set();
        return [Ends { constants: sets, orders: sets }, Ends::default()];
    }
    let join_type = if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        join.join_type()
    } else if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        join.join_type()
    } else {
        return [Ends::default(); 2];
    };
    let nulls = |side| join_type == &side || join_type == &JoinType::Full;
    [
        Ends { constants: nulls(JoinType::Right), orders: true },
        Ends { constants: nulls(JoinType::Left), orders: false },
    ]
}

/// Its input, of which less is said.
#[derive(Debug, Clone)]
struct PropertiesEndExec {
    input: Arc<dyn ExecutionPlan>,
    ends: Ends,
    properties: Arc<PlanProperties>,
}

impl PropertiesEndExec {
    fn new(input: Arc<dyn ExecutionPlan>, ends: Ends) -> Self {
        let of = input.properties();
        let mut equivalences = of.equivalence_properties().clone();
        if ends.constants {
            let orders = equivalences.oeq_class().clone();
            equivalences = EquivalenceProperties::new_with_orderings(input.schema(), orders);
        }
        if ends.orders {
            equivalences.clear_orderings();
        }
        let properties = PlanProperties::new(
            equivalences,
            of.output_partitioning().clone(),
            of.emission_type,
            of.boundedness,
        )
        .with_evaluation_type(of.evaluation_type)
        .with_scheduling_type(of.scheduling_type);
        Self { input, ends, properties: Arc::new(properties) }
    }
}

impl DisplayAs for PropertiesEndExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PropertiesEndExec")
    }
}

impl ExecutionPlan for PropertiesEndExec {
    fn name(&self) -> &str {
        "PropertiesEndExec"
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
        Ok(Arc::new(Self::new(children.swap_remove(0), self.ends)))
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children.swap_remove(0), self.ends)))
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

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let swapped = self.input.try_swapping_with_projection(projection)?;
        Ok(swapped.map(|input| Arc::new(Self::new(input, self.ends)) as _))
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
