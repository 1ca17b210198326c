//! The limits within which a file is read.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use hub_model::OnError;
use serde::{Deserialize, Serialize};

use crate::IntakeError;

/// The most cells of a batch.
const MAX_CELLS: usize = 4 << 20;

/// How a file is read. The defaults are for a server that reads files of strangers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IntakeOptions {
    /// How many broken cells the report lists; all are counted. Default 1,000.
    pub error_cap: usize,
    /// The most rows of a batch. Default 32,768.
    pub batch_rows: usize,
    /// The most bytes of text in one column of a batch, beyond which the batch is cut. Default 16 MiB.
    pub batch_bytes: usize,
    /// The longest CSV record in bytes, its line ends within quotes included. Default 8 MiB.
    pub max_record_bytes: usize,
    /// The largest piece of a typed file that must be held at once: an Arrow record batch or a Parquet
    /// page, unpacked. Default 512 MiB.
    pub max_piece_bytes: u64,
    /// The most bytes a file may unpack to in all. Default 256 GiB.
    pub max_decoded_bytes: u64,
    /// What is done with cells that break the contract. Default: one refuses the file.
    pub on_error: OnError,
    /// Where files inside an archive are unpacked to, as files without a name; the system's folder for
    /// temporary files where nothing is said. Default none.
    pub temp_dir: Option<PathBuf>,
    /// Where those files were opened beforehand, since the reader may open none any more.
    #[serde(skip)]
    pub scratch: Option<Scratch>,
    /// Set to true from elsewhere, it ends the reading within a batch.
    #[serde(skip)]
    pub stop: Arc<AtomicBool>,
}

impl Default for IntakeOptions {
    fn default() -> Self {
        Self {
            error_cap: 1_000,
            batch_rows: 32_768,
            batch_bytes: 16 << 20,
            max_record_bytes: 8 << 20,
            max_piece_bytes: 512 << 20,
            max_decoded_bytes: 256 << 30,
            on_error: OnError::default(),
            temp_dir: None,
            scratch: None,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }
}

/// Files without a name, opened before they were needed.
#[derive(Debug, Clone, Default)]
pub struct Scratch(Arc<Mutex<Vec<File>>>);

impl Scratch {
    /// Opens so many in this folder, or in the system's.
    pub(crate) fn open(folder: Option<&Path>, count: usize) -> io::Result<Self> {
        let files: io::Result<Vec<File>> = (0..count).map(|_| nameless(folder)).collect();
        Ok(Self(Arc::new(Mutex::new(files?))))
    }

    fn take(&self) -> io::Result<File> {
        let spent = || io::Error::other("no file is left to unpack into");
        self.0.lock().map_err(|_| spent())?.pop().ok_or_else(spent)
    }
}

fn nameless(folder: Option<&Path>) -> io::Result<File> {
    folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)
}

impl IntakeOptions {
    /// A file without a name, to unpack into.
    pub(crate) fn temporary(&self) -> io::Result<File> {
        match &self.scratch {
            Some(scratch) => scratch.take(),
            None => nameless(self.temp_dir.as_deref()),
        }
    }

    /// How many rows of so many columns are held at once: a table's width must not multiply memory.
    pub(crate) fn rows_for(&self, columns: usize) -> usize {
        self.batch_rows.min(MAX_CELLS / columns.max(1)).max(1)
    }

    pub(crate) fn check_stop(&self) -> Result<(), IntakeError> {
        if self.stop.load(Ordering::Relaxed) { Err(IntakeError::Stopped) } else { Ok(()) }
    }
}
