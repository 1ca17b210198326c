//! Configuration: a file, then the environment over it, resolved by a pure function into one value
//! that is passed down. Nothing else reads the environment.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text is not TOML of the expected shape.
    #[error("the configuration can't be read: {0}")]
    Malformed(String),
    /// An environment variable names no setting.
    #[error(
        "{name} names no setting; settings are MOCHIYORI_<SECTION>__<KEY>, with two underscores, see \
         mochiyori.example.toml"
    )]
    UnknownVariable {
        /// The variable.
        name: String,
    },
    /// A value is out of its range.
    #[error("{key} = {value} is not usable: {expected}")]
    InvalidValue {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What would be.
        expected: &'static str,
    },
}

/// Everything a server is told. Each setting's meaning and default stand in `mochiyori.example.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The HTTP server.
    pub server: ServerConfig,
    /// Where versions are kept.
    pub lake: LakeSection,
    /// Where agencies, datasets and tokens are recorded.
    pub registry: RegistrySection,
    /// Limits of uploads.
    pub uploads: UploadsConfig,
    /// Limits of queries.
    pub queries: QueriesConfig,
    /// How many permalinks may be made.
    pub permalinks: PermalinksConfig,
    /// Upkeep of stored files.
    pub upkeep: UpkeepConfig,
    /// What is logged.
    pub log: LogConfig,
}

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

/// Threads, buffers and a decoder's tables take about so much whatever the file.
const LEAST_WORKER_MEMORY: u64 = 128 << 20;

/// Variables that belong to the command line and name no setting.
const CLIENT_VARIABLES: [&str; 4] =
    ["MOCHIYORI_URL", "MOCHIYORI_TOKEN", "MOCHIYORI_CONFIG", "MOCHIYORI_LANG"];

const SECTIONS: [&str; 8] =
    ["SERVER", "LAKE", "REGISTRY", "UPLOADS", "QUERIES", "PERMALINKS", "UPKEEP", "LOG"];

impl Config {
    /// Reads a file's text, if there is one, and lays `MOCHIYORI_<SECTION>__<KEY>` variables over it.
    pub fn resolve(
        file: Option<&str>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let malformed = |error: &dyn std::fmt::Display| ConfigError::Malformed(error.to_string());
        let mut table: toml::Table =
            file.unwrap_or_default().parse().map_err(|error| malformed(&error))?;
        for (name, value) in environment {
            let Some(path) = name.strip_prefix("MOCHIYORI_") else { continue };
            if CLIENT_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            if !path.contains("__") {
                // A variable of something else may begin the same; one underscore too few is a slip.
                let section = path.split('_').next().unwrap_or_default();
                if SECTIONS.contains(&section) {
                    return Err(ConfigError::UnknownVariable { name });
                }
                continue;
            }
            set(&mut table, &name, path, &value)?;
        }
        let config: Self = table.try_into().map_err(|error| malformed(&error))?;
        config.validated()
    }

    fn validated(self) -> Result<Self, ConfigError> {
        let positive = [
            ("uploads.at_once", self.uploads.at_once),
            ("uploads.memory_bytes", self.uploads.memory_bytes),
            ("queries.at_once", self.queries.at_once),
            ("queries.memory_bytes", self.queries.memory_bytes),
            ("queries.max_sql_bytes", self.queries.max_sql_bytes),
            ("server.max_connections", self.server.max_connections),
        ];
        for (key, value) in positive {
            if value == 0 {
                return Err(ConfigError::InvalidValue {
                    key,
                    value: value.to_string(),
                    expected: "give a number greater than 0",
                });
            }
        }
        if self.uploads.worker_memory_bytes < LEAST_WORKER_MEMORY {
            return Err(ConfigError::InvalidValue {
                key: "uploads.worker_memory_bytes",
                value: self.uploads.worker_memory_bytes.to_string(),
                expected: "reading any file takes at least 134217728",
            });
        }
        if self.upkeep.vacuum_grace_s < 3_600 {
            return Err(ConfigError::InvalidValue {
                key: "upkeep.vacuum_grace_s",
                value: self.upkeep.vacuum_grace_s.to_string(),
                expected: "it must exceed the longest upload: at least 3600",
            });
        }
        Ok(self)
    }

    /// The lake's place.
    pub fn lake_url(&self) -> String {
        if self.lake.url.is_empty() {
            format!("file://{}", self.absolute("lake"))
        } else {
            self.lake.url.clone()
        }
    }

    /// The registry's place.
    pub fn registry_url(&self) -> String {
        if self.registry.url.is_empty() {
            format!("sqlite://{}", self.absolute("registry.sqlite"))
        } else {
            self.registry.url.clone()
        }
    }

    /// Whether the registry is a server that other processes may use.
    pub fn shares_registry(&self) -> bool {
        self.registry_url().starts_with("postgres")
    }

    fn absolute(&self, name: &str) -> String {
        let path = self.server.data_dir.join(name);
        std::path::absolute(&path).unwrap_or(path).to_string_lossy().into_owned()
    }
}

/// Sets one value by its path; the type is that of the TOML literal, or text where it is none.
fn set(table: &mut toml::Table, name: &str, path: &str, value: &str) -> Result<(), ConfigError> {
    let unknown = || ConfigError::UnknownVariable { name: name.to_owned() };
    let mut keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
    let last = keys.pop().filter(|key| !key.is_empty()).ok_or_else(unknown)?;
    let mut table = table;
    for key in keys {
        table = table
            .entry(key)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut()
            .ok_or_else(unknown)?;
    }
    // The store's own settings are texts, whatever they look like.
    let is_text = path.starts_with("LAKE__OPTIONS__");
    let literal =
        format!("v = {value}").parse::<toml::Table>().ok().and_then(|mut t| t.remove("v"));
    let value =
        literal.filter(|_| !is_text).unwrap_or_else(|| toml::Value::String(value.to_owned()));
    table.insert(last, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn the_environment_goes_over_the_file_and_the_file_over_the_defaults() {
        let config = Config::resolve(
            Some("[queries]\nat_once = 3\ntimeout_ms = 5\n"),
            [
                variable("MOCHIYORI_QUERIES__AT_ONCE", "7"),
                variable("MOCHIYORI_LAKE__URL", "s3://bucket/lake"),
                variable("MOCHIYORI_LAKE__OPTIONS__AWS_REGION", "ap-northeast-1"),
                variable("MOCHIYORI_LAKE__OPTIONS__AWS_ALLOW_HTTP", "true"),
                variable("MOCHIYORI_URL", "http://hub"),
                variable("HOME", "/home/hub"),
            ],
        )
        .unwrap();
        assert_eq!((config.queries.at_once, config.queries.timeout_ms), (7, 5));
        assert_eq!(config.lake_url(), "s3://bucket/lake");
        assert_eq!(config.lake.options["aws_region"], "ap-northeast-1");
        assert_eq!(config.lake.options["aws_allow_http"], "true");
        assert_eq!(config.uploads.report_cap, 1_000);
    }

    #[test]
    fn a_misspelt_setting_is_refused_with_its_name() {
        for (file, variables) in [
            (Some("[queries]\nat_onec = 3"), vec![]),
            (None, vec![variable("MOCHIYORI_QUERIES__AT_ONEC", "3")]),
            (None, vec![variable("MOCHIYORI_QUERIES_AT_ONEC", "3")]),
        ] {
            let error = Config::resolve(file, variables).unwrap_err().to_string();
            assert!(error.to_lowercase().contains("at_onec"), "{error}");
        }
        let others = [variable("MOCHIYORI_HOME", "/srv"), variable("MOCHIYORI_TOKEN", "mcy_x")];
        assert!(Config::resolve(None, others).is_ok());
        assert!(Config::resolve(Some("[queries]\nat_once = 0"), []).is_err());
    }

    #[test]
    fn the_containers_settings_are_ones_that_the_hub_knows() {
        let compose = include_str!("../../../docker-compose.yml");
        let settings = |service: &str| {
            let lines = compose.lines().skip_while(move |line| *line != format!("  {service}:"));
            let lines =
                lines.skip(1).take_while(|line| line.is_empty() || line.starts_with("    "));
            let pairs = lines.filter_map(|line| line.trim().split_once(": "));
            let ours = pairs.filter(|(name, _)| name.starts_with("MOCHIYORI_"));
            ours.map(|(name, value)| variable(name, value.trim_matches('"'))).collect::<Vec<_>>()
        };
        let with_stores = Config::resolve(None, settings("hub")).unwrap();
        assert_eq!(with_stores.lake_url(), "s3://mochiyori/lake");
        assert!(with_stores.shares_registry());
        let alone = Config::resolve(None, settings("hub-alone")).unwrap();
        assert_eq!(alone.registry_url(), "sqlite:///data/registry.sqlite");
        assert_eq!(alone.lake_url(), "file:///data/lake");
    }

    #[test]
    fn the_example_file_says_what_the_defaults_are() {
        let example =
            Config::resolve(Some(include_str!("../../../mochiyori.example.toml")), []).unwrap();
        assert_eq!(format!("{example:?}"), format!("{:?}", Config::default()));
    }
}
