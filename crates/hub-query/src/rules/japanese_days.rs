//! Dates and times without a zone are Japanese where they are compared with an instant: a date begins at
//! midnight in Japan. The engine by itself compares them with the instant's clock in UTC. Likewise an instant
//! that is cast to a time without a zone is what the clock shows in its own zone, which the engine takes for
//! that of UTC. So is its time of the day: the engine has it right, but leaves out parts of files as if later
//! instants had later times of the day, where it sees the cast alone.

use arrow::datatypes::DataType;
use datafusion::{
    common::{
        DFSchema, Result,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    functions::datetime::expr_fn::to_local_time,
    logical_expr::{
        Between, BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, TryCast, expr::InList,
        expr_rewriter::NamePreserver, utils::merge_schema,
    },
    optimizer::AnalyzerRule,
};
use hub_model::ZONE_NAME;

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
    let changed = match &mut expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() => {
            to_instants([left.as_mut(), right.as_mut()], schema)
        }
        Expr::Between(Between { expr, low, high, .. }) => {
            to_instants([expr.as_mut(), low.as_mut(), high.as_mut()], schema)
        }
        Expr::InList(InList { expr, list, .. }) => {
            to_instants(std::iter::once(expr.as_mut()).chain(list), schema)
        }
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field })
            if matches!(
                field.data_type(),
                DataType::Timestamp(_, None) | DataType::Time32(_) | DataType::Time64(_)
            ) =>
        {
            let of = expr.get_type(schema);
            let is_instant = matches!(of, Ok(DataType::Timestamp(_, Some(_))));
            if is_instant {
                let instant = std::mem::take(expr.as_mut());
                **expr = to_local_time(vec![instant]);
            }
            is_instant
        }
        _ => false,
    };
    Transformed::new_transformed(expr, changed)
}

/// Where one of those that are compared is an instant, the others become one. Answers whether any did.
fn to_instants<'a>(sides: impl IntoIterator<Item = &'a mut Expr>, schema: &DFSchema) -> bool {
    let mut unit = None;
    let mut zoneless = Vec::new();
    for side in sides {
        match side.get_type(schema) {
            Ok(DataType::Timestamp(of, Some(_))) => unit = unit.or(Some(of)),
            Ok(DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64) => {
                zoneless.push(side);
            }
            _ => {}
        }
    }
    let Some(unit) = unit else { return false };
    let changed = !zoneless.is_empty();
    for side in zoneless {
        // A date that is cast in one step begins at midnight in UTC, whatever the zone.
        for to in [None, Some(ZONE_NAME.into())] {
            let of = std::mem::take(side);
            *side = Expr::Cast(Cast::new(Box::new(of), DataType::Timestamp(unit, to)));
        }
    }
    changed
}
