//! Compaction: many small files become few large ones, in the same order, without a new version.
//!
//! Readers keep what they opened, since files are only removed from the newest state. Two compactions,
//! or a compaction and a replacement, can't both count: the one that comes second finds that its files
//! are no longer part of the newest state and gives up.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::SchemaRef;
use chrono::{DateTime, Utc};
use deltalake_core::{
    kernel::{Action, Transaction},
    protocol::DeltaOperation,
};
use hub_model::DatasetId;
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{
    Bound, DataFile, Lake, LakeError, StageOptions, StageOutcome, Staged,
    commit::{Backoff, remove, signed},
    log::{Attempt, NewEntry, REWRITE_APP, Table, TableState},
};

/// What is compacted, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct CompactOptions {
    /// How the rows are sorted and written.
    pub stage: StageOptions,
    /// Files with fewer rows than this are small. The default is half a million.
    pub small_rows: u64,
    /// Nothing is done for fewer small files than this. The default is 8.
    pub at_least_files: usize,
    /// How many rows are rewritten at once at most. The default is 16 million.
    pub at_most_rows: u64,
    /// The time that the rewrite is recorded with.
    pub now: DateTime<Utc>,
}

impl Default for CompactOptions {
    fn default() -> Self {
        Self {
            stage: StageOptions::default(),
            small_rows: 500_000,
            at_least_files: 8,
            at_most_rows: 16_000_000,
            now: Utc::now(),
        }
    }
}

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactOutcome {
    /// Files that were taken out of the newest state.
    pub files_removed: u64,
    /// Files that took their place.
    pub files_added: u64,
    /// Rows rewritten.
    pub rows: u64,
    /// Whether another writer removed the same files first; nothing was changed then.
    pub overtaken: bool,
}

impl Lake {
    /// Joins the dataset's small files, earliest first. Rows, versions and their numbers stay.
    pub async fn compact(
        &self,
        dataset: &DatasetId,
        options: &CompactOptions,
    ) -> Result<CompactOutcome, LakeError> {
        let table = self.table(dataset)?;
        let state = table.latest().await?;
        let small = small_files(&state, options);
        if small.len() < options.at_least_files.max(2) {
            return Ok(CompactOutcome::default());
        }
        let staged = self.rewrite(&state, &small, options).await?;
        let rows: u64 = small.iter().map(|file| file.rows).sum();
        if staged.rows() != rows {
            staged.delete().await;
            let reason = "its files hold other numbers of rows than its log says";
            return Err(LakeError::corrupt(dataset, reason));
        }
        let files_added = staged.files.len() as u64;
        if !swap(&table, staged, &small, options).await? {
            return Ok(CompactOutcome { overtaken: true, ..CompactOutcome::default() });
        }
        let files_removed = small.len() as u64;
        Ok(CompactOutcome { files_removed, files_added, rows, overtaken: false })
    }

    async fn rewrite(
        &self,
        state: &TableState,
        files: &[DataFile],
        options: &CompactOptions,
    ) -> Result<Staged, LakeError> {
        let (lake, contract) = (self.clone(), state.contract.clone());
        let dataset = state.snapshot.dataset.clone();
        let (schema, options) = (Arc::clone(&state.snapshot.schema), options.stage.clone());
        let files = files.to_vec();
        let stopped = LakeError::Stopped { dataset: dataset.clone() };
        let work = tokio::task::spawn_blocking(move || {
            let mut stager = lake.stager_with(&dataset, &contract, options, false)?;
            let (runtime, store) = (tokio::runtime::Handle::current(), lake.object_store());
            for file in files {
                let failed = || LakeError::rows(&dataset, "read");
                // The file is small, or it would not be compacted, so it is read as it is.
                let bytes = runtime
                    .block_on(async { store.get(&file.path).await?.bytes().await })
                    .map_err(LakeError::store("reading a file"))?;
                let batches = ParquetRecordBatchReaderBuilder::try_new(bytes)
                    .and_then(ParquetRecordBatchReaderBuilder::build)
                    .map_err(LakeError::rows(&dataset, "read"))?;
                for batch in batches {
                    let batch = batch.and_then(|batch| conform(&batch, &schema));
                    stager.push(batch.map_err(failed())?, 0)?;
                }
            }
            stager.finish()
        });
        let StageOutcome { staged, .. } = work.await.unwrap_or(Err(stopped))?;
        Ok(staged)
    }
}

/// Small files by the order of their times, up to the number of rows that are rewritten at once.
fn small_files(state: &TableState, options: &CompactOptions) -> Vec<DataFile> {
    let time = state.contract.time_field().map(|field| field.storage_name());
    let start = |file: &DataFile| {
        let column = time.and_then(|time| file.columns.get(time));
        match column.and_then(|column| column.minimum.as_ref()) {
            Some(Bound::Instant(value) | Bound::Integer(value)) => *value,
            Some(Bound::Date(days)) => i64::from(*days),
            _ => i64::MAX,
        }
    };
    let mut small: Vec<DataFile> = state
        .snapshot
        .files
        .iter()
        .filter(|file| file.rows < options.small_rows)
        .cloned()
        .collect();
    small.sort_by_key(|file| (start(file), file.written_at_ms));
    let mut rows = 0;
    small.retain(|file| {
        rows += file.rows;
        rows <= options.at_most_rows
    });
    small
}

/// A batch of an older file in today's schema: columns added since have no values there.
pub(crate) fn conform(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match batch.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => new_null_array(field.data_type(), batch.num_rows()),
        }
    });
    let columns: Vec<ArrayRef> = columns.collect();
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// Puts the new files in the place of the old, if all of these are still part of the newest state.
async fn swap(
    table: &Table,
    staged: Staged,
    old: &[DataFile],
    options: &CompactOptions,
) -> Result<bool, LakeError> {
    let _writing = table.writing.lock().await;
    let now = options.now.timestamp_millis();
    let mut backoff = Backoff::new(table);
    loop {
        let state = table.latest().await?;
        let active: HashSet<_> = state.snapshot.files.iter().map(|file| &file.path).collect();
        let new = staged.names().next();
        let new = new.map(|name| table.folder.clone().join(name));
        if new.is_some_and(|path| active.contains(&path)) {
            // The store had added the entry although it answered otherwise.
            staged.keep();
            return Ok(true);
        }
        if !old.iter().all(|file| active.contains(&file.path)) {
            staged.delete().await;
            return Ok(false);
        }
        let removes = old.iter().map(|file| Action::Remove(remove(table, file, now, false)));
        let adds = staged.adds(now, false).map(Action::Add);
        let entry = NewEntry {
            actions: removes.chain(adds).collect(),
            operation: DeltaOperation::Optimize {
                predicate: None,
                target_size: signed(options.small_rows),
            },
            metadata: HashMap::new(),
            transactions: vec![Transaction::new(REWRITE_APP, state.rewrites + 1)],
        };
        match table.add_entry(state.log_version() + 1, entry).await {
            Ok(Attempt::Added) => {
                staged.keep();
                return Ok(true);
            }
            Ok(Attempt::Taken) => backoff.wait().await?,
            Err(error) => {
                // The entry may be there or come yet, so the files must stay; vacuum knows.
                staged.keep();
                return Err(error);
            }
        }
    }
}
