//! `dataset propose`: a first description of a dataset, made by looking at a data file.

use std::{fs, path::PathBuf};

use clap::Args;
use hub_model::DatasetId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{
    client::Client,
    error::CliError,
    input::{FileHints, Input},
    output::{Console, count, counted, member, text_in},
    upload::progress,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori dataset propose flow.csv --for kaihatsu.river_flow -o river_flow.json
  mochiyori dataset propose flow.parquet > contract.json

The hub reads the whole file and proposes names, types and roles of its columns. It is a proposal:
look through it, above all at units, and at what names a row. Nothing is kept on the hub.")]
pub struct ProposeArgs {
    /// A file with data such as the dataset will hold, or - for standard input
    file: PathBuf,
    /// Write a whole description for `dataset create`, of this dataset
    #[arg(long = "for", value_name = "DATASET")]
    dataset: Option<DatasetId>,
    /// Write into a file that is not there yet, instead of printing
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    hints: FileHints,
}

pub(crate) async fn run(
    args: ProposeArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let input = Input::open(&args.file)?;
    let mut request = client.request(Method::POST, &["v1", "proposals"]);
    request = request.query(&args.hints.parameters());
    if let Some(name) = input.name() {
        request = request.query(&[("file_name", name)]);
    }
    let bar = progress(console.look, input.size(), "sending");
    let proposal: Result<Value, CliError> =
        client.json(input.attach(request, args.hints.format, &bar)?).await;
    bar.finish_and_clear();
    let proposal = proposal?;
    let Some(contract) = proposal.get("contract").cloned() else {
        return Err(client.not_understood(&"a contract was expected"));
    };
    let document = match &args.dataset {
        None => contract,
        Some(id) => json!({
            "id": id.to_string(),
            "metadata": match proposal.get("metadata") {
                Some(known @ Value::Object(_)) => known.clone(),
                _ => json!({
                    "title": { "ja": "", "en": "" },
                    "description": { "ja": "", "en": "" },
                    "keywords": [],
                    "licence": "CC-BY-4.0",
                    "attribution": "",
                    "visibility": "public",
                }),
            },
            "contract": contract,
        }),
    };
    match &args.output {
        None => console.json(&document)?,
        Some(path) => {
            // Someone's careful work on an earlier proposal must not be overwritten.
            let write = || {
                let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
                std::io::Write::write_all(&mut file, format!("{document:#}\n").as_bytes())
            };
            write().map_err(CliError::file(format!("can't write {}", path.display())))?;
        }
    }
    let language = console.look.language;
    if let Some(rows) = proposal.get("rows").and_then(Value::as_u64) {
        let looked_at = language.say(
            format!("{} 行を見ました", count(rows)),
            format!("{} looked at", counted(rows, "row")),
        );
        console.remark(looked_at)?;
    }
    for note in proposal.get("notes").and_then(Value::as_array).into_iter().flatten() {
        let message = text_in(note.get("message"), language);
        let column = member(note, "column");
        let mark = if column.is_empty() { String::new() } else { format!("{column}: ") };
        console.remark(format_args!("  {mark}{message}"))?;
    }
    let Some(path) = args.output.as_ref().map(|path| path.display()) else { return Ok(()) };
    Ok(console.remark(if args.dataset.is_some() {
        language.say(
            format!("次に：{path} の title と attribution を書き入れ、mochiyori dataset create {path}"),
            format!("Next: fill in title and attribution in {path}, then mochiyori dataset create {path}"),
        )
    } else {
        let next = format!(
            "mochiyori dataset create {path} --id agency.dataset --title-ja … --licence … --attribution …"
        );
        language.say(format!("次に：{next}"), format!("Next: {next}"))
    })?)
}
