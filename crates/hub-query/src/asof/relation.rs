//! Plans the tables around `ASOF JOIN` as a join whose condition holds a marker. Names are resolved here, as
//! in any join, and `USING` makes one column of two.

use datafusion::{
    common::{Column, Result},
    logical_expr::{
        BinaryExpr, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator,
        planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
        utils::{conjunction, split_conjunction_owned},
    },
    sql::sqlparser::ast::{
        BinaryOperator, Join, JoinConstraint, JoinOperator, ObjectName, TableFactor,
    },
};

use super::{
    Direction, Kind,
    marker::Marked,
    syntax::{Condition, ONE_COMPARISON, is_asof},
};
use crate::dialect::hints::refused;

/// Comes before the engine's own planning of tables.
#[derive(Debug)]
pub(crate) struct AsOfRelations;

impl RelationPlanner for AsOfRelations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (mut inside, alias) = match relation {
            TableFactor::NestedJoin { table_with_joins, alias }
                if table_with_joins.joins.last().is_some_and(is_asof) =>
            {
                (table_with_joins, alias)
            }
            other => return Ok(RelationPlanning::Original(Box::new(other))),
        };
        let Some(join) = inside.joins.pop() else {
            return datafusion::common::internal_err!("brackets around no join");
        };
        let left = if inside.joins.is_empty() {
            inside.relation
        } else {
            TableFactor::NestedJoin { table_with_joins: inside, alias: None }
        };
        let plan = plan(left, join, context)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

fn plan(
    left: TableFactor,
    join: Join,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let JoinOperator::AsOf { match_condition, constraint } = join.join_operator else {
        return datafusion::common::internal_err!("not an as-of join");
    };
    if matches!(
        join.relation,
        TableFactor::Derived { lateral: true, .. } | TableFactor::Function { lateral: true, .. }
    ) {
        return refused(
            "the right side of an ASOF JOIN can't be LATERAL; name it in a WITH clause",
        );
    }
    let Some(condition) = Condition::of(match_condition) else {
        return refused(format!("MATCH_CONDITION {ONE_COMPARISON}"));
    };
    let left = context.plan(left)?;
    let right = context.plan(join.relation)?;
    let both = left.schema().join(right.schema())?;
    let mut conditions = match constraint.clone() {
        JoinConstraint::On(expr) => split_conjunction_owned(context.sql_to_expr(expr, &both)?),
        JoinConstraint::Using(_) | JoinConstraint::None => Vec::new(),
        JoinConstraint::Natural => {
            return refused("an ASOF JOIN can't be NATURAL; write USING (key)");
        }
    };
    let (left_time, direction, right_time) = match condition.comparison {
        Some((first, sign, second)) => {
            let Some(direction) = direction(&sign) else {
                return refused(format!("MATCH_CONDITION {ONE_COMPARISON}"));
            };
            let first = context.sql_to_expr(first, &both)?;
            let second = context.sql_to_expr(second, &both)?;
            match sided(first, direction, second, &left, &right) {
                Ok(comparison) => comparison,
                Err(_) => return refused(format!("MATCH_CONDITION {ONE_COMPARISON}")),
            }
        }
        None => comparison_among(&mut conditions, &left, &right)?,
    };
    let gap = match condition.gap {
        Some(gap) => Some(context.sql_to_expr(gap, &both)?),
        None => None,
    };
    let marker = Marked { direction, kind: condition.kind, left_time, right_time, gap };
    conditions.push(marker.into_expr());
    let join_type = match condition.kind {
        Kind::Left => JoinType::Left,
        Kind::Inner => JoinType::Inner,
    };
    let builder = LogicalPlanBuilder::from(left);
    match constraint {
        JoinConstraint::Using(columns) => {
            let columns = columns
                .into_iter()
                .map(|name| using_column(name, context))
                .collect::<Result<Vec<_>>>()?;
            // By the standard there is one column of each name afterwards. It is the left table's, which
            // has a value also where nothing matches.
            let shown: Vec<Expr> =
                builder
                    .schema()
                    .columns()
                    .into_iter()
                    .chain(
                        right.schema().columns().into_iter().filter(|column| {
                            !columns.iter().any(|using| using.name == column.name)
                        }),
                    )
                    .map(Expr::Column)
                    .collect();
            let joined = builder.join_using(right, join_type, columns)?.build()?;
            let LogicalPlan::Join(mut joined) = joined else {
                return datafusion::common::internal_err!("USING did not come to a join");
            };
            joined.filter = conjunction(joined.filter.into_iter().chain(conditions));
            joined.join_constraint = datafusion::common::JoinConstraint::On;
            LogicalPlanBuilder::from(LogicalPlan::Join(joined)).project(shown)?.build()
        }
        _ => builder.join_on(right, join_type, conditions)?.build(),
    }
}

fn using_column(name: ObjectName, context: &dyn RelationPlannerContext) -> Result<Column> {
    if let [part] = name.0.as_slice()
        && let Some(ident) = part.as_ident()
    {
        return Ok(Column::from_name(context.normalize_ident(ident.clone())));
    }
    refused(format!("USING takes the names of columns, and {name} is none"))
}

fn direction(sign: &BinaryOperator) -> Option<Direction> {
    Some(match sign {
        BinaryOperator::GtEq => Direction::AtOrBefore,
        BinaryOperator::Gt => Direction::Before,
        BinaryOperator::LtEq => Direction::AtOrAfter,
        BinaryOperator::Lt => Direction::After,
        _ => return None,
    })
}

fn direction_of(operator: Operator) -> Option<Direction> {
    Some(match operator {
        Operator::GtEq => Direction::AtOrBefore,
        Operator::Gt => Direction::Before,
        Operator::LtEq => Direction::AtOrAfter,
        Operator::Lt => Direction::After,
        _ => return None,
    })
}

/// The comparison with the left table's time on the left; both as they came where they can't be told apart.
fn sided(
    first: Expr,
    direction: Direction,
    second: Expr,
    left: &LogicalPlan,
    right: &LogicalPlan,
) -> Result<(Expr, Direction, Expr), (Expr, Expr)> {
    if of_one(&first, left) && of_one(&second, right) {
        Ok((first, direction, second))
    } else if of_one(&first, right) && of_one(&second, left) {
        Ok((second, direction.turned(), first))
    } else {
        Err((first, second))
    }
}

/// Whether an expression is made of columns of this input, and of no others.
pub(super) fn of_one(expr: &Expr, input: &LogicalPlan) -> bool {
    let columns = expr.column_refs();
    !columns.is_empty() && columns.iter().all(|column| input.schema().has_column(column))
}

/// Takes the one comparison of both tables that is no equality out of the conditions of `ON`.
fn comparison_among(
    conditions: &mut Vec<Expr>,
    left: &LogicalPlan,
    right: &LogicalPlan,
) -> Result<(Expr, Direction, Expr)> {
    let mut found = None;
    let mut rest = Vec::new();
    for condition in std::mem::take(conditions) {
        let compared = match condition {
            Expr::BinaryExpr(BinaryExpr { left: first, op, right: second }) => {
                let Some(direction) = direction_of(op) else {
                    rest.push(Expr::BinaryExpr(BinaryExpr { left: first, op, right: second }));
                    continue;
                };
                match sided(*first, direction, *second, left, right) {
                    Ok(comparison) => comparison,
                    Err((first, second)) => {
                        rest.push(Expr::BinaryExpr(BinaryExpr {
                            left: Box::new(first),
                            op,
                            right: Box::new(second),
                        }));
                        continue;
                    }
                }
            }
            other => {
                rest.push(other);
                continue;
            }
        };
        if found.replace(compared).is_some() {
            return refused(
                "ON of an ASOF JOIN compares more than one time of both tables; say which one is \
                 matched by MATCH_CONDITION (a.time >= b.time)",
            );
        }
    }
    *conditions = rest;
    match found {
        Some(found) => Ok(found),
        None => refused(
            "an ASOF JOIN says which times are compared: MATCH_CONDITION (a.time >= b.time), or \
             a.time >= b.time within ON",
        ),
    }
}
