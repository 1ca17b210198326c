//! SQL that asks for the newest row of each series, as `SELECT DISTINCT ON (station) … ORDER BY station, time
//! DESC` and `last_value(level ORDER BY time) … GROUP BY station` do, reads the times alone that hold one.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    common::{
        Result,
        tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    },
    datasource::provider_as_source,
    functions_aggregate::{first_last, min_max},
    logical_expr::{
        Aggregate, Distinct, DistinctOn, Expr, LogicalPlan, LogicalPlanBuilder, SortExpr,
        TableScan,
        expr::{AggregateFunction, NullTreatment},
        utils::disjunction,
    },
};
use hub_lake::RollupLevel;
use hub_model::DatasetId;

use super::{Newest, during};
use crate::{
    engine::Inner,
    rollup::Input,
    table::{Prepared, SnapshotTable},
};

/// What the newest times are called where nobody sees them.
const LABEL: &str = "newest";

/// Files of so many rows are looked at themselves where they have no companion.
const FEW_ROWS: u64 = 10_000;

type Version = (DatasetId, u64);

/// The plan, with scans that leave out what is certainly not the newest of its series.
pub(crate) async fn only_newest(plan: LogicalPlan, engine: &Inner) -> Result<LogicalPlan> {
    let mut asked: HashMap<Version, Arc<Prepared>> = HashMap::new();
    plan.apply_with_subqueries(|node| {
        newest_of(node, |table, _, _| {
            let prepared = table.prepared();
            if is_quickly_told(prepared) {
                asked.insert(version(prepared), Arc::clone(prepared));
            }
            Ok(None::<()>)
        })?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    let mut known = HashMap::new();
    for (version, prepared) in asked {
        if let Some(newest) = engine.lasts.newest(&prepared, engine, LABEL).await? {
            known.insert(version, newest);
        }
    }
    if known.is_empty() {
        return Ok(plan);
    }
    plan.transform_up_with_subqueries(|node| {
        let rows = newest_of(&node, |table, input, rows| {
            let Some(newest) = known.get(&version(table.prepared())) else { return Ok(None) };
            let scan = narrowed(table, input, newest)?;
            scan.map(|scan| Input::over(rows, &scan)).transpose()
        })?;
        let Some(rows) = rows else { return Ok(Transformed::no(node)) };
        node.map_children(|_| Ok(Transformed::yes(rows.clone())))
    })
    .data()
}

/// Whether the newest times are told without reading much: the query is being planned yet.
fn is_quickly_told(prepared: &Prepared) -> bool {
    prepared.snapshot.files.iter().all(|file| {
        let companion = file.rollups.as_ref().and_then(|kept| kept.file(RollupLevel::Series));
        companion.is_some() || file.rows <= FEW_ROWS
    })
}

fn version(prepared: &Prepared) -> Version {
    (prepared.snapshot.dataset.clone(), prepared.snapshot.log_version)
}

/// The scan of the files and times that hold a newest row.
fn narrowed(table: &SnapshotTable, input: &Input, newest: &Newest) -> Result<Option<LogicalPlan>> {
    let (Some(spans), Some(time)) = (&newest.spans, table.contract().time_field()) else {
        return Ok(None);
    };
    let Some(column) = input.stored(table, &time.name) else { return Ok(None) };
    let at = spans.iter().map(|span| during(column.clone(), time.field_type, *span));
    let Some(at) = disjunction(at) else { return Ok(None) };
    let (prepared, exposed) = (Arc::clone(table.prepared()), table.exposed().to_vec());
    let files = table.of_files(prepared, exposed, newest.files.clone());
    let scan = TableScan { source: provider_as_source(Arc::new(files)), ..input.scan.clone() };
    LogicalPlanBuilder::from(LogicalPlan::TableScan(scan)).filter(at)?.build().map(Some)
}

/// What comes of the table, its input and the rows that a node reads which wants nothing but the newest row of
/// each series; none of other nodes.
fn newest_of<T>(
    node: &LogicalPlan,
    work: impl FnOnce(&SnapshotTable, &Input, &LogicalPlan) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let rows = match node {
        LogicalPlan::Distinct(Distinct::On(distinct)) => distinct.input.as_ref(),
        LogicalPlan::Aggregate(aggregate) => aggregate.input.as_ref(),
        _ => return Ok(None),
    };
    let Some(input) = Input::of(rows)? else { return Ok(None) };
    input.with_table(|table| {
        let Some(series) = Series::of(table, &input, rows) else { return Ok(None) };
        let is_asked = match node {
            LogicalPlan::Distinct(Distinct::On(distinct)) => series.is_distinct(distinct)?,
            LogicalPlan::Aggregate(aggregate) => series.is_aggregate(aggregate)?,
            _ => false,
        };
        let of_series = |condition: &Expr| {
            !condition.is_volatile()
                && !has_subquery(condition)
                && condition.column_refs().iter().all(|column| {
                    series.columns.iter().any(|known| *known == Expr::Column((*column).clone()))
                })
        };
        if is_asked && input.conditions.iter().all(of_series) {
            work(table, &input, rows)
        } else {
            Ok(None)
        }
    })
}

/// Whether a condition asks a query of its own. That may be of the row's time, which the condition's own
/// columns do not show.
fn has_subquery(condition: &Expr) -> bool {
    let is_subquery = |part: &Expr| {
        Ok(matches!(
            part,
            Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::ScalarSubquery(_)
                | Expr::SetComparison(_)
        ))
    };
    condition.exists(is_subquery).unwrap_or(true)
}

/// A dataset's series and time, in terms of a scan.
struct Series<'a> {
    columns: Vec<Expr>,
    time: Expr,
    input: &'a Input,
    rows: &'a LogicalPlan,
}

impl<'a> Series<'a> {
    /// None where a row may lack its time, or one of the columns is not shown whole.
    fn of(table: &SnapshotTable, input: &'a Input, rows: &'a LogicalPlan) -> Option<Self> {
        let contract = table.contract();
        let time = contract.time_field()?;
        let stored = table.prepared().scan_schema.field_with_name(time.storage_name()).ok()?;
        let files = &table.prepared().snapshot.files;
        let lacks_none = |file: &hub_lake::DataFile| {
            file.columns.get(time.storage_name()).is_some_and(|known| known.nulls == Some(0))
        };
        if stored.is_nullable() && !files.iter().all(lacks_none) {
            return None;
        }
        let columns = contract.series_fields().map(|field| input.stored(table, &field.name));
        let columns: Vec<Expr> = columns.collect::<Option<_>>()?;
        let time = input.stored(table, &time.name)?;
        (!columns.is_empty()).then_some(Self { columns, time, input, rows })
    }

    fn resolved(&self, expr: &Expr) -> Result<Expr> {
        self.input.resolved(expr.clone(), self.rows.schema())
    }

    /// Whether the expressions are the columns of the series, each once.
    fn are_these(&self, exprs: &[Expr]) -> Result<bool> {
        let exprs: Vec<Expr> =
            exprs.iter().map(|expr| self.resolved(expr)).collect::<Result<_>>()?;
        Ok(exprs.len() == self.columns.len() && self.columns.iter().all(|c| exprs.contains(c)))
    }

    /// Whether rows are put in the order of time, the newest first or last.
    fn is_by_time(&self, order: Option<&SortExpr>, newest_first: bool) -> Result<bool> {
        let Some(order) = order else { return Ok(false) };
        Ok(order.asc != newest_first && self.resolved(&order.expr)? == self.time)
    }

    fn is_distinct(&self, distinct: &DistinctOn) -> Result<bool> {
        let order = distinct.sort_expr.as_deref().unwrap_or_default();
        let after = order.get(distinct.on_expr.len());
        Ok(self.are_these(&distinct.on_expr)? && self.is_by_time(after, true)?)
    }

    fn is_aggregate(&self, aggregate: &Aggregate) -> Result<bool> {
        if aggregate.aggr_expr.is_empty() || !self.are_these(&aggregate.group_expr)? {
            return Ok(false);
        }
        // The newest times alone are told by rollups, which read less.
        let mut has_rows = false;
        for asked in &aggregate.aggr_expr {
            let Expr::AggregateFunction(asked) = asked.clone().unalias_nested().data else {
                return Ok(false);
            };
            if !self.is_newest(&asked)? {
                return Ok(false);
            }
            has_rows |= asked.func != min_max::max_udaf();
        }
        Ok(has_rows)
    }

    fn is_newest(&self, asked: &AggregateFunction) -> Result<bool> {
        let params = &asked.params;
        if params.filter.is_some() || params.null_treatment == Some(NullTreatment::IgnoreNulls) {
            return Ok(false);
        }
        let order = params.order_by.first();
        let function = &asked.func;
        if *function == first_last::first_value_udaf() {
            self.is_by_time(order, true)
        } else if *function == first_last::last_value_udaf() {
            self.is_by_time(order, false)
        } else if *function == min_max::max_udaf() {
            match params.args.as_slice() {
                [of] => Ok(self.resolved(of)? == self.time),
                _ => Ok(false),
            }
        } else {
            Ok(false)
        }
    }
}
