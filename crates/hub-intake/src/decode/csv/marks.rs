//! Where the bytes stand that end a cell, a record or a quote.

/// The places of delimiters, quotes and line ends, found eight bytes at a time.
pub(super) struct Marks {
    /// The high bit of each byte of the current word that is a mark and not yet given out.
    found: u64,
    word: usize,
    next_word: usize,
    position: usize,
    /// Eight times the delimiter, and eight times the quote.
    delimiters: u64,
    quotes: u64,
}

impl Marks {
    pub(super) fn new(delimiter: u8, quote: u8) -> Self {
        let (delimiters, quotes) = (eight(delimiter), eight(quote));
        Self { found: 0, word: 0, next_word: 0, position: 0, delimiters, quotes }
    }

    /// The place after the last mark.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        while self.found == 0 {
            let rest = bytes.get(self.next_word..).filter(|rest| !rest.is_empty())?;
            let word = match rest.first_chunk::<8>() {
                Some(chunk) => u64::from_le_bytes(*chunk),
                None => {
                    let mut chunk = [0; 8];
                    chunk[..rest.len()].copy_from_slice(rest);
                    u64::from_le_bytes(chunk)
                }
            };
            self.found = equal(word, self.delimiters)
                | equal(word, const { eight(b'\n') })
                | equal(word, self.quotes)
                | equal(word, const { eight(b'\r') });
            self.word = self.next_word;
            self.next_word += 8;
        }
        let at = self.word + (self.found.trailing_zeros() / 8) as usize;
        self.found &= self.found - 1;
        self.position = at + 1;
        Some(at)
    }
}

const fn eight(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// The high bit of each byte that equals that of `bytes`, exactly: no carry passes between bytes.
#[inline]
fn equal(word: u64, bytes: u64) -> u64 {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let differs = word ^ bytes;
    !(((differs & LOW) + LOW) | differs | LOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_at_every_place_of_a_word() {
        let all: Vec<u8> = (0..=255).cycle().take(1_024).collect();
        let mut marks = Marks::new(b',', b'"');
        let mut found = Vec::new();
        while let Some(at) = marks.next(&all) {
            found.push(at);
        }
        let expected: Vec<usize> =
            (0..all.len()).filter(|at| b",\n\"\r".contains(&all[*at])).collect();
        assert_eq!(found, expected);
    }
}
