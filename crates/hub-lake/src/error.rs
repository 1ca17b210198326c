//! What can go wrong in the lake, named for what the caller can do about it.

use std::sync::Arc;

use deltalake_core::{DeltaTableError, kernel::transaction::TransactionError};
use hub_model::{DatasetId, ErrorKind};

use crate::revise::StoredKeys;

/// An error of the lake.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// The dataset has no table, or no such log entry.
    #[error("{dataset} has no stored data here; create the dataset first")]
    NotFound {
        /// The dataset.
        dataset: DatasetId,
    },
    /// Another writer changed the dataset in the meantime.
    #[error("another writer changed {dataset} at the same moment; send the upload again")]
    Conflict {
        /// The dataset.
        dataset: DatasetId,
    },
    /// The version's files were deleted under the retention that the hub's operator set.
    #[error(
        "log entry {log_version} of {dataset} is older than the retention and its files are gone; \
         read a later version"
    )]
    Expired {
        /// The dataset.
        dataset: DatasetId,
        /// The log entry asked for.
        log_version: u64,
    },
    /// The contract or the rows do not fit what the dataset already holds.
    #[error("this does not fit what {dataset} holds: {reason}")]
    Incompatible {
        /// The dataset.
        dataset: DatasetId,
        /// What does not fit, and what to do.
        reason: String,
    },
    /// Rows of an append have keys that the dataset holds already.
    #[error(
        "{} row(s) have keys that {dataset} holds already; leave them out, or send the file with \
         mode=upsert to put them in the place of those that are there",
        .keys.count
    )]
    KeysStored {
        /// The dataset.
        dataset: DatasetId,
        /// Which rows.
        keys: StoredKeys,
    },
    /// What is stored is not what the hub writes.
    #[error("the stored table of {dataset} can't be used: {reason}")]
    Corrupt {
        /// The dataset.
        dataset: DatasetId,
        /// What was found.
        reason: String,
    },
    /// The object store does not answer as it should.
    #[error("the object store failed while {action}; try again once it answers")]
    Store {
        /// What the lake was doing.
        action: &'static str,
        /// The store's error.
        #[source]
        source: object_store::Error,
    },
    /// The table's log can't be read or written.
    #[error("the log of {dataset} can't be used")]
    Log {
        /// The dataset.
        dataset: DatasetId,
        /// The log library's error.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// The lake's configuration can't be used.
    #[error("the lake can't be opened: {reason}")]
    Configuration {
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// The scratch folder can't be used.
    #[error("the scratch folder can't be used; check its path, its rights and the free space")]
    Scratch {
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// Rows can't be sorted or encoded, or stored ones can't be read.
    #[error("rows of {dataset} can't be {action}")]
    Rows {
        /// The dataset.
        dataset: DatasetId,
        /// `sorted`, `written` or `read`.
        action: &'static str,
        /// The cause.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A worker of the lake ended without a result, or the process is stopping.
    #[error("the lake's work on {dataset} was cut off; try again")]
    Stopped {
        /// The dataset.
        dataset: DatasetId,
    },
}

impl LakeError {
    /// The kind a caller acts on.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } | Self::Expired { .. } => ErrorKind::NotFound,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::KeysStored { .. } => ErrorKind::ContractViolated,
            Self::Incompatible { .. } => ErrorKind::BreakingChange,
            Self::Store { .. } | Self::Scratch { .. } | Self::Stopped { .. } => {
                ErrorKind::Unavailable
            }
            Self::Log { source, .. } if is_store_failure(source) => ErrorKind::Unavailable,
            Self::Log { .. }
            | Self::Corrupt { .. }
            | Self::Configuration { .. }
            | Self::Rows { .. } => ErrorKind::Internal,
        }
    }

    pub(crate) fn store(action: &'static str) -> impl FnOnce(object_store::Error) -> Self {
        move |source| Self::Store { action, source }
    }

    pub(crate) fn log(dataset: &DatasetId) -> impl FnOnce(DeltaTableError) -> Self {
        let dataset = dataset.clone();
        move |source| Self::Log { dataset, source: Box::new(source) }
    }

    pub(crate) fn rows<E: std::error::Error + Send + Sync + 'static>(
        dataset: &DatasetId,
        action: &'static str,
    ) -> impl FnOnce(E) -> Self {
        let dataset = dataset.clone();
        move |source| Self::Rows { dataset, action, source: Arc::new(source) }
    }

    pub(crate) fn corrupt(dataset: &DatasetId, reason: impl Into<String>) -> Self {
        Self::Corrupt { dataset: dataset.clone(), reason: reason.into() }
    }

    pub(crate) fn incompatible(dataset: &DatasetId, reason: impl Into<String>) -> Self {
        Self::Incompatible { dataset: dataset.clone(), reason: reason.into() }
    }
}

fn is_store_failure(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::ObjectStore { .. }
            | DeltaTableError::Transaction { source: TransactionError::ObjectStore { .. } }
    )
}
