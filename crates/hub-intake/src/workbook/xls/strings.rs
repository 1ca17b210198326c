//! Texts of `.xls` records: two bytes a character, or one where all are Latin, or in the code page of
//! the computer that wrote an older book. A long text goes on in the next record, where it may change
//! from one width to the other.

use encoding_rs::Encoding;

use super::{
    super::{book::Texts, xml::MAX_TOKEN, xml::too_long},
    compound::{u16_at, u32_at},
};
use crate::IntakeError;

/// How a book's texts are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Charset {
    Unicode,
    /// In a code page, as before Excel 97.
    Bytes(&'static Encoding),
}

impl Charset {
    pub(super) const CP932: Self = Self::Bytes(encoding_rs::SHIFT_JIS);

    pub(super) fn with_code_page(self, page: u16) -> Self {
        match (self, page) {
            (Self::Bytes(_), 932) => Self::CP932,
            (Self::Bytes(_), 1252 | 0x8001) => Self::Bytes(encoding_rs::WINDOWS_1252),
            _ => self,
        }
    }

    /// Adds a text that begins with its length in two bytes.
    pub(super) fn read(self, data: &[u8], out: &mut String) {
        match self {
            Self::Unicode => self.read_pieces(Pieces::new(vec![data]), out),
            Self::Bytes(encoding) => {
                let bytes = data.get(2..).unwrap_or_default();
                let bytes = &bytes[..bytes.len().min(usize::from(u16_at(data, 0)))];
                out.push_str(&encoding.decode_without_bom_handling(bytes).0);
            }
        }
    }

    /// The same for a text whose length is one byte.
    pub(super) fn read_short(self, data: &[u8], out: &mut String) {
        let Some((length, rest)) = data.split_first() else { return };
        let mut whole = vec![*length, 0];
        whole.extend_from_slice(rest);
        self.read(&whole, out);
    }

    /// The same for a text that may go on in further records.
    pub(super) fn read_pieces(self, mut pieces: Pieces<'_>, out: &mut String) {
        match self {
            Self::Unicode => {
                let length = pieces.u16();
                let flags = pieces.byte();
                pieces.characters(usize::from(length), flags & 1 != 0, out);
            }
            Self::Bytes(_) => {
                let whole: Vec<u8> = pieces.pieces.concat();
                self.read(&whole, out);
            }
        }
    }
}

/// A record and those that continue it. Beyond the end everything reads as 0.
pub(super) struct Pieces<'a> {
    pieces: Vec<&'a [u8]>,
    piece: usize,
    at: usize,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(pieces: Vec<&'a [u8]>) -> Self {
        Self { pieces, piece: 0, at: 0 }
    }

    fn is_at_end(&self) -> bool {
        self.piece >= self.pieces.len()
    }

    /// What is left of the piece, going on to the next one where nothing is.
    fn left(&mut self) -> &'a [u8] {
        while let Some(piece) = self.pieces.get(self.piece) {
            if self.at < piece.len() {
                return &piece[self.at..];
            }
            (self.piece, self.at) = (self.piece + 1, 0);
        }
        &[]
    }

    fn byte(&mut self) -> u8 {
        let byte = self.left().first().copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn u32(&mut self) -> u32 {
        u32_at(&[self.byte(), self.byte(), self.byte(), self.byte()], 0)
    }

    fn skip(&mut self, mut bytes: usize) {
        while bytes > 0 {
            let left = self.left().len();
            if left == 0 {
                return;
            }
            let step = left.min(bytes);
            self.at += step;
            bytes -= step;
        }
    }

    /// Adds so many characters. Where they go on in another record, that begins with their width.
    fn characters(&mut self, mut count: usize, mut wide: bool, out: &mut String) {
        let mut units = Vec::new();
        while count > 0 {
            let begun = self.piece;
            let mut left = self.left();
            if left.is_empty() {
                break;
            }
            if self.piece != begun {
                wide = left[0] & 1 != 0;
                self.at += 1;
                left = &left[1..];
            }
            let width = if wide { 2 } else { 1 };
            let taken = (left.len() / width).min(count);
            if taken == 0 {
                // Half a character at a record's end is nobody's.
                self.at += left.len();
                continue;
            }
            match wide {
                true => units.extend(left[..taken * 2].chunks_exact(2).map(|two| u16_at(two, 0))),
                false => units.extend(left[..taken].iter().map(|byte| u16::from(*byte))),
            }
            self.at += taken * width;
            count -= taken;
        }
        out.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{FFFD}')));
    }
}

/// The texts that sheets share.
pub(super) fn shared(mut pieces: Pieces<'_>) -> Result<Texts, IntakeError> {
    let mut texts = Texts::default();
    pieces.u32();
    let count = pieces.u32();
    for _ in 0..count {
        pieces.left();
        if pieces.is_at_end() {
            break;
        }
        let length = usize::from(pieces.u16());
        let flags = pieces.byte();
        let runs = if flags & 8 != 0 { usize::from(pieces.u16()) } else { 0 };
        let readings = if flags & 4 != 0 { pieces.u32() as usize } else { 0 };
        texts.add(|out| {
            pieces.characters(length, flags & 1 != 0, out);
            Ok(())
        })?;
        if readings > MAX_TOKEN {
            return Err(too_long());
        }
        pieces.skip(runs * 4 + readings);
    }
    Ok(texts)
}
