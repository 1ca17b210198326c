//! Changes of a text at places of it, so that everything else is copied as it is.

use std::io::{Read, Write};

use super::super::archive::part_error;
use crate::IntakeError;

/// Changes, in any order; none lies within another.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<Edit>);

#[derive(Debug)]
struct Edit {
    at: u64,
    removed: u64,
    inserted: Vec<u8>,
}

impl Edits {
    /// Inserts text at a place. What is inserted at the same place stands in the order of the calls.
    pub(super) fn insert(&mut self, at: u64, text: impl Into<Vec<u8>>) {
        self.replace(at, at, text);
    }

    pub(super) fn replace(&mut self, from: u64, to: u64, text: impl Into<Vec<u8>>) {
        self.0.push(Edit { at: from, removed: to - from, inserted: text.into() });
    }

    pub(super) fn copy(
        mut self,
        from: &mut impl Read,
        to: &mut impl Write,
    ) -> Result<(), IntakeError> {
        self.0.sort_by_key(|edit| edit.at);
        let mut at = 0;
        for edit in self.0 {
            pass(from, edit.at.saturating_sub(at), to)?;
            to.write_all(&edit.inserted)?;
            pass(from, edit.removed, &mut std::io::sink())?;
            at = edit.at + edit.removed;
        }
        pass(from, u64::MAX, to)
    }

    pub(super) fn apply(self, bytes: &[u8]) -> Result<Vec<u8>, IntakeError> {
        let mut out = Vec::with_capacity(bytes.len() + 1024);
        self.copy(&mut &bytes[..], &mut out)?;
        Ok(out)
    }
}

/// Copies so many bytes, or fewer where there are no more. An error of reading is the file's and one of
/// writing the hub's own.
fn pass(from: &mut impl Read, mut bytes: u64, to: &mut impl Write) -> Result<(), IntakeError> {
    let mut buffer = vec![0; 64 << 10];
    while bytes > 0 {
        let wanted = buffer.len().min(usize::try_from(bytes).unwrap_or(usize::MAX));
        match from.read(&mut buffer[..wanted]) {
            Ok(0) => break,
            Ok(read) => {
                to.write_all(&buffer[..read])?;
                bytes -= read as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(part_error(error)),
        }
    }
    Ok(())
}
