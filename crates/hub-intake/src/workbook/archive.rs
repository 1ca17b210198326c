//! The parts of a workbook's ZIP archive: found by the central directory, unpacked as they are read, and
//! never beyond what a sound workbook unpacks to. Nothing here knows what a part is for.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    sync::Arc,
};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::{IntakeError, decode::damaged};

/// The most parts of a workbook: each sheet, picture and comment is one.
const MAX_PARTS: u64 = 20_000;

/// How many times larger a part may be than its packed form, once it is larger than [`SMALL`]. Sheets of
/// real workbooks stay under 60.
const MAX_RATIO: u64 = 300;

/// Unpacked size under which the ratio does not matter.
const SMALL: u64 = 64 << 20;

/// The most a part may unpack to: a sheet of a million rows and a hundred columns is a tenth of it.
const MAX_PART_BYTES: u64 = 64 << 30;

/// What an archive lies in.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    File(Arc<File>),
    Memory(Arc<Vec<u8>>),
}

/// A file that is read at places of its own, so that several can read it at once.
#[derive(Debug, Clone)]
pub(crate) struct Positioned {
    source: Source,
    at: u64,
    end: u64,
}

impl Positioned {
    pub(crate) fn new(source: Source) -> io::Result<Self> {
        let end = match &source {
            Source::File(file) => file.metadata()?.len(),
            Source::Memory(bytes) => bytes.len() as u64,
        };
        Ok(Self { source, at: 0, end })
    }

    fn range(&self, start: u64, length: u64) -> Self {
        let end = start.saturating_add(length).min(self.end);
        Self { source: self.source.clone(), at: start.min(end), end }
    }
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(room);
        let read = match &self.source {
            Source::File(file) => file.read_at(&mut buffer[..wanted], self.at)?,
            Source::Memory(bytes) => {
                let at = usize::try_from(self.at).unwrap_or(usize::MAX).min(bytes.len());
                Read::read(&mut &bytes[at..], &mut buffer[..wanted])?
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Positioned {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// Where a part lies and what it unpacks to.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u64,
    packed: u64,
    checksum: u32,
    method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Stored,
    Deflated,
    /// Encrypted, or packed in a way that no spreadsheet writes.
    Other,
}

/// The parts of an archive by name.
#[derive(Debug)]
pub(crate) struct Archive {
    file: Positioned,
    parts: HashMap<String, Place>,
}

impl Archive {
    pub(crate) fn open(source: Source) -> Result<Self, IntakeError> {
        let file = Positioned::new(source)?;
        if count_of_parts(&file)? > MAX_PARTS {
            return Err(IntakeError::too_large(
                format!(
                    "ZIPの中に{MAX_PARTS}を超えるファイルがあります。Excelで保存し直してから送ってください"
                ),
                format!(
                    "there are more than {MAX_PARTS} files in the archive; save the workbook anew in Excel and send that"
                ),
            ));
        }
        let mut archive = ZipArchive::new(file.clone()).map_err(|e| damaged(&e.to_string()))?;
        let mut parts = HashMap::with_capacity(archive.len());
        for index in 0..archive.len() {
            let part = archive.by_index_raw(index).map_err(|e| damaged(&e.to_string()))?;
            let Ok(name) = part.name() else { continue };
            let method = match part.compression() {
                _ if part.encrypted() => Method::Other,
                CompressionMethod::Stored => Method::Stored,
                CompressionMethod::Deflated => Method::Deflated,
                _ => Method::Other,
            };
            let start = part.data_start().ok_or_else(|| damaged("a part has no place"))?;
            let place =
                Place { start, packed: part.compressed_size(), checksum: part.crc32(), method };
            parts.insert(key(&name), place);
        }
        Ok(Self { file, parts })
    }

    /// The archive's file from its start.
    pub(crate) fn file(&self) -> Positioned {
        self.file.clone()
    }

    /// The names of all parts, as [`key`] writes them.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.parts.keys().cloned()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.parts.contains_key(&key(name))
    }

    /// Whether the name of any part begins like this.
    pub(crate) fn has_folder(&self, prefix: &str) -> bool {
        self.parts.keys().any(|name| name.starts_with(prefix))
    }

    /// A part from its start; none where there is no such part.
    pub(crate) fn part(&self, name: &str) -> Result<Option<Part>, IntakeError> {
        let Some(place) = self.parts.get(&key(name)) else { return Ok(None) };
        let packed = self.file.range(place.start, place.packed);
        let bytes = match place.method {
            Method::Stored => Bytes::Stored(packed),
            Method::Deflated => {
                Bytes::Deflated(DeflateDecoder::new_with_buf(packed, vec![0; 64 << 10]))
            }
            Method::Other => {
                return Err(IntakeError::unsupported(
                    "ブックが暗号化されているか、特別な方法で圧縮されています。Excelで開き、パスワードを外して保存し直してから送ってください",
                    "the workbook is encrypted or packed in an unusual way; open it in Excel, remove the password, save it and send that",
                ));
            }
        };
        Ok(Some(Part {
            bytes,
            read: 0,
            limit: place.packed.saturating_mul(MAX_RATIO).clamp(SMALL, MAX_PART_BYTES),
            packed: place.packed,
            checksum: crc32fast::Hasher::new(),
            expected: place.checksum,
        }))
    }
}

/// Names of parts differ neither by case nor, as some writers have it, by the kind of slash.
pub(crate) fn key(name: &str) -> String {
    name.trim_start_matches('/').replace('\\', "/").to_ascii_lowercase()
}

/// How many parts the archive's end claims, read before the list itself is.
fn count_of_parts(file: &Positioned) -> Result<u64, IntakeError> {
    let mut tail = Vec::new();
    let start = file.end.saturating_sub((64 << 10) + 22 + 20);
    file.range(start, file.end - start).read_to_end(&mut tail)?;
    let mut most = 0;
    for at in memchr::memmem::find_iter(&tail, b"PK\x05\x06") {
        if let Some([low, high]) = tail.get(at + 10..at + 12) {
            most = most.max(u64::from(u16::from_le_bytes([*low, *high])));
        }
    }
    for at in memchr::memmem::find_iter(&tail, b"PK\x06\x07") {
        let Some(place) = tail.get(at + 8..).and_then(<[u8]>::first_chunk::<8>) else { continue };
        let mut record = [0; 40];
        let mut reader = file.range(u64::from_le_bytes(*place), 40);
        if reader.read_exact(&mut record).is_ok()
            && let Some(count) = record[32..].first_chunk::<8>()
        {
            most = most.max(u64::from_le_bytes(*count));
        }
    }
    Ok(most)
}

enum Bytes {
    Stored(Positioned),
    Deflated(DeflateDecoder<Positioned>),
}

/// A part as it is unpacked. Reading it to its end checks it against its checksum.
pub(crate) struct Part {
    bytes: Bytes,
    read: u64,
    limit: u64,
    packed: u64,
    checksum: crc32fast::Hasher,
    expected: u32,
}

impl Part {
    /// How many bytes it takes in the archive.
    pub(crate) fn packed(&self) -> u64 {
        self.packed
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.bytes {
            Bytes::Stored(file) => file.read(buffer)?,
            Bytes::Deflated(file) => file.read(buffer)?,
        };
        self.checksum.update(&buffer[..read]);
        self.read += read as u64;
        if self.read > self.limit {
            return Err(io::Error::other(PartFault::Bomb));
        }
        if read == 0 && !buffer.is_empty() && self.checksum.clone().finalize() != self.expected {
            return Err(io::Error::other(PartFault::Checksum));
        }
        Ok(read)
    }
}

/// What is wrong with a part, within an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PartFault {
    #[error("it unpacks to far more than a sound workbook does")]
    Bomb,
    #[error("its checksum is wrong")]
    Checksum,
}

/// The error of a part that can't be read on.
pub(crate) fn part_error(error: io::Error) -> IntakeError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<PartFault>()) {
        Some(PartFault::Bomb) => IntakeError::too_large(
            "ブックを展開すると、ふつうのブックではありえない大きさになります。Excelで保存し直すか、CSVで保存して送ってください",
            "the workbook unpacks to far more than a sound one does; save it anew in Excel, or as CSV, and send that",
        ),
        Some(PartFault::Checksum) => damaged("a part's checksum is wrong"),
        None if matches!(
            error.kind(),
            io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidData
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::Other
        ) =>
        {
            damaged(&error.to_string())
        }
        None => IntakeError::Io(error),
    }
}
