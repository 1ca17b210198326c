//! One entry of the log, read for what the hub itself put there.

use std::collections::HashMap;

use hub_model::VersionRecord;
use serde::Deserialize;

use crate::log::VERSION_APP;

/// What one log entry says, its added files aside.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) log_version: u64,
    /// The version that the entry published, where it did.
    pub(crate) record: Option<VersionRecord>,
    /// Application transactions, by application.
    pub(crate) transactions: HashMap<String, i64>,
    /// Names of the files it added.
    pub(crate) added: Vec<String>,
    /// Names of the files it removed.
    pub(crate) removed: Vec<String>,
    /// When it was written, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) written_at_ms: i64,
}

/// A line of an entry. Actions that the hub never writes are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<CommitInfo>,
    txn: Option<Txn>,
    add: Option<File>,
    remove: Option<File>,
}

#[derive(Deserialize)]
struct CommitInfo {
    #[serde(default)]
    timestamp: i64,
    #[serde(rename = "mochiyori.version")]
    record: Option<VersionRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Txn {
    app_id: String,
    version: i64,
}

#[derive(Deserialize)]
struct File {
    path: String,
}

impl Entry {
    /// Reads an entry; the error says which line is malformed.
    pub(crate) fn parse(log_version: u64, bytes: &[u8]) -> Result<Self, String> {
        let mut entry = Self {
            log_version,
            record: None,
            transactions: HashMap::new(),
            added: Vec::new(),
            removed: Vec::new(),
            written_at_ms: 0,
        };
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let line: Line = serde_json::from_slice(line)
                .map_err(|e| format!("log entry {log_version}, line {}: {e}", index + 1))?;
            if let Some(info) = line.commit_info {
                entry.written_at_ms = info.timestamp;
                entry.record = info.record;
            }
            if let Some(txn) = line.txn {
                entry.transactions.insert(txn.app_id, txn.version);
            }
            entry.added.extend(line.add.map(|file| file.path));
            entry.removed.extend(line.remove.map(|file| file.path));
        }
        if entry.record.is_some() && !entry.transactions.contains_key(VERSION_APP) {
            return Err(format!("log entry {log_version} names a version without its number"));
        }
        Ok(entry)
    }
}
