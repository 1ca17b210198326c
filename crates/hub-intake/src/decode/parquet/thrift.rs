//! As much of Thrift's compact protocol as it takes to see what a Parquet file's headers claim before
//! the decoder allocates for it
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>).

use std::io::{self, Read};

/// How deeply structures may lie within each other.
const MAX_DEPTH: usize = 32;

const STOP: u8 = 0;
const BOOLEANS: [u8; 2] = [1, 2];
const BYTE: u8 = 3;
pub(super) const I32: u8 = 5;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;

/// Reads values one after another, and counts their bytes.
pub(super) struct Thrift<R> {
    reader: R,
    pub(super) read: u64,
}

/// What comes next in a structure.
pub(super) struct FieldHeader {
    pub(super) id: i64,
    pub(super) kind: u8,
}

impl<R: Read> Thrift<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, read: 0 }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(invalid("a number is too long"))
    }

    pub(super) fn integer(&mut self) -> io::Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn skip_bytes(&mut self, count: u64) -> io::Result<()> {
        let skipped = io::copy(&mut Read::by_ref(&mut self.reader).take(count), &mut io::sink())?;
        self.read += skipped;
        if skipped == count { Ok(()) } else { Err(invalid("it ends within a header")) }
    }

    /// The next field of a structure whose last one had the id `last`; `None` at its end.
    pub(super) fn field(&mut self, last: i64) -> io::Result<Option<FieldHeader>> {
        let byte = self.byte()?;
        let kind = byte & 0x0F;
        if kind == STOP {
            return Ok(None);
        }
        let id = match byte >> 4 {
            0 => self.integer()?,
            delta => last.saturating_add(i64::from(delta)),
        };
        Ok(Some(FieldHeader { id, kind }))
    }

    /// The kind and the number of a list's elements.
    pub(super) fn list(&mut self) -> io::Result<(u8, u64)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        Ok((byte & 0x0F, count))
    }

    pub(super) fn skip(&mut self, kind: u8) -> io::Result<()> {
        self.skip_within(kind, MAX_DEPTH)
    }

    fn skip_within(&mut self, kind: u8, depth: usize) -> io::Result<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(invalid("its headers are nested too deeply"));
        };
        match kind {
            _ if BOOLEANS.contains(&kind) => Ok(()),
            BYTE => self.skip_bytes(1),
            4..=6 => self.varint().map(drop),
            DOUBLE => self.skip_bytes(8),
            BINARY => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            LIST | SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_element(kind, depth))
            }
            MAP => {
                let count = self.varint()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                (0..count).try_for_each(|_| {
                    self.skip_element(kinds >> 4, depth)?;
                    self.skip_element(kinds & 0x0F, depth)
                })
            }
            STRUCT => {
                while let Some(field) = self.field(0)? {
                    self.skip_within(field.kind, depth)?;
                }
                Ok(())
            }
            _ => Err(invalid("a header is of no known kind")),
        }
    }

    /// Within lists a truth value takes a byte.
    fn skip_element(&mut self, kind: u8, depth: usize) -> io::Result<()> {
        if BOOLEANS.contains(&kind) { self.skip_bytes(1) } else { self.skip_within(kind, depth) }
    }
}

pub(super) fn invalid(detail: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, detail.to_owned())
}
