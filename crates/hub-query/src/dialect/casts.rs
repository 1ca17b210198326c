//! Casts of one column several ways, `time::date, time::time`. The engine calls a cast after what is cast, and
//! then finds two columns of one name; here each gets a name of its own.

use datafusion::sql::sqlparser::ast::{Expr, Ident, Select, SelectItem};

use crate::parse::fold;

/// Names the casts among a select's columns that would be called alike.
pub(super) fn name(select: &mut Select) {
    let bases: Vec<Option<String>> = select.projection.iter().map(base).collect();
    let casts: Vec<bool> = select.projection.iter().map(is_cast).collect();
    for place in 0..bases.len() {
        let Some(base) = bases[place].as_ref().filter(|_| casts[place]) else { continue };
        let alike = |other: &usize| bases[*other].as_ref() == Some(base);
        let before = (0..place).filter(alike).count();
        let named = (place + 1..bases.len()).filter(alike).any(|other| !casts[other]);
        if before == 0 && !named {
            continue;
        }
        let SelectItem::UnnamedExpr(expr) = &select.projection[place] else { continue };
        let alias = Ident::with_quote('"', format!("{base}_{}", place + 1));
        select.projection[place] = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
    }
}

fn is_cast(item: &SelectItem) -> bool {
    let SelectItem::UnnamedExpr(expr) = item else { return false };
    matches!(expr, Expr::Cast { .. } | Expr::TypedString(_) | Expr::AtTimeZone { .. })
}

/// What the engine calls a column that has no name of its own.
fn base(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some(within(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        _ => None,
    }
}

fn within(expr: &Expr) -> String {
    match expr {
        Expr::Cast { expr, .. } => within(expr),
        Expr::AtTimeZone { timestamp, .. } => within(timestamp),
        Expr::TypedString(typed) => typed.value.to_string(),
        Expr::Nested(expr) => within(expr),
        Expr::Identifier(column) => fold(column),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold).unwrap_or_default(),
        other => other.to_string(),
    }
}
