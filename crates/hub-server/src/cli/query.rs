//! `query`: questions that the hub answers in the background.

use clap::{Args, Subcommand};
use hub_model::QueryId;
use reqwest::Method;
use serde_json::Value;

use crate::cli::{
    answer::{self, AnswerArgs},
    client::Client,
    dataset::finish_list,
    error::CliError,
    output::{Console, bytes, clean, clean_lines, count, member, member_instant},
    table::Table,
};

/// Characters of a statement that a list shows.
const SHOWN: usize = 40;

#[derive(Debug, Subcommand)]
pub enum QueryCommand {
    /// List your questions in the background
    List(ListArgs),
    /// Show how far a question has come
    Show(ShowArgs),
    /// Show or save the answer of a question that is done
    Result(ResultArgs),
    /// Stop a question, or remove it with its answer
    Cancel(CancelArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori query list

Questions get into the background by `mochiyori sql --background`. You see those of your token only.")]
pub struct ListArgs {
    /// Most questions to list
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori query show 0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11")]
pub struct ShowArgs {
    /// The question's id
    id: QueryId,
    /// Print the hub's answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori query result 0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11 -o answer.parquet")]
pub struct ResultArgs {
    /// The question's id
    id: QueryId,
    #[command(flatten)]
    answer: AnswerArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mochiyori query cancel 0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11")]
pub struct CancelArgs {
    /// The question's id
    id: QueryId,
}

pub(crate) async fn run(
    command: QueryCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        QueryCommand::List(args) => list(&args, client, console).await,
        QueryCommand::Show(args) => {
            let id = args.id.to_string();
            let query: Value = client.json(client.get(&["v1", "queries", &id])).await?;
            if args.json { Ok(console.json(&query)?) } else { show(&query, console) }
        }
        QueryCommand::Result(args) => {
            let format = args.answer.choose(console.look.out_is_terminal)?;
            let id = args.id.to_string();
            let request = client.get(&["v1", "queries", &id, "result"]);
            let response = client.send(request.query(&[("format", format.asked())])).await?;
            answer::deliver(response, format, &args.answer, client, console).await
        }
        QueryCommand::Cancel(args) => {
            let id = args.id.to_string();
            client.send(client.request(Method::DELETE, &["v1", "queries", &id])).await?;
            Ok(console.line(format_args!("{id}: removed"))?)
        }
    }
}

/// Asks a question in the background, and shows its id.
pub(crate) async fn submit(
    sql: &str,
    body: &Value,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let request = client.request(Method::POST, &["v1", "queries"]).json(body);
    let response = client.send_sql(request, Some(sql)).await?;
    let query: Value = response.json().await.map_err(|error| client.not_understood(&error))?;
    let id = member(&query, "id");
    console.line(&id)?;
    console.remark(format_args!("  mochiyori query show {id}    tells how far it has come"))?;
    Ok(console.remark(format_args!("  mochiyori query result {id}    is its answer"))?)
}

async fn list(args: &ListArgs, client: &Client, console: &mut Console<'_>) -> Result<(), CliError> {
    let (queries, more) = client.list(&["v1", "queries"], &[], "queries", args.limit).await?;
    if args.json {
        return Ok(console.json(&Value::Array(queries))?);
    }
    let mut table = Table::new(["id", "state", "asked", "rows", "statement"]).right(3);
    for query in &queries {
        let sql = query.get("sql").and_then(Value::as_str).unwrap_or_default();
        let short: String = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let rows = query.pointer("/result/rows").and_then(Value::as_u64);
        table.push(vec![
            member(query, "id"),
            member(query, "state"),
            member_instant(query, "created_at"),
            rows.map(count).unwrap_or_default(),
            clean(&short.chars().take(SHOWN).collect::<String>()).into_owned(),
        ]);
    }
    finish_list(&table, queries.len(), more, "query", console)
}

fn show(query: &Value, console: &mut Console<'_>) -> Result<(), CliError> {
    console.line(format_args!("query {}: {}", member(query, "id"), member(query, "state")))?;
    let number = |pointer: &str| query.pointer(pointer).and_then(Value::as_u64);
    let read = number("/progress/rows_scanned").map(|rows| match number("/progress/rows_total") {
        Some(total) => format!("{} of at most {} rows", count(rows), count(total)),
        None => format!("{} rows", count(rows)),
    });
    for (label, text) in [
        ("asked", member_instant(query, "created_at")),
        ("begun", member_instant(query, "started_at")),
        ("ended", member_instant(query, "finished_at")),
        ("kept until", member_instant(query, "expires_at")),
        ("before it", member(query, "queries_before")),
        ("read", read.unwrap_or_default()),
        ("rows", number("/result/rows").map(count).unwrap_or_default()),
        ("stored", number("/result/bytes").map(bytes).unwrap_or_default()),
        ("problem", query.get("problem").map(|p| member(p, "detail")).unwrap_or_default()),
    ] {
        if !text.is_empty() {
            console.line(format_args!("  {label:12}{text}"))?;
        }
    }
    console.line("")?;
    let sql = query.get("sql").and_then(Value::as_str).unwrap_or_default();
    Ok(console.line(clean_lines(sql))?)
}
