//! `sql`: asks a question and shows or saves the answer.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use hub_model::DatasetId;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{
    cli::{
        answer::{self, AnswerArgs},
        client::Client,
        error::CliError,
        output::Console,
    },
    extract::instant_of_word,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori sql \"SELECT * FROM kaihatsu.river_flow LIMIT 10\"
  mochiyori sql -f question.sql -o answer.parquet
  mochiyori sql \"SELECT avg(level) FROM kaihatsu.river_flow WHERE station = \\$1\" --param 余市
  mochiyori sql \"SELECT count(*) FROM kaihatsu.river_flow\" --version kaihatsu.river_flow=3
  mochiyori sql \"SELECT avg(level) FROM kaihatsu.river_flow\" --as-of 2026-04-01T00:00:00+09:00
  echo \"SELECT 1 + 1\" | mochiyori sql - --format json

Tables are written agency.dataset; `mochiyori dataset list` shows them. On a terminal the answer is
a table, and its sources, with their licences, are shown below it. Into a pipe it is CSV, with
nothing else. Into a file it is what the file's name says. Answers of any size can be saved.")]
pub struct SqlArgs {
    /// The statement, or - to read it from standard input
    #[arg(required_unless_present = "file")]
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
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}

pub(crate) async fn run(
    args: SqlArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let format = args.answer.choose(console.look.out_is_terminal)?;
    let sql = statement(&args)?;
    let versions: Map<String, Value> =
        args.versions.iter().map(|(id, version)| (id.to_string(), version.clone())).collect();
    let mut body = json!({ "sql": sql, "format": format.asked() });
    if !args.parameters.is_empty() {
        body["parameters"] = args.parameters.iter().map(|p| parse_parameter(p)).collect();
    }
    if !versions.is_empty() {
        body["versions"] = Value::Object(versions);
    }
    if let Some(as_of) = &args.as_of {
        body["as_of"] = as_of.as_str().into();
    }
    let request = client.request(Method::POST, &["v1", "sql"]).json(&body);
    let response = client.send_sql(request, Some(&sql)).await?;
    answer::deliver(response, format, &args.answer, client, console).await
}

fn statement(args: &SqlArgs) -> Result<String, CliError> {
    match (&args.file, args.statement.as_deref()) {
        (Some(path), _) if path != Path::new("-") => std::fs::read_to_string(path)
            .map_err(CliError::file(format!("can't read {}", path.display()))),
        (None, Some(statement)) if statement != "-" => Ok(statement.to_owned()),
        _ => {
            let mut statement = String::new();
            io::stdin()
                .read_to_string(&mut statement)
                .map_err(CliError::file("can't read the statement from standard input"))?;
            Ok(statement)
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

fn parse_version(text: &str) -> Result<(DatasetId, Value), String> {
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
