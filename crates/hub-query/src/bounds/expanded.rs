//! How large a statement is for the planner, which writes out what WITH names stand for: a few short lines
//! that each read the one before twice double with every line.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, SelectItem, visit_expressions};

use super::SqlBounds;
use crate::error::QueryError;

/// What one query comes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Tables that are read.
    relations: u64,
    /// Columns in the largest expression behind one of its columns.
    columns: u64,
}

impl Size {
    /// That of a table.
    pub(crate) const ONE: Self = Self { relations: 1, columns: 1 };
}

/// Adds up sizes while a statement is walked; a subquery begins and ends inside of its query.
#[derive(Debug)]
pub(crate) struct Expanded {
    max_relations: u64,
    max_columns: u64,
    open: Vec<Open>,
}

/// A query under way.
#[derive(Debug)]
struct Open {
    relations: u64,
    /// The most columns behind a column of what it reads.
    read: u64,
    /// The most columns that one of its own expressions uses.
    used: u64,
}

impl Expanded {
    pub(crate) fn new(bounds: &SqlBounds) -> Self {
        let (max_relations, max_columns) = (bounds.max_relations, bounds.max_written_out);
        Self { max_relations, max_columns, open: Vec::new() }
    }

    pub(crate) fn begin(&mut self) {
        self.open.push(Open { relations: 0, read: 1, used: 1 });
    }

    /// The query that is open reads something of this size.
    pub(crate) fn relation(&mut self, size: Size) -> ControlFlow<QueryError> {
        let Some(open) = self.open.last_mut() else { return ControlFlow::Continue(()) };
        open.relations = open.relations.saturating_add(size.relations);
        open.read = open.read.max(size.columns);
        self.check()
    }

    /// The query that is open computes these.
    pub(crate) fn columns(&mut self, items: &[SelectItem]) -> ControlFlow<QueryError> {
        let used = items.iter().map(|item| match item {
            SelectItem::UnnamedExpr(expr)
            | SelectItem::ExprWithAlias { expr, .. }
            | SelectItem::ExprWithAliases { expr, .. } => columns_of(expr),
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => 1,
        });
        let used = used.max().unwrap_or(1);
        let Some(open) = self.open.last_mut() else { return ControlFlow::Continue(()) };
        open.used = open.used.max(used);
        self.check()
    }

    /// The size of the query that ends here.
    pub(crate) fn end(&mut self) -> Size {
        let Some(open) = self.open.pop() else { return Size::ONE };
        Size {
            relations: open.relations.max(1),
            columns: open.read.saturating_mul(open.used).max(1),
        }
    }

    fn check(&self) -> ControlFlow<QueryError> {
        let Some(open) = self.open.last() else { return ControlFlow::Continue(()) };
        if open.relations > self.max_relations {
            return ControlFlow::Break(QueryError::complex(format!(
                "with every WITH name written out, the query reads more than {} tables; read each WITH \
                 name once, or join it once with conditions for all uses",
                self.max_relations
            )));
        }
        if open.read.saturating_mul(open.used) > self.max_columns {
            return ControlFlow::Break(QueryError::complex(format!(
                "columns computed from computed columns come to more than {} columns in one expression; \
                 use a computed column once in each step, or compute fewer steps",
                self.max_columns
            )));
        }
        ControlFlow::Continue(())
    }
}

fn columns_of(expr: &Expr) -> u64 {
    let mut count = 0;
    let _ = visit_expressions(expr, |part| {
        count += u64::from(matches!(part, Expr::Identifier(_) | Expr::CompoundIdentifier(_)));
        ControlFlow::<()>::Continue(())
    });
    count
}
