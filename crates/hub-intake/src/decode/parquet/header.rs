//! What is checked of a Parquet file before the decoder may trust it with memory.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use parquet::file::metadata::ParquetMetaData;

use crate::{IntakeError, decode::damaged};

/// The longest footer that is read; one of a thousand columns and ten thousand row groups is longer
/// than any sound writer makes for a file that can be uploaded.
const MAX_FOOTER: u64 = 256 << 20;

/// Checks the magic and the length of the footer.
pub(super) fn check_footer(mut file: &File) -> Result<(), IntakeError> {
    let length = file.metadata()?.len();
    if length < 12 {
        return Err(damaged("it is shorter than any Parquet file"));
    }
    let mut tail = [0; 8];
    file.seek(SeekFrom::Start(length - 8))?;
    file.read_exact(&mut tail)?;
    if tail[4..] == *b"PARE" {
        return Err(IntakeError::unsupported(
            "暗号化されたParquetは読めません。暗号化せずに書き出して送ってください",
            "encrypted Parquet can't be read; write it without encryption and send that",
        ));
    }
    if tail[4..] != *b"PAR1" {
        return Err(damaged("it does not end like a Parquet file"));
    }
    let footer = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if footer > MAX_FOOTER || footer + 12 > length {
        return Err(damaged("its footer is longer than the file"));
    }
    Ok(())
}

/// Checks what the columns' pages say of themselves.
pub(super) fn check_pages(
    file: &File,
    metadata: &ParquetMetaData,
    _wanted: &[usize],
    _max_piece_bytes: u64,
) -> Result<(), IntakeError> {
    let length = file.metadata()?.len();
    for group in metadata.row_groups() {
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let fits = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
            if fits.and_then(|(start, size)| start.checked_add(size)).is_none_or(|end| end > length)
            {
                return Err(damaged("a column is said to lie outside the file"));
            }
        }
    }
    Ok(())
}
