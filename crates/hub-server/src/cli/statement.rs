//! A statement with its parameters and versions, as several commands take one.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use hub_model::DatasetId;
use serde_json::{Map, Value, json};

use crate::{cli::error::CliError, extract::instant_of_word};

#[derive(Debug, Args)]
pub(crate) struct StatementArgs {
    /// The statement, or - to read it from standard input
    pub(crate) statement: Option<String>,
    /// Read the statement from a file
    #[arg(long, short, value_name = "FILE", conflicts_with = "statement")]
    pub(crate) file: Option<PathBuf>,
    /// Value for $1, the next for $2, and so on. 12, 2.5, true and null are taken as such, anything
    /// else as text; '"12"' is the text 12
    #[arg(long = "param", short = 'p', value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) parameters: Vec<String>,
    /// Read a dataset as it was: agency.dataset=N for version N, or agency.dataset=TIME for the
    /// version of that time, such as 2026-04-01T00:00:00+09:00
    #[arg(long = "version", value_name = "DATASET=VERSION", value_parser = parse_version)]
    pub(crate) versions: Vec<(DatasetId, Value)>,
    /// Read everything as it was known at this time, such as 2026-04-01T00:00:00+09:00; --version goes
    /// before it
    #[arg(long, value_name = "TIME", value_parser = parse_as_of)]
    pub(crate) as_of: Option<String>,
}

impl StatementArgs {
    /// Whether a statement is given at all.
    pub(crate) fn is_given(&self) -> bool {
        self.statement.is_some() || self.file.is_some()
    }

    /// The statement's text, and the body that asks for it.
    pub(crate) fn body(&self) -> Result<(String, Value), CliError> {
        let sql = self.text()?;
        let mut body = json!({ "sql": sql });
        if !self.parameters.is_empty() {
            body["parameters"] = self.parameters.iter().map(|p| parse_parameter(p)).collect();
        }
        if !self.versions.is_empty() {
            let versions = self.versions.iter();
            let versions: Map<String, Value> =
                versions.map(|(id, version)| (id.to_string(), version.clone())).collect();
            body["versions"] = Value::Object(versions);
        }
        if let Some(as_of) = &self.as_of {
            body["as_of"] = as_of.as_str().into();
        }
        Ok((sql, body))
    }

    fn text(&self) -> Result<String, CliError> {
        match (&self.file, self.statement.as_deref()) {
            (Some(path), _) if path != Path::new("-") => std::fs::read_to_string(path)
                .map_err(CliError::file(format!("can't read {}", path.display()))),
            (None, Some(statement)) if statement != "-" => Ok(statement.to_owned()),
            (None, None) => Err(CliError::Usage(
                "give a statement, or --file FILE, or - to read it from standard input".into(),
            )),
            _ => {
                let mut statement = String::new();
                io::stdin()
                    .read_to_string(&mut statement)
                    .map_err(CliError::file("can't read the statement from standard input"))?;
                Ok(statement)
            }
        }
    }
}

/// A value as JSON has it, or else the text itself: codes such as 01203 stay text.
fn parse_parameter(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

/// A dataset and its version, by number or time.
pub(crate) fn parse_version(text: &str) -> Result<(DatasetId, Value), String> {
    let (dataset, version) =
        text.split_once('=').ok_or("write it as agency.dataset=3".to_owned())?;
    let dataset = DatasetId::parse(dataset).map_err(|error| error.to_string())?;
    if let Ok(number) = version.parse::<u64>() {
        return Ok((dataset, number.into()));
    }
    match instant_of_word(version) {
        Some(_) => Ok((dataset, version.into())),
        None => Err(format!(
            "{version:?} is neither a version's number nor a time such as 2026-04-01T00:00:00+09:00"
        )),
    }
}

/// A time, as it was written; the hub reads it as this does.
pub(crate) fn parse_as_of(text: &str) -> Result<String, String> {
    instant_of_word(text)
        .map(|_| text.to_owned())
        .ok_or_else(|| "write it as 2026-04-01T00:00:00+09:00".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_what_they_look_like_and_codes_stay_text() {
        let all = ["12", "-2.5", "true", "null", "01203", "余市", "\"12\"", "[1]", ""];
        let parsed: Vec<Value> = all.iter().map(|text| parse_parameter(text)).collect();
        assert_eq!(
            Value::from(parsed),
            json!([12, -2.5, true, null, "01203", "余市", "12", "[1]", ""])
        );
    }

    #[test]
    fn a_version_is_a_number_or_a_time() {
        let (dataset, version) = parse_version("kaihatsu.river=3").unwrap();
        assert_eq!((dataset.to_string().as_str(), version), ("kaihatsu.river", json!(3)));
        assert!(parse_version("kaihatsu.river=2026-04-01T00:00:00+09:00").is_ok());
        for wrong in ["kaihatsu.river", "river=3", "kaihatsu.river=-1", "kaihatsu.river=april"] {
            assert!(parse_version(wrong).is_err(), "{wrong}");
        }
    }
}
