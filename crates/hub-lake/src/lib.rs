//! Datasets' versions as Delta tables on an object store.
