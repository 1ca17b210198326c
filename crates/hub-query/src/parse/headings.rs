//! What the columns of an answer are called where the statement gives them no name: as they are written.
//! The planner would call `1 + 1` after its own types, `Int64(1) + Int64(1)`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, SelectItem, SetExpr, Statement, visit_expressions,
};

/// The longest heading, in characters.
const LONGEST: usize = 80;

/// Headings of an answer's first columns, and of its last, as far as `*` leaves their places known.
/// Columns that have a name of their own have none here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headings {
    first: Vec<Option<String>>,
    last: Vec<Option<String>>,
    has_wildcard: bool,
}

impl Headings {
    pub(super) fn of(statement: &Statement) -> Self {
        let Statement::Query(query) = statement else { return Self::default() };
        let mut body = query.body.as_ref();
        let select = loop {
            match body {
                SetExpr::Select(select) => break select,
                SetExpr::SetOperation { left, .. } => body = left,
                SetExpr::Query(inner) => body = inner.body.as_ref(),
                _ => return Self::default(),
            }
        };
        let items = &select.projection;
        if items.iter().any(makes_several) {
            return Self::default();
        }
        let first: Vec<_> =
            items.iter().take_while(|item| !is_wildcard(item)).map(heading).collect();
        let has_wildcard = first.len() < items.len();
        let last = items.iter().rev().take_while(|item| !is_wildcard(item)).map(heading);
        let mut last: Vec<_> = if has_wildcard { last.collect() } else { Vec::new() };
        last.reverse();
        Self { first, last, has_wildcard }
    }

    /// The headings of an answer whose columns are planned under these names, each with that name.
    pub(crate) fn shown<'a>(&self, planned: &[&'a str]) -> Vec<(&'a str, &str)> {
        let (few, many) = (self.first.len() + self.last.len(), planned.len());
        if many < few || many > few && !self.has_wildcard {
            return Vec::new();
        }
        let first = planned.iter().zip(&self.first);
        let last = planned[many - self.last.len()..].iter().zip(&self.last);
        first.chain(last).filter_map(|(name, shown)| Some((*name, shown.as_deref()?))).collect()
    }
}

fn is_wildcard(item: &SelectItem) -> bool {
    matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
}

/// Whether one item may become several columns.
fn makes_several(item: &SelectItem) -> bool {
    let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
        return matches!(item, SelectItem::ExprWithAliases { .. });
    };
    let found = visit_expressions(expr, |part| match part {
        Expr::Function(call) if call.name.to_string().eq_ignore_ascii_case("unnest") => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

fn heading(item: &SelectItem) -> Option<String> {
    let SelectItem::UnnamedExpr(expr) = item else { return None };
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => None,
        Expr::Cast { expr, .. } => match expr.as_ref() {
            Expr::Identifier(column) => Some(plain(column)),
            Expr::CompoundIdentifier(parts) => parts.last().map(plain),
            _ => Some(cut(&item.to_string())),
        },
        _ => Some(cut(&item.to_string())),
    }
}

fn plain(column: &Ident) -> String {
    super::names::fold(column)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
