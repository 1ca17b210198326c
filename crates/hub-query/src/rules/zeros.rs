//! Nought with a sign, which `-x` and `round(x)` make, is nought to `=`. To a long list of values it is not,
//! since the engine looks for these by their bits.

use datafusion::{
    common::DFSchema,
    logical_expr::{Expr, ExprSchemable, expr::InList, lit},
    scalar::ScalarValue,
};

/// Where nought is in a list that floating-point numbers are looked for in, puts both noughts into it.
pub(super) fn both_zeros(looked_for: &mut InList, schema: &DFSchema) -> bool {
    let found = looked_for.list.iter().any(is_zero)
        && looked_for.expr.get_type(schema).is_ok_and(|of| of.is_floating());
    if found {
        looked_for.list.extend([lit(0.0), lit(-0.0)]);
    }
    found
}

fn is_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Negative(of) => is_zero(of),
        Expr::Literal(value, _) => {
            matches!(value, ScalarValue::Float64(Some(0.0)) | ScalarValue::Int64(Some(0)))
        }
        _ => false,
    }
}
