//! Configuration: a file, then the environment over it, resolved by a pure function into one value
//! that is passed down. Nothing else reads the environment.

mod sections;

use std::path::PathBuf;

use serde::Deserialize;

pub use sections::{
    LakeSection, LogConfig, LogFormat, PermalinksConfig, QueriesConfig, RegistrySection,
    ServerConfig, UpkeepConfig, UploadsConfig,
};

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

    /// What only one process may work on, each with the file by which that is held: the data folder, and a
    /// registry in a file elsewhere.
    pub(crate) fn owned_by_one_process(&self) -> Vec<(PathBuf, PathBuf)> {
        let folder = &self.server.data_dir;
        let registry = self.registry.url.strip_prefix("sqlite://").map(|file| {
            let file = PathBuf::from(file.split('?').next().unwrap_or(file));
            (file.clone(), file.with_added_extension("lock"))
        });
        [(folder.clone(), folder.join("lock"))].into_iter().chain(registry).collect()
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
