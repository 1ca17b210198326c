//! What the planner reads and does not do: a sample that takes every row, a hierarchy that is not walked,
//! a length that cuts nothing. An answer that looks as if it had been done is worse than a refusal.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query, Select,
    SetExpr, SetOperator, SetQuantifier, Statement, TableFactor, Value, Visit, Visitor,
};

use crate::error::QueryError;

/// Refuses a statement of which something would be passed over in silence.
pub(super) fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement.visit(&mut Unheard) {
        ControlFlow::Break(advice) => {
            Err(QueryError::not_allowed(format!("this is not offered: {advice}"), None))
        }
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Unheard;

impl Visitor for Unheard {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<&'static str> {
        if counts_equal_rows(&query.body) {
            return ControlFlow::Break(
                "EXCEPT ALL and INTERSECT ALL; write EXCEPT or INTERSECT, which leave each row once, or count \
                 equal rows with GROUP BY and join the counts",
            );
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<&'static str> {
        if !select.connect_by.is_empty() {
            return ControlFlow::Break("CONNECT BY; write WITH RECURSIVE");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<&'static str> {
        let (TableFactor::Table { sample, .. } | TableFactor::Derived { sample, .. }) = factor
        else {
            return match factor {
                TableFactor::Function { with_ordinality: true, .. }
                | TableFactor::UNNEST { with_ordinality: true, .. } => {
                    ControlFlow::Break(ORDINALITY)
                }
                _ => ControlFlow::Continue(()),
            };
        };
        if sample.is_some() {
            return ControlFlow::Break("TABLESAMPLE; write WHERE random() < 0.1 for about a tenth");
        }
        match factor {
            TableFactor::Table { with_ordinality: true, .. } => ControlFlow::Break(ORDINALITY),
            TableFactor::Table { version: Some(_), .. } => ControlFlow::Break(
                "a version in the SQL; name it beside the SQL, in \"versions\" or \"as_of\"",
            ),
            TableFactor::Table { with_hints, partitions, index_hints, json_path, .. }
                if !with_hints.is_empty()
                    || !partitions.is_empty()
                    || !index_hints.is_empty()
                    || json_path.is_some() =>
            {
                ControlFlow::Break(
                    "hints, partitions and paths behind a table's name; leave them out",
                )
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<&'static str> {
        match expr {
            Expr::SimilarTo { .. } => ControlFlow::Break(
                "SIMILAR TO with a pattern that is not written in the statement, or an escape of several \
                 characters; write regexp_like(text, pattern)",
            ),
            Expr::Cast { data_type, .. } if cuts(data_type) => {
                ControlFlow::Break("a text type with a length; write left(text, length)")
            }
            Expr::Function(call) if is_pointer(call) => {
                ControlFlow::Break("a pointer such as '/a/b/0'; write the path '$.a.b[0]'")
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Whether some of the sets are taken from each other row by row.
fn counts_equal_rows(set: &SetExpr) -> bool {
    let SetExpr::SetOperation { op, set_quantifier, left, right } = set else { return false };
    let by_row = matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName);
    by_row && *op != SetOperator::Union || counts_equal_rows(left) || counts_equal_rows(right)
}

/// Whether the call takes a part of a text that holds JSON by a pointer, which would be taken for a key.
fn is_pointer(call: &Function) -> bool {
    call.name.to_string().to_lowercase().starts_with("json_extract")
        && matches!(&call.args, FunctionArguments::List(list) if list.args.iter().skip(1).any(|arg| {
            matches!(arg, FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))
                if matches!(&value.value, Value::SingleQuotedString(text) if text.starts_with('/')))
        }))
}

const ORDINALITY: &str = "WITH ORDINALITY; write row_number() OVER (ORDER BY …)";

fn cuts(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Character(Some(_))
            | DataType::Char(Some(_))
            | DataType::CharacterVarying(Some(_))
            | DataType::CharVarying(Some(_))
            | DataType::Varchar(Some(_))
            | DataType::Nvarchar(Some(_))
    )
}
