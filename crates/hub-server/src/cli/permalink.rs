//! `permalink`: keeps a question with the versions it read, and runs it again.

use clap::{Args, Subcommand};
use hub_model::PermalinkId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{
    answer::{self, AnswerArgs},
    client::Client,
    error::CliError,
    output::{Console, clean, clean_lines, counted, member, member_instant, text_in},
    statement::StatementArgs,
};

#[derive(Debug, Subcommand)]
pub enum PermalinkCommand {
    /// Run a question once and keep it, with its versions and the hash of its result
    Create(CreateArgs),
    /// Show what is recorded of a permalink
    Show(ShowArgs),
    /// Run a permalink on the versions it names, and show or save the answer
    Result(ResultArgs),
    /// Run a permalink again and say whether the same comes of it
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori permalink create \"SELECT station, max(level) FROM kaihatsu.river_flow GROUP BY station\"
  mochiyori permalink create -f question.sql --title \"Highest levels of 2025\"
  mochiyori permalink create -f question.sql --version kaihatsu.river_flow=3

The address goes to standard output. The versions that it names are kept for good.")]
pub struct CreateArgs {
    #[command(flatten)]
    question: StatementArgs,
    /// What to call it; all who can open it see this
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Print the hub's answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori permalink show k7wq2mzt9x4b")]
pub struct ShowArgs {
    /// The permalink's id, or its address
    #[arg(value_parser = parse_id)]
    id: PermalinkId,
    /// Print the hub's answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori permalink result k7wq2mzt9x4b -o answer.parquet")]
pub struct ResultArgs {
    /// The permalink's id, or its address
    #[arg(value_parser = parse_id)]
    id: PermalinkId,
    #[command(flatten)]
    answer: AnswerArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori permalink verify k7wq2mzt9x4b && echo unchanged

It ends with the exit code 1 where something else came of it.")]
pub struct VerifyArgs {
    /// The permalink's id, or its address
    #[arg(value_parser = parse_id)]
    id: PermalinkId,
    /// Print the hub's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(
    command: PermalinkCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        PermalinkCommand::Create(args) => create(&args, client, console).await,
        PermalinkCommand::Show(args) => {
            let path = ["v1", "permalinks", args.id.as_str()];
            let permalink: Value = client.json(client.get(&path)).await?;
            if args.json { Ok(console.json(&permalink)?) } else { show(&permalink, console) }
        }
        PermalinkCommand::Result(args) => {
            let format = args.answer.choose(console.look.out_is_terminal)?;
            let path = ["v1", "permalinks", args.id.as_str(), "result"];
            let request = client.get(&path).query(&[("format", format.asked())]);
            let response = client.send(request).await?;
            answer::deliver(response, format, &args.answer, client, console).await
        }
        PermalinkCommand::Verify(args) => verify(&args, client, console).await,
    }
}

async fn create(
    args: &CreateArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let (sql, mut body) = args.question.body()?;
    if let Some(title) = &args.title {
        body["title"] = json!(title);
    }
    let request = client.request(Method::POST, &["v1", "permalinks"]).json(&body);
    let response = client.send_sql(request, Some(&sql)).await?;
    let made: Value = response.json().await.map_err(|error| client.not_understood(&error))?;
    if args.json {
        return Ok(console.json(&made)?);
    }
    console.line(member(&made, "url"))?;
    let rows = made.get("row_count").and_then(Value::as_u64).unwrap_or_default();
    console.remark(format_args!("  id {}, {}", member(&made, "id"), counted(rows, "row")))?;
    console.remark(format_args!("  {}", member(&made, "result_hash")))?;
    notes(&made, console)
}

fn show(permalink: &Value, console: &mut Console<'_>) -> Result<(), CliError> {
    console.line(format_args!("permalink {}", member(permalink, "id")))?;
    let engine = permalink.get("engine").cloned().unwrap_or_default();
    let versions = permalink.get("sources").and_then(Value::as_array).into_iter().flatten();
    let versions: Vec<_> =
        versions.map(|s| format!("{} v{}", member(s, "dataset"), member(s, "version"))).collect();
    for (label, text) in [
        ("title", member(permalink, "title")),
        ("address", member(permalink, "url")),
        ("made", member_instant(permalink, "created_at")),
        ("versions", versions.join(", ")),
        ("rows", member(permalink, "row_count")),
        ("hash", member(permalink, "result_hash")),
        ("read", if permalink["rollups"] == false { "rows, no rollups" } else { "" }.to_owned()),
        (
            "engine",
            format!("{} (DataFusion {})", member(&engine, "hub"), member(&engine, "datafusion")),
        ),
    ] {
        if !text.is_empty() {
            console.line(format_args!("  {label:10}{text}"))?;
        }
    }
    console.line("")?;
    let sql = permalink.get("sql").and_then(Value::as_str).unwrap_or_default();
    console.line(clean_lines(sql))?;
    let parameters = permalink.get("parameters").and_then(Value::as_array);
    for (place, value) in parameters.into_iter().flatten().enumerate() {
        console.line(format_args!("  ${} = {}", place + 1, clean(&value.to_string())))?;
    }
    notes(permalink, console)
}

async fn verify(
    args: &VerifyArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let path = ["v1", "permalinks", args.id.as_str(), "verification"];
    let found: Value = client.json(client.get(&path)).await?;
    let same = member(&found, "verdict") == "same";
    if args.json {
        console.json(&found)?;
    } else {
        let rows = |when: &str| {
            found.pointer(&format!("/row_count/{when}")).and_then(Value::as_u64).unwrap_or_default()
        };
        let (then, now) = (counted(rows("then"), "row"), counted(rows("now"), "row"));
        console.line(format_args!("{}: {then} then, {now} now", member(&found, "verdict")))?;
        if member(&found, "order") == "different" {
            console.line("the rows came in another order")?;
        }
        if found.get("engine_changed").and_then(Value::as_bool) == Some(true) {
            let engine = |part: &str| member(&found["engine"][part], "hub");
            console.line(format_args!(
                "another version of the hub ran it: {} then, {} now",
                engine("then"),
                engine("now")
            ))?;
        }
        notes(&found, console)?;
    }
    if same { Ok(()) } else { Err(CliError::Differs) }
}

fn notes(answer: &Value, console: &mut Console<'_>) -> Result<(), CliError> {
    let language = console.look.language;
    for note in answer.get("notes").and_then(Value::as_array).into_iter().flatten() {
        console.remark(format_args!("  {}", text_in(Some(note), language)))?;
    }
    Ok(())
}

/// An id by itself, or at the end of an address as it is printed and cited.
pub(crate) fn parse_id(text: &str) -> Result<PermalinkId, String> {
    let text = text.trim().trim_end_matches('/');
    let id = text.rsplit_once("/permalinks/").map_or(text, |(_, id)| id);
    PermalinkId::parse(id).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_alone_or_with_its_address() {
        let id = PermalinkId::of_random(5);
        for text in [id.to_string(), format!("https://hub.example.jp/open/v1/permalinks/{id}/")] {
            assert_eq!(parse_id(&text).unwrap(), id);
        }
        assert!(parse_id("https://hub.example.jp/v1/permalinks/").is_err());
    }
}
