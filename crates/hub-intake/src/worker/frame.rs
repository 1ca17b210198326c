//! The pieces that parent and child exchange: a byte for the kind, two numbers, and a payload. It must
//! not be trusted: whoever reads one bounds its length by what the kind may have.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

/// The longest JSON document.
pub(crate) const MAX_JSON_BYTES: u64 = 64 << 20;

/// The longest batch of rows.
pub(crate) const MAX_BATCH_BYTES: u64 = 128 << 20;

/// The longest part of a file that is written.
pub(crate) const MAX_PART_BYTES: u64 = 1 << 20;

/// What a piece carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What is asked; the only piece that a parent sends.
    Request,
    /// How the child is fenced in; its first piece.
    Fences,
    /// Rows: the number is the first one's, the payload an Arrow message.
    Batch,
    /// Rows that are kept back.
    KeptBack,
    /// The next bytes of a file that is written.
    Part,
    /// The end: the report on a file.
    Report,
    /// The end: a proposed contract.
    Proposal,
    /// The end: what trying a file came to.
    Trial,
    /// The end: the tables of an archive.
    Tables,
    /// The end: all parts of the file that is written were sent.
    Written,
    /// The end: why the file could not be read.
    Failure,
}

const KINDS: [(Kind, u8); 11] = [
    (Kind::Request, b'Q'),
    (Kind::Fences, b'F'),
    (Kind::Batch, b'B'),
    (Kind::KeptBack, b'K'),
    (Kind::Part, b'D'),
    (Kind::Report, b'R'),
    (Kind::Proposal, b'P'),
    (Kind::Trial, b'T'),
    (Kind::Tables, b'L'),
    (Kind::Written, b'W'),
    (Kind::Failure, b'E'),
];

impl Kind {
    fn byte(self) -> u8 {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or(0, |(_, byte)| *byte)
    }

    fn of_byte(byte: u8) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == byte).map(|(kind, _)| *kind)
    }

    fn max_bytes(self) -> u64 {
        match self {
            Self::Batch => MAX_BATCH_BYTES,
            Self::Fences => 64 << 10,
            Self::Part => MAX_PART_BYTES,
            Self::Written => 0,
            Self::Request
            | Self::KeptBack
            | Self::Report
            | Self::Proposal
            | Self::Trial
            | Self::Tables
            | Self::Failure => MAX_JSON_BYTES,
        }
    }
}

/// What stands before a payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) number: u64,
    pub(crate) bytes: u64,
}

impl Head {
    const LENGTH: usize = 17;

    pub(crate) fn write(self, to: &mut impl Write) -> io::Result<()> {
        let mut head = [0; Self::LENGTH];
        head[0] = self.kind.byte();
        head[1..9].copy_from_slice(&self.number.to_le_bytes());
        head[9..].copy_from_slice(&self.bytes.to_le_bytes());
        to.write_all(&head)
    }

    /// The next head; an error where the stream ends, or where it is not one within its bounds.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; Self::LENGTH];
        from.read_exact(&mut head)?;
        let number =
            |at: usize| head[at..].first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let kind = Kind::of_byte(head[0]).ok_or_else(|| broken("a piece of no known kind"))?;
        let head = Self { kind, number: number(1), bytes: number(9) };
        if head.bytes > kind.max_bytes() {
            return Err(broken("a piece that is too long"));
        }
        Ok(head)
    }
}

/// A document as one piece.
pub(crate) fn write_json(
    to: &mut impl Write,
    kind: Kind,
    value: &impl Serialize,
) -> io::Result<()> {
    let json = serde_json::to_vec(value).map_err(io::Error::other)?;
    Head { kind, number: 0, bytes: json.len() as u64 }.write(to)?;
    to.write_all(&json)
}

/// The payload of a piece, as a document.
pub(crate) fn read_json<T: DeserializeOwned>(from: &mut impl Read, head: Head) -> io::Result<T> {
    let json = read_bytes(from, head.bytes)?;
    serde_json::from_slice(&json).map_err(|_| broken("a document that can't be read"))
}

/// So many bytes. Memory is taken as they come, not as they are announced.
pub(crate) fn read_bytes(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    const AT_ONCE: u64 = 4 << 20;
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(AT_ONCE)).unwrap_or(0));
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

pub(crate) fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
