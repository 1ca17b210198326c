//! Dates and times without a zone are Japanese where they are compared with an instant: a date begins at
//! midnight in Japan. The engine by itself compares them with the instant's clock in UTC. Likewise an instant
//! that is cast to a time without a zone is what the clock shows in its own zone, which the engine takes for
//! that of UTC. So is its time of the day: the engine has it right, but leaves out parts of files as if later
//! instants had later times of the day, where it sees the cast alone. Intervals that are compared become lengths.

use arrow::datatypes::DataType;
use datafusion::{
    common::{
        DFSchema, Result,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    functions::datetime::expr_fn::to_local_time,
    logical_expr::{
        Between, BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, TryCast,
        expr_rewriter::NamePreserver, lit, utils::merge_schema,
    },
    optimizer::AnalyzerRule,
};
use hub_model::ZONE_NAME;

use super::{in_zone::in_zone, interval_lengths::to_lengths, zeros::both_zeros};

/// Comes before the rule that casts both sides of a comparison to one type.
#[derive(Debug)]
pub(crate) struct JapaneseDays;

impl AnalyzerRule for JapaneseDays {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let schema = merge_schema(&plan.inputs());
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let rewritten = expr.transform_up(|expr| Ok(compared(expr, &schema)))?;
                Ok(rewritten.update_data(|expr| name.restore(expr)))
            })
        })
        .map(|plan| plan.data)
    }

    fn name(&self) -> &str {
        "japanese_days"
    }
}

fn compared(mut expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    if let Expr::Cast(Cast { expr: of, field }) | Expr::TryCast(TryCast { expr: of, field }) =
        &mut expr
        && *field.data_type() == DataType::Boolean
        && of.get_type(schema).is_ok_and(|of| of.is_numeric())
    {
        // The engine would leave out files as if -1 were less true than 1.
        return Transformed::yes(std::mem::take(of.as_mut()).not_eq(lit(0)));
    }
    let changed = match &mut expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() => {
            alike(vec![left.as_mut(), right.as_mut()], schema)
        }
        Expr::Between(Between { expr, low, high, .. }) => {
            alike(vec![expr.as_mut(), low.as_mut(), high.as_mut()], schema)
        }
        Expr::InList(list) => {
            both_zeros(list, schema) || {
                let sides = std::iter::once(list.expr.as_mut()).chain(&mut list.list);
                alike(sides.collect(), schema)
            }
        }
        Expr::Cast(Cast { expr: of, field }) | Expr::TryCast(TryCast { expr: of, field }) => {
            match (of.get_type(schema), field.data_type()) {
                (
                    Ok(DataType::Timestamp(_, Some(_))),
                    DataType::Timestamp(_, None) | DataType::Time32(_) | DataType::Time64(_),
                ) => {
                    let instant = std::mem::take(of.as_mut());
                    **of = to_local_time(vec![instant]);
                    true
                }
                (
                    Ok(DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64),
                    DataType::Timestamp(_, Some(zone)),
                ) => {
                    **of = in_zone(std::mem::take(of.as_mut()), zone);
                    true
                }
                _ => false,
            }
        }
        _ => false,
    };
    Transformed::new_transformed(expr, changed)
}

/// Brings those that are compared to what is compared of them. Answers whether any was changed.
fn alike(mut sides: Vec<&mut Expr>, schema: &DFSchema) -> bool {
    to_lengths(&mut sides, schema) || to_instants(sides, schema)
}

/// Where one of those that are compared is an instant, the others become one. Answers whether any did.
fn to_instants(sides: Vec<&mut Expr>, schema: &DFSchema) -> bool {
    let kind = |side: &Expr| match side.get_type(schema) {
        Ok(DataType::Timestamp(_, zone)) => Some(zone.is_some()),
        Ok(DataType::Date32 | DataType::Date64) => Some(false),
        _ => None,
    };
    if !sides.iter().any(|side| kind(side) == Some(true)) {
        return false;
    }
    let mut changed = false;
    for side in sides.into_iter().filter(|side| kind(side) == Some(false)) {
        let clock = std::mem::take(side);
        *side = shown_instant(&clock, schema).unwrap_or_else(|| in_zone(clock, ZONE_NAME));
        changed = true;
    }
    changed
}

/// The instant whose clock in Japan this is, where it is written so; files are left out by it.
fn shown_instant(clock: &Expr, schema: &DFSchema) -> Option<Expr> {
    let Expr::Cast(Cast { expr, field }) = clock else { return None };
    let Expr::ScalarFunction(call) = expr.as_ref() else { return None };
    let [instant] = call.args.as_slice() else { return None };
    match (call.name(), instant.get_type(schema), field.data_type()) {
        (
            "to_local_time",
            Ok(DataType::Timestamp(of, Some(zone))),
            DataType::Timestamp(to, None),
        ) if of == *to && &*zone == ZONE_NAME => Some(instant.clone()),
        _ => None,
    }
}
