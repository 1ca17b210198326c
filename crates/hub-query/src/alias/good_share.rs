//! `good_share(value)`: of the rows of a group in which a value was due, the share of those with a value that
//! SQL shows. It is written out as a quotient of two counts, over the value and what tells its quality.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::{
    ast::{
        BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg,
        FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value,
        visit_expressions,
    },
    tokenizer::Span,
};

use super::relation::{Column, Relation};
use crate::{
    classify::asking,
    error::QueryError,
    parse::{fold, place},
    quality::{GOOD_VALUE, WAS_DUE},
    suggest::nearest,
};

/// The function's name.
pub(crate) const FUNCTION: &str = "good_share";

/// A call, where the expression is one.
pub(super) fn call(expr: &Expr) -> Option<&Function> {
    let Expr::Function(call) = expr else { return None };
    let [name] = call.name.0.as_slice() else { return None };
    name.as_ident().is_some_and(|name| fold(name) == FUNCTION).then_some(call)
}

/// Whether an expression has a call in it.
pub(super) fn is_within(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |part| match call(part) {
        Some(_) => ControlFlow::Break(()),
        None => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// What a call stands for among the relations of these scopes, of which the last is nearest.
pub(super) fn written_out(call: &Function, scopes: &[Vec<Relation>]) -> Result<Expr, QueryError> {
    let span = call.name.0.last().and_then(|part| part.as_ident()).map(|name| name.span);
    let span = span.unwrap_or_else(Span::empty);
    let Some((word, qualifier)) = argument(call) else {
        return Err(QueryError::invalid(
            format!("{FUNCTION} takes one column of a dataset: {FUNCTION}(flow)"),
            Some(place(&Ident::with_span(span, FUNCTION))),
        ));
    };
    let (relation, value) = column(word, qualifier, scopes)?;
    let named = |column: &Column| {
        let column = Ident::with_quote_and_span('"', word.span, column.name.clone());
        match relation.name() {
            [] => Expr::Identifier(column),
            name => Expr::CompoundIdentifier(name.iter().cloned().chain([column]).collect()),
        }
    };
    let function = |name: &str, arguments: Vec<Expr>| {
        let name = Ident::with_span(span, name);
        Expr::Function(called(name, arguments))
    };
    let always = relation.always(value).map(named);
    if let (None, Some(origin)) = (&always, value.origin.as_ref().filter(|own| own.is_made_up)) {
        let way = match &origin.required {
            Some(name) => format!(
                "select the dataset's {name:?} in the subquery, too, under a name of its own"
            ),
            None => "ask for it in a subquery that reads the dataset alone".to_owned(),
        };
        return Err(QueryError::invalid(
            format!(
                "{FUNCTION}({}) can't tell the rows that the outer join makes up; {way}",
                word.value
            ),
            Some(place(word)),
        ));
    }
    let (shown, due) = match relation.judge(value) {
        None => {
            let one = || Expr::value(Value::Number("1".to_owned(), false));
            (named(value), always.unwrap_or_else(one))
        }
        Some(Ok(judge)) => {
            let shown = function(GOOD_VALUE, vec![named(value), named(judge)]);
            (shown, function(WAS_DUE, [named(judge)].into_iter().chain(always).collect()))
        }
        Some(Err(judge)) => {
            return Err(QueryError::invalid(
                format!(
                    "{FUNCTION}({}) is told by {judge:?}, which is not given here; select it in the \
                     subquery, too",
                    word.value
                ),
                Some(place(word)),
            ));
        }
    };
    let count = |of: Expr| {
        let counted = called(Ident::with_span(span, "count"), vec![of]);
        Expr::Function(Function { name: counted.name, args: counted.args, ..call.clone() })
    };
    let shown = Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(count(shown)),
        data_type: DataType::Double(ExactNumberInfo::None),
        array: false,
        format: None,
    };
    let none = Expr::value(Value::Number("0".to_owned(), false));
    let share = Expr::BinaryOp {
        left: Box::new(shown),
        op: BinaryOperator::Divide,
        right: Box::new(function("nullif", vec![count(due), none])),
    };
    Ok(Expr::Nested(Box::new(share)))
}

/// The column that a call names, and what stands in front of it.
fn argument(call: &Function) -> Option<(&Ident, &[Ident])> {
    let FunctionArguments::List(list) = &call.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = list.args.as_slice() else {
        return None;
    };
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    match argument {
        Expr::Identifier(word) => Some((word, &[])),
        Expr::CompoundIdentifier(parts) => parts.split_last(),
        _ => None,
    }
}

fn column<'a>(
    word: &Ident,
    qualifier: &[Ident],
    scopes: &'a [Vec<Relation>],
) -> Result<(&'a Relation, &'a Column), QueryError> {
    let name = fold(word);
    let asked = |relation: &&Relation| qualifier.is_empty() || relation.is_called(qualifier);
    for scope in scopes.iter().rev() {
        let relations = scope.iter().filter(asked);
        let mut found =
            relations.filter_map(|relation| Some((relation, relation.of_dataset(&name)?)));
        match (found.next(), found.next()) {
            (Some(found), None) => return Ok(found),
            (Some(_), Some(_)) => return Err(QueryError::ambiguous(&name, Some(place(word)))),
            (None, _) => {}
        }
    }
    let columns = scopes.iter().flatten().flat_map(|relation| &relation.columns);
    let known = columns.filter(|column| column.origin.is_some()).flat_map(|column| {
        [Some(column.name.as_str()), column.other.as_deref()].into_iter().flatten()
    });
    let suggestions = nearest(&name, known);
    Err(QueryError::InvalidSql {
        message: asking(
            &format!(
                "{FUNCTION} takes a column of a dataset, and {name:?} is none here; write it where the \
                 dataset is read"
            ),
            &suggestions,
        ),
        position: Some(place(word)),
        suggestions,
    })
}

fn called(name: Ident, arguments: Vec<Expr>) -> Function {
    let args = arguments.into_iter().map(|a| FunctionArg::Unnamed(FunctionArgExpr::Expr(a)));
    Function {
        name: ObjectName::from(vec![name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}
