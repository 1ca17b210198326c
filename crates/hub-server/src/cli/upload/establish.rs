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
        let said = console.look.language.say(
            format!(
                "{dataset} はありません。{near} のことですか？ 別のデータセットなら、先に作ってください：\n{}",
                steps(dataset)
            ),
            format!(
                "There is no {dataset}. Did you mean {near}? If it is to be a dataset of its own, make it first:\n{}",
                steps(dataset)
            ),
        );
        console.remark(said)?;
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
        let said = console.look.language.say(
            format!(
                "{dataset} はまだなく、ファイルはこのハブが知っている様式でもありません。先にデータセットを作ってください：\n{}",
                steps(dataset)
            ),
            format!(
                "{dataset} is not there yet, and the file is in no layout that the hub knows. Make the dataset first:\n{}",
                steps(dataset)
            ),
        );
        console.remark(said)?;
        return Err(missing);
    };
    let body = json!({ "metadata": metadata, "contract": contract });
    let path = ["v1", "datasets", dataset.agency().as_str(), dataset.name()];
    let made: Value = client.json(client.request(Method::PUT, &path).json(&body)).await?;
    let title = text_in(preset.get("title"), console.look.language);
    console.remark(console.look.language.say(
        format!("{dataset}：様式「{title}」のデータセットを作りました"),
        format!("{dataset}: made for files of the layout {title}"),
    ))?;
    Ok(made)
}

/// What to type to make a dataset by hand.
fn steps(dataset: &DatasetId) -> String {
    format!(
        "  mochiyori dataset propose FILE --for {dataset} -o dataset.json\n  mochiyori dataset create dataset.json"
    )
}

/// How many letters may differ for a name to be taken for a misspelt one, and how long a word must be.
const FEW: usize = 2;
const LONG: usize = 5;

/// How many of an agency's datasets are looked at.
const LOOKED_AT: usize = 1_000;

/// A dataset of the agency whose name is nearly this one.
async fn near(dataset: &DatasetId, client: &Client) -> Result<Option<String>, CliError> {
    let query = [("agency", dataset.agency().as_str())];
    let (listed, _) = client.list(&["v1", "datasets"], &query, "datasets", LOOKED_AT).await?;
    let ids = listed.iter().filter_map(|entry| entry.get("id").and_then(Value::as_str));
    let near = ids.filter_map(|id| {
        let (_, name) = id.split_once('.')?;
        Some((distance(dataset.name(), name)?, id))
    });
    Ok(near.min().map(|(_, id)| id.to_owned()))
}

/// By how many letters one name is the other misspelt; none where it is another name. Agencies tell their
/// datasets apart by years, numbers and letters at the end of a name (`flow_2020`, `flow_b`), which is no
/// misspelling.
fn distance(name: &str, other: &str) -> Option<usize> {
    let plain = |name: &str| name.replace('_', "");
    if plain(name) == plain(other) {
        return Some(0);
    }
    if name.split('_').count() != other.split('_').count() {
        return None;
    }
    let mut all = 0;
    for (word, theirs) in name.split('_').zip(other.split('_')) {
        if word == theirs {
            continue;
        }
        let has_digit = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit());
        if word.len().max(theirs.len()) < LONG || has_digit(word) || has_digit(theirs) {
            return None;
        }
        all += strsim::damerau_levenshtein(word, theirs);
    }
    (all <= FEW).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_from_another_name() {
        for (name, other, expected) in [
            ("river_flow", "river_flows", Some(1)),
            ("rivre_flow", "river_flow", Some(1)),
            ("riverflow", "river_flow", Some(0)),
            ("trafic_dialy", "traffic_daily", Some(2)),
            ("flow_2020", "flow_2021", None),
            ("obsdl2", "obsdl1", None),
            ("flow_a", "flow_b", None),
            ("t5", "td", None),
            ("snow", "flow", None),
            ("flow_hourly", "flow_daily", None),
            ("flow", "flow_daily", None),
        ] {
            assert_eq!(distance(name, other), expected, "{name} {other}");
        }
    }
}
