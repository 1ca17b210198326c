//! Merged cells: the value that stands in the first cell of a range is given to each of them, as people
//! see it there.

use hub_model::{ChangeExample, ChangeKind};

use crate::{
    IntakeError,
    changes::Changes,
    decode::damaged,
    rows::{Row, cell_name},
    show::show_text,
};

/// The most ranges of a sheet.
pub(crate) const MAX_RANGES: usize = 500_000;

/// Cells that were made one; rows count from 1, columns from 0, and the last ones are within.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    pub(crate) top: u32,
    pub(crate) left: u32,
    pub(crate) bottom: u32,
    pub(crate) right: u32,
}

/// A range in which rows are being read.
#[derive(Debug)]
struct Active {
    range: Range,
    value: String,
}

/// A sheet's merged ranges, met row by row.
#[derive(Debug, Default)]
pub(crate) struct Merges {
    /// Those not yet met, the next one last.
    waiting: Vec<Range>,
    active: Vec<Active>,
    filled: Row,
}

impl Merges {
    pub(crate) fn new(mut ranges: Vec<Range>) -> Result<Self, IntakeError> {
        if ranges.len() > MAX_RANGES {
            return Err(damaged("it has too many merged cells"));
        }
        ranges.retain(|range| {
            range.left <= range.right
                && range.top <= range.bottom
                && (range.left, range.top) != (range.right, range.bottom)
        });
        ranges.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Self { waiting: ranges, active: Vec::new(), filled: Row::default() })
    }

    /// Fills the cells of a row. Rows come in ascending order, none left out.
    #[inline]
    pub(crate) fn fill(&mut self, row: &mut Row, changes: &mut Changes) -> Result<(), IntakeError> {
        let number = row.number();
        let begins = self.waiting.last().is_some_and(|range| u64::from(range.top) <= number);
        if !begins && self.active.is_empty() {
            return Ok(());
        }
        self.fill_row(row, changes)
    }

    #[cold]
    fn fill_row(&mut self, row: &mut Row, changes: &mut Changes) -> Result<(), IntakeError> {
        let number = row.number();
        while let Some(range) = self.waiting.pop_if(|range| u64::from(range.top) <= number) {
            let value = row.raw(range.left as usize).to_owned();
            if !value.trim().is_empty() {
                self.active.push(Active { range, value });
            }
        }
        self.active.retain(|active| u64::from(active.range.bottom) >= number);
        self.active.sort_by_key(|active| active.range.left);
        let overlap = self.active.windows(2).any(|two| two[0].range.right >= two[1].range.left);
        if overlap {
            return Err(damaged("merged cells overlap"));
        }
        self.filled.restart(number);
        for active in &self.active {
            let Range { top, left, right, .. } = active.range;
            (self.filled.len()..left as usize).for_each(|column| self.filled.push(row.raw(column)));
            for column in left..=right {
                let own = row.raw(column as usize);
                let is_first = u64::from(top) == number && column == left;
                if is_first || !own.trim().is_empty() {
                    self.filled.push(own);
                    continue;
                }
                self.filled.push(&active.value);
                changes.add(ChangeKind::MergedCell, || ChangeExample {
                    row: Some(number),
                    column: Some(cell_name(number, column)),
                    before: String::new(),
                    after: show_text(&active.value),
                });
            }
        }
        (self.filled.len()..row.len()).for_each(|column| self.filled.push(row.raw(column)));
        std::mem::swap(row, &mut self.filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64, cells: &[&str]) -> Row {
        let mut row = Row::default();
        row.restart(number);
        cells.iter().for_each(|cell| row.push(cell));
        row
    }

    #[test]
    fn a_range_gives_its_value_to_each_cell_and_row() {
        let ranges = vec![
            Range { top: 1, left: 1, bottom: 1, right: 3 },
            Range { top: 2, left: 0, bottom: 3, right: 0 },
        ];
        let mut merges = Merges::new(ranges).unwrap();
        let mut changes = Changes::default();
        let mut found = Vec::new();
        for mut row in
            [row(1, &["", "人口"]), row(2, &["余市", "1"]), row(3, &[]), row(4, &["", "9"])]
        {
            merges.fill(&mut row, &mut changes).unwrap();
            found.push(row.cells().collect::<Vec<_>>().join(","));
        }
        assert_eq!(found, [",人口,人口,人口", "余市,1", "余市", ",9"]);
        assert_eq!(changes.finish()[0].count, 3);
    }

    #[test]
    fn ranges_that_overlap_are_refused() {
        let ranges = vec![
            Range { top: 1, left: 0, bottom: 9, right: 3 },
            Range { top: 1, left: 2, bottom: 9, right: 5 },
        ];
        let mut merges = Merges::new(ranges).unwrap();
        assert!(merges.fill(&mut row(1, &["a", "b", "c"]), &mut Changes::default()).is_err());
    }
}
