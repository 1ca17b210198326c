//! A new file, written batch by batch in the order that it shall have, in bounded memory.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::Arc,
};

use arrow::array::RecordBatch;
use arrow_schema::SchemaRef;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart, path::Path};
use parquet::{arrow::ArrowWriter, errors::ParquetError};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use crate::{
    LakeError,
    log::new_data_file,
    revise::reach::Gathered,
    rollup::{self, Roller},
    stage::{
        Plan, StagedFile,
        write::{column_statistics, hex, properties},
    },
    statistics,
};

/// Bytes of a part; a file that is no larger goes in one request.
const PART_BYTES: usize = 8 << 20;
/// Parts under way at once.
const PARTS_AT_ONCE: usize = 2;

/// A file that is being written. Everything it does blocks.
pub(crate) struct FileWriter {
    writer: ArrowWriter<Sink>,
    name: String,
    schema: SchemaRef,
    rows: u64,
    columns: Vec<Gathered>,
    plan: Arc<Plan>,
    roller: Option<Roller>,
}

impl FileWriter {
    pub(crate) fn create(plan: &Arc<Plan>, schema: &SchemaRef) -> Result<Self, LakeError> {
        let failed = || LakeError::rows(plan.dataset(), "written");
        let name = new_data_file();
        let sink = Sink {
            store: Arc::clone(&plan.table.store),
            runtime: plan.runtime.clone(),
            path: plan.table.folder.clone().join(name.as_str()),
            waiting: Vec::new(),
            upload: None,
            failure: None,
            digest: Sha256::new(),
            bytes: 0,
        };
        // The schema may have grown since the plan was made, so places are looked up by name.
        let sort: Vec<usize> = plan
            .sort
            .iter()
            .filter_map(|place| schema.index_of(plan.schema.field(*place).name()).ok())
            .collect();
        let properties = properties(&sort, plan.options.zstd_level).map_err(failed())?;
        let writer =
            ArrowWriter::try_new(sink, Arc::clone(schema), Some(properties)).map_err(failed())?;
        Ok(Self {
            writer,
            name,
            rows: 0,
            columns: vec![Gathered::default(); schema.fields().len()],
            roller: plan.rollup.as_ref().and_then(|spec| Roller::new(spec, schema)),
            schema: Arc::clone(schema),
            plan: Arc::clone(plan),
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let rows = batch.num_rows() as u64;
        if rows == 0 {
            return Ok(());
        }
        for (gathered, column) in self.columns.iter_mut().zip(batch.columns()) {
            gathered.add(rows, column_statistics(column));
        }
        self.rows += rows;
        if let Some(roller) = &mut self.roller {
            roller.push(batch).map_err(LakeError::rows(self.plan.dataset(), "summed up"))?;
        }
        let written = self.writer.write(batch);
        self.checked(written)
    }

    fn checked<T>(&mut self, done: Result<T, ParquetError>) -> Result<T, LakeError> {
        done.map_err(|error| match self.writer.inner_mut().failure.take() {
            Some(source) => LakeError::Store { action: "writing a file", source },
            None => LakeError::rows(self.plan.dataset(), "written")(error),
        })
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the file; it is in the store when this returns.
    pub(crate) fn finish(mut self) -> Result<StagedFile, LakeError> {
        let flushed = self.writer.flush();
        self.checked(flushed)?;
        let dataset = self.plan.dataset();
        let sink = self.writer.into_inner().map_err(LakeError::rows(dataset, "written"))?;
        let (bytes, sha256) = sink.finish()?;
        let rollups = match (self.roller, &self.plan.rollup) {
            (Some(roller), Some(spec)) if self.rows >= self.plan.options.rollup_rows => {
                rollup::put(&self.plan, spec, roller, &self.name)?
            }
            _ => None,
        };
        let names = self.schema.fields().iter().map(|field| field.name().clone());
        let columns: Vec<_> = names.zip(self.columns.into_iter().map(Gathered::finish)).collect();
        Ok(StagedFile {
            name: self.name,
            rows: self.rows,
            bytes,
            sha256,
            stats: statistics::to_log(self.rows, &columns),
            columns: columns.into_iter().collect::<HashMap<_, _>>(),
            row_numbers: None,
            rollups,
        })
    }
}

/// Takes bytes and sends them to the store in parts. Dropped before its end, it leaves nothing there.
struct Sink {
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
    path: Path,
    waiting: Vec<u8>,
    upload: Option<WriteMultipart>,
    /// What the store said, which the encoder would hide.
    failure: Option<object_store::Error>,
    digest: Sha256,
    bytes: u64,
}

impl Sink {
    fn send(&mut self) -> Result<(), object_store::Error> {
        let _context = self.runtime.enter();
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => {
                let begun = self.runtime.block_on(self.store.put_multipart(&self.path))?;
                WriteMultipart::new_with_chunk_size(begun, PART_BYTES)
            }
        };
        upload.put(std::mem::take(&mut self.waiting).into());
        let upload = self.upload.insert(upload);
        self.runtime.block_on(upload.wait_for_capacity(PARTS_AT_ONCE))
    }

    fn finish(mut self) -> Result<(u64, String), LakeError> {
        let failed = LakeError::store("writing a file");
        let waiting = std::mem::take(&mut self.waiting);
        let _context = self.runtime.enter();
        let written = match self.upload.take() {
            None => self.runtime.block_on(self.store.put(&self.path, PutPayload::from(waiting))),
            Some(mut upload) => {
                upload.put(waiting.into());
                self.runtime.block_on(upload.finish())
            }
        };
        written.map_err(failed)?;
        Ok((self.bytes, hex(&std::mem::take(&mut self.digest).finalize())))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= PART_BYTES {
            self.send().map_err(|error| {
                let said = io::Error::other(error.to_string());
                self.failure = Some(error);
                said
            })?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            let path = self.path.clone();
            self.runtime.spawn(async move {
                if let Err(error) = upload.abort().await {
                    tracing::debug!(%path, %error, "an unfinished file could not be taken back");
                }
            });
        }
    }
}
