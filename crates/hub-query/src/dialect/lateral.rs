//! `LATERAL (SELECT … FROM b WHERE b.key = a.key ORDER BY b.time DESC LIMIT n)`: the first rows of each key, which
//! the engine does not find by itself.
//!
//! Where the rows outside are asked for by equal columns only, the rows inside are numbered within each key
//! and joined. Where they are also asked for by one time, in the order of that time and with `LIMIT 1`, it
//! is an as-of join. Everything else stays as it is, and the engine says that it can't.

mod firsts;

use std::sync::Arc;

use datafusion::{
    common::{
        Column, Result, TableReference,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{
        Aggregate, Expr, Filter, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Projection,
        SubqueryAlias, expr_rewriter::NamePreserver, lit, utils::split_conjunction_owned,
    },
    optimizer::AnalyzerRule,
};

use crate::asof::Kind;
use firsts::Firsts;

/// Comes before the rule that makes as-of joins of their marks.
#[derive(Debug)]
pub(crate) struct LateralFirsts;

impl AnalyzerRule for LateralFirsts {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let otherwise = match &plan {
                LogicalPlan::Join(join) => joined(join)?,
                other => computed(other)?,
            };
            Ok(match otherwise {
                Some(plan) => Transformed::yes(plan),
                None => Transformed::no(plan),
            })
        })
        .map(|plan| plan.data)
    }

    fn name(&self) -> &str {
        "lateral_firsts"
    }
}

/// The join without a subquery that depends on the left side; none where that can't be said otherwise.
fn joined(join: &Join) -> Result<Option<LogicalPlan>> {
    let (subquery, alias) = match join.right.as_ref() {
        LogicalPlan::Subquery(subquery) => (subquery, None),
        LogicalPlan::SubqueryAlias(SubqueryAlias { input, alias, .. }) => match input.as_ref() {
            LogicalPlan::Subquery(subquery) => (subquery, Some(alias.clone())),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let kind = match join.join_type {
        JoinType::Inner => Kind::Inner,
        JoinType::Left => Kind::Left,
        _ => return Ok(None),
    };
    if !join.on.is_empty() {
        return Ok(None);
    }
    let Some(firsts) = Firsts::of(subquery) else { return Ok(None) };
    let mut conditions: Vec<Expr> =
        join.filter.iter().cloned().flat_map(split_conjunction_owned).collect();
    conditions.retain(|condition| *condition != lit(true));
    if firsts.time.is_some() && !conditions.is_empty() {
        return Ok(None);
    }
    let left = join.left.as_ref().clone();
    let shown = join.schema.columns().into_iter().map(Expr::Column).collect::<Vec<_>>();
    let plan = firsts.beside(left, alias.as_ref(), kind, conditions)?;
    Ok(Some(LogicalPlanBuilder::from(plan).project(shown)?.build()?))
}

/// `(SELECT x FROM b WHERE b.key = a.key ORDER BY b.time DESC LIMIT 1)` within the expressions of a plan, as a
/// column of a table beside its input; none where there is no such subquery.
fn computed(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let input = match plan {
        LogicalPlan::Projection(projection) => &projection.input,
        LogicalPlan::Filter(filter) => &filter.input,
        LogicalPlan::Aggregate(aggregate) => &aggregate.input,
        _ => return Ok(None),
    };
    let asks = |expr: &Expr| expr.exists(|part| Ok(matches!(part, Expr::ScalarSubquery(_))));
    if !plan.expressions().iter().any(|expr| asks(expr).unwrap_or(false)) {
        return Ok(None);
    }
    let mut beside = Beside { input: input.as_ref().clone(), number: 0 };
    Ok(match plan {
        LogicalPlan::Projection(projection) => {
            let columns = projection.expr.iter().map(|expr| {
                let name = NamePreserver::new_for_projection().save(expr);
                Ok(name.restore(beside.without_firsts(expr.clone())?))
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let Some(input) = beside.input() else { return Ok(None) };
            Some(LogicalPlan::Projection(Projection::try_new(columns, input)?))
        }
        LogicalPlan::Filter(filter) => {
            let predicate = beside.without_firsts(filter.predicate.clone())?;
            let Some(input) = beside.input() else { return Ok(None) };
            let filtered = LogicalPlan::Filter(Filter::try_new(predicate, input)?);
            let shown = plan.schema().columns().into_iter().map(Expr::Column);
            Some(LogicalPlanBuilder::from(filtered).project(shown)?.build()?)
        }
        LogicalPlan::Aggregate(aggregate) => {
            let mut all = |expressions: &[Expr]| {
                expressions
                    .iter()
                    .map(|e| beside.without_firsts(e.clone()))
                    .collect::<Result<Vec<_>>>()
            };
            let (groups, aggregates) = (all(&aggregate.group_expr)?, all(&aggregate.aggr_expr)?);
            let Some(input) = beside.input() else { return Ok(None) };
            let grouped = LogicalPlan::Aggregate(Aggregate::try_new(input, groups, aggregates)?);
            // What is above knows the columns by the names that they had.
            let shown = grouped.schema().columns().into_iter().zip(plan.schema().iter());
            let shown = shown.map(|(column, (relation, field))| {
                Expr::Column(column).alias_qualified(relation.cloned(), field.name())
            });
            let shown = shown.collect::<Vec<_>>();
            Some(LogicalPlanBuilder::from(grouped).project(shown)?.build()?)
        }
        _ => None,
    })
}

/// The input of a plan, with the tables that its expressions' subqueries became.
struct Beside {
    input: LogicalPlan,
    number: usize,
}

impl Beside {
    /// The expression with columns in the place of subqueries for a first row.
    fn without_firsts(&mut self, expr: Expr) -> Result<Expr> {
        let replaced = expr.transform(|part| {
            if let Expr::ScalarSubquery(subquery) = &part
                && let Some(firsts) = Firsts::of(subquery)
                && let [(_, column, _)] = firsts.shown.as_slice()
                && firsts.rows == 1
            {
                let alias = TableReference::bare(format!("__first_{}", self.number));
                self.number += 1;
                let left = std::mem::take(&mut self.input);
                self.input = firsts.beside(left, Some(&alias), Kind::Left, Vec::new())?;
                let column = Column::new(Some(alias), column);
                return Ok(Transformed::yes(Expr::Column(column)));
            }
            Ok(Transformed::no(part))
        })?;
        Ok(replaced.data)
    }

    /// The input, if anything was put beside it.
    fn input(self) -> Option<Arc<LogicalPlan>> {
        (self.number > 0).then(|| Arc::new(self.input))
    }
}
