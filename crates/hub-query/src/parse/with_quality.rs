//! `with_quality('agency.dataset')` in FROM: the dataset with values of every quality. It becomes a table
//! of another name, so that whatever looks at names sees which dataset is meant.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, ObjectNamePart, Statement, TableAlias,
    TableFactor, Value, VisitMut, VisitorMut,
};
use hub_model::DatasetId;

use super::names::{fold, place};
use crate::error::QueryError;

/// The function's name.
const FUNCTION: &str = "with_quality";

/// What such a table's name ends in; the names of datasets have no spaces.
const SUFFIX: &str = " with quality";

/// The name under which a session has the dataset with values of every quality.
pub(crate) fn complete_name(dataset: &str) -> String {
    format!("{dataset}{SUFFIX}")
}

/// The dataset's name without what says that values of every quality are wanted, if it says so.
pub(crate) fn plain_name(name: &str) -> Option<&str> {
    name.strip_suffix(SUFFIX)
}

/// Puts tables in place of the function's calls.
pub(super) fn expand(statement: &mut Statement) -> Result<(), QueryError> {
    match statement.visit(&mut Expander) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Expander;

impl VisitorMut for Expander {
    type Break = QueryError;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<QueryError> {
        let TableFactor::Table { name, alias, args, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let [ObjectNamePart::Identifier(function)] = name.0.as_slice() else {
            return ControlFlow::Continue(());
        };
        if fold(function) != FUNCTION {
            return ControlFlow::Continue(());
        }
        let Some(arguments) = args.take() else { return ControlFlow::Continue(()) };
        let dataset = match arguments.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] => match &value.value
            {
                Value::SingleQuotedString(text) => DatasetId::parse(text).ok(),
                _ => None,
            },
            _ => None,
        };
        let Some(dataset) = dataset else {
            return ControlFlow::Break(QueryError::invalid(
                "with_quality takes one dataset's name in quotes: \
                 FROM with_quality('agency.dataset') AS d",
                Some(place(function)),
            ));
        };
        let span = function.span;
        if alias.is_none() {
            *alias = Some(TableAlias {
                explicit: false,
                name: Ident::with_span(span, dataset.name().to_string()),
                columns: Vec::new(),
                at: None,
            });
        }
        let complete = complete_name(dataset.name());
        *name = ObjectName::from(vec![
            Ident::with_span(span, dataset.agency().to_string()),
            Ident::with_quote_and_span('"', span, complete),
        ]);
        ControlFlow::Continue(())
    }
}
