//! `cite`: how a question's sources, dataset versions or a permalink are cited.

use clap::{Args, ValueEnum};
use hub_model::{DatasetId, PermalinkId};
use reqwest::Method;
use serde_json::Value;

use crate::cli::{
    client::Client,
    error::CliError,
    output::{Console, clean_lines, text_in},
    permalink::parse_id,
    statement::{StatementArgs, parse_version},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CiteFormat {
    /// Text for a list of references, and what the licences oblige to
    Text,
    /// BibTeX
    Bibtex,
    /// RIS
    Ris,
    /// CSL-JSON
    Csl,
    /// All of them, with the terms, as JSON
    Json,
}

impl CiteFormat {
    fn asked(self) -> &'static str {
        match self {
            Self::Text | Self::Json => "json",
            Self::Bibtex => "bibtex",
            Self::Ris => "ris",
            Self::Csl => "csl",
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori cite \"SELECT max(level) FROM kaihatsu.river_flow\"
  mochiyori cite --permalink k7wq2mzt9x4b --format bibtex >> references.bib
  mochiyori cite --dataset kaihatsu.river_flow=3 --format ris --lang en

The statement is not run. Texts are in the language of the terminal, or of --lang.")]
pub struct CiteArgs {
    #[command(flatten)]
    question: StatementArgs,
    /// Cite a permalink, by its id or address
    #[arg(long, value_name = "ID", value_parser = parse_id, conflicts_with_all = ["statement", "file", "datasets"])]
    permalink: Option<PermalinkId>,
    /// Cite a dataset's version
    #[arg(long = "dataset", value_name = "DATASET=VERSION", value_parser = parse_version, conflicts_with_all = ["statement", "file"])]
    datasets: Vec<(DatasetId, Value)>,
    /// The form of the citation
    #[arg(long, value_enum, default_value = "text")]
    format: CiteFormat,
}

pub(crate) async fn run(
    args: &CiteArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let language = console.look.language.tag();
    let form = [("format", args.format.asked()), ("lang", language)];
    let (request, sql) = if let Some(id) = &args.permalink {
        let path = ["v1", "permalinks", id.as_str(), "citation"];
        (client.get(&path).query(&form), None)
    } else if !args.datasets.is_empty() {
        let versions = args.datasets.iter().map(|(id, version)| {
            format!("{id}@{}", version.as_str().map_or(version.to_string(), str::to_owned))
        });
        let versions = versions.collect::<Vec<_>>().join(",");
        let request = client.get(&["v1", "citations"]).query(&[("sources", versions.as_str())]);
        (request.query(&form), None)
    } else if args.question.is_given() {
        let (sql, mut body) = args.question.body()?;
        for (name, value) in form {
            body[name] = value.into();
        }
        (client.request(Method::POST, &["v1", "citations"]).json(&body), Some(sql))
    } else {
        return Err(CliError::Usage(
            "say what to cite: a statement, --permalink ID, or --dataset agency.dataset=3".into(),
        ));
    };
    let response = client.send_sql(request, sql.as_deref()).await?;
    let text = response.text().await.map_err(|error| client.failed(&error))?;
    if args.format != CiteFormat::Text {
        console.out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            console.line("")?;
        }
        return Ok(());
    }
    let answer: Value =
        serde_json::from_str(&text).map_err(|error| client.not_understood(&error))?;
    let said = answer.get("text").and_then(|text| text.get(language)).and_then(Value::as_str);
    console.line(clean_lines(said.unwrap_or_default()))?;
    let terms = |name: &str| {
        let items = answer.pointer(&format!("/terms/{name}")).and_then(Value::as_array);
        items.cloned().unwrap_or_default()
    };
    for conflict in terms("conflicts") {
        let text = text_in(conflict.get("message"), console.look.language);
        console.remark(format_args!("! {text}"))?;
    }
    for obligation in terms("obligations") {
        let text = text_in(obligation.get("text"), console.look.language);
        console.remark(format_args!("- {text}"))?;
    }
    Ok(())
}
