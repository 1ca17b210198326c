//! The faults of one piece of a file while it is conformed: all counted, and as many kept as the report
//! can still list.

use std::collections::BTreeMap;

use hub_model::Rule;

use super::{fault::FaultKind, normal::Normalised};

/// One fault; what it says is worded only if it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The row as a person counts it.
    pub(crate) place: u64,
    /// The contract's field; that of a whole row comes before all.
    pub(crate) field: Option<usize>,
    /// The row within the piece.
    pub(crate) row: usize,
    pub(crate) kind: FaultKind,
}

/// The faults of all columns of a piece.
#[derive(Debug)]
pub(crate) struct Faults {
    counts: BTreeMap<Rule, u64>,
    listed: Vec<Fault>,
    room: usize,
}

impl Faults {
    pub(crate) fn new(room: usize) -> Self {
        Self { counts: BTreeMap::new(), listed: Vec::new(), room }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    pub(crate) fn report(&mut self, fault: Fault) {
        *self.counts.entry(fault.kind.rule()).or_default() += 1;
        if self.room > 0 {
            self.listed.push(fault);
        }
    }

    /// Takes in a column's faults.
    pub(crate) fn add(&mut self, field: usize, column: ColumnFaults, place: impl Fn(usize) -> u64) {
        for (rule, count) in column.counts {
            *self.counts.entry(rule).or_default() += count;
        }
        self.listed.extend(column.listed.into_iter().map(|(row, kind)| Fault {
            place: place(row),
            field: Some(field),
            row,
            kind,
        }));
        // What lies behind the last that can be listed is dropped before it takes memory.
        if self.listed.len() > self.room.saturating_mul(4).saturating_add(1_024) {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        // One row of a file can be several of the table.
        self.listed.sort_by_key(|fault| (fault.place, fault.row, fault.field));
        self.listed.truncate(self.room);
    }

    /// The faults to list, in the order of the file, and how many there are of each rule.
    pub(crate) fn finish(mut self) -> (Vec<Fault>, BTreeMap<Rule, u64>) {
        self.shorten();
        (self.listed, self.counts)
    }
}

/// The faults of one column of a piece.
#[derive(Debug)]
pub(crate) struct ColumnFaults {
    counts: BTreeMap<Rule, u64>,
    listed: Vec<(usize, FaultKind)>,
    /// Rows without a value because what stands there is broken; in ascending order.
    failed: Vec<usize>,
    room: usize,
    /// What was changed of the cells that could be read after all.
    pub(crate) normalised: Normalised,
}

impl ColumnFaults {
    pub(crate) fn new(room: usize) -> Self {
        Self {
            counts: BTreeMap::new(),
            listed: Vec::new(),
            failed: Vec::new(),
            room,
            normalised: Normalised::default(),
        }
    }

    /// The rows and what is wrong with each; all of them where there is room without end.
    pub(crate) fn listed(&self) -> &[(usize, FaultKind)] {
        &self.listed
    }

    /// A cell that could not become a value, and is null in the array. Rows come in ascending order.
    #[cold]
    pub(crate) fn fail(&mut self, row: usize, kind: FaultKind) {
        self.failed.push(row);
        self.report(row, kind);
    }

    /// More cells of the same kind, found by a later pass; rows of it come in ascending order.
    pub(crate) fn fail_more(&mut self, cells: Vec<(usize, FaultKind)>) {
        if cells.is_empty() {
            return;
        }
        for (row, kind) in cells {
            self.fail(row, kind);
        }
        self.failed.sort_unstable();
    }

    /// A cell whose value breaks a constraint. Rows of one constraint come in ascending order.
    #[cold]
    pub(crate) fn report(&mut self, row: usize, kind: FaultKind) {
        let count = self.counts.entry(kind.rule()).or_default();
        *count += 1;
        // Each of a column's passes finds its own first faults first.
        if *count <= self.room as u64 {
            self.listed.push((row, kind));
        }
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed.len()
    }

    pub(crate) fn has_failed(&self, row: usize) -> bool {
        self.failed.binary_search(&row).is_ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}
