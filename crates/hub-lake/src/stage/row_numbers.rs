//! The numbers that rows have in their uploaded file, kept beside a staged file in the order it is sorted
//! by, so that a key found stored already can be named by the row that brings it. They lie in a nameless
//! temporary file, which goes with the last handle.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

use crate::LakeError;

/// Row numbers by their rows' places in a staged file.
#[derive(Debug, Clone)]
pub(crate) struct RowNumbers(Arc<File>);

impl RowNumbers {
    pub(crate) fn write(
        folder: &Path,
        numbers: impl Iterator<Item = u64>,
    ) -> Result<Self, LakeError> {
        let write = || -> std::io::Result<File> {
            let mut out = BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(folder)?);
            for number in numbers {
                out.write_all(&number.to_le_bytes())?;
            }
            out.into_inner().map_err(std::io::IntoInnerError::into_error)
        };
        write().map(|file| Self(Arc::new(file))).map_err(|source| LakeError::Scratch { source })
    }

    /// Hands out the numbers of the rows at these places, which come in ascending order.
    pub(crate) fn read(
        &self,
        places: impl Iterator<Item = usize>,
        mut give: impl FnMut(u64),
    ) -> Result<(), LakeError> {
        let read = || -> std::io::Result<()> {
            let mut file = BufReader::with_capacity(1 << 16, self.0.as_ref());
            file.seek(SeekFrom::Start(0))?;
            let mut at = 0usize;
            let mut bytes = [0; 8];
            for place in places {
                let skipped = i64::try_from((place - at) * 8).unwrap_or(i64::MAX);
                file.seek_relative(skipped)?;
                file.read_exact(&mut bytes)?;
                give(u64::from_le_bytes(bytes));
                at = place + 1;
            }
            Ok(())
        };
        read().map_err(|source| LakeError::Scratch { source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_place() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = RowNumbers::write(folder.path(), (0..40_000).map(|n| n * 3)).unwrap();
        for places in [vec![0], vec![1, 2, 20_000, 39_999], vec![]] {
            let mut found = Vec::new();
            numbers.read(places.iter().copied(), |number| found.push(number)).unwrap();
            let expected: Vec<u64> = places.iter().map(|place| *place as u64 * 3).collect();
            assert_eq!(found, expected);
        }
    }
}
