//! Publication: one log entry that makes staged rows visible as the dataset's next version.
//!
//! The entry is added by compare-and-swap on its number. Who loses reads what the others did, checks
//! again and tries the next number. Each upload leaves an application transaction with the number of
//! its entry, so that an upload is never published twice, whatever the store answered.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use deltalake_core::{
    kernel::{Action, Add, Remove, Transaction},
    protocol::{DeltaOperation, SaveMode},
};
use hub_model::{UploadId, UploadMode, VersionRecord};
use uuid::Uuid;

use crate::{
    DataFile, Lake, LakeError, Staged,
    log::{Attempt, NewEntry, REWRITE_APP, Table, TableState, VERSION_APP, upload_app},
    revise::Revision,
};

/// What a publication is recorded with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Whether the rows join those that are there or take their place.
    pub mode: UploadMode,
    /// The upload. Publishing it again answers the version it made.
    pub upload_id: UploadId,
    /// The label of the principal that publishes.
    pub committed_by: String,
    /// When.
    pub committed_at: DateTime<Utc>,
}

/// Staged rows that were held against the dataset that they are for.
#[derive(Debug)]
pub struct Prepared {
    revision: Revision,
}

impl Lake {
    /// Publishes staged rows as the dataset's next version.
    ///
    /// An append, and likewise an upsert, is tried again on top of what other writers published
    /// meanwhile. A replacement, of everything or of a period, whose rows another publication touched is
    /// a [`LakeError::Conflict`], since its sender has not seen what it would remove. An append of keys
    /// that are there is [`LakeError::KeysStored`]. Publishing an upload a second time answers its first
    /// version and adds nothing.
    ///
    /// After [`LakeError::Store`] it is open whether the version exists; publishing the same upload
    /// again tells.
    pub async fn commit(
        &self,
        staged: Staged,
        publication: Publication,
    ) -> Result<VersionRecord, LakeError> {
        let table = self.table(staged.dataset())?;
        let mut revision = Revision::new(staged, publication.mode)?;
        // What takes long is done first without keeping this process's other writers away.
        let state = table.latest().await?;
        if published(&table, &state, publication.upload_id).await?.is_none() {
            revision.check_schema(&state)?;
            revision = revision.follow(&state).await?;
        }
        self.commit_prepared(Prepared { revision }, publication).await
    }

    /// Holds staged rows against the dataset as it is, without publishing them: after this only other
    /// writers and the store can stand against [`Self::commit_prepared`]. Its errors are those of
    /// [`Self::commit`].
    pub async fn prepare(&self, staged: Staged, mode: UploadMode) -> Result<Prepared, LakeError> {
        let table = self.table(staged.dataset())?;
        let revision = Revision::new(staged, mode)?;
        let state = table.latest().await?;
        revision.check_schema(&state)?;
        Ok(Prepared { revision: revision.follow(&state).await? })
    }

    /// As [`Self::commit`], of rows that were held against the dataset before. The publication's mode is
    /// the one that they were prepared for.
    pub async fn commit_prepared(
        &self,
        prepared: Prepared,
        publication: Publication,
    ) -> Result<VersionRecord, LakeError> {
        let mut revision = prepared.revision;
        let table = self.table(revision.dataset())?;
        let _writing = table.writing.lock().await;
        let mut backoff = Backoff::new(&table);
        let mut first_seen = None;
        loop {
            let state = table.latest().await?;
            if let Some(record) = published(&table, &state, publication.upload_id).await? {
                keep_published(&table, revision, &record).await?;
                return Ok(record);
            }
            let seen = *first_seen.get_or_insert(state.snapshot.version);
            if publication.mode == UploadMode::Replace && seen != state.snapshot.version {
                return Err(table.conflict());
            }
            revision.check_schema(&state)?;
            revision = revision.follow(&state).await?;
            let (record, entry) = publication_entry(&table, &state, &revision, &publication)?;
            match table.add_entry(record.log_version, entry).await {
                Ok(Attempt::Added) => {
                    keep_published(&table, revision, &record).await?;
                    return Ok(record);
                }
                Ok(Attempt::Taken) => backoff.wait().await?,
                Err(error) => {
                    // The store may have done the work, now or later: the files stay, and the same
                    // upload can be published again. Where they are of no use, vacuum collects them.
                    let there = table.entry(record.log_version).await;
                    if let Ok(Some(entry)) = there {
                        if entry.record.as_ref() == Some(&record) {
                            revision.keep();
                            return Ok(record);
                        }
                        backoff.wait().await?;
                        continue;
                    }
                    revision.keep();
                    return Err(error);
                }
            }
        }
    }

    /// The version that this upload made, if it made one.
    pub async fn published(
        &self,
        dataset: &hub_model::DatasetId,
        upload_id: UploadId,
    ) -> Result<Option<VersionRecord>, LakeError> {
        let table = self.table(dataset)?;
        let state = table.latest().await?;
        published(&table, &state, upload_id).await
    }

    /// Deletes what was staged, as far as the store lets it; vacuum collects the rest.
    pub async fn discard(&self, staged: Staged) {
        staged.delete().await;
    }
}

pub(crate) async fn published(
    table: &Table,
    state: &TableState,
    upload_id: UploadId,
) -> Result<Option<VersionRecord>, LakeError> {
    let app = upload_app(upload_id);
    let log_version = state
        .delta
        .transaction_version(table.log_store().as_ref(), &app)
        .await
        .map_err(LakeError::log(&table.dataset))?;
    let Some(log_version) = log_version.and_then(|number| u64::try_from(number).ok()) else {
        return Ok(None);
    };
    let entry = table.entry(log_version).await?;
    entry.and_then(|entry| entry.record).map(Some).ok_or_else(|| {
        let reason = format!("log entry {log_version} lacks the version of upload {upload_id}");
        LakeError::corrupt(&table.dataset, reason)
    })
}

/// The version is there: by these very files, also when the store answered late, or by others, when the
/// upload was staged a second time. Files that are no part of it are superfluous.
async fn keep_published(
    table: &Table,
    revision: Revision,
    record: &VersionRecord,
) -> Result<(), LakeError> {
    let entry = match table.entry(record.log_version).await {
        Ok(entry) => entry,
        Err(error) => {
            revision.keep();
            return Err(error);
        }
    };
    let added = entry.map(|entry| entry.added).unwrap_or_default();
    revision.keep_only(&added.into_iter().collect()).await;
    Ok(())
}

fn publication_entry(
    table: &Table,
    state: &TableState,
    revision: &Revision,
    publication: &Publication,
) -> Result<(VersionRecord, NewEntry), LakeError> {
    let before = &state.snapshot;
    let change = revision.change(state);
    let bytes_added: u64 = change.adds.iter().map(|file| file.bytes).sum();
    let bytes_removed: u64 = change.removes.iter().map(|file| file.bytes).sum();
    let record = VersionRecord {
        number: before.version + 1,
        log_version: before.log_version + 1,
        committed_at: publication.committed_at,
        committed_by: publication.committed_by.clone(),
        upload_id: publication.upload_id,
        mode: publication.mode,
        rows_added: change.added,
        rows_changed: Some(change.changed),
        rows_removed: Some(change.removed),
        rows_unchanged: Some(change.unchanged),
        rows_total: before.rows() + change.added - change.removed,
        bytes_added,
        bytes_total: before.bytes() + bytes_added - bytes_removed,
        withdrawal: None,
    };
    let now = publication.committed_at.timestamp_millis();
    let removes = change.removes.iter().map(|file| Action::Remove(remove(table, file, now, true)));
    let adds = change.adds.iter().map(|file| Action::Add(file.add(now, true)));
    let json = serde_json::to_value(&record)
        .map_err(|e| LakeError::corrupt(&table.dataset, e.to_string()))?;
    let mut transactions = vec![
        Transaction::new(VERSION_APP, signed(record.number)),
        Transaction::new(upload_app(publication.upload_id), signed(record.log_version)),
    ];
    let operation = match publication.mode {
        UploadMode::Append => write_operation(SaveMode::Append),
        UploadMode::Replace => write_operation(SaveMode::Overwrite),
        UploadMode::Upsert | UploadMode::ReplacePeriod => {
            transactions.push(Transaction::new(REWRITE_APP, state.rewrites + 1));
            DeltaOperation::Update { predicate: None }
        }
    };
    let entry = NewEntry {
        actions: removes.chain(adds).collect(),
        operation,
        metadata: HashMap::from([(VERSION_APP.to_owned(), json)]),
        transactions,
    };
    Ok((record, entry))
}

fn write_operation(mode: SaveMode) -> DeltaOperation {
    DeltaOperation::Write { mode, partition_by: None, predicate: None }
}

/// The action that takes a file out of the snapshot.
pub(crate) fn remove(table: &Table, file: &DataFile, now_ms: i64, data_change: bool) -> Remove {
    let name = file
        .path
        .prefix_match(&table.folder)
        .map(|parts| parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"));
    Remove {
        path: name.unwrap_or_default(),
        data_change,
        deletion_timestamp: Some(now_ms),
        extended_file_metadata: Some(true),
        partition_values: Some(HashMap::new()),
        size: Some(signed(file.bytes)),
        ..Remove::default()
    }
}

/// The action that puts a file into the snapshot.
pub(crate) fn add(name: &str, bytes: u64, stats: String, sha256: &str, now_ms: i64) -> Add {
    Add {
        path: name.to_owned(),
        size: signed(bytes),
        modification_time: now_ms,
        data_change: true,
        stats: Some(stats),
        tags: Some(HashMap::from([("mochiyori.sha256".to_owned(), Some(sha256.to_owned()))])),
        partition_values: HashMap::new(),
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How often a writer tries again before it answers a conflict.
const ATTEMPTS: u32 = 60;
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Waits longer from time to time, and not in step with other writers.
pub(crate) struct Backoff<'a> {
    table: &'a Table,
    attempt: u32,
}

impl<'a> Backoff<'a> {
    pub(crate) fn new(table: &'a Table) -> Self {
        Self { table, attempt: 0 }
    }

    pub(crate) async fn wait(&mut self) -> Result<(), LakeError> {
        self.attempt += 1;
        if self.attempt >= ATTEMPTS {
            return Err(self.table.conflict());
        }
        let longest = Duration::from_millis(5u64 << self.attempt.min(10)).min(LONGEST_WAIT);
        let share = f64::from(u32::from(Uuid::new_v4().as_bytes()[0])) / 255.0;
        tokio::time::sleep(longest.mul_f64(share)).await;
        Ok(())
    }
}
