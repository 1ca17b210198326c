//! `preview`: what the hub would make of a file, before anything is published.

use std::path::PathBuf;

use clap::Args;
use hub_model::DatasetId;
use reqwest::Method;
use serde_json::Value;

use crate::cli::{
    client::Client,
    error::CliError,
    findings::findings,
    input::{FileHints, Input},
    output::{Console, Language, clean, count, counted, instant, member, show_value, text_in},
    report,
    table::Table,
    upload::progress,
};

/// How many examples of a change are shown.
const EXAMPLES: usize = 2;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori preview flow-2026-04.csv
  mochiyori preview flow-2026-04.csv --for kaihatsu.river_flow
  mochiyori preview flow.xlsx --sheet 4月 --header-rows 3-4
  mochiyori preview feed.zip --table stop_times

The hub reads the whole file as it does at an upload, and keeps and publishes nothing. It says what
it took the file for, how the first rows would be published, what it changed to read them, and what
is wrong. What it decided can be decided otherwise by the options below, here and at the upload.")]
pub struct PreviewArgs {
    /// The file, or - for standard input
    pub(crate) file: PathBuf,
    /// Dataset that the file is for, whose contract it is held against; otherwise one is proposed
    #[arg(long = "for", value_name = "DATASET")]
    pub(crate) dataset: Option<DatasetId>,
    #[command(flatten)]
    pub(crate) hints: FileHints,
    /// Print the hub's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(
    args: PreviewArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let input = Input::open(&args.file)?;
    let dataset = args.dataset.as_ref().map(ToString::to_string);
    let preview = ask(&input, dataset.as_deref(), &args.hints, client, console).await?;
    if args.json {
        return Ok(console.json(&preview)?);
    }
    let file = input.name().unwrap_or("-").to_owned();
    show(&file, dataset.as_deref(), &preview, console)
}

/// Asks the hub for a preview of a file, which can be sent once more afterwards.
pub(crate) async fn ask(
    input: &Input,
    dataset: Option<&str>,
    hints: &FileHints,
    client: &Client,
    console: &Console<'_>,
) -> Result<Value, CliError> {
    let mut request = client.request(Method::POST, &["v1", "previews"]);
    request = request.query(&hints.parameters());
    if let Some(dataset) = dataset {
        request = request.query(&[("dataset", dataset)]);
    }
    if let Some(name) = input.name() {
        request = request.query(&[("file_name", name)]);
    }
    let bar = progress(console.look, input.size(), "looking");
    let preview = client.json(input.again()?.attach(request, hints.format, &bar)?).await;
    bar.finish_and_clear();
    preview
}

/// Shows a preview to a person.
pub(crate) fn show(
    file: &str,
    dataset: Option<&str>,
    preview: &Value,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let file = clean(file);
    let is_japanese = console.look.language == Language::Ja;
    let say = |ja: &'static str, en: &'static str| if is_japanese { ja } else { en };
    let tables = list(preview, "tables");
    if !tables.is_empty() {
        return show_tables(&file, tables, console);
    }
    console.line(format_args!("{file}: {}", understood(preview, console.look.language)))?;
    if let Some(preset @ Value::Object(_)) = preview.get("preset") {
        let title = text_in(preset.get("title"), console.look.language);
        console.line(format_args!(
            "  {}: {title} ({})",
            say("様式", "layout"),
            member(preset, "id")
        ))?;
    }
    let sheets: Vec<String> = list(preview, "sheets").iter().map(show_value).collect();
    if sheets.len() > 1 {
        console.line(format_args!("  {}: {}", say("シート", "sheets"), sheets.join(", ")))?;
    }
    for note in preview.pointer("/layout/notes").and_then(Value::as_array).into_iter().flatten() {
        console.line(format_args!("  {}", text_in(Some(note), console.look.language)))?;
    }
    let columns = list(preview, "columns");
    let mut table = Table::new(if is_japanese {
        ["列", "型", "単位", "役割", "値なし"]
    } else {
        ["column", "type", "unit", "role", "no value"]
    })
    .right(4);
    for column in columns {
        let missing = column.get("missing").and_then(Value::as_u64).unwrap_or_default();
        let words = ["name", "type", "unit", "role"].map(|name| member(column, name));
        table.push(words.into_iter().chain([count(missing)]).collect());
    }
    console.line("")?;
    table.write(console.out, console.look.table_width())?;
    let mut table = Table::new(columns.iter().map(|column| member(column, "name")));
    for row in list(preview, "rows") {
        let cells: Vec<String> = row.as_array().into_iter().flatten().map(shown).collect();
        if cells.len() == columns.len() {
            table.push(cells);
        }
    }
    if !table.is_empty() {
        console.line(format_args!(
            "\n{}",
            say("はじめの行（公開される形）", "first rows, as they would be published")
        ))?;
        table.write(console.out, console.look.table_width())?;
    }
    let Some(report @ Value::Object(_)) = preview.get("report") else { return Ok(()) };
    show_report(report, console)?;
    let errors = report.get("error_count").and_then(Value::as_u64).unwrap_or_default();
    if errors > 0 {
        console.line("")?;
        let (language, width) = (console.look.language, console.look.table_width());
        report::write(console.out, report, language, width)?;
    } else {
        let dataset = dataset.unwrap_or("agency.dataset");
        console.remark(format_args!(
            "{}: mochiyori upload {file} --to {dataset}",
            say("公開するには", "To publish it")
        ))?;
    }
    Ok(())
}

/// Rows, period and changes.
fn show_report(report: &Value, console: &mut Console<'_>) -> Result<(), CliError> {
    let language = console.look.language;
    let rows = report.get("rows").and_then(Value::as_u64).unwrap_or_default();
    let period = |name: &str| {
        report.pointer(&format!("/period/{name}")).and_then(Value::as_str).map(instant)
    };
    let span = match (period("first"), period("last")) {
        (Some(first), Some(last)) => {
            language.say(format!("、{first} から {last} まで"), format!(", from {first} to {last}"))
        }
        _ => String::new(),
    };
    let rows = language.say(format!("{} 行", count(rows)), counted(rows, "row"));
    console.line(format_args!("\n{rows}{span}"))?;
    for change in list(report, "changes") {
        let times = change.get("count").and_then(Value::as_u64).unwrap_or_default();
        let examples = list(change, "examples").iter().take(EXAMPLES);
        let examples: Vec<String> = examples
            .map(|one| match (member(one, "before"), member(one, "after")) {
                // Left out, or no value.
                (before, after) if after.is_empty() => before,
                (before, after) => format!("{before} → {after}"),
            })
            .collect();
        let message = text_in(change.get("message"), language);
        let message = if message.is_empty() { member(change, "kind") } else { message };
        let beside =
            if examples.is_empty() { String::new() } else { format!(" ({})", examples.join(", ")) };
        console.line(format_args!("  {message}: {}{beside}", count(times)))?;
    }
    for finding in findings(report, language) {
        console.line(format_args!("  ! {finding}"))?;
    }
    Ok(())
}

fn show_tables(file: &str, tables: &[Value], console: &mut Console<'_>) -> Result<(), CliError> {
    let is_japanese = console.look.language == Language::Ja;
    console.line(if is_japanese {
        format!("{file}: {}個の表", tables.len())
    } else {
        format!("{file}: {}", counted(tables.len() as u64, "table"))
    })?;
    for table in tables {
        console.line(format_args!(
            "  {}  {}",
            member(table, "name"),
            member(table, "file_name")
        ))?;
    }
    console.remark(if is_japanese {
        format!("1つの表を見るには：--table 名前。すべてを公開するには：mochiyori upload {file} --to agency.name")
    } else {
        format!("To look at one of them: --table NAME. To publish them all: mochiyori upload {file} --to agency.name")
    })?;
    Ok(())
}

/// What the file was taken for, in a few words.
fn understood(preview: &Value, language: Language) -> String {
    let mut words = vec![member(preview, "format")];
    let delimiter = member(preview, "delimiter");
    let layout = |name: &str| preview.pointer(&format!("/layout/{name}"));
    let header = layout("header_rows").and_then(Value::as_array).map(|rows| {
        let mut ends: Vec<String> = rows.iter().map(show_value).collect();
        ends.dedup();
        ends.join("-")
    });
    let sheet = layout("sheet").map(show_value);
    let quote = layout("quote").map(show_value);
    let named = |ja: &str, en: &str, value: String| {
        language.say(format!("{ja}{value}"), format!("{en} {value}"))
    };
    let parts = [
        (member(preview, "container"), "圧縮 ", "in"),
        (member(preview, "encoding"), "文字コード ", "encoding"),
        (delimiter, "区切り ", "delimiter"),
        (quote.unwrap_or_default(), "引用符 ", "quote"),
        (sheet.unwrap_or_default(), "シート ", "sheet"),
        (header.unwrap_or_default(), "見出しの行 ", "heading in row"),
    ];
    words.extend(
        parts.into_iter().filter(|(v, ..)| !v.is_empty()).map(|(v, ja, en)| named(ja, en, v)),
    );
    words.join(if language == Language::Ja { "、" } else { ", " })
}

/// A value of a row; where there is none the cell is empty, as in the file.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.ends_with("+09:00") => instant(text),
        other => show_value(other),
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
