//! Texts that stand for times. The engine reads `2026-04-01` and `2026-04-01 09:00:00`; people also write
//! `2026-04-01 09:00` and `2026/04/01`. Such a text is rewritten where it is compared with a time, cast to one
//! or where `date_bin` begins, and nowhere else, so that no text that is data changes.

use arrow::datatypes::DataType;
use chrono::{NaiveDate, NaiveTime};
use datafusion::{
    common::{
        DFSchema, Result, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Between, BinaryExpr, Expr, ExprSchemable, LogicalPlan, expr::InList,
        expr_rewriter::NamePreserver, utils::merge_schema,
    },
    optimizer::AnalyzerRule,
};

/// Comes before the rules that cast both sides of a comparison to one type.
#[derive(Debug)]
pub(crate) struct TimeLiterals;

impl AnalyzerRule for TimeLiterals {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            if !has_text(&plan) {
                return Ok(Transformed::no(plan));
            }
            let schema = merge_schema(&plan.inputs());
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                // Sets of groupings have no name that could be kept.
                let name = match expr {
                    Expr::GroupingSet(_) => None,
                    _ => Some(names.save(&expr)),
                };
                let rewritten = expr.transform_up(|expr| rewrite(expr, &schema))?;
                Ok(match name {
                    Some(name) => rewritten.update_data(|expr| name.restore(expr)),
                    None => rewritten,
                })
            })
        })
        .map(|plan| plan.data)
    }

    fn name(&self) -> &str {
        "time_literals"
    }
}

/// Whether any text stands in the plan's expressions that would be rewritten. Nearly always there is none.
fn has_text(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let walked = plan.apply_expressions(|expr| {
        expr.apply(|part| {
            found |= text(part).is_some_and(|text| rewritten(text, true).is_some());
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    });
    found && walked.is_ok()
}

fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let kind = |expr: &Expr| expr.get_type(schema).ok().as_ref().and_then(time_kind);
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { mut left, op, mut right }) => {
            let mut changed = false;
            if op.supports_propagation() {
                changed |= kind(&right).is_some_and(|whole| put(&mut left, whole));
                changed |= kind(&left).is_some_and(|whole| put(&mut right, whole));
            }
            transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), changed)
        }
        Expr::Between(Between { expr, negated, mut low, mut high }) => {
            let changed =
                kind(&expr).is_some_and(|whole| put(&mut low, whole) | put(&mut high, whole));
            transformed(Expr::Between(Between { expr, negated, low, high }), changed)
        }
        Expr::InList(InList { expr, mut list, negated }) => {
            let changed = kind(&expr).is_some_and(|whole| {
                list.iter_mut().fold(false, |changed, item| put(item, whole) | changed)
            });
            transformed(Expr::InList(InList { expr, list, negated }), changed)
        }
        Expr::Cast(mut cast) => {
            let changed =
                time_kind(cast.field.data_type()).is_some_and(|whole| put(&mut cast.expr, whole));
            transformed(Expr::Cast(cast), changed)
        }
        Expr::TryCast(mut cast) => {
            let changed =
                time_kind(cast.field.data_type()).is_some_and(|whole| put(&mut cast.expr, whole));
            transformed(Expr::TryCast(cast), changed)
        }
        Expr::ScalarFunction(mut call) if call.func.name() == "date_bin" => {
            let types =
                call.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<Vec<_>>>();
            let taken = types.and_then(|types| call.func.coerce_types(&types)).unwrap_or_default();
            let times = call.args.iter_mut().zip(taken.iter().map(time_kind));
            let changed = times.fold(false, |changed, (arg, kind)| {
                kind.is_some_and(|with_time| put(arg, with_time)) | changed
            });
            transformed(Expr::ScalarFunction(call), changed)
        }
        other => Transformed::no(other),
    })
}

fn transformed(expr: Expr, changed: bool) -> Transformed<Expr> {
    if changed { Transformed::yes(expr) } else { Transformed::no(expr) }
}

/// For types of time, whether their values have a time of the day.
fn time_kind(data_type: &DataType) -> Option<bool> {
    match data_type {
        DataType::Timestamp(..) => Some(true),
        DataType::Date32 | DataType::Date64 => Some(false),
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
            _,
        ) => Some(text),
        _ => None,
    }
}

fn put(expr: &mut Expr, with_time: bool) -> bool {
    let Some(said) = text(expr).and_then(|text| rewritten(text, with_time)) else { return false };
    *expr = Expr::Literal(ScalarValue::Utf8(Some(said)), None);
    true
}

/// The text in the engine's form, where it is in one of the others.
pub(crate) fn rewritten(text: &str, with_time: bool) -> Option<String> {
    let text = text.trim();
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, Some(time.trim())),
        None => (text, None),
    };
    let slashes = day.contains('/');
    let form = if slashes { "%Y/%m/%d" } else { "%Y-%m-%d" };
    if day.bytes().take_while(u8::is_ascii_digit).count() != 4 {
        return None;
    }
    let day = NaiveDate::parse_from_str(day, form).ok()?;
    match time {
        // In these forms nothing needs to be said otherwise.
        None if !slashes => None,
        None => Some(day.format("%Y-%m-%d").to_string()),
        Some(_) if !with_time => None,
        Some(time) => {
            let minutes = NaiveTime::parse_from_str(time, "%H:%M");
            if minutes.is_err() && !slashes {
                return None;
            }
            let time = minutes.or_else(|_| NaiveTime::parse_from_str(time, "%H:%M:%S%.f")).ok()?;
            Some(day.and_time(time).format("%Y-%m-%dT%H:%M:%S%.f").to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_forms_the_engine_does_not_read_are_rewritten() {
        for (text, with_time, said) in [
            ("2026-04-01 02:00", true, Some("2026-04-01T02:00:00")),
            ("2026-04-01T02:00", true, Some("2026-04-01T02:00:00")),
            ("2026/04/01", true, Some("2026-04-01")),
            ("2026/4/1", false, Some("2026-04-01")),
            ("2026/4/1 9:05", true, Some("2026-04-01T09:05:00")),
            ("2026/04/01 09:05:01.5", true, Some("2026-04-01T09:05:01.500")),
            ("2026-04-01", true, None),
            ("2026-04-01 02:00:00", true, None),
            ("2026-04-01T02:00:00+09:00", true, None),
            ("2026-04-01 02:00", false, None),
            ("2026-13-01 02:00", true, None),
            ("26/04/01", true, None),
            ("1/2", true, None),
            ("余市", true, None),
        ] {
            assert_eq!(rewritten(text, with_time).as_deref(), said, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_rewritten_is_in_the_engines_form(text in "[0-9/:T. -]{0,24}") {
            if let Some(said) = rewritten(&text, true) {
                proptest::prop_assert_eq!(rewritten(&said, true), None);
            }
        }
    }
}
