//! Statements and what comes of them.

use super::*;

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
