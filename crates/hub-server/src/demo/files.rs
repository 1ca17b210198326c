//! The upload files that the sample is written to: Parquet and Arrow for batches, CSV for lines. Rows
//! pass through; no file is held whole.

use std::{
    fmt::Display,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use arrow::{array::RecordBatch, error::ArrowError, ipc::writer::FileWriter};
use hub_model::Contract;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use super::DemoError;

/// Where a generator hands its batches.
pub(super) type Sink<'a> = &'a mut dyn FnMut(RecordBatch) -> Result<(), DemoError>;

/// Rows of a Parquet row group: the writer holds one encoded group at a time.
const ROW_GROUP_ROWS: usize = 131_072;

/// A file of record batches.
pub(super) trait BatchFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), DemoError>;
    fn finish(self) -> Result<(), DemoError>;
}

pub(super) struct ParquetFile {
    writer: ArrowWriter<BufWriter<File>>,
    path: PathBuf,
}

pub(super) struct ArrowFile {
    writer: FileWriter<BufWriter<File>>,
    path: PathBuf,
}

/// A UTF-8 file with a header line of the contract's names.
pub(super) struct CsvFile {
    writer: BufWriter<File>,
    path: PathBuf,
}

impl ParquetFile {
    pub(super) fn create(path: &Path, contract: &Contract) -> Result<Self, DemoError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let file = BufWriter::new(create(path)?);
        let writer = ArrowWriter::try_new(file, contract.reader_schema(), Some(properties))
            .map_err(|e| failed(path, e.into()))?;
        Ok(Self { writer, path: path.to_owned() })
    }
}

impl BatchFile for ParquetFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), DemoError> {
        self.writer.write(batch).map_err(|e| failed(&self.path, e.into()))
    }

    fn finish(self) -> Result<(), DemoError> {
        let path = self.path;
        let mut file = self.writer.into_inner().map_err(|e| failed(&path, e.into()))?;
        file.flush().map_err(|source| DemoError::Write { path, source })
    }
}

impl ArrowFile {
    pub(super) fn create(path: &Path, contract: &Contract) -> Result<Self, DemoError> {
        let file = BufWriter::new(create(path)?);
        let writer =
            FileWriter::try_new(file, &contract.reader_schema()).map_err(|e| failed(path, e))?;
        Ok(Self { writer, path: path.to_owned() })
    }
}

impl BatchFile for ArrowFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), DemoError> {
        self.writer.write(batch).map_err(|e| failed(&self.path, e))
    }

    fn finish(mut self) -> Result<(), DemoError> {
        self.writer.finish().map_err(|e| failed(&self.path, e))?;
        let path = self.path;
        let mut file = self.writer.into_inner().map_err(|e| failed(&path, e))?;
        file.flush().map_err(|source| DemoError::Write { path, source })
    }
}

impl CsvFile {
    pub(super) fn create(path: &Path, contract: &Contract) -> Result<Self, DemoError> {
        let mut file = Self { writer: BufWriter::new(create(path)?), path: path.to_owned() };
        let names: Vec<&dyn Display> =
            contract.fields.iter().map(|field| &field.name as &dyn Display).collect();
        file.line(&names)?;
        Ok(file)
    }

    /// Writes one line; an empty text is a missing value. No cell of the sample needs quotes.
    pub(super) fn line(&mut self, cells: &[&dyn Display]) -> Result<(), DemoError> {
        self.put(cells).map_err(|source| DemoError::Write { path: self.path.clone(), source })
    }

    fn put(&mut self, cells: &[&dyn Display]) -> io::Result<()> {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.writer.write_all(b",")?;
            }
            write!(self.writer, "{cell}")?;
        }
        self.writer.write_all(b"\r\n")
    }

    pub(super) fn finish(mut self) -> Result<(), DemoError> {
        self.writer.flush().map_err(|source| DemoError::Write { path: self.path, source })
    }
}

/// A cell that may have no value.
pub(super) fn optional<T: Display>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn create(path: &Path) -> Result<File, DemoError> {
    File::create(path).map_err(|source| DemoError::Write { path: path.to_owned(), source })
}

fn failed(path: &Path, error: ArrowError) -> DemoError {
    match error {
        ArrowError::IoError(_, source) => DemoError::Write { path: path.to_owned(), source },
        other => DemoError::Encode(other),
    }
}
