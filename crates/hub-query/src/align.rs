//! `align`: the measures of one dataset on a grid of time, with the way of putting values together that fits
//! each, the share of good values beside it, and gaps filled where that is asked for.
//!
//! It is no operator of its own. Once the contract is known the call is written out as the query that a
//! careful person would write ([`statement`]), with the ways that the contract suggests ([`measures`]); so
//! filters reach the files, rollups serve it, units and lineage are told, and limits hold, as for any query.

mod grid;
mod measures;
mod put_together;
mod statement;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Ident, ObjectNamePart, Statement, TableAlias, TableFactor, VisitMut, VisitorMut,
};
use hub_model::{Aggregate, Contract, DatasetId, Field};

use crate::{
    alias,
    error::{Position, QueryError},
    parse::{Names, aligned_name},
};

pub use grid::{GridMeasure, GridRequest};
pub(crate) use measures::Measure;
pub use measures::fitting_aggregate;
pub(crate) use put_together::{PUT_TOGETHER_KEY, function};

/// Where the values of empty buckets come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FillMethod {
    Locf,
    Interpolate,
}

/// A call, as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AlignCall {
    pub(crate) dataset: DatasetId,
    /// The width of the grid, as an interval's text.
    pub(crate) width: String,
    /// How values are put together where a measure does not say.
    pub(crate) method: Option<Aggregate>,
    /// Columns by name or alias; all that are measured where none is named.
    pub(crate) measures: Vec<(String, Option<Aggregate>)>,
    pub(crate) start: Option<String>,
    pub(crate) finish: Option<String>,
    pub(crate) fill: Option<FillMethod>,
    pub(crate) max_gap: Option<String>,
    pub(crate) min_coverage: Option<f64>,
    pub(crate) position: Position,
}

/// The name under which a session has a dataset for its alignment: with its contract's own names.
pub(crate) fn inner_name(dataset: &str) -> String {
    format!("{dataset} to align")
}

/// The fields that a call puts on its grid.
pub(crate) fn measured<'a>(
    call: &AlignCall,
    contract: &'a Contract,
) -> Result<Vec<&'a Field>, QueryError> {
    let measures = Measure::of(call, contract)?;
    Ok(measures.into_iter().map(|measure| measure.field).collect())
}

/// Puts queries in place of the tables that stand for calls. `contract` gives those of the datasets that may
/// be read, which all of the calls' datasets are by now, and whether they have rollups that may be used.
pub(crate) fn write_out<'a>(
    statement: &mut Statement,
    calls: &[AlignCall],
    names: &Names,
    all: &[&'a Contract],
    contract: impl Fn(&DatasetId) -> Option<(&'a Contract, bool)>,
) -> Result<(), QueryError> {
    if calls.is_empty() {
        return Ok(());
    }
    let mut queries = Vec::with_capacity(calls.len());
    for call in calls {
        let Some((contract, rollups)) = contract(&call.dataset) else {
            return Err(QueryError::internal("a call of align of a dataset that is not opened"));
        };
        let shown = alias::exposed(contract, all, names, false);
        queries.push(statement::query(call, contract, &shown, names, rollups)?);
    }
    let mut writer = Writer { queries };
    let _ = statement.visit(&mut writer);
    Ok(())
}

struct Writer {
    queries: Vec<datafusion::sql::sqlparser::ast::Query>,
}

impl VisitorMut for Writer {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let [_, ObjectNamePart::Identifier(table)] = name.0.as_slice() else {
            return ControlFlow::Continue(());
        };
        let Some((dataset, number)) = aligned_name(&table.value) else {
            return ControlFlow::Continue(());
        };
        let Some(query) = self.queries.get(number) else { return ControlFlow::Continue(()) };
        let alias = alias.take().unwrap_or_else(|| TableAlias {
            explicit: false,
            name: Ident::new(dataset),
            columns: Vec::new(),
            at: None,
        });
        *factor = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(query.clone()),
            alias: Some(alias),
            sample: None,
        };
        ControlFlow::Continue(())
    }
}
