//! SQL as people write it: what PostgreSQL and DuckDB users expect and the engine does not read by itself.
//!
//! Each form has a file of its own. Those that are only words are read ([`HubDialect`]) or rewritten in the
//! statement ([`rewrite`]); those that need the types of columns are planned ([`expressions`],
//! [`relations`]). What is not offered gets an error that shows another way ([`hints`]).

mod calls;
mod casts;
pub(crate) mod hints;
mod intervals;
mod json;
mod lateral;
mod order;
mod pivot;
mod reading;
mod similar;
mod time_forms;
mod unpivot;
mod wildcard;

use std::{ops::ControlFlow, sync::Arc};

use datafusion::{
    logical_expr::{
        ScalarUDF,
        planner::{ExprPlanner, RelationPlanner, TypePlanner},
    },
    sql::sqlparser::ast::{
        Expr, Join, JoinOperator, Query, Select, SelectFlavor, Statement, VisitMut, VisitorMut,
    },
};

pub(crate) use lateral::LateralFirsts;
pub(crate) use pivot::check_aggregates;
pub(crate) use reading::{HubDialect, select_first};
pub(crate) use wildcard::exclude_words;

/// Brings a statement to the forms that everything after the parser knows.
pub(crate) fn rewrite(statement: &mut Statement) {
    // The visitor never breaks.
    let _ = statement.visit(&mut Rewriter);
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        order::rewrite(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        // What stood first is where it belongs by now.
        select.flavor = SelectFlavor::Standard;
        wildcard::rewrite(select);
        casts::name(select);
        select.from.iter_mut().flat_map(|from| &mut from.joins).for_each(half_joins);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        calls::rename(expr);
        similar::rewrite(expr);
        ControlFlow::Continue(())
    }
}

/// DuckDB's words for joins that only ask whether there is a row.
fn half_joins(join: &mut Join) {
    join.join_operator = match std::mem::replace(&mut join.join_operator, JoinOperator::CrossApply)
    {
        JoinOperator::Semi(constraint) => JoinOperator::LeftSemi(constraint),
        JoinOperator::Anti(constraint) => JoinOperator::LeftAnti(constraint),
        other => other,
    };
}

/// Operators between values, by the types of these.
pub(crate) fn expressions() -> Vec<Arc<dyn ExprPlanner>> {
    vec![Arc::new(intervals::IntervalTimes), Arc::new(json::JsonOperators)]
}

/// Forms of tables.
pub(crate) fn relations() -> Vec<Arc<dyn RelationPlanner>> {
    vec![Arc::new(pivot::Pivot), Arc::new(unpivot::Unpivot)]
}

/// Names of types.
pub(crate) fn types() -> Arc<dyn TypePlanner> {
    Arc::new(json::JsonType)
}

/// Functions that come with these forms.
pub(crate) fn functions() -> Vec<Arc<ScalarUDF>> {
    json::functions()
}
