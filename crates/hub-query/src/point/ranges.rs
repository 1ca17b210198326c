//! Rows of a row group, as ranges.

use std::ops::Range;

/// Rows in ascending order, as ranges that neither meet nor are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<Range<usize>>);

impl Ranges {
    pub(super) fn of(rows: Range<usize>) -> Self {
        let mut ranges = Self::default();
        ranges.add(rows);
        ranges
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.0.iter().cloned()
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(Range::len).sum()
    }

    pub(super) fn touch(&self, rows: &Range<usize>) -> bool {
        self.0.iter().any(|range| range.start < rows.end && rows.start < range.end)
    }

    /// Adds rows that come after all others.
    pub(super) fn add(&mut self, rows: Range<usize>) {
        match self.0.last_mut() {
            _ if rows.is_empty() => {}
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => self.0.push(rows),
        }
    }

    /// Adds those of the rows that are among these too. They come after all others.
    pub(super) fn add_common(&mut self, rows: &Self, among: &Range<usize>) {
        for range in rows.iter() {
            self.add(range.start.max(among.start)..range.end.min(among.end));
        }
    }

    /// The rows of both, of which none is in both.
    pub(super) fn and(self, others: Self) -> Self {
        let mut ranges = self.0;
        ranges.extend(others.0);
        ranges.sort_unstable_by_key(|range| range.start);
        let mut both = Self::default();
        ranges.into_iter().for_each(|range| both.add(range));
        both
    }

    /// The rows at these places, counted over all ranges.
    pub(super) fn part(&self, places: Range<usize>) -> Self {
        let mut part = Self::default();
        let mut before = 0;
        for range in self.iter() {
            let from = places.start.clamp(before, before + range.len()) - before;
            let to = places.end.clamp(before, before + range.len()) - before;
            part.add(range.start + from..range.start + to);
            before += range.len();
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_over_all_ranges() {
        let of = |ranges: &[(usize, usize)]| {
            let mut all = Ranges::default();
            ranges.iter().for_each(|(from, to)| all.add(*from..*to));
            all
        };
        let rows = of(&[(10, 20), (30, 35), (50, 60)]);
        assert_eq!(rows.part(0..25), rows);
        assert_eq!(rows.part(8..17), of(&[(18, 20), (30, 35), (50, 52)]));
        assert_eq!(rows.part(10..15), of(&[(30, 35)]));
        assert_eq!(rows.part(12..12).count(), 0);
        assert_eq!(rows.part(23..99), of(&[(58, 60)]));
        assert_eq!(of(&[(20, 30), (36, 40)]).and(rows), of(&[(10, 35), (36, 40), (50, 60)]));
    }
}
