//! A subquery for the first rows of each key, taken apart into what is read, what it is asked for by, and in
//! which order.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    common::{
        Column, Result, TableReference,
        tree_node::{Transformed, TreeNode},
    },
    functions_window::expr_fn::row_number,
    logical_expr::{
        BinaryExpr, Expr, ExprFunctionExt, FetchType, Filter, JoinType, Limit, LogicalPlan,
        LogicalPlanBuilder, Operator, SkipType, SortExpr, Subquery, lit,
        utils::{conjunction, split_conjunction_owned},
    },
};

use crate::asof::{Direction, Kind, nearest};

const TIME_NAME: &str = "__lateral_time";

fn key_name(place: usize) -> String {
    format!("__lateral_key_{place}")
}

fn column(relation: Option<&TableReference>, name: &str) -> Expr {
    Expr::Column(Column::new(relation.cloned(), name))
}

/// A subquery for the first rows of each key.
pub(super) struct Firsts {
    /// What is read, with the conditions that do not depend on the row outside.
    input: LogicalPlan,
    /// The columns of the answer, in terms of the input.
    pub(super) shown: Vec<(Option<TableReference>, String, Expr)>,
    /// Columns of the input, and what they equal outside.
    keys: Vec<(Expr, Expr)>,
    /// A time of the input, and the time outside that it is nearest to.
    pub(super) time: Option<(Expr, Direction, Expr)>,
    order: Vec<SortExpr>,
    pub(super) rows: i64,
}

impl Firsts {
    pub(super) fn of(subquery: &Subquery) -> Option<Self> {
        let LogicalPlan::Limit(limit) = subquery.subquery.as_ref() else { return None };
        let rows = first_rows(limit)?;
        let mut plan = limit.input.as_ref();
        let mut shown: Vec<(Option<TableReference>, String, Expr)> = subquery
            .subquery
            .schema()
            .columns()
            .into_iter()
            .map(|column| (column.relation.clone(), column.name.clone(), Expr::Column(column)))
            .collect();
        let mut order: Vec<SortExpr> = Vec::new();
        let mut conditions = Vec::new();
        loop {
            match plan {
                LogicalPlan::Projection(projection) => {
                    let columns = projection.schema.columns().into_iter();
                    let computed: HashMap<Column, Expr> = columns
                        .zip(projection.expr.iter().map(|expr| expr.clone().unalias()))
                        .collect();
                    for (_, _, expr) in &mut shown {
                        *expr = replaced(expr.clone(), &computed)?;
                    }
                    for sort in &mut order {
                        sort.expr = replaced(sort.expr.clone(), &computed)?;
                    }
                    plan = projection.input.as_ref();
                }
                LogicalPlan::Sort(sort) if order.is_empty() && conditions.is_empty() => {
                    order.clone_from(&sort.expr);
                    plan = sort.input.as_ref();
                }
                LogicalPlan::Filter(filter) => {
                    conditions.extend(split_conjunction_owned(filter.predicate.clone()));
                    plan = filter.input.as_ref();
                }
                _ => break,
            }
            if !conditions.is_empty() && !matches!(plan, LogicalPlan::Filter(_)) {
                break;
            }
        }
        let mut firsts =
            Self { input: plan.clone(), shown, keys: Vec::new(), time: None, order, rows };
        firsts.correlate(conditions)?;
        let depends = |expr: &Expr| expr.contains_outer();
        let inside = firsts.shown.iter().map(|(_, _, expr)| expr);
        let apart = firsts.input.all_out_ref_exprs().is_empty()
            && !inside.chain(firsts.order.iter().map(|sort| &sort.expr)).any(depends);
        apart.then_some(firsts)
    }

    /// Sorts the conditions; none where one depends on the row outside in another way.
    fn correlate(&mut self, conditions: Vec<Expr>) -> Option<()> {
        let mut own = Vec::new();
        for condition in conditions {
            if !condition.contains_outer() {
                own.push(condition);
                continue;
            }
            let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return None };
            let (inner, op, outer) = match (left.contains_outer(), right.contains_outer()) {
                (false, true) => (*left, op, outside(*right)?),
                (true, false) => (*right, op.swap()?, outside(*left)?),
                _ => return None,
            };
            // The left side of the as-of join is the row outside.
            let direction = match op {
                Operator::Eq => {
                    self.keys.push((inner, outer));
                    continue;
                }
                Operator::LtEq => Direction::AtOrBefore,
                Operator::Lt => Direction::Before,
                Operator::GtEq => Direction::AtOrAfter,
                Operator::Gt => Direction::After,
                _ => return None,
            };
            if self.time.replace((inner, direction, outer)).is_some() {
                return None;
            }
        }
        if let Some((time, direction, _)) = &self.time {
            let [order] = self.order.as_slice() else { return None };
            let ascending = matches!(direction, Direction::AtOrAfter | Direction::After);
            if self.rows != 1 || order.expr != *time || order.asc != ascending {
                return None;
            }
        } else if self.keys.is_empty() {
            return None;
        }
        if let Some(own) = conjunction(own) {
            let input = Arc::new(self.input.clone());
            self.input = LogicalPlan::Filter(Filter::new(own, input));
        }
        Some(())
    }

    /// The rows outside, each with its first rows.
    pub(super) fn beside(
        &self,
        left: LogicalPlan,
        alias: Option<&TableReference>,
        kind: Kind,
        mut conditions: Vec<Expr>,
    ) -> Result<LogicalPlan> {
        let keys = self.keys.iter().enumerate();
        conditions.extend(
            keys.map(|(place, (_, outer))| outer.clone().eq(column(alias, &key_name(place)))),
        );
        let right = match &self.time {
            Some((_, direction, outer)) => {
                let time = column(alias, TIME_NAME);
                conditions.push(nearest(*direction, kind, outer.clone(), time));
                self.plain(alias)?
            }
            None => self.numbered(alias)?,
        };
        let join_type = match kind {
            Kind::Left => JoinType::Left,
            Kind::Inner => JoinType::Inner,
        };
        LogicalPlanBuilder::from(left).join_on(right, join_type, conditions)?.build()
    }

    /// The rows with their keys, the first of each key only.
    fn numbered(&self, alias: Option<&TableReference>) -> Result<LogicalPlan> {
        const NUMBER: &str = "__lateral_number";
        let window = row_number()
            .partition_by(self.keys.iter().map(|(key, _)| key.clone()).collect())
            .order_by(self.order.clone())
            .build()?;
        // The number is computed beside the columns of the input, which keep their names.
        let columns = self.input.schema().columns().into_iter().map(Expr::Column);
        let named = Expr::Column(Column::from_name(window.schema_name().to_string())).alias(NUMBER);
        let numbered = LogicalPlanBuilder::from(self.input.clone())
            .window([window])?
            .project(columns.chain([named]))?
            .filter(Expr::Column(Column::from_name(NUMBER)).lt_eq(lit(self.rows)))?
            .build()?;
        self.named(numbered, alias)
    }

    /// The rows with their keys and times.
    fn plain(&self, alias: Option<&TableReference>) -> Result<LogicalPlan> {
        self.named(self.input.clone(), alias)
    }

    fn named(&self, plan: LogicalPlan, alias: Option<&TableReference>) -> Result<LogicalPlan> {
        let shown = self.shown.iter().map(|(relation, name, expr)| {
            expr.clone().alias_qualified(relation.clone(), name.clone())
        });
        let keys = self
            .keys
            .iter()
            .enumerate()
            .map(|(place, (key, _))| key.clone().alias(key_name(place)));
        let time = self.time.iter().map(|(time, _, _)| time.clone().alias(TIME_NAME));
        let plan = LogicalPlanBuilder::from(plan)
            .project(shown.chain(keys).chain(time).collect::<Vec<_>>())?;
        match alias {
            Some(alias) => plan.alias(alias.clone())?.build(),
            None => plan.build(),
        }
    }
}

fn first_rows(limit: &Limit) -> Option<i64> {
    let skipped = matches!(limit.get_skip_type(), Ok(SkipType::Literal(0)));
    match limit.get_fetch_type() {
        Ok(FetchType::Literal(Some(rows))) if skipped => i64::try_from(rows).ok(),
        _ => None,
    }
}

/// The expression with every column as it was computed.
fn replaced(expr: Expr, computed: &HashMap<Column, Expr>) -> Option<Expr> {
    let replaced = expr.transform(|part| {
        Ok(match part {
            Expr::Column(column) => match computed.get(&column) {
                Some(computed) => Transformed::yes(computed.clone()),
                None => Transformed::no(Expr::Column(column)),
            },
            other => Transformed::no(other),
        })
    });
    replaced.ok().map(|replaced| replaced.data)
}

/// An expression of the row outside, in terms of that row; none where it has columns from elsewhere.
fn outside(expr: Expr) -> Option<Expr> {
    if !expr.column_refs().is_empty() {
        return None;
    }
    let own = expr.transform(|part| {
        Ok(match part {
            Expr::OuterReferenceColumn(_, column) => Transformed::yes(Expr::Column(column)),
            other => Transformed::no(other),
        })
    });
    own.ok().map(|own| own.data)
}
