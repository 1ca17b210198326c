//! Datasets: making, changing, finding.

use std::collections::HashSet;

use hub_model::{ErrorKind, Text, Visibility};
use hub_registry::{DatasetFilter, Readable, Registry};

use crate::bench::{Bench, agency, agency_id, contract, dataset_id, metadata, river};

pub(crate) async fn a_dataset_is_added_once_and_only_under_an_agency(bench: &Bench) {
    let registry = bench.registry().await;
    let made = river(&registry).await;
    assert_eq!((made.revision, made.created_at), (1, bench.now()));
    assert_eq!(registry.dataset(&made.id).await.unwrap().as_ref(), Some(&made));
    let again = registry.create_dataset(&made.id, &metadata("別", ""), &contract()).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(registry.dataset(&made.id).await.unwrap().as_ref(), Some(&made));
    let orphan = dataset_id("nobody.river");
    let error = registry.create_dataset(&orphan, &made.metadata, &contract()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.to_string(), "there is no agency nobody");
    assert_eq!(registry.dataset(&orphan).await.unwrap(), None);
}

pub(crate) async fn a_change_needs_the_revision_it_was_made_on(bench: &Bench) {
    let registry = bench.registry().await;
    let made = river(&registry).await;
    bench.pass(60);
    let new = metadata("河川の流量と水位", "River flow and level");
    let changed = registry.update_dataset(&made.id, &new, &contract(), 1).await.unwrap();
    assert_eq!((changed.revision, changed.created_at), (2, made.created_at));
    assert_eq!(changed.updated_at, bench.now());
    assert_eq!(registry.dataset(&made.id).await.unwrap().as_ref(), Some(&changed));
    for stale in [0, 1, 3, u64::MAX >> 1] {
        let late = registry.update_dataset(&made.id, &made.metadata, &contract(), stale).await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::Conflict, "revision {stale}");
    }
    assert_eq!(registry.dataset(&made.id).await.unwrap(), Some(changed));
    let none = registry.update_dataset(&dataset_id("otaru.none"), &new, &contract(), 1).await;
    assert_eq!(none.unwrap_err().kind(), ErrorKind::NotFound);
}

pub(crate) async fn of_changes_at_once_one_wins(bench: &Bench) {
    let made = river(&bench.registry().await).await;
    let mut tasks = Vec::new();
    for i in 0..6 {
        let (registry, id) = (bench.registry().await, made.id.clone());
        tasks.push(tokio::spawn(async move {
            let mine = metadata("", &format!("title {i}"));
            registry.update_dataset(&id, &mine, &contract(), 1).await
        }));
    }
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(record) => winners.push(record),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        }
    }
    assert_eq!(winners.len(), 1);
    let there = bench.registry().await.dataset(&made.id).await.unwrap();
    assert_eq!(there, winners.pop());
}

async fn found(registry: &Registry, text: &str) -> Vec<String> {
    let filter = DatasetFilter {
        text: Some(text.to_owned()),
        ..DatasetFilter::new(Readable::Everything, 100)
    };
    let list = registry.datasets(&filter).await.unwrap();
    list.into_iter().map(|dataset| dataset.id.to_string()).collect()
}

pub(crate) async fn only_what_the_asker_may_see_is_listed(bench: &Bench) {
    let registry = bench.registry().await;
    let private = |title: &str| {
        let mut metadata = metadata("", title);
        metadata.visibility = Visibility::Private;
        metadata
    };
    for agency_id in ["kutchan", "niseko"] {
        registry.create_agency(&agency(agency_id, "", agency_id)).await.unwrap();
        for (name, metadata) in [("open", metadata("", "open")), ("closed", private("closed"))] {
            let id = dataset_id(&format!("{agency_id}.{name}"));
            registry.create_dataset(&id, &metadata, &contract()).await.unwrap();
        }
    }
    let all = ["kutchan.closed", "kutchan.open", "niseko.closed", "niseko.open"];
    for (readable, expected) in [
        (Readable::Everything, &all[..]),
        (Readable::Public, &["kutchan.open", "niseko.open"]),
        (
            Readable::PublicAnd(agency_id("niseko")),
            &["kutchan.open", "niseko.closed", "niseko.open"],
        ),
        (Readable::PublicAnd(agency_id("nobody")), &["kutchan.open", "niseko.open"]),
    ] {
        let list = registry.datasets(&DatasetFilter::new(readable.clone(), 10)).await.unwrap();
        let listed: Vec<String> = list.iter().map(|dataset| dataset.id.to_string()).collect();
        assert_eq!(listed, expected, "{readable:?}");
        let ids = registry.dataset_ids(&readable).await.unwrap();
        assert_eq!(ids.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }
    let of_one = DatasetFilter {
        agency: Some(agency_id("niseko")),
        text: Some("closed".to_owned()),
        ..DatasetFilter::new(Readable::Public, 10)
    };
    assert!(registry.datasets(&of_one).await.unwrap().is_empty());
    // What becomes private disappears at once.
    let id = dataset_id("niseko.open");
    registry.update_dataset(&id, &private("open"), &contract(), 1).await.unwrap();
    assert_eq!(
        registry.dataset_ids(&Readable::Public).await.unwrap(),
        [dataset_id("kutchan.open")]
    );
}

pub(crate) async fn every_word_of_a_search_must_occur(bench: &Bench) {
    let registry = bench.registry().await;
    river(&registry).await;
    let mut weather = metadata("時別気象", "Hourly weather");
    weather.description = Text::new("気温と降水量。欠測は空欄。", "");
    weather.keywords = vec!["アメダス".to_owned(), "snow depth".to_owned()];
    let id = dataset_id("otaru.weather");
    registry.create_dataset(&id, &weather, &contract()).await.unwrap();
    let (both, river, weather) =
        (["otaru.river", "otaru.weather"], ["otaru.river"], ["otaru.weather"]);
    for (text, expected) in [
        ("", &both[..]),
        ("河川", &river),
        ("otaru.riv", &river),
        ("小樽開発", &both),
        ("観測所", &both),
        ("流量", &both),
        ("station 気温", &weather),
        ("アメダス　降水", &weather),
        ("depth hourly", &weather),
        ("河川 気温", &[]),
        ("flow\tweather snow", &weather),
        ("欠測は空欄。アメダス", &[]),
    ] {
        assert_eq!(found(&registry, text).await, expected, "{text:?}");
    }
    let long = (0..40).map(|i| format!("w{i} ")).collect::<String>();
    let filter =
        DatasetFilter { text: Some(long), ..DatasetFilter::new(Readable::Everything, 100) };
    let error = registry.datasets(&filter).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

pub(crate) async fn full_width_and_case_do_not_matter(bench: &Bench) {
    let registry = bench.registry().await;
    registry
        .create_agency(&agency("jartic", "日本道路交通情報ｾﾝﾀｰ", "ＪＡＲＴＩＣ"))
        .await
        .unwrap();
    let id = dataset_id("jartic.traffic");
    let title = metadata("交通量（５分間）", "Traffic Volume");
    registry.create_dataset(&id, &title, &contract()).await.unwrap();
    for text in ["jartic", "ＪＡＲＴＩＣ", "センター", "ｾﾝﾀｰ", "5分間", "(５分", "TRAFFIC　volume"]
    {
        assert_eq!(found(&registry, text).await, ["jartic.traffic"], "{text}");
    }
}

pub(crate) async fn signs_of_patterns_are_taken_literally(bench: &Bench) {
    let registry = bench.registry().await;
    registry.create_agency(&agency("signs", "", "Signs")).await.unwrap();
    for (name, title) in [
        ("percent", "humidity in %"),
        ("backslash", r"a path C:\data"),
        ("exclamation", "beware!"),
        ("quote", "the river's"),
        ("under_score", "plain"),
    ] {
        let id = dataset_id(&format!("signs.{name}"));
        registry.create_dataset(&id, &metadata("", title), &contract()).await.unwrap();
    }
    for (text, expected) in [
        ("%", "signs.percent"),
        ("％", "signs.percent"),
        (r"\", "signs.backslash"),
        (r"c:\d", "signs.backslash"),
        ("!", "signs.exclamation"),
        ("'", "signs.quote"),
        ("_", "signs.under_score"),
    ] {
        assert_eq!(found(&registry, text).await, [expected], "{text:?}");
    }
    for nowhere in ["a%path", "p_ain", "!_", "%%", "' OR 1=1 --", "signs.percent\0x"] {
        assert!(found(&registry, nowhere).await.is_empty(), "{nowhere:?}");
    }
}

pub(crate) async fn a_renamed_agency_is_found_by_its_new_name(bench: &Bench) {
    let registry = bench.registry().await;
    river(&registry).await;
    registry.update_agency(&agency("otaru", "後志総合振興局", "")).await.unwrap();
    assert_eq!(found(&registry, "後志").await, ["otaru.river"]);
    assert!(found(&registry, "開発建設部").await.is_empty());
}

pub(crate) async fn two_and_a_half_thousand_come_in_pages_each_once(bench: &Bench) {
    const DATASETS: usize = 2_500;
    let registry = bench.registry().await;
    for id in ["a", "a_b", "a1", "ab", "b"] {
        registry.create_agency(&agency(id, "", id)).await.unwrap();
    }
    let mut made = HashSet::new();
    for i in 0..DATASETS / 5 {
        for agency in ["a", "a_b", "a1", "ab", "b"] {
            // Names whose order differs between bytes and locales.
            let name = ["x", "x_", "x1", "xa"][i % 4];
            let id = dataset_id(&format!("{agency}.{name}{i:04}"));
            registry.create_dataset(&id, &metadata("", "one of many"), &contract()).await.unwrap();
            made.insert(id);
        }
    }
    let mut filter = DatasetFilter {
        text: Some("MANY".to_owned()),
        ..DatasetFilter::new(Readable::Public, 300)
    };
    let mut seen = Vec::new();
    loop {
        let page = registry.datasets(&filter).await.unwrap();
        assert!(page.len() <= 300);
        let Some(last) = page.last() else { break };
        filter.after = Some(last.id.clone());
        seen.extend(page.into_iter().map(|dataset| dataset.id));
    }
    assert_eq!(seen.len(), DATASETS);
    assert!(seen.is_sorted());
    assert_eq!(registry.dataset_ids(&Readable::Public).await.unwrap(), seen);
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), made);
}
