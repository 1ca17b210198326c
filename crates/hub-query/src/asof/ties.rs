//! Which of several right rows with one key and one time is the match: the greatest by its columns, those
//! that the query reads, in their order. So the same question always gets the same answer, whatever order
//! rows came in.

use std::cmp::Ordering;

use arrow::{
    array::{DynComparator, RecordBatch, make_comparator},
    compute::SortOptions,
};

/// Columns with a value are greater than those without.
const VALUES_LAST: SortOptions = SortOptions { descending: false, nulls_first: true };

/// Compares a row of one batch with a row of another by all their columns.
pub(super) struct Rank(Vec<DynComparator>);

impl Rank {
    pub(super) fn between(first: &RecordBatch, second: &RecordBatch) -> Self {
        let columns = first.columns().iter().zip(second.columns());
        // Columns of types without an order do not decide.
        Self(columns.filter_map(|(a, b)| make_comparator(a, b, VALUES_LAST).ok()).collect())
    }

    pub(super) fn compare(&self, first: usize, second: usize) -> Ordering {
        let compared = self.0.iter().map(|compare| compare(first, second));
        compared.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}
