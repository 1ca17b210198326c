//! The series of a file, each with a number.

use std::collections::{BTreeSet, HashMap};

use crate::show::show_bytes;

/// Stands between the parts of a key.
pub(super) const BETWEEN: u8 = 0x1F;

/// The most series that are followed, and how long the key of one may be.
const MAX_SERIES: usize = 50_000;
const MAX_KEY: usize = 512;

/// Series by their keys.
#[derive(Debug, Default)]
pub(super) struct Keys {
    numbers: HashMap<Box<[u8]>, u32>,
    keys: Vec<Box<[u8]>>,
    /// The series of the row after each series' last row, which is often that of the next row too.
    next: Vec<u32>,
    last: Option<u32>,
    full: bool,
}

impl Keys {
    /// The number of a series, unless there are too many.
    #[inline]
    pub(super) fn find(&mut self, key: &[u8]) -> Option<u32> {
        if let Some(last) = self.last {
            // A file has its series one after the other, or in turn.
            for guess in [last, self.next[last as usize]] {
                if *self.keys[guess as usize] == *key {
                    self.next[last as usize] = guess;
                    self.last = Some(guess);
                    return Some(guess);
                }
            }
        }
        self.look_up(key)
    }

    fn look_up(&mut self, key: &[u8]) -> Option<u32> {
        let found = match self.numbers.get(key) {
            Some(found) => *found,
            None => {
                if self.keys.len() == MAX_SERIES || key.len() > MAX_KEY {
                    self.full = true;
                    return None;
                }
                let number = self.keys.len() as u32;
                self.numbers.insert(key.into(), number);
                self.keys.push(key.into());
                self.next.push(number);
                number
            }
        };
        if let Some(last) = self.last {
            self.next[last as usize] = found;
        }
        self.last = Some(found);
        Some(found)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.full
    }

    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn count(&self) -> u64 {
        self.keys.len() as u64
    }

    /// A series as people read it; none where the file is one series.
    pub(super) fn name(&self, series: u32) -> Option<String> {
        let key = self.keys.get(series as usize).filter(|key| !key.is_empty())?;
        let parts: Vec<String> = key.split(|byte| *byte == BETWEEN).map(show_bytes).collect();
        Some(parts.join("/"))
    }

    /// A code without a leading zero and one with it that is longer, where all of a part's values are
    /// digits and both kinds are among them.
    pub(super) fn lost_zeros(&self, part: usize) -> Option<(String, String)> {
        let mut values = BTreeSet::new();
        for key in &self.keys {
            let value = key.split(|byte| *byte == BETWEEN).nth(part)?;
            if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
                return None;
            }
            values.insert(value);
        }
        let long = values.iter().find(|value| value.len() > 1 && value[0] == b'0')?;
        let short =
            values.iter().find(|value| value[0] != b'0' && value.len() + 1 == long.len())?;
        let of_length = values.iter().all(|value| value.len() == long.len() || value[0] != b'0');
        of_length.then(|| (show_bytes(short), show_bytes(long)))
    }
}
