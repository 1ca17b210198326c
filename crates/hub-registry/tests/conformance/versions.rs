//! The list of versions.

use chrono::TimeDelta;
use hub_model::{ErrorKind, VersionRecord};

use crate::bench::{Bench, contract, dataset_id, metadata, river};

pub(crate) async fn a_version_is_recorded_once(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    assert_eq!(registry.latest_version(&dataset).await.unwrap(), None);
    let version = bench.version(1);
    // The lake may know the instant more finely than the registry keeps it.
    let finer = VersionRecord {
        committed_at: version.committed_at + TimeDelta::nanoseconds(999),
        ..version.clone()
    };
    registry.record_version(&dataset, &finer).await.unwrap();
    registry.record_version(&dataset, &finer).await.unwrap();
    registry.record_version(&dataset, &version).await.unwrap();
    assert_eq!(registry.version(&dataset, 1).await.unwrap(), Some(version.clone()));
    for other in [
        VersionRecord { rows_total: 25, ..version.clone() },
        VersionRecord { committed_by: "someone else".to_owned(), ..version.clone() },
        VersionRecord { upload_id: hub_model::UploadId::generate(), ..version.clone() },
        VersionRecord {
            committed_at: version.committed_at + TimeDelta::seconds(1),
            ..version.clone()
        },
    ] {
        let error = registry.record_version(&dataset, &other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{other:?}");
    }
    assert_eq!(
        registry.versions(&dataset, None, 10).await.unwrap(),
        std::slice::from_ref(&version)
    );
    let orphan = registry.record_version(&dataset_id("otaru.none"), &version).await.unwrap_err();
    assert_eq!(orphan.kind(), ErrorKind::NotFound);
}

pub(crate) async fn versions_come_newest_first_in_pages(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let mut made = Vec::new();
    for number in 1..=12 {
        bench.pass(3_600);
        made.insert(0, bench.version(number));
    }
    // A list that is rebuilt comes in any order.
    for version in made.iter().skip(6).chain(made.iter().take(6)) {
        registry.record_version(&dataset, version).await.unwrap();
    }
    let mut listed = registry.versions(&dataset, None, 5).await.unwrap();
    listed.extend(registry.versions(&dataset, Some(listed[4].number), 100).await.unwrap());
    assert_eq!(listed, made);
    assert_eq!(registry.latest_version(&dataset).await.unwrap().as_ref(), made.first());
    assert_eq!(registry.version(&dataset, 10).await.unwrap().as_ref(), made.get(2));
    for nothing in [0, 13, u64::MAX] {
        assert_eq!(registry.version(&dataset, nothing).await.unwrap(), None);
    }
}

pub(crate) async fn an_instant_names_the_version_that_could_be_read_then(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let start = bench.now();
    for number in 1..=3 {
        bench.pass(60);
        registry.record_version(&dataset, &bench.version(number)).await.unwrap();
    }
    for (micros, expected) in [
        (0, None),
        (59_999_999, None),
        (60_000_000, Some(1)),
        (119_999_999, Some(1)),
        (120_000_000, Some(2)),
        (900_000_000, Some(3)),
    ] {
        let instant = start + TimeDelta::microseconds(micros);
        let version = registry.version_at(&dataset, instant).await.unwrap();
        assert_eq!(version.map(|version| version.number), expected, "after {micros} µs");
    }
}

pub(crate) async fn newest_versions_of_many_datasets_come_together(bench: &Bench) {
    let registry = bench.registry().await;
    river(&registry).await;
    let mut asked = Vec::new();
    // More than one statement asks for.
    for i in 0..620_u64 {
        let id = dataset_id(&format!("otaru.d{i}"));
        registry.create_dataset(&id, &metadata("", "many"), &contract()).await.unwrap();
        if i % 100 == 0 {
            for number in 1..=(i / 100) {
                registry.record_version(&id, &bench.version(number)).await.unwrap();
            }
        }
        asked.push(id);
    }
    let latest = registry.latest_versions(&asked).await.unwrap();
    let mut numbers: Vec<_> =
        latest.iter().map(|(id, version)| (id.to_string(), version.number)).collect();
    numbers.sort();
    let expected: Vec<_> = (1..=6).map(|n| (format!("otaru.d{n}00"), n)).collect();
    assert_eq!(numbers, expected);
    assert!(registry.latest_versions(&[]).await.unwrap().is_empty());
}
