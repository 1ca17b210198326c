//! How what a piece became is handed on.

use super::{Conformer, Given, Outcome};
use crate::conform::{ConformedBatch, kept_back::KeptBack};

/// Runs of rows whose numbers follow one by one, so many at most in a batch of so many rows: past that
/// the cutting would cost more than exact row numbers of duplicates are worth.
const ROWS_PER_RUN: usize = 64;

/// Rows kept back that are handed out at once.
const KEPT_AT_ONCE: usize = 1_000;

impl Conformer<'_> {
    /// Gives out rows in runs that are numbered one by one. `lines` are the numbers of all rows, which
    /// follow `first_row` where there are none.
    pub(super) fn give(
        &self,
        outcome: Outcome,
        lines: Option<&[u64]>,
        first_row: u64,
        give: &mut dyn FnMut(Given) -> bool,
    ) -> bool {
        if let Some(batch) = outcome.batch {
            let Some(lines) = outcome.places.as_deref().or(lines) else {
                return give(Given::Batch(ConformedBatch { batch, first_row }));
            };
            for (start, rows) in runs(lines) {
                let (batch, first_row) = (batch.slice(start, rows), lines[start]);
                if !give(Given::Batch(ConformedBatch { batch, first_row })) {
                    return false;
                }
            }
        }
        let mut rows = outcome.kept_back.into_iter().peekable();
        while rows.peek().is_some() {
            let rows = rows.by_ref().take(KEPT_AT_ONCE).collect();
            if !give(Given::KeptBack(KeptBack { columns: self.columns.to_vec(), rows })) {
                return false;
            }
        }
        true
    }
}

/// Rows whose numbers follow one by one, as start and length.
fn runs(lines: &[u64]) -> Vec<(usize, usize)> {
    let breaks: Vec<usize> =
        (1..lines.len()).filter(|row| lines[*row] != lines[*row - 1] + 1).collect();
    if breaks.len() > lines.len() / ROWS_PER_RUN + 8 {
        return vec![(0, lines.len())];
    }
    let starts = std::iter::once(0).chain(breaks.iter().copied());
    let ends = breaks.iter().copied().chain([lines.len()]);
    starts.zip(ends).map(|(start, end)| (start, end - start)).filter(|(_, n)| *n > 0).collect()
}
