//! A dataset's log: its state in memory, and the one way to add an entry.
//!
//! The log library loads and replays the log. Adding an entry is ours, a strict compare-and-swap on the
//! number of the entry: the library's own retries double rows when two rewrites meet.

mod entry;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use deltalake_core::{
    DeltaTable,
    checkpoints::create_checkpoint,
    kernel::{
        Action, Add, LogicalFileView, Transaction,
        transaction::{CommitData, TransactionError},
    },
    logstore::{CommitOrBytes, LogStoreRef, default_logstore},
    protocol::DeltaOperation,
    table::state::DeltaTableState,
};
use hub_model::{Contract, DatasetId, VersionNumber};
use object_store::{ObjectStore, path::Path, prefix::PrefixStore};
use parking_lot::RwLock;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

pub(crate) use entry::Entry;

use crate::{
    DataFile, LakeError, Snapshot,
    rollup::{ROLLUPS_TAG, read_tag},
    statistics,
};

/// The application transaction that carries the dataset's version number.
pub(crate) const VERSION_APP: &str = "mochiyori.version";
/// The application transaction that every rewrite raises, so that other tools see rewrites collide.
pub(crate) const REWRITE_APP: &str = "mochiyori.rewrite";
/// The application transaction that says from which log entry on all files are kept.
pub(crate) const EXPIRED_APP: &str = "mochiyori.expired";
/// The application transaction that says of one log entry that its files are kept although it is before
/// [`EXPIRED_APP`]'s; it holds as long as its number is that one's, so that every horizon says it anew.
pub(crate) fn pinned_app(log_version: u64) -> String {
    format!("mochiyori.pinned.{log_version}")
}

/// The table property that holds the contract as JSON.
pub(crate) const CONTRACT_PROPERTY: &str = "mochiyori.contract";

/// The application transaction of one upload; its number is the log entry that published it.
pub(crate) fn upload_app(upload: hub_model::UploadId) -> String {
    format!("mochiyori.upload.{upload}")
}

/// A checkpoint is written at every entry whose number is a multiple of this.
const CHECKPOINT_EVERY: u64 = 20;
/// Further behind than this, the log is loaded anew from its checkpoint.
const REFRESH_AT_MOST: usize = 64;

/// One dataset's table: where it is, and its latest known state.
pub(crate) struct Table {
    pub(crate) dataset: DatasetId,
    /// The folder, from the root of `store`.
    pub(crate) folder: Path,
    pub(crate) store: Arc<dyn ObjectStore>,
    log_store: LogStoreRef,
    current: RwLock<Option<Arc<TableState>>>,
    /// Counts changes of any table of the lake that this process made or saw.
    changes: Arc<AtomicU64>,
    refreshing: tokio::sync::Mutex<()>,
    /// Held while this process adds an entry, so that its writers don't race one another.
    pub(crate) writing: tokio::sync::Mutex<()>,
}

/// What the log says up to one entry.
#[derive(Debug)]
pub(crate) struct TableState {
    pub(crate) delta: DeltaTableState,
    pub(crate) contract: Contract,
    pub(crate) snapshot: Snapshot,
    pub(crate) rewrites: i64,
    /// Snapshots of earlier log entries may lack files.
    pub(crate) expired_before: u64,
}

impl TableState {
    pub(crate) fn log_version(&self) -> u64 {
        self.snapshot.log_version
    }
}

/// What became of an attempt to add an entry.
pub(crate) enum Attempt {
    Added,
    /// The number is taken, possibly by this very entry when the store answered late.
    Taken,
}

impl Table {
    pub(crate) fn new(
        dataset: DatasetId,
        store: Arc<dyn ObjectStore>,
        base: &str,
        changes: Arc<AtomicU64>,
    ) -> Result<Self, LakeError> {
        let folder = Path::from_iter([dataset.agency().as_str(), dataset.name()]);
        let url = Url::parse(&format!("{base}/{folder}/"))
            .map_err(|e| LakeError::Configuration { reason: e.to_string() })?;
        let prefixed = Arc::new(PrefixStore::new(Arc::clone(&store), folder.clone()));
        let log_store = default_logstore(prefixed, Arc::clone(&store), &url, &Default::default());
        Ok(Self {
            dataset,
            folder,
            store,
            log_store,
            current: RwLock::new(None),
            changes,
            refreshing: tokio::sync::Mutex::new(()),
            writing: tokio::sync::Mutex::new(()),
        })
    }

    pub(crate) fn url(&self) -> &Url {
        self.log_store.root_url()
    }

    pub(crate) fn log_store(&self) -> &LogStoreRef {
        &self.log_store
    }

    /// The state at the end of the log.
    pub(crate) async fn latest(&self) -> Result<Arc<TableState>, LakeError> {
        let known = self.current.read().clone();
        let next = match &known {
            None => self.entry(0).await?.ok_or_else(|| self.not_found())?,
            Some(state) => match self.entry(state.log_version() + 1).await? {
                None => return Ok(Arc::clone(state)),
                Some(entry) => entry,
            },
        };
        let _one = self.refreshing.lock().await;
        let current = self.current.read().clone();
        let state = match current {
            None => self.load(None).await?,
            Some(state) if state.log_version() >= next.log_version => return Ok(state),
            Some(state) => {
                let mut entries = vec![next];
                let mut follows = state.log_version() + 2;
                while entries.len() <= REFRESH_AT_MOST
                    && let Some(entry) = self.entry(follows).await?
                {
                    entries.push(entry);
                    follows += 1;
                }
                if entries.len() > REFRESH_AT_MOST {
                    self.load(None).await?
                } else {
                    self.advance(&state, &entries).await?
                }
            }
        };
        let state = Arc::new(state);
        *self.current.write() = Some(Arc::clone(&state));
        self.changes.fetch_add(1, Ordering::SeqCst);
        Ok(state)
    }

    /// The state as of one log entry.
    pub(crate) async fn load(&self, at: Option<u64>) -> Result<TableState, LakeError> {
        let store = self.log_store.as_ref();
        let delta =
            DeltaTableState::try_new(store, at).await.map_err(LakeError::log(&self.dataset))?;
        let transaction = async |app: &str| {
            let read = delta.transaction_version(store, app).await;
            read.map(|number| number.unwrap_or(0)).map_err(LakeError::log(&self.dataset))
        };
        let version = number(transaction(VERSION_APP).await?);
        let rewrites = transaction(REWRITE_APP).await?;
        let expired_before = number(transaction(EXPIRED_APP).await?);
        self.state(delta, HashMap::new(), version, rewrites, expired_before)
    }

    /// Whether the files of an entry that is before the horizon are kept for it.
    pub(crate) async fn is_pinned(
        &self,
        state: &TableState,
        log_version: u64,
    ) -> Result<bool, LakeError> {
        let store = self.log_store.as_ref();
        let app = pinned_app(log_version);
        let told = state.delta.transaction_version(store, &app).await;
        let told = told.map_err(LakeError::log(&self.dataset))?;
        Ok(told.is_some_and(|horizon| number(horizon) >= state.expired_before))
    }

    async fn advance(&self, from: &TableState, entries: &[Entry]) -> Result<TableState, LakeError> {
        let mut delta = from.delta.clone();
        let target = entries.last().map(|entry| entry.log_version);
        delta
            .update(self.log_store.as_ref(), target)
            .await
            .map_err(LakeError::log(&self.dataset))?;
        let latest =
            |app: &str| entries.iter().rev().find_map(|entry| entry.transactions.get(app).copied());
        let version = latest(VERSION_APP).map_or(from.snapshot.version, number);
        let rewrites = latest(REWRITE_APP).unwrap_or(from.rewrites);
        let expired_before = latest(EXPIRED_APP).map_or(from.expired_before, number);
        // Statistics already read are taken over; a contract that grew changes none of them.
        let mut known: HashMap<&str, &DataFile> =
            from.snapshot.files.iter().map(|file| (file.path.as_ref(), file)).collect();
        for name in entries.iter().flat_map(|entry| &entry.added) {
            // More may be said of a file when it is added again.
            known.remove(self.folder.clone().join(name.as_str()).as_ref());
        }
        self.state(delta, known, version, rewrites, expired_before)
    }

    fn state(
        &self,
        delta: DeltaTableState,
        known: HashMap<&str, &DataFile>,
        version: VersionNumber,
        rewrites: i64,
        expired_before: u64,
    ) -> Result<TableState, LakeError> {
        let contract = self.contract(&delta)?;
        let schema = contract.storage_schema();
        let mut files = Vec::new();
        for view in delta.log_data().iter() {
            if view.deletion_vector_descriptor().is_some() {
                return Err(LakeError::corrupt(
                    &self.dataset,
                    "another tool deleted rows by deletion vectors, which the hub does not read",
                ));
            }
            let name = view.path();
            if !is_data_file(&name) {
                return Err(LakeError::corrupt(
                    &self.dataset,
                    format!("{name:?} was not written by the hub, so its order is not known"),
                ));
            }
            let path = self.folder.clone().join(name.as_ref());
            if let Some(file) = known.get(path.as_ref()) {
                files.push((*file).clone());
                continue;
            }
            let entry = entry_of(&view);
            let (rows, columns) = entry
                .stats
                .as_deref()
                .and_then(|stats| statistics::from_log(stats, &schema))
                .ok_or_else(|| {
                    LakeError::corrupt(&self.dataset, format!("{name:?} has no statistics"))
                })?;
            let tags = entry.tags.as_ref();
            let kept = tags.and_then(|tags| tags.get(ROLLUPS_TAG)).and_then(Option::as_deref);
            let rollups = kept.and_then(|kept| read_tag(kept, &self.folder, &name)).map(Arc::new);
            files.push(DataFile {
                path,
                bytes: u64::try_from(entry.size).unwrap_or_default(),
                rows,
                written_at_ms: entry.modification_time,
                columns,
                rollups,
            });
        }
        // File names are ordered by the time of writing; the log library's order is not fixed.
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let sort_columns = contract.sort_columns().iter().map(|c| c.name.to_owned()).collect();
        let snapshot = Snapshot {
            dataset: self.dataset.clone(),
            version,
            log_version: delta.version(),
            schema,
            sort_columns,
            files: files.into(),
        };
        Ok(TableState { delta, contract, snapshot, rewrites, expired_before })
    }

    fn contract(&self, delta: &DeltaTableState) -> Result<Contract, LakeError> {
        let json = delta.metadata().configuration().get(CONTRACT_PROPERTY).ok_or_else(|| {
            LakeError::corrupt(&self.dataset, "its table was not made by the hub")
        })?;
        Contract::read(json.as_bytes())
            .map_err(|e| LakeError::corrupt(&self.dataset, format!("its contract: {e}")))
    }

    /// One entry of the log, or `None` past its end.
    pub(crate) async fn entry(&self, log_version: u64) -> Result<Option<Entry>, LakeError> {
        let read = self.log_store.read_commit_entry(log_version).await;
        match read.map_err(LakeError::log(&self.dataset))? {
            None => Ok(None),
            Some(bytes) => Entry::parse(log_version, &bytes)
                .map(Some)
                .map_err(|reason| LakeError::corrupt(&self.dataset, reason)),
        }
    }

    /// Tries to add entry `log_version`. An error leaves open whether it was added.
    pub(crate) async fn add_entry(
        &self,
        log_version: u64,
        entry: NewEntry,
    ) -> Result<Attempt, LakeError> {
        let bytes = entry.bytes(&self.dataset)?;
        let added = self
            .log_store
            .write_commit_entry(log_version, CommitOrBytes::LogBytes(bytes), Uuid::new_v4())
            .await;
        // Also after an error, which leaves open what became of the entry.
        self.changes.fetch_add(1, Ordering::SeqCst);
        match added {
            Ok(()) => {
                self.checkpoint(log_version).await;
                Ok(Attempt::Added)
            }
            Err(TransactionError::VersionAlreadyExists(_)) => Ok(Attempt::Taken),
            Err(TransactionError::ObjectStore { source }) => {
                Err(LakeError::Store { action: "adding a log entry", source })
            }
            Err(other) => Err(LakeError::log(&self.dataset)(other.into())),
        }
    }

    /// Writes a checkpoint where one is due. The entry counts whether or not this works: a missing
    /// checkpoint costs time only, and the next one makes up for it.
    async fn checkpoint(&self, log_version: u64) {
        if !log_version.is_multiple_of(CHECKPOINT_EVERY) || log_version == 0 {
            return;
        }
        let mut table = DeltaTable::new(Arc::clone(&self.log_store));
        let written = match table.load_version(log_version).await {
            Ok(()) => create_checkpoint(&table, None).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::warn!(dataset = %self.dataset, log_version, %error, "no checkpoint was written");
        }
    }

    pub(crate) fn not_found(&self) -> LakeError {
        LakeError::NotFound { dataset: self.dataset.clone() }
    }

    pub(crate) fn conflict(&self) -> LakeError {
        LakeError::Conflict { dataset: self.dataset.clone() }
    }
}

/// An entry to be added to the log.
pub(crate) struct NewEntry {
    pub(crate) actions: Vec<Action>,
    pub(crate) operation: DeltaOperation,
    pub(crate) metadata: HashMap<String, Value>,
    pub(crate) transactions: Vec<Transaction>,
}

impl NewEntry {
    fn bytes(self, dataset: &DatasetId) -> Result<Bytes, LakeError> {
        CommitData::new(self.actions, self.operation, self.metadata, self.transactions)
            .get_bytes()
            .map_err(|error| LakeError::log(dataset)(error.into()))
    }
}

/// The name of a new data file. Names are never used twice and sort by the time of writing.
pub(crate) fn new_data_file() -> String {
    format!("part-{}.parquet", Uuid::now_v7())
}

/// Whether a name is of the form that [`new_data_file`] gives.
pub(crate) fn is_data_file(name: &str) -> bool {
    name.strip_prefix("part-")
        .and_then(|rest| rest.strip_suffix(".parquet"))
        .is_some_and(|id| id.len() == 36 && Uuid::try_parse(id).is_ok())
}

/// What the log says of a file, tags and all.
#[expect(deprecated, reason = "nothing else of the library's gives a file's tags")]
pub(crate) fn entry_of(file: &LogicalFileView) -> Add {
    file.add_action()
}

fn number(transaction: i64) -> u64 {
    u64::try_from(transaction).unwrap_or_default()
}
