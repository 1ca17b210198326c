//! A dataset for a file that has none yet: where the hub knows the file's layout, it knows the contract
//! too, and nothing has to be decided by hand.

use hub_model::DatasetId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{
    client::Client,
    error::CliError,
    input::{FileHints, Input},
    output::{Console, text_in},
};

/// Makes the dataset that a file of a known layout is for, and answers its description. `missing` is the
/// problem that the hub answered when the dataset was asked for; it stands where the layout is not known.
pub(super) async fn establish(
    dataset: &DatasetId,
    missing: CliError,
    input: &Input,
    hints: &FileHints,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Value, CliError> {
    if let Some(near) = near(dataset, client).await? {
        // A misspelt name must not become a second dataset.
        console.remark(format_args!("There is no {dataset}. Did you mean {near}?"))?;
        return Err(missing);
    }
    let mut request = client.request(Method::POST, &["v1", "proposals"]);
    request = request.query(&hints.parameters());
    if let Some(name) = input.name() {
        request = request.query(&[("file_name", name)]);
    }
    let bar = super::progress(console.look, input.size(), "looking");
    let proposal: Result<Value, CliError> =
        client.json(input.again()?.attach(request, hints.format, &bar)?).await;
    bar.finish_and_clear();
    let proposal = proposal?;
    let known = (proposal.get("preset"), proposal.get("metadata"), proposal.get("contract"));
    let (Some(preset @ Value::Object(_)), Some(metadata @ Value::Object(_)), Some(contract)) =
        known
    else {
        console.remark(format_args!(
            "{dataset} is not there yet, and the file is in no layout that the hub knows. Make the \
             dataset first:\n  mochiyori dataset propose FILE --for {dataset} -o dataset.json\n  \
             mochiyori dataset create dataset.json"
        ))?;
        return Err(missing);
    };
    let body = json!({ "metadata": metadata, "contract": contract });
    let path = ["v1", "datasets", dataset.agency().as_str(), dataset.name()];
    let made: Value = client.json(client.request(Method::PUT, &path).json(&body)).await?;
    let title = text_in(preset.get("title"), console.look.language);
    console.remark(format_args!("{dataset}: made for files of the layout {title}"))?;
    Ok(made)
}

/// How many letters may differ for a name to be taken for a misspelt one.
const FEW: usize = 2;

/// How many of an agency's datasets are looked at.
const LOOKED_AT: usize = 1_000;

/// A dataset of the agency whose name is nearly this one.
async fn near(dataset: &DatasetId, client: &Client) -> Result<Option<String>, CliError> {
    let query = [("agency", dataset.agency().as_str())];
    let (listed, _) = client.list(&["v1", "datasets"], &query, "datasets", LOOKED_AT).await?;
    let wanted = dataset.to_string();
    let names = listed.iter().filter_map(|entry| entry.get("id").and_then(Value::as_str));
    let near = names.map(|name| (strsim::damerau_levenshtein(name, &wanted), name));
    Ok(near.filter(|(far, _)| *far <= FEW).min().map(|(_, name)| name.to_owned()))
}
