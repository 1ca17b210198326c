//! The newest row of each series, for maps and boards.

mod newest;
mod only_newest;

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    catalog::MemTable,
    common::{Column, JoinType, NullEquality, Result, internal_err},
    datasource::provider_as_source,
    functions_aggregate::expr_fn::max,
    functions_window::expr_fn::row_number,
    logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, lit, utils::disjunction},
    scalar::ScalarValue,
};
use hub_model::{Field, FieldType, ZONE_NAME};

pub(crate) use newest::KnownLasts;
pub(crate) use only_newest::only_newest;

use crate::{
    classify::classify,
    engine::{QueryEngine, ReadableTable},
    error::QueryError,
    filter::{RowFilter, column, field},
    quality,
    rows::{self, Selection},
    session::task_context,
    stream::{Planned, QueryStream, Said},
    table::{Exposed, SnapshotTable},
};

use newest::Newest;

/// Whose newest rows are wanted.
#[derive(Debug, Clone)]
pub struct LatestRequest {
    /// The dataset version.
    pub table: ReadableTable,
    /// Columns by name or alias, shown as they are named here; all by their names where there is none.
    pub select: Option<Vec<String>>,
    /// Conditions that must all hold; the newest is chosen among the rows that satisfy them.
    pub filters: Vec<RowFilter>,
    /// Whether values of bad quality are shown too.
    pub with_quality: bool,
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
    pub async fn latest(
        &self,
        request: LatestRequest,
    ) -> std::result::Result<QueryStream, QueryError> {
        let LatestRequest { table, select, filters, with_quality } = request;
        let contract = Arc::clone(&table.contract);
        let selection = Selection::new(&contract, select.as_deref())?;
        let conditions = rows::filters(&contract, &filters)?;
        if contract.time_field().is_none() {
            return Err(QueryError::request(
                "the dataset has no column with the role time, so no row is the latest",
            ));
        }
        let shown = Exposed::of(&contract, with_quality);
        let is_whole = |field: &Field| with_quality || quality::judge(&contract, field).is_none();
        // Then each series has its newest row, or no row at all.
        let of_series = contract.series_fields().chain(contract.time_field()).all(is_whole)
            && filters.iter().all(|filter| {
                let named = field(&contract, &filter.column);
                named.is_ok_and(|named| {
                    contract.series_fields().any(|series| series.name == named.name)
                })
            });
        let metadata = match with_quality {
            true => HashMap::new(),
            false => selection.left_out(&table, &filters, &[]),
        };
        let errors = self.inner.limits_context();
        let inner = Arc::clone(&self.inner);
        self.inner
            .start(errors.clone(), move |environment, _| async move {
                let planning = async {
                    let prepared = inner.tables.prepare(&table).await?;
                    let state = inner.sessions.for_rows();
                    let newest = match of_series {
                        true => inner.lasts.newest(&prepared, &inner, NEWEST).await?,
                        false => None,
                    };
                    let plan = loop {
                        let (prepared, scans) = (Arc::clone(&prepared), Arc::clone(&inner.scans));
                        let rows = SnapshotTable::new(prepared, shown.clone(), scans)
                            .with_rollups(inner.uses_rollups());
                        let plan = plan(rows, newest.as_ref(), &conditions)?;
                        let selected = selection
                            .places()
                            .iter()
                            .map(|(index, label)| column(&contract.fields[*index]).alias(label));
                        let plan = plan.project(selected)?.build()?;
                        let plan = state.create_physical_plan(&plan).await?;
                        let scans = &inner.scans;
                        if scans
                            .proofs
                            .hold(&plan, std::slice::from_ref(&table.snapshot), &scans.store)
                            .await?
                        {
                            break plan;
                        }
                    };
                    let said = Said { metadata, ..Said::default() };
                    Ok(Planned { plan, context: task_context(state, environment), said })
                };
                planning.await.map_err(|error| classify(&error, &errors))
            })
            .await
    }
}

/// The newest rows that satisfy the conditions, with all columns.
fn plan(
    table: SnapshotTable,
    newest: Option<&Newest>,
    conditions: &[Expr],
) -> Result<LogicalPlanBuilder> {
    let contract = Arc::clone(&table.prepared().contract);
    let Some(time) = contract.time_field() else { return internal_err!("rows have no time") };
    let table = match newest {
        Some(newest) => {
            let (prepared, exposed) = (Arc::clone(table.prepared()), table.exposed().to_vec());
            table.of_files(prepared, exposed, newest.files.clone())
        }
        None => table,
    };
    let rows = LogicalPlanBuilder::scan(TABLE, provider_as_source(Arc::new(table)), None)?;
    let rows = conditions.iter().cloned().try_fold(rows, LogicalPlanBuilder::filter)?;
    let series: Vec<&Field> = contract.series_fields().collect();
    let newest_first = || {
        let mut order = vec![column(time).sort(false, false)];
        order.extend(contract.fields.iter().map(|f| column(f).sort(true, false)));
        order
    };
    if series.is_empty() {
        return rows.sort(newest_first())?.limit(0, Some(1));
    }
    // First the newest time of each series; then the rows at those times.
    let (newest, rows) = match newest {
        Some(newest) => {
            let found = vec![vec![newest.rows.clone()]];
            let found = MemTable::try_new(newest.rows.schema(), found)?;
            let found =
                LogicalPlanBuilder::scan(NEWEST, provider_as_source(Arc::new(found)), None)?;
            let at = newest.spans.iter().flatten();
            let at = at.map(|span| during(column(time), time.field_type, *span));
            let rows = match disjunction(at) {
                Some(at) => rows.filter(at)?,
                None => rows,
            };
            (found.build()?, rows)
        }
        None => {
            // From two columns, for which the scan skips whatever is older than the oldest of them.
            let names = series
                .iter()
                .enumerate()
                .map(|(at, field)| column(field).alias(format!("{NEWEST}_{at}")));
            let newest = rows
                .clone()
                .aggregate(series.iter().map(|f| column(f)), [max(column(time)).alias(NEWEST)])?
                .project(names.chain([newest_column(NEWEST)]))?;
            (newest.build()?, rows)
        }
    };
    let mut left: Vec<Column> =
        (0..series.len()).map(|at| Column::new_unqualified(format!("{NEWEST}_{at}"))).collect();
    left.push(Column::new_unqualified(NEWEST));
    let mut right: Vec<Column> = series.iter().map(|f| Column::new_unqualified(&f.name)).collect();
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
        .sort(order)
}

/// The condition that a row's time is from one to another, both as stored numbers.
fn during(time: Expr, field_type: FieldType, (from, to): (i64, i64)) -> Expr {
    let value = |at: i64| match field_type {
        FieldType::Datetime => ScalarValue::TimestampMicrosecond(Some(at), Some(ZONE_NAME.into())),
        FieldType::Date => ScalarValue::Date32(i32::try_from(at).ok()),
        _ => ScalarValue::Int32(i32::try_from(at).ok()),
    };
    time.between(lit(value(from)), lit(value(to)))
}

fn newest_column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}
