//! Permalinks, and the versions that they keep.

use hub_model::{
    EngineVersion, ErrorKind, MadeBy, Permalink, PermalinkId, ResultHash, Source, Text, TokenId,
};

use crate::bench::{Bench, agency_id, at, dataset_id};

pub(crate) fn permalink(id: u64, sources: &[(&str, u64)]) -> Permalink {
    let source = |(dataset, version): &(&str, u64)| Source {
        dataset: dataset_id(dataset),
        version: *version,
        committed_at: Some(at("2024-01-31T15:00:00Z")),
        title: Text::new("河川水位", "River level"),
        publisher: Text::new("小樽開発建設部", "Otaru"),
        homepage: Some("https://example.jp/river".to_owned()),
        licence: "CC-BY-4.0".to_owned(),
        licence_url: "https://creativecommons.org/licenses/by/4.0/".to_owned(),
        attribution: "出典：小樽開発建設部".to_owned(),
        synthetic: true,
    };
    Permalink {
        id: PermalinkId::of_random(id),
        title: Some("四月の水位".to_owned()),
        sql: "SELECT count(*) AS n FROM otaru.river WHERE station = $1".to_owned(),
        parameters: vec!["余市".into(), 1.5.into(), serde_json::Value::Null],
        without_rollups: false,
        sources: sources.iter().map(source).collect(),
        engine: EngineVersion { hub: "0.1.0".to_owned(), datafusion: "55.2.0".to_owned() },
        columns: vec![serde_json::json!({"name": "n", "type": "integer"})],
        row_count: 1,
        result_hash: ResultHash { rows: [1, 2], sequence: Some([3, 4]) },
        notes: vec![Text::new("推定値です", "It is an estimate")],
        created_at: at("2024-02-01T00:00:00.000001Z"),
        created_by: MadeBy::Agency(agency_id("otaru")),
    }
}

pub(crate) async fn a_permalink_is_kept_as_it_was_made(bench: &Bench) {
    let registry = bench.registry().await;
    let made = permalink(1, &[("otaru.river", 3)]);
    registry.create_permalink(&made, None).await.unwrap();
    assert_eq!(registry.permalink(&made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(registry.permalink(&PermalinkId::of_random(2)).await.unwrap(), None);
    let error = registry.create_permalink(&made, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_ne!(registry.new_permalink_id(), registry.new_permalink_id());
}

pub(crate) async fn the_versions_that_permalinks_name_are_told(bench: &Bench) {
    let registry = bench.registry().await;
    let (river, level) = (dataset_id("otaru.river"), dataset_id("otaru.level"));
    for made in [
        permalink(1, &[("otaru.river", 3), ("otaru.level", 7)]),
        permalink(2, &[("otaru.river", 3)]),
        permalink(3, &[("otaru.river", 1)]),
    ] {
        registry.create_permalink(&made, None).await.unwrap();
    }
    assert_eq!(registry.pinned_versions(&river).await.unwrap(), [1, 3]);
    assert_eq!(registry.pinned_versions(&level).await.unwrap(), [7]);
    registry.discard_permalink(&PermalinkId::of_random(1)).await.unwrap();
    assert_eq!(registry.pinned_versions(&level).await.unwrap(), [0; 0]);
    assert_eq!(registry.pinned_versions(&river).await.unwrap(), [1, 3]);
    assert_eq!(registry.permalink(&PermalinkId::of_random(1)).await.unwrap(), None);
}

pub(crate) async fn permalinks_are_counted_by_who_made_them(bench: &Bench) {
    let registry = bench.registry().await;
    let (mine, other) = (TokenId::generate(), TokenId::generate());
    for (id, token) in [(1, None), (2, Some(&mine)), (3, Some(&mine))] {
        registry.create_permalink(&permalink(id, &[]), token).await.unwrap();
    }
    let (before, at_once) = (at("2024-01-31T23:00:00Z"), at("2024-02-01T00:00:00.000001Z"));
    for (token, expected) in [(None, 1), (Some(&mine), 2), (Some(&other), 0)] {
        assert_eq!(registry.permalinks_since(token, before).await.unwrap(), expected);
        assert_eq!(registry.permalinks_since(token, at_once).await.unwrap(), 0);
    }
}
