//! The command line against a real hub: what each command does, prints, and ends with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use hub_testkit::hub::binary;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{RIVER_HEADER, Site, river, river_csv};

/// A hub, a folder with files, and who the commands are run as.
struct Terminal {
    site: Site,
    folder: TempDir,
}

/// What a command ended with and printed.
#[derive(Debug)]
struct Seen {
    code: i32,
    out: String,
    err: String,
}

impl Terminal {
    async fn start() -> Self {
        Self { site: Site::start().await, folder: TempDir::new().unwrap() }
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs a command with a token, where there is one.
    fn run_as(&self, token: Option<&str>, typed: &[&str]) -> Seen {
        run(self.folder.path(), &self.site.hub.url(""), token, typed)
    }

    fn publisher(&self, typed: &[&str]) -> Seen {
        self.run_as(Some(&self.site.publisher), typed)
    }

    fn admin(&self, typed: &[&str]) -> Seen {
        self.run_as(Some(&self.site.hub.admin_token()), typed)
    }
}

fn run(folder: &Path, server: &str, token: Option<&str>, typed: &[&str]) -> Seen {
    let mut command = Command::new(binary());
    command
        .args(typed)
        .current_dir(folder)
        .env("MOCHIYORI_URL", server)
        .env("LC_ALL", "en_GB.UTF-8")
        .env_remove("MOCHIYORI_TOKEN")
        .stdin(Stdio::null());
    if let Some(token) = token {
        command.env("MOCHIYORI_TOKEN", token);
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Seen { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

impl Seen {
    /// What was printed, if the command was done.
    fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    fn json(self) -> Value {
        serde_json::from_str(&self.done()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publishers_way_from_a_file_to_an_answer() {
    let terminal = Terminal::start().await;
    terminal.file("flow.csv", &river_csv(&["余市"], 0, 48));
    let proposed = terminal.publisher(&[
        "dataset",
        "propose",
        "flow.csv",
        "--for",
        "otaru.flow",
        "-o",
        "flow.json",
    ]);
    assert_eq!(proposed.code, 0, "{proposed:?}");
    let created = terminal.publisher(&[
        "dataset",
        "create",
        "flow.json",
        "--title-ja",
        "流量",
        "--title-en",
        "Flow",
        "--attribution",
        "出典：小樽",
    ]);
    assert!(created.done().contains("otaru.flow: made"));
    let uploaded = terminal.publisher(&["upload", "flow.csv", "--to", "otaru.flow"]).done();
    assert!(uploaded.contains("version 1 published, 48 rows added"), "{uploaded}");
    let again = terminal.publisher(&["upload", "flow.csv", "--to", "otaru.flow"]).done();
    assert!(again.contains("published before, as version 1"), "{again}");
    let twice = terminal
        .publisher(&["upload", "flow.csv", "--to", "otaru.flow", "--mode", "replace", "--again"])
        .done();
    assert!(twice.contains("version 2 published"), "{twice}");

    let listed = terminal.run_as(None, &["dataset", "list"]).done();
    assert!(listed.contains("otaru.flow") && listed.contains("otaru.river"), "{listed}");
    let listed = terminal.run_as(None, &["dataset", "list", "--search", "流量", "--json"]).json();
    assert_eq!(listed[0]["id"], "otaru.flow");
    assert_eq!(listed[0]["rows"], 48);
    let shown = terminal.run_as(None, &["dataset", "show", "otaru.flow"]).done();
    for word in ["Flow", "CC-BY-4.0", "出典：小樽", "level", "流量"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let versions = terminal.run_as(None, &["version", "list", "otaru.flow"]).done();
    assert!(versions.lines().count() >= 3 && versions.contains("replace"), "{versions}");

    let sql = "SELECT count(*) AS n, max(level) AS top FROM otaru.flow";
    let csv = terminal.run_as(None, &["sql", sql]).done();
    assert_eq!(csv.replace("\r\n", "\n"), "n,top\n48,47\n", "into a pipe it is CSV");
    let table = terminal.run_as(None, &["sql", sql, "--format", "table"]);
    assert!(table.out.contains("top") && table.out.contains("47"), "{table:?}");
    assert!(format!("{}{}", table.out, table.err).contains("出典：小樽"), "{table:?}");
    let old = [
        "sql",
        "SELECT 1 FROM otaru.flow WHERE level = $1",
        "--param",
        "3",
        "--version",
        "otaru.flow=1",
        "--format",
        "json",
    ];
    assert_eq!(terminal.run_as(None, &old).json()["row_count"], 1);
    let file = terminal.run_as(None, &["sql", "SELECT * FROM otaru.flow", "-o", "answer.parquet"]);
    assert_eq!((file.code, file.out.as_str()), (0, ""), "{file:?}");
    let file = fs::File::open(terminal.folder.path().join("answer.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 48);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_is_told_place_by_place() {
    let terminal = Terminal::start().await;
    terminal.file("bad.csv", &format!("{RIVER_HEADER}a,2026-04-01 01:00,high,1\n"));
    let refused =
        terminal.publisher(&["upload", "bad.csv", "--to", "otaru.river", "--report", "r.json"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    for word in ["level", "high", "2", "nothing was published"] {
        assert!(refused.err.contains(word), "{word}: {refused:?}");
    }
    let report = fs::read(terminal.folder.path().join("r.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["errors"][0]["rule"], "type");
    let japanese =
        terminal.publisher(&["upload", "bad.csv", "--to", "otaru.river", "--lang", "ja"]);
    assert!(japanese.code == 3 && japanese.err.contains("数値"), "{japanese:?}");
    terminal.file("page.pdf", "%PDF-1.7");
    let page = terminal.publisher(&["upload", "page.pdf", "--to", "otaru.river"]);
    assert!(page.code == 3 && page.err.contains("PDF"), "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_commands() {
    let terminal = Terminal::start().await;
    let made = terminal.admin(&[
        "agency",
        "create",
        "kisho",
        "--name-ja",
        "気象台",
        "--name-en",
        "Weather",
    ]);
    assert_eq!(made.code, 0, "{made:?}");
    let agencies = terminal.run_as(None, &["agency", "list"]).done();
    assert!(agencies.contains("kisho") && agencies.contains("otaru"), "{agencies}");
    let token =
        terminal.admin(&["token", "create", "nightly", "--role", "publisher", "--agency", "kisho"]);
    let secret = token.done().trim().to_owned();
    assert!(secret.starts_with("mcy_") && !secret.contains(char::is_whitespace), "{secret:?}");
    let description = json!({
        "id": "kisho.weather",
        "metadata": river("public")["metadata"],
        "contract": river("public")["contract"],
    });
    terminal.file("weather.json", &description.to_string());
    let create = ["dataset", "create", "weather.json"];
    assert!(terminal.run_as(Some(&secret), &create).done().contains("made"));
    let listed = terminal.admin(&["token", "list", "--json"]).json();
    let id = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["name"] == "nightly")
        .and_then(|token| token["id"].as_str())
        .unwrap()
        .to_owned();
    assert!(terminal.admin(&["token", "revoke", &id]).done().contains("withdrawn"));
    assert_eq!(terminal.run_as(Some(&secret), &create).code, 4);

    for hour in 0..3 {
        terminal.site.publish(river_csv(&["a"], hour, 1)).await;
    }
    let compacted = terminal.publisher(&["compact", "otaru.river", "--json"]).json();
    assert_eq!((&compacted["files_removed"], &compacted["files_added"]), (&json!(3), &json!(1)));
    assert_eq!(compacted["rows"], 3);
    let rows = terminal.site.rows("SELECT count(*) AS n FROM otaru.river").await;
    assert_eq!(rows, json!([{"n": 3}]));
    let vacuumed = terminal.publisher(&["vacuum", "otaru.river", "--dry-run"]).done();
    assert!(vacuumed.contains("nothing was removed"), "{vacuumed}");
    let old = ["sql", "SELECT count(*) AS n FROM otaru.river", "--version", "otaru.river=1"];
    assert!(terminal.run_as(None, &old).done().contains('1'));
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_say_what_to_do_next() {
    let terminal = Terminal::start().await;
    terminal.file("ok.csv", &river_csv(&["a"], 0, 1));
    for (code, typed) in [
        (2, &["upload"][..]),
        (2, &["uplaod", "ok.csv"]),
        (2, &["dataset", "show", "not-an-id"]),
        (2, &["sql", "SELECT 1", "--version", "otaru.river=april"]),
        (4, &["dataset", "show", "otaru.nowhere"]),
        (4, &["upload", "ok.csv", "--to", "otaru.river"]),
        (4, &["token", "list"]),
        (1, &["sql", "SELECT levle FROM otaru.river"]),
        (1, &["upload", "missing.csv", "--to", "otaru.river"]),
    ] {
        let seen = terminal.run_as(None, typed);
        assert_eq!(seen.code, code, "{typed:?}: {seen:?}");
        assert!(!seen.err.is_empty() && seen.out.is_empty(), "{typed:?}: {seen:?}");
    }
    let wrong = terminal.run_as(None, &["sql", "SELECT levle FROM otaru.river"]);
    assert!(wrong.err.contains("level") && wrong.err.contains('^'), "{wrong:?}");
    assert_eq!(terminal.run_as(Some("mcy_wrong"), &["dataset", "list"]).code, 4);
    // A port that was free a moment ago has no hub behind it.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = run(terminal.folder.path(), &format!("http://{free}"), None, &["dataset", "list"]);
    assert_eq!(nobody.code, 5, "{nobody:?}");
    assert!(nobody.err.contains("no hub answers"), "{nobody:?}");
    assert_eq!(terminal.run_as(None, &["health"]).done(), "ready\n");
}

#[test]
fn shells_are_given_what_they_complete_from() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = run(folder.path(), "http://127.0.0.1:1", None, &["completion", shell]).done();
        assert!(script.contains("mochiyori") && script.contains("upload"), "{shell}");
    }
    let help = run(folder.path(), "http://127.0.0.1:1", None, &["--help"]).done();
    for command in ["serve", "demo", "upload", "sql", "dataset", "agency", "token", "vacuum"] {
        assert!(help.contains(command), "{command}: {help}");
    }
}

#[tokio::test]
async fn answers_are_saved_as_workbooks_and_maps_and_functions_are_shown() {
    let terminal = Terminal::start().await;
    terminal.site.publish(river_csv(&["a"], 0, 2)).await;
    let sql = "SELECT station, level, 42.9 AS lat, 140.7 AS lon FROM otaru.river ORDER BY level";
    terminal.publisher(&["sql", sql, "-o", "answer.xlsx"]).done();
    let saved = fs::read(terminal.folder.path().join("answer.xlsx")).unwrap();
    assert!(saved.starts_with(b"PK"), "a workbook is a ZIP file");
    terminal.publisher(&["sql", sql, "-o", "answer.geojson"]).done();
    let saved = fs::read(terminal.folder.path().join("answer.geojson")).unwrap();
    let map: Value = serde_json::from_slice(&saved).unwrap();
    assert_eq!(map["features"][1]["properties"]["level"], 1.0);
    // What cannot be a map leaves no file.
    let refused = terminal.publisher(&["sql", "SELECT 1 AS one", "-o", "none.geojson"]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("ST_Point"), "{refused:?}");
    assert!(!terminal.folder.path().join("none.geojson").exists());

    let one = terminal.publisher(&["functions", "fiscal_year"]).done();
    assert!(one.starts_with("fiscal_year(date)\n"), "{one}");
    assert!(one.contains("→ 2023"), "{one}");
    let own = terminal.publisher(&["functions"]).done();
    assert!(own.contains("time_bucket(interval, time [, origin])") && !own.contains("row_number"));
    let found = terminal.publisher(&["functions", "mesh", "--json"]).json();
    assert!(found.as_array().unwrap().len() > 3, "{found}");
}
