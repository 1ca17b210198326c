//! `dataset`: look for datasets, see what they hold, make new ones.

mod create;
mod show;

use clap::{Args, Subcommand};
use hub_model::{AgencyId, DatasetId};
use serde_json::Value;

use crate::cli::{
    client::Client,
    error::CliError,
    output::{Console, member, member_day, text_in},
    propose::{self, ProposeArgs},
    rows::{self, RowsArgs},
    table::Table,
    version::{self, VersionListArgs},
};

#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    /// List datasets, or search among them
    List(ListArgs),
    /// Show what a dataset is: publisher, licence, columns, newest version
    Show(ShowArgs),
    /// Make a dataset from a description in a file, or change the one that is there
    Create(create::CreateArgs),
    /// Write a first description of a dataset by looking at a data file
    Propose(ProposeArgs),
    /// Print what a dataset promises of its columns, as JSON (Table Schema)
    Contract(ContractArgs),
    /// List a dataset's versions
    Versions(VersionListArgs),
    /// Show rows of a dataset
    Rows(RowsArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori dataset list
  mochiyori dataset list --search 河川
  mochiyori dataset list --agency kaihatsu --json")]
pub struct ListArgs {
    /// Words to look for in titles, descriptions and keywords
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Only datasets of this agency
    #[arg(long)]
    agency: Option<AgencyId>,
    /// Most datasets to list
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori dataset show kaihatsu.river_flow")]
pub struct ShowArgs {
    /// The dataset, as agency.dataset
    dataset: DatasetId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori dataset contract kaihatsu.river_flow > contract.json")]
pub struct ContractArgs {
    /// The dataset, as agency.dataset
    dataset: DatasetId,
}

pub(crate) async fn run(
    command: DatasetCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        DatasetCommand::List(args) => list(&args, client, console).await,
        DatasetCommand::Show(args) => {
            let dataset: Value = client.json(client.get(&path(&args.dataset))).await?;
            if args.json { Ok(console.json(&dataset)?) } else { show::show(&dataset, console) }
        }
        DatasetCommand::Create(args) => create::run(&args, client, console).await,
        DatasetCommand::Propose(args) => propose::run(args, client, console).await,
        DatasetCommand::Contract(args) => {
            let [v1, datasets, agency, name] = path(&args.dataset);
            let contract: Value =
                client.json(client.get(&[v1, datasets, agency, name, "contract"])).await?;
            Ok(console.json(&contract)?)
        }
        DatasetCommand::Versions(args) => version::list(&args, client, console).await,
        DatasetCommand::Rows(args) => rows::run(args, client, console).await,
    }
}

pub(crate) fn path(dataset: &DatasetId) -> [&str; 4] {
    ["v1", "datasets", dataset.agency().as_str(), dataset.name()]
}

async fn list(args: &ListArgs, client: &Client, console: &mut Console<'_>) -> Result<(), CliError> {
    let mut query = Vec::new();
    query.extend(args.search.as_deref().map(|words| ("q", words)));
    query.extend(args.agency.as_ref().map(|agency| ("agency", agency.as_str())));
    let (datasets, more) = client.list(&["v1", "datasets"], &query, "datasets", args.limit).await?;
    if args.json {
        return Ok(console.json(&Value::Array(datasets))?);
    }
    let mut table =
        Table::new(["dataset", "title", "publisher", "licence", "version", "rows", "updated"])
            .right(4)
            .right(5)
            .whole(0);
    for dataset in &datasets {
        let mut title = text_in(dataset.get("title"), console.look.language);
        let says_so = title.contains("synthetic") || title.contains("合成");
        if dataset.get("synthetic").and_then(Value::as_bool) == Some(true) && !says_so {
            title.push_str(" (synthetic)");
        }
        if member(dataset, "visibility") == "private" {
            title.push_str(" (private)");
        }
        table.push(vec![
            member(dataset, "id"),
            title,
            text_in(dataset.get("publisher"), console.look.language),
            member(dataset, "licence"),
            member(dataset, "version"),
            grouped(dataset, "rows"),
            member_day(dataset, "updated_at"),
        ]);
    }
    finish_list(&table, datasets.len(), more, "dataset", console)
}

/// A member that is a whole number, with its thousands set apart.
pub(crate) fn grouped(object: &Value, name: &str) -> String {
    match object.get(name).and_then(Value::as_u64) {
        Some(number) => crate::cli::output::count(number),
        None => member(object, name),
    }
}

/// Draws a list, and says where it was cut.
pub(crate) fn finish_list(
    table: &Table,
    entries: usize,
    more: bool,
    noun: &str,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    if entries == 0 {
        return Ok(console.remark(format_args!("no {noun} found"))?);
    }
    let width = console.look.table_width();
    let left_out = table.write(console.out, width)?;
    if left_out > 0 {
        console.remark("(columns are left out at the right; see all with --json)")?;
    }
    if more {
        console
            .remark(format_args!("(the first {entries} are shown; there are more: --limit N)"))?;
    }
    Ok(())
}
