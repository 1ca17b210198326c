//! The functions that SQL may call. Those that tell of storage are not among them, and those that make
//! much out of little are bounded, and those that keep texts count them.

mod bounded;
mod catalog;
mod collected;
mod date_bin;
mod epoch;
mod own;
mod sums;
mod written;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, LazyLock},
};

use datafusion::{
    catalog::TableFunction,
    execution::SessionStateDefaults,
    logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, Signature, Volatility, WindowUDF},
};

pub(crate) use catalog::routines;
pub use catalog::{
    FunctionArgument, FunctionEntry, FunctionExample, FunctionKind, function_catalog,
    functions_document,
};
pub(crate) use own::{
    Buckets, GAPFILL, INTERPOLATE, LOCF, Step, bucket_steps, geometry_metadata, is_of_days,
    is_point_function, refused,
};

pub(crate) use sums::sum;

use crate::dialect;

/// Functions that tell where data is stored, or reach beyond the query's tables.
const LEFT_OUT: [&str; 3] = ["input_file_name", "file_row_index", "version"];

/// Every function of a session.
#[derive(Debug, Clone)]
pub(crate) struct Functions {
    pub(crate) scalar: Vec<Arc<ScalarUDF>>,
    pub(crate) higher_order: Vec<Arc<HigherOrderUDF>>,
    pub(crate) aggregate: Vec<Arc<AggregateUDF>>,
    pub(crate) window: Vec<Arc<WindowUDF>>,
    pub(crate) table: HashMap<String, Arc<TableFunction>>,
}

impl Functions {
    pub(crate) fn offered() -> Self {
        let scalar = scalar().map(bounded::bound).collect();
        let table = SessionStateDefaults::default_table_functions()
            .into_iter()
            .map(|function| (function.name().to_owned(), function))
            .collect();
        Self {
            scalar,
            higher_order: SessionStateDefaults::default_higher_order_functions(),
            aggregate: SessionStateDefaults::default_aggregate_functions()
                .into_iter()
                .map(collected::counted)
                .map(sums::checked)
                .collect(),
            window: SessionStateDefaults::default_window_functions(),
            table,
        }
    }

    /// Every name by which a function can be called, for the test that looks at new ones.
    #[cfg(test)]
    pub(crate) fn names(&self) -> std::collections::BTreeSet<String> {
        let mut names = std::collections::BTreeSet::new();
        let mut put = |kind: &str, name: &str, aliases: &[String]| {
            names.insert(format!("{kind} {name}"));
            names.extend(aliases.iter().map(|alias| format!("{kind} {alias}")));
        };
        self.scalar.iter().for_each(|f| put("scalar", f.name(), f.aliases()));
        self.higher_order.iter().for_each(|f| put("higher_order", f.name(), f.aliases()));
        self.aggregate.iter().for_each(|f| put("aggregate", f.name(), f.aliases()));
        self.window.iter().for_each(|f| put("window", f.name(), f.aliases()));
        self.table.keys().for_each(|name| put("table", name, &[]));
        names
    }
}

/// Functions of one row as they are, without bounds.
fn scalar() -> impl Iterator<Item = Arc<ScalarUDF>> {
    SessionStateDefaults::default_scalar_functions()
        .into_iter()
        .filter(|function| !LEFT_OUT.contains(&function.name()))
        .map(date_bin::in_japan)
        .map(epoch::of_instants)
        .chain(dialect::functions())
        .chain(own::functions())
}

/// Every name by which a function of values can be called.
pub(crate) fn called() -> &'static BTreeSet<String> {
    static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let functions = Functions::offered();
        let mut names = BTreeSet::new();
        let mut put = |name: &str, aliases: &[String]| {
            names.insert(name.to_owned());
            names.extend(aliases.iter().cloned());
        };
        functions.scalar.iter().for_each(|f| put(f.name(), f.aliases()));
        functions.aggregate.iter().for_each(|f| put(f.name(), f.aliases()));
        functions.window.iter().for_each(|f| put(f.name(), f.aliases()));
        put(crate::alias::GOOD_SHARE, &[]);
        names
    });
    &NAMES
}

/// Every name of a function that puts rows together.
pub(crate) fn aggregates() -> &'static BTreeSet<String> {
    static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let functions = Functions::offered().aggregate;
        let named = |f: &Arc<AggregateUDF>| {
            std::iter::once(f.name().to_owned()).chain(f.aliases().to_vec()).collect::<Vec<_>>()
        };
        functions.iter().flat_map(named).chain([crate::alias::GOOD_SHARE.to_owned()]).collect()
    });
    &NAMES
}

/// Every name of a function whose answer depends on more than its arguments, such as the clock or dice.
pub(crate) fn volatile() -> &'static BTreeSet<String> {
    static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let mut names = BTreeSet::new();
        let mut put = |signature: &Signature, name: &str, aliases: &[String]| {
            if signature.volatility != Volatility::Immutable {
                names.insert(name.to_owned());
                names.extend(aliases.iter().cloned());
            }
        };
        // Bounds call their functions volatile, which keeps them from being computed while planning.
        scalar().for_each(|f| put(f.signature(), f.name(), f.aliases()));
        let others = Functions::offered();
        others.aggregate.iter().for_each(|f| put(f.signature(), f.name(), f.aliases()));
        others.window.iter().for_each(|f| put(f.signature(), f.name(), f.aliases()));
        names
    });
    &NAMES
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function that is new with an update of the engine is looked at before it is added to the list:
    /// it may not read, write or reach anything but its arguments.
    #[test]
    fn every_function_is_on_the_list() {
        let offered: Vec<String> = Functions::offered().names().into_iter().collect();
        let listed: Vec<&str> = include_str!("../functions.txt").lines().collect();
        assert_eq!(offered, listed, "offered:\n{}", offered.join("\n"));
    }
}
