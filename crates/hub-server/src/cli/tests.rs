//! The command line against a server that plays back what the interface is documented to answer.

mod playback;

use std::ffi::OsString;

use axum::http::StatusCode;
use clap::{CommandFactory, Parser};
use playback::{Playback, answer, problem};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;

/// What a person sees of a command.
#[derive(Debug)]
struct Seen {
    code: u8,
    out: String,
    err: String,
}

async fn mochiyori_at(server: &str, look: Look, typed: &[&str]) -> Seen {
    let cli = Cli::try_parse_from(["mochiyori", "--server", server].iter().chain(typed)).unwrap();
    let Some(Command::Client(command)) = cli.command else { panic!("no client command") };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut console = Console { out: &mut out, err: &mut err, look };
    let client = Client::new(&cli.global.server, cli.global.token.as_ref());
    let client = client.map(|client| client.in_language(look.language));
    let result = execute(*command, client, &mut console).await;
    let code = finish(result, &mut console);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(server, "[server]");
    Seen { code, out: text(out), err: text(err) }
}

const TERMINAL: Look = Look {
    out_is_terminal: true,
    width: Some(100),
    bars: false,
    quiet: false,
    language: Language::En,
};
const PIPE: Look = Look { out_is_terminal: false, width: None, ..TERMINAL };

async fn on_terminal(hub: &Playback, typed: &[&str]) -> Seen {
    mochiyori_at(&hub.address(), TERMINAL, typed).await
}

async fn in_pipe(hub: &Playback, typed: &[&str]) -> Seen {
    mochiyori_at(&hub.address(), PIPE, typed).await
}

fn dataset() -> Value {
    json!({
        "id": "kaihatsu.river_flow",
        "metadata": {
            "title": {"ja": "河川流量", "en": "River flow"}, "licence": "CC-BY-4.0",
            "attribution": "小樽開発建設部", "visibility": "public", "cadence": "PT1H",
        },
        "contract": {
            "fields": [
                {"name": "station", "type": "string", "role": "key"},
                {"name": "time", "type": "datetime", "role": "time", "interval": "PT1H", "label": "end"},
                {"name": "流量", "alias": "flow", "type": "number", "role": "value", "unit": "m3/s",
                 "title": "Flow"},
            ],
            "primaryKey": ["station", "time"],
        },
        "revision": 1,
        "latest_version": {
            "number": 3, "log_version": 5, "committed_at": "2026-04-01T00:00:00Z",
            "committed_by": "nightly", "upload_id": "0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11",
            "mode": "append", "rows_added": 24, "rows_total": 8760, "bytes_added": 1000,
            "bytes_total": 1572864,
        },
    })
}

fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

const DATASET: &str = "/v1/datasets/kaihatsu/river_flow";
const UPLOADS: &str = "/v1/datasets/kaihatsu/river_flow/uploads";

#[test]
fn the_definition_is_sound_and_every_command_teaches_by_an_example() {
    Cli::command().debug_assert();
    fn check(command: &clap::Command, path: &str) {
        if command.is_hide_set() {
            // What the hub starts by itself is nothing to teach.
            return;
        }
        let subcommands: Vec<_> = command.get_subcommands().collect();
        if subcommands.is_empty() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Example") && after.contains(path), "{path} has no example");
        }
        for subcommand in subcommands {
            check(subcommand, &format!("{path} {}", subcommand.get_name()));
        }
    }
    check(&Cli::command(), "mochiyori");
}

/// Every line of every command's examples can be typed.
#[test]
fn the_examples_in_the_help_can_be_typed() {
    fn examples(command: &clap::Command, found: &mut Vec<String>) {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let of_usage = |line: &&str| line.starts_with("  mochiyori ") && !line.contains("COMMAND");
        found.extend(after.lines().filter(of_usage).map(str::to_owned));
        command.get_subcommands().for_each(|subcommand| examples(subcommand, found));
    }
    let mut found = Vec::new();
    examples(&Cli::command(), &mut found);
    assert!(found.len() > 40, "{}", found.len());
    for line in found {
        // The words of a shell, as far as the examples use them; remarks follow two spaces.
        let typed = line.trim().split("  ").next().unwrap();
        let mut words = vec![String::new()];
        let mut quoted = false;
        for c in typed.chars() {
            match c {
                '"' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                '\\' => {}
                other => words.last_mut().unwrap().push(other),
            }
        }
        let end = words.iter().position(|w| matches!(w.as_str(), ">" | ">>" | "&&" | "|"));
        words.truncate(end.unwrap_or(words.len()));
        if let Err(error) = Cli::try_parse_from(&words) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn usage_has_its_exit_codes() {
    let code = |typed: &[&str]| {
        let typed = ["mochiyori"].iter().chain(typed).map(OsString::from);
        parse_from(typed).map(|_| ()).map_err(|code| format!("{code:?}"))
    };
    let exit = |code: u8| Err(format!("{:?}", ExitCode::from(code)));
    assert_eq!(code(&[]), exit(error::DONE));
    assert_eq!(code(&["--help"]), exit(error::DONE));
    assert_eq!(code(&["uplaod"]), exit(error::USAGE));
    assert_eq!(code(&["upload", "f.csv"]), exit(error::USAGE));
    assert_eq!(code(&["upload", "f.csv", "--to", "River.Flow"]), exit(error::USAGE));
    assert_eq!(code(&["sql"]), exit(error::USAGE));
    assert_eq!(code(&["token", "create", "x", "--role", "publisher"]), exit(error::USAGE));
    assert_eq!(code(&["token", "create", "x", "--role", "admin"]), Ok(()));
    assert_eq!(code(&["serve", "--listen", "0.0.0.0:1"]), Ok(()));
    assert_eq!(code(&["demo", "--years", "2", "--scale", "3", "--seed", "4"]), Ok(()));
}

#[test]
fn the_main_help_has_first_steps_and_exit_codes_and_no_secrets() {
    let help = Cli::command().render_help().to_string();
    for part in ["First steps:", "mochiyori demo", "Exit codes:", "MOCHIYORI_TOKEN"] {
        assert!(help.contains(part), "{part} is not in\n{help}");
    }
}

#[tokio::test]
async fn an_upload_is_streamed_with_digest_and_key_and_said_to_be_published() {
    let uploaded = answer(
        StatusCode::CREATED,
        &json!({
            "id": "0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11", "dataset": "kaihatsu.river_flow",
            "mode": "append", "state": "committed", "version": 4, "rows_added": 8760,
            "report": {"format": "csv", "rows": 8760, "columns": [
                {"name": "流量", "source": "流量", "missing": 12}, {"name": "station", "missing": 0}],
                "period": {"first": "2026-03-31T15:00:00Z", "last": "2026-04-30T14:00:00Z"},
                "error_count": 0, "errors": [], "errors_by_rule": {}},
        }),
    );
    let hub = Playback::start([
        ("GET", DATASET, answer(StatusCode::OK, &dataset())),
        ("POST", UPLOADS, uploaded),
    ])
    .await;
    // More than one piece of the stream.
    let content = "小樽,2.5\n".repeat(100_000);
    let (_folder, path) = file("flow april.csv", content.as_bytes());
    let typed = ["upload", &path, "--to", "kaihatsu.river_flow", "--token", "t0ken"];
    let seen = on_terminal(&hub, &typed).await;
    insta::assert_snapshot!(format!("{}\n{}{}", seen.code, seen.out, seen.err), @r"
    0
    kaihatsu.river_flow: version 4 published, 8,760 rows added
      River flow, 1.05 MiB
      from 2026-04-01 00:00:00 JST to 2026-04-30 23:00:00 JST
      流量: 12 without a value
    ");

    let sent = hub.requests("POST");
    let header = |name: &str| sent[0].headers[name].to_str().unwrap();
    assert_eq!(sent[0].query, "mode=append&file_name=flow+april.csv");
    assert_eq!(header("authorization"), "Bearer t0ken");
    assert_eq!(header("content-type"), "text/csv");
    assert_eq!(header("content-length"), content.len().to_string());
    assert_eq!(header("content-digest"), playback::content_digest(content.as_bytes()));
    assert_eq!(sent[0].body, content.as_bytes());

    // The same command again has the same key; --again and another mode have others.
    let key = header("idempotency-key").to_owned();
    on_terminal(&hub, &typed).await;
    on_terminal(&hub, &[&typed[..], &["--again"]].concat()).await;
    on_terminal(&hub, &[&typed[..], &["--mode", "replace"]].concat()).await;
    on_terminal(&hub, &[&typed[..], &["--idempotency-key", "mine"]].concat()).await;
    let keys: Vec<_> = hub
        .requests("POST")
        .iter()
        .map(|request| request.headers["idempotency-key"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys[0], keys[1]);
    assert!(!keys[2..].contains(&key));
    assert_ne!(keys[2], keys[3]);
    assert_eq!(keys[4], "mine");
}

#[tokio::test]
async fn an_upload_that_was_made_before_is_told_from_a_new_one() {
    let mut uploaded =
        answer(StatusCode::CREATED, &json!({"state": "committed", "version": 4, "rows_added": 2}));
    uploaded.headers.push(("idempotent-replayed", "true".into()));
    let hub = Playback::start([
        ("GET", DATASET, answer(StatusCode::OK, &dataset())),
        ("POST", UPLOADS, uploaded),
    ])
    .await;
    let (_folder, path) = file("a.csv", b"x\n1\n2\n");
    let seen = on_terminal(&hub, &["upload", &path, "--to", "kaihatsu.river_flow"]).await;
    assert_eq!(seen.code, error::DONE);
    insta::assert_snapshot!(seen.out + &seen.err, @r"
    kaihatsu.river_flow: this very file was published before, as version 4; nothing was added now
      To publish it once more: --again
    ");
}

const UPLOAD_ID: &str = "0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11";
const UPLOAD: &str =
    "/v1/datasets/kaihatsu/river_flow/uploads/0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11";

#[tokio::test]
async fn an_upload_that_goes_on_by_itself_is_followed_to_its_end() {
    let accepted =
        || answer(StatusCode::ACCEPTED, &json!({"id": UPLOAD_ID, "state": "checking", "bytes": 8}));
    let committed = json!({"id": UPLOAD_ID, "state": "committed", "version": 4});
    let hub = Playback::start([
        ("GET", DATASET, answer(StatusCode::OK, &dataset())),
        ("POST", UPLOADS, accepted()),
        ("GET", UPLOAD, answer(StatusCode::OK, &committed)),
        (
            "GET",
            "/v1/datasets/kaihatsu/river_flow/versions/4",
            answer(StatusCode::OK, &json!({"number": 4, "rows_added": 2})),
        ),
    ])
    .await;
    let (_folder, path) = file("a.csv", b"x\n1\n2\n");
    let typed = ["upload", &path, "--to", "kaihatsu.river_flow", "--quiet"];
    let seen = on_terminal(&hub, &typed).await;
    assert_eq!(seen.code, error::DONE, "{}", seen.err);
    assert!(seen.out.contains("version 4 published, 2 rows added"), "{}", seen.out);

    let rejected = json!({
        "id": UPLOAD_ID, "state": "rejected", "problem": "the file takes too long to read",
    });
    let hub = Playback::start([
        ("GET", DATASET, answer(StatusCode::OK, &dataset())),
        ("POST", UPLOADS, accepted()),
        ("GET", UPLOAD, answer(StatusCode::OK, &rejected)),
    ])
    .await;
    let seen = on_terminal(&hub, &typed).await;
    assert_eq!(seen.code, error::REFUSED);
    assert!(seen.err.contains("takes too long"), "{}", seen.err);
}

#[tokio::test]
async fn a_file_is_given_back_only_as_it_was_sent() {
    let content = "小樽,2.5\n";
    let record = json!({
        "id": UPLOAD_ID, "file_name": "../april.csv", "state": "committed",
        "sha256": Sha256::digest(content).iter().map(|b| format!("{b:02x}")).collect::<String>(),
    });
    let file_path =
        "/v1/datasets/kaihatsu/river_flow/uploads/0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11/file";
    for (sent, code) in [(content, error::DONE), ("小樽,2.6\n", error::FAILURE)] {
        let sent = playback::Answer {
            body: sent.into(),
            headers: vec![("content-type", "text/csv".to_owned())],
            ..answer(StatusCode::OK, &Value::Null)
        };
        let answers = [("GET", UPLOAD, answer(StatusCode::OK, &record)), ("GET", file_path, sent)];
        let hub = Playback::start(answers).await;
        let typed = ["download", UPLOAD_ID, "--from", "kaihatsu.river_flow", "-o", "-"];
        let seen = in_pipe(&hub, &typed).await;
        assert_eq!(seen.code, code, "{}", seen.err);
        if code == error::DONE {
            assert_eq!(seen.out, content);
        } else {
            assert!(seen.err.contains("SHA-256 differs"), "{}", seen.err);
        }
    }
}

fn refusal() -> playback::Answer {
    problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        &json!({
            "type": "/problems/contract-violated", "title": "the file breaks the contract", "status": 422,
            "detail": "2 places are wrong in 24 rows; nothing was published", "instance": "req-1",
            "upload_id": "0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11",
            "report": {
                "format": "csv", "rows": 24, "columns": [], "error_count": 2,
                "errors": [
                    {"row": 3, "column": "流量", "value": "欠測", "rule": "type",
                     "message": {"ja": "数値ではありません", "en": "this is not a number"},
                     "fix": {"ja": "値がないときは空にしてください", "en": "leave it empty where there is no value"}},
                    {"row": 9, "column": "time", "value": "2026/4/31", "rule": "type",
                     "message": {"ja": "日時ではありません", "en": "this is not a time"},
                     "fix": {"ja": "日付を確かめてください", "en": "check the day"}},
                ],
                "errors_by_rule": {"type": 2},
            },
        }),
    )
}

#[tokio::test]
async fn a_refused_file_has_its_errors_as_a_table() {
    let hub = Playback::start([
        ("GET", DATASET, answer(StatusCode::OK, &dataset())),
        ("POST", UPLOADS, refusal()),
    ])
    .await;
    let (folder, path) = file("a.csv", b"x");
    let report = folder.path().join("report.json");
    let typed =
        ["upload", &path, "--to", "kaihatsu.river_flow", "--report", report.to_str().unwrap()];
    let seen = on_terminal(&hub, &typed).await;
    assert_eq!((seen.code, seen.out.as_str()), (error::REFUSED, ""));
    insta::assert_snapshot!(seen.err, @r"
    row  column  value      what is wrong         what to do
    ---  ------  ---------  --------------------  --------------------------------------
      3  流量    欠測       this is not a number  leave it empty where there is no value
      9  time    2026/4/31  this is not a time    check the day

    2 places are wrong in 24 rows. Nothing was published.

    error: the file breaks the contract
      2 places are wrong in 24 rows; nothing was published
      request id: req-1
    ");
    let saved: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(saved["errors"][1]["row"], 9);

    let japanese = Look { language: Language::Ja, ..TERMINAL };
    let seen = mochiyori_at(&hub.address(), japanese, &typed).await;
    assert!(seen.err.contains("数値ではありません"), "{}", seen.err);
}

#[tokio::test]
async fn a_misspelt_dataset_is_known_before_the_file_travels() {
    let missing = problem(
        StatusCode::NOT_FOUND,
        &json!({
            "type": "/problems/not-found", "title": "not found", "status": 404,
            "detail": "There is no dataset kaihatsu.river_flow that you may read.", "instance": "req-2",
        }),
    );
    let listed = json!({"datasets": [{"id": "kaihatsu.river_flows"}], "next_cursor": null});
    let listed = answer(StatusCode::OK, &listed);
    let hub = Playback::start([("GET", DATASET, missing), ("GET", "/v1/datasets", listed)]).await;
    let (_folder, path) = file("a.csv", b"x");
    let seen = on_terminal(&hub, &["upload", &path, "--to", "kaihatsu.river_flow"]).await;
    assert_eq!(seen.code, error::NOT_ALLOWED);
    insta::assert_snapshot!(seen.err, @r"
    There is no kaihatsu.river_flow. Did you mean kaihatsu.river_flows? If it is to be a dataset of its own, make it first:
      mochiyori dataset propose FILE --for kaihatsu.river_flow -o dataset.json
      mochiyori dataset create dataset.json
    error: not found
      There is no dataset kaihatsu.river_flow that you may read.
      request id: req-2
      If it is not public, give your token by MOCHIYORI_TOKEN, or by --token
    ");
    assert!(hub.requests("POST").is_empty());
}

fn sql_answer() -> playback::Answer {
    answer(
        StatusCode::OK,
        &json!({
            "columns": [
                {"name": "観測所", "type": "string"}, {"name": "flow", "type": "number", "unit": "m3/s"},
            ],
            "sources": [{
                "dataset": "kaihatsu.river_flow", "version": 3, "committed_at": "2026-04-01T00:00:00Z",
                "title": {"ja": "河川流量", "en": "River flow"}, "publisher": {"en": "Kaihatsu"},
                "licence": "CC-BY-4.0", "licence_url": "https://creativecommons.org/licenses/by/4.0/",
                "attribution": "Source: Kaihatsu", "synthetic": true,
            }],
            "query_id": "q", "row_count": 3,
            "rows": [
                {"観測所": "余市", "flow": 2.5}, {"観測所": "倶知安", "flow": null},
                {"観測所": "\u{1b}[31mred", "flow": 110},
            ],
        }),
    )
}

#[tokio::test]
async fn an_answer_on_a_terminal_is_a_table_with_its_sources() {
    let hub = Playback::start([("POST", "/v1/sql", sql_answer())]).await;
    let typed =
        ["sql", "SELECT 1", "--param", "-2", "-p", "01203", "--version", "kaihatsu.river_flow=3"];
    let seen = on_terminal(&hub, &typed).await;
    assert_eq!(seen.code, error::DONE);
    insta::assert_snapshot!(seen.out, @r"
    観測所         flow [m3/s]
    -------------  -----------
    余市                   2.5
    倶知安                NULL
    \u{1b}[31mred          110
    (3 rows)
    ");
    insta::assert_snapshot!(seen.err.trim_start(), @r"
    Sources:
      kaihatsu.river_flow version 3 of 2026-04-01 09:00:00 JST: River flow, Kaihatsu
        CC-BY-4.0 https://creativecommons.org/licenses/by/4.0/
        Source: Kaihatsu
        SYNTHETIC: this data was generated, not observed
    ");
    let sent: Value = serde_json::from_slice(&hub.requests("POST")[0].body).unwrap();
    assert_eq!(
        sent,
        json!({
            "sql": "SELECT 1", "format": "json", "parameters": [-2, "01203"],
            "versions": {"kaihatsu.river_flow": 3},
        })
    );

    let seen = on_terminal(&hub, &["sql", "SELECT 1", "--max-rows", "1", "--quiet"]).await;
    assert!(seen.out.ends_with("(the first 1 row of 3)\n"), "{}", seen.out);
}

#[tokio::test]
async fn an_answer_in_a_pipe_is_csv_and_in_a_file_what_its_name_says() {
    let csv = playback::Answer {
        status: StatusCode::OK,
        headers: vec![("content-type", "text/csv".into())],
        body: "station,flow\n余市,2.5\n".into(),
        cut: false,
    };
    let hub = Playback::start([("POST", "/v1/sql", csv)]).await;
    let seen = in_pipe(&hub, &["sql", "SELECT 1"]).await;
    assert_eq!((seen.code, seen.err.as_str()), (error::DONE, ""));
    assert_eq!(seen.out, "station,flow\n余市,2.5\n");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer.parquet");
    let seen = on_terminal(&hub, &["sql", "SELECT 1", "-o", path.to_str().unwrap()]).await;
    assert_eq!(seen.code, error::DONE);
    assert_eq!(std::fs::read(&path).unwrap(), "station,flow\n余市,2.5\n".as_bytes());
    let formats: Vec<_> = hub
        .requests("POST")
        .iter()
        .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap()["format"].clone())
        .collect();
    assert_eq!(formats, ["csv", "parquet"]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_failure_and_leaves_no_file() {
    let half = playback::Answer {
        status: StatusCode::OK,
        headers: vec![],
        body: "station,flow\n余市,2".into(),
        cut: true,
    };
    let hub = Playback::start([("POST", "/v1/sql", half)]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer.csv");
    for typed in [
        vec!["sql", "SELECT 1"],
        vec!["sql", "SELECT 1", "--format", "table"],
        vec!["sql", "SELECT 1", "-o", path.to_str().unwrap()],
    ] {
        let seen = in_pipe(&hub, &typed).await;
        assert_eq!(seen.code, error::UNREACHABLE, "{seen:?}");
        assert!(seen.err.contains("broke off"), "{}", seen.err);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_statement_that_cannot_run_is_shown_with_its_place() {
    let wrong = problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        &json!({
            "type": "/problems/sql-invalid", "title": "the SQL names what is not there", "status": 422,
            "detail": "There is no table kaihatsu.river.", "instance": "req-3",
            "position": {"line": 2, "column": 6}, "suggestions": ["kaihatsu.river_flow"],
        }),
    );
    let hub = Playback::start([("POST", "/v1/sql", wrong)]).await;
    let (_folder, path) = file("q.sql", b"SELECT *\nFROM kaihatsu.river\n");
    let seen = on_terminal(&hub, &["sql", "-f", &path]).await;
    assert_eq!(seen.code, error::FAILURE);
    insta::assert_snapshot!(seen.err, @r"
    error: the SQL names what is not there
      There is no table kaihatsu.river.

      2 | FROM kaihatsu.river
        |      ^
      Did you mean kaihatsu.river_flow?
      request id: req-3
    ");
}

#[tokio::test]
async fn a_hub_that_cannot_be_reached_is_named_with_what_to_do() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let seen = mochiyori_at(&server, TERMINAL, &["dataset", "list"]).await;
    assert_eq!(seen.code, error::UNREACHABLE);
    insta::assert_snapshot!(seen.err, @r"
    error: no hub answers at [server] (Connection refused (os error 111))
      Is it running? `mochiyori demo` starts one on this machine.
      Another hub: --server URL, or the environment variable MOCHIYORI_URL
    ");
}

#[tokio::test]
async fn something_that_is_no_hub_is_told_from_one() {
    let page = playback::Answer {
        status: StatusCode::OK,
        headers: vec![("content-type", "text/html".into())],
        body: "<html>".into(),
        cut: false,
    };
    let hub = Playback::start([("GET", "/v1/agencies", page)]).await;
    let seen = on_terminal(&hub, &["agency", "list"]).await;
    assert_eq!(seen.code, error::FAILURE);
    assert!(seen.err.contains("Is it a Mochiyori hub"), "{}", seen.err);
    let seen = on_terminal(&hub, &["agency", "show", "other"]).await;
    assert!(seen.err.contains("404"), "{}", seen.err);
}

#[tokio::test]
async fn the_token_goes_to_no_other_server() {
    let other = Playback::start([("GET", "/v1/me", answer(StatusCode::OK, &json!({})))]).await;
    let away = playback::Answer {
        status: StatusCode::TEMPORARY_REDIRECT,
        headers: vec![("location", format!("{}/v1/agencies", other.address()))],
        body: "".into(),
        cut: false,
    };
    let hub = Playback::start([("GET", "/v1/agencies", away)]).await;
    let seen = on_terminal(&hub, &["agency", "list", "--token", "t0ken"]).await;
    assert_eq!(seen.code, error::FAILURE);
    assert!(seen.err.contains(&format!("--server {}", other.address())), "{}", seen.err);
    assert!(other.requests("GET").is_empty());
}

#[tokio::test]
async fn a_dataset_is_shown_on_one_screen() {
    let hub = Playback::start([("GET", DATASET, answer(StatusCode::OK, &dataset()))]).await;
    let seen = on_terminal(&hub, &["dataset", "show", "kaihatsu.river_flow"]).await;
    insta::assert_snapshot!(seen.out, @r"
    kaihatsu.river_flow  River flow
      licence      CC-BY-4.0
      to be shown  小樽開発建設部
      new data     PT1H
      readable by  everyone
      version      3 of 2026-04-01 09:00:00 JST, 8,760 rows, 1.50 MiB

    column       type      unit  role   about
    -----------  --------  ----  -----  ----------------------------------
    station      string          key    names the row
    time         datetime        time   names the row; for PT1H up to then
    流量 (flow)  number    m3/s  value  Flow
    ");
    let seen = in_pipe(&hub, &["dataset", "show", "kaihatsu.river_flow", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&seen.out).unwrap(), dataset());
}

#[tokio::test]
async fn lists_follow_their_pages() {
    let summary = |id: &str| {
        json!({
            "id": id, "title": {"en": "River flow"}, "publisher": {"ja": "小樽開発建設部"},
            "licence": "CC-BY-4.0", "visibility": "public", "synthetic": true, "version": 3,
            "rows": 8760, "updated_at": "2026-04-01T00:00:00Z",
        })
    };
    let page = |ids: &[&str], next: Value| {
        let datasets: Vec<Value> = ids.iter().map(|id| summary(id)).collect();
        answer(StatusCode::OK, &json!({"datasets": datasets, "next_cursor": next}))
    };
    let hub = Playback::start([
        ("GET", "/v1/datasets?q=river&limit=100", page(&["a.one"], json!("c1"))),
        ("GET", "/v1/datasets?q=river&limit=100&cursor=c1", page(&["b.two"], Value::Null)),
        ("GET", "/v1/datasets?limit=1", page(&["a.one"], json!("c1"))),
    ])
    .await;
    let seen = on_terminal(&hub, &["dataset", "list", "--search", "river"]).await;
    insta::assert_snapshot!(seen.out, @r"
    dataset  title                   publisher       licence    version   rows  updated
    -------  ----------------------  --------------  ---------  -------  -----  ----------
    a.one    River flow (synthetic)  小樽開発建設部  CC-BY-4.0        3  8,760  2026-04-01
    b.two    River flow (synthetic)  小樽開発建設部  CC-BY-4.0        3  8,760  2026-04-01
    ");
    let seen = on_terminal(&hub, &["dataset", "list", "--limit", "1"]).await;
    assert!(seen.err.contains("there are more"), "{}", seen.err);
}

#[tokio::test]
async fn rows_are_asked_for_by_conditions() {
    let hub = Playback::start([(
        "GET",
        "/v1/datasets/kaihatsu/river_flow/rows",
        answer(
            StatusCode::OK,
            &json!({"columns": [{"name": "a"}], "sources": [],
            "rows": [{"a": 1}], "row_count": 1, "next_cursor": "c9"}),
        ),
    )])
    .await;
    let typed = [
        "dataset",
        "rows",
        "kaihatsu.river_flow",
        "--where",
        "流量=gte.2.5",
        "--select",
        "a",
        "--order",
        "a.desc",
        "--version",
        "2",
    ];
    let seen = on_terminal(&hub, &typed).await;
    assert!(seen.err.contains("--cursor c9"), "{}", seen.err);
    assert_eq!(
        hub.requests("GET")[0].query,
        "format=json&limit=100&version=2&select=a&order=a.desc&%E6%B5%81%E9%87%8F=gte.2.5"
    );
}

#[tokio::test]
async fn a_token_goes_alone_to_standard_output() {
    let made = answer(
        StatusCode::CREATED,
        &json!({
            "id": "0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11", "name": "x", "role": "publisher",
            "agency": "kaihatsu", "created_at": "2026-04-01T00:00:00Z", "expires_at": null,
            "token": "mochi_secret",
        }),
    );
    let hub = Playback::start([("POST", "/v1/tokens", made)]).await;
    let typed = ["token", "create", "x", "--role", "publisher", "--agency", "kaihatsu"];
    let seen = in_pipe(&hub, &typed).await;
    assert_eq!(seen.out, "mochi_secret\n");
    assert!(seen.err.contains("can't be shown again"), "{}", seen.err);
    let sent: Value = serde_json::from_slice(&hub.requests("POST")[0].body).unwrap();
    assert_eq!(sent, json!({"name": "x", "role": "publisher", "agency": "kaihatsu"}));
}

#[tokio::test]
async fn agencies_datasets_and_upkeep_are_asked_for_as_documented() {
    let nothing = || answer(StatusCode::OK, &json!({"files_removed": 12345, "dry_run": true}));
    let hub = Playback::start([
        ("PUT", "/v1/agencies/kaihatsu", answer(StatusCode::CREATED, &json!({}))),
        ("PUT", DATASET, answer(StatusCode::OK, &dataset())),
        ("POST", "/v1/datasets/kaihatsu/river_flow/compact", nothing()),
        ("POST", "/v1/datasets/kaihatsu/river_flow/vacuum", nothing()),
        (
            "DELETE",
            "/v1/tokens/0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11",
            playback::Answer {
                status: StatusCode::NO_CONTENT,
                headers: vec![],
                body: "".into(),
                cut: false,
            },
        ),
    ])
    .await;
    let (_folder, path) = file("c.json", br#"{"fields": []}"#);
    let mut all = String::new();
    for typed in [
        vec!["agency", "create", "kaihatsu", "--name-ja", "小樽開発建設部"],
        vec!["dataset", "create", &path, "--id", "kaihatsu.river_flow", "--licence", "CC0-1.0"],
        vec!["compact", "kaihatsu.river_flow"],
        vec!["vacuum", "kaihatsu.river_flow", "--dry-run", "--expire-versions-older-than", "730"],
        vec!["token", "revoke", "0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11"],
    ] {
        let seen = on_terminal(&hub, &typed).await;
        assert_eq!(seen.code, error::DONE, "{seen:?}");
        all += &seen.out;
    }
    insta::assert_snapshot!(all, @r"
    kaihatsu: made
    kaihatsu.river_flow: description changed
    kaihatsu.river_flow: compacted
      files removed           12,345
      dry run                 true
    kaihatsu.river_flow: only looked at, nothing was removed
      files removed           12,345
      dry run                 true
    0198c6b2-6a33-7d6e-9c02-6f1f3c9f2a11: withdrawn
    ");
    let bodies: Vec<Value> = [hub.requests("PUT"), hub.requests("POST")]
        .concat()
        .iter()
        .map(|request| serde_json::from_slice(&request.body).unwrap())
        .collect();
    assert_eq!(
        bodies,
        [
            json!({"name": {"ja": "小樽開発建設部", "en": ""}}),
            json!({"metadata": {"licence": "CC0-1.0"}, "contract": {"fields": []}}),
            json!({}),
            json!({"dry_run": true, "expire_versions_older_than_days": 730}),
        ]
    );
}

#[tokio::test]
async fn a_proposal_becomes_a_description_and_overwrites_nothing() {
    let proposal = answer(
        StatusCode::OK,
        &json!({
            "contract": {"fields": [{"name": "流量", "type": "number"}]}, "rows": 24,
            "notes": [{"column": "流量", "message": {"ja": "単位を確かめてください", "en": "check the unit"}}],
        }),
    );
    let hub = Playback::start([("POST", "/v1/proposals", proposal)]).await;
    let (folder, path) = file("flow.csv", "流量\n1\n".as_bytes());
    let to = folder.path().join("d.json");
    let typed =
        ["dataset", "propose", &path, "--for", "kaihatsu.river_flow", "-o", to.to_str().unwrap()];
    let seen = on_terminal(&hub, &typed).await;
    assert_eq!(seen.code, error::DONE, "{seen:?}");
    assert!(seen.err.contains("流量: check the unit"), "{}", seen.err);
    let written: Value = serde_json::from_slice(&std::fs::read(&to).unwrap()).unwrap();
    assert_eq!(written["id"], "kaihatsu.river_flow");
    assert_eq!(written["contract"]["fields"][0]["name"], "流量");
    assert_eq!(hub.requests("POST")[0].query, "file_name=flow.csv");
    assert_eq!(on_terminal(&hub, &typed).await.code, error::FAILURE);
}

#[tokio::test]
async fn completion_needs_no_hub() {
    let seen = mochiyori_at("http://127.0.0.1:1", PIPE, &["completion", "bash"]).await;
    assert_eq!(seen.code, error::DONE);
    assert!(seen.out.contains("mochiyori") && seen.out.contains("upload"));
}

#[test]
fn a_reader_that_leaves_ends_a_command_quietly() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (mut out, mut err) = (Closed, Vec::new());
    let mut console = Console { out: &mut out, err: &mut err, look: PIPE };
    let result = console.line("a").map_err(CliError::from);
    assert_eq!(finish(result, &mut console), error::DONE);
    assert!(err.is_empty());
}
