//! `x IN (SELECT y …)` is unknown where it finds nothing and x or some y is missing. The engine heeds that where
//! it alone is a condition; beside OR and beneath NOT it takes unknown for false, so that rows come that are none
//! of the answer. Where that matters, what is unknown is asked for beside it.

use std::sync::Arc;

use datafusion::{
    common::{
        DFSchema, Result, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    functions_aggregate::expr_fn::count,
    logical_expr::{
        BinaryExpr, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, col,
        expr::InSubquery, lit, when,
    },
    optimizer::AnalyzerRule,
};

/// Writes out what is unknown, in conditions on rows.
#[derive(Debug)]
pub(crate) struct UnknownIn;

impl AnalyzerRule for UnknownIn {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let LogicalPlan::Filter(mut filter) = plan else { return Ok(Transformed::no(plan)) };
            let asks = |part: &Expr| Ok(matches!(part, Expr::InSubquery(_)));
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
    let is_asked_alone = |of: &Expr| place == Place::Alone && matches!(of, Expr::InSubquery(_));
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right })
            if place != Place::Within =>
        {
            let place = if op == Operator::And { place } else { Place::Beside };
            let left = written_out(*left, place, schema)?;
            let right = written_out(*right, place, schema)?;
            Ok(Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) }))
        }
        Expr::Not(of) if is_asked_alone(&of) => Ok(Expr::Not(of)),
        Expr::InSubquery(asked) => {
            let told = place == Place::Alone || place == Place::Beside && !asked.negated;
            if told { Ok(Expr::InSubquery(asked)) } else { with_unknown(asked, schema) }
        }
        other => {
            let within = |expr| written_out(expr, Place::Within, schema).map(Transformed::yes);
            Ok(other.map_children(within)?.data)
        }
    }
}

fn with_unknown(asked: InSubquery, schema: &DFSchema) -> Result<Expr> {
    let Subquery { subquery, outer_ref_columns, .. } = &asked.subquery;
    let (qualifier, field) = subquery.schema().qualified_field(0);
    let mut unknown = Vec::new();
    let counted = |more_than: Expr| {
        let column = Expr::Column((qualifier, field).into());
        let counts = [count(lit(1)).alias("rows"), count(column).alias("values")];
        let rows = LogicalPlanBuilder::from(Arc::clone(subquery));
        let plan = rows.aggregate(Vec::<Expr>::new(), counts)?.project([more_than])?.build()?;
        Ok::<_, datafusion::error::DataFusionError>(Expr::ScalarSubquery(Subquery {
            subquery: Arc::new(plan),
            ..asked.subquery.clone()
        }))
    };
    if outer_ref_columns.is_empty() {
        if field.is_nullable() {
            unknown.push(counted(col("rows").gt(col("values")).alias("lacks_some"))?);
        }
        if asked.expr.nullable(schema)? {
            let some = counted(col("rows").gt(lit(0)).alias("has_some"))?;
            unknown.push(asked.expr.as_ref().clone().is_null().and(some));
        }
    }
    let negated = asked.negated;
    let found = Expr::InSubquery(InSubquery { negated: false, ..asked.clone() });
    let told = match unknown.into_iter().reduce(Expr::or) {
        Some(unknown) => when(found, lit(true))
            .when(unknown, lit(ScalarValue::Boolean(None)))
            .otherwise(lit(false))?,
        None => found,
    };
    Ok(if negated { Expr::Not(Box::new(told)) } else { told })
}
