//! What a hub does with a file that it has received, shown to whoever waits at a terminal.

use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::cli::{
    client::Client,
    error::CliError,
    output::{Language, counted, member},
    problem::Problem,
};

/// How often the hub is asked how far it is.
const GLANCE: Duration = Duration::from_millis(400);

/// Waits for the end of an upload, moving the bar as the hub reads, and answers what a sender that waits
/// is answered.
pub(crate) async fn follow(
    client: &Client,
    path: &[&str],
    id: &str,
    bar: &ProgressBar,
) -> Result<Value, CliError> {
    let path = [path, &[id]].concat();
    loop {
        let upload: Value = client.json(client.get(&path)).await?;
        match upload.get("state").and_then(Value::as_str) {
            Some("committed") => return published(client, &path, upload).await,
            Some("rejected" | "failed") => return Err(refused(&upload, client.language())),
            _ => {}
        }
        if let Some(progress) = upload.get("progress") {
            let number =
                |name: &str| progress.get(name).and_then(Value::as_u64).unwrap_or_default();
            bar.set_position(number("bytes_read"));
            let rows = counted(number("rows_read"), "row");
            bar.set_message(format!("{}, {rows}", member(progress, "stage")));
        }
        tokio::time::sleep(GLANCE).await;
    }
}

async fn published(client: &Client, path: &[&str], mut upload: Value) -> Result<Value, CliError> {
    let number = member(&upload, "version");
    let dataset = path.get(..path.len() - 2).unwrap_or_default();
    let version: Value =
        client.json(client.get(&[dataset, &["versions", &number]].concat())).await?;
    upload["rows_added"] = version.get("rows_added").cloned().unwrap_or_default();
    upload["published"] = version;
    Ok(upload)
}

fn refused(upload: &Value, language: Language) -> CliError {
    let is_rejected = upload.get("state").is_some_and(|state| state == "rejected");
    let report = upload.get("report").filter(|report| !report.is_null()).cloned();
    let english = upload.get("problem");
    let detail = language.say(upload.get("problem_ja").or(english), english);
    let problem = Problem {
        title: match (language, is_rejected, &report) {
            (Language::En, true, Some(_)) => "The file breaks the contract",
            (Language::En, true, None) => "The file can't be read",
            (Language::En, false, _) => "The file was not published",
            (Language::Ja, true, Some(_)) => "ファイルが契約に合いません",
            (Language::Ja, true, None) => "ファイルを読めません",
            (Language::Ja, false, _) => "ファイルは公開されていません",
        }
        .to_owned(),
        status: if is_rejected { 422 } else { 500 },
        detail: detail.and_then(Value::as_str).map(str::to_owned),
        instance: None,
        upload_id: upload.get("id").and_then(Value::as_str).map(str::to_owned),
        report: if is_rejected { report } else { None },
        ..Problem::default()
    };
    let shown = problem.show(None);
    CliError::Problem { problem: Box::new(problem), shown }
}

/// Whether the hub answered that it goes on by itself.
pub(crate) fn goes_on(answer: &Value) -> bool {
    answer.get("state").is_some_and(|state| *state == json!("checking"))
}
