//! Opening the registry, from one process and from several.

use hub_model::ErrorKind;
use hub_registry::Registry;

use crate::bench::{Bench, agency_id, river};

pub(crate) async fn two_that_start_together_migrate_once(bench: &Bench) {
    let starts = (0..8).map(|_| {
        let (url, clock) = (bench.url.clone(), bench.clock());
        tokio::spawn(async move { Registry::connect(&url, clock).await })
    });
    let mut registries = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        registries.push(start.await.unwrap().unwrap());
    }
    let migrations = bench.stored(&["description"], "_sqlx_migrations").await;
    assert_eq!(migrations, ["registry", "revisions", "first_admin", "permalinks", "queries"]);
    river(&registries[0]).await;
    for registry in &registries {
        assert!(registry.agency(&agency_id("otaru")).await.unwrap().is_some());
    }
}

pub(crate) async fn a_second_start_finds_what_the_first_recorded(bench: &Bench) {
    let first = bench.registry().await;
    let recorded = river(&first).await;
    first.close().await;
    let second = bench.registry().await;
    assert_eq!(second.dataset(&recorded.id).await.unwrap(), Some(recorded));
}

pub(crate) async fn a_url_of_another_kind_is_refused_without_telling_its_password(bench: &Bench) {
    let error = Registry::connect("mysql://hub:hunter2@db/hub", bench.clock()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

pub(crate) async fn a_closed_registry_is_unavailable(bench: &Bench) {
    let registry = bench.registry().await;
    registry.ping().await.unwrap();
    registry.close().await;
    assert_eq!(registry.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
}
