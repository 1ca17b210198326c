//! What one version of a dataset consists of: its files, and what is known of each without opening it.

use std::{collections::HashMap, sync::Arc};

use arrow_schema::SchemaRef;
use hub_model::{DatasetId, VersionNumber};
use object_store::path::Path;

use crate::FileRollups;

/// A least or greatest value of a stored column.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// Of a boolean column.
    Boolean(bool),
    /// Of a whole-number column, of 32 or 64 bits.
    Integer(i64),
    /// Of a floating-point column.
    Number(f64),
    /// Of a text column; may be a prefix where the statistics are not exact.
    Text(String),
    /// Of a date column, in days since 1970-01-01.
    Date(i32),
    /// Of an instant, in microseconds since 1970-01-01T00:00:00Z.
    Instant(i64),
}

/// What a file's statistics say of one stored column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnStatistics {
    /// No value of the file is less.
    pub minimum: Option<Bound>,
    /// No value of the file is greater.
    pub maximum: Option<Bound>,
    /// Whether both bounds are values of the file. Where not, they serve for pruning only, never for
    /// answering MIN or MAX.
    pub exact: bool,
    /// Rows without a value.
    pub nulls: Option<u64>,
}

/// One immutable Parquet file of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// Its key in the object store, from the store's root.
    pub path: Path,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// When it was written, in milliseconds since 1970-01-01T00:00:00Z.
    pub written_at_ms: i64,
    /// Statistics by stored column name; a column added later is absent.
    pub columns: HashMap<String, ColumnStatistics>,
    /// What its rows come to, where that was kept.
    pub rollups: Option<Arc<FileRollups>>,
}

/// One version of a dataset as readers see it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The dataset.
    pub dataset: DatasetId,
    /// Its version; 0 is the empty dataset.
    pub version: VersionNumber,
    /// The log entry that was read. Compaction moves it on without a new version.
    pub log_version: u64,
    /// The schema of the stored files; older files may lack its later columns.
    pub schema: SchemaRef,
    /// The stored columns each file is sorted by, ascending with missing values last.
    pub sort_columns: Arc<[String]>,
    /// The files.
    pub files: Arc<[DataFile]>,
}

impl Snapshot {
    /// Rows of the version.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Stored bytes of the version.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}
