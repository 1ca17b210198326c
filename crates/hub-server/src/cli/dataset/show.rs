//! `dataset show`: what a dataset is, on one screen.

use serde_json::Value;

use crate::cli::{
    error::CliError,
    output::{Console, bytes, count, member, member_instant, text_in},
    table::{Table, wrap},
};

const INDENT: usize = 15;
const TEXT_WIDTH: usize = 100;

pub(crate) fn show(dataset: &Value, console: &mut Console<'_>) -> Result<(), CliError> {
    let language = console.look.language;
    let metadata = dataset.get("metadata").unwrap_or(&Value::Null);
    console.line(format_args!(
        "{}  {}",
        member(dataset, "id"),
        text_in(metadata.get("title"), language)
    ))?;
    if metadata.get("synthetic").and_then(Value::as_bool) == Some(true) {
        fact(console, "synthetic", "this data was generated, not observed")?;
    }
    fact(console, "about", &text_in(metadata.get("description"), language))?;
    fact(console, "licence", &member(metadata, "licence"))?;
    fact(console, "to be shown", &member(metadata, "attribution"))?;
    fact(console, "contact", &member(metadata, "contact"))?;
    fact(console, "homepage", &member(metadata, "homepage"))?;
    fact(console, "new data", &member(metadata, "cadence"))?;
    fact(
        console,
        "readable by",
        match member(metadata, "visibility").as_str() {
            "private" => "holders of the agency's tokens",
            "public" => "everyone",
            _ => "",
        },
    )?;
    match dataset.get("latest_version").filter(|version| version.is_object()) {
        None => fact(console, "version", "none yet: nothing was published")?,
        Some(version) => {
            let number = |name: &str| version.get(name).and_then(Value::as_u64).unwrap_or_default();
            let text = format!(
                "{} of {}, {} rows, {}",
                number("number"),
                member_instant(version, "committed_at"),
                count(number("rows_total")),
                bytes(number("bytes_total"))
            );
            fact(console, "version", &text)?;
        }
    }
    columns(dataset.get("contract").unwrap_or(&Value::Null), console)
}

fn fact(console: &mut Console<'_>, name: &str, text: &str) -> Result<(), CliError> {
    if text.is_empty() {
        return Ok(());
    }
    let width = console
        .look
        .table_width()
        .map_or(TEXT_WIDTH, |width| width.saturating_sub(INDENT).clamp(20, TEXT_WIDTH));
    for (index, line) in wrap(text, width).iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        console.line(format!("  {name:13}{line}").trim_end())?;
    }
    Ok(())
}

fn columns(contract: &Value, console: &mut Console<'_>) -> Result<(), CliError> {
    let list = |name: &str| contract.get(name).and_then(Value::as_array).into_iter().flatten();
    let key: Vec<&str> = list("primaryKey").filter_map(Value::as_str).collect();
    let mut table = Table::new(["column", "type", "unit", "role", "about"]).wrap(4);
    for field in list("fields") {
        let name = member(field, "name");
        let alias = member(field, "alias");
        let mut about = vec![member(field, "title"), member(field, "description")];
        if key.contains(&name.as_str()) {
            about.push("names the row".into());
        }
        let quality_of = member(field, "quality_of");
        if !quality_of.is_empty() {
            about.push(format!("quality of {quality_of}"));
        }
        let interval = member(field, "interval");
        if !interval.is_empty() {
            let end = member(field, "label");
            about.push(format!(
                "for {interval} {}",
                if end == "end" { "up to then" } else { "from then" }
            ));
        }
        about.retain(|text| !text.is_empty());
        table.push(vec![
            if alias.is_empty() { name } else { format!("{name} ({alias})") },
            member(field, "type"),
            member(field, "unit"),
            member(field, "role"),
            about.join("; "),
        ]);
    }
    console.line("")?;
    let width = console.look.table_width();
    table.write(console.out, width)?;
    Ok(())
}
