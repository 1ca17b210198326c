//! A timetable feed: a ZIP of tables that hang together. This lists the tables and gives one of them to be
//! read like any file; it unpacks nothing but what is read, and decides nothing of datasets.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use zip::{CompressionMethod, ZipArchive};

pub use crate::preset::GtfsLink;

use crate::{
    IntakeError, Recognised,
    decode::{guarded, unpacks_too_large},
    encoding::TextEncoding,
    preset::{GTFS_TABLES, gtfs_links},
    show::show_text,
};

/// The most bytes that a table may unpack to.
const MAX_UNPACKED: u64 = 8 << 30;

/// The most files a feed is looked through for.
const MAX_FILES: usize = 1_000;

/// A feed of which it is known which tables it has.
#[derive(Debug)]
pub struct GtfsFeed {
    file: File,
    tables: Vec<GtfsTable>,
    members: Vec<Member>,
}

/// One table of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GtfsTable {
    /// The table's name, such as `stop_times`.
    pub name: &'static str,
    /// The file's name in the ZIP.
    pub file_name: String,
    /// How many bytes it unpacks to.
    pub bytes: u64,
}

impl GtfsFeed {
    /// Looks into a file; `None` where it is no ZIP, or one that is no feed: a feed has stops, trips and
    /// the times of trips at stops, all in one folder.
    pub fn open(file: File) -> Result<Option<Self>, IntakeError> {
        guarded(|| Self::look(file))
    }

    fn look(mut file: File) -> Result<Option<Self>, IntakeError> {
        let mut magic = [0; 4];
        file.seek(SeekFrom::Start(0))?;
        if file.read(&mut magic)? < 4 || !magic.starts_with(b"PK") {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(0))?;
        let Ok(mut zip) = ZipArchive::new(file.try_clone()?) else { return Ok(None) };
        let mut found: Vec<(String, GtfsTable, Member)> = Vec::new();
        for index in 0..zip.len().min(MAX_FILES) {
            let Ok(entry) = zip.by_index_raw(index) else { continue };
            let Ok(path) = entry.name().map(|name| name.into_owned()) else { continue };
            let (folder, file_name) = path.rsplit_once(['/', '\\']).unwrap_or(("", &path));
            let known = GTFS_TABLES.iter().find(|table| {
                file_name.to_ascii_lowercase().strip_suffix(".txt") == Some(table.name)
            });
            let (Some(known), Some(start)) = (known, entry.data_start()) else { continue };
            let bytes = entry.size();
            let member = Member {
                start,
                packed: entry.compressed_size(),
                bytes,
                method: if entry.encrypted() { None } else { Some(entry.compression()) },
            };
            let table = GtfsTable { name: known.name, file_name: file_name.to_owned(), bytes };
            found.push((folder.to_owned(), table, member));
        }
        // A feed may lie in a folder; another of the same name beside it, as macOS adds, is none.
        let stops = found
            .iter()
            .find(|(folder, table, _)| table.name == "stops" && !folder.starts_with("__MACOSX"));
        let Some(folder) = stops.map(|(folder, ..)| folder.clone()) else { return Ok(None) };
        found.retain(|(other, ..)| *other == folder);
        let has = |name: &str| found.iter().any(|(_, table, _)| table.name == name);
        if !has("trips") || !has("stop_times") {
            return Ok(None);
        }
        found.sort_by_key(|(_, table, _)| GTFS_TABLES.iter().position(|t| t.name == table.name));
        found.dedup_by_key(|(_, table, _)| table.name);
        let (tables, members) = found.into_iter().map(|(_, table, member)| (table, member)).unzip();
        Ok(Some(Self { file, tables, members }))
    }

    /// The tables that the feed has and that are read, in the order in which they are worth reading.
    pub fn tables(&self) -> &[GtfsTable] {
        &self.tables
    }

    /// How the feed's tables hang together.
    pub fn links(&self) -> Vec<GtfsLink> {
        gtfs_links(|name| self.tables.iter().any(|table| table.name == name))
    }

    /// One of the tables, to be read like a file of its own.
    pub fn table(&self, name: &str) -> Result<Recognised, IntakeError> {
        let at = self.tables.iter().position(|table| table.name == name);
        let Some((table, member)) = at.map(|at| (&self.tables[at], self.members[at])) else {
            let shown = show_text(name);
            let has: Vec<&str> = self.tables.iter().map(|table| table.name).collect();
            let has = has.join(", ");
            return Err(IntakeError::unsupported(
                format!(
                    "GTFSのファイルに「{shown}」という表はありません。次の中から選んでください：{has}"
                ),
                format!("the feed has no table {shown:?}; choose one of {has}"),
            ));
        };
        if member.bytes > MAX_UNPACKED {
            return Err(unpacks_too_large(MAX_UNPACKED));
        }
        let encoding = member.encoding(self.file.try_clone()?)?;
        Recognised::member(self.file.try_clone()?, table.file_name.clone(), encoding, member)
    }
}

/// A file within a ZIP: where its bytes are and how they are packed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    start: u64,
    packed: u64,
    bytes: u64,
    /// None where it is encrypted.
    method: Option<CompressionMethod>,
}

impl Member {
    /// The text as UTF-8 without a mark.
    pub(crate) fn text(
        self,
        file: File,
        encoding: TextEncoding,
    ) -> Result<Box<dyn Read + Send>, IntakeError> {
        let mut bytes = self.unpacked(file)?;
        if encoding == TextEncoding::Utf8Bom {
            bytes.read_exact(&mut [0; 3])?;
        }
        Ok(encoding.decode(bytes))
    }

    /// UTF-8, as feeds are, unless the first part is not.
    fn encoding(self, file: File) -> Result<TextEncoding, IntakeError> {
        let mut head = Vec::new();
        self.unpacked(file)?.take(64 << 10).read_to_end(&mut head)?;
        Ok(match std::str::from_utf8(&head) {
            _ if head.starts_with(b"\xEF\xBB\xBF") => TextEncoding::Utf8Bom,
            Err(error) if error.error_len().is_some() => TextEncoding::Cp932,
            _ => TextEncoding::Utf8,
        })
    }

    fn unpacked(self, mut file: File) -> Result<Box<dyn Read + Send>, IntakeError> {
        file.seek(SeekFrom::Start(self.start))?;
        let packed = file.take(self.packed);
        let left = self.bytes;
        Ok(match self.method {
            Some(CompressionMethod::Stored) => Box::new(Measured { bytes: packed, left }),
            Some(CompressionMethod::Deflated) => {
                let bytes = flate2::read::DeflateDecoder::new(io::BufReader::new(packed));
                Box::new(Measured { bytes, left })
            }
            _ => {
                return Err(IntakeError::unsupported(
                    "ZIPの圧縮方式が読めないか、パスワードが付いています。普通のZIP（Deflate）で作り直してください",
                    "the ZIP is packed by a method that is not read, or has a password; make a plain ZIP (Deflate)",
                ));
            }
        })
    }
}

/// Bytes that are as many as was said of them, or end with an error.
struct Measured<R> {
    bytes: R,
    left: u64,
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(_) if count == 0 && self.left > 0 && !buffer.is_empty() => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file of the ZIP is cut short"))
            }
            Some(left) => {
                self.left = left;
                Ok(count)
            }
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a file of the ZIP unpacks to more than it says",
            )),
        }
    }
}
