//! Files on their way to the hub and back.

use sha2::{Digest, Sha256};

use super::*;

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
