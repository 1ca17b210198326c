//! Permalinks as those who cite and those who check see them.

use std::process::Command;

use hub_testkit::{hub, shared};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, RIVER, RIVER_HEADER, RIVER_PATH, Site, river, river_csv, time};

const QUESTION: &str = "SELECT station, count(*) AS n, avg(flow) AS flow, max(time) AS last \
                        FROM otaru.river WHERE level >= $1 GROUP BY station ORDER BY station";

async fn create(site: &Site, body: Value, token: Option<&str>) -> Answer {
    let request = site.post("/v1/permalinks").json(&body);
    site.ask(with(request, token)).await
}

fn with(request: RequestBuilder, token: Option<&str>) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

fn id(made: &Value) -> &str {
    made["id"].as_str().unwrap()
}

async fn verify(site: &Site, id: &str) -> Value {
    site.ask(site.get(&format!("/v1/permalinks/{id}/verification"))).await.ok().json()
}

#[tokio::test]
async fn a_permalink_answers_the_same_whatever_is_published_later() {
    let site = Site::with_rows(&["a", "余市"], 30).await;
    let body = json!({"sql": QUESTION, "parameters": [2], "title": "四月の流量"});
    let answer = create(&site, body, None).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let made = answer.json();
    assert_eq!(answer.header("location"), made["url"].as_str().unwrap());
    assert_eq!(made["url"], site.hub.url(&format!("/v1/permalinks/{}", id(&made))));
    assert_eq!((&made["row_count"], &made["created_by"]), (&json!(2), &json!("anonymous")));
    assert_eq!(
        (&made["sources"][0]["dataset"], &made["sources"][0]["version"]),
        (&json!(RIVER), &json!(1))
    );
    assert_eq!(made["engine"]["hub"], env!("CARGO_PKG_VERSION"));
    assert_eq!(made["columns"][1], json!({"name": "n", "type": "integer"}));
    assert!(made["citation"]["text"]["ja"].as_str().unwrap().contains("四月の流量"));

    let result = format!("/v1/permalinks/{}/result", id(&made));
    let first = site.ask(site.get(&result)).await.ok();
    assert!(first.header("link").contains("rel=\"describedby\""));
    let cite_as: Vec<_> =
        first.headers.get_all("link").iter().map(|v| v.to_str().unwrap()).collect();
    let expected = format!("</v1/permalinks/{}>; rel=\"cite-as\"", id(&made));
    assert_eq!(
        cite_as.iter().filter(|link| link.contains("cite-as")).collect::<Vec<_>>(),
        [&expected]
    );
    let etag = first.header("etag").to_owned();
    let rows = first.json()["rows"].clone();
    let held = site.ask(site.get(&result).header("if-none-match", &etag)).await;
    assert_eq!(held.status, 304);

    site.publish(river_csv(&["a", "余市"], 30, 24)).await;
    let compact = site.post(&format!("{RIVER_PATH}/compact")).bearer_auth(&site.publisher);
    assert_eq!(site.ask(compact).await.ok().json()["files_removed"], 2);
    let replace = format!("{RIVER_HEADER}a,{},7,8\n", time(1));
    assert_eq!(site.ask(site.upload("replace", replace)).await.status, 201);

    assert_eq!(site.ask(site.get(&result)).await.ok().json()["rows"], rows);
    let found = verify(&site, id(&made)).await;
    assert_eq!(
        (&found["verdict"], &found["order"], &found["columns"]),
        (&json!("same"), &json!("same"), &json!("same"))
    );
    assert_eq!(found["row_count"], json!({"then": 2, "now": 2}));
    assert_eq!(found["result_hash"]["then"], found["result_hash"]["now"]);
    assert_eq!(found["engine_changed"], false);

    let read = site.ask(site.get(&format!("/v1/permalinks/{}", id(&made)))).await.ok().json();
    assert_eq!(read, made);
    let csv = site.ask(site.get(&format!("{result}?format=csv"))).await.ok();
    assert!(csv.text().starts_with("station,n,flow,last\r\na,28,"), "{}", csv.text());
}

#[tokio::test]
async fn a_permalink_reads_rows_or_rollups_as_it_was_made() {
    let site = Site::start().await;
    let mut csv = RIVER_HEADER.to_owned();
    for row in 0..12 * 700 {
        let (station, hour) = (row / 700, row % 700);
        csv.push_str(&format!("s{station:02},{},0.{},\n", time(hour), hour % 7 + 1));
    }
    site.publish(csv).await;
    // What is left of a sum beside its rounded self is nothing but the order of adding.
    let sql = "SELECT station, date_part('dow', time) AS day, sum(level) - round(sum(level), 6) AS rest \
               FROM otaru.river GROUP BY 1, 2";
    let mut made = Vec::new();
    for rollups in [false, true] {
        let answer = create(&site, json!({"sql": sql, "rollups": rollups}), None).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let answer = answer.json();
        assert_eq!(answer["rollups"], rollups);
        let kept = async |what: &str| {
            let path = format!("/v1/permalinks/{}{what}", id(&answer));
            site.ask(site.get(&path)).await.ok()
        };
        let etag = async |query: &str| {
            kept(&format!("/result?format=csv{query}")).await.header("etag").to_owned()
        };
        let (as_made, otherwise) = (rollups.to_string(), (!rollups).to_string());
        assert_eq!(etag("").await, etag(&format!("&rollups={as_made}")).await);
        assert_ne!(etag("").await, etag(&format!("&rollups={otherwise}")).await);
        assert_eq!(kept("/verification").await.json()["verdict"], "same");
        let other = kept(&format!("/verification?rollups={otherwise}")).await.json();
        assert_eq!(other["verdict"], "different", "{other}");
        assert_eq!(kept("").await.json()["rollups"], rollups);
        made.push(answer);
    }
    assert_ne!(made[0]["result_hash"], made[1]["result_hash"]);
    let silent = create(&site, json!({"sql": sql}), None).await.json();
    assert_eq!(
        (&silent["rollups"], &silent["result_hash"]),
        (&json!(true), &made[1]["result_hash"])
    );
}

#[tokio::test]
async fn the_hash_is_the_one_that_the_document_tells_how_to_compute() {
    let site = Site::with_rows(&["a", "余,市"], 200).await;
    let sql = "SELECT station, time, level, flow, level / 3 AS third, level > 7 AS high, \
               CAST(level AS BIGINT) AS n FROM otaru.river";
    for (ordered, sql) in [(false, sql.to_owned()), (true, format!("{sql} ORDER BY station, time"))]
    {
        let made = create(&site, json!({"sql": sql}), None).await.json();
        let result = format!("/v1/permalinks/{}/result?format=arrow", id(&made));
        let arrow = site.ask(site.get(&result)).await.ok().body;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("result.arrow"), arrow).unwrap();
        let hashed = Command::new(shared::python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/it/result_hash.py"))
            .args([
                folder.path().join("result.arrow").to_str().unwrap(),
                if ordered { "ordered" } else { "" },
            ])
            .output()
            .unwrap();
        assert!(hashed.status.success(), "{}", String::from_utf8_lossy(&hashed.stderr));
        let printed = String::from_utf8(hashed.stdout).unwrap();
        assert_eq!(printed.trim(), made["result_hash"], "{sql}");
    }
}

#[tokio::test]
async fn a_permalink_into_what_one_may_not_see_does_not_exist() {
    let site = Site::with_rows(&["a"], 4).await;
    site.hub.create_agency("kisho", "気象台", "Weather").await;
    let stranger = site.hub.create_token("kisho", "publisher").await;
    let reader = site.hub.create_token("otaru", "reader").await;
    site.hub.create_dataset("otaru.secret", &river("private"), &site.publisher).await;
    site.hub.upload("otaru.secret", river_csv(&["zz"], 0, 5), "text/csv", &site.publisher).await;
    let sql = "SELECT s.level, r.level AS other FROM otaru.secret s JOIN otaru.river r ON s.time = r.time";
    let made = create(&site, json!({"sql": sql, "title": "秘密"}), Some(&reader)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(made["created_by"], json!({"agency": "otaru"}));
    // Nobody who may not see the dataset makes one either, and is told what is told of none.
    for token in [None, Some(stranger.as_str())] {
        let refused = create(&site, json!({"sql": sql}), token).await;
        let none = create(&site, json!({"sql": sql.replace("secret", "zecret")}), token).await;
        let said = |answer: &Answer| {
            answer.problem(StatusCode::BAD_REQUEST, "sql-invalid")["detail"].to_string()
        };
        assert_eq!(said(&refused).replace("secret", "X"), said(&none).replace("zecret", "X"));
    }
    let (hidden, nowhere) = (id(&made), "222222222222");
    for rest in ["", "/result", "/verification", "/citation?format=bibtex"] {
        let path = |id: &str| format!("/v1/permalinks/{id}{rest}");
        for token in [None, Some(stranger.as_str())] {
            let answer = site.ask(with(site.get(&path(hidden)), token)).await;
            let problem = answer.problem(StatusCode::NOT_FOUND, "not-found");
            let absent = site.ask(with(site.get(&path(nowhere)), token)).await;
            let absent = absent.problem(StatusCode::NOT_FOUND, "not-found");
            assert_eq!(
                problem["detail"].to_string().replace(hidden, "X"),
                absent["detail"].to_string().replace(nowhere, "X")
            );
            assert!(
                !answer.text().contains("secret") && !answer.text().contains("秘密"),
                "{answer:?}"
            );
        }
        site.ask(with(site.get(&path(hidden)), Some(&site.publisher))).await.ok();
    }
    // Made public, it opens to all; made private again, it is gone again.
    let put = async |visibility: &str| {
        let request = site.put("/v1/datasets/otaru/secret").bearer_auth(&site.publisher);
        site.ask(request.json(&river(visibility))).await.ok();
    };
    put("public").await;
    assert_eq!(verify(&site, hidden).await["verdict"], "same");
    put("private").await;
    site.ask(site.get(&format!("/v1/permalinks/{hidden}")))
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
}

#[tokio::test]
async fn what_can_not_be_asked_again_is_refused_with_the_reason() {
    let site = Site::with_rows(&["a"], 4).await;
    for (sql, word) in [
        ("SELECT level FROM otaru.river WHERE time < now()", "now"),
        ("SELECT random() AS r FROM otaru.river", "random"),
        ("SELECT uuid() AS id", "uuid"),
        ("EXPLAIN SELECT level FROM otaru.river", "EXPLAIN"),
        ("SELECT table_name FROM information_schema.tables", "information_schema"),
    ] {
        let problem = create(&site, json!({"sql": sql}), None).await;
        let problem = problem.problem(StatusCode::BAD_REQUEST, "sql-not-allowed");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
    }
    for (body, slug) in [
        (json!({"sql": "SELECT 1", "title": ""}), "invalid-request"),
        (json!({"sql": "SELECT 1", "title": "two\nlines"}), "invalid-request"),
        (json!({"sql": "SELECT 1", "title": "x".repeat(201)}), "invalid-request"),
        (json!({"sql": "SELECT $1", "parameters": ["x".repeat(70_000)]}), "invalid-request"),
        (json!({"sql": "SELECT $1", "parameters": ["\u{0}"]}), "invalid-request"),
        (json!({"sql": "SELECT level FROM otaru.rivers"}), "sql-invalid"),
        (json!({"sql": "SELECT depth FROM otaru.river"}), "sql-invalid"),
    ] {
        create(&site, body, None).await.problem(StatusCode::BAD_REQUEST, slug);
    }
    let failing = json!({"sql": "SELECT 1 / (CAST(level AS BIGINT) - 3) FROM otaru.river"});
    create(&site, failing, None).await.problem(StatusCode::UNPROCESSABLE_ENTITY, "sql-execution");
    site.hub.create_dataset("otaru.empty", &river("public"), &site.publisher).await;
    let empty = create(&site, json!({"sql": "SELECT * FROM otaru.empty"}), None).await;
    let empty = empty.problem(StatusCode::BAD_REQUEST, "invalid-request");
    assert!(empty["detail"].as_str().unwrap().contains("otaru.empty"));
    let doubtful =
        create(&site, json!({"sql": "SELECT level FROM otaru.river LIMIT 2"}), None).await.json();
    assert!(doubtful["notes"][0]["en"].as_str().unwrap().contains("ORDER BY"), "{doubtful}");
    for path in ["/v1/permalinks/x", "/v1/permalinks/222222222222?x=1"] {
        let status = site.ask(site.get(path)).await.status;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
}

#[tokio::test]
async fn values_of_every_kind_are_kept_with_a_permalink() {
    let site = Site::with_rows(&["a", "余市"], 4).await;
    let sql = "SELECT station, count(*) AS n FROM otaru.river \
               WHERE station = $1 AND level >= $2 AND ($3 OR level < coalesce($4, 9)) GROUP BY station LIMIT 1";
    let body = json!({"sql": sql, "parameters": ["余市", 1.5, true, null]});
    let made = create(&site, body.clone(), None).await.json();
    // One station is asked for, but the statement does not say that it is one row.
    assert_eq!(made["notes"][0]["en"], "A LIMIT without ORDER BY may return other rows each time.");
    let read = site.ask(site.get(&format!("/v1/permalinks/{}", id(&made)))).await.ok().json();
    assert_eq!(
        (&read["parameters"], &read["created_by"]),
        (&body["parameters"], &json!("anonymous"))
    );
    assert_eq!(verify(&site, id(&made)).await["verdict"], "same");
    let own = create(&site, body, Some(&site.publisher)).await.json();
    assert_eq!(own["created_by"], json!({"agency": "otaru"}));
    let ties = |sql: &str| create(&site, json!({"sql": sql}), None);
    for (sql, notes) in [
        ("SELECT count(*) AS n FROM otaru.river LIMIT 1", 0),
        ("SELECT station, level FROM otaru.river ORDER BY station, time LIMIT 3", 0),
        ("SELECT station, level FROM otaru.river ORDER BY station LIMIT 3", 1),
        ("SELECT level, row_number() OVER () AS n FROM otaru.river", 1),
    ] {
        let made = ties(sql).await.json();
        assert_eq!(made["notes"].as_array().map(Vec::len), Some(notes), "{sql}: {made}");
    }
}

#[tokio::test]
async fn a_withdrawn_version_is_gone_from_its_permalinks_with_the_reason() {
    let site = Site::with_rows(&["a"], 4).await;
    let made = create(&site, json!({"sql": QUESTION, "parameters": [0]}), None).await.json();
    let withdraw = site
        .post(&format!("{RIVER_PATH}/versions/1/withdraw"))
        .bearer_auth(&site.publisher)
        .json(&json!({"reason": "水位計の故障"}));
    assert_eq!(site.ask(withdraw).await.status, 201);
    for rest in ["", "/result", "/verification", "/citation"] {
        let path = format!("/v1/permalinks/{}{rest}", id(&made));
        let gone = site.ask(site.get(&path)).await.problem(StatusCode::GONE, "withdrawn");
        assert!(gone["detail"].as_str().unwrap().contains("水位計の故障"), "{gone}");
        site.ask(site.get(&path).bearer_auth(&site.publisher)).await.ok();
    }
}

#[tokio::test]
async fn vacuum_never_takes_a_version_that_a_permalink_names() {
    let site = Site::start().await;
    for hour in 0..4 {
        let csv = format!("{RIVER_HEADER}a,{},{hour},1\n", time(hour));
        assert_eq!(site.ask(site.upload("replace", csv)).await.status, 201);
    }
    let sql = "SELECT level FROM otaru.river";
    let cited = json!({"sql": sql, "versions": {RIVER: 2}});
    let made = create(&site, cited, None).await.json();
    let vacuum = async |dry_run: bool| {
        let request = site.post(&format!("{RIVER_PATH}/vacuum")).bearer_auth(&site.publisher);
        let request =
            request.json(&json!({"expire_versions_older_than_days": 0, "dry_run": dry_run}));
        site.ask(request).await.ok().json()["expired"].clone()
    };
    assert_eq!(vacuum(true).await, 2);
    assert_eq!(vacuum(false).await, 2);
    assert_eq!(vacuum(false).await, 0);
    let found = verify(&site, id(&made)).await;
    assert_eq!(found["verdict"], "same", "{found}");
    let gone = site.post("/v1/sql").json(&json!({"sql": sql, "versions": {RIVER: 1}}));
    assert!(site.ask(gone).await.status >= 400);
    // A version that is gone can't be cited any more.
    let late = create(&site, json!({"sql": sql, "versions": {RIVER: 3}}), None).await;
    assert!(late.status >= 400, "{late:?}");
}

#[tokio::test]
async fn so_many_are_made_within_an_hour_and_no_more() {
    let site =
        Site::with_config("[permalinks]\nanonymous_per_hour = 2\ntoken_per_hour = 3\n").await;
    let body = json!({"sql": "SELECT 1 AS one"});
    for (token, allowed) in [(None, 2), (Some(site.publisher.as_str()), 3)] {
        for _ in 0..allowed {
            assert_eq!(create(&site, body.clone(), token).await.status, 201);
        }
        let refused = create(&site, body.clone(), token).await;
        refused.problem(StatusCode::TOO_MANY_REQUESTS, "rate-limited");
        assert_eq!(refused.header("retry-after"), "600");
    }
    let closed = Site::with_config("[permalinks]\nanonymous_per_hour = 0\n").await;
    create(&closed, body, None).await.problem(StatusCode::UNAUTHORIZED, "unauthenticated");
}

#[tokio::test]
async fn the_command_line_keeps_shows_and_verifies() {
    let site = Site::with_rows(&["a"], 4).await;
    let run = |arguments: &[&str]| {
        let server = site.hub.url("");
        let mut command = Command::new(hub::binary());
        command.args(arguments).args(["--server", &server, "--lang", "en"]);
        command.env_remove("MOCHIYORI_TOKEN").output().unwrap()
    };
    let made = run(&["permalink", "create", QUESTION, "-p", "1", "--title", "levels"]);
    let url = String::from_utf8(made.stdout).unwrap();
    assert!(made.status.success() && url.contains("/v1/permalinks/"), "{url}");
    let shown = run(&["permalink", "show", url.trim()]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    for said in ["levels", "otaru.river v1", "GROUP BY station", "$1 = 1", "mrh1-"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let verified = run(&["permalink", "verify", url.trim()]);
    assert!(verified.status.success(), "{verified:?}");
    assert_eq!(String::from_utf8(verified.stdout).unwrap(), "same: 1 row then, 1 row now\n");
    let csv = run(&["permalink", "result", url.trim(), "--format", "csv"]);
    assert!(String::from_utf8(csv.stdout).unwrap().starts_with("station,n,flow,last\r\na,3,"));
    let cited = run(&["cite", "--permalink", url.trim(), "--format", "bibtex"]);
    assert!(String::from_utf8(cited.stdout).unwrap().starts_with("@misc{mochiyori_"));
    let cited = run(&["cite", "SELECT level FROM otaru.river"]);
    let text = String::from_utf8(cited.stdout).unwrap();
    assert!(text.contains("Hourly level and discharge [Data set]"), "{text}");
    let absent = run(&["permalink", "verify", "222222222222"]);
    assert_eq!(absent.status.code(), Some(4));
}
