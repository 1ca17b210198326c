//! `dataset create`: describes a dataset to the hub.

use std::path::PathBuf;

use clap::Args;
use hub_model::DatasetId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::cli::{client::Client, dataset::path, error::CliError, output::Console};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mochiyori dataset propose flow.csv --for kaihatsu.river_flow -o river_flow.json
  (look through river_flow.json, and fill in title, licence and attribution)
  mochiyori dataset create river_flow.json
  mochiyori upload flow.csv --to kaihatsu.river_flow

The file holds one JSON object:
  {\"id\": \"kaihatsu.river_flow\",
   \"metadata\": {\"title\": {\"ja\": \"河川流量\", \"en\": \"River flow\"},
                \"licence\": \"CC-BY-4.0\", \"attribution\": \"…\"},
   \"contract\": {\"fields\": [{\"name\": \"time\", \"type\": \"datetime\", \"role\": \"time\"}, …]}}
It may also hold the contract alone; then --id, --title-ja or --title-en, --licence and
--attribution say the rest. Options go before what the file says.

Where the dataset is there already, its description is changed. Columns can be added; what would
break those who read the dataset is refused.")]
pub struct CreateArgs {
    /// File with the description
    file: PathBuf,
    /// Dataset to make, as agency.dataset
    #[arg(long, value_name = "DATASET")]
    id: Option<DatasetId>,
    /// Title in Japanese
    #[arg(long, value_name = "TEXT")]
    title_ja: Option<String>,
    /// Title in English
    #[arg(long, value_name = "TEXT")]
    title_en: Option<String>,
    /// Licence, such as CC-BY-4.0 or PDL-1.0
    #[arg(long)]
    licence: Option<String>,
    /// The line that users of the data must show
    #[arg(long, value_name = "TEXT")]
    attribution: Option<String>,
    /// Let only holders of the agency's tokens read it
    #[arg(long)]
    private: bool,
    /// Say that the data is generated, not observed
    #[arg(long)]
    synthetic: bool,
    /// Print the hub's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(
    args: &CreateArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let (id, body) = describe(args)?;
    let response = client.send(client.request(Method::PUT, &path(&id)).json(&body)).await?;
    let made = response.status() == StatusCode::CREATED;
    let dataset: Value = response.json().await.map_err(|error| client.failed(&error))?;
    if args.json {
        return Ok(console.json(&dataset)?);
    }
    console.line(format_args!("{id}: {}", if made { "made" } else { "description changed" }))?;
    if made {
        console.remark(format_args!("  Next: mochiyori upload FILE --to {id}"))?;
    }
    Ok(())
}

fn describe(args: &CreateArgs) -> Result<(DatasetId, Value), CliError> {
    let name = args.file.display();
    let text = std::fs::read_to_string(&args.file)
        .map_err(CliError::file(format!("can't read {name}")))?;
    let document: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| CliError::Usage(format!("{name} is not JSON: {error}")))?;
    let Value::Object(mut document) = document else {
        return Err(CliError::Usage(format!("{name} does not hold a JSON object")));
    };
    let (contract, mut metadata, own_id) = if document.contains_key("fields") {
        (Value::Object(document), json!({}), None)
    } else {
        let contract = document.remove("contract").ok_or_else(|| {
            CliError::Usage(format!("{name} has no \"contract\"; see the example in --help"))
        })?;
        let metadata = document.remove("metadata").unwrap_or_else(|| json!({}));
        let id = document.remove("id");
        // A member that was misspelt must not be lost without a word.
        if let Some(unknown) = document.keys().next() {
            return Err(CliError::Usage(format!(
                "{name} has a member {unknown:?}; only id, metadata and contract can be there"
            )));
        }
        (contract, metadata, id)
    };
    let id = match (&args.id, own_id.as_ref().map(Value::as_str)) {
        (Some(id), _) => id.clone(),
        (None, Some(Some(id))) => DatasetId::parse(id)
            .map_err(|error| CliError::Usage(format!("the \"id\" in {name}: {error}")))?,
        (None, _) => {
            return Err(CliError::Usage(format!(
                "{name} doesn't say which dataset to make: give --id agency.dataset"
            )));
        }
    };
    let Some(said) = metadata.as_object_mut() else {
        return Err(CliError::Usage(format!("the \"metadata\" in {name} is not an object")));
    };
    for (language, title) in [("ja", &args.title_ja), ("en", &args.title_en)] {
        if let Some(title) = title {
            let titles = said.entry("title").or_insert_with(|| json!({}));
            if let Some(titles) = titles.as_object_mut() {
                titles.insert(language.into(), title.clone().into());
            }
        }
    }
    for (name, value) in [("licence", &args.licence), ("attribution", &args.attribution)] {
        if let Some(value) = value {
            said.insert(name.into(), value.clone().into());
        }
    }
    if args.private {
        said.insert("visibility".into(), "private".into());
    }
    if args.synthetic {
        said.insert("synthetic".into(), true.into());
    }
    Ok((id, json!({ "metadata": metadata, "contract": contract })))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        args: CreateArgs,
    }

    fn described(file: &str, options: &[&str]) -> Result<(DatasetId, Value), CliError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.json");
        std::fs::write(&path, file).unwrap();
        let typed = ["create", path.to_str().unwrap()].into_iter().chain(options.iter().copied());
        describe(&Typed::try_parse_from(typed).unwrap().args)
    }

    #[test]
    fn a_description_is_a_whole_document_or_a_contract_with_options() {
        let whole = r#"{"id":"a.b","metadata":{"title":{"en":"B"}},"contract":{"fields":[]}}"#;
        let (id, body) = described(whole, &["--title-ja", "び", "--private"]).unwrap();
        assert_eq!(id.to_string(), "a.b");
        assert_eq!(
            body,
            json!({
                "metadata": {"title": {"en": "B", "ja": "び"}, "visibility": "private"},
                "contract": {"fields": []},
            })
        );
        let (id, body) =
            described("\u{feff}{\"fields\":[]}", &["--id", "a.c", "--licence", "CC0-1.0"]).unwrap();
        assert_eq!(id.to_string(), "a.c");
        assert_eq!(body, json!({"metadata": {"licence": "CC0-1.0"}, "contract": {"fields": []}}));
    }

    #[test]
    fn what_is_missing_or_misspelt_is_said() {
        for (file, word) in [
            ("{\"fields\":[]}", "--id"),
            ("{\"id\":\"a.b\"}", "contract"),
            ("{\"id\":\"A.b\",\"contract\":{}}", "id"),
            ("{\"id\":\"a.b\",\"contract\":{},\"metdata\":{}}", "metdata"),
            ("{\"id\":\"a.b\",\"contract\":{},\"metadata\":1}", "metadata"),
            ("[]", "object"),
            ("{", "JSON"),
        ] {
            let error = described(file, &[]).unwrap_err();
            assert!(matches!(error, CliError::Usage(_)));
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
