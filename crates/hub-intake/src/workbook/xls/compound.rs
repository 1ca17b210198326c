//! The compound file that an `.xls` workbook is packed in: sectors that chains link to streams. Only
//! what finds one stream is read.

use std::{fs::File, os::unix::fs::FileExt};

use crate::{IntakeError, decode::damaged};

/// The largest stream that is read: a full `.xls` sheet is some 60 MB.
const MAX_STREAM: u64 = 128 << 20;

/// The end of a chain, and every other number that is no sector.
const NO_SECTOR: u32 = 0xFFFF_FFFA;

/// Streams smaller than this lie in small sectors of their own.
const SMALL_STREAM: u64 = 4096;

/// The streams of a file, as its directory names them.
#[derive(Debug)]
pub(crate) struct Compound {
    sector: u64,
    sectors: Vec<u32>,
    small_sectors: Vec<u32>,
    small_stream: Vec<u8>,
    entries: Vec<Entry>,
    length: u64,
}

#[derive(Debug)]
struct Entry {
    name: String,
    start: u32,
    bytes: u64,
}

impl Compound {
    pub(crate) fn open(file: &File) -> Result<Self, IntakeError> {
        let length = file.metadata()?.len();
        let mut header = [0; 512];
        file.read_exact_at(&mut header, 0).map_err(|_| damaged("it ends within its head"))?;
        let shift = u16_at(&header, 30);
        if !matches!(shift, 9 | 12) {
            return Err(damaged("its sectors have no size"));
        }
        let mut compound = Self {
            sector: 1 << shift,
            sectors: Vec::new(),
            small_sectors: Vec::new(),
            small_stream: Vec::new(),
            entries: Vec::new(),
            length,
        };
        compound.read_table(file, &header)?;
        let directory = compound.chain(file, u32_at(&header, 48), MAX_STREAM)?;
        compound.entries = directory.chunks_exact(128).filter_map(Entry::read).collect();
        let table = compound.chain(file, u32_at(&header, 60), MAX_STREAM)?;
        compound.small_sectors = numbers(&table);
        if let Some(root) = directory.first_chunk::<128>() {
            let (start, bytes) = (u32_at(root, 116), u64::from(u32_at(root, 120)));
            compound.small_stream = compound.chain(file, start, bytes)?;
        }
        Ok(compound)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// A stream; none where there is no such stream.
    pub(crate) fn stream(&self, file: &File, name: &str) -> Result<Option<Vec<u8>>, IntakeError> {
        let entry = self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name));
        let Some(entry) = entry else { return Ok(None) };
        if entry.bytes > MAX_STREAM {
            return Err(crate::decode::unpacks_too_large(MAX_STREAM));
        }
        if entry.bytes >= SMALL_STREAM {
            return self.chain(file, entry.start, entry.bytes).map(Some);
        }
        let mut stream = Vec::new();
        let mut at = entry.start;
        while at < NO_SECTOR && (stream.len() as u64) < entry.bytes {
            let start = at as usize * 64;
            let piece = self.small_stream.get(start..start + 64);
            stream.extend_from_slice(piece.ok_or_else(|| damaged("a stream is cut"))?);
            at = self.small_sectors.get(at as usize).copied().unwrap_or(u32::MAX);
        }
        stream.truncate(entry.bytes as usize);
        Ok(Some(stream))
    }

    fn read_sector(&self, file: &File, at: u32, into: &mut Vec<u8>) -> Result<(), IntakeError> {
        let place = (u64::from(at) + 1) * self.sector;
        let had = into.len();
        let bytes = self.sector.min(self.length.saturating_sub(place)) as usize;
        if bytes == 0 {
            return Err(damaged("a sector lies beyond its end"));
        }
        into.resize(had + bytes, 0);
        Ok(file.read_exact_at(&mut into[had..], place)?)
    }

    /// The table of which sector follows which.
    fn read_table(&mut self, file: &File, header: &[u8; 512]) -> Result<(), IntakeError> {
        let count = self.length / self.sector + 1;
        let mut places = numbers(&header[76..]);
        let mut next = u32_at(header, 68);
        let mut seen = 0;
        while next < NO_SECTOR {
            seen += 1;
            if seen > count {
                return Err(damaged("its sectors go in circles"));
            }
            let mut sector = Vec::new();
            self.read_sector(file, next, &mut sector)?;
            let mut more = numbers(&sector);
            next = more.pop().unwrap_or(u32::MAX);
            places.extend(more);
        }
        let mut table = Vec::new();
        for place in places.into_iter().filter(|place| *place < NO_SECTOR) {
            self.read_sector(file, place, &mut table)?;
            // Each number of the table is a sector of the file.
            if table.len() as u64 > (count + 2 * self.sector) * 4 {
                return Err(damaged("its table of sectors is larger than the file"));
            }
        }
        self.sectors = numbers(&table);
        Ok(())
    }

    fn chain(&self, file: &File, start: u32, bytes: u64) -> Result<Vec<u8>, IntakeError> {
        let mut stream = Vec::new();
        let mut at = start;
        let limit = bytes.min(MAX_STREAM).min(self.length);
        while at < NO_SECTOR && (stream.len() as u64) < limit {
            self.read_sector(file, at, &mut stream)?;
            at = self.sectors.get(at as usize).copied().unwrap_or(u32::MAX);
        }
        stream.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(stream)
    }
}

impl Entry {
    fn read(bytes: &[u8]) -> Option<Self> {
        let length = usize::from(u16_at(bytes, 64));
        // 2 is a stream; folders and what is free are passed over.
        if bytes[66] != 2 || !(2..=64).contains(&length) {
            return None;
        }
        let units: Vec<u16> =
            bytes[..length - 2].chunks_exact(2).map(|two| u16_at(two, 0)).collect();
        Some(Self {
            name: String::from_utf16_lossy(&units),
            start: u32_at(bytes, 116),
            bytes: u64::from(u32_at(bytes, 120)),
        })
    }
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|four| u32_at(four, 0)).collect()
}

/// A number in a record that may be too short for it, which then reads as 0.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |two| u16::from_le_bytes(*two))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |four| u32::from_le_bytes(*four))
}
