//! What the hub holds, and what is done about it.

use super::*;

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
