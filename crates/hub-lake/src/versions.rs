//! The list of versions, read back from the log.

use futures::{StreamExt, TryStreamExt, stream};
use hub_model::{DatasetId, VersionRecord};

use crate::{Lake, LakeError};

/// How many log entries are asked for at once.
const AT_ONCE: usize = 16;

/// How many versions one answer holds at most.
const PAGE: usize = 1000;

impl Lake {
    /// Versions that were published after a log entry, or from the beginning, oldest first: at most a
    /// thousand. The last one's `log_version` continues the list; an empty answer ends it.
    pub async fn versions_since(
        &self,
        dataset: &DatasetId,
        after_log_version: Option<u64>,
    ) -> Result<Vec<VersionRecord>, LakeError> {
        let table = self.table(dataset)?;
        let end = table.latest().await?.log_version();
        let first = after_log_version.map_or(0, |after| after.saturating_add(1));
        let table = &table;
        stream::iter(first..=end)
            .map(|log_version| async move {
                let entry = table.entry(log_version).await?;
                Ok(entry.and_then(|entry| entry.record))
            })
            .buffered(AT_ONCE)
            .try_filter_map(async |record| Ok(record))
            .take(PAGE)
            .try_collect()
            .await
    }
}
