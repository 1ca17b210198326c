//! `WHERE key` after `JOIN … USING (key)`: by the standard the joined tables have one column of that name,
//! and the planner calls it ambiguous. Here the name gets the table in front that its values come from.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, Select, Statement, TableFactor, VisitMut,
    VisitorMut, visit_expressions, visit_expressions_mut,
};

use super::names::fold;

/// Names the tables of such columns in every select of the statement.
pub(super) fn qualify(statement: &mut Statement) {
    // The visitor never breaks.
    let _ = statement.visit(&mut Qualifier);
}

struct Qualifier;

impl VisitorMut for Qualifier {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let Some((table, columns)) = joined(select) else { return ControlFlow::Continue(()) };
        let Some(condition) = &mut select.selection else { return ControlFlow::Continue(()) };
        if has_subquery(condition) {
            // The same word may be a column of the subquery's own tables.
            return ControlFlow::Continue(());
        }
        visit_expressions_mut(condition, |part| {
            if let Expr::Identifier(column) = part
                && columns.contains(&fold(column))
            {
                let parts = table.iter().cloned().chain([column.clone()]);
                *part = Expr::CompoundIdentifier(parts.collect());
            }
            ControlFlow::Continue(())
        })
    }
}

/// The first table of a select, and the columns by which all others are joined to it. In an outer join
/// that may lack rows of the first table the column is not the first table's.
fn joined(select: &Select) -> Option<(Vec<Ident>, Vec<String>)> {
    let [from] = select.from.as_slice() else { return None };
    let table = match &from.relation {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. } => vec![alias.name.clone()],
        TableFactor::Table { name, alias: None, args: None, .. } => {
            name.0.iter().map(|part| part.as_ident().cloned()).collect::<Option<_>>()?
        }
        _ => return None,
    };
    let mut columns: Option<Vec<String>> = None;
    for join in &from.joins {
        let (JoinOperator::Join(JoinConstraint::Using(using))
        | JoinOperator::Inner(JoinConstraint::Using(using))
        | JoinOperator::Left(JoinConstraint::Using(using))
        | JoinOperator::LeftOuter(JoinConstraint::Using(using))
        | JoinOperator::AsOf { constraint: JoinConstraint::Using(using), .. }) =
            &join.join_operator
        else {
            return None;
        };
        let using: Vec<String> = using
            .iter()
            .filter_map(|name| name.0.last().and_then(|part| part.as_ident()).map(fold))
            .collect();
        columns = Some(match columns {
            None => using,
            Some(before) => before.into_iter().filter(|name| using.contains(name)).collect(),
        });
    }
    Some((table, columns.filter(|columns| !columns.is_empty())?))
}

fn has_subquery(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |part| match part {
        Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => ControlFlow::Break(()),
        Expr::AnyOp { .. } | Expr::AllOp { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}
