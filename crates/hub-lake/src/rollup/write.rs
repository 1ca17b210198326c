//! Companions put into the store, before the log names their data file.

use std::sync::Arc;

use arrow::array::RecordBatch;
use object_store::{ObjectStoreExt, PutPayload, path::Path};
use parquet::arrow::ArrowWriter;
use sha2::{Digest, Sha256};

use super::{FOLDER, FileRollups, Roller, RollupFile, RollupLevel, RollupSpec, companion};
use crate::{
    LakeError,
    stage::{
        Plan,
        write::{hex, properties},
    },
};

/// Writes the companions of a data file of this name; it may be that none is worth having. None where the
/// store does not take one: they only make answers faster, and can be made later.
pub(crate) fn put(
    plan: &Plan,
    spec: &Arc<RollupSpec>,
    roller: Roller,
    data_file: &str,
) -> Result<Option<Arc<FileRollups>>, LakeError> {
    let lacking = roller.lacking();
    let found = roller.finish().map_err(LakeError::rows(plan.dataset(), "summed up"))?;
    let mut files = Vec::with_capacity(found.len());
    for (level, rows) in found {
        let encoded = encode(spec, level, &rows, plan.options.zstd_level)
            .map_err(LakeError::rows(plan.dataset(), "written"))?;
        let name = companion(data_file, level);
        let path: Path = plan.table.folder.clone().join(FOLDER).join(name);
        let bytes = encoded.len() as u64;
        let sha256 = Some(hex(&Sha256::digest(&encoded)));
        let rows = rows.num_rows() as u64;
        let payload = PutPayload::from(encoded);
        match plan.runtime.block_on(plan.table.store.put(&path, payload)) {
            Ok(_) => files.push(RollupFile { level, path, bytes, rows, sha256 }),
            Err(error) => {
                tracing::warn!(%path, %error, "a file's rollup was not written");
                return Ok(None);
            }
        }
    }
    Ok(Some(Arc::new(spec.rollups(files, &lacking))))
}

fn encode(
    spec: &RollupSpec,
    level: RollupLevel,
    rows: &RecordBatch,
    zstd_level: i32,
) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    // Sorted by the series and, where there are several stretches of one, by these.
    let sorted = spec.series.len() + usize::from(level.width_us().is_some());
    let sort: Vec<usize> = (0..sorted).collect();
    let properties = properties(&sort, zstd_level)?;
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties))?;
    writer.write(rows)?;
    writer.into_inner()
}
