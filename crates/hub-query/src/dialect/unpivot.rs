//! `t UNPIVOT (value FOR name IN (a, b AS 'B'))`: a row for each of the columns that are listed. Values that are
//! missing are left out, unless NULLS are included.

use datafusion::{
    common::{Column, Result, UnnestOptions},
    functions_nested::make_array::make_array,
    logical_expr::{
        Expr, LogicalPlan, LogicalPlanBuilder, lit,
        planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
    },
    sql::sqlparser::ast::{Expr as Written, ExprWithAlias, Ident, NullInclusion, TableFactor},
};

use super::hints::refused;

/// Plans `UNPIVOT` as two lists for every row, of names and of values, that are unnested together: the
/// table is read once.
#[derive(Debug)]
pub(super) struct Unpivot;

impl RelationPlanner for Unpivot {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } = relation
        else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let Written::Identifier(value) = value else {
            return refused(
                "UNPIVOT takes one name for the values: UNPIVOT (value FOR name IN (a, b))",
            );
        };
        let input = context.plan(*table)?;
        let with_nulls = matches!(null_inclusion, Some(NullInclusion::IncludeNulls));
        let plan = unpivot(input, value, name, columns, with_nulls, context)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

fn unpivot(
    input: LogicalPlan,
    value: Ident,
    name: Ident,
    columns: Vec<ExprWithAlias>,
    with_nulls: bool,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let (value, name) = (context.normalize_ident(value), context.normalize_ident(name));
    let mut names = Vec::new();
    let mut values = Vec::new();
    let mut taken = Vec::new();
    for column in columns {
        let written = column.expr.to_string();
        let expr = context.sql_to_expr(column.expr, input.schema())?;
        let Expr::Column(source) = &expr else {
            return refused(format!("UNPIVOT takes names of columns, and {written} is none"));
        };
        let label = match column.alias {
            Some(alias) => alias.value,
            None => source.name.clone(),
        };
        taken.push(source.clone());
        names.push(lit(label));
        values.push(expr);
    }
    let columns = input.schema().columns();
    let kept = columns.into_iter().filter(|column| !taken.contains(column)).map(Expr::Column);
    let lists = [make_array(names).alias(name.as_str()), make_array(values).alias(value.as_str())];
    let places = [name.as_str(), value.as_str()].map(Column::from_name).to_vec();
    let unnested = LogicalPlanBuilder::from(input)
        .project(kept.chain(lists).collect::<Vec<_>>())?
        .unnest_columns_with_options(places, UnnestOptions::new())?;
    if with_nulls {
        return unnested.build();
    }
    unnested.filter(Expr::Column(Column::from_name(value)).is_not_null())?.build()
}
