//! The Arrow IPC streaming format.

use std::fs::File;

use super::arrow_messages::ArrowDecoder;
use crate::{IntakeError, IntakeOptions};

pub(crate) fn open(file: File, options: &IntakeOptions) -> Result<ArrowDecoder, IntakeError> {
    let end = file.metadata()?.len();
    ArrowDecoder::open(file, 0, end, options)
}
