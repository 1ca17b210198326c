//! `WHERE key` after `JOIN … USING (key)`: by the standard the joined tables have one column of that name,
//! and the planner calls it ambiguous. Here the name gets the table in front that its values come from.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select, Statement, TableFactor,
    VisitMut, VisitorMut,
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
        if let Some((table, columns)) = joined(select)
            && let Some(condition) = &mut select.selection
        {
            let _ = condition.visit(&mut Condition { table, columns, subqueries: 0 });
        }
        ControlFlow::Continue(())
    }
}

/// The condition of one select. In a subquery of it the same word may be a column of the subquery's own
/// tables.
struct Condition {
    table: Vec<Ident>,
    columns: Vec<String>,
    subqueries: usize,
}

impl VisitorMut for Condition {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.subqueries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.subqueries -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, part: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(column) = part
            && self.subqueries == 0
            && self.columns.contains(&fold(column))
        {
            let parts = self.table.iter().cloned().chain([column.clone()]);
            *part = Expr::CompoundIdentifier(parts.collect());
        }
        ControlFlow::Continue(())
    }
}

/// The table of a select that has the values of a join's columns, and the columns by which all others
/// are joined to it: the first, or of one RIGHT JOIN the second. Where both sides may lack rows a column
/// is neither's.
fn joined(select: &Select) -> Option<(Vec<Ident>, Vec<String>)> {
    let [from] = select.from.as_slice() else { return None };
    if let [join] = from.joins.as_slice()
        && let JoinOperator::Right(JoinConstraint::Using(using))
        | JoinOperator::RightOuter(JoinConstraint::Using(using)) = &join.join_operator
    {
        return Some((name(&join.relation)?, folded(using)));
    }
    let mut columns: Option<Vec<String>> = None;
    for join in &from.joins {
        let (JoinOperator::Join(JoinConstraint::Using(using))
        | JoinOperator::Inner(JoinConstraint::Using(using))
        | JoinOperator::Left(JoinConstraint::Using(using))
        | JoinOperator::LeftOuter(JoinConstraint::Using(using))) = &join.join_operator
        else {
            return None;
        };
        let using = folded(using);
        columns = Some(match columns {
            None => using,
            Some(before) => before.into_iter().filter(|name| using.contains(name)).collect(),
        });
    }
    Some((name(&from.relation)?, columns.filter(|columns| !columns.is_empty())?))
}

fn folded(using: &[ObjectName]) -> Vec<String> {
    using
        .iter()
        .filter_map(|name| name.0.last().and_then(|part| part.as_ident()).map(fold))
        .collect()
}

/// What the select calls a table or a subquery.
fn name(relation: &TableFactor) -> Option<Vec<Ident>> {
    match relation {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. } => Some(vec![alias.name.clone()]),
        TableFactor::Table { name, alias: None, args: None, .. } => {
            name.0.iter().map(|part| part.as_ident().cloned()).collect()
        }
        _ => None,
    }
}
