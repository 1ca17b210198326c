//! What a bare name means after `JOIN … USING`: by the standard the joined tables have one column of that
//! name. The planner calls it ambiguous in WHERE, and after a RIGHT or FULL JOIN it takes the first
//! table's values for it, which are missing where that table has no row. Here the name is written out as
//! what it means.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::{
    ast::{
        Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select,
        SelectItem, Statement, TableFactor, VisitMut, VisitorMut,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use super::names::fold;
use crate::error::QueryError;

/// Writes out such names in every select of the statement.
pub(super) fn qualify(statement: &mut Statement) -> Result<(), QueryError> {
    match statement.visit(&mut Qualifier) {
        ControlFlow::Break(advice) => {
            Err(QueryError::not_allowed(format!("this is not offered: {advice}"), None))
        }
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Qualifier;

impl VisitorMut for Qualifier {
    type Break = &'static str;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<&'static str> {
        if lacks_first_rows(select) {
            let Some(mut names) = outer(select) else { return ControlFlow::Break(ONE_JOIN) };
            if select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_))) {
                return ControlFlow::Break(NO_STAR);
            }
            write_out(select, &mut names);
        } else if let Some(mut names) = inner(select)
            && let Some(condition) = &mut select.selection
        {
            // Everywhere else the planner takes the first table's values, which is right.
            let _ = condition.visit(&mut names);
        }
        ControlFlow::Continue(())
    }
}

const ONE_JOIN: &str = "RIGHT or FULL JOIN by NATURAL, or by USING beside other joins; write ON, and \
                        COALESCE(a.key, b.key) for the key of either";
const NO_STAR: &str = "* after a RIGHT or FULL JOIN by USING; name the columns";

/// Whether a join by names may have rows that the first table has none of.
fn lacks_first_rows(select: &Select) -> bool {
    let joins = select.from.iter().flat_map(|from| &from.joins);
    joins.map(|join| &join.join_operator).any(|join| {
        matches!(
            join,
            JoinOperator::Right(JoinConstraint::Using(_) | JoinConstraint::Natural)
                | JoinOperator::RightOuter(JoinConstraint::Using(_) | JoinConstraint::Natural)
                | JoinOperator::FullOuter(JoinConstraint::Using(_) | JoinConstraint::Natural)
        )
    })
}

/// The names of a select's one join, which is RIGHT or FULL.
fn outer(select: &Select) -> Option<Names> {
    let [from] = select.from.as_slice() else { return None };
    let [join] = from.joins.as_slice() else { return None };
    let right = name(&join.relation)?;
    match &join.join_operator {
        JoinOperator::Right(JoinConstraint::Using(using))
        | JoinOperator::RightOuter(JoinConstraint::Using(using)) => {
            Some(Names::of(vec![right], folded(using)))
        }
        JoinOperator::FullOuter(JoinConstraint::Using(using)) => {
            Some(Names::of(vec![name(&from.relation)?, right], folded(using)))
        }
        _ => None,
    }
}

/// The names of joins that keep to rows of the first table: those by which all others are joined to it.
fn inner(select: &Select) -> Option<Names> {
    let [from] = select.from.as_slice() else { return None };
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
        let using = folded(using);
        columns = Some(match columns {
            None => using,
            Some(before) => before.into_iter().filter(|name| using.contains(name)).collect(),
        });
    }
    let columns = columns.filter(|columns| !columns.is_empty())?;
    Some(Names::of(vec![name(&from.relation)?], columns))
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

/// Writes out the names wherever a select uses them. A column of the answer keeps its name.
fn write_out(select: &mut Select, names: &mut Names) {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) = item
            && let Expr::Identifier(column) = &*expr
            && let Some(meant) = names.meant(column)
        {
            *item = SelectItem::ExprWithAlias { expr: meant, alias: column.clone() };
        } else {
            let _ = item.visit(names);
        }
    }
    let _ = select.selection.visit(names);
    let _ = select.having.visit(names);
    let _ = select.qualify.visit(names);
    if let GroupByExpr::Expressions(expressions, _) = &mut select.group_by {
        let _ = expressions.visit(names);
    }
}

/// Names of columns, and of the tables that their values come from, the first that has one. In a subquery
/// the same word may be a column of the subquery's own tables.
struct Names {
    tables: Vec<Vec<Ident>>,
    columns: Vec<String>,
    subqueries: usize,
}

impl Names {
    fn of(tables: Vec<Vec<Ident>>, columns: Vec<String>) -> Self {
        Self { tables, columns, subqueries: 0 }
    }

    /// What a bare name stands for, if it is one of these.
    fn meant(&self, column: &Ident) -> Option<Expr> {
        if !self.columns.contains(&fold(column)) {
            return None;
        }
        let of = |table: &Vec<Ident>| table.iter().cloned().chain([column.clone()]).collect();
        let mut columns = self.tables.iter().map(|table| Expr::CompoundIdentifier(of(table)));
        if let [_] = self.tables.as_slice() {
            return columns.next();
        }
        let columns = columns.map(|column| column.to_string()).collect::<Vec<_>>().join(", ");
        let coalesce = format!("COALESCE({columns})");
        Parser::new(&PostgreSqlDialect {}).try_with_sql(&coalesce).ok()?.parse_expr().ok()
    }
}

impl VisitorMut for Names {
    type Break = &'static str;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<&'static str> {
        self.subqueries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<&'static str> {
        self.subqueries -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, part: &mut Expr) -> ControlFlow<&'static str> {
        if self.subqueries == 0
            && let Expr::Identifier(column) = &*part
            && let Some(meant) = self.meant(column)
        {
            *part = meant;
        }
        ControlFlow::Continue(())
    }
}
