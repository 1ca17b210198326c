//! Whether the companions that a plan reads are there, and are what was written. Each is read whole once
//! before it is used first, and held against what the log says of it; a file whose companion is lost or
//! damaged is asked by its rows from then on, as if it had none.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use datafusion::{common::Result, physical_plan::ExecutionPlan};
use futures::{StreamExt, TryStreamExt, stream};
use hub_lake::{RollupFile, Snapshot};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::cost::scanned;

/// How many companions are remembered.
const MAX_REMEMBERED: usize = 200_000;

/// How many are read at once.
const AT_ONCE: usize = 8;

/// Which companions are sound, of those that were looked at.
#[derive(Debug, Default)]
pub(crate) struct Proofs(Mutex<HashMap<Path, bool>>);

impl Proofs {
    /// Whether a companion was found lost or damaged.
    pub(crate) fn refuses(&self, companion: &Path) -> bool {
        self.0.lock().get(companion) == Some(&false)
    }

    /// Whether this companion is sound.
    pub(crate) async fn sound(&self, file: &RollupFile, store: &dyn ObjectStore) -> Result<bool> {
        if let Some(known) = self.0.lock().get(&file.path) {
            return Ok(*known);
        }
        let found = sound(file, store).await?;
        let mut known = self.0.lock();
        if known.len() > MAX_REMEMBERED {
            known.clear();
        }
        known.insert(file.path.clone(), found);
        Ok(found)
    }

    /// Looks at the companions that a plan over these snapshots reads and that were not looked at yet. Where
    /// one is not sound the answer is `false`, and a new plan passes it over.
    pub(crate) async fn hold(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        snapshots: &[Snapshot],
        store: &dyn ObjectStore,
    ) -> Result<bool> {
        let mut read = HashSet::new();
        gather(plan, &mut read);
        if read.is_empty() {
            return Ok(true);
        }
        let files = snapshots.iter().flat_map(|snapshot| snapshot.files.iter());
        let companions = files.filter_map(|file| file.rollups.as_ref()).flat_map(|r| &r.files);
        let looks: Vec<_> = companions
            .filter(|file| read.contains(&file.path))
            .map(|file| self.sound(file, store))
            .collect();
        let _: Vec<bool> = stream::iter(looks).buffer_unordered(AT_ONCE).try_collect().await?;
        let known = self.0.lock();
        Ok(read.iter().all(|path| known.get(path) != Some(&false)))
    }
}

/// The files that the plan's scans read.
fn gather(plan: &Arc<dyn ExecutionPlan>, read: &mut HashSet<Path>) {
    for group in scanned(plan).iter().flat_map(|scan| &scan.file_groups) {
        read.extend(group.iter().map(|file| file.object_meta.location.clone()));
    }
    for child in plan.children() {
        gather(child, read);
    }
}

/// Whether the store has the companion as it was written. Where the log has no hash of it, as of those
/// written before there was one, its size must do.
async fn sound(file: &RollupFile, store: &dyn ObjectStore) -> Result<bool> {
    let damaged = |reason: &str| {
        tracing::warn!(path = %file.path, reason, "a rollup is passed over, and rows are read in its place");
        Ok(false)
    };
    let stored = match store.get(&file.path).await {
        Err(object_store::Error::NotFound { .. }) => return damaged("it is not there"),
        stored => stored?,
    };
    if stored.meta.size != file.bytes {
        return damaged("it has another size");
    }
    let Some(written) = &file.sha256 else { return Ok(true) };
    let mut hash = Sha256::new();
    let mut pieces = stored.into_stream();
    while let Some(piece) = pieces.try_next().await? {
        hash.update(&piece);
    }
    let is = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if is == *written { Ok(true) } else { damaged("its bytes are others") }
}
