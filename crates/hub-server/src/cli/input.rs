//! Files that are sent: checked and counted in a first pass, streamed in a second, never held whole.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::{Stream, StreamExt};
use indicatif::ProgressBar;
use reqwest::{
    Body, RequestBuilder,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use clap::{Args, ValueEnum};

use crate::cli::error::CliError;

const CHUNK: usize = 256 << 10;

/// The formats of files that a hub takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// Text whose cells are separated by commas, tabs or the like
    Csv,
    /// Excel workbook
    Xlsx,
    /// Excel workbook of before 2007
    Xls,
    /// JSON with an array of objects
    Json,
    /// JSON objects, one a line
    Ndjson,
    /// GeoJSON feature collection
    Geojson,
    /// Apache Parquet
    Parquet,
    /// Apache Arrow IPC file (also known as Feather)
    #[value(alias = "arrow_file", alias = "feather")]
    ArrowFile,
    /// Apache Arrow IPC stream
    #[value(alias = "arrow_stream")]
    ArrowStream,
}

impl FileFormat {
    /// The word the interface has for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Geojson => "geojson",
            Self::Parquet => "parquet",
            Self::ArrowFile => "arrow_file",
            Self::ArrowStream => "arrow_stream",
        }
    }
}

/// What the sender knows of a file better than the hub would find.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FileHints {
    /// Format of the file; by default the hub finds out
    #[arg(long, value_enum)]
    pub(crate) format: Option<FileFormat>,
    /// Publisher's layout by its id, or none to read the file as a plain table
    #[arg(long, value_name = "ID")]
    preset: Option<String>,
    /// Text encoding, such as cp932
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// What separates cells: comma, tab, semicolon, pipe, space, or the character itself
    #[arg(long, value_name = "MARK")]
    delimiter: Option<String>,
    /// What encloses cells: double, single or none
    #[arg(long, value_name = "QUOTE")]
    quote: Option<String>,
    /// Rows that hold the headings, such as 2 or 2-3
    #[arg(long, value_name = "ROWS")]
    header_rows: Option<String>,
    /// Sheet of a workbook, by name or number
    #[arg(long, value_name = "SHEET")]
    sheet: Option<String>,
    /// Table of a ZIP archive of several, such as stops of a GTFS feed
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

impl FileHints {
    /// The text encoding.
    pub(crate) fn encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    /// Whether nothing is said that only one table of a file can be meant by.
    pub(crate) fn are_open(&self) -> bool {
        let said = self.parameters();
        said.iter().all(|(name, _)| *name == "encoding")
    }

    /// As query parameters of a request.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, &str)> {
        let texts = [
            ("format", self.format.map(FileFormat::as_str)),
            ("preset", self.preset.as_deref()),
            ("encoding", self.encoding.as_deref()),
            ("delimiter", self.delimiter.as_deref()),
            ("quote", self.quote.as_deref()),
            ("header_rows", self.header_rows.as_deref()),
            ("sheet", self.sheet.as_deref()),
            ("table", self.table.as_deref()),
        ];
        texts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// An open file that can be read twice.
#[derive(Debug)]
pub(crate) struct Input {
    file: File,
    path: PathBuf,
    /// Its name without folders; none where it came through a pipe.
    name: Option<String>,
    size: u64,
}

/// What the first pass found.
#[derive(Debug, Clone)]
pub(crate) struct Fingerprint {
    sha256: [u8; 32],
}

impl Fingerprint {
    /// The value of the header `Content-Digest` (RFC 9530).
    pub(crate) fn content_digest(&self) -> String {
        format!("sha-256=:{}:", BASE64_STANDARD.encode(self.sha256))
    }

    /// A key that names this file and what is done with it, so that doing it again changes nothing.
    pub(crate) fn key(&self, words: &[&str]) -> String {
        let mut hash = Sha256::new();
        hash.update(self.sha256);
        for word in words {
            hash.update(b"\n");
            hash.update(word.as_bytes());
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("file-{hex}")
    }
}

impl Input {
    /// Opens a file; `-` is standard input. What can be read only once is first put into a temporary
    /// file.
    pub(crate) fn open(path: &Path) -> Result<Self, CliError> {
        let what = format!("can't read {}", path.display());
        let fail = || CliError::file(what.clone());
        if path.as_os_str() == "-" {
            let file = spool(&mut io::stdin().lock()).map_err(fail())?;
            return Self::new(file, path, None).map_err(fail());
        }
        let mut file = File::open(path).map_err(fail())?;
        let metadata = file.metadata().map_err(fail())?;
        if metadata.is_dir() {
            return Err(CliError::Usage(format!("{} is a folder; name a file", path.display())));
        }
        if !metadata.is_file() {
            let file = spool(&mut file).map_err(fail())?;
            return Self::new(file, path, None).map_err(fail());
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Self::new(file, path, name).map_err(fail())
    }

    fn new(file: File, path: &Path, name: Option<String>) -> io::Result<Self> {
        Ok(Self { size: file.metadata()?.len(), file, path: path.to_owned(), name })
    }

    /// The same file, to be sent once more after this was.
    pub(crate) fn again(&self) -> Result<Self, CliError> {
        let file = self.file.try_clone().map_err(self.error())?;
        Ok(Self { file, path: self.path.clone(), name: self.name.clone(), size: self.size })
    }

    /// Whether it begins like a ZIP archive, which a workbook does too.
    pub(crate) fn is_archive(&self) -> Result<bool, CliError> {
        let mut head = Vec::new();
        let read = (&self.file).rewind().and_then(|()| (&self.file).take(4).read_to_end(&mut head));
        read.map_err(self.error())?;
        Ok(head == b"PK\x03\x04")
    }

    /// The size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The name without folders; none where it came through a pipe.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn error(&self) -> impl FnOnce(io::Error) -> CliError + use<> {
        CliError::file(format!("can't read {}", self.path.display()))
    }

    /// Reads the whole file once.
    pub(crate) fn fingerprint(&mut self, bar: &ProgressBar) -> Result<Fingerprint, CliError> {
        self.hash(bar).map_err(self.error())
    }

    fn hash(&mut self, bar: &ProgressBar) -> io::Result<Fingerprint> {
        self.file.rewind()?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        let mut size = 0;
        loop {
            let read = self.file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            size += read as u64;
            hash.update(buffer.get(..read).unwrap_or_default());
            bar.inc(read as u64);
        }
        self.size = size;
        Ok(Fingerprint { sha256: hash.finalize().into() })
    }

    /// Puts the file into a request, to be streamed from its beginning.
    pub(crate) fn attach(
        mut self,
        request: RequestBuilder,
        format: Option<FileFormat>,
        bar: &ProgressBar,
    ) -> Result<RequestBuilder, CliError> {
        self.file.rewind().map_err(self.error())?;
        let media_type = media_type(self.name(), format);
        let size = self.size;
        Ok(request
            .header(CONTENT_LENGTH, size)
            .header(CONTENT_TYPE, media_type)
            .body(Body::wrap_stream(self.stream(bar.clone()))))
    }

    fn stream(self, bar: ProgressBar) -> impl Stream<Item = io::Result<bytes::Bytes>> {
        // No more than was counted is sent, should the file grow meanwhile.
        let reader = tokio::fs::File::from_std(self.file).take(self.size);
        ReaderStream::with_capacity(reader, CHUNK).inspect(move |chunk| {
            if let Ok(chunk) = chunk {
                bar.inc(chunk.len() as u64);
                if bar.length().is_some_and(|all| bar.position() >= all) {
                    bar.set_prefix("checking");
                }
            }
        })
    }
}

fn spool(from: &mut dyn Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(from, &mut file)?;
    file.rewind()?;
    Ok(file)
}

fn media_type(name: Option<&str>, format: Option<FileFormat>) -> &'static str {
    let extension =
        name.and_then(|name| Path::new(name).extension()?.to_str().map(str::to_lowercase));
    match (format, extension.as_deref()) {
        (Some(FileFormat::Csv), _) | (None, Some("csv")) => "text/csv",
        (Some(FileFormat::Parquet), _) | (None, Some("parquet")) => {
            "application/vnd.apache.parquet"
        }
        (Some(FileFormat::ArrowFile), _) => "application/vnd.apache.arrow.file",
        (Some(FileFormat::ArrowStream), _) => "application/vnd.apache.arrow.stream",
        // Arrow's files and streams share their names' endings; the hub looks inside.
        (_, _) => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_fingerprint_is_of_the_bytes_and_of_what_is_done_with_them() {
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
        file.write_all(b"hello world").unwrap();
        let mut input = Input::open(file.path()).unwrap();
        let bar = ProgressBar::hidden();
        let found = input.fingerprint(&bar).unwrap();
        assert_eq!(
            found.content_digest(),
            "sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:"
        );
        assert_eq!((input.size(), bar.position()), (11, 11));
        let again = input.fingerprint(&bar).unwrap();
        assert_eq!(found.key(&["a.b", "append"]), again.key(&["a.b", "append"]));
        assert_ne!(found.key(&["a.b", "append"]), found.key(&["a.b", "replace"]));
    }

    #[test]
    fn a_folder_is_wrong_usage_and_a_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Input::open(folder.path()), Err(CliError::Usage(_))));
        let missing = Input::open(&folder.path().join("none.csv")).unwrap_err();
        assert!(missing.to_string().contains("none.csv"), "{missing}");
    }

    #[test]
    fn the_media_type_is_the_formats_or_the_names() {
        assert_eq!(media_type(Some("a.CSV"), None), "text/csv");
        assert_eq!(
            media_type(Some("a.csv"), Some(FileFormat::ArrowStream)),
            "application/vnd.apache.arrow.stream"
        );
        assert_eq!(media_type(Some("a.arrow"), None), "application/octet-stream");
        assert_eq!(media_type(None, None), "application/octet-stream");
    }
}
