//! `functions`: what SQL may call.

use clap::Args;
use serde_json::Value;

use crate::cli::{
    client::Client,
    error::CliError,
    output::{Console, clean, counted, member, text_in},
    table::Table,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori functions                  the hub's own functions
  mochiyori functions time_bucket      one function, with an example
  mochiyori functions 年度             those whose description has the word
  mochiyori functions --all            the engine's functions too")]
pub struct FunctionsArgs {
    /// A function's name, or words to look for
    name: Option<String>,
    /// List the engine's functions too
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(
    args: &FunctionsArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let search = args.name.as_deref().unwrap_or_default();
    let answer: Value =
        client.json(client.get(&["v1", "functions"]).query(&[("q", search)])).await?;
    let found = answer.get("functions").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_own = |entry: &Value| entry.get("own") == Some(&Value::Bool(true));
    let is_named = |entry: &Value| {
        let aliases = entry.get("aliases").and_then(Value::as_array).into_iter().flatten();
        let names = aliases.chain(entry.get("name")).filter_map(Value::as_str);
        names.into_iter().any(|name| name.eq_ignore_ascii_case(search))
    };
    let named: Vec<Value> = found.iter().filter(|entry| is_named(entry)).cloned().collect();
    let shown: Vec<Value> = if !named.is_empty() {
        named
    } else if args.all || !search.is_empty() {
        found
    } else {
        found.into_iter().filter(is_own).collect()
    };
    if args.json {
        return Ok(console.json(&Value::Array(shown))?);
    }
    if let [function] = shown.as_slice() {
        return show(function, console);
    }
    let mut table = Table::new(["function", "kind", "description"]);
    for function in &shown {
        table.push(vec![
            member(function, "syntax"),
            member(function, "kind"),
            text_in(function.get("description"), console.look.language),
        ]);
    }
    let width = console.look.table_width();
    table.write(console.out, width)?;
    console.remark(counted(shown.len() as u64, "function"))?;
    if shown.is_empty() {
        console.remark("  All of them: mochiyori functions --all")?;
    }
    Ok(())
}

fn show(function: &Value, console: &mut Console<'_>) -> Result<(), CliError> {
    console.line(member(function, "syntax"))?;
    console
        .line(format_args!("  {}", text_in(function.get("description"), console.look.language)))?;
    for argument in function.get("arguments").and_then(Value::as_array).into_iter().flatten() {
        console.line(format_args!(
            "  {:14}{}",
            member(argument, "name"),
            member(argument, "description")
        ))?;
    }
    if let Some(example) = function.get("example").filter(|example| example.is_object()) {
        console.line(format_args!("\n  {}", member(example, "sql")))?;
        console.line(format_args!("  → {}", clean(&member(example, "answer"))))?;
    }
    Ok(())
}
