//! Moves conditions above an as-of join to its inputs, where they spare files from being read.
//!
//! A condition on the left table leaves out left rows and changes no match, so it always moves. One on the
//! right table would let another row become the nearest, so it moves only where it is about the keys: rows
//! of other keys never were candidates. What is known of the left rows' keys and times is told to the
//! right side too.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    common::{
        Column, Result, ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{
        BinaryExpr, Expr, Extension, Filter, LogicalPlan, Operator,
        utils::{conjunction, split_conjunction_owned},
    },
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

use super::{Kind, node::AsOfJoin, relation::of_one};

/// Comes right after the engine's own rule of this kind, which brings conditions down to the join.
#[derive(Debug)]
pub(crate) struct FiltersIntoAsOfJoins;

impl OptimizerRule for FiltersIntoAsOfJoins {
    fn name(&self) -> &str {
        "filters_into_as_of_joins"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = &plan else { return Ok(Transformed::no(plan)) };
        let LogicalPlan::Extension(extension) = filter.input.as_ref() else {
            return Ok(Transformed::no(plan));
        };
        let Some(join) = extension.node.as_any().downcast_ref::<AsOfJoin>() else {
            return Ok(Transformed::no(plan));
        };
        let moved = Moved::of(join, &filter.predicate)?;
        if moved.left.is_empty() && moved.right.is_empty() {
            return Ok(Transformed::no(plan));
        }
        let left = filtered(join.left.clone(), moved.left);
        let right = filtered(join.right.clone(), moved.right);
        let node = Arc::new(join.over(left, right)?);
        let joined = LogicalPlan::Extension(Extension { node });
        Ok(Transformed::yes(filtered(joined, moved.kept)))
    }
}

fn filtered(plan: LogicalPlan, conditions: Vec<Expr>) -> LogicalPlan {
    match conjunction(conditions) {
        Some(condition) => LogicalPlan::Filter(Filter::new(condition, Arc::new(plan))),
        None => plan,
    }
}

/// Where each of the conditions goes.
#[derive(Default)]
struct Moved {
    left: Vec<Expr>,
    right: Vec<Expr>,
    kept: Vec<Expr>,
}

impl Moved {
    fn of(join: &AsOfJoin, predicate: &Expr) -> Result<Self> {
        let plain = join.keys.iter().filter_map(|pair| match pair {
            (Expr::Column(left), Expr::Column(right)) => Some((left.clone(), right.clone())),
            _ => None,
        });
        let to_right: HashMap<Column, Column> = plain.collect();
        let to_left: HashMap<Column, Column> =
            to_right.iter().map(|(left, right)| (right.clone(), left.clone())).collect();
        let mut moved = Self::default();
        for condition in split_conjunction_owned(predicate.clone()) {
            if condition.is_volatile() || has_subquery(&condition) {
                moved.kept.push(condition);
            } else if of_one(&condition, &join.left) {
                moved.right.extend(with_columns(&condition, &to_right)?);
                moved.right.extend(of_right_time(&condition, join));
                moved.left.push(condition);
            } else if join.kind == Kind::Inner
                && of_one(&condition, &join.right)
                && let Some(of_left) = with_columns(&condition, &to_left)?
            {
                moved.left.push(of_left);
                moved.right.push(condition);
            } else {
                moved.kept.push(condition);
            }
        }
        Ok(moved)
    }
}

fn has_subquery(expr: &Expr) -> bool {
    let found = expr.exists(|part| {
        Ok(matches!(
            part,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::OuterReferenceColumn(..)
        ))
    });
    found.unwrap_or(true)
}

/// The condition on the other table's keys; none where it has columns that are no keys.
fn with_columns(condition: &Expr, others: &HashMap<Column, Column>) -> Result<Option<Expr>> {
    if !condition.column_refs().iter().all(|column| others.contains_key(*column)) {
        return Ok(None);
    }
    let replaced = condition.clone().transform(|part| {
        Ok(match part {
            Expr::Column(column) => match others.get(&column) {
                Some(other) => Transformed::yes(Expr::Column(other.clone())),
                None => Transformed::no(Expr::Column(column)),
            },
            other => Transformed::no(other),
        })
    })?;
    Ok(Some(replaced.data))
}

/// What a bound on the left rows' time says of the right rows that can be their matches.
fn of_right_time(condition: &Expr, join: &AsOfJoin) -> Option<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return None };
    let (op, bound) = match (left.as_ref(), right.as_ref()) {
        (time, Expr::Literal(bound, _)) if *time == join.left_time => (*op, bound),
        (Expr::Literal(bound, _), time) if *time == join.left_time => (op.swap()?, bound),
        _ => return None,
    };
    // Matches lie at or before their left rows, and not further than the gap; or the other way round.
    let (near, far) = if join.direction.looks_back() {
        ([Operator::Lt, Operator::LtEq], [Operator::Gt, Operator::GtEq])
    } else {
        ([Operator::Gt, Operator::GtEq], [Operator::Lt, Operator::LtEq])
    };
    let bound = if near.contains(&op) {
        bound.clone()
    } else if far.contains(&op) {
        shifted(bound, join.gap.as_ref()?, join.direction.looks_back())?
    } else {
        return None;
    };
    Some(Expr::BinaryExpr(BinaryExpr {
        left: Box::new(join.right_time.clone()),
        op,
        right: Box::new(Expr::Literal(bound, None)),
    }))
}

/// A time further away by the gap.
fn shifted(bound: &ScalarValue, gap: &ScalarValue, back: bool) -> Option<ScalarValue> {
    let ScalarValue::Int64(Some(gap)) = gap else { return None };
    let by = |time: &i64| if back { time.checked_sub(*gap) } else { time.checked_add(*gap) };
    Some(match bound {
        ScalarValue::TimestampMicrosecond(Some(time), zone) => {
            ScalarValue::TimestampMicrosecond(Some(by(time)?), zone.clone())
        }
        ScalarValue::Int64(Some(number)) => ScalarValue::Int64(Some(by(number)?)),
        _ => return None,
    })
}
