//! Datasets' versions as Delta tables on an object store.
//!
//! A dataset is a folder `<agency>/<dataset>/` with immutable Parquet files and a Delta log; one log
//! entry is the only thing that makes rows visible. This crate decides what readers can see. It knows
//! nothing of who may, of file formats that agencies send, or of queries.

mod commit;
mod compact;
mod config;
mod create;
mod error;
mod lake;
mod log;
mod originals;
mod query_results;
mod revise;
mod rollup;
mod snapshot;
mod stage;
mod statistics;
mod vacuum;
mod versions;
mod withdraw;

pub use commit::{Prepared, Publication};
pub use compact::{CompactOptions, CompactOutcome};
pub use config::LakeConfig;
pub use error::LakeError;
pub use lake::{Lake, SnapshotAt};
pub use originals::{KeptUpload, Original};
pub use query_results::ResultWriter;
pub use revise::StoredKeys;
pub use rollup::{
    BUCKET, EDGE, FIRST_TIME, FileRollups, LAST_TIME, ROWS, RolledValue, RollupFile, RollupLevel,
    RollupValue,
};
pub use snapshot::{Bound, ColumnStatistics, DataFile, Snapshot};
pub use stage::{Duplicates, StageOptions, StageOutcome, Staged, Stager};
pub use vacuum::{VacuumOptions, VacuumOutcome};
pub use withdraw::WithdrawRequest;
