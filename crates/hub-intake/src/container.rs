//! Files packed in gzip or ZIP: unpacked into temporary files within limits, and never by the names that
//! they carry. One file inside is read as that file; several of one layout are read one after another.
//! A container within a container is refused.

mod gzip;
mod zip;

pub(crate) use zip::list;

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use hub_model::Text;

use crate::{IntakeError, IntakeOptions, decode::unpacks_too_large, show::show_text};

/// The most entries of an archive that is looked into at all, and the most files read from one.
const MAX_ENTRIES: usize = 2_000;
pub(crate) const MAX_FILES: usize = 256;

/// Tables shrink to a hundredth at the best; what unpacks to more than this many times its size, once it
/// is past so many bytes, was made to do harm.
const MAX_RATIO: u64 = 200;
const RATIO_FROM: u64 = 64 << 20;

/// A file that was inside.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its name in the archive, folders included, as it can be shown.
    pub(crate) name: String,
    pub(crate) file: File,
}

/// What was inside a container.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// `gzip` or `zip`.
    pub(crate) kind: &'static str,
    /// The files, at least one, in the order of their names.
    pub(crate) members: Vec<Member>,
    /// What was passed over, such as a manual.
    pub(crate) notes: Vec<Text>,
}

/// Unpacks a file that is a container; none where it is not one. Workbooks are no containers here.
pub(crate) fn unpack(
    file: &File,
    file_name: Option<&str>,
    options: &IntakeOptions,
) -> Result<Option<Unpacked>, IntakeError> {
    let file = file.try_clone()?;
    match kind(&file)? {
        Some(Kind::Gzip) => gzip::unpack(file, file_name, options).map(Some),
        Some(Kind::Zip) => zip::unpack(file, options, &|_| true),
        None => Ok(None),
    }
}

/// Unpacks those files of a ZIP archive that are wanted by their names; none where the file is no archive.
pub(crate) fn unpack_some(
    file: &File,
    options: &IntakeOptions,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Option<Unpacked>, IntakeError> {
    let file = file.try_clone()?;
    match kind(&file)? {
        Some(Kind::Zip) => zip::unpack(file, options, is_wanted),
        Some(Kind::Gzip) | None => Ok(None),
    }
}

/// The most files that a file may have to be unpacked into, as far as its first bytes tell.
pub(crate) fn files_within(file: &File) -> io::Result<usize> {
    Ok(match kind(file)? {
        Some(Kind::Gzip) => 1,
        Some(Kind::Zip) => MAX_FILES,
        None => 0,
    })
}

enum Kind {
    Gzip,
    Zip,
}

fn kind(mut file: &File) -> io::Result<Option<Kind>> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    file.take(4).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(match head.as_slice() {
        [0x1F, 0x8B, ..] => Some(Kind::Gzip),
        b"PK\x03\x04" | b"PK\x05\x06" => Some(Kind::Zip),
        _ => None,
    })
}

/// How much may still be unpacked.
struct Budget<'a> {
    options: &'a IntakeOptions,
    /// What the container is called.
    kind: &'static str,
    /// Bytes of the container.
    packed: u64,
    unpacked: u64,
}

impl<'a> Budget<'a> {
    fn new(
        file: &File,
        kind: &'static str,
        options: &'a IntakeOptions,
    ) -> Result<Self, IntakeError> {
        Ok(Self { options, kind, packed: file.metadata()?.len().max(1), unpacked: 0 })
    }

    /// Unpacks one file into a temporary one that has no name.
    fn unpack(&mut self, packed: &mut dyn Read) -> Result<File, IntakeError> {
        let mut file = self.options.temporary()?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            self.options.check_stop()?;
            let read = match packed.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(damaged(self.kind, &error)),
            };
            self.unpacked += read as u64;
            if self.unpacked > self.options.max_decoded_bytes {
                return Err(unpacks_too_large(self.options.max_decoded_bytes));
            }
            if self.unpacked > RATIO_FROM && self.unpacked / self.packed > MAX_RATIO {
                return Err(bomb());
            }
            file.write_all(&buffer[..read])?;
        }
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

/// Refuses a file inside that is a container itself.
fn refuse_nested(file: &mut File, name: &str) -> Result<(), IntakeError> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    Read::by_ref(file).take(512).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    let is_tar = head.get(257..262) == Some(b"ustar");
    if is_tar || head.starts_with(&[0x1F, 0x8B]) || zip::is_archive(file, &head)? {
        return Err(nested(name));
    }
    Ok(())
}

fn nested(name: &str) -> IntakeError {
    let name = show_text(name);
    IntakeError::unsupported(
        format!(
            "圧縮ファイルの中の「{name}」がさらに圧縮されたものです。展開して、中のファイルだけをZIPにするか、そのまま送ってください"
        ),
        format!(
            "{name:?} inside the archive is an archive itself; unpack it, and send the files as they are or in one ZIP"
        ),
    )
}

fn bomb() -> IntakeError {
    IntakeError::too_large(
        format!(
            "展開すると元の{MAX_RATIO}倍を超えるので、読むのをやめました。展開したファイルを送ってください"
        ),
        format!(
            "the file unpacks to more than {MAX_RATIO} times its size and was not read on; send it unpacked"
        ),
    )
}

fn damaged(kind: &str, error: &io::Error) -> IntakeError {
    let detail = show_text(&error.to_string());
    IntakeError::unreadable(
        format!(
            "{kind}のファイルが壊れているか、途中で切れています。圧縮し直して、もう一度送ってください（{detail}）"
        ),
        format!(
            "the {kind} file is damaged or cut short; pack it anew and send it again ({detail})"
        ),
    )
}

#[cfg(test)]
mod tests;
