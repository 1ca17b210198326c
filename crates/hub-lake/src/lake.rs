//! The lake: one store, a table a dataset, and what is kept of them in memory.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::StreamExt;
use hub_model::DatasetId;
use moka::future::Cache;
use object_store::ObjectStore;
use parking_lot::Mutex;

use crate::{
    LakeConfig, LakeError, Snapshot,
    config::{ORDERED, OpenedStore, StoreSigner, open_store},
    log::Table,
};

/// How many past states are kept in memory, over all datasets.
const PAST_SNAPSHOTS: u64 = 256;

/// Datasets' versions on one object store. Cheap to clone.
#[derive(Clone)]
pub struct Lake {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn ObjectStore>,
    log_base: &'static str,
    signer: Option<StoreSigner>,
    tables: Mutex<HashMap<DatasetId, Arc<Table>>>,
    past: Cache<(DatasetId, u64), Snapshot>,
    changes: Arc<AtomicU64>,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("store", &self.inner.store).finish_non_exhaustive()
    }
}

/// Which state of a dataset to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SnapshotAt {
    /// The newest.
    Latest,
    /// As of this log entry; [`hub_model::VersionRecord::log_version`] names a version's.
    Log(u64),
}

impl Lake {
    /// Opens the store that the configuration names. A local folder is made where it is missing;
    /// a bucket must be there.
    pub fn open(config: &LakeConfig) -> Result<Self, LakeError> {
        let OpenedStore { store, log_base, signer } = open_store(config)?;
        Ok(Self::with_store(store, log_base, signer))
    }

    fn with_store(
        store: Arc<dyn ObjectStore>,
        log_base: &'static str,
        signer: Option<StoreSigner>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                log_base,
                signer,
                tables: Mutex::new(HashMap::new()),
                past: Cache::new(PAST_SNAPSHOTS),
                changes: Arc::default(),
            }),
        }
    }

    /// A lake on a store of one's own, such as one that fails on purpose. It must list keys in order.
    #[doc(hidden)]
    pub fn on_store(store: Arc<dyn ObjectStore>) -> Self {
        Self::with_store(store, ORDERED, None)
    }

    /// The state of a dataset. The newest is kept in memory; whether it still is the newest costs one
    /// request to the store.
    pub async fn snapshot(
        &self,
        dataset: &DatasetId,
        at: SnapshotAt,
    ) -> Result<Snapshot, LakeError> {
        let table = self.table(dataset)?;
        let latest = table.latest().await?;
        let SnapshotAt::Log(log_version) = at else {
            return Ok(latest.snapshot.clone());
        };
        if log_version == latest.log_version() {
            return Ok(latest.snapshot.clone());
        }
        if log_version > latest.log_version() {
            return Err(table.not_found());
        }
        let key = (dataset.clone(), log_version);
        let past = self.inner.past.try_get_with(key, async {
            table.load(Some(log_version)).await.map(|state| state.snapshot)
        });
        let snapshot = past.await.map_err(|error| match Arc::try_unwrap(error) {
            Ok(error) => error,
            // Several readers waited for the same state and it could not be had.
            Err(shared) => {
                LakeError::Rows { dataset: dataset.clone(), action: "read", source: shared }
            }
        })?;
        if log_version >= latest.expired_before || table.is_pinned(&latest, log_version).await? {
            return Ok(snapshot);
        }
        // Its files may be gone. Rewrites keep the rows, so the same version may live on in others.
        if snapshot.version == latest.snapshot.version {
            return Ok(latest.snapshot.clone());
        }
        let kept = table.load(Some(latest.expired_before)).await?;
        if kept.snapshot.version == snapshot.version {
            return Ok(kept.snapshot);
        }
        Err(LakeError::Expired { dataset: dataset.clone(), log_version })
    }

    /// A number that every change which this process makes or sees raises before it is acknowledged. Where no
    /// other process writes to the lake, a snapshot that was the newest at a number still is at the same.
    pub fn changes(&self) -> u64 {
        self.inner.changes.load(Ordering::SeqCst)
    }

    /// Asks the store for something, to learn whether it answers.
    pub async fn probe(&self) -> Result<(), LakeError> {
        match self.inner.store.list(None).next().await {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(source)) => Err(LakeError::Store { action: "being asked", source }),
        }
    }

    /// The store, rooted where [`crate::DataFile::path`] counts from.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.store)
    }

    /// What signs links to the store, and the path of the lake's root in it.
    pub(crate) fn signer(&self) -> Option<&StoreSigner> {
        self.inner.signer.as_ref()
    }

    pub(crate) fn table(&self, dataset: &DatasetId) -> Result<Arc<Table>, LakeError> {
        let mut tables = self.inner.tables.lock();
        if let Some(table) = tables.get(dataset) {
            return Ok(Arc::clone(table));
        }
        let store = Arc::clone(&self.inner.store);
        let changes = Arc::clone(&self.inner.changes);
        let table = Arc::new(Table::new(dataset.clone(), store, self.inner.log_base, changes)?);
        tables.insert(dataset.clone(), Arc::clone(&table));
        Ok(table)
    }
}
