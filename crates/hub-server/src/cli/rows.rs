//! `dataset rows`: a dataset's rows without SQL.

use clap::Args;
use hub_model::DatasetId;

use crate::cli::{
    answer::{self, AnswerArgs},
    client::Client,
    error::CliError,
    output::Console,
    statement::parse_as_of,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori dataset rows kaihatsu.river_flow
  mochiyori dataset rows kaihatsu.river_flow --where station=eq.余市 --where level=gte.2.5
  mochiyori dataset rows kaihatsu.river_flow --select station,time,level --order time.desc
  mochiyori dataset rows kaihatsu.river_flow --latest

A condition is COLUMN=TEST.VALUE, where TEST is one of eq, neq, gt, gte, lt, lte and more that the
hub's documentation lists. For a whole dataset, or several together, use `mochiyori sql`.")]
pub struct RowsArgs {
    /// The dataset, as agency.dataset
    pub(crate) dataset: DatasetId,
    /// Columns to show, with commas between them
    #[arg(long, value_name = "COLUMNS")]
    pub(crate) select: Option<String>,
    /// A condition that rows must meet
    #[arg(long = "where", value_name = "COLUMN=TEST.VALUE", value_parser = parse_condition)]
    pub(crate) conditions: Vec<(String, String)>,
    /// Columns to sort by, such as time.desc,station
    #[arg(long, value_name = "COLUMNS")]
    pub(crate) order: Option<String>,
    /// Most rows to fetch
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
    /// Go on where an earlier answer ended
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    /// Number of the version to read; by default the newest
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u64>,
    /// Read the rows as they were known at this time, such as 2026-04-01T00:00:00+09:00
    #[arg(long, value_name = "TIME", conflicts_with = "version", value_parser = parse_as_of)]
    pub(crate) as_of: Option<String>,
    /// Only the newest row of each station, counter or other series
    #[arg(long, conflicts_with_all = ["order", "cursor"])]
    pub(crate) latest: bool,
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}

pub(crate) async fn run(
    args: RowsArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let format = args.answer.choose(console.look.out_is_terminal)?;
    let last = if args.latest { "latest" } else { "rows" };
    let path = ["v1", "datasets", args.dataset.agency().as_str(), args.dataset.name(), last];
    let mut query: Vec<(&str, String)> = vec![("format", format.asked().to_owned())];
    if !args.latest {
        query.push(("limit", args.limit.to_string()));
    }
    query.extend(args.version.map(|version| ("version", version.to_string())));
    for (name, value) in [
        ("select", &args.select),
        ("order", &args.order),
        ("cursor", &args.cursor),
        ("as_of", &args.as_of),
    ] {
        query.extend(value.clone().map(|value| (name, value)));
    }
    let request = client.get(&path).query(&query).query(&args.conditions);
    let response = client.send(request).await?;
    answer::deliver(response, format, &args.answer, client, console).await
}

fn parse_condition(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, test)) if !column.is_empty() && test.contains('.') => {
            Ok((column.to_owned(), test.to_owned()))
        }
        _ => Err("write it as COLUMN=TEST.VALUE, such as level=gte.2.5".to_owned()),
    }
}
