//! `t PIVOT (sum(x) FOR c IN (1 AS jan, 2 AS feb))`: a column for each value that is listed. Rows are grouped by
//! every column of the table that is neither aggregated nor pivoted on.

use std::collections::HashSet;

use datafusion::{
    common::{Column, DFSchema, Result},
    logical_expr::{
        Expr, LogicalPlan, LogicalPlanBuilder,
        planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
    },
    sql::sqlparser::{
        ast::{Expr as Written, ExprWithAlias, PivotValueSource, TableFactor, Value},
        keywords::Keyword,
        tokenizer::{Token, TokenWithSpan},
    },
};

use super::hints::refused;
use crate::{bounds::position, error::QueryError};

/// The most columns that one `PIVOT` makes.
const MAX_COLUMNS: usize = 1_000;

/// Refuses a `PIVOT` of what is no call, of which the parser would only say that a bracket is missing.
pub(crate) fn check_aggregates(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let mut words = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    while let Some(token) = words.next() {
        if !is(token, Keyword::PIVOT)
            || words.clone().next().map(|t| &t.token) != Some(&Token::LParen)
        {
            continue;
        }
        // From behind the bracket up to FOR, item by item.
        let mut depth = 0_usize;
        let mut first: Option<&TokenWithSpan> = None;
        let mut called = false;
        for token in words.clone().skip(1) {
            let ends = depth == 0 && (token.token == Token::Comma || is(token, Keyword::FOR));
            if ends {
                if let Some(first) = first.filter(|_| !called) {
                    return Err(QueryError::invalid(
                        no_aggregate(&first.token),
                        Some(position(first)),
                    ));
                }
                (first, called) = (None, false);
                if token.token != Token::Comma {
                    break;
                }
                continue;
            }
            match token.token {
                Token::LParen => {
                    depth += 1;
                    called = true;
                }
                Token::RParen if depth == 0 => break,
                Token::RParen => depth -= 1,
                _ => {}
            }
            first.get_or_insert(token);
        }
    }
    Ok(())
}

fn is(token: &TokenWithSpan, keyword: Keyword) -> bool {
    matches!(&token.token, Token::Word(word)
        if word.quote_style.is_none() && word.keyword == keyword)
}

fn no_aggregate(written: impl std::fmt::Display) -> String {
    format!("PIVOT takes aggregates, as in PIVOT (sum(x) FOR …), and {written} is none")
}

/// Plans `PIVOT` as a grouping whose aggregates have filters.
#[derive(Debug)]
pub(super) struct Pivot;

impl RelationPlanner for Pivot {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Pivot {
            table,
            aggregate_functions,
            value_column,
            value_source,
            default_on_null,
            alias,
        } = relation
        else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let [pivoted] = value_column.as_slice() else {
            return refused(
                "PIVOT takes one column after FOR; join the others into one text by ||",
            );
        };
        let PivotValueSource::List(values) = value_source else {
            return refused(
                "PIVOT takes a list of values, FOR month IN (1, 2, 3): an answer's columns are known \
                 before its rows are read",
            );
        };
        let input = context.plan(*table)?;
        let pivoted = context.sql_to_expr(pivoted.clone(), input.schema())?;
        let default = match default_on_null {
            Some(default) => Some(context.sql_to_expr(default, &DFSchema::empty())?),
            None => None,
        };
        let plan = pivot(input, aggregate_functions, &pivoted, values, default, context)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

fn pivot(
    input: LogicalPlan,
    aggregates: Vec<ExprWithAlias>,
    pivoted: &Expr,
    values: Vec<ExprWithAlias>,
    default: Option<Expr>,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    if values.len().saturating_mul(aggregates.len()) > MAX_COLUMNS {
        return refused(format!(
            "PIVOT makes at most {MAX_COLUMNS} columns; leave the values as rows, or ask for fewer"
        ));
    }
    let several = aggregates.len() > 1;
    let mut computed = Vec::new();
    for aggregate in aggregates {
        let written = aggregate.expr.to_string();
        let suffix = match aggregate.alias {
            Some(alias) => Some(context.normalize_ident(alias)),
            None => several.then_some(written.clone()),
        };
        let expr = context.sql_to_expr(aggregate.expr, input.schema())?.unalias();
        if !matches!(expr, Expr::AggregateFunction(_)) {
            return refused(no_aggregate(written));
        }
        computed.push((expr, suffix));
    }
    let used: HashSet<Column> = computed
        .iter()
        .flat_map(|(expr, _)| expr.column_refs())
        .chain(pivoted.column_refs())
        .cloned()
        .collect();
    let kept: Vec<Expr> = input
        .schema()
        .columns()
        .into_iter()
        .filter(|column| !used.contains(column))
        .map(Expr::Column)
        .collect();
    let mut filtered = Vec::new();
    let mut shown = kept.clone();
    for value in values {
        let name = match value.alias {
            Some(alias) => context.normalize_ident(alias),
            None => text_of(&value.expr),
        };
        let value = context.sql_to_expr(value.expr, &DFSchema::empty())?;
        let fits = match value {
            Expr::Literal(ref null, _) if null.is_null() => pivoted.clone().is_null(),
            value => pivoted.clone().eq(value),
        };
        for (aggregate, suffix) in &computed {
            let Expr::AggregateFunction(mut aggregate) = aggregate.clone() else { continue };
            let before = aggregate.params.filter.take();
            let filter = match before {
                Some(before) => before.and(fits.clone()),
                None => fits.clone(),
            };
            aggregate.params.filter = Some(Box::new(filter));
            let label = match suffix {
                Some(suffix) => format!("{name}_{suffix}"),
                None => name.clone(),
            };
            // The same value twice would be the same column twice.
            let inner = format!("{label}#{}", filtered.len());
            filtered.push(Expr::AggregateFunction(aggregate).alias(inner.clone()));
            let column = Expr::Column(Column::from_name(inner));
            let column = match &default {
                Some(default) => {
                    datafusion::functions::expr_fn::coalesce(vec![column, default.clone()])
                }
                None => column,
            };
            shown.push(column.alias(label));
        }
    }
    LogicalPlanBuilder::from(input).aggregate(kept, filtered)?.project(shown)?.build()
}

/// A value as the name of its column.
fn text_of(value: &Written) -> String {
    match value {
        Written::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}
