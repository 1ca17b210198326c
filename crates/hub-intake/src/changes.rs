//! What was changed of a file's cells, gathered while it is read: counts by kind, and the first few.

use std::collections::BTreeMap;

use hub_model::{Change, ChangeExample, ChangeKind};

/// How many examples of a kind are shown.
const SHOWN: usize = 5;

/// Changes by kind.
#[derive(Debug, Default)]
pub(crate) struct Changes(BTreeMap<ChangeKind, (u64, Vec<ChangeExample>)>);

impl Changes {
    /// Counts one change; `example` runs only while there are few.
    pub(crate) fn add(&mut self, kind: ChangeKind, example: impl FnOnce() -> ChangeExample) {
        let (count, examples) = self.0.entry(kind).or_default();
        *count += 1;
        if examples.len() < SHOWN {
            examples.push(example());
        }
    }

    /// Counts one change of a cell, which is in this row and column of the file; no column is named where it
    /// is the row as a whole, or several.
    pub(crate) fn of_cell(
        &mut self,
        kind: ChangeKind,
        (row, column): (u64, &str),
        before: &str,
        after: &str,
    ) {
        self.add(kind, || ChangeExample {
            row: Some(row),
            column: (!column.is_empty()).then(|| column.to_owned()),
            cell: None,
            before: before.to_owned(),
            after: after.to_owned(),
        });
    }

    /// Counts changes that need no example.
    pub(crate) fn count(&mut self, kind: ChangeKind, count: u64) {
        if count > 0 {
            self.0.entry(kind).or_default().0 += count;
        }
    }

    /// Adds what another reader of the same file changed.
    pub(crate) fn merge(&mut self, other: Self) {
        for (kind, (count, examples)) in other.0 {
            let entry = self.0.entry(kind).or_default();
            entry.0 += count;
            let room = SHOWN.saturating_sub(entry.1.len());
            entry.1.extend(examples.into_iter().take(room));
        }
    }

    pub(crate) fn finish(self) -> Vec<Change> {
        self.0
            .into_iter()
            .map(|(kind, (count, examples))| Change {
                kind,
                message: kind.message(),
                count,
                examples,
            })
            .collect()
    }
}
