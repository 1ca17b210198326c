//! A single file packed with gzip.

use std::{
    fs::File,
    io::{BufReader, Seek, SeekFrom},
};

use super::{Budget, Member, Unpacked, refuse_nested};
use crate::{IntakeError, IntakeOptions};

pub(super) fn unpack(
    mut file: File,
    file_name: Option<&str>,
    options: &IntakeOptions,
) -> Result<Unpacked, IntakeError> {
    let mut budget = Budget::new(&file, "gzip", options)?;
    file.seek(SeekFrom::Start(0))?;
    let mut packed =
        flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(256 << 10, file));
    let mut file = budget.unpack(&mut packed)?;
    let name = file_name.map(|name| {
        let cut = [".gz", ".GZ", ".gzip"].iter().find_map(|end| name.strip_suffix(end));
        cut.unwrap_or(name).to_owned()
    });
    let name = name.unwrap_or_default();
    refuse_nested(&mut file, &name)?;
    Ok(Unpacked { kind: "gzip", members: vec![Member { name, file }], notes: Vec::new() })
}
