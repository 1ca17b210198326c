//! Functions under the names that other databases have for them, where the engine has the same under another
//! name or as an expression.

use datafusion::sql::sqlparser::{
    ast::{
        CaseWhen, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
        FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
        OrderByExpr, OrderByOptions, Value, ValueWithSpan, helpers::attached_token::AttachedToken,
    },
    tokenizer::Span,
};

/// Other names of functions that take the same arguments.
const RENAMED: [(&str, &str); 6] = [
    ("every", "bool_and"),
    ("strftime", "to_char"),
    ("regexp_matches", "regexp_like"),
    ("list", "array_agg"),
    ("first", "first_value"),
    ("last", "last_value"),
];

/// Parts of a time that are functions elsewhere.
const PARTS: [&str; 9] =
    ["year", "quarter", "month", "week", "day", "hour", "minute", "second", "epoch"];

/// Rewrites a call; anything else stays as it is.
pub(super) fn rename(expr: &mut Expr) {
    let Expr::Function(call) = expr else { return };
    let [part] = call.name.0.as_slice() else { return };
    let Some(ident) = part.as_ident().filter(|ident| ident.quote_style.is_none()) else { return };
    let name = ident.value.to_ascii_lowercase();
    let span = ident.span;
    if let Some((_, ours)) = RENAMED.iter().find(|(theirs, _)| *theirs == name) {
        call.name = named(ours, span);
        return;
    }
    let Some(arguments) = plain_arguments(call) else { return };
    match (name.as_str(), arguments.as_slice()) {
        ("if" | "iif", [condition, then, other]) => {
            *expr = when(condition.clone(), then.clone(), Some(other.clone()), span);
        }
        ("count_if" | "countif", [condition]) => {
            call.name = named("count", span);
            let one = Expr::Value(Value::Number("1".into(), false).with_span(span));
            let counted = when(condition.clone(), one, None, span);
            set_arguments(call, vec![counted], Vec::new());
        }
        ("to_char", [time, Expr::Value(form)]) => {
            if let Value::SingleQuotedString(form) = &form.value
                && let Some(form) = super::time_forms::of_postgres(form)
            {
                set_arguments(call, vec![time.clone(), text(&form, span)], Vec::new());
            }
        }
        ("arg_max" | "max_by", [value, by]) => first(call, value, by, false, span),
        ("arg_min" | "min_by", [value, by]) => first(call, value, by, true, span),
        (part, [time]) if PARTS.contains(&part) => {
            let part = text(part, span);
            call.name = named("date_part", span);
            set_arguments(call, vec![part, time.clone()], Vec::new());
        }
        _ => {}
    }
}

fn named(name: &str, span: Span) -> ObjectName {
    ObjectName::from(vec![Ident::with_span(span, name)])
}

fn text(text: &str, span: Span) -> Expr {
    Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text.to_owned()), span })
}

/// The arguments of a call that has nothing but arguments.
fn plain_arguments(call: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &call.args else { return None };
    let distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
    if distinct || !list.clauses.is_empty() {
        return None;
    }
    let arguments = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    arguments.collect()
}

fn set_arguments(call: &mut Function, args: Vec<Expr>, clauses: Vec<FunctionArgumentClause>) {
    let args = args.into_iter().map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)));
    call.args = FunctionArguments::List(FunctionArgumentList {
        duplicate_treatment: None,
        args: args.collect(),
        clauses,
    });
}

/// The first value in an order, in which rows without what they are ordered by come last.
fn first(call: &mut Function, value: &Expr, by: &Expr, ascending: bool, span: Span) {
    call.name = named("first_value", span);
    let options = OrderByOptions { asc: Some(ascending), nulls_first: Some(false) };
    let order = OrderByExpr { expr: by.clone(), options, with_fill: None };
    set_arguments(call, vec![value.clone()], vec![FunctionArgumentClause::OrderBy(vec![order])]);
}

fn when(condition: Expr, result: Expr, other: Option<Expr>, _span: Span) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result }],
        else_result: other.map(Box::new),
    }
}
