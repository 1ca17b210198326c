//! `align('agency.dataset', '1 hour', …)` in FROM: a dataset's measures on a grid of time. While parsing it
//! becomes a table; what stands for it is written once the dataset's contract is known.

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Statement, UnaryOperator, Value,
};
use hub_model::{Aggregate, DatasetId};

use super::{names::fold, table_call};
use crate::{
    align::{AlignCall, FillMethod},
    error::{Position, QueryError},
    suggest::nearest,
};

/// The function's name.
const FUNCTION: &str = "align";

/// What such a table's name holds, before the number of the call; the names of datasets have no spaces.
const MARK: &str = " aligned ";

/// How the function is written.
const FORM: &str = "FROM align('agency.dataset', '1 hour', 'mean', 'flow', 'rain:sum', fill => 'locf', max_gap => \
                    '3 hours') AS a";

const OPTIONS: [&str; 5] = ["fill", "max_gap", "min_coverage", "start", "finish"];

/// The dataset's name and the number of the call that stands behind a table's name, if one does.
pub(crate) fn aligned_name(name: &str) -> Option<(&str, usize)> {
    let (dataset, number) = name.split_once(MARK)?;
    Some((dataset, number.parse().ok()?))
}

/// Puts tables in place of the function's calls, which are returned in the order of their numbers.
pub(super) fn expand(statement: &mut Statement) -> Result<Vec<AlignCall>, QueryError> {
    let mut calls = Vec::new();
    table_call::replace(statement, FUNCTION, |arguments, position| {
        let call = call(arguments, position)?;
        let dataset = call.dataset.clone();
        let table = format!("{}{MARK}{}", dataset.name(), calls.len());
        calls.push(call);
        Ok((dataset, table))
    })?;
    Ok(calls)
}

fn call(arguments: &[FunctionArg], position: Position) -> Result<AlignCall, QueryError> {
    let wrong = |said: String| QueryError::invalid(format!("{said}: {FORM}"), Some(position));
    let mut words = Vec::new();
    let mut options: Vec<(String, &Expr)> = Vec::new();
    for argument in arguments {
        let (name, value) = match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (None, value),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                (Some(fold(name)), value)
            }
            FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                arg: FunctionArgExpr::Expr(value),
                ..
            } => (Some(fold(name)), value),
            _ => return Err(wrong("align takes texts in quotes, and options by name".to_owned())),
        };
        match name {
            Some(name) => options.push((name, value)),
            None => words.push(text(value).ok_or_else(|| {
                wrong(format!("align takes texts in quotes, and {value} is none"))
            })?),
        }
    }
    let mut words = words.into_iter();
    let dataset = words.next().and_then(|dataset| DatasetId::parse(&dataset).ok());
    let (Some(dataset), Some(width)) = (dataset, words.next()) else {
        return Err(wrong("align takes a dataset's name and the width of the grid".to_owned()));
    };
    let mut words = words.peekable();
    let method =
        words.next_if(|word| Aggregate::parse(word).is_some()).and_then(|w| Aggregate::parse(&w));
    let measures = words
        .map(|word| match word.rsplit_once(':') {
            None => Ok((word, None)),
            Some((measure, method)) => match Aggregate::parse(method) {
                Some(method) => Ok((measure.to_owned(), Some(method))),
                None => Err(QueryError::InvalidSql {
                    message: format!(
                        "{method:?} is no way to put values together; use {}",
                        Aggregate::WORDS.join(", ")
                    ),
                    position: Some(position),
                    suggestions: nearest(method, Aggregate::WORDS),
                }),
            },
        })
        .collect::<Result<_, _>>()?;
    let mut call = AlignCall {
        dataset,
        width,
        method,
        measures,
        start: None,
        finish: None,
        fill: None,
        max_gap: None,
        min_coverage: None,
        position,
    };
    for (name, value) in options {
        let said = || {
            text(value)
                .ok_or_else(|| wrong(format!("{name} takes a text in quotes, and {value} is none")))
        };
        match name.as_str() {
            "fill" => {
                let word = said()?;
                call.fill = match word.as_str() {
                    "none" => None,
                    "locf" => Some(FillMethod::Locf),
                    "interpolate" => Some(FillMethod::Interpolate),
                    _ => {
                        return Err(wrong(format!(
                            "fill is 'none', 'locf' or 'interpolate', not {word:?}"
                        )));
                    }
                };
            }
            "max_gap" => call.max_gap = Some(said()?),
            "start" => call.start = Some(said()?),
            "finish" => call.finish = Some(said()?),
            "min_coverage" => {
                let share = number(value).filter(|share| (0.0..=1.0).contains(share));
                call.min_coverage =
                    Some(share.ok_or_else(|| {
                        wrong(format!("min_coverage is from 0 to 1, not {value}"))
                    })?);
            }
            _ => {
                return Err(QueryError::InvalidSql {
                    message: format!("align has no option {name:?}; it has {}", OPTIONS.join(", ")),
                    position: Some(position),
                    suggestions: nearest(&name, OPTIONS),
                });
            }
        }
    }
    if call.start.is_some() != call.finish.is_some() {
        return Err(wrong("align takes both start and finish, or none of them".to_owned()));
    }
    if call.max_gap.is_some() && call.fill.is_none() {
        return Err(wrong("max_gap is the greatest gap to fill, and needs fill".to_owned()));
    }
    Ok(call)
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn number(value: &Expr) -> Option<f64> {
    match value {
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => number(expr),
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
