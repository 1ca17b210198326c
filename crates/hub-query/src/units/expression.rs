//! The unit of one expression.

use std::sync::Arc;

use datafusion::{
    common::{
        Result,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator},
    scalar::ScalarValue,
};

use super::{
    Known, Measured, Scope,
    meeting::{Meeting, Of, Part, refused},
    of_plan,
};
use crate::asof;

/// Functions whose answer is one of their first argument's values, or has its unit.
const OF_FIRST: [&str; 28] = [
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
    "percentile_cont",
    "put_together",
    "quantile_cont",
    "round",
    "signum",
    "sum",
    "trunc",
    "unnest",
    "vector_mean",
];

/// Functions that compare their arguments and answer with one of them.
const OF_ANY: [&str; 5] = ["coalesce", "greatest", "ifnull", "least", "nvl"];

/// Functions that tell how far their argument's values lie apart.
const SPREADS: [&str; 3] = ["stddev", "stddev_pop", "stddev_samp"];

impl Scope<'_> {
    /// The unit of an expression's values, where it is known; an error where units in it do not belong
    /// together.
    pub(super) fn unit(&self, expression: &Expr) -> Result<Known> {
        match expression {
            Expr::Column(column) => Ok(self.column(column)),
            Expr::OuterReferenceColumn(_, column) => Ok(self.outer_column(column)),
            Expr::Alias(alias) => self.unit(&alias.expr),
            Expr::Cast(cast) => self.unit(&cast.expr),
            Expr::TryCast(cast) => self.unit(&cast.expr),
            Expr::Negative(inner) => self.unit(inner),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
                Operator::Plus => self.together(&[left, right], Meeting::Added),
                Operator::Minus => self.minus(left, right),
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
            Expr::InList(list) => {
                let parts: Vec<&Expr> =
                    [list.expr.as_ref()].into_iter().chain(&list.list).collect();
                self.compared(&parts)?;
                Ok(None)
            }
            Expr::Case(case) => {
                match &case.expr {
                    Some(of) => {
                        let values = case.when_then_expr.iter().map(|(when, _)| when.as_ref());
                        self.compared(
                            &[of.as_ref()].into_iter().chain(values).collect::<Vec<_>>(),
                        )?;
                    }
                    None => {
                        for (condition, _) in &case.when_then_expr {
                            self.unit(condition)?;
                        }
                    }
                }
                let results = case.when_then_expr.iter().map(|(_, then)| then);
                let results = results.chain(&case.else_expr).map(|result| self.part(result));
                Meeting::InOneColumn.unit(results.collect::<Result<Vec<_>>>()?)
            }
            Expr::ScalarFunction(call) => match call.name() {
                "convert" => self.converted(&call.args),
                "distance_m" | "st_distance" | "st_length" | "st_perimeter" => {
                    self.all(&call.args)?;
                    Ok(Some(Measured::in_unit("m")))
                }
                "st_area" => {
                    self.all(&call.args)?;
                    Ok(Some(Measured::in_unit("m2")))
                }
                "nullif" => {
                    let parts = call.args.iter().map(|argument| self.part(argument));
                    let parts = parts.collect::<Result<Vec<_>>>()?;
                    let first = parts.first().and_then(|part| part.unit.clone());
                    Meeting::Compared.unit(parts)?;
                    Ok(first)
                }
                name if OF_ANY.contains(&name) => {
                    self.together(&call.args.iter().collect::<Vec<_>>(), Meeting::Compared)
                }
                name => {
                    if let Some([one, other]) = asof::compared(expression) {
                        self.compared(&[&one, &other])?;
                    }
                    self.of_call(name, &call.args)
                }
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
                Ok(of_plan(&query.subquery, Some(self))?.into_iter().next().flatten())
            }
            Expr::Exists(exists) => of_plan(&exists.subquery.subquery, Some(self)).map(|_| None),
            Expr::InSubquery(query) => self.among(&query.expr, &query.subquery.subquery),
            Expr::SetComparison(query) => self.among(&query.expr, &query.subquery.subquery),
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

    fn of_call(&self, name: &str, arguments: &[Expr]) -> Result<Known> {
        let first = self.all(arguments)?.into_iter().next().flatten();
        Ok(match first {
            Some(first) if SPREADS.contains(&name) => Some(first.difference()),
            first => first.filter(|_| OF_FIRST.contains(&name)),
        })
    }

    /// `convert(value, from, to)`: the value must be in the unit that it is converted from. Without one it
    /// is converted from its own.
    fn converted(&self, arguments: &[Expr]) -> Result<Known> {
        let to = match arguments {
            [value, to] => {
                self.own_unit(value)?;
                to
            }
            [value, from, to] => {
                if let Some(known) = self.unit(value)? {
                    check_conversion(value, &known, text(from).as_deref())?;
                }
                to
            }
            _ => return Ok(None),
        };
        Ok(text(to).as_deref().map(Measured::in_unit))
    }

    /// The unit of a value that is converted from its own.
    pub(super) fn own_unit(&self, value: &Expr) -> Result<Arc<str>> {
        let Some(known) = self.unit(value)? else {
            let of = Of::Expression(value);
            let said = format!(
                "nothing says which unit {} has; write convert(value, 'the unit it has', 'the unit wanted')",
                of.shown()
            );
            return Err(refused(said, of.position()));
        };
        check_conversion(value, &known, None)?;
        Ok(known.unit)
    }

    /// A difference of two values in a unit is one; a value without a difference is a value.
    fn minus(&self, left: &Expr, right: &Expr) -> Result<Known> {
        let parts = [self.part(left)?, self.part(right)?];
        let is_value = |part: &Part<'_>| part.unit.as_ref().is_some_and(|unit| !unit.is_difference);
        let is_difference = parts.iter().all(is_value);
        let unit = Meeting::Added.unit(parts)?;
        Ok(if is_difference { unit.map(Measured::difference) } else { unit })
    }

    /// A value among those of a subquery's one column.
    fn among(&self, value: &Expr, subquery: &LogicalPlan) -> Result<Known> {
        let unit = of_plan(subquery, Some(self))?.into_iter().next().flatten();
        let name = subquery.schema().fields().first().map_or("", |field| field.name().as_str());
        let column = Part { of: Of::Column(name), unit };
        Meeting::Compared.unit([self.part(value)?, column])?;
        Ok(None)
    }

    pub(super) fn compared(&self, parts: &[&Expr]) -> Result<()> {
        self.together(parts, Meeting::Compared).map(|_| ())
    }

    fn together(&self, parts: &[&Expr], how: Meeting) -> Result<Known> {
        how.unit(parts.iter().map(|part| self.part(part)).collect::<Result<Vec<_>>>()?)
    }

    fn part<'e>(&self, expression: &'e Expr) -> Result<Part<'e>> {
        Ok(Part { of: Of::Expression(expression), unit: self.unit(expression)? })
    }
}

/// Refuses what is no conversion: from another unit than the values have, and of differences from a zero.
fn check_conversion(value: &Expr, known: &Measured, from: Option<&str>) -> Result<()> {
    let (of, unit) = (Of::Expression(value), &known.unit);
    let said = match from {
        Some(from) if !known.is_in(from) => format!(
            "{0} is in {unit}, and convert is told that it is in {from}; write convert({0}, '{unit}', …)",
            of.shown()
        ),
        _ if known.is_difference => format!(
            "{} is a difference of values in {unit}, which has no zero to be converted from; convert the \
             values first and take their difference then",
            of.shown()
        ),
        _ => return Ok(()),
    };
    Err(refused(said, of.position()))
}

fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) => {
            Some(text.clone())
        }
        _ => None,
    }
}
