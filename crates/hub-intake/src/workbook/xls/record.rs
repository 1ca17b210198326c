//! The records of a workbook's stream, each with its kind.

use super::{compound::u16_at, strings::Pieces};

/// The kinds of records that are read.
pub(super) mod kind {
    pub(in super::super) const BOF: u16 = 0x0809;
    pub(in super::super) const EOF: u16 = 0x000A;
    pub(in super::super) const CONTINUE: u16 = 0x003C;
    pub(in super::super) const FILEPASS: u16 = 0x002F;
    pub(in super::super) const CODEPAGE: u16 = 0x0042;
    pub(in super::super) const DATEMODE: u16 = 0x0022;
    pub(in super::super) const FORMAT: u16 = 0x041E;
    pub(in super::super) const XF: u16 = 0x00E0;
    pub(in super::super) const BOUNDSHEET: u16 = 0x0085;
    pub(in super::super) const SST: u16 = 0x00FC;
    pub(in super::super) const NUMBER: u16 = 0x0203;
    pub(in super::super) const RK: u16 = 0x027E;
    pub(in super::super) const MULRK: u16 = 0x00BD;
    pub(in super::super) const LABEL: u16 = 0x0204;
    pub(in super::super) const RSTRING: u16 = 0x00D6;
    pub(in super::super) const LABELSST: u16 = 0x00FD;
    pub(in super::super) const FORMULA: u16 = 0x0006;
    pub(in super::super) const STRING: u16 = 0x0207;
    pub(in super::super) const BOOLERR: u16 = 0x0205;
    pub(in super::super) const MERGECELLS: u16 = 0x00E5;
}

/// A record and those that continue it.
pub(super) struct Record<'a> {
    pub(super) kind: u16,
    pub(super) data: &'a [u8],
    /// The bytes from the first record that continues it on.
    rest: &'a [u8],
}

/// The records of a stream from a place on; the stream's end ends them too.
pub(super) struct Records<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (kind, length) = (u16_at(self.0, 0), usize::from(u16_at(self.0, 2)));
        let data = self.0.get(4..4 + length)?;
        self.0 = &self.0[4 + length..];
        Some(Record { kind, data, rest: self.0 })
    }
}

impl<'a> Record<'a> {
    /// The record's bytes with those of the records that continue it.
    pub(super) fn pieces(&self) -> Pieces<'a> {
        let mut pieces = vec![self.data];
        pieces.extend(
            Records(self.rest).take_while(|r| r.kind == kind::CONTINUE).map(|record| record.data),
        );
        Pieces::new(pieces)
    }
}
