//! `version`: the states a dataset went through.

use clap::{Args, Subcommand};
use hub_model::{DatasetId, VersionNumber};
use serde_json::Value;

use crate::cli::{
    client::Client,
    dataset::{finish_list, grouped, path},
    error::CliError,
    output::{Console, bytes, member, member_instant},
    table::Table,
};

#[derive(Debug, Subcommand)]
pub enum VersionCommand {
    /// List a dataset's versions
    List(VersionListArgs),
    /// Show one version
    Show(ShowArgs),
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

pub(crate) async fn run(
    command: VersionCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        VersionCommand::List(args) => list(&args, client, console).await,
        VersionCommand::Show(args) => show(&args, client, console).await,
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
            member(version, "mode"),
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
        ("mode", member(&version, "mode")),
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

fn stored(version: &Value, name: &str) -> String {
    version.get(name).and_then(Value::as_u64).map(bytes).unwrap_or_default()
}
