//! The settings by their sections, with their defaults.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

/// The HTTP server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// The folder of everything local.
    pub data_dir: PathBuf,
    /// The address people reach the hub by, for links; the listening address where empty.
    pub public_url: String,
    /// Connections open at once.
    pub max_connections: usize,
    /// How long a request's head may take, in milliseconds.
    pub header_timeout_ms: u64,
    /// How long a JSON body may take, in milliseconds.
    pub body_timeout_ms: u64,
    /// How long open requests may take to end when the server stops, in milliseconds.
    pub stop_timeout_ms: u64,
    /// Origins whose pages may read public data from a browser; `*` for all.
    pub cors_origins: Vec<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            data_dir: PathBuf::from("mochiyori-data"),
            public_url: String::new(),
            max_connections: 1_024,
            header_timeout_ms: 10_000,
            body_timeout_ms: 30_000,
            stop_timeout_ms: 30_000,
            cors_origins: vec!["*".to_owned()],
        }
    }
}

/// Where versions are kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LakeSection {
    /// `file://`, `s3://`, `gs://` or `az://`; the folder `lake` in the data folder where empty.
    pub url: String,
    /// Settings of the object store, such as `aws_endpoint` and `aws_region`.
    pub options: BTreeMap<String, String>,
}

/// Where agencies, datasets and tokens are recorded.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrySection {
    /// `sqlite://` or `postgres://`; a SQLite file in the data folder where empty.
    pub url: String,
}

/// Limits of uploads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UploadsConfig {
    /// The largest file, in bytes.
    pub max_bytes: u64,
    /// Uploads worked on at once.
    pub at_once: usize,
    /// Memory one upload may hold while it is sorted, in bytes.
    pub memory_bytes: usize,
    /// Threads one upload may use; as many as there are cores where 0.
    pub threads: usize,
    /// How long a body may pause, in milliseconds.
    pub pause_ms: u64,
    /// Errors a report lists.
    pub report_cap: usize,
    /// How long the files of rejected uploads are kept, in days.
    pub keep_rejected_days: u64,
    /// Whether files are decoded in a process of their own.
    pub worker: bool,
    /// Memory that process may allocate, in bytes.
    pub worker_memory_bytes: u64,
    /// CPU time it may use, in seconds.
    pub worker_cpu_s: u64,
    /// How long the hub waits for it, in seconds; time in which the hub itself is at work does not count.
    pub worker_wait_s: u64,
}

impl Default for UploadsConfig {
    fn default() -> Self {
        Self {
            max_bytes: 8 << 30,
            at_once: 2,
            memory_bytes: 256 << 20,
            threads: 0,
            pause_ms: 60_000,
            report_cap: 1_000,
            keep_rejected_days: 90,
            worker: true,
            worker_memory_bytes: 2 << 30,
            worker_cpu_s: 3_600,
            worker_wait_s: 1_800,
        }
    }
}

/// Limits of queries.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueriesConfig {
    /// Memory of all queries together, in bytes.
    pub memory_bytes: usize,
    /// Memory one query may take of it, in bytes.
    pub memory_bytes_each: usize,
    /// Intermediate results one query may put on disk, in bytes.
    pub spill_bytes_each: u64,
    /// Queries at once.
    pub at_once: usize,
    /// Queries that may wait for a place; more are told to come again.
    pub waiting: usize,
    /// How long they wait, in milliseconds, before they are told the same.
    pub wait_ms: u64,
    /// How long one query may run, in milliseconds.
    pub timeout_ms: u64,
    /// Rows an answer may have; 0 for any number.
    pub max_rows: u64,
    /// Bytes of batches an answer may have; 0 for any number.
    pub max_answer_bytes: u64,
    /// The longest statement, in bytes.
    pub max_sql_bytes: usize,
    /// Threads of the query runtime; as many as there are cores where 0.
    pub threads: usize,
    /// Queries that run in the background at once; 0 for none.
    pub background_at_once: usize,
    /// How long one may run in the background, in milliseconds.
    pub background_timeout_ms: u64,
    /// How long its result is kept, in seconds.
    pub background_keep_s: u64,
    /// How many are kept for one token.
    pub background_per_token: u64,
    /// Whether aggregates may be answered from rollups.
    pub rollups: bool,
    /// Bytes of answers that are kept for the next who asks the same; 0 for none.
    pub kept_answer_bytes: usize,
    /// The most bytes of one of them.
    pub kept_answer_bytes_each: usize,
    /// Bytes for pages of files that rows by REST were looked up in; 0 for none.
    pub page_cache_bytes: u64,
}

impl Default for QueriesConfig {
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            memory_bytes_each: 512 << 20,
            spill_bytes_each: 8 << 30,
            at_once: 8,
            waiting: 32,
            wait_ms: 5_000,
            timeout_ms: 60_000,
            max_rows: 0,
            max_answer_bytes: 0,
            max_sql_bytes: 100_000,
            threads: 0,
            background_at_once: 1,
            background_timeout_ms: 3_600_000,
            background_keep_s: 86_400,
            background_per_token: 20,
            rollups: true,
            kept_answer_bytes: 64 << 20,
            kept_answer_bytes_each: 4 << 20,
            page_cache_bytes: 128 << 20,
        }
    }
}

/// How many permalinks may be made within an hour.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PermalinksConfig {
    /// By all who give no token together; 0 for none.
    pub anonymous_per_hour: u64,
    /// By each token; 0 for none.
    pub token_per_hour: u64,
}

impl Default for PermalinksConfig {
    fn default() -> Self {
        Self { anonymous_per_hour: 60, token_per_hour: 600 }
    }
}

/// Upkeep of stored files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpkeepConfig {
    /// Small files of one dataset that start a compaction.
    pub compact_after_files: usize,
    /// How often leavings are collected, in seconds; 0 for never.
    pub vacuum_every_s: u64,
    /// How old an unpublished file must be before it is collected, in seconds.
    pub vacuum_grace_s: u64,
}

impl Default for UpkeepConfig {
    fn default() -> Self {
        Self { compact_after_files: 16, vacuum_every_s: 86_400, vacuum_grace_s: 86_400 }
    }
}

/// What is logged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Levels, as in `info` or `info,hub_lake=debug`.
    pub filter: String,
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}
