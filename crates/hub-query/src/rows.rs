//! Rows of one dataset without SQL: chosen columns, filters, an order, and pages that join up.
//!
//! Pages follow a total order: the asked order, then the primary key, then every other column. A page's
//! cursor holds its last row; the next page begins after it. Rows that are equal in every column cannot
//! be told apart, so the cursor counts how many of them were read.

mod at_once;
mod page;

use std::{collections::HashMap, sync::Arc};

use arrow::{array::RecordBatch, compute::concat_batches};
use arrow_schema::{Schema, SchemaRef};
use datafusion::{
    logical_expr::{Expr, SortExpr, lit},
    scalar::ScalarValue,
};
use futures::TryStreamExt;
use hub_model::{Contract, Field, FieldType};

use page::Page;

use crate::{
    cursor::{Cursor, digest, keep, restore},
    engine::{QueryEngine, ReadableTable},
    error::QueryError,
    filter::{RowFilter, column, field},
    quality,
    stream::QueryStream,
    table::Exposed,
};

/// The most rows of one page.
pub const MAX_PAGE_ROWS: usize = 10_000;

/// Which way a column is ordered. Rows without a value come last either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// One column of an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderBy {
    /// The column's name or alias.
    pub column: String,
    /// Which way.
    pub direction: Direction,
}

/// Which rows are wanted.
#[derive(Debug, Clone)]
pub struct RowsRequest {
    /// The dataset version; with a cursor, the one that the cursor names.
    pub table: ReadableTable,
    /// Columns by name or alias, shown as they are named here; all by their names where there is none.
    pub select: Option<Vec<String>>,
    /// Conditions that must all hold.
    pub filters: Vec<RowFilter>,
    /// The order; that of the stored files, series then time, comes after it.
    pub order: Vec<OrderBy>,
    /// Whether values of bad quality are shown too.
    pub with_quality: bool,
    /// The most rows of the page, from 1 to [`MAX_PAGE_ROWS`].
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
}

/// One page.
#[derive(Debug)]
pub struct RowsPage {
    /// Its rows.
    pub stream: QueryStream,
    /// How many they are.
    pub rows: usize,
    /// Where the next page begins; none after the last.
    pub next_cursor: Option<Cursor>,
}

impl QueryEngine {
    /// Reads one page.
    pub async fn rows(&self, request: RowsRequest) -> Result<RowsPage, QueryError> {
        if request.limit == 0 || request.limit > MAX_PAGE_ROWS {
            return Err(QueryError::request(format!(
                "limit is from 1 to {MAX_PAGE_ROWS}; read on with the cursor"
            )));
        }
        let contract = Arc::clone(&request.table.contract);
        let selection = Selection::new(&contract, request.select.as_deref())?;
        let order = TotalOrder::new(&request)?;
        let mut after = Vec::new();
        let query =
            digest(&format!("{:?}{:?}{}", request.order, request.filters, request.with_quality));
        let read = match &request.cursor {
            None => 0,
            Some(cursor) => {
                check_cursor(cursor, &request, query)?;
                let last = order.restore(cursor)?;
                after = order.from(&last);
                cursor.read
            }
        };
        let skip = usize::try_from(read)
            .map_err(|_| QueryError::request("the cursor is not one that an answer gave"))?;
        let shown = Exposed::of(&contract, request.with_quality);
        let fault = |error: arrow_schema::ArrowError| QueryError::internal(error);
        let all = match self.at_once(&request, &shown, &order, &after, skip).await? {
            Some(all) => all,
            None => {
                let mut conditions = filters(&contract, &request.filters)?;
                conditions.extend(after);
                let page = Page { conditions, sort: order.sort(), skip, fetch: request.limit + 1 };
                let stream = self.page(request.table.clone(), shown, page).await?;
                let schema = stream.schema();
                let batches: Vec<RecordBatch> = stream.try_collect().await?;
                concat_batches(&schema, &batches).map_err(fault)?
            }
        };
        let rows = all.num_rows().min(request.limit);
        let next_cursor = (all.num_rows() > request.limit)
            .then(|| order.cursor(&all, rows, read, request.cursor.as_ref()))
            .transpose()?
            .map(|(last, read)| Cursor {
                log_version: request.table.snapshot.log_version,
                query,
                last,
                read,
            });
        let said = match request.with_quality {
            true => HashMap::new(),
            false => selection.left_out(&request.table, &request.filters, &request.order),
        };
        let page = selection.apply(&all.slice(0, rows), said).map_err(fault)?;
        let stream = self.inner.stream_of(page)?;
        Ok(RowsPage { stream, rows, next_cursor })
    }
}

pub(crate) fn filters(contract: &Contract, filters: &[RowFilter]) -> Result<Vec<Expr>, QueryError> {
    filters.iter().map(|filter| filter.expression(contract)).collect()
}

fn check_cursor(cursor: &Cursor, request: &RowsRequest, query: u64) -> Result<(), QueryError> {
    if cursor.query != query {
        return Err(QueryError::request(
            "the cursor belongs to another order or quality or to other filters; keep them while paging",
        ));
    }
    if cursor.log_version != request.table.snapshot.log_version {
        return Err(QueryError::request("the cursor belongs to another version of the dataset"));
    }
    Ok(())
}

/// Which columns an answer shows, and how it calls them.
pub(crate) struct Selection {
    places: Vec<(usize, String)>,
}

impl Selection {
    pub(crate) fn new(contract: &Contract, select: Option<&[String]>) -> Result<Self, QueryError> {
        let all: Vec<String>;
        let names = match select {
            Some([]) => return Err(QueryError::request("select names no column")),
            Some(names) => names,
            None => {
                all = contract.fields.iter().map(|field| field.name.clone()).collect();
                &all
            }
        };
        let mut places = Vec::with_capacity(names.len());
        for name in names {
            let wanted = field(contract, name)?;
            if places.iter().any(|(_, label)| label == name) {
                return Err(QueryError::request(format!("select names {name:?} twice")));
            }
            let index = contract.fields.iter().position(|field| field.name == wanted.name);
            places.push((index.unwrap_or_default(), name.clone()));
        }
        Ok(Self { places })
    }

    pub(crate) fn places(&self) -> &[(usize, String)] {
        &self.places
    }

    /// What an answer says of the values that it, its filters or its order do without.
    pub(crate) fn left_out(
        &self,
        table: &ReadableTable,
        filters: &[RowFilter],
        order: &[OrderBy],
    ) -> HashMap<String, String> {
        let contract = &table.contract;
        let named = filters.iter().map(|filter| &filter.column);
        let named = named.chain(order.iter().map(|order| &order.column));
        let shown = self.places.iter().map(|(index, _)| &contract.fields[*index]);
        let used: Vec<&Field> = shown.chain(named.flat_map(|name| contract.field(name))).collect();
        let used = |field: &Field| used.iter().any(|used| used.name == field.name);
        quality::metadata(quality::left_out(&table.snapshot, contract, used))
    }

    fn apply(
        &self,
        batch: &RecordBatch,
        said: HashMap<String, String>,
    ) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let schema: SchemaRef = batch.schema();
        let fields =
            self.places.iter().map(|(index, label)| schema.field(*index).clone().with_name(label));
        let columns = self.places.iter().map(|(index, _)| Arc::clone(batch.column(*index)));
        let schema = Schema::new_with_metadata(fields.collect::<Vec<_>>(), said);
        RecordBatch::try_new(Arc::new(schema), columns.collect())
    }
}

/// Every column of the contract once, so that only equal rows are equal in it.
struct TotalOrder<'a> {
    columns: Vec<(usize, &'a Field, Direction)>,
    contract: &'a Contract,
    with_quality: bool,
}

impl<'a> TotalOrder<'a> {
    fn new(request: &'a RowsRequest) -> Result<Self, QueryError> {
        let contract: &Contract = &request.table.contract;
        let mut columns: Vec<(usize, &Field, Direction)> =
            Vec::with_capacity(contract.fields.len());
        let mut put = |wanted: &'a Field, direction| {
            if !columns.iter().any(|(_, field, _)| field.name == wanted.name)
                && let Some(index) = contract.fields.iter().position(|f| f.name == wanted.name)
            {
                columns.push((index, wanted, direction));
            }
        };
        for order in &request.order {
            put(field(contract, &order.column)?, order.direction);
        }
        for column in contract.sort_columns() {
            put(column.field, Direction::Ascending);
        }
        for name in &contract.primary_key {
            put(field(contract, name)?, Direction::Ascending);
        }
        for field in &contract.fields {
            put(field, Direction::Ascending);
        }
        Ok(Self { columns, contract, with_quality: request.with_quality })
    }

    fn sort(&self) -> Vec<SortExpr> {
        let columns = self.columns.iter();
        columns
            .map(|(_, field, direction)| {
                let key = match field.field_type {
                    // Comparisons take the two zeros for equal; so must the order.
                    FieldType::Number => column(field) + lit(0.0),
                    _ => column(field),
                };
                key.sort(*direction == Direction::Ascending, false)
            })
            .collect()
    }

    fn restore(&self, cursor: &Cursor) -> Result<Vec<ScalarValue>, QueryError> {
        let schema = crate::table::scan_schema(self.contract);
        let refuse = || QueryError::request("the cursor is not one that an answer gave");
        if cursor.last.len() != self.columns.len() {
            return Err(refuse());
        }
        let values = self.columns.iter().zip(&cursor.last);
        values
            .map(|((index, ..), value)| {
                restore(value, schema.field(*index).data_type()).ok_or_else(refuse)
            })
            .collect()
    }

    /// Whether the column may be shown without a value.
    fn may_miss(&self, field: &Field) -> bool {
        let is_judged = !self.with_quality && quality::judge(self.contract, field).is_some();
        is_judged || !self.contract.is_required(field)
    }

    /// The conditions that hold for rows from `last` on, it included.
    fn from(&self, last: &[ScalarValue]) -> Vec<Expr> {
        let mut reached = lit(true);
        let mut leading = None;
        for ((_, field, direction), value) in self.columns.iter().zip(last).rev() {
            let column = column(field);
            let (after, equal) = if value.is_null() {
                // Rows without a value come last: none is after them.
                (lit(false), column.clone().is_null())
            } else {
                let further = match direction {
                    Direction::Ascending => column.clone().gt(lit(value.clone())),
                    Direction::Descending => column.clone().lt(lit(value.clone())),
                };
                let after = if self.may_miss(field) {
                    further.or(column.clone().is_null())
                } else {
                    further
                };
                (after, column.clone().eq(lit(value.clone())))
            };
            // Alone, the leading column chooses files and row groups; the whole could not.
            leading = Some(after.clone().or(equal.clone()));
            reached = after.or(equal.and(reached));
        }
        leading.into_iter().chain([reached]).collect()
    }

    /// The last of the page's rows, and how many rows equal to it were read by now.
    fn cursor(
        &self,
        rows: &RecordBatch,
        count: usize,
        read_before: u64,
        before: Option<&Cursor>,
    ) -> Result<(Vec<serde_json::Value>, u64), QueryError> {
        let row = |at: usize| -> Result<Vec<serde_json::Value>, QueryError> {
            let values = self.columns.iter().map(|(index, ..)| {
                let value = ScalarValue::try_from_array(rows.column(*index), at)
                    .map_err(|error| QueryError::internal(error.to_string()))?;
                keep(&value).ok_or_else(|| QueryError::internal("a column cannot be kept"))
            });
            values.collect()
        };
        let last = row(count - 1)?;
        let mut equal = 1;
        while equal < count && row(count - 1 - equal)? == last {
            equal += 1;
        }
        let mut read = equal as u64;
        if equal == count && before.is_some_and(|cursor| cursor.last == last) {
            read += read_before;
        }
        Ok((last, read))
    }
}
