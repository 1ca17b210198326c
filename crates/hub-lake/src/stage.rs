//! Staging: rows of one upload, divided by spans of time, sorted and written as files that no log entry
//! names yet. Readers can't see them until a commit does.
//!
//! Rows come in any order and any amount. They gather in chunks; a full chunk is divided by coarse
//! stretches of time and goes to a scratch file. At the end neighbouring stretches are joined to spans
//! of one file's size, and each span is read back, sorted and written by itself, several at a time.

pub(crate) mod chunk;
pub(crate) mod order;
mod row_numbers;
mod scratch;
mod spans;
mod split;
pub(crate) mod write;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use deltalake_core::kernel::Add;
use hub_model::{Contract, DatasetId};
use object_store::{ObjectStoreExt, path::Path};
use tokio::runtime::Handle;

use crate::{
    ColumnStatistics, Lake, LakeError,
    commit::add,
    log::Table,
    rollup::{FileRollups, ROLLUPS_TAG, RollupSpec, tag},
    stage::{chunk::Spiller, spans::Work},
};

pub(crate) use row_numbers::RowNumbers;

/// The column that carries row numbers while rows wait; contracts can't have a name like it.
const ROW_COLUMN: &str = "__row";

/// How rows are staged.
#[derive(Debug, Clone, PartialEq)]
pub struct StageOptions {
    /// A folder for temporary files, which are removed at the end. It may need as much room as the
    /// rows take uncompressed, twice where most of them are of one instant.
    pub scratch: PathBuf,
    /// Roughly how much memory staging may take, in bytes. The default is 256 MiB.
    pub memory_bytes: usize,
    /// How many threads sort and write. The default is 2.
    pub threads: usize,
    /// How many rows a file holds at most, about. The default is 2 million.
    pub file_rows: usize,
    /// The level of zstd compression. The default is 1.
    pub zstd_level: i32,
    /// How many pairs of rows with equal keys are listed. The default is 100.
    pub duplicate_examples: usize,
    /// Files of fewer rows get no rollups, since reading them whole costs as little. The default is 8,192.
    pub rollup_rows: u64,
}

impl Default for StageOptions {
    fn default() -> Self {
        Self {
            scratch: std::env::temp_dir(),
            memory_bytes: 256 << 20,
            threads: 2,
            file_rows: 2_000_000,
            zstd_level: 1,
            duplicate_examples: 100,
            rollup_rows: 8_192,
        }
    }
}

/// Rows of an upload that have the primary key of an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// How many rows repeat a key; 0 where the contract has no key.
    pub count: u64,
    /// The first of them, as (the row that has the key first, the row that has it again).
    pub examples: Vec<(u64, u64)>,
}

/// What staging found.
#[derive(Debug)]
pub struct StageOutcome {
    /// The files, ready to be committed.
    pub staged: Staged,
    /// Rows that repeat a key. Whether they may be committed is the caller's to decide.
    pub duplicates: Duplicates,
}

/// What every step of one staging needs to know.
pub(crate) struct Plan {
    pub(crate) table: Arc<Table>,
    /// The schema of the files.
    pub(crate) schema: SchemaRef,
    /// The schema of waiting rows: that of the files, and the row's number where the key is checked.
    pub(crate) waiting: SchemaRef,
    /// The columns that files are sorted by.
    pub(crate) sort: Vec<usize>,
    /// How many of these make the primary key; 0 where none is checked.
    pub(crate) key: usize,
    /// The column whose values divide rows into spans, where rows of one key are sure to meet.
    pub(crate) time: Option<usize>,
    /// The column that says when a row was observed, whether or not it is part of the key.
    pub(crate) observed: Option<usize>,
    /// What is rolled up of each file.
    pub(crate) rollup: Option<Arc<RollupSpec>>,
    pub(crate) options: StageOptions,
    pub(crate) runtime: Handle,
}

impl Plan {
    pub(crate) fn dataset(&self) -> &DatasetId {
        &self.table.dataset
    }

    /// How many bytes of rows wait in memory before they go to the scratch file.
    pub(crate) fn chunk_bytes(&self) -> usize {
        (self.options.memory_bytes / 4).max(1)
    }

    /// How many bytes of rows are sorted at once by one thread.
    pub(crate) fn span_bytes(&self) -> usize {
        (self.options.memory_bytes / (2 * self.options.threads.max(1))).max(1)
    }
}

/// Takes in the rows of one upload. Everything it does blocks, so it belongs on a blocking thread.
pub struct Stager {
    plan: Arc<Plan>,
    waiting: Vec<RecordBatch>,
    waiting_bytes: usize,
    rows: u64,
    spiller: Option<Spiller>,
}

impl std::fmt::Debug for Stager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stager")
            .field("dataset", self.plan.dataset())
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Lake {
    /// Begins to stage rows of this contract. Call it where a tokio runtime can be found, as on a thread
    /// of `spawn_blocking`; the runtime carries the writes to the store.
    pub fn stager(
        &self,
        dataset: &DatasetId,
        contract: &Contract,
        options: StageOptions,
    ) -> Result<Stager, LakeError> {
        self.stager_with(dataset, contract, options, true)
    }

    pub(crate) fn stager_with(
        &self,
        dataset: &DatasetId,
        contract: &Contract,
        options: StageOptions,
        check_key: bool,
    ) -> Result<Stager, LakeError> {
        let runtime = Handle::try_current().map_err(|_| LakeError::Configuration {
            reason: "staging needs a tokio runtime; call it from spawn_blocking".to_owned(),
        })?;
        let schema = contract.storage_schema();
        let columns = contract.sort_columns();
        let place = |name: &str| schema.index_of(name).ok();
        let sort: Vec<usize> = columns.iter().filter_map(|column| place(column.name)).collect();
        let has_key = check_key && !contract.primary_key.is_empty();
        let in_key = |name: &str| contract.primary_key.iter().any(|key| key == name);
        let key = if has_key {
            columns.iter().filter(|column| in_key(&column.field.name)).count()
        } else {
            0
        };
        let time = contract
            .time_field()
            .filter(|field| !has_key || in_key(&field.name))
            .and_then(|field| place(field.storage_name()));
        let observed = contract.time_field().and_then(|field| place(field.storage_name()));
        let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
        if has_key {
            fields.push(Arc::new(Field::new(ROW_COLUMN, DataType::UInt64, false)));
        }
        let plan = Plan {
            table: self.table(dataset)?,
            schema,
            waiting: Arc::new(Schema::new(fields)),
            sort,
            key,
            time,
            observed,
            rollup: RollupSpec::of(contract),
            options,
            runtime,
        };
        Ok(Stager {
            plan: Arc::new(plan),
            waiting: Vec::new(),
            waiting_bytes: 0,
            rows: 0,
            spiller: None,
        })
    }
}

impl Stager {
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes in a batch of the contract's storage schema. Its rows are numbered from `first_row` on
    /// where repeated keys are reported.
    pub fn push(&mut self, batch: RecordBatch, first_row: u64) -> Result<(), LakeError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let plan = &self.plan;
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        if plan.waiting.fields().len() > plan.schema.fields().len() {
            let rows = batch.num_rows() as u64;
            columns.push(Arc::new(UInt64Array::from_iter_values(first_row..first_row + rows)));
        }
        // This also checks that types, number and required values are those of the contract.
        let batch = RecordBatch::try_new(Arc::clone(&plan.waiting), columns)
            .map_err(LakeError::rows(plan.dataset(), "sorted"))?;
        self.rows += batch.num_rows() as u64;
        self.waiting_bytes += chunk::bytes(&batch);
        self.waiting.push(batch);
        if self.waiting_bytes >= plan.chunk_bytes() {
            let chunk = std::mem::take(&mut self.waiting);
            self.waiting_bytes = 0;
            self.spiller()?.send(chunk)?;
        }
        Ok(())
    }

    fn spiller(&mut self) -> Result<&mut Spiller, LakeError> {
        if self.spiller.is_none() {
            self.spiller = Some(Spiller::start(Arc::clone(&self.plan))?);
        }
        self.spiller.as_mut().ok_or_else(|| stopped(&self.plan))
    }

    /// Sorts and writes what was taken in.
    pub fn finish(mut self) -> Result<StageOutcome, LakeError> {
        let waiting = std::mem::take(&mut self.waiting);
        let work = match self.spiller.take() {
            None => Work::in_memory(&self.plan, waiting)?,
            Some(mut spiller) => {
                if !waiting.is_empty() {
                    spiller.send(waiting)?;
                }
                Work::spilled(&self.plan, spiller.finish()?)?
            }
        };
        let mut staged = Staged::new(Arc::clone(&self.plan));
        let duplicates = work.run(&self.plan, &mut staged)?;
        Ok(StageOutcome { staged, duplicates })
    }
}

fn stopped(plan: &Plan) -> LakeError {
    LakeError::Stopped { dataset: plan.dataset().clone() }
}

/// A file in the store that no log entry names yet.
#[derive(Debug, Clone)]
pub(crate) struct StagedFile {
    pub(crate) name: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) stats: String,
    /// What `stats` says, before it was rounded for the log.
    pub(crate) columns: HashMap<String, ColumnStatistics>,
    /// The rows' numbers in the uploaded file, in the order they are stored; none where no key is checked.
    pub(crate) row_numbers: Option<RowNumbers>,
    /// The companions that were written beside it.
    pub(crate) rollups: Option<Arc<FileRollups>>,
}

impl StagedFile {
    pub(crate) fn add(&self, now_ms: i64, data_change: bool) -> Add {
        let mut add = add(&self.name, self.bytes, self.stats.clone(), &self.sha256, now_ms);
        add.data_change = data_change;
        if let (Some(rollups), Some(tags)) = (&self.rollups, &mut add.tags) {
            tags.insert(ROLLUPS_TAG.to_owned(), tag(rollups));
        }
        add
    }
}

/// Files in the store that no log entry names yet. They are deleted when this is dropped uncommitted;
/// what a crash leaves, vacuum collects.
pub struct Staged {
    pub(crate) plan: Arc<Plan>,
    pub(crate) files: Vec<StagedFile>,
    kept: bool,
}

impl std::fmt::Debug for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staged")
            .field("dataset", self.dataset())
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Staged {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        Self { plan, files: Vec::new(), kept: false }
    }

    /// The dataset that the rows are for.
    pub fn dataset(&self) -> &DatasetId {
        self.plan.dataset()
    }

    /// Rows staged.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Bytes in the store.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }

    pub(crate) fn adds(&self, now_ms: i64, data_change: bool) -> impl Iterator<Item = Add> {
        self.files.iter().map(move |file| file.add(now_ms, data_change))
    }

    /// Refuses files with columns that the table doesn't have, as when the contract grew but the table
    /// was not told.
    pub(crate) fn check_schema(&self, table: &Schema) -> Result<(), LakeError> {
        for field in self.plan.schema.fields() {
            let fits = table
                .field_with_name(field.name())
                .is_ok_and(|stored| stored.data_type() == field.data_type());
            if !fits {
                return Err(LakeError::incompatible(
                    self.dataset(),
                    format!("its table has no column {:?} of this type", field.name()),
                ));
            }
        }
        Ok(())
    }

    /// Leaves the files where they are.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }

    /// Leaves the files of these names where they are, and deletes the others.
    pub(crate) async fn keep_only(mut self, names: &HashSet<String>) {
        self.kept = true;
        let mut files = std::mem::take(&mut self.files);
        files.retain(|file| !names.contains(&file.name));
        delete_files(Arc::clone(&self.plan), files).await;
    }

    pub(crate) async fn delete(mut self) {
        self.kept = true;
        delete_files(Arc::clone(&self.plan), std::mem::take(&mut self.files)).await;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.kept && !self.files.is_empty() {
            let files = std::mem::take(&mut self.files);
            self.plan.runtime.spawn(delete_files(Arc::clone(&self.plan), files));
        }
    }
}

async fn delete_files(plan: Arc<Plan>, files: Vec<StagedFile>) {
    for file in files {
        let path: Path = plan.table.folder.clone().join(file.name);
        let companions = file.rollups.iter().flat_map(|rollups| &rollups.files);
        for path in companions.map(|file| &file.path).chain([&path]) {
            if let Err(error) = plan.table.store.delete(path).await {
                tracing::warn!(%path, %error, "a staged file was left behind; vacuum will collect it");
            }
        }
    }
}
