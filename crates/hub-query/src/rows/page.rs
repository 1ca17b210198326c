//! The plan of one page of rows, put together by hand.
//!
//! Every page has the same form: scan, filter, the first rows of an order. Going through the planner for it
//! costs several times what reading a station's day does, since each of its rules looks at every column of
//! the total order again. What the rules would do for this form is done here directly. A page keeps no more
//! rows than it has, so nothing of it goes to disk.

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
    table::{Exposed, SnapshotTable},
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
        shown: Vec<Exposed>,
        page: Page,
    ) -> Result<QueryStream, QueryError> {
        let errors = self.inner.limits_context();
        let inner = Arc::clone(&self.inner);
        self.inner
            .start(errors.clone(), move |environment, _| async move {
                let planning = async {
                    let prepared = inner.tables.prepare(&table).await?;
                    let source = SnapshotTable::new(prepared, shown, Arc::clone(&inner.scans));
                    let state = inner.sessions.for_rows();
                    let plan = page.plan(&source, state)?;
                    let context = task_context(state, environment);
                    Ok(Planned::new(plan, context))
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

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;
    use crate::tests::support::{APRIL, Bench, HOUR, RIVER, Scanned, river, small};

    /// A page over two files of one order that overlap.
    async fn page(page: Page) -> (usize, Scanned, String) {
        let names: Vec<String> = (0..20).map(|n| format!("s{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut bench = Bench::new(small());
        let files = [river(&names, APRIL, 1_000), river(&names, APRIL + 1_000 * HOUR, 1_000)];
        bench.add("otaru.river", RIVER, &files).await;
        let inner = &bench.engine.inner;
        let prepared = inner.tables.prepare(&bench.tables[0]).await.unwrap();
        let source = SnapshotTable::plain(prepared, Arc::clone(&inner.scans));
        let state = inner.sessions.for_rows();
        let plan = page.plan(&source, state).unwrap();
        let shown = datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string();
        let context = task_context(state, inner.environment_by_hand().await);
        let (rows, scanned) = Scanned::by(plan, context).await;
        (rows, scanned, shown)
    }

    fn order() -> Vec<SortExpr> {
        ["観測所", "時刻", "level"].map(|name| col(format!("\"{name}\"")).sort(true, false)).into()
    }

    #[tokio::test]
    async fn a_stations_day_is_read_from_few_pages() {
        let time = |hour: i64| {
            let at = Some(APRIL + hour * HOUR);
            lit(datafusion::scalar::ScalarValue::TimestampMicrosecond(
                at,
                Some(hub_model::ZONE_NAME.into()),
            ))
        };
        let conditions = vec![
            col("\"観測所\"").eq(lit("s07")),
            col("\"時刻\"").gt_eq(time(240)),
            col("\"時刻\"").lt(time(264)),
        ];
        let (rows, scanned, plan) =
            page(Page { conditions, sort: order(), skip: 0, fetch: 101 }).await;
        assert_eq!(rows, 24, "{plan}");
        assert!(!plan.contains("FilterExec"), "{plan}");
        assert!(scanned.row_groups_pruned >= 37 && scanned.row_groups_read <= 3, "{scanned:?}");
        assert!(scanned.pages_pruned >= 8 && scanned.pages_read <= 10, "{scanned:?}");
    }

    #[tokio::test]
    async fn a_first_page_ends_the_scan_by_itself() {
        let all = Page { conditions: Vec::new(), sort: order(), skip: 0, fetch: 50_000 };
        let (rows, whole, plan) = page(all).await;
        assert_eq!(rows, 40_000);
        assert!(plan.contains("SortPreservingMergeExec"), "{plan}");
        let (rows, first, _) =
            page(Page { conditions: Vec::new(), sort: order(), skip: 10, fetch: 5 }).await;
        assert_eq!(rows, 5);
        assert!(first.bytes < whole.bytes, "{first:?} of {whole:?}");
        // In another order, what was found tells the scan what it can pass over.
        let newest = vec![col("\"時刻\"").sort(false, false), col("\"観測所\"").sort(true, false)];
        let (rows, _, plan) =
            page(Page { conditions: Vec::new(), sort: newest, skip: 0, fetch: 5 }).await;
        assert_eq!(rows, 5);
        assert!(plan.contains("DynamicFilter"), "{plan}");
    }
}
