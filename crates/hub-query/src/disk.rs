//! What one query puts on disk: in a folder of its own, which is made when there is something to put there.

use std::{path::PathBuf, sync::Arc};

use datafusion::{
    common::Result,
    execution::{
        SpillFile, TempFileFactory,
        disk_manager::{DiskManager, DiskManagerBuilder, DiskManagerMode},
    },
};
use parking_lot::Mutex;

/// A query's disk. Most queries never put anything on it.
#[derive(Debug)]
pub(crate) struct QueryDisk {
    folder: Option<PathBuf>,
    max_bytes: u64,
    made: Mutex<Option<Arc<DiskManager>>>,
}

impl QueryDisk {
    /// A disk of at most `max_bytes`, under `folder` or the system's folder for temporary files.
    pub(crate) fn new(folder: Option<PathBuf>, max_bytes: u64) -> Self {
        Self { folder, max_bytes, made: Mutex::default() }
    }

    /// Bytes on it now.
    pub(crate) fn used(&self) -> u64 {
        self.made.lock().as_ref().map_or(0, |disk| disk.used_disk_space())
    }

    fn make(&self) -> Result<Arc<DiskManager>> {
        let mode = match &self.folder {
            Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let disk = DiskManagerBuilder::default()
            .with_mode(mode)
            .with_max_temp_directory_size(self.max_bytes);
        Ok(Arc::new(disk.build()?))
    }
}

impl TempFileFactory for QueryDisk {
    fn create_temp_file(&self, description: &str) -> Result<Arc<dyn SpillFile>> {
        let disk = {
            let mut made = self.made.lock();
            match &*made {
                Some(disk) => Arc::clone(disk),
                None => Arc::clone(made.insert(self.make()?)),
            }
        };
        disk.create_tmp_file(description)
    }
}
