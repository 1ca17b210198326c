//! Functions in FROM that stand for a dataset, told in another way. Each call becomes a table of another name,
//! so that whatever looks at names sees which dataset is meant.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    FunctionArg, Ident, ObjectName, ObjectNamePart, Statement, TableAlias, TableFactor, VisitMut,
    VisitorMut,
};
use hub_model::DatasetId;

use super::names::{fold, place};
use crate::error::{Position, QueryError};

/// Puts tables in place of a function's calls. `table` reads the arguments of one: its dataset, and the name of
/// the table that stands for it.
pub(super) fn replace(
    statement: &mut Statement,
    function: &'static str,
    table: impl FnMut(&[FunctionArg], Position) -> Result<(DatasetId, String), QueryError>,
) -> Result<(), QueryError> {
    match statement.visit(&mut Calls { function, table }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Calls<F> {
    function: &'static str,
    table: F,
}

impl<F> VisitorMut for Calls<F>
where
    F: FnMut(&[FunctionArg], Position) -> Result<(DatasetId, String), QueryError>,
{
    type Break = QueryError;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<QueryError> {
        let TableFactor::Table { name, alias, args, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let [ObjectNamePart::Identifier(function)] = name.0.as_slice() else {
            return ControlFlow::Continue(());
        };
        if fold(function) != self.function {
            return ControlFlow::Continue(());
        }
        let Some(arguments) = args.take() else { return ControlFlow::Continue(()) };
        let (dataset, table) = match (self.table)(&arguments.args, place(function)) {
            Ok(table) => table,
            Err(error) => return ControlFlow::Break(error),
        };
        let span = function.span;
        alias.get_or_insert_with(|| TableAlias {
            explicit: false,
            name: Ident::with_span(span, dataset.name().to_string()),
            columns: Vec::new(),
            at: None,
        });
        *name = ObjectName::from(vec![
            Ident::with_span(span, dataset.agency().to_string()),
            Ident::with_quote_and_span('"', span, table),
        ]);
        ControlFlow::Continue(())
    }
}
