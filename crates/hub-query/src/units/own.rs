//! `convert(value, to)` as `convert(value, from, to)`: the unit that a value has of its own goes through
//! expressions and subqueries, and is written down before anything else looks at the plan.

use datafusion::{
    common::{
        DFSchema, Result,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{Expr, LogicalPlan, expr_rewriter::NamePreserver, lit},
};

use super::{Scope, of_plan};

/// The plan in which every conversion says what it converts from; an error where nothing tells.
pub(crate) fn own_units_written(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|plan| {
        if !plan.expressions().iter().any(asks) {
            return Ok(Transformed::no(plan));
        }
        let mut schema = DFSchema::empty();
        let mut units = Vec::new();
        for input in plan.inputs() {
            schema = schema.join(input.schema())?;
            units.extend(of_plan(input, None)?);
        }
        let scope = Scope { schema: &schema, units, outer: None };
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = match expr {
                Expr::GroupingSet(_) => None,
                _ => Some(names.save(&expr)),
            };
            let written = expr.transform_up(|expr| match expr {
                Expr::ScalarFunction(mut call) if is_bare(&call.func, &call.args) => {
                    let unit = scope.own_unit(&call.args[0])?;
                    call.args.insert(1, lit(unit.as_ref()));
                    Ok(Transformed::yes(Expr::ScalarFunction(call)))
                }
                other => Ok(Transformed::no(other)),
            })?;
            Ok(match name {
                Some(name) => written.update_data(|expr| name.restore(expr)),
                None => written,
            })
        })?
        .map_data(LogicalPlan::recompute_schema)
    })
    .map(|plan| plan.data)
}

/// Whether the function is asked to convert values from their own unit.
fn is_bare(function: &datafusion::logical_expr::ScalarUDF, arguments: &[Expr]) -> bool {
    function.name() == "convert" && arguments.len() == 2
}

fn asks(expr: &Expr) -> bool {
    let found = expr.exists(|part| {
        Ok(matches!(part, Expr::ScalarFunction(call) if is_bare(&call.func, &call.args)))
    });
    found.unwrap_or(false)
}
