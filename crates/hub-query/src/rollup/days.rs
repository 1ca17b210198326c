//! What a dataset version comes to by series and day or other stretches, for coverage, charts and grids.

use std::sync::Arc;

use datafusion::{
    common::Result,
    datasource::provider_as_source,
    functions::datetime::expr_fn::date_trunc,
    functions_aggregate::expr_fn::{count, max, min},
    logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, lit, when},
};
use hub_model::{Contract, Field, FieldRole, FieldType, Label, Quality};

use super::{
    grain::microsecond,
    measures::{Measure, Part, Value},
    rewrite::rewritten_as,
};
use crate::{
    classify::classify,
    engine::{QueryEngine, ReadableTable},
    error::QueryError,
    filter::column,
    functions::sum,
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
        self.summed(table, |contract| {
            let mut summing = Summing::by_series(contract);
            if let Some(time) = contract.time_field() {
                summing.group(date_trunc(lit("day"), instant(time)), "day");
            }
            summing.rows();
            summing.values(contract, true)?;
            Ok(summing)
        })
        .await
    }

    /// Sums up a dataset version's rows, from rollups where they may be used and tell.
    pub(super) async fn summed(
        &self,
        table: ReadableTable,
        asked: impl FnOnce(&Contract) -> Result<Summing> + Send + 'static,
    ) -> Result<QueryStream, QueryError> {
        let errors = self.inner.limits_context();
        let inner = Arc::clone(&self.inner);
        self.inner
            .start(errors.clone(), move |environment, _| async move {
                let planning = async {
                    let prepared = inner.tables.prepare(&table).await?;
                    let exposed = judged(&prepared.contract);
                    let summing = asked(&prepared.contract)?;
                    let state =
                        inner.sessions.for_sql(crate::catalog::of_tables(std::iter::empty())?);
                    let scans = &inner.scans;
                    let plan = loop {
                        let rows = SnapshotTable::new(
                            Arc::clone(&prepared),
                            exposed.clone(),
                            Arc::clone(scans),
                        );
                        let rows = rows.with_rollups(inner.uses_rollups());
                        let plan = state.create_physical_plan(&summing.clone().plan(rows)?).await?;
                        let snapshots = std::slice::from_ref(&table.snapshot);
                        if scans.proofs.hold(&plan, snapshots, &scans.store).await? {
                            break plan;
                        }
                    };
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

/// The instant whose day or month a row is of: the last of the interval, where the time names its end.
pub(super) fn instant(time: &Field) -> Expr {
    match time.label {
        Some(Label::End) => column(time) - lit(microsecond()),
        _ => column(time),
    }
}

/// What is to be summed up, by what.
#[derive(Clone, Default)]
pub(super) struct Summing {
    groups: Vec<Expr>,
    /// What each is, as an aggregate of rows, and that aggregate's argument.
    measures: Vec<(Measure, Expr, Expr)>,
    names: Vec<String>,
}

impl Summing {
    /// By the columns of the series.
    pub(super) fn by_series(contract: &Contract) -> Self {
        let mut summing = Self::default();
        contract.series_fields().for_each(|field| summing.group(column(field), &field.name));
        summing
    }

    /// By this, too. Groups come before measures.
    pub(super) fn group(&mut self, by: Expr, name: &str) {
        self.groups.push(by);
        self.names.push(name.to_owned());
    }

    /// How many `rows`.
    pub(super) fn rows(&mut self) {
        self.put("rows".to_owned(), Measure::Count(Part::Rows), count(lit(1i64)), lit(1i64));
    }

    /// Between which times, `first` and `last`.
    pub(super) fn span(&mut self, time: &Field) {
        let own = || column(time);
        self.put("first".to_owned(), Measure::Plain(Part::FirstTime), min(own()), own());
        self.put("last".to_owned(), Measure::Plain(Part::LastTime), max(own()), own());
    }

    /// The counts of each value column, and of numbers their sums and extremes.
    pub(super) fn values(&mut self, contract: &Contract, numbers: bool) -> Result<()> {
        for field in contract.fields.iter().filter(|field| field.role == FieldRole::Value) {
            let quality = quality::judge(contract, field).map(|judge| &contract.fields[judge]);
            let value = Value {
                stored: field.storage_name().to_owned(),
                field_type: field.field_type,
                judge: quality.map(|field| field.storage_name().to_owned()),
            };
            let named = |name: &str| format!("{}:{name}", field.name);
            let own = || column(field);
            let counted = Measure::Count(Part::Count(value.clone()));
            self.put(named("count"), counted, count(own()), own());
            let good = match quality {
                None => own(),
                Some(quality) => {
                    let words = [Quality::Normal, Quality::QuasiNormal].map(|q| lit(q.as_str()));
                    when(column(quality).in_list(words.to_vec(), false), own()).end()?
                }
            };
            let counted = Measure::Count(Part::Good(value.clone()));
            self.put(named("good"), counted, count(good.clone()), good);
            if numbers && matches!(field.field_type, FieldType::Integer | FieldType::Number) {
                let plain = Measure::Plain;
                self.put(named("sum"), plain(Part::Sum(value.clone())), sum(own()), own());
                self.put(named("min"), plain(Part::Min(value.clone())), min(own()), own());
                self.put(named("max"), plain(Part::Max(value)), max(own()), own());
            }
        }
        Ok(())
    }

    fn put(&mut self, name: String, measure: Measure, of_rows: Expr, argument: Expr) {
        self.names.push(name);
        self.measures.push((measure, of_rows, argument));
    }

    /// The plan, from rollups where they may be used and tell.
    fn plan(self, table: SnapshotTable) -> Result<LogicalPlan> {
        let source = provider_as_source(Arc::new(table));
        let rows = LogicalPlanBuilder::scan(TABLE, source, None)?.build()?;
        let aggregates = self.measures.iter().enumerate().map(|(at, (_, of_rows, _))| {
            // Two counts of one expression would have one name.
            of_rows.clone().alias(format!("__measure_{at}"))
        });
        let aggregate = Aggregate::try_new(Arc::new(rows), self.groups, aggregates.collect())?;
        let measures = self.measures.into_iter();
        let measures = measures.map(|(measure, _, argument)| (measure, argument)).collect();
        let plan = rewritten_as(&aggregate, measures)?.unwrap_or(LogicalPlan::Aggregate(aggregate));
        let columns = plan.schema().columns().into_iter().map(Expr::Column).zip(self.names);
        let shown = columns.map(|(column, name)| column.alias(name)).collect::<Vec<_>>();
        LogicalPlanBuilder::from(plan).project(shown)?.build()
    }
}
