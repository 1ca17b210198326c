//! Marks on the rows of a file, a bit each.

/// Which rows are marked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// Room for this many rows, none of them marked.
    pub(crate) fn new(rows: u64) -> Self {
        Self(vec![0; usize::try_from(rows.div_ceil(64)).unwrap_or_default()])
    }

    /// Marks a row; says whether it was not marked before.
    pub(crate) fn set(&mut self, row: usize) -> bool {
        let (word, bit) = (&mut self.0[row / 64], 1 << (row % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    pub(crate) fn is_set(&self, row: usize) -> bool {
        self.0[row / 64] & (1 << (row % 64)) != 0
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    /// The marked rows, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(place, word)| {
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| place * 64 + bit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_counted_met_and_listed() {
        let mut bits = Bits::new(130);
        assert!([0, 63, 64, 129].into_iter().all(|row| bits.set(row)));
        assert!(!bits.set(64));
        assert_eq!((bits.count(), bits.is_set(63), bits.is_set(62)), (4, true, false));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        let mut other = Bits::new(130);
        other.set(1);
        assert!(!bits.meets(&other));
        other.add(&bits);
        assert!(bits.meets(&other));
        assert_eq!(other.count(), 5);
        other.clear();
        assert_eq!(other, Bits::new(130));
    }
}
