//! Waiting rows in a temporary file: written once in order, read back by place.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::Path,
    sync::Arc,
};

use arrow::{
    array::RecordBatch,
    ipc::{reader::FileReader, writer::FileWriter},
};
use arrow_schema::{ArrowError, SchemaRef};
use hub_model::DatasetId;
use tempfile::NamedTempFile;

use crate::LakeError;

/// A scratch file that is being written.
pub(crate) struct ScratchWriter {
    writer: FileWriter<BufWriter<File>>,
    file: NamedTempFile,
    batches: usize,
    dataset: DatasetId,
}

impl ScratchWriter {
    pub(crate) fn create(
        folder: &Path,
        schema: &SchemaRef,
        dataset: &DatasetId,
    ) -> Result<Self, LakeError> {
        let scratch = |source| LakeError::Scratch { source };
        let file = tempfile::Builder::new()
            .prefix("stage-")
            .suffix(".arrow")
            .tempfile_in(folder)
            .map_err(scratch)?;
        let handle = file.reopen().map_err(scratch)?;
        let writer = FileWriter::try_new(BufWriter::with_capacity(1 << 20, handle), schema)
            .map_err(|error| failure(dataset, error))?;
        Ok(Self { writer, file, batches: 0, dataset: dataset.clone() })
    }

    /// Writes a batch and answers its place.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<usize, LakeError> {
        self.writer.write(batch).map_err(|error| failure(&self.dataset, error))?;
        self.batches += 1;
        Ok(self.batches - 1)
    }

    pub(crate) fn finish(mut self) -> Result<ScratchFile, LakeError> {
        self.writer.finish().map_err(|error| failure(&self.dataset, error))?;
        Ok(ScratchFile { file: Arc::new(self.file), dataset: self.dataset })
    }
}

/// A scratch file that is complete. It is removed with the last of its clones.
#[derive(Clone)]
pub(crate) struct ScratchFile {
    file: Arc<NamedTempFile>,
    dataset: DatasetId,
}

impl ScratchFile {
    /// Opens the file once more, to read batches by their place.
    pub(crate) fn open(&self) -> Result<ScratchReader, LakeError> {
        let handle = self.file.reopen().map_err(|source| LakeError::Scratch { source })?;
        let reader = FileReader::try_new(BufReader::new(handle), None)
            .map_err(|error| failure(&self.dataset, error))?;
        Ok(ScratchReader { reader, of: Arc::clone(&self.file), dataset: self.dataset.clone() })
    }
}

/// Reads batches of a scratch file by their place.
pub(crate) struct ScratchReader {
    reader: FileReader<BufReader<File>>,
    of: Arc<NamedTempFile>,
    dataset: DatasetId,
}

impl ScratchReader {
    pub(crate) fn is_of(&self, file: &ScratchFile) -> bool {
        Arc::ptr_eq(&self.of, &file.file)
    }

    pub(crate) fn read(&mut self, place: usize) -> Result<RecordBatch, LakeError> {
        let failed = |error| failure(&self.dataset, error);
        self.reader.set_index(place).map_err(failed)?;
        match self.reader.next() {
            Some(batch) => batch.map_err(failed),
            None => Err(LakeError::Stopped { dataset: self.dataset.clone() }),
        }
    }
}

fn failure(dataset: &DatasetId, error: ArrowError) -> LakeError {
    match error {
        ArrowError::IoError(_, source) => LakeError::Scratch { source },
        other => LakeError::rows(dataset, "sorted")(other),
    }
}
