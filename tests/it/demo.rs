//! The demo as a newcomer has it: sample data is made and published through the ordinary path, questions
//! are answered, and a second start finds what the first one made.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use hub_testkit::hub;
use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

/// How long a start may take, the making of the data included.
const DEADLINE: Duration = Duration::from_secs(300);
const GLANCE: Duration = Duration::from_millis(20);

/// A running demo. Dropping it ends the process.
pub(crate) struct Demo {
    process: Child,
    /// Its address, without a slash at the end.
    pub(crate) base: String,
    log: PathBuf,
}

impl Demo {
    /// Starts `mochiyori demo` and waits until it says what to try.
    pub(crate) async fn start(data_dir: &Path, log: PathBuf) -> Self {
        Self::start_with(data_dir, log, &[]).await
    }

    /// The same with more arguments.
    pub(crate) async fn start_with(data_dir: &Path, log: PathBuf, more: &[&str]) -> Self {
        let _ = fs::remove_file(data_dir.join("listen-address"));
        let out = File::create(&log).expect("the log can be written");
        let process = Command::new(hub::binary())
            .args(["demo", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(out)
            .spawn()
            .expect("the mochiyori binary can be run");
        let mut demo = Self { process, base: String::new(), log };
        let deadline = Instant::now() + DEADLINE;
        while !demo.said().contains("Ctrl-C stops the hub") {
            let ended = demo.process.try_wait().expect("the process can be looked at");
            assert!(ended.is_none(), "the demo ended with {ended:?}:\n{}", demo.said());
            assert!(Instant::now() < deadline, "the demo is not ready:\n{}", demo.said());
            tokio::time::sleep(GLANCE).await;
        }
        let address = fs::read_to_string(data_dir.join("listen-address")).expect("it listens");
        demo.base = format!("http://{}", address.trim());
        demo
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let client = Client::builder().no_proxy().build().expect("a client can be made");
        let request = client.get(format!("{}{path}", self.base)).query(query);
        let answer = request.send().await.expect("the demo answers");
        let status = answer.status();
        let text = answer.text().await.expect("the answer is whole");
        assert!(status.is_success(), "{path} {query:?}: {status} {text}");
        serde_json::from_str(&text).expect("the answer is JSON")
    }

    /// Every dataset's id, version and rows, as the list has them.
    async fn datasets(&self) -> Vec<(String, u64, u64)> {
        let list = self.get("/v1/datasets", &[("limit", "100")]).await;
        let number = |dataset: &Value, name: &str| dataset[name].as_u64().unwrap_or_default();
        let datasets = list["datasets"].as_array().expect("a list");
        datasets
            .iter()
            .map(|d| {
                (d["id"].as_str().unwrap().to_owned(), number(d, "version"), number(d, "rows"))
            })
            .collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Either fails only where the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn the_demo_publishes_its_sample_and_a_second_start_uses_it() {
    let folder = TempDir::new().expect("a folder");
    let data_dir = folder.path().join("mochiyori-demo");
    let demo = Demo::start(&data_dir, folder.path().join("first.log")).await;

    let first = demo.datasets().await;
    assert_eq!(first.len(), 30, "{first:?}");
    for (id, version, rows) in &first {
        assert!(*version >= 1 && *rows > 0, "{id} has {rows} rows at version {version}");
        let (agency, name) = id.split_once('.').unwrap();
        let dataset = demo.get(&format!("/v1/datasets/{agency}/{name}"), &[]).await;
        assert_eq!(
            dataset["metadata"]["synthetic"], true,
            "{id} does not say that it is synthetic"
        );
        let uploads = demo.get(&format!("/v1/datasets/{agency}/{name}/versions"), &[]).await;
        assert_eq!(uploads["versions"].as_array().unwrap().len() as u64, *version, "{uploads}");
    }
    let rows = |id: &str| first.iter().find(|(found, ..)| found == id).map(|(_, _, rows)| *rows);
    assert_eq!(rows("kisho.weather_hourly"), Some(14 * 365 * 24));
    assert_eq!(rows("douro.traffic_5min"), Some(15 * 365 * 288));

    let joined = demo
        .get(
            "/v1/sql",
            &[(
                "q",
                "SELECT m.name_ja, sum(g.guests) AS guests, max(p.population) AS population \
                 FROM shicho.municipalities m \
                 JOIN hokkaido.inbound_monthly g ON g.municipality_code = m.code \
                 JOIN shicho.population_yearly p ON p.municipality_code = m.code AND p.year = 2024 \
                 GROUP BY m.name_ja ORDER BY guests DESC",
            )],
        )
        .await;
    assert_eq!(joined["row_count"], 20, "{joined}");
    for source in joined["sources"].as_array().expect("the answer names its sources") {
        assert_eq!(source["synthetic"], true, "{source}");
    }
    drop(demo);

    let again = Demo::start(&data_dir, folder.path().join("second.log")).await;
    assert!(again.said().contains("using the sample data"), "{}", again.said());
    assert_eq!(again.datasets().await, first);
}
