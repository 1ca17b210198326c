//! The Arrow IPC file format: the messages of a stream between two magics and a footer.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use super::{arrow_messages::ArrowDecoder, damaged};
use crate::{IntakeError, IntakeOptions};

const MAGIC: &[u8; 6] = b"ARROW1";
const MAX_PADDING: u64 = 4_096;

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
    let start = first_message(&mut file, end)?;
    ArrowDecoder::open(file, start, end, options)
}

/// Where the padding after the first magic ends; some writers align the first message to 64 bytes.
fn first_message(file: &mut File, end: u64) -> Result<u64, IntakeError> {
    file.seek(SeekFrom::Start(8))?;
    let mut start = 8;
    let mut word = [0; 8];
    while start < MAX_PADDING && start + 8 <= end {
        file.read_exact(&mut word)?;
        if word != [0; 8] {
            break;
        }
        start += 8;
    }
    Ok(start)
}
