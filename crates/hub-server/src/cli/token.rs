//! `token`: make, list and withdraw the tokens by which programs and people are known.

use clap::{Args, Subcommand, ValueEnum};
use hub_model::{AgencyId, TokenId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{
    client::Client,
    dataset::finish_list,
    error::CliError,
    output::{Console, member, member_instant},
    table::Table,
};

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown this once only (needs an admin's token)
    Create(CreateArgs),
    /// List tokens, without their secrets (needs an admin's token)
    List(ListArgs),
    /// Withdraw a token, so that it opens nothing any more (needs an admin's token)
    Revoke(RevokeArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    /// Runs the hub: makes agencies and tokens, and may do all that others may
    Admin,
    /// Publishes its agency's datasets, and reads its private ones
    Publisher,
    /// Reads its agency's private datasets
    Reader,
}

impl RoleName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Publisher => "publisher",
            Self::Reader => "reader",
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori token create \"nightly upload\" --role publisher --agency kaihatsu
  mochiyori token create \"visitor\" --role reader --agency kaihatsu --expires-in-days 30
  export MOCHIYORI_TOKEN=$(mochiyori token create \"my laptop\" --role publisher --agency kaihatsu)

Only the token itself goes to standard output. Who loses it needs a new one.")]
pub struct CreateArgs {
    /// What it is for; shown in lists and beside what is done with it
    name: String,
    /// What its holder may do
    #[arg(long, value_enum)]
    role: RoleName,
    /// Agency it belongs to
    #[arg(long, required_if_eq_any([("role", "publisher"), ("role", "reader")]))]
    agency: Option<AgencyId>,
    /// Days after which it opens nothing any more; by default it stays good
    #[arg(long, value_name = "DAYS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=36_500))]
    expires_in_days: Option<u32>,
    /// Print the hub's answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori token list")]
pub struct ListArgs {
    /// Most tokens to list
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori token revoke 0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11

The id is the one that `mochiyori token list` shows, not the token itself.")]
pub struct RevokeArgs {
    /// The token's id
    id: TokenId,
}

pub(crate) async fn run(
    command: TokenCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        TokenCommand::Create(args) => create(&args, client, console).await,
        TokenCommand::List(args) => list(&args, client, console).await,
        TokenCommand::Revoke(args) => {
            let id = args.id.to_string();
            client.send(client.request(Method::DELETE, &["v1", "tokens", &id])).await?;
            Ok(console.line(format_args!("{id}: withdrawn"))?)
        }
    }
}

async fn create(
    args: &CreateArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let mut body = json!({ "name": args.name, "role": args.role.as_str() });
    if let Some(agency) = &args.agency {
        body["agency"] = agency.as_str().into();
    }
    if let Some(days) = args.expires_in_days {
        body["expires_in_days"] = days.into();
    }
    let request = client.request(Method::POST, &["v1", "tokens"]).json(&body);
    let made: Value = client.json(request).await?;
    if args.json {
        return Ok(console.json(&made)?);
    }
    if made.get("token").and_then(Value::as_str).is_none() {
        return Err(client.not_understood(&"a token was expected"));
    }
    console.line(member(&made, "token"))?;
    let expires = member_instant(&made, "expires_at");
    console.remark(format_args!(
        "  id {}, {}",
        member(&made, "id"),
        if expires.is_empty() {
            "good until withdrawn".into()
        } else {
            format!("good until {expires}")
        }
    ))?;
    Ok(console.remark("  Keep it now: it can't be shown again.")?)
}

async fn list(args: &ListArgs, client: &Client, console: &mut Console<'_>) -> Result<(), CliError> {
    let (tokens, more) = client.list(&["v1", "tokens"], &[], "tokens", args.limit).await?;
    if args.json {
        return Ok(console.json(&Value::Array(tokens))?);
    }
    let mut table = Table::new(["id", "name", "role", "agency", "made", "good until"]);
    for token in &tokens {
        table.push(vec![
            member(token, "id"),
            member(token, "name"),
            member(token, "role"),
            member(token, "agency"),
            member_instant(token, "created_at"),
            member_instant(token, "expires_at"),
        ]);
    }
    finish_list(&table, tokens.len(), more, "token", console)
}
