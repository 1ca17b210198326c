//! `version`: the states a dataset went through.

use clap::{Args, Subcommand};
use hub_model::{DatasetId, VersionNumber};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{
    answer::{self, AnswerArgs},
    client::Client,
    dataset::{finish_list, grouped, path},
    error::CliError,
    output::{Console, Language, bytes, clean, member, member_instant},
    table::Table,
};

#[derive(Debug, Subcommand)]
pub enum VersionCommand {
    /// List a dataset's versions
    List(VersionListArgs),
    /// Show one version
    Show(ShowArgs),
    /// Show the rows that differ between two versions
    Diff(DiffArgs),
    /// Take a version out of sight, with a reason that all may read
    Withdraw(WithdrawArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori version list kaihatsu.river_flow
  mochiyori dataset versions kaihatsu.river_flow        the same
  mochiyori sql \"SELECT count(*) FROM kaihatsu.river_flow\" --version kaihatsu.river_flow=3")]
pub struct VersionListArgs {
    /// The dataset, as agency.dataset
    dataset: DatasetId,
    /// Most versions to list
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori version show kaihatsu.river_flow 3")]
pub struct ShowArgs {
    /// The dataset, as agency.dataset
    dataset: DatasetId,
    /// The version's number
    number: VersionNumber,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori version diff kaihatsu.river_flow 2..3
  mochiyori version diff kaihatsu.river_flow 2..3 -o changes.csv

Each row says whether it was added, changed or removed, and shows every value as it was and is.
Version 0 is the empty dataset.")]
pub struct DiffArgs {
    /// The dataset, as agency.dataset
    dataset: DatasetId,
    /// The two versions, the older first
    #[arg(value_name = "A..B", value_parser = parse_range)]
    versions: String,
    /// Most rows to fetch; by default all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    answer: AnswerArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori version withdraw kaihatsu.river_flow 3 --reason 水位計の故障のため

Where the version's rows are the newest, those of the next older version take their place. Versions
that were built on it later stay; to mend them, upload the right rows with --mode upsert.")]
pub struct WithdrawArgs {
    /// The dataset, as agency.dataset
    dataset: DatasetId,
    /// The version's number
    number: VersionNumber,
    /// Why, for all who ask for the version
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(
    command: VersionCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        VersionCommand::List(args) => list(&args, client, console).await,
        VersionCommand::Show(args) => show(&args, client, console).await,
        VersionCommand::Diff(args) => diff(&args, client, console).await,
        VersionCommand::Withdraw(args) => withdraw(&args, client, console).await,
    }
}

pub(crate) async fn list(
    args: &VersionListArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let [v1, datasets, agency, name] = path(&args.dataset);
    let path = [v1, datasets, agency, name, "versions"];
    let (versions, more) = client.list(&path, &[], "versions", args.limit).await?;
    if args.json {
        return Ok(console.json(&Value::Array(versions))?);
    }
    let mut table =
        Table::new(["version", "published", "by", "mode", "added", "changed", "removed", "rows"])
            .right(0)
            .right(4)
            .right(5)
            .right(6)
            .right(7);
    for version in &versions {
        table.push(vec![
            member(version, "number"),
            member_instant(version, "committed_at"),
            member(version, "committed_by"),
            mode(version),
            grouped(version, "rows_added"),
            grouped(version, "rows_changed"),
            grouped(version, "rows_removed"),
            grouped(version, "rows_total"),
        ]);
    }
    finish_list(&table, versions.len(), more, "version", console)
}

async fn show(args: &ShowArgs, client: &Client, console: &mut Console<'_>) -> Result<(), CliError> {
    let [v1, datasets, agency, name] = path(&args.dataset);
    let number = args.number.to_string();
    let path = [v1, datasets, agency, name, "versions", number.as_str()];
    let version: Value = client.json(client.get(&path)).await?;
    if args.json {
        return Ok(console.json(&version)?);
    }
    console.line(format_args!("{} version {number}", args.dataset))?;
    for (label, text) in [
        ("published", member_instant(&version, "committed_at")),
        ("by", member(&version, "committed_by")),
        ("mode", mode(&version)),
        ("reason", inner(&version, "withdraws", "reason")),
        ("withdrawn", inner(&version, "withdrawn", "reason")),
        ("since", inner(&version, "withdrawn", "at")),
        ("upload", member(&version, "upload_id")),
        ("rows added", grouped(&version, "rows_added")),
        ("changed", grouped(&version, "rows_changed")),
        ("removed", grouped(&version, "rows_removed")),
        ("unchanged", grouped(&version, "rows_unchanged")),
        ("rows in all", grouped(&version, "rows_total")),
        ("written", stored(&version, "bytes_added")),
        ("stored", stored(&version, "bytes_total")),
    ] {
        if !text.is_empty() {
            console.line(format_args!("  {label:13}{text}"))?;
        }
    }
    Ok(())
}

async fn diff(args: &DiffArgs, client: &Client, console: &mut Console<'_>) -> Result<(), CliError> {
    let format = args.answer.choose(console.look.out_is_terminal)?;
    let [v1, datasets, agency, name] = path(&args.dataset);
    let path = [v1, datasets, agency, name, "versions", args.versions.as_str(), "diff"];
    let mut query = vec![("format", format.asked().to_owned())];
    query.extend(args.limit.map(|limit| ("limit", limit.to_string())));
    let response = client.send(client.get(&path).query(&query)).await?;
    answer::deliver(response, format, &args.answer, client, console).await
}

async fn withdraw(
    args: &WithdrawArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let [v1, datasets, agency, name] = path(&args.dataset);
    let number = args.number.to_string();
    let path = [v1, datasets, agency, name, "versions", number.as_str(), "withdraw"];
    let request = client.request(Method::POST, &path).json(&json!({"reason": args.reason}));
    let version: Value = client.json(request).await?;
    if args.json {
        return Ok(console.json(&version)?);
    }
    let (dataset, newest) = (&args.dataset, member(&version, "number"));
    let restored = version.pointer("/withdraws/restores").and_then(Value::as_u64);
    let restored = restored.filter(|restored| *restored > 0);
    Ok(console.line(match console.look.language {
        Language::Ja => {
            let rows = restored.map(|of| format!("版{of}の行"));
            let rows = rows.unwrap_or_else(|| "行なし".to_owned());
            format!("{dataset}：版{number}を取り下げました。最新は版{newest}（{rows}）です")
        }
        Language::En => {
            let rows = restored.map(|of| format!("the rows of version {of}"));
            let rows = rows.unwrap_or_else(|| "no rows".to_owned());
            format!(
                "{dataset}: version {number} withdrawn; the newest is version {newest}, with {rows}"
            )
        }
    })?)
}

/// How a version came to be, and whether it is still seen.
fn mode(version: &Value) -> String {
    let mode = match version.pointer("/withdraws/version").and_then(Value::as_u64) {
        Some(withdrawn) => format!("withdraws {withdrawn}"),
        None => member(version, "mode"),
    };
    if version.get("withdrawn").is_some() { format!("{mode} (withdrawn)") } else { mode }
}

fn inner(version: &Value, object: &str, name: &str) -> String {
    version.get(object).map(|inside| clean(&member(inside, name)).into_owned()).unwrap_or_default()
}

fn parse_range(text: &str) -> Result<String, String> {
    let is_number = |part: &str| part.parse::<VersionNumber>().is_ok();
    match text.split_once("..") {
        Some((old, new)) if is_number(old) && is_number(new) => Ok(text.to_owned()),
        _ => Err("write it as 2..3, the older version first".to_owned()),
    }
}

fn stored(version: &Value, name: &str) -> String {
    version.get(name).and_then(Value::as_u64).map(bytes).unwrap_or_default()
}
