//! Withdrawal: one log entry that takes a version out of sight and brings an earlier state back.
//!
//! The state comes back as a new version of the files it had, so that nothing is written but the entry,
//! and versions stay numbered without gaps. Which state is to come back is the caller's to say; here it
//! is made sure that no other publication came between the caller's looking and the entry.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use deltalake_core::{
    kernel::{Action, Add, Transaction},
    protocol::DeltaOperation,
};
use hub_model::{DatasetId, UploadId, UploadMode, VersionNumber, VersionRecord, Withdrawal};

use crate::{
    Lake, LakeError,
    commit::{Backoff, published, remove, signed},
    log::{Attempt, NewEntry, REWRITE_APP, Table, TableState, VERSION_APP, entry_of, upload_app},
};

/// What is withdrawn, and what shall be seen instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawRequest {
    /// A name for the withdrawal; doing it again under the same name answers the version it made.
    pub id: UploadId,
    /// The newest version that the caller knows; another one is a conflict.
    pub newest: VersionNumber,
    /// What is recorded.
    pub withdrawal: Withdrawal,
    /// The log entry of the version whose rows come back; none brings back the empty dataset. It is not
    /// looked at where the newest version shows these rows already.
    pub restore_from: Option<u64>,
    /// Whether the newest version shows the rows that stay, so that only the record is added.
    pub keeps_rows: bool,
    /// The label of the principal that withdraws.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Lake {
    /// Withdraws a version by publishing the next one, with the rows that are to be seen.
    ///
    /// A publication that the caller does not know is a [`LakeError::Conflict`], joined files are not.
    /// Rows that were let go under the retention can't come back: [`LakeError::Expired`].
    pub async fn withdraw(
        &self,
        dataset: &DatasetId,
        request: &WithdrawRequest,
    ) -> Result<VersionRecord, LakeError> {
        let table = self.table(dataset)?;
        let _writing = table.writing.lock().await;
        let mut backoff = Backoff::new(&table);
        loop {
            let state = table.latest().await?;
            if let Some(record) = published(&table, &state, request.id).await? {
                return Ok(record);
            }
            if state.snapshot.version != request.newest {
                return Err(table.conflict());
            }
            let (record, entry) = withdrawal_entry(&table, &state, request).await?;
            match table.add_entry(record.log_version, entry).await {
                Ok(Attempt::Added) => return Ok(record),
                Ok(Attempt::Taken) => backoff.wait().await?,
                // The store may have added it all the same; the next round tells.
                Err(error) => match table.entry(record.log_version).await {
                    Ok(Some(_)) => backoff.wait().await?,
                    _ => return Err(error),
                },
            }
        }
    }
}

async fn withdrawal_entry(
    table: &Table,
    state: &TableState,
    request: &WithdrawRequest,
) -> Result<(VersionRecord, NewEntry), LakeError> {
    let before = &state.snapshot;
    let now = request.at.timestamp_millis();
    let mut actions = Vec::new();
    let (mut rows_total, mut bytes_total) = (before.rows(), before.bytes());
    if !request.keeps_rows {
        let restored = match request.restore_from {
            None => None,
            Some(log_version) if log_version < state.expired_before => {
                let dataset = table.dataset.clone();
                return Err(LakeError::Expired { dataset, log_version });
            }
            Some(log_version) => Some(table.load(Some(log_version)).await?),
        };
        let active: HashSet<_> = before.files.iter().map(|file| &file.path).collect();
        let back = restored.as_ref().map(|state| &state.snapshot);
        let stays: HashSet<_> =
            back.into_iter().flat_map(|snapshot| snapshot.files.iter()).map(|f| &f.path).collect();
        for file in before.files.iter().filter(|file| !stays.contains(&file.path)) {
            actions.push(Action::Remove(remove(table, file, now, true)));
        }
        for add in restored.iter().flat_map(adds) {
            let path = table.folder.clone().join(add.path.as_str());
            if !active.contains(&path) {
                actions.push(Action::Add(add));
            }
        }
        rows_total = back.map_or(0, crate::Snapshot::rows);
        bytes_total = back.map_or(0, crate::Snapshot::bytes);
    }
    let record = VersionRecord {
        number: before.version + 1,
        log_version: before.log_version + 1,
        committed_at: request.at,
        committed_by: request.by.clone(),
        upload_id: request.id,
        mode: UploadMode::Replace,
        rows_added: 0,
        // Files come and go whole; how many of their rows differ was not looked at.
        rows_changed: None,
        rows_removed: None,
        rows_unchanged: None,
        rows_total,
        bytes_added: 0,
        bytes_total,
        withdrawal: Some(request.withdrawal.clone()),
    };
    let json = serde_json::to_value(&record)
        .map_err(|e| LakeError::corrupt(&table.dataset, e.to_string()))?;
    let entry = NewEntry {
        actions,
        operation: DeltaOperation::Restore { version: request.restore_from, datetime: None },
        metadata: HashMap::from([(VERSION_APP.to_owned(), json)]),
        transactions: vec![
            Transaction::new(VERSION_APP, signed(record.number)),
            Transaction::new(upload_app(request.id), signed(record.log_version)),
            Transaction::new(REWRITE_APP, state.rewrites + 1),
        ],
    };
    Ok((record, entry))
}

/// The actions that put the state's files into the log, with all that was said of them there.
fn adds(state: &TableState) -> Vec<Add> {
    state.delta.log_data().iter().map(|file| entry_of(&file)).collect()
}
