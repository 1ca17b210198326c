//! Rows that an order leaves equal: which of them comes first is then left to chance, and so is which of them a
//! LIMIT, a DISTINCT ON or a number of a row takes.

use std::{collections::BTreeMap, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Distinct, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    GroupByExpr, LimitClause, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr,
    TableFactor, Value, Visit, Visitor, WindowType,
};

use super::{fold, plain_name};

/// Of each dataset the names that each column of its primary key has.
pub(crate) type PrimaryKeys = BTreeMap<String, Vec<Vec<String>>>;

/// Functions of windows whose value follows the order of rows that are equal in it.
const BY_ROW: [&str; 7] =
    ["row_number", "ntile", "lag", "lead", "first_value", "last_value", "nth_value"];

/// What a statement leaves to chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tie {
    /// Some rows, and nothing says which.
    Unordered,
    /// Some rows of an order that may leave several equal.
    Cut,
    /// One row for each of a DISTINCT ON whose order may leave several equal.
    Distinct,
    /// A value by the order of rows, over a window that may leave several equal.
    Window,
}

/// What of a statement's parts is left to chance, each kind once.
pub(super) fn of(statement: &impl Visit, keys: &PrimaryKeys) -> Vec<Tie> {
    let mut ties = Ties { keys, found: Vec::new() };
    // The visitor never breaks.
    let _ = statement.visit(&mut ties);
    ties.found
}

struct Ties<'a> {
    keys: &'a PrimaryKeys,
    found: Vec<Tie>,
}

impl Visitor for Ties<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let by: Vec<&Expr> = match query.order_by.as_ref().map(|order| &order.kind) {
            Some(OrderByKind::Expressions(order)) => order.iter().map(|by| &by.expr).collect(),
            // Rows that are equal in everything are the same.
            Some(OrderByKind::All(_)) => return ControlFlow::Continue(()),
            None => Vec::new(),
        };
        let cut = query.fetch.is_some() || query.limit_clause.as_ref().is_some_and(cuts);
        if cut && !self.settled(&query.body, &by) {
            self.add(if by.is_empty() { Tie::Unordered } else { Tie::Cut });
        }
        if let SetExpr::Select(select) = query.body.as_ref()
            && let Some(Distinct::On(on)) = &select.distinct
            && !self.settled_select(select, &by.into_iter().chain(on).collect::<Vec<_>>())
        {
            self.add(Tie::Distinct);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let mut calls = Calls::default();
        let _ = select.projection.visit(&mut calls);
        let _ = select.qualify.visit(&mut calls);
        for call in calls.found {
            let Some(WindowType::WindowSpec(window)) = &call.over else { continue };
            let name = call.name.to_string().to_lowercase();
            let order = window.order_by.iter().map(|OrderByExpr { expr, .. }| expr);
            let by: Vec<&Expr> = order.chain(&window.partition_by).collect();
            let settled = self.settled_select(select, &by) || gives_its_order(select, &call, &by);
            if BY_ROW.contains(&name.as_str()) && (window.order_by.is_empty() || !settled) {
                self.add(Tie::Window);
            }
        }
        ControlFlow::Continue(())
    }
}

/// Whether the value is one of those that the window is in order of, the same in all rows that are equal.
fn gives_its_order(select: &Select, call: &Function, by: &[&Expr]) -> bool {
    let FunctionArguments::List(list) = &call.args else { return false };
    match list.args.first() {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(value))) => {
            by.iter().any(|by| same(select, by, value))
        }
        _ => false,
    }
}

/// Whether some rows are left out.
fn cuts(limit: &LimitClause) -> bool {
    !matches!(limit, LimitClause::LimitOffset { limit: None, offset: None, .. })
}

/// The calls of a select's own, without those of queries within it.
#[derive(Default)]
struct Calls {
    found: Vec<Function>,
    depth: usize,
}

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(call) = expr
            && self.depth == 0
        {
            self.found.push(call.clone());
        }
        ControlFlow::Continue(())
    }
}

impl Ties<'_> {
    fn add(&mut self, tie: Tie) {
        if !self.found.contains(&tie) {
            self.found.push(tie);
        }
    }

    /// Whether rows that are equal in all of these are the same, or there is only one.
    fn settled(&self, body: &SetExpr, by: &[&Expr]) -> bool {
        match body {
            SetExpr::Select(select) => self.settled_select(select, by),
            SetExpr::Query(query) => self.settled(&query.body, by),
            SetExpr::SetOperation { left, .. } => match left.as_ref() {
                SetExpr::Select(select) => shows_only(select, by),
                _ => false,
            },
            SetExpr::Values(_) => true,
            _ => false,
        }
    }

    fn settled_select(&self, select: &Select, by: &[&Expr]) -> bool {
        let has = |expr: &Expr| by.iter().any(|by| same(select, by, expr));
        let of_groups = match &select.group_by {
            GroupByExpr::Expressions(groups, _) if !groups.is_empty() => groups.iter().all(has),
            GroupByExpr::Expressions(..) => {
                select.from.is_empty() || select.projection.iter().any(aggregates)
            }
            GroupByExpr::All(_) => {
                let shown = select.projection.iter().filter(|item| !aggregates(item));
                shown.filter_map(expression).all(has)
            }
        };
        let grouped =
            !matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty());
        of_groups || shows_only(select, by) || !grouped && self.has_key(select, by)
    }

    /// Whether these, and what the conditions fix, have the primary key of the one table that is read.
    fn has_key(&self, select: &Select, by: &[&Expr]) -> bool {
        let [from] = select.from.as_slice() else { return false };
        let TableFactor::Table { name, .. } = &from.relation else { return false };
        let parts: Vec<String> =
            name.0.iter().filter_map(|part| part.as_ident()).map(fold).collect();
        let name = parts.join(".");
        let key = self.keys.get(plain_name(&name).unwrap_or(&name));
        let Some(key) = key.filter(|_| from.joins.is_empty()) else { return false };
        let mut known: Vec<String> =
            by.iter().filter_map(|by| column(resolved(select, by))).collect();
        select.selection.iter().for_each(|condition| fixed(condition, &mut known));
        !key.is_empty() && key.iter().all(|names| names.iter().any(|name| known.contains(name)))
    }
}

/// The columns that a condition leaves one value of.
fn fixed(condition: &Expr, known: &mut Vec<String>) {
    match condition {
        Expr::Nested(inner) => fixed(inner, known),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            fixed(left, known);
            fixed(right, known);
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            if matches!(right.as_ref(), Expr::Value(_)) {
                known.extend(column(left));
            }
        }
        _ => {}
    }
}

/// Whether every column of the answer is among these.
fn shows_only(select: &Select, by: &[&Expr]) -> bool {
    let mut shown = select.projection.iter();
    shown
        .all(|item| expression(item).is_some_and(|expr| by.iter().any(|by| same(select, by, expr))))
}

fn expression(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// What an expression of ORDER BY or GROUP BY stands for, where it is a number or the name of a column of the
/// answer.
fn resolved<'a>(select: &'a Select, expr: &'a Expr) -> &'a Expr {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => {
                let place = number.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
                place.and_then(|place| expression(select.projection.get(place)?)).unwrap_or(expr)
            }
            _ => expr,
        },
        Expr::Identifier(name) => {
            let mut items = select.projection.iter();
            let named = items.find_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } if alias == name => Some(expr),
                _ => None,
            });
            named.unwrap_or(expr)
        }
        _ => expr,
    }
}

fn same(select: &Select, one: &Expr, other: &Expr) -> bool {
    let (one, other) = (resolved(select, one), resolved(select, other));
    one == other || column(one).is_some_and(|name| column(other) == Some(name))
}

/// The name of a column, whatever table's name stands before it.
fn column(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(fold(name)),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold),
        _ => None,
    }
}

/// Whether a column of the answer puts rows together.
fn aggregates(item: &SelectItem) -> bool {
    let mut calls = Calls::default();
    let _ = item.visit(&mut calls);
    calls.found.iter().any(|call| {
        call.over.is_none()
            && crate::functions::aggregates().contains(&call.name.to_string().to_lowercase())
    })
}
