//! Files looked at before they are published.

use std::process::{Command, Stdio};

use hub_testkit::hub::binary;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::{RIVER, RIVER_HEADER, RIVER_PATH, Site};

/// CP932 as a municipal office saves it: a title, full-width digits, an era, 24 o'clock, a minus of its own.
const LEVELS: &str = "余市川　水位\r\n\r\n観測所,日時,水位(m),備考\r\n\
    余市,令和8年4月1日 23時,１．５,\r\n余市,令和8年4月1日 24時,▲0.5,\r\n";

fn cp932(text: &str) -> Vec<u8> {
    // The few characters of this file, by their codes.
    let python = hub_testkit::shared::python();
    let mut child = Command::new(python)
        .args([
            "-c",
            "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read().decode().encode('cp932'))",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn preview(site: &Site, query: &[(&str, &str)], body: impl Into<Vec<u8>>) -> RequestBuilder {
    site.post("/v1/previews").query(query).bearer_auth(&site.publisher).body(body.into())
}

#[tokio::test]
async fn a_preview_says_what_was_understood_and_publishes_nothing() {
    let site = Site::start().await;
    let query = [("file_name", "余市川.csv")];
    let seen = site.ask(preview(&site, &query, cp932(LEVELS))).await.ok().json();
    assert_eq!((&seen["format"], &seen["encoding"]), (&json!("csv"), &json!("CP932 (Shift_JIS)")));
    assert_eq!(
        (&seen["delimiter"], &seen["layout"]["header_rows"]),
        (&json!("comma"), &json!([3, 3]))
    );
    assert_eq!(seen["encodings"][0]["name"], "CP932 (Shift_JIS)");
    let columns: Vec<Value> = seen["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| json!([column["name"], column["type"], column["unit"], column["role"]]))
        .collect();
    assert_eq!(columns[1][1], "datetime", "{columns:?}");
    assert_eq!(
        (&columns[2][0], &columns[2][1], &columns[2][2]),
        (&json!("水位(m)"), &json!("number"), &json!("m"))
    );
    assert_eq!(seen["source"]["rows"][0]["cells"][2], "１．５");
    assert_eq!(seen["source"]["rows"][0]["row"], 4);
    let published: Vec<Value> =
        seen["rows"].as_array().unwrap().iter().map(|row| json!([row[1], row[2]])).collect();
    assert_eq!(
        published,
        [json!(["2026-04-01T23:00:00+09:00", 1.5]), json!(["2026-04-02T00:00:00+09:00", -0.5])]
    );
    let changes: Vec<&str> = seen["report"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["kind"].as_str().unwrap())
        .collect();
    for kind in ["full_width", "japanese_era", "hour24", "minus_sign"] {
        assert!(changes.contains(&kind), "{kind} is not among {changes:?}");
    }
    assert_eq!(seen["contract"]["fields"][0]["name"], "観測所");
    // What was found can be found otherwise.
    let otherwise = [("encoding", "utf-8"), ("header_rows", "3"), ("delimiter", "comma")];
    let seen = site.ask(preview(&site, &otherwise, LEVELS)).await.ok().json();
    assert_eq!((&seen["encoding"], &seen["rows"][1][2]), (&json!("UTF-8"), &json!(-0.5)));
    let list = site.hub.get_json("/v1/datasets").await;
    assert_eq!(list["datasets"].as_array().unwrap().len(), 1, "nothing was made");
}

#[tokio::test]
async fn a_preview_for_a_dataset_holds_the_file_against_its_contract() {
    let site = Site::start().await;
    let file = format!("{RIVER_HEADER}a,2026-04-01 01:00,1,2\na,2026-04-01 02:00,deep,2\n");
    let query = [("dataset", RIVER)];
    let seen = site.ask(preview(&site, &query, file.clone())).await.ok().json();
    assert_eq!(seen["contract"], Value::Null);
    assert_eq!(seen["rows"], json!([["a", "2026-04-01T01:00:00+09:00", 1.0, 2.0]]));
    let error = &seen["report"]["errors"][0];
    assert_eq!(
        (&error["row"], &error["column"], &error["value"]),
        (&json!(3), &json!("level"), &json!("deep"))
    );
    let versions = site.hub.get_json("/v1/datasets/otaru/river/versions").await;
    assert_eq!(versions["versions"], json!([]));

    // Whose file it is for is nobody else's business, and what is not there is not told from what is hidden.
    let stranger = site.post("/v1/previews").query(&query).body(file.clone());
    site.ask(stranger).await.problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    site.hub.create_agency("muroran", "室蘭", "Muroran").await;
    let other = site.hub.create_token("muroran", "publisher").await;
    for dataset in [RIVER, "otaru.nothing"] {
        let asked = site.post("/v1/previews").query(&[("dataset", dataset)]).bearer_auth(&other);
        site.ask(asked.body(file.clone())).await.problem(StatusCode::FORBIDDEN, "forbidden");
    }
    let missing = preview(&site, &[("dataset", "otaru.nothing")], file.clone());
    site.ask(missing).await.problem(StatusCode::NOT_FOUND, "not-found");
    for (name, value) in
        [("dataset", "river"), ("format", "ods"), ("colour", "red"), ("mode", "append")]
    {
        let refused = site.ask(preview(&site, &[(name, value)], file.clone())).await;
        refused.problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
    let empty = site.ask(preview(&site, &[], "")).await;
    empty.problem(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-file");
}

#[tokio::test]
async fn a_problem_is_told_in_the_language_that_is_read() {
    let site = Site::start().await;
    let bad = format!("{RIVER_HEADER}a,yesterday,1,1\n");
    for (language, title, said) in [
        (None, "The file breaks the contract", "one place"),
        (Some("en-GB,ja;q=0.5"), "The file breaks the contract", "one place"),
        (Some("ja,en;q=0.5"), "ファイルが契約に合いません", "1か所"),
    ] {
        let mut request = site.upload("append", bad.clone());
        if let Some(language) = language {
            request = request.header("accept-language", language);
        }
        let answer = site.ask(request).await;
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
        assert_eq!(problem["title"], title);
        assert!(problem["detail"].as_str().unwrap().contains(said), "{problem}");
        let tag = if said.contains("か") { "ja" } else { "en" };
        assert_eq!(answer.header("content-language"), tag);
        let vary = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap());
        assert!(vary.collect::<String>().contains("accept-language"), "{answer:?}");
    }
    let unreadable = site.upload("append", "").header("accept-language", "ja");
    let problem = site.ask(unreadable).await.json();
    assert!(problem["detail"].as_str().unwrap().contains("ファイルが空です"), "{problem}");
    // What is kept of an upload says it in both.
    let uploads = site.get(&format!("{RIVER_PATH}/uploads")).bearer_auth(&site.publisher);
    let uploads = site.ask(uploads).await.ok().json();
    let newest = &uploads["uploads"][0];
    assert!(newest["problem"].as_str().unwrap().contains("the file is empty"), "{newest}");
    assert!(newest["problem_ja"].as_str().unwrap().contains("ファイルが空です"), "{newest}");
}

#[tokio::test]
async fn the_command_line_shows_a_preview_in_the_terminals_language() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("levels.csv");
    std::fs::write(&file, cp932(LEVELS)).unwrap();
    let seen = |language: &str, typed: &[&str]| {
        let output = Command::new(binary())
            .args(typed)
            .arg(&file)
            .env("MOCHIYORI_URL", site.hub.url(""))
            .env("MOCHIYORI_TOKEN", &site.publisher)
            .env("LC_ALL", language)
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{typed:?}: {}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let (english, remark) = seen("en_GB.UTF-8", &["preview"]);
    for said in [
        "csv, encoding CP932 (Shift_JIS)",
        "heading in row 3",
        "full-width",
        "2026-04-02 00:00",
        "-0.5",
    ] {
        assert!(english.contains(said), "{said}: {english}");
    }
    assert!(remark.contains("mochiyori upload"), "{remark}");
    let (japanese, _) = seen("ja_JP.UTF-8", &["upload", "--preview", "--to", "otaru.levels"]);
    for said in
        ["文字コード CP932 (Shift_JIS)", "見出しの行 3", "全角の文字を半角にしました", "はじめの行"]
    {
        assert!(japanese.contains(said), "{said}: {japanese}");
    }
    let (json, _) = seen("C", &["upload", "--preview", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["encoding"], "CP932 (Shift_JIS)");
    let list = site.hub.get_json("/v1/datasets").await;
    assert_eq!(list["datasets"].as_array().unwrap().len(), 1, "nothing was made");
}
