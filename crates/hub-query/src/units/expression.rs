//! The unit of one expression.

use std::sync::Arc;

use datafusion::{
    common::{
        DataFusionError, Result,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{BinaryExpr, Expr, Operator},
    scalar::ScalarValue,
};

use super::{Scope, Unit, of_plan};
use crate::{
    classify::spoken,
    error::{Position, QueryError},
};

/// Functions whose answer is one of their first argument's values, or has its unit.
const OF_FIRST: [&str; 32] = [
    "abs",
    "any_value",
    "approx_median",
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
    "avg",
    "ceil",
    "first_value",
    "floor",
    "interpolate",
    "lag",
    "last_value",
    "lead",
    "locf",
    "max",
    "mean",
    "median",
    "min",
    "nth_value",
    "nullif",
    "nvl",
    "percentile_cont",
    "quantile_cont",
    "round",
    "signum",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "trunc",
    "unnest",
    "vector_mean",
];

/// Functions that compare their arguments and answer with one of them.
const OF_ANY: [&str; 3] = ["coalesce", "greatest", "least"];

impl Scope<'_> {
    /// The unit of an expression's values, where it is known; an error where units in it do not belong
    /// together.
    pub(super) fn unit(&self, expression: &Expr) -> Result<Unit> {
        match expression {
            Expr::Column(column) => Ok(self.column(column)),
            Expr::Alias(alias) => self.unit(&alias.expr),
            Expr::Cast(cast) => self.unit(&cast.expr),
            Expr::TryCast(cast) => self.unit(&cast.expr),
            Expr::Negative(inner) => self.unit(inner),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
                Operator::Plus | Operator::Minus => self.together(&[left, right], "added"),
                Operator::Eq
                | Operator::NotEq
                | Operator::Lt
                | Operator::LtEq
                | Operator::Gt
                | Operator::GtEq
                | Operator::IsDistinctFrom
                | Operator::IsNotDistinctFrom => {
                    self.compared(&[left, right])?;
                    Ok(None)
                }
                _ => {
                    self.unit(left)?;
                    self.unit(right)?;
                    Ok(None)
                }
            },
            Expr::Between(between) => {
                self.compared(&[&between.expr, &between.low, &between.high])?;
                Ok(None)
            }
            Expr::Case(case) => {
                let conditions = case.expr.iter().chain(case.when_then_expr.iter().map(|(w, _)| w));
                conditions.map(|condition| self.unit(condition)).collect::<Result<Vec<_>>>()?;
                let results = case.when_then_expr.iter().map(|(_, then)| then);
                let results = results.chain(&case.else_expr).map(|result| self.unit(result));
                let mut known = results.collect::<Result<Vec<_>>>()?.into_iter().flatten();
                let first = known.next();
                Ok(first.filter(|first| known.all(|other| other == *first)))
            }
            Expr::ScalarFunction(call) => match call.name() {
                "convert" => self.converted(&call.args),
                "distance_m" | "st_distance" => {
                    self.all(&call.args)?;
                    Ok(Some(Arc::from("m")))
                }
                "st_area" => {
                    self.all(&call.args)?;
                    Ok(Some(Arc::from("m2")))
                }
                name if OF_ANY.contains(&name) => {
                    self.together(&call.args.iter().collect::<Vec<_>>(), "compared")
                }
                name => self.of_call(name, &call.args),
            },
            Expr::AggregateFunction(call) => {
                let parameters = &call.params;
                if let Some(condition) = &parameters.filter {
                    self.unit(condition)?;
                }
                self.of_call(call.func.name(), &parameters.args)
            }
            Expr::WindowFunction(call) => self.of_call(call.fun.name(), &call.params.args),
            Expr::ScalarSubquery(query) => {
                Ok(of_plan(&query.subquery)?.into_iter().next().flatten())
            }
            Expr::Exists(exists) => of_plan(&exists.subquery.subquery).map(|_| None),
            Expr::InSubquery(query) => {
                self.unit(&query.expr)?;
                of_plan(&query.subquery.subquery).map(|_| None)
            }
            other => {
                let mut checked = Ok(());
                other.apply_children(|child| {
                    checked = self.unit(child).map(|_| ());
                    let stop = checked.is_err();
                    Ok(if stop { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
                })?;
                checked.map(|()| None)
            }
        }
    }

    fn of_call(&self, name: &str, arguments: &[Expr]) -> Result<Unit> {
        let units = self.all(arguments)?;
        Ok(if OF_FIRST.contains(&name) { units.into_iter().next().flatten() } else { None })
    }

    /// `convert(value, from, to)`: the value must be in the unit that it is converted from. Without one it
    /// is converted from its own.
    fn converted(&self, arguments: &[Expr]) -> Result<Unit> {
        if let [value, to] = arguments {
            self.own_unit(value)?;
            return Ok(text(to));
        }
        let [value, from, to] = arguments else { return Ok(None) };
        if let (Some(unit), Some(from)) = (self.unit(value)?, text(from))
            && *unit != *from
        {
            return Err(refused(
                format!(
                    "{0} is in {unit}, and convert is told that it is in {from}; write \
                     convert({0}, '{unit}', …)",
                    shown(value)
                ),
                position(value),
            ));
        }
        Ok(text(to))
    }

    /// The unit of a value that is converted from its own.
    pub(super) fn own_unit(&self, value: &Expr) -> Result<Arc<str>> {
        let unknown = || {
            let said = format!(
                "nothing says which unit {} has; write convert(value, 'the unit it has', 'the unit wanted')",
                shown(value)
            );
            refused(said, position(value))
        };
        self.unit(value)?.ok_or_else(unknown)
    }

    pub(super) fn compared(&self, parts: &[&Expr]) -> Result<()> {
        self.together(parts, "compared").map(|_| ())
    }

    /// The unit that all parts share; those without one take the others'.
    fn together(&self, parts: &[&Expr], done: &str) -> Result<Unit> {
        let mut first: Option<(&Expr, Arc<str>)> = None;
        for part in parts {
            let Some(unit) = self.unit(part)? else { continue };
            match &first {
                None => first = Some((part, unit)),
                Some((_, known)) if *known == unit => {}
                Some((other, known)) => {
                    let (one, two) = (shown(other), shown(part));
                    let mut said =
                        format!("{one} is in {known} and {two} in {unit}, so they can't be {done}");
                    said += &if may_be_converted(&unit, known) {
                        format!(
                            " as they are; convert one first, as in convert({two}, '{unit}', '{known}')"
                        )
                    } else {
                        ": they measure different things".to_owned()
                    };
                    return Err(refused(said, position(part).or_else(|| position(other))));
                }
            }
        }
        Ok(first.map(|(_, unit)| unit))
    }
}

/// How an expression is spoken of: a column by its name alone.
fn shown(expression: &Expr) -> String {
    match expression {
        Expr::Column(column) => column.name.clone(),
        other => spoken(&other.human_display().to_string()),
    }
}

/// Whether values of one unit have one in the other.
fn may_be_converted(from: &str, to: &str) -> bool {
    let units = (hub_model::Unit::parse(from), hub_model::Unit::parse(to));
    matches!(units, (Ok(from), Ok(to)) if from.conversion_to(&to).is_ok())
}

fn text(expression: &Expr) -> Unit {
    match expression {
        Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) => {
            Some(Arc::from(text.as_str()))
        }
        _ => None,
    }
}

/// Where the first column of an expression stands in the SQL.
fn position(expression: &Expr) -> Option<Position> {
    let columns = expression.column_refs();
    let span = columns
        .iter()
        .filter_map(|column| column.spans.first())
        .min_by_key(|span| (span.start.line, span.start.column))?;
    Some(Position { line: span.start.line, column: span.start.column })
}

fn refused(message: String, position: Option<Position>) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::invalid(message, position)))
}
