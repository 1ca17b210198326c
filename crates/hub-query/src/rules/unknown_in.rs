//! `x IN (SELECT y …)` is unknown where it finds nothing and x or some y is missing. The engine heeds that where
//! it alone is a condition and its subquery does not speak of the row outside; elsewhere it takes unknown for
//! false, so that rows come that are none of the answer. Where that matters, what is unknown is asked for beside
//! it. `EXISTS` and `IN` of what is put together for the row outside find a row even where there is nothing. A
//! subquery for which that cannot be asked row by row is refused.

use std::sync::Arc;

use datafusion::{
    common::{
        Column, DFSchema, DataFusionError, ExprSchema, Result, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    functions_aggregate::expr_fn::count,
    logical_expr::{
        BinaryExpr, Expr, ExprSchemable, Limit, LogicalPlan, LogicalPlanBuilder, Operator,
        Projection, Subquery, SubqueryAlias, col,
        expr::{Exists, InSubquery},
        lit, not,
        utils::split_conjunction,
        when,
    },
    optimizer::AnalyzerRule,
};

use crate::error::QueryError;

/// Writes out what is unknown, in conditions on rows.
#[derive(Debug)]
pub(crate) struct UnknownIn;

impl AnalyzerRule for UnknownIn {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            plan.apply_expressions(|expr| {
                expr.apply(|part| match part {
                    Expr::ScalarSubquery(asked) if speaks_of_outside(asked) => told_apart(asked),
                    _ => Ok(TreeNodeRecursion::Continue),
                })
            })?;
            let LogicalPlan::Filter(mut filter) = plan else { return Ok(Transformed::no(plan)) };
            let asks = |part: &Expr| Ok(matches!(part, Expr::InSubquery(_) | Expr::Exists(_)));
            if !filter.predicate.exists(asks)? {
                return Ok(Transformed::no(LogicalPlan::Filter(filter)));
            }
            filter.predicate = written_out(filter.predicate, Place::Alone, filter.input.schema())?;
            Ok(Transformed::yes(LogicalPlan::Filter(filter)))
        })
        .map(|plan| plan.data)
    }

    fn name(&self) -> &str {
        "unknown_in"
    }
}

/// Where a part of a condition stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// The condition holds only if the part does.
    Alone,
    /// Unknown is as good as false.
    Beside,
    /// Unknown is something else.
    Within,
}

fn written_out(expr: Expr, place: Place, schema: &DFSchema) -> Result<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right })
            if place != Place::Within =>
        {
            let place = if op == Operator::And { place } else { Place::Beside };
            let left = written_out(*left, place, schema)?;
            let right = written_out(*right, place, schema)?;
            Ok(Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) }))
        }
        Expr::Not(of) => match *of {
            Expr::InSubquery(asked) if place != Place::Within => {
                let turned = InSubquery { negated: !asked.negated, ..asked };
                written_out(Expr::InSubquery(turned), place, schema)
            }
            of => Ok(not(written_out(of, Place::Within, schema)?)),
        },
        Expr::InSubquery(asked) => {
            let outside = speaks_of_outside(&asked.subquery);
            if outside && has_one_row(bare(&asked.subquery.subquery)) {
                let found = Expr::eq(*asked.expr, Expr::ScalarSubquery(asked.subquery));
                return Ok(if asked.negated { not(found) } else { found });
            }
            if outside && !is_asked_by_row(&asked.subquery.subquery)? {
                return refused();
            }
            let asked = if outside { named_apart(asked)? } else { asked };
            let told =
                place == Place::Alone && !outside || place != Place::Within && !asked.negated;
            if told { Ok(Expr::InSubquery(asked)) } else { with_unknown(asked, place, schema) }
        }
        Expr::Exists(asked) if speaks_of_outside(&asked.subquery) => with_one_row(asked),
        other => {
            let within = |expr| written_out(expr, Place::Within, schema).map(Transformed::yes);
            Ok(other.map_children(within)?.data)
        }
    }
}

fn speaks_of_outside(asked: &Subquery) -> bool {
    !asked.outer_ref_columns.is_empty()
}

/// A subquery without what only chooses and names its columns.
fn bare(mut plan: &LogicalPlan) -> &LogicalPlan {
    while let LogicalPlan::Projection(Projection { input, .. })
    | LogicalPlan::SubqueryAlias(SubqueryAlias { input, .. }) = plan
    {
        plan = input;
    }
    plan
}

/// Whether the plan puts together what there is, and so has one row even where that is nothing. Of what there is
/// for a row outside the engine would find none.
fn has_one_row(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Aggregate(of) if of.group_expr.is_empty())
}

/// `EXISTS` of what is put together for the row outside: always true, or as HAVING says.
fn with_one_row(asked: Exists) -> Result<Expr> {
    let mut rows = bare(&asked.subquery.subquery);
    if has_one_row(rows) {
        return Ok(lit(!asked.negated));
    }
    if let LogicalPlan::Filter(having) = rows
        && has_one_row(&having.input)
        && !having.predicate.contains_outer()
    {
        let kept = [having.predicate.clone().alias("kept")];
        let kept = LogicalPlanBuilder::from(Arc::clone(&having.input)).project(kept)?.build()?;
        let kept = Expr::ScalarSubquery(Subquery { subquery: Arc::new(kept), ..asked.subquery });
        return Ok(if asked.negated { kept.is_not_true() } else { kept.is_true() });
    }
    if let LogicalPlan::Limit(Limit { skip: None, input, .. }) = rows {
        rows = input;
    }
    if !is_asked_by_row(rows)? {
        return refused();
    }
    told_apart(&asked.subquery)?;
    let LogicalPlan::Projection(shown) = asked.subquery.subquery.as_ref() else {
        return Ok(Expr::Exists(asked));
    };
    // A column that is shown would be taken for one of its name that is compared.
    let rows = LogicalPlanBuilder::from(Arc::clone(&shown.input)).project([lit(1).alias("row")])?;
    let subquery = Subquery { subquery: Arc::new(rows.build()?), ..asked.subquery };
    Ok(Expr::Exists(Exists { subquery, ..asked }))
}

/// The subquery with its column under a name that none has that it compares with the row outside.
fn named_apart(asked: InSubquery) -> Result<InSubquery> {
    told_apart(&asked.subquery)?;
    let (qualifier, field) = asked.subquery.subquery.schema().qualified_field(0);
    let column = Expr::Column((qualifier, field).into()).alias("asked_for");
    let rows = LogicalPlanBuilder::from(Arc::clone(&asked.subquery.subquery)).project([column])?;
    let subquery = Subquery { subquery: Arc::new(rows.build()?), ..asked.subquery };
    Ok(InSubquery { subquery, ..asked })
}

/// Refuses a subquery that compares columns of one name, of two tables, with the row outside, which the engine
/// would take for one column, and one with windows over the rows that belong to the row outside, which it would
/// make over all.
fn told_apart(asked: &Subquery) -> Result<TreeNodeRecursion> {
    let mut compared = Vec::new();
    let mut within = false;
    asked.subquery.apply(|plan| {
        within |= matches!(plan, LogicalPlan::Window(_)) && !plan.all_out_ref_exprs().is_empty();
        if let LogicalPlan::Filter(filter) = plan {
            let conditions = split_conjunction(&filter.predicate).into_iter();
            let outside = conditions.filter(|condition| condition.contains_outer());
            compared.extend(outside.flat_map(Expr::column_refs).cloned());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    if within {
        return refused();
    }
    for (place, column) in compared.iter().enumerate() {
        let is_alike =
            |other: &&Column| other.name == column.name && other.relation != column.relation;
        if compared[place..].iter().any(|other| is_alike(&other)) {
            let way = format!(
                "a subquery compares two columns called {:?} with the row outside; give one another name \
                 in a subquery of its table, (SELECT …, {} AS other FROM …)",
                column.name, column.name
            );
            return Err(DataFusionError::External(Box::new(QueryError::not_allowed(way, None))));
        }
    }
    Ok(TreeNodeRecursion::Continue)
}

/// Whether the rows of the subquery are those for which its conditions on the row outside hold, and nothing
/// that comes of all these rows together.
fn is_asked_by_row(subquery: &LogicalPlan) -> Result<bool> {
    let is_not = subquery.exists(|plan| {
        Ok(match plan {
            LogicalPlan::Filter(_) => false,
            LogicalPlan::Limit(_) | LogicalPlan::Union(_) | LogicalPlan::Window(_) => {
                !plan.all_out_ref_exprs().is_empty()
            }
            plan if has_one_row(plan) => !plan.all_out_ref_exprs().is_empty(),
            other => other.contains_outer_reference(),
        })
    });
    Ok(!is_not?)
}

fn refused<T>() -> Result<T> {
    let way = "a subquery behind EXISTS or IN speaks of the row outside in its WHERE alone, and neither LIMIT, \
               OFFSET, UNION, windows nor HAVING without GROUP BY stand around that; write x IN (SELECT y …) as \
               EXISTS (SELECT 1 … AND y = x), x NOT IN (SELECT y …) as NOT EXISTS (SELECT 1 … AND (y = x OR \
               y IS NULL OR x IS NULL)), and put windows into a WITH clause";
    Err(DataFusionError::External(Box::new(QueryError::not_allowed(way, None))))
}

fn with_unknown(asked: InSubquery, place: Place, schema: &DFSchema) -> Result<Expr> {
    let (qualifier, field) = asked.subquery.subquery.schema().qualified_field(0);
    let column = Expr::Column((qualifier, field).into());
    let mut unknown = Vec::new();
    if field.is_nullable() {
        unknown.push(has_row(&asked.subquery, Some(column.clone().is_null()))?);
    }
    if asked.expr.nullable(schema)? {
        let some = has_row(&asked.subquery, None)?;
        unknown.push(asked.expr.as_ref().clone().is_null().and(some));
    }
    let negated = asked.negated;
    let found = if speaks_of_outside(&asked.subquery) {
        let equal = column.eq(from_within(*asked.expr, schema)?);
        has_row(&asked.subquery, Some(equal))?
    } else {
        Expr::InSubquery(InSubquery { negated: false, ..asked })
    };
    if negated && place != Place::Within {
        return Ok(unknown.into_iter().fold(not(found), |told, lacks| told.and(not(lacks))));
    }
    let told = match unknown.into_iter().reduce(Expr::or) {
        Some(unknown) => when(found, lit(true))
            .when(unknown, lit(ScalarValue::Boolean(None)))
            .otherwise(lit(false))?,
        None => found,
    };
    Ok(if negated { not(told) } else { told })
}

/// What is looked for, as the subquery speaks of it.
fn from_within(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let speaks_of_more = |part: &Expr| {
        Ok(matches!(
            part,
            Expr::OuterReferenceColumn(..)
                | Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
        ))
    };
    if expr.exists(speaks_of_more)? {
        return refused();
    }
    let outside = expr.transform(|part| {
        let Expr::Column(column) = part else { return Ok(Transformed::no(part)) };
        let field = Arc::clone(schema.field_from_column(&column)?);
        Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
    });
    Ok(outside?.data)
}

/// Whether the subquery has a row for which the condition holds.
fn has_row(asked: &Subquery, condition: Option<Expr>) -> Result<Expr> {
    let rows = LogicalPlanBuilder::from(Arc::clone(&asked.subquery));
    let rows = match condition {
        Some(condition) => rows.filter(condition)?,
        None => rows,
    };
    if speaks_of_outside(asked) {
        let rows = rows.build()?;
        let outer_ref_columns = rows.all_out_ref_exprs();
        let subquery = Subquery { subquery: Arc::new(rows), outer_ref_columns, ..asked.clone() };
        return Ok(Expr::Exists(Exists { subquery, negated: false }));
    }
    let counted = rows.aggregate(Vec::<Expr>::new(), [count(lit(1)).alias("rows")])?;
    let some = counted.project([col("rows").gt(lit(0)).alias("has_some")])?.build()?;
    Ok(Expr::ScalarSubquery(Subquery { subquery: Arc::new(some), ..asked.clone() }))
}
