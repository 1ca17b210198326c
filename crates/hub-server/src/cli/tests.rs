//! The command line against a server that plays back what the interface is documented to answer.

mod answers;
mod hub;
mod lists;
mod playback;
mod uploads;
mod usage;

use axum::http::StatusCode;
use clap::Parser;
use playback::{Playback, answer, problem};
use serde_json::{Value, json};

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
