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
