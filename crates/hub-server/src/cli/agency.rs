//! `agency`: see and make the organisations that publish data.

use clap::{Args, Subcommand};
use hub_model::AgencyId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::cli::{
    client::Client,
    dataset::finish_list,
    error::CliError,
    output::{Console, member, text_in},
    table::Table,
};

#[derive(Debug, Subcommand)]
pub enum AgencyCommand {
    /// List agencies
    List(ListArgs),
    /// Show one agency
    Show(ShowArgs),
    /// Make an agency, or change the one that is there (needs an admin's token)
    Create(CreateArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori agency list")]
pub struct ListArgs {
    /// Most agencies to list
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori agency show kaihatsu")]
pub struct ShowArgs {
    /// The agency's id
    agency: AgencyId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori agency create kaihatsu --name-ja 小樽開発建設部 --contact https://www.example.jp/

The id is the first part of the agency's datasets' names and never changes: lower-case letters,
digits and underscores.")]
pub struct CreateArgs {
    /// The agency's id
    agency: AgencyId,
    /// Name in Japanese
    #[arg(long, value_name = "NAME", required_unless_present = "name_en")]
    name_ja: Option<String>,
    /// Name in English
    #[arg(long, value_name = "NAME")]
    name_en: Option<String>,
    /// Where it can be reached
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
}

pub(crate) async fn run(
    command: AgencyCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        AgencyCommand::List(args) => list(&args, client, console).await,
        AgencyCommand::Show(args) => {
            let path = ["v1", "agencies", args.agency.as_str()];
            let agency: Value = client.json(client.get(&path)).await?;
            if args.json {
                return Ok(console.json(&agency)?);
            }
            show(&agency, console)
        }
        AgencyCommand::Create(args) => create(&args, client, console).await,
    }
}

async fn list(args: &ListArgs, client: &Client, console: &mut Console<'_>) -> Result<(), CliError> {
    let (agencies, more) = client.list(&["v1", "agencies"], &[], "agencies", args.limit).await?;
    if args.json {
        return Ok(console.json(&Value::Array(agencies))?);
    }
    let mut table = Table::new(["agency", "name", "contact"]);
    for agency in &agencies {
        table.push(vec![
            member(agency, "id"),
            text_in(agency.get("name"), console.look.language),
            member(agency, "contact"),
        ]);
    }
    let noun = if agencies.is_empty() { "agency" } else { "agencies" };
    finish_list(&table, agencies.len(), more, noun, console)
}

fn show(agency: &Value, console: &mut Console<'_>) -> Result<(), CliError> {
    console.line(member(agency, "id"))?;
    for (label, value) in [
        ("ja", agency.pointer("/name/ja")),
        ("en", agency.pointer("/name/en")),
        ("contact", agency.get("contact")),
    ] {
        if let Some(text) = value.and_then(Value::as_str).filter(|text| !text.is_empty()) {
            console.line(format_args!("  {label:10}{}", crate::cli::output::clean(text)))?;
        }
    }
    Ok(())
}

async fn create(
    args: &CreateArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let id = args.agency.as_str();
    let mut body = json!({ "name": {
        "ja": args.name_ja.as_deref().unwrap_or_default(),
        "en": args.name_en.as_deref().unwrap_or_default(),
    }});
    if let Some(contact) = &args.contact {
        body["contact"] = contact.as_str().into();
    }
    let request = client.request(Method::PUT, &["v1", "agencies", id]).json(&body);
    let response = client.send(request).await?;
    let made = response.status() == StatusCode::CREATED;
    console.line(format_args!("{id}: {}", if made { "made" } else { "changed" }))?;
    if made {
        console.remark(format_args!(
            "  Next: mochiyori token create \"NAME\" --role publisher --agency {id}"
        ))?;
    }
    Ok(())
}
