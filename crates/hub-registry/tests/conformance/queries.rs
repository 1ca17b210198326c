//! Queries that run as jobs.

use chrono::TimeDelta;
use hub_model::{QueryId, TokenId};
use hub_registry::{QueryProblem, QueryProgress, QueryRecord, QueryResult, QueryState, Registry};
use serde_json::json;

use crate::bench::Bench;

const LEASE: TimeDelta = TimeDelta::seconds(30);

async fn asked(registry: &Registry, token: &TokenId) -> QueryId {
    let id = QueryId::generate();
    registry.create_query(&id, token, &json!({"sql": "SELECT 1"})).await.unwrap();
    id
}

async fn claim(bench: &Bench, registry: &Registry, node: &str) -> Option<QueryRecord> {
    registry.claim_query(node, bench.now() + LEASE).await.unwrap()
}

fn result() -> QueryResult {
    QueryResult { rows: 24, bytes: 1_000, sha256: "ab".to_owned(), sources: Vec::new() }
}

fn problem() -> QueryProblem {
    QueryProblem { kind: "TimeLimit".to_owned(), detail: "it took too long".to_owned() }
}

pub(crate) async fn a_query_is_seen_by_its_own_token_only(bench: &Bench) {
    let registry = bench.registry().await;
    let (mine, other) = (TokenId::generate(), TokenId::generate());
    let first = asked(&registry, &mine).await;
    let second = asked(&registry, &mine).await;
    assert_eq!(registry.query(&first, &other).await.unwrap(), None);
    let found = registry.query(&first, &mine).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempts), (QueryState::Waiting, 0));
    assert_eq!(found.request, json!({"sql": "SELECT 1"}));
    let ids = |list: Vec<QueryRecord>| list.into_iter().map(|q| q.id).collect::<Vec<_>>();
    assert_eq!(ids(registry.queries(&mine, None, 10).await.unwrap()), [second, first]);
    assert_eq!(ids(registry.queries(&mine, Some(&second), 10).await.unwrap()), [first]);
    assert_eq!(ids(registry.queries(&other, None, 10).await.unwrap()), []);
    assert_eq!(registry.count_queries(&mine).await.unwrap(), 2);
    assert_eq!(registry.queries_before(&second).await.unwrap(), 1);
}

pub(crate) async fn of_many_nodes_each_takes_another_query(bench: &Bench) {
    let registry = bench.registry().await;
    let token = TokenId::generate();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(asked(&registry, &token).await);
    }
    let mut tasks = Vec::new();
    for node in 0..6 {
        let (registry, until) = (bench.registry().await, bench.now() + LEASE);
        tasks.push(tokio::spawn(async move {
            registry.claim_query(&format!("node-{node}"), until).await.unwrap()
        }));
    }
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(task.await.unwrap().map(|query| query.id));
    }
    taken.sort();
    assert_eq!(taken, ids);
}

pub(crate) async fn a_node_that_dies_loses_its_query_once(bench: &Bench) {
    let registry = bench.registry().await;
    let token = TokenId::generate();
    let id = asked(&registry, &token).await;
    assert_eq!(claim(bench, &registry, "a").await.unwrap().id, id);
    let progress = QueryProgress { rows_scanned: 5, ..QueryProgress::default() };
    let until = bench.now() + LEASE * 2;
    assert!(registry.keep_query(&id, "a", until, &progress).await.unwrap());
    bench.pass(45);
    assert_eq!(claim(bench, &registry, "b").await, None, "the lease was prolonged");
    assert_eq!(registry.free_abandoned_queries().await.unwrap(), 0);
    bench.pass(45);
    assert_eq!(registry.free_abandoned_queries().await.unwrap(), 1);
    let found = registry.query(&id, &token).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempts), (QueryState::Waiting, 1), "nobody is at it");
    let again = claim(bench, &registry, "b").await.unwrap();
    assert_eq!((again.id, again.attempts), (id, 2));
    // The first is not dead after all, and learns that it has lost.
    let until = bench.now() + LEASE;
    assert!(!registry.keep_query(&id, "a", until, &progress).await.unwrap());
    let finished = registry.finish_query(&id, "a", &progress, Ok(&result()), until).await.unwrap();
    assert!(!finished);
    // What two nodes died of is not tried a third time.
    bench.pass(60);
    assert_eq!(registry.free_abandoned_queries().await.unwrap(), 0);
    assert_eq!(claim(bench, &registry, "c").await, None);
    let expires = bench.now() + LEASE;
    assert_eq!(registry.fail_abandoned_queries(&problem(), expires).await.unwrap(), 1);
    let found = registry.query(&id, &token).await.unwrap().unwrap();
    assert_eq!((found.state, found.problem), (QueryState::Failed, Some(problem())));
}

pub(crate) async fn a_query_comes_to_its_end_and_expires(bench: &Bench) {
    let registry = bench.registry().await;
    let token = TokenId::generate();
    let (done, failed) = (asked(&registry, &token).await, asked(&registry, &token).await);
    let progress = QueryProgress {
        rows_scanned: 5,
        rows_total: Some(5),
        bytes_scanned: 9,
        bytes_total: Some(10),
    };
    let expires = bench.now() + TimeDelta::hours(1);
    for (id, outcome) in [(done, Ok(&result())), (failed, Err(&problem()))] {
        assert_eq!(claim(bench, &registry, "a").await.unwrap().id, id);
        assert!(registry.finish_query(&id, "a", &progress, outcome, expires).await.unwrap());
    }
    let found = registry.query(&done, &token).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.result, found.progress),
        (QueryState::Done, Some(result()), progress)
    );
    assert_eq!(found.expires_at, Some(expires));
    assert_eq!(registry.expired_queries(10).await.unwrap().len(), 0);
    bench.pass(3_600);
    let expired: Vec<_> = registry.expired_queries(10).await.unwrap();
    assert_eq!(expired.len(), 2);
    registry.remove_query(&done).await.unwrap();
    assert_eq!(registry.query(&done, &token).await.unwrap(), None);
    assert!(
        !registry.has_query(&done).await.unwrap() && registry.has_query(&failed).await.unwrap()
    );
}

pub(crate) async fn a_query_that_is_given_back_or_removed_is_lost_to_its_node(bench: &Bench) {
    let registry = bench.registry().await;
    let token = TokenId::generate();
    let id = asked(&registry, &token).await;
    claim(bench, &registry, "a").await.unwrap();
    registry.give_query_back(&id, "other").await.unwrap();
    registry.give_query_back(&id, "a").await.unwrap();
    let again = claim(bench, &registry, "b").await.unwrap();
    assert_eq!(again.attempts, 1, "a node that stops in order costs no attempt");
    assert_eq!(registry.end_leases().await.unwrap(), 1);
    bench.pass(1);
    assert_eq!(claim(bench, &registry, "c").await.unwrap().attempts, 2);
    registry.remove_query(&id).await.unwrap();
    let until = bench.now() + LEASE;
    let progress = QueryProgress::default();
    assert!(!registry.keep_query(&id, "c", until, &progress).await.unwrap());
}
