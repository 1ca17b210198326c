//! What a filter on shown values says of the stored ones. A value that is shown equals the one stored, so
//! where a filter needs a shown value to be above a bound, the stored value is above it too. Statistics know
//! the stored ones, so that row groups and pages are left out by it; and where filters are asked inside the
//! scan it comes first, since it reads one column.

use std::sync::Arc;

use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    datasource::{
        physical_plan::{FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource},
        source::DataSourceExec,
    },
    logical_expr::Operator,
    physical_expr::{PhysicalExpr, conjunction, split_conjunction},
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        expressions::{BinaryExpr, InListExpr, Literal},
    },
};

use crate::quality;

/// Adds to the filters of each scan what they say of stored values.
#[derive(Debug)]
pub(crate) struct StoredFilters;

impl PhysicalOptimizerRule for StoredFilters {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            Ok(match with_stored(&node) {
                Some(scan) => Transformed::yes(scan),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "stored_filters"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The scan with what its filters say of stored values; none where they say nothing.
fn with_stored(node: &Arc<dyn ExecutionPlan>) -> Option<Arc<dyn ExecutionPlan>> {
    let scan = node.downcast_ref::<DataSourceExec>()?;
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    let source = config.file_source().downcast_ref::<ParquetSource>()?;
    let filter = source.filter()?;
    let filters = split_conjunction(&filter);
    let said: Vec<Arc<dyn PhysicalExpr>> = filters.iter().filter_map(|f| said_of(f)).collect();
    if said.is_empty() {
        return None;
    }
    let all = conjunction(said.into_iter().chain(filters.into_iter().cloned()));
    let source = Arc::new(source.with_predicate(all));
    let config = FileScanConfigBuilder::from(config.clone()).with_source(source).build();
    Some(DataSourceExec::from_data_source(config))
}

/// What must hold of stored values where the filter holds; none where that is nothing.
fn said_of(filter: &Arc<dyn PhysicalExpr>) -> Option<Arc<dyn PhysicalExpr>> {
    let stored = |shown: &Arc<dyn PhysicalExpr>| quality::value_of(shown).cloned();
    if let Some(list) = filter.downcast_ref::<InListExpr>().filter(|list| !list.negated()) {
        let children = filter.children();
        let (_, items) = children.split_first()?;
        let mut children = vec![stored(list.expr())?];
        children.extend(items.iter().copied().cloned());
        return Arc::clone(filter).with_new_children(children).ok();
    }
    let binary = filter.downcast_ref::<BinaryExpr>()?;
    let (left, right) = (binary.left(), binary.right());
    let both = |left, right| -> Arc<dyn PhysicalExpr> {
        Arc::new(BinaryExpr::new(left, *binary.op(), right))
    };
    match binary.op() {
        Operator::And => match (said_of(left), said_of(right)) {
            (Some(left), Some(right)) => Some(both(left, right)),
            (left, right) => left.or(right),
        },
        Operator::Or => Some(both(said_of(left)?, said_of(right)?)),
        Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => {
            if right.is::<Literal>() {
                Some(both(stored(left)?, Arc::clone(right)))
            } else if left.is::<Literal>() {
                Some(both(Arc::clone(left), stored(right)?))
            } else {
                None
            }
        }
        _ => None,
    }
}
