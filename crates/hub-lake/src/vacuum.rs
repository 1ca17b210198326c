//! Vacuum: deletes files that no reader can need any more.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use deltalake_core::{kernel::Transaction, protocol::DeltaOperation};
use futures::{StreamExt, TryStreamExt};
use hub_model::DatasetId;

use crate::{
    Lake, LakeError,
    commit::{Backoff, signed},
    log::{Attempt, EXPIRED_APP, NewEntry, Table, TableState, is_data_file, pinned_app},
    rollup,
};

/// What a vacuum may delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VacuumOptions {
    /// Files that no log entry names are deleted when they are older than this. It must exceed the
    /// longest upload, whose files are not named yet. The default is a day.
    pub grace: Duration,
    /// Files that only versions older than this still use are deleted too; those versions then answer
    /// [`LakeError::Expired`]. `None`, the default, keeps every version.
    pub retention: Option<Duration>,
    /// Log entries whose files are kept whatever the retention says, such as those of versions that are
    /// cited.
    pub pinned: Vec<u64>,
    /// Only count.
    pub dry_run: bool,
    /// The time that ages are counted to.
    pub now: DateTime<Utc>,
}

impl Default for VacuumOptions {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(24 * 3600),
            retention: None,
            pinned: Vec::new(),
            dry_run: false,
            now: Utc::now(),
        }
    }
}

/// What a vacuum deleted, or would delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VacuumOutcome {
    /// Files that no log entry names.
    pub orphans: u64,
    /// Files of expired versions.
    pub expired: u64,
    /// Bytes of all of these.
    pub bytes: u64,
}

/// What is known of the files that the log names.
struct Named {
    /// Files of the newest state, or removed in an entry that the retention still covers.
    needed: HashSet<String>,
    /// Files that only expired versions use.
    expired: HashSet<String>,
}

impl Lake {
    /// Deletes the dataset's files that no reader can need any more.
    pub async fn vacuum(
        &self,
        dataset: &DatasetId,
        options: &VacuumOptions,
    ) -> Result<VacuumOutcome, LakeError> {
        let table = self.table(dataset)?;
        // An entry is marked before the first of its files goes, so that no reader opens half of it.
        let mut horizon = None;
        if let Some(retention) = options.retention {
            horizon = self.mark_expired(&table, retention, options).await?;
        }
        let state = table.latest().await?;
        let mut named = named(&table, &state, horizon).await?;
        if horizon.is_some() {
            keep_pinned(&table, &state, &options.pinned, &mut named).await?;
        }
        let mut outcome = VacuumOutcome::default();
        let oldest_kept = before(options.now, options.grace);
        let mut listing = self.object_store().list(Some(&table.folder));
        while let Some(object) = listing.next().await {
            let object = object.map_err(LakeError::store("listing files"))?;
            let Some(name) = object.location.filename() else { continue };
            // A file's companions stay as long as it does.
            let owner = rollup::owner(name);
            let name = owner.as_deref().unwrap_or(name);
            if !is_data_file(name) || named.needed.contains(name) {
                continue;
            }
            let counter = if named.expired.contains(name) {
                &mut outcome.expired
            } else if object.last_modified < oldest_kept {
                &mut outcome.orphans
            } else {
                continue;
            };
            *counter += 1;
            outcome.bytes += object.size;
            if !options.dry_run {
                delete(&table, &object.location).await?;
            }
        }
        Ok(outcome)
    }

    /// Marks what the retention no longer covers, as [`Self::vacuum`] does before it deletes anything. What
    /// is pinned from here on is not among what that vacuum deletes, or can't be read any more by now.
    pub async fn expire(
        &self,
        dataset: &DatasetId,
        options: &VacuumOptions,
    ) -> Result<(), LakeError> {
        let table = self.table(dataset)?;
        if let Some(retention) = options.retention {
            self.mark_expired(&table, retention, options).await?;
        }
        Ok(())
    }

    /// Marks the log entries that the retention no longer covers, and answers the first it covers.
    async fn mark_expired(
        &self,
        table: &Table,
        retention: Duration,
        options: &VacuumOptions,
    ) -> Result<Option<u64>, LakeError> {
        let _writing = table.writing.lock().await;
        let mut backoff = Backoff::new(table);
        loop {
            let state = table.latest().await?;
            let cutoff = before(options.now, retention).timestamp_millis();
            let Some(horizon) = horizon(table, &state, cutoff).await? else { return Ok(None) };
            let horizon = horizon.max(state.expired_before);
            let pins = new_pins(table, &state, horizon, options).await?;
            if options.dry_run || (horizon <= state.expired_before && pins.is_empty()) {
                return Ok(Some(horizon));
            }
            let mut transactions = vec![Transaction::new(EXPIRED_APP, signed(horizon))];
            transactions
                .extend(pins.iter().map(|pin| Transaction::new(pinned_app(*pin), signed(horizon))));
            let entry = NewEntry {
                actions: Vec::new(),
                operation: DeltaOperation::VacuumStart {
                    retention_check_enabled: false,
                    specified_retention_millis: i64::try_from(retention.as_millis()).ok(),
                    default_retention_millis: 0,
                },
                metadata: HashMap::new(),
                transactions,
            };
            match table.add_entry(state.log_version() + 1, entry).await? {
                Attempt::Added => return Ok(Some(horizon)),
                Attempt::Taken => backoff.wait().await?,
            }
        }
    }
}

/// The newest log entry written before the cutoff: it was the newest state at that moment, so it and
/// all later ones are kept.
async fn horizon(
    table: &Table,
    state: &TableState,
    cutoff_ms: i64,
) -> Result<Option<u64>, LakeError> {
    for log_version in (state.expired_before..=state.log_version()).rev() {
        let entry = table.entry(log_version).await?;
        if entry.is_some_and(|entry| entry.written_at_ms < cutoff_ms) {
            return Ok(Some(log_version));
        }
    }
    Ok(None)
}

/// The pins below the horizon that the log does not tell of yet.
async fn new_pins(
    table: &Table,
    state: &TableState,
    horizon: u64,
    options: &VacuumOptions,
) -> Result<Vec<u64>, LakeError> {
    let mut pins = Vec::new();
    for pin in options.pinned.iter().filter(|pin| **pin < horizon) {
        // What is gone already can't be kept any more.
        let readable = *pin >= state.expired_before || table.is_pinned(state, *pin).await?;
        let told = horizon <= state.expired_before && table.is_pinned(state, *pin).await?;
        if readable && !told {
            pins.push(*pin);
        }
    }
    Ok(pins)
}

/// Counts the files of pinned entries among those that are needed.
async fn keep_pinned(
    table: &Table,
    state: &TableState,
    pinned: &[u64],
    named: &mut Named,
) -> Result<(), LakeError> {
    for pin in pinned.iter().filter(|pin| **pin < state.log_version()) {
        let kept = table.load(Some(*pin)).await?.snapshot;
        for name in kept.files.iter().filter_map(|file| file.path.filename()) {
            named.expired.remove(name);
            named.needed.insert(name.to_owned());
        }
    }
    Ok(())
}

async fn named(
    table: &Table,
    state: &TableState,
    horizon: Option<u64>,
) -> Result<Named, LakeError> {
    let mut needed: HashSet<String> = state
        .snapshot
        .files
        .iter()
        .filter_map(|file| file.path.filename().map(str::to_owned))
        .collect();
    let mut removed = HashSet::new();
    let mut tombstones = state.delta.all_tombstones(table.log_store().as_ref());
    while let Some(tombstone) =
        tombstones.try_next().await.map_err(LakeError::log(&table.dataset))?
    {
        removed.insert(tombstone.path().into_owned());
    }
    let Some(horizon) = horizon else {
        needed.extend(removed);
        return Ok(Named { needed, expired: HashSet::new() });
    };
    // A file that was removed after the horizon belongs to a state that is kept.
    for log_version in horizon + 1..=state.log_version() {
        if let Some(entry) = table.entry(log_version).await? {
            needed.extend(entry.removed);
        }
    }
    let expired = removed.into_iter().filter(|name| !needed.contains(name)).collect();
    Ok(Named { needed, expired })
}

async fn delete(table: &Table, path: &object_store::path::Path) -> Result<(), LakeError> {
    use object_store::ObjectStoreExt;
    match table.store.delete(path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(source) => Err(LakeError::Store { action: "deleting a file", source }),
    }
}

fn before(now: DateTime<Utc>, age: Duration) -> DateTime<Utc> {
    chrono::TimeDelta::from_std(age)
        .ok()
        .and_then(|age| now.checked_sub_signed(age))
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}
