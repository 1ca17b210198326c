//! An archive of several tables, each of which goes into a dataset of its own.

use std::fs;

use hub_model::DatasetId;
use reqwest::Method;
use serde_json::{Map, Value};

use super::{Mode, OnError, UploadArgs, lost, progress};
use crate::cli::{
    client::Client,
    error::CliError,
    input::Input,
    output::{Console, clean, counted, member, show_value},
    report,
};

/// Hands the archive over for all datasets whose names begin so, and says what became of each table.
pub(super) async fn upload(
    args: &UploadArgs,
    set: &DatasetId,
    mut input: Input,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let mode = args.mode.unwrap_or(Mode::Replace);
    let bar = progress(console.look, input.size(), "reading");
    let fingerprint = input.fingerprint(&bar)?;
    bar.finish_and_clear();
    let key = args.key(&fingerprint, &["set", &set.to_string(), mode.as_str()]);
    let mut request = client
        .request(Method::POST, &["v1", "sets", set.agency().as_str(), set.name(), "uploads"])
        .query(&[("mode", mode.as_str())])
        .header("Idempotency-Key", key)
        .header("Content-Digest", fingerprint.content_digest());
    if args.on_error != OnError::Reject {
        request = request.query(&[("on_error", args.on_error.as_str())]);
    }
    if let Some(encoding) = args.hints.encoding() {
        request = request.query(&[("encoding", encoding)]);
    }
    if let Some(name) = input.name() {
        request = request.query(&[("file_name", name)]);
    }
    let bar = progress(console.look, input.size(), "sending");
    let answer = client.json(input.attach(request, None, &bar)?).await;
    bar.finish_and_clear();
    match answer {
        Ok(published) => {
            save(args, list(&published, "tables"), console)?;
            if args.json {
                return Ok(console.json(&published)?);
            }
            tell(&published, console)
        }
        Err(CliError::Problem { problem, shown }) => {
            save(args, &problem.tables, console)?;
            for table in &problem.tables {
                let Some(found) = table.get("report") else { continue };
                console.out.flush()?;
                if args.json {
                    console.json(table)?;
                    continue;
                }
                let look = console.look;
                writeln!(
                    console.err,
                    "{} ({}):",
                    member(table, "table"),
                    member(table, "dataset")
                )?;
                report::write(console.err, found, look.language, look.width)?;
                writeln!(console.err)?;
            }
            Err(CliError::Problem { problem, shown })
        }
        Err(error) => Err(lost(error)),
    }
}

fn tell(published: &Value, console: &mut Console<'_>) -> Result<(), CliError> {
    for table in list(published, "tables") {
        let dataset = member(table, "dataset");
        let version = member(table, "version");
        let is = |name: &str| table.get(name).and_then(Value::as_bool).unwrap_or_default();
        if is("is_replayed") {
            console.line(format_args!(
                "{dataset}: this very file was published before, as version {version}"
            ))?;
            continue;
        }
        let rows = table.pointer("/published/rows_total").and_then(Value::as_u64);
        let rows = counted(rows.unwrap_or_default(), "row");
        let made = if is("is_new") { "; the dataset was made for it" } else { "" };
        console.line(format_args!("{dataset}: version {version} published, {rows}{made}"))?;
        let kept_back = table.get("kept_back").and_then(Value::as_u64).unwrap_or_default();
        if kept_back > 0 {
            console.line(format_args!("  {} kept back", counted(kept_back, "row")))?;
        }
    }
    let untouched: Vec<String> = list(published, "untouched").iter().map(show_value).collect();
    if !untouched.is_empty() {
        console.remark(format_args!(
            "Not in this archive, and left as before: {}",
            clean(&untouched.join(", "))
        ))?;
    }
    Ok(())
}

/// Saves the tables' reports as JSON where that was asked for.
fn save(args: &UploadArgs, tables: &[Value], console: &mut Console<'_>) -> Result<(), CliError> {
    let Some(path) = args.report.as_ref().filter(|_| !tables.is_empty()) else { return Ok(()) };
    let reports: Map<String, Value> = tables
        .iter()
        .map(|table| (member(table, "table"), table.get("report").cloned().unwrap_or_default()))
        .collect();
    fs::write(path, format!("{:#}\n", Value::Object(reports)))
        .map_err(CliError::file(format!("can't write {}", path.display())))?;
    Ok(console.remark(format_args!("The tables' reports are in {}, as JSON", path.display()))?)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
