//! The plan of one page of rows, put together by hand.
//!
//! Every page has the same form: scan, filter, the first rows of an order. Going through the planner for it
//! costs several times what reading a station's day does, since each of its rules looks at every column of
//! the total order again. What the rules would do for this form is done here directly.

use std::sync::Arc;

use datafusion::{
    common::{DFSchema, Result},
    execution::SessionState,
    logical_expr::{
        Expr, SortExpr, physical_planning_context::PhysicalPlanningContext, utils::conjunction,
    },
    physical_expr::{LexOrdering, create_physical_sort_exprs},
    physical_optimizer::{PhysicalOptimizerRule, filter_pushdown::FilterPushdown},
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties,
        coop::CooperativeExec,
        empty::EmptyExec,
        filter::FilterExec,
        limit::GlobalLimitExec,
        sorts::{sort::SortExec, sort_preserving_merge::SortPreservingMergeExec},
    },
};

use crate::{
    classify::classify,
    engine::{QueryEngine, ReadableTable},
    error::QueryError,
    session::task_context,
    stream::{Planned, QueryStream},
    table::SnapshotTable,
};

/// Which rows of a table make a page, in terms of its contract's names.
pub(super) struct Page {
    /// What must hold.
    pub(super) conditions: Vec<Expr>,
    /// The order, which leaves only equal rows open.
    pub(super) sort: Vec<SortExpr>,
    /// Rows of it that are left out at the beginning.
    pub(super) skip: usize,
    /// The most rows after them.
    pub(super) fetch: usize,
}

impl QueryEngine {
    pub(super) async fn page(
        &self,
        table: ReadableTable,
        page: Page,
    ) -> Result<QueryStream, QueryError> {
        let errors = self.inner.limits_context();
        let inner = Arc::clone(&self.inner);
        self.inner
            .start(errors.clone(), move |environment| async move {
                let planning = async {
                    let prepared = inner.tables.prepare(&table).await?;
                    let source = SnapshotTable::plain(prepared, Arc::clone(&inner.scans));
                    let state = inner.sessions.for_rows();
                    let plan = page.plan(&source, state)?;
                    let context = task_context(state, environment);
                    Ok(Planned { plan, context, labels: Vec::new() })
                };
                planning.await.map_err(|error| classify(&error, &errors))
            })
            .await
    }
}

impl Page {
    fn plan(self, table: &SnapshotTable, state: &SessionState) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = DFSchema::try_from(table.columns())?;
        let options = state.config_options();
        let predicate = conjunction(self.conditions)
            .map(|predicate| state.create_physical_expr(predicate, &schema))
            .transpose()?;
        let mut plan = table.scan_where(state, None, predicate.clone(), None)?;
        if plan.is::<EmptyExec>() {
            return Ok(plan);
        }
        if let Some(predicate) = predicate {
            plan = Arc::new(FilterExec::try_new(predicate, plan)?);
            plan = FilterPushdown::new().optimize(plan, options)?;
        }
        let sort = create_physical_sort_exprs(
            &self.sort,
            &schema,
            state.execution_props(),
            &PhysicalPlanningContext::default(),
        )?;
        let Some(order) = LexOrdering::new(sort) else {
            return datafusion::common::internal_err!("a page has no order");
        };
        // Where the files are ordered by what the page is, the sort ends the scan by itself.
        let ordered = plan
            .equivalence_properties()
            .extract_common_sort_prefix(order.clone())
            .is_ok_and(|(prefix, _)| !prefix.is_empty());
        let partitions = plan.output_partitioning().partition_count();
        let upto = Some(self.skip.saturating_add(self.fetch));
        plan = Arc::new(
            SortExec::new(order.clone(), Arc::new(CooperativeExec::new(plan)))
                .with_preserve_partitioning(partitions > 1)
                .with_fetch(upto),
        );
        if !ordered {
            // Otherwise the rows found so far tell the scan what it can pass over.
            plan = FilterPushdown::new_post_optimization().optimize(plan, options)?;
        }
        if partitions > 1 {
            plan = Arc::new(SortPreservingMergeExec::new(order, plan).with_fetch(upto));
        }
        if self.skip > 0 {
            plan = Arc::new(GlobalLimitExec::new(plan, self.skip, Some(self.fetch)));
        }
        Ok(plan)
    }
}
