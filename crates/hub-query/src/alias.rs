//! Which of a column's two names a query sees.
//!
//! A column has its contract's name and may have an ASCII alias; SQL may use either. A table is made for
//! each query, so the column simply bears the name that the query uses. It bears both where the query
//! uses both and has no `*`, which would show it twice.
//!
//! An alias gives way to whatever else the same word may mean: a real column of any table of the query,
//! and a label that the query itself gives to something else. It need not where the word is used with
//! this very table in front, or in USING. Beside a `*`, a query that uses both names of one column sees
//! the contract's name only.

use std::collections::HashSet;

use hub_model::{Contract, DatasetId};

use crate::{parse::Names, quality, table::Exposed};

/// The columns of one table among the tables of a query. Where the table is `judged`, values of bad
/// quality are left out.
pub(crate) fn exposed(
    dataset: &DatasetId,
    contract: &Contract,
    all: &[&Contract],
    names: &Names,
    judged: bool,
) -> Vec<Exposed> {
    let real: HashSet<&str> =
        all.iter().flat_map(|other| &other.fields).map(|field| field.name.as_str()).collect();
    let own: HashSet<&str> = contract.fields.iter().map(|field| field.name.as_str()).collect();
    let mut columns = Vec::with_capacity(contract.fields.len());
    for (index, field) in contract.fields.iter().enumerate() {
        let judged_by = judged.then(|| quality::judge(contract, field)).flatten();
        let plain = Exposed { index, name: field.name.clone(), judged_by };
        let means_this_column = |alias: &str| {
            let is_free = !names.labels.contains(alias);
            names.using.contains(alias)
                || names.has_in_front(dataset.agency().as_str(), dataset.name(), alias)
                || is_free && names.is_behind_derived(alias)
                || is_free && names.bare.contains(alias) && !real.contains(alias)
        };
        let alias = field.alias.as_deref();
        let Some(alias) = alias.filter(|alias| !own.contains(alias) && means_this_column(alias))
        else {
            columns.push(plain);
            continue;
        };
        let by_alias = Exposed { index, name: alias.to_owned(), judged_by };
        match (names.columns.contains(&field.name), names.wildcard) {
            (false, _) => columns.push(by_alias),
            (true, true) => columns.push(plain),
            (true, false) => columns.extend([plain, by_alias]),
        }
    }
    columns
}

/// The labels of an answer that came from `*` under an alias, with the contract's name to show instead.
pub(crate) fn shown_by_wildcard<'a>(
    contracts: &[&'a Contract],
    names: &Names,
) -> Vec<(&'a str, &'a str)> {
    if !names.outermost_wildcard {
        return Vec::new();
    }
    let fields = contracts.iter().flat_map(|contract| &contract.fields);
    fields
        .filter_map(|field| Some((field.alias.as_deref()?, field.name.as_str())))
        .filter(|(alias, _)| !names.outermost.contains(*alias))
        .collect()
}
