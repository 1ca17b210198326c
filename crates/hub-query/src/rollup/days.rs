//! What a dataset version comes to by series and day, for coverage, charts and grids.

use std::sync::Arc;

use datafusion::{
    common::Result,
    datasource::provider_as_source,
    functions::datetime::expr_fn::date_trunc,
    functions_aggregate::expr_fn::{count, max, min, sum},
    logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, lit, when},
    scalar::ScalarValue,
};
use hub_model::{Contract, FieldRole, FieldType, Label, Quality};

use super::{
    measures::{Measure, Part, Value},
    rewrite::rewritten_as,
};
use crate::{
    classify::classify,
    engine::{QueryEngine, ReadableTable},
    error::QueryError,
    filter::column,
    quality,
    session::task_context,
    stream::{Planned, QueryStream},
    table::{Exposed, SnapshotTable},
};

/// The name of the table inside plans.
const TABLE: &str = "rows";

impl QueryEngine {
    /// Each series' days: the columns of the series by their names, `day` (its first instant), `rows`, and
    /// of each value column, those values aside that their quality leaves out, `name:count`, `name:good` (a
    /// quality of `normal` or `quasi_normal`, any where none is kept), and for numbers `name:sum`,
    /// `name:min` and `name:max`. In no order.
    ///
    /// A row is of the day that its interval is in: where times name its end, midnight is of the day
    /// before.
    pub async fn day_rollup(&self, table: ReadableTable) -> Result<QueryStream, QueryError> {
        let time = table.contract.time_field();
        if time.is_none_or(|time| time.field_type != FieldType::Datetime) {
            return Err(QueryError::request(
                "the dataset has no column of times with the role time, so it has no days",
            ));
        }
        let errors = self.inner.limits_context();
        let inner = Arc::clone(&self.inner);
        self.inner
            .start(errors.clone(), move |environment, _| async move {
                let planning = async {
                    let prepared = inner.tables.prepare(&table).await?;
                    let exposed = judged(&prepared.contract);
                    let table = SnapshotTable::new(prepared, exposed, Arc::clone(&inner.scans));
                    let plan = days(table, inner.uses_rollups())?;
                    let state =
                        inner.sessions.for_sql(crate::catalog::of_tables(std::iter::empty())?);
                    let plan = state.create_physical_plan(&plan).await?;
                    Ok(Planned::new(plan, task_context(&state, environment)))
                };
                planning.await.map_err(|error| classify(&error, &errors))
            })
            .await
    }
}

/// The columns, with the values that their quality leaves out left out.
fn judged(contract: &Contract) -> Vec<Exposed> {
    let columns = Exposed::all(contract).into_iter().zip(&contract.fields);
    let columns = columns.map(|(column, field)| match field.role {
        FieldRole::Value => Exposed { judged_by: quality::judge(contract, field), ..column },
        _ => column,
    });
    columns.collect()
}

/// The plan, from rollups where they may be used and tell.
fn days(table: SnapshotTable, rollups: bool) -> Result<LogicalPlan> {
    let contract = Arc::clone(&table.prepared().contract);
    let Some(time) = contract.time_field() else {
        return datafusion::common::internal_err!("days were asked of rows without a time");
    };
    let source = provider_as_source(Arc::new(table));
    let rows = LogicalPlanBuilder::scan(TABLE, source, None)?.build()?;
    let instant = match time.label {
        Some(Label::End) => {
            let microsecond = arrow::datatypes::IntervalMonthDayNano::new(0, 0, 1_000);
            column(time) - lit(ScalarValue::IntervalMonthDayNano(Some(microsecond)))
        }
        _ => column(time),
    };
    let series: Vec<_> = contract.series_fields().collect();
    let mut groups: Vec<Expr> = series.iter().map(|field| column(field)).collect();
    groups.push(date_trunc(lit("day"), instant));
    let mut names: Vec<String> = series.iter().map(|field| field.name.clone()).collect();
    names.extend(["day".to_owned(), "rows".to_owned()]);
    let mut measures = vec![(Measure::Count(Part::Rows), count(lit(1i64)), lit(1i64))];
    for field in contract.fields.iter().filter(|field| field.role == FieldRole::Value) {
        let quality = quality::judge(&contract, field).map(|judge| &contract.fields[judge]);
        let value = Value {
            stored: field.storage_name().to_owned(),
            field_type: field.field_type,
            judge: quality.map(|field| field.storage_name().to_owned()),
        };
        let mut put = |name: &str, measure: Measure, of_rows: Expr, argument: Expr| {
            names.push(format!("{}:{name}", field.name));
            measures.push((measure, of_rows, argument));
        };
        let own = || column(field);
        put("count", Measure::Count(Part::Count(value.clone())), count(own()), own());
        let good = match quality {
            None => own(),
            Some(quality) => {
                let words = [Quality::Normal, Quality::QuasiNormal].map(|q| lit(q.as_str()));
                when(column(quality).in_list(words.to_vec(), false), own()).end()?
            }
        };
        put("good", Measure::Count(Part::Good(value.clone())), count(good.clone()), good);
        if matches!(field.field_type, FieldType::Integer | FieldType::Number) {
            put("sum", Measure::Plain(Part::Sum(value.clone())), sum(own()), own());
            put("min", Measure::Plain(Part::Min(value.clone())), min(own()), own());
            put("max", Measure::Plain(Part::Max(value)), max(own()), own());
        }
    }
    let aggregates = measures.iter().enumerate().map(|(at, (_, of_rows, _))| {
        // Two counts of one expression would have one name.
        of_rows.clone().alias(format!("__measure_{at}"))
    });
    let aggregate = Aggregate::try_new(Arc::new(rows), groups, aggregates.collect())?;
    let measures = measures.into_iter().map(|(measure, _, argument)| (measure, argument)).collect();
    let found = if rollups { rewritten_as(&aggregate, measures)? } else { None };
    let plan = found.unwrap_or(LogicalPlan::Aggregate(aggregate));
    let columns = plan.schema().columns().into_iter().map(Expr::Column).zip(names);
    let shown = columns.map(|(column, name)| column.alias(name)).collect::<Vec<_>>();
    LogicalPlanBuilder::from(plan).project(shown)?.build()
}
