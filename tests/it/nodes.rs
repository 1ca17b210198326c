//! Several server processes over one PostgreSQL registry and one S3 lake: any of them takes uploads and
//! answers queries, and none loses or doubles what another writes.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures::future::join_all;
use hub_testkit::{
    hub::{Hub, HubOptions},
    postgres::PostgresServer,
    s3::S3Server,
};
use serde_json::{Value, json};

const DATASET: &str = "kawa.flow";

/// The stores, which must outlive the servers; none where they can't be started here.
struct Stores {
    postgres: PostgresServer,
    s3: S3Server,
}

impl Stores {
    fn start() -> Option<Self> {
        Some(Self { postgres: PostgresServer::start()?, s3: S3Server::start()? })
    }

    /// The settings that make a server a node over these stores.
    fn settings(&self) -> Vec<(String, String)> {
        let mut settings = vec![
            ("MOCHIYORI_REGISTRY__URL".to_owned(), self.postgres.database()),
            ("MOCHIYORI_LAKE__URL".to_owned(), self.s3.url("nodes")),
            // Small files are joined when the test says so.
            ("MOCHIYORI_UPKEEP__COMPACT_AFTER_FILES".to_owned(), "1000".to_owned()),
        ];
        for (key, value) in self.s3.options() {
            settings.push((format!("MOCHIYORI_LAKE__OPTIONS__{}", key.to_uppercase()), value));
        }
        settings
    }
}

/// What is said of [`DATASET`].
fn description() -> Value {
    json!({
        "metadata": {"title": {"ja": "流量"}, "licence": "CC0-1.0", "attribution": ""},
        "contract": {"fields": [
            {"name": "station", "type": "string", "role": "key"},
            {"name": "seq", "type": "integer", "role": "key"},
            {"name": "flow", "type": "number", "role": "value"}
        ], "primaryKey": ["station", "seq"]}
    })
}

fn csv(writer: usize, upload: usize) -> String {
    rows(&format!("w{writer}u{upload}"), 1.5)
}

fn rows(station: &str, flow: f64) -> String {
    let mut csv = String::from("station,seq,flow\n");
    for row in 0..50 {
        csv.push_str(&format!("{station},{row},{flow}\n"));
    }
    csv
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_a_registry_and_a_lake() {
    let Some(stores) = Stores::start() else { return };
    let env = stores.settings();
    let first = Hub::start_with(HubOptions { env: env.clone(), ..HubOptions::default() }).await;
    let second = Hub::start_with(HubOptions { env, ..HubOptions::default() }).await;
    first.create_agency("kawa", "川", "River").await;
    let token = first.create_token("kawa", "publisher").await;
    let description = description();
    first.create_dataset(DATASET, &description, &token).await;

    // Two writers for each node, on one dataset at once, each with rows of its own and with a revision of
    // rows that all of them revise; who is told of a conflict tries again.
    let writers = [(&first, 0), (&second, 1), (&first, 2), (&second, 3)].map(|(hub, writer)| {
        let token = &token;
        async move {
            let mut numbers = Vec::new();
            let mut files = Vec::new();
            for upload in 0..4 {
                files.push((upload, "append", csv(writer, upload)));
                let flow = (writer * 10 + upload) as f64;
                files.push((upload, "upsert", rows("shared", flow)));
            }
            for (upload, mode, file) in files {
                loop {
                    let key = if mode == "append" {
                        format!("{writer}-{upload}")
                    } else {
                        format!("{writer}-{upload}-revised")
                    };
                    let request = hub
                        .upload_request(DATASET, mode, file.clone(), "text/csv")
                        .header("idempotency-key", key)
                        .bearer_auth(token);
                    let response = request.send().await.unwrap();
                    let status = response.status();
                    let body: serde_json::Value = response.json().await.unwrap();
                    match status.as_u16() {
                        201 => {
                            numbers.push(body["version"].as_u64().unwrap());
                            break;
                        }
                        409 | 503 => continue,
                        _ => panic!("{status}: {body}"),
                    }
                }
            }
            numbers
        }
    });
    let numbers: Vec<u64> = join_all(writers).await.into_iter().flatten().collect();
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), 32, "versions are numbered once each");

    for hub in [&first, &second] {
        let sql = format!("SELECT count(*) AS n, count(DISTINCT station) AS s FROM {DATASET}");
        let answer = hub.sql_json(&sql).await;
        assert_eq!(answer["rows"][0], json!({"n": 850, "s": 17}));
        assert_eq!(answer["sources"][0]["version"], 32);
        // The shared rows are those of one revision, whole, with none of them twice.
        let sql = format!(
            "SELECT count(*) AS n, count(DISTINCT flow) AS flows FROM {DATASET} \
             WHERE station = 'shared'"
        );
        assert_eq!(hub.sql_json(&sql).await["rows"][0], json!({"n": 50, "flows": 1}));
        let page = hub.get_json("/v1/datasets/kawa/flow/versions").await;
        let listed: Vec<u64> = page["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v["number"].as_u64().unwrap())
            .collect();
        assert_eq!(listed, (1..=32).rev().collect::<Vec<_>>());
    }

    // A repeated request is recognised by the other node.
    let repeated = second
        .upload_request(DATASET, "append", csv(0, 0), "text/csv")
        .header("idempotency-key", "0-0")
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(repeated.status(), 201);
    assert_eq!(repeated.headers()["idempotent-replayed"], "true");

    // Compaction by one node does not disturb the other.
    let compact = second.client().post(second.url("/v1/datasets/kawa/flow/compact"));
    let outcome = second.succeed(compact, Some(&token)).await;
    assert_eq!(outcome["rows"], 850, "{outcome}");
    let answer = first.sql_json(&format!("SELECT count(*) AS n FROM {DATASET}")).await;
    assert_eq!(
        (&answer["rows"][0]["n"], &answer["sources"][0]["version"]),
        (&json!(850), &json!(32))
    );

    // What one node changes of a dataset the other shows at once, though both have read it before.
    let mut private = description.clone();
    private["metadata"]["visibility"] = json!("private");
    let change = first.client().put(first.url("/v1/datasets/kawa/flow")).json(&private);
    first.succeed(change, Some(&token)).await;
    for hub in [&first, &second] {
        let rows = hub.client().get(hub.url("/v1/datasets/kawa/flow/rows"));
        assert_eq!(rows.send().await.unwrap().status(), 404);
    }
}

/// How long a test waits for a query to come to a state; longer than a dead node's lease.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long it waits between two looks.
const GLANCE: Duration = Duration::from_millis(50);

/// A query that goes on for hours and answers nothing meanwhile.
const ENDLESS: &str = "SELECT count(*) AS n FROM generate_series(1, 1000000000000)";

async fn ask_in_the_background(hub: &Hub, sql: &str, token: &str) -> String {
    let request = hub.client().post(hub.url("/v1/queries")).json(&json!({"sql": sql}));
    let answer = hub.succeed(request, Some(token)).await;
    answer["id"].as_str().unwrap().to_owned()
}

async fn watch(hub: &Hub, id: &str, token: &str) -> Value {
    let request = hub.client().get(hub.url(&format!("/v1/queries/{id}")));
    hub.succeed(request, Some(token)).await
}

async fn until(hub: &Hub, id: &str, token: &str, what: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let query = watch(hub, id, token).await;
        if what(&query) {
            return query;
        }
        assert!(Instant::now() < deadline, "it did not come to pass: {query}");
        tokio::time::sleep(GLANCE).await;
    }
}

fn is(state: &'static str) -> impl Fn(&Value) -> bool {
    move |query| query["state"] == state
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_in_the_background_are_seen_by_every_node_and_outlive_theirs() {
    let Some(stores) = Stores::start() else { return };
    // The first node runs queries, the second only looks after them; later a third one runs them.
    let settings = stores.settings();
    let node = |at_once: &str| {
        let mut env = settings.clone();
        env.push(("MOCHIYORI_QUERIES__BACKGROUND_AT_ONCE".to_owned(), at_once.to_owned()));
        Hub::start_with(HubOptions { env, ..HubOptions::default() })
    };
    let mut first = node("1").await;
    let second = node("0").await;
    first.create_agency("kawa", "川", "River").await;
    let token = first.create_token("kawa", "publisher").await;
    first.create_dataset(DATASET, &description(), &token).await;
    first.upload(DATASET, csv(0, 0), "text/csv", &token).await;

    // What was asked at the one is watched, taken and removed at the other.
    let sql = format!("SELECT station, seq, flow FROM {DATASET} ORDER BY seq");
    let id = ask_in_the_background(&first, &sql, &token).await;
    let done = until(&second, &id, &token, is("done")).await;
    assert_eq!(
        (&done["result"]["rows"], &done["progress"]["rows_scanned"]),
        (&json!(50), &json!(50))
    );
    let result = second.client().get(second.url(&format!("/v1/queries/{id}/result")));
    let result = second.succeed(result, Some(&token)).await;
    assert_eq!(result["rows"][49], json!({"station": "w0u0", "seq": 49, "flow": 1.5}));
    assert_eq!(result["sources"][0]["version"], 1);

    let sql = format!(
        "SELECT sum(n) AS n FROM (SELECT flow AS n FROM {DATASET} UNION ALL \
         SELECT CAST(value AS DOUBLE) FROM generate_series(1, 1000000000000))"
    );
    let long = ask_in_the_background(&first, &sql, &token).await;
    // How far it has come is told by the node that runs it, by way of the registry.
    let running =
        until(&second, &long, &token, |query| query["progress"]["rows_total"] == 50).await;
    assert_eq!(running["state"], "running");
    let remove = second.client().delete(second.url(&format!("/v1/queries/{long}")));
    assert_eq!(remove.bearer_auth(&token).send().await.unwrap().status(), 204);
    let deadline = Instant::now() + DEADLINE;
    while !first
        .client()
        .get(first.url("/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
        .lines()
        .any(|line| line == "mochiyori_queries_running 0")
    {
        assert!(Instant::now() < deadline, "the first node goes on with what was removed");
        tokio::time::sleep(GLANCE).await;
    }

    // A node that dies: what it ran waits again, though the other node runs none, and is carried out by the
    // next that comes.
    let left = ask_in_the_background(&first, ENDLESS, &token).await;
    let behind =
        ask_in_the_background(&first, &format!("SELECT sum(flow) AS s FROM {DATASET}"), &token)
            .await;
    until(&second, &left, &token, is("running")).await;
    first.kill();
    let waiting = until(&second, &left, &token, is("waiting")).await;
    assert_eq!(waiting["queries_before"], 0);
    let mut third = node("1").await;
    until(&second, &left, &token, is("running")).await;
    assert_eq!(watch(&second, &behind, &token).await["state"], "waiting");
    // What two nodes died of has failed, and says so.
    third.kill();
    let failed = until(&second, &left, &token, is("failed")).await;
    assert_eq!(failed["problem"]["type"], "/problems/unavailable", "{failed}");
    let _fourth = node("1").await;
    let done = until(&second, &behind, &token, is("done")).await;
    assert_eq!(done["result"]["rows"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_that_start_together_for_the_first_time_one_makes_the_admin_token() {
    let Some(postgres) = PostgresServer::start() else { return };
    for _ in 0..3 {
        let env = vec![("MOCHIYORI_REGISTRY__URL".to_owned(), postgres.database())];
        let start = || Hub::start_with(HubOptions { env: env.clone(), ..HubOptions::default() });
        let hubs: [Hub; 2] = join_all([start(), start()]).await.try_into().unwrap();
        let keeps = |hub: &&Hub| hub.data_dir().join("admin-token").exists();
        let keepers: Vec<&Hub> = hubs.iter().filter(keeps).collect();
        assert_eq!(keepers.len(), 1, "one node keeps the token");
        let token = keepers[0].admin_token();
        for hub in &hubs {
            let list = hub.client().get(hub.url("/v1/tokens"));
            let tokens = hub.succeed(list, Some(&token)).await;
            assert_eq!(tokens["tokens"].as_array().unwrap().len(), 1, "{tokens}");
            assert_eq!(hub.log().contains(&token), keeps(&hub), "it is shown where it is kept");
        }
    }
}

#[tokio::test]
async fn a_node_checks_its_registrys_certificate_or_does_not_start() {
    let Some(postgres) = PostgresServer::start_on_tls() else { return };
    let options = |host: &str, parameters: &str| HubOptions {
        env: vec![(
            "MOCHIYORI_REGISTRY__URL".to_owned(),
            postgres.database_over_network(host, parameters),
        )],
        ..HubOptions::default()
    };
    let trusted = format!("sslmode=verify-full&sslrootcert={}", postgres.authority().display());
    let hub = Hub::start_with(options("localhost", &trusted)).await;
    hub.create_agency("kawa", "川", "River").await;

    for (host, parameters, said) in [
        ("localhost", "sslmode=verify-full", "UnknownIssuer"),
        ("127.0.0.1", trusted.as_str(), "not valid for name"),
        ("localhost", "sslmode=disable", "no encryption"),
        ("localhost", "sslmode=verify-ca", "verify-full checks the server's name too"),
    ] {
        let (status, log) = Hub::start_and_fail(options(host, parameters)).await;
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains("the registry can't be opened") && log.contains(said), "{log}");
        assert_eq!(log.lines().count(), 1, "{log}");
    }
}
