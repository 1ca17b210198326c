//! `with_quality('agency.dataset')` in FROM: the dataset with values of every quality.

use datafusion::sql::sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, Statement, Value};
use hub_model::DatasetId;

use super::table_call;
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
    table_call::replace(statement, FUNCTION, |arguments, position| {
        let dataset = match arguments {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] => match &value.value
            {
                Value::SingleQuotedString(text) => DatasetId::parse(text).ok(),
                _ => None,
            },
            _ => None,
        };
        let dataset = dataset.ok_or_else(|| {
            QueryError::invalid(
                "with_quality takes one dataset's name in quotes: \
                 FROM with_quality('agency.dataset') AS d",
                Some(position),
            )
        })?;
        let table = complete_name(dataset.name());
        Ok((dataset, table))
    })
}
