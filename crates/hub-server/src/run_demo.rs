//! `mochiyori demo`: a hub with the sample agencies, filled through its own HTTP interface as any
//! publisher would fill it, and then left serving. A second start finds the data and only serves.

use std::path::Path;

use futures::{FutureExt, TryFutureExt};
use reqwest::{Body, Method};
use serde_json::{Value, json};

use crate::{
    cli::{CliError, Client, DemoArgs, Secret},
    config::Config,
    demo::{self, DemoError, SampleDataset, SampleOptions},
    serve::{self, RunningHub, ServeError},
};

/// Written once all sample data is published.
const FINISHED: &str = "demo-ready";

/// Why the demo does not start.
#[derive(Debug, thiserror::Error)]
pub enum RunDemoError {
    /// The hub does not start.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The sample data cannot be made.
    #[error("the sample data can't be made: {0}")]
    Sample(#[from] DemoError),
    /// The hub refused the sample data.
    #[error("the sample data can't be published: {0}")]
    Publish(String),
    /// A local file cannot be used.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl From<CliError> for RunDemoError {
    fn from(error: CliError) -> Self {
        Self::Publish(error.text().unwrap_or_default().trim().to_owned())
    }
}

/// Starts a hub with sample data; `say` shows progress lines.
pub async fn run_demo(
    config: &Config,
    args: &DemoArgs,
    say: &mut dyn FnMut(&str),
) -> Result<RunningHub, RunDemoError> {
    let hub = serve::start(config).await?;
    let data_dir = &config.server.data_dir;
    let finished = data_dir.join(FINISHED);
    let base = format!("http://{}", hub.address);
    if finished.exists() {
        say(&format!("using the sample data that is in {}", data_dir.display()));
    } else {
        let token = read(&data_dir.join("admin-token"))?;
        let client = Client::new(&base, Some(&Secret::from(token)))?;
        let options = SampleOptions { years: args.years, scale: args.scale, seed: args.seed };
        // Files lie in the data folder, which has room for the data anyway.
        let folder = data_dir.join("demo-files");
        std::fs::create_dir_all(&folder).map_err(|source| file_error(&folder, source))?;
        fill(&client, &options, &folder, say).boxed_local().await?;
        std::fs::remove_dir_all(&folder).map_err(|source| file_error(&folder, source))?;
        std::fs::write(&finished, "").map_err(|source| file_error(&finished, source))?;
    }
    say(&what_to_try(&base, data_dir));
    Ok(hub)
}

async fn fill(
    client: &Client,
    options: &SampleOptions,
    folder: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<(), RunDemoError> {
    say("making sample agencies of Shiribeshi; all of their data is synthetic and says so");
    for agency in demo::agencies()? {
        let body = json!({"name": agency.name, "contact": agency.contact});
        let request =
            client.request(Method::PUT, &["v1", "agencies", agency.id.as_str()]).json(&body);
        client.send(request).await?;
    }
    for dataset in demo::datasets()? {
        let (agency, name) = (dataset.id.agency().as_str(), dataset.id.name());
        let body = json!({"metadata": dataset.metadata, "contract": dataset.contract});
        let request = client.request(Method::PUT, &["v1", "datasets", agency, name]).json(&body);
        client.send(request).await?;
        let rows = publish(client, &dataset, *options, folder).await?;
        say(&format!("  {:32} {rows:>10} rows", dataset.id.to_string()));
    }
    Ok(())
}

async fn publish(
    client: &Client,
    dataset: &SampleDataset,
    options: SampleOptions,
    folder: &Path,
) -> Result<u64, RunDemoError> {
    let (agency, name) = (dataset.id.agency().as_str(), dataset.id.name());
    let (sample, target) = (dataset.clone(), folder.to_owned());
    let written =
        tokio::task::spawn_blocking(move || demo::write_files(&sample, &options, &target));
    let paths =
        written.await.map_err(|error| file_error(folder, std::io::Error::other(error)))??;
    let mut rows = 0;
    for path in paths {
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = tokio::fs::File::open(&path).map_err(|source| file_error(&path, source)).await?;
        let request = client
            .request(Method::POST, &["v1", "datasets", agency, name, "uploads"])
            .query(&[("mode", "append"), ("file_name", file_name.as_str())])
            // A demo that was broken off goes on where it was, without doubling a row.
            .header("Idempotency-Key", format!("demo {file_name} {options:?}"))
            .body(Body::from(file));
        let answer: Value = client.json(request).await?;
        rows += answer["published"]["rows_added"].as_u64().unwrap_or(0);
        std::fs::remove_file(&path).map_err(|source| file_error(&path, source))?;
    }
    Ok(rows)
}

fn what_to_try(base: &str, data_dir: &Path) -> String {
    format!(
        "
Mochiyori is serving sample data at {base}

  In a browser:       {base}/        {base}/docs
  Two agencies, one question (river level against rain):
    curl {base}/v1/sql --get --data-urlencode \"format=csv\" --data-urlencode \"q=
      SELECT r.time, r.level, w.precipitation
      FROM otaru_kaihatsu.river_hourly r JOIN kisho.weather_hourly w ON w.time = r.time
      WHERE r.gauge_id = '{GAUGE}' AND w.station_id = '{STATION}'
      ORDER BY w.precipitation DESC NULLS LAST LIMIT 10\"
  By REST:            curl '{base}/v1/datasets/kisho/weather_hourly/latest'
  With the client:    mochiyori --server {base} dataset list

The admin token is in {}/admin-token. Ctrl-C stops the hub; the data stays.
",
        data_dir.display()
    )
}

/// The Kutchan gauge and weather station of the sample, which lie near each other.
const GAUGE: &str = "301041281103020";
const STATION: &str = "16217";

fn read(path: &Path) -> Result<String, RunDemoError> {
    let text = std::fs::read_to_string(path).map_err(|source| file_error(path, source))?;
    Ok(text.trim().to_owned())
}

fn file_error(path: &Path, source: std::io::Error) -> RunDemoError {
    RunDemoError::File { path: path.display().to_string(), source }
}
