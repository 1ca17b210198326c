//! Orders and limits in the words of the standard and of DuckDB.

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, LimitClause, OrderByExpr, OrderByKind, Query, SelectItem, SetExpr, Value,
};

pub(super) fn rewrite(query: &mut Query) {
    by_all_columns(query);
    once_after_distinct(query);
    fetched(query);
}

/// `ORDER BY ALL` by the places of the columns, of which there is a certain number.
fn by_all_columns(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_ref() else { return };
    let single = |item: &SelectItem| {
        matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. })
    };
    if let Some(order) = &mut query.order_by
        && let OrderByKind::All(options) = &order.kind
        && select.projection.iter().all(single)
    {
        let places = (1..=select.projection.len()).map(|place| OrderByExpr {
            expr: Expr::value(Value::Number(place.to_string(), false)),
            options: *options,
            with_fill: None,
        });
        order.kind = OrderByKind::Expressions(places.collect());
    }
}

/// `DISTINCT ON` with an order that names a column twice, which the engine takes for a fault of its own: what
/// comes second decides nothing and is left out.
fn once_after_distinct(query: &mut Query) {
    let on = match query.body.as_ref() {
        SetExpr::Select(select) => matches!(select.distinct, Some(Distinct::On(_))),
        _ => false,
    };
    if let Some(order) = query.order_by.as_mut().filter(|_| on)
        && let OrderByKind::Expressions(parts) = &mut order.kind
    {
        let mut seen = Vec::new();
        parts.retain(|part| {
            let new = !seen.contains(&part.expr);
            seen.push(part.expr.clone());
            new
        });
    }
}

/// `FETCH FIRST n ROWS ONLY` is `LIMIT n`.
fn fetched(query: &mut Query) {
    let plain = |fetch: &datafusion::sql::sqlparser::ast::Fetch| !fetch.percent && !fetch.with_ties;
    let Some(fetch) = query.fetch.take_if(|fetch| plain(fetch)) else { return };
    let limit = fetch.quantity.or_else(|| Some(Expr::value(Value::Number("1".into(), false))));
    query.limit_clause = Some(match query.limit_clause.take() {
        Some(LimitClause::LimitOffset { offset, limit_by, .. }) => {
            LimitClause::LimitOffset { limit, offset, limit_by }
        }
        _ => LimitClause::LimitOffset { limit, offset: None, limit_by: Vec::new() },
    });
}
