//! Which of a column's two names a query means.
//!
//! A column has its contract's name and may have an ASCII alias; SQL may use either, wherever a column may
//! stand. A table is made for each query, so that the column bears the alias where the query uses nothing
//! else, and the word can mean nothing else; USING takes an alias that one of its tables has as a name. All
//! else is written out before the statement is planned, by what each place sees: the same word may be an
//! alias in one subquery and a label in another. A column that the query itself calls so, and a column whose
//! own name it is, come before an alias.

mod columns;
mod good_share;
mod relation;
mod resolver;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Statement, VisitMut};
use hub_model::{Contract, DatasetId};

use crate::{error::QueryError, parse::Names, quality, table::Exposed};
use columns::Tables;
pub(crate) use good_share::FUNCTION as GOOD_SHARE;
use resolver::Resolver;

/// The columns of one table among the tables of a query, under the names that the session has for them.
/// Where the table is `judged`, values of bad quality are left out.
pub(crate) fn exposed(
    contract: &Contract,
    all: &[&Contract],
    names: &Names,
    judged: bool,
) -> Vec<Exposed> {
    let columns = columns::of_contract(contract, all, names).into_iter().enumerate();
    let exposed = columns.map(|(index, column)| Exposed {
        index,
        name: column.name,
        judged_by: judged.then(|| quality::judge(contract, &contract.fields[index])).flatten(),
    });
    exposed.collect()
}

/// Writes every second name of a column as the one that the session has, and shares of good values as what
/// they are made of.
pub(crate) fn write_out<'a>(
    statement: &mut Statement,
    tables: impl IntoIterator<Item = (&'a DatasetId, &'a Contract)>,
    all: &[&Contract],
    names: &Names,
) -> Result<(), QueryError> {
    let tables = Tables::new(tables, all, names);
    match statement.visit(&mut Resolver::new(&tables)) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// The labels of an answer that came from `*` under an alias, with the contract's name to show instead.
pub(crate) fn shown_by_wildcard<'a>(
    contracts: &[&'a Contract],
    names: &Names,
) -> Vec<(&'a str, &'a str)> {
    if !names.outermost_wildcard {
        return Vec::new();
    }
    let shown = contracts.iter().flat_map(|contract| {
        let columns = columns::of_contract(contract, contracts, names);
        columns.into_iter().zip(&contract.fields).filter_map(|(column, field)| {
            let alias = field.alias.as_deref().filter(|alias| column.name == *alias)?;
            Some((alias, field.name.as_str()))
        })
    });
    shown.filter(|(alias, _)| !names.outermost.contains(*alias)).collect()
}
