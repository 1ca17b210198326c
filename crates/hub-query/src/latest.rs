//! The newest row of each series, for maps and boards.

use std::sync::Arc;

use datafusion::{
    common::{Column, JoinType, NullEquality},
    datasource::provider_as_source,
    functions_aggregate::expr_fn::max,
    functions_window::expr_fn::row_number,
    logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, lit},
};
use hub_model::Field;

use crate::{
    classify::classify,
    engine::{QueryEngine, ReadableTable},
    error::QueryError,
    filter::{RowFilter, column},
    rows::{Selection, filters},
    session::task_context,
    stream::{Planned, QueryStream},
    table::{Prepared, SnapshotTable},
};

/// Whose newest rows are wanted.
#[derive(Debug, Clone)]
pub struct LatestRequest {
    /// The dataset version.
    pub table: ReadableTable,
    /// Columns by name or alias, shown as they are named here; all by their names where there is none.
    pub select: Option<Vec<String>>,
    /// Conditions that must all hold; the newest is chosen among the rows that satisfy them.
    pub filters: Vec<RowFilter>,
}

/// What the one table is called inside plans.
const TABLE: &str = "rows";

/// What the newest times are called inside the plan; contracts have no names that begin so.
const NEWEST: &str = "__newest";

/// What a row's place among those of one series and time is called.
const PLACE: &str = "__place";

impl QueryEngine {
    /// The newest row of each series in the order of the series; the newest row of all where the dataset
    /// has no series. Of several rows at the newest time, the one that comes first by all its values.
    pub async fn latest(&self, request: LatestRequest) -> Result<QueryStream, QueryError> {
        let contract = Arc::clone(&request.table.contract);
        let selection = Selection::new(&contract, request.select.as_deref())?;
        let conditions = filters(&contract, &request.filters)?;
        if contract.time_field().is_none() {
            return Err(QueryError::request(
                "the dataset has no column with the role time, so no row is the latest",
            ));
        }
        self.read(request.table, move |rows| {
            let rows = conditions.into_iter().try_fold(rows, LogicalPlanBuilder::filter)?;
            let Some(time) = contract.time_field() else { return Ok(rows) };
            let series: Vec<&Field> = contract.series_fields().collect();
            let newest_first = || {
                let mut order = vec![column(time).sort(false, false)];
                order.extend(contract.fields.iter().map(|f| column(f).sort(true, false)));
                order
            };
            let plan = if series.is_empty() {
                rows.sort(newest_first())?.limit(0, Some(1))?
            } else {
                // First the newest time of each series, from two columns; then the rows at those times,
                // for which the scan skips whatever is older than the oldest of them.
                let names = series
                    .iter()
                    .enumerate()
                    .map(|(at, field)| column(field).alias(format!("{NEWEST}_{at}")));
                let newest = rows
                    .clone()
                    .aggregate(series.iter().map(|f| column(f)), [max(column(time)).alias(NEWEST)])?
                    .project(names.chain([newest_column(NEWEST)]))?
                    .build()?;
                let mut left: Vec<Column> = (0..series.len())
                    .map(|at| Column::new_unqualified(format!("{NEWEST}_{at}")))
                    .collect();
                left.push(Column::new_unqualified(NEWEST));
                let mut right: Vec<Column> =
                    series.iter().map(|f| Column::new_unqualified(&f.name)).collect();
                right.push(Column::new_unqualified(&time.name));
                let order = series.iter().map(|f| column(f).sort(true, false));
                let first = row_number()
                    .partition_by(series.iter().map(|f| column(f)).collect())
                    .order_by(newest_first())
                    .build()?
                    .alias(PLACE);
                LogicalPlanBuilder::from(newest)
                    .join_detailed(
                        rows.build()?,
                        JoinType::Inner,
                        (left, right),
                        None,
                        NullEquality::NullEqualsNull,
                    )?
                    .window([first])?
                    .filter(newest_column(PLACE).eq(lit(1u64)))?
                    .sort(order)?
            };
            let shown = selection
                .places()
                .iter()
                .map(|(index, label)| column(&contract.fields[*index]).alias(label));
            plan.project(shown)
        })
        .await
    }

    /// Runs a plan over all columns of one table, under its contract's names.
    async fn read(
        &self,
        table: ReadableTable,
        build: impl FnOnce(LogicalPlanBuilder) -> datafusion::common::Result<LogicalPlanBuilder>
        + Send
        + 'static,
    ) -> Result<QueryStream, QueryError> {
        let errors = self.inner.limits_context();
        let inner = Arc::clone(&self.inner);
        self.inner
            .start(errors.clone(), move |environment, _| async move {
                let planning = async {
                    let prepared: Arc<Prepared> = inner.tables.prepare(&table).await?;
                    let source = SnapshotTable::plain(prepared, Arc::clone(&inner.scans));
                    let source = provider_as_source(Arc::new(source));
                    let plan = build(LogicalPlanBuilder::scan(TABLE, source, None)?)?.build()?;
                    let state = inner.sessions.for_rows();
                    let plan = state.create_physical_plan(&plan).await?;
                    Ok(Planned::new(plan, task_context(state, environment)))
                };
                planning.await.map_err(|error| classify(&error, &errors))
            })
            .await
    }
}

fn newest_column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}
