//! What was changed of one column's cells in one piece of a file.

use std::collections::BTreeMap;

use hub_model::{ChangeExample, ChangeKind, Quality};

use crate::{changes::Changes, show::show_text};

/// How many examples of a kind are kept of a piece.
const SHOWN: usize = 5;

/// Changes of one column, and the marks met in it.
#[derive(Debug, Default)]
pub(crate) struct Normalised {
    kinds: BTreeMap<ChangeKind, (u64, Vec<Example>)>,
    /// Rows without a value, and the quality that their mark stands for.
    pub(crate) marks: Vec<(usize, Quality)>,
}

#[derive(Debug)]
struct Example {
    row: usize,
    before: String,
    after: String,
}

impl Normalised {
    /// Counts a change of a cell.
    pub(crate) fn change(&mut self, kind: ChangeKind, row: usize, before: &str, after: &str) {
        let (count, examples) = self.kinds.entry(kind).or_default();
        *count += 1;
        if examples.len() < SHOWN {
            let (before, after) = (show_text(before), show_text(after));
            examples.push(Example { row, before, after });
        }
    }

    /// Counts a mark that there is no value.
    pub(crate) fn missing(&mut self, row: usize, mark: &str, quality: Quality) {
        // A blank cell says nothing of why it is blank.
        if !mark.trim().is_empty() {
            self.change(ChangeKind::MissingMark, row, mark, "");
            self.marks.push((row, quality));
        }
    }

    /// Adds the changes to those of the whole file; `place` tells of a row its number, its column and its
    /// cell.
    pub(crate) fn tell(
        self,
        changes: &mut Changes,
        place: impl Fn(usize) -> (u64, String, Option<String>),
    ) {
        for (kind, (count, examples)) in self.kinds {
            changes.count(kind, count - examples.len() as u64);
            for Example { row, before, after } in examples {
                changes.add(kind, || {
                    let (row, column, cell) = place(row);
                    ChangeExample { row: Some(row), column: Some(column), cell, before, after }
                });
            }
        }
    }
}
