//! What an aggregate reads: one scan of one dataset version, with conditions and columns in terms of it.

use datafusion::{
    common::{
        Column, DFSchema, Result,
        tree_node::{Transformed, TreeNode},
    },
    datasource::source_as_provider,
    logical_expr::{Expr, LogicalPlan, TableScan, utils::split_conjunction_owned},
};

use crate::table::SnapshotTable;

/// The input of an aggregate.
pub(crate) struct Input {
    pub(crate) scan: TableScan,
    /// What must hold, in terms of the scan's columns.
    pub(crate) conditions: Vec<Expr>,
    /// Each column of the input, likewise.
    columns: Vec<Expr>,
}

impl Input {
    /// Looks through filters, projections and names. None where there is more than these above the scan.
    pub(crate) fn of(plan: &LogicalPlan) -> Result<Option<Self>> {
        match plan {
            LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
                let columns = scan.projected_schema.columns().into_iter().map(Expr::Column);
                Ok(Some(Self {
                    scan: scan.clone(),
                    conditions: scan.filters.clone(),
                    columns: columns.collect(),
                }))
            }
            LogicalPlan::SubqueryAlias(alias) => Self::of(&alias.input),
            LogicalPlan::Filter(filter) => {
                let Some(mut input) = Self::of(&filter.input)? else { return Ok(None) };
                let schema = filter.input.schema();
                for condition in split_conjunction_owned(filter.predicate.clone()) {
                    let condition = input.resolved(condition, schema)?;
                    if !input.conditions.contains(&condition) {
                        input.conditions.push(condition);
                    }
                }
                Ok(Some(input))
            }
            LogicalPlan::Projection(projection) => {
                let Some(mut input) = Self::of(&projection.input)? else { return Ok(None) };
                let schema = projection.input.schema();
                let columns = projection.expr.iter();
                let columns = columns.map(|expr| input.resolved(expr.clone(), schema));
                input.columns = columns.collect::<Result<_>>()?;
                Ok(Some(input))
            }
            _ => Ok(None),
        }
    }

    /// An expression over the input's columns in terms of the scan's.
    pub(crate) fn resolved(&self, expr: Expr, schema: &DFSchema) -> Result<Expr> {
        let resolved = expr.transform_up(|expr| {
            let Expr::Column(column) = &expr else { return Ok(Transformed::no(expr)) };
            Ok(match schema.maybe_index_of_column(column).and_then(|at| self.columns.get(at)) {
                Some(meant) => Transformed::yes(meant.clone()),
                None => Transformed::no(expr),
            })
        })?;
        Ok(resolved.data.unalias_nested().data)
    }

    /// The table, where it is a dataset version whose files may be looked at one by one.
    pub(crate) fn with_table<T>(
        &self,
        work: impl FnOnce(&SnapshotTable) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let Ok(provider) = source_as_provider(&self.scan.source) else { return Ok(None) };
        match provider.downcast_ref::<SnapshotTable>() {
            Some(table) if table.has_rollups() => work(table),
            _ => Ok(None),
        }
    }

    /// The same input over another scan, which has the same columns.
    pub(crate) fn over(plan: &LogicalPlan, scan: &LogicalPlan) -> Result<LogicalPlan> {
        if matches!(plan, LogicalPlan::TableScan(_)) {
            return Ok(scan.clone());
        }
        let inputs = plan.inputs().into_iter().map(|input| Self::over(input, scan));
        plan.with_new_exprs(plan.expressions(), inputs.collect::<Result<_>>()?)
    }

    /// The contract's column of that name; none where the query does not see all of its values.
    pub(crate) fn stored(&self, table: &SnapshotTable, name: &str) -> Option<Expr> {
        let fields = &table.contract().fields;
        let exposed = table.exposed().iter().find(|exposed| fields[exposed.index].name == name)?;
        exposed.judged_by.is_none().then(|| Expr::Column(self.column(&exposed.name)))
    }

    /// A column of the scan under the name that a query has for it.
    pub(crate) fn column(&self, name: &str) -> Column {
        Column::new(Some(self.scan.table_name.clone()), name)
    }
}
