//! The Arrow IPC file format: the messages of a stream between two magics and a footer.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use super::{arrow_messages::ArrowDecoder, damaged};
use crate::{IntakeError, IntakeOptions};

const MAGIC: &[u8; 6] = b"ARROW1";

pub(crate) fn open(mut file: File, options: &IntakeOptions) -> Result<ArrowDecoder, IntakeError> {
    let length = file.metadata()?.len();
    // Two magics, padding, and the footer's length.
    if length < 20 {
        return Err(damaged("it is shorter than any Arrow file"));
    }
    let mut tail = [0; 10];
    file.seek(SeekFrom::Start(length - 10))?;
    file.read_exact(&mut tail)?;
    if tail[4..] != *MAGIC {
        return Err(damaged("it does not end like an Arrow file"));
    }
    let footer = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    let end = (length - 10)
        .checked_sub(footer)
        .filter(|end| *end >= 8)
        .ok_or_else(|| damaged("its footer is longer than the file"))?;
    ArrowDecoder::open(file, 8, end, options)
}
