//! `compact`, `vacuum` and `health`: looking after a hub.

use std::time::Duration;

use clap::Args;
use hub_model::DatasetId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{
    args::HealthArgs,
    client::Client,
    dataset::{grouped, path},
    error::CliError,
    output::{Console, clean},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori compact kaihatsu.river_flow

A hub does this by itself from time to time. What readers see doesn't change, and no new version
comes of it.")]
pub struct CompactArgs {
    /// The dataset, as agency.dataset
    dataset: DatasetId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori vacuum kaihatsu.river_flow --dry-run
  mochiyori vacuum kaihatsu.river_flow --expire-versions-older-than 730

Without --expire-versions-older-than every version stays readable. With it, versions replaced
longer ago than that can't be read or cited any more; the newest always stays. Look first with
--dry-run.")]
pub struct VacuumArgs {
    /// The dataset, as agency.dataset
    dataset: DatasetId,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Give up versions that were replaced more than this many days ago
    #[arg(long, value_name = "DAYS")]
    expire_versions_older_than: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn compact(
    args: &CompactArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let outcome = ask(&args.dataset, "compact", &json!({}), client).await?;
    tell(&outcome, args.json, &format!("{}: compacted", args.dataset), console)
}

pub(crate) async fn vacuum(
    args: &VacuumArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let mut body = json!({ "dry_run": args.dry_run });
    if let Some(days) = args.expire_versions_older_than {
        body["expire_versions_older_than_days"] = days.into();
    }
    let outcome = ask(&args.dataset, "vacuum", &body, client).await?;
    let done = if args.dry_run { "only looked at, nothing was removed" } else { "done" };
    tell(&outcome, args.json, &format!("{}: {done}", args.dataset), console)
}

async fn ask(
    dataset: &DatasetId,
    what: &str,
    body: &Value,
    client: &Client,
) -> Result<Value, CliError> {
    let [v1, datasets, agency, name] = path(dataset);
    let request = client.request(Method::POST, &[v1, datasets, agency, name, what]);
    client.json(request.json(body)).await
}

fn tell(
    outcome: &Value,
    as_json: bool,
    heading: &str,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    if as_json {
        return Ok(console.json(outcome)?);
    }
    console.line(heading)?;
    for name in outcome.as_object().into_iter().flat_map(|outcome| outcome.keys()) {
        let label = clean(name).replace('_', " ");
        console.line(format_args!("  {label:24}{}", grouped(outcome, name)))?;
    }
    Ok(())
}

pub(crate) async fn health(
    args: &HealthArgs,
    client: Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let wait = Duration::from_secs(args.timeout);
    client.send(client.get(&["readyz"]).timeout(wait)).await?;
    Ok(console.line("ready")?)
}
