//! Datasets' versions as Delta tables on an object store.

mod snapshot;

pub use snapshot::{Bound, ColumnStatistics, DataFile, Snapshot};
