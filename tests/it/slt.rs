//! The files of `tests/slt`: SQL with the rows it must give, asked of a running hub over HTTP. How they are
//! written is told in `tests/slt/README.md`.

mod file;

use std::{fs, path::PathBuf};

use file::{Expected, Record, Step};
use hub_testkit::hub::Hub;
use serde_json::{Value, json};

/// The folder of the files.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("slt")
}

#[tokio::test]
async fn every_slt_file_holds() {
    let mut paths: Vec<_> = fs::read_dir(folder())
        .expect("tests/slt is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "there are no .slt files in {}", folder().display());
    let runner = Runner { hub: Hub::start().await };
    let mut failures = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).expect("the file is UTF-8 text");
        let records = file::parse(&text).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert!(!records.is_empty(), "{name} asks nothing");
        for record in records {
            if let Err(problem) = runner.run(&record).await {
                failures.push(format!("{name}, line {}: {problem}", record.line));
            }
        }
    }
    assert!(failures.is_empty(), "{} failed\n\n{}", failures.len(), failures.join("\n\n"));
}

struct Runner {
    hub: Hub,
}

impl Runner {
    async fn run(&self, record: &Record) -> Result<(), String> {
        match &record.step {
            Step::Dataset { id, contract, csv } => {
                self.publish(id, contract, csv).await;
                Ok(())
            }
            Step::Query { sql, expected } => self.ask(sql, expected).await,
        }
    }

    /// Makes a public dataset, and its agency where it is new, and publishes the rows.
    async fn publish(&self, id: &str, contract: &Value, csv: &str) {
        let (agency, _) = id.split_once('.').expect("a dataset's id is agency.dataset");
        self.hub.create_agency(agency, agency, agency).await;
        let token = self.hub.create_token(agency, "publisher").await;
        let metadata = json!({
            "title": {"ja": id, "en": id},
            "licence": "CC-BY-4.0",
            "attribution": format!("Made for tests: {id}"),
            "visibility": "public",
            "synthetic": true,
        });
        let description = json!({"metadata": metadata, "contract": contract});
        self.hub.create_dataset(id, &description, &token).await;
        self.hub.upload(id, csv.to_owned(), "text/csv", &token).await;
    }

    async fn ask(&self, sql: &str, expected: &Expected) -> Result<(), String> {
        let request = self.hub.sql_request(sql, "application/json");
        let answer = request.send().await.map_err(|error| format!("no answer: {error}"))?;
        let status = answer.status();
        let body: Value = answer.json().await.map_err(|error| format!("no JSON: {error}"))?;
        match (status.is_success(), expected) {
            (true, Expected::Rows { types, sorted, rows }) => {
                compare(&body, types.as_deref(), *sorted, rows)
                    .map_err(|told| format!("{told}\n{sql}"))
            }
            (true, Expected::Error { .. }) => {
                Err(format!("it is answered, and should be refused\n{sql}\n{}", body["rows"]))
            }
            (false, Expected::Rows { .. }) => Err(format!("it is refused: {body}\n{sql}")),
            (false, Expected::Error { slug, said }) => {
                let kind = format!("/problems/{slug}");
                let detail = body["detail"].as_str().unwrap_or_default();
                if body["type"] != kind.as_str() {
                    return Err(format!("it should be refused as {slug}: {body}\n{sql}"));
                }
                match said.iter().find(|part| !detail.contains(part.as_str())) {
                    Some(part) => Err(format!("{part:?} is not said in {detail:?}\n{sql}")),
                    None => Ok(()),
                }
            }
        }
    }
}

fn compare(
    body: &Value,
    types: Option<&str>,
    sorted: bool,
    expected: &[String],
) -> Result<(), String> {
    let columns: Vec<&str> = body["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|c| c["name"].as_str())
        .collect();
    if let Some(types) = types
        && types.len() != columns.len()
    {
        return Err(format!(
            "{} columns are named by {types:?}, and it has {columns:?}",
            types.len()
        ));
    }
    let mut rows: Vec<String> = body["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| columns.iter().map(|name| shown(&row[*name])).collect::<Vec<_>>().join(" "))
        .collect();
    let mut expected = expected.to_vec();
    if sorted {
        rows.sort();
        expected.sort();
    }
    if rows == expected {
        return Ok(());
    }
    Err(format!(
        "--- it gives\n{}\n--- and should give\n{}\n---",
        rows.join("\n"),
        expected.join("\n")
    ))
}

/// A value as the files write it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) if text.is_empty() => "(empty)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
