//! Agencies.

use hub_model::{ErrorKind, Text};

use crate::bench::{Bench, agency, agency_id};

pub(crate) async fn an_agency_is_added_once_and_changed(bench: &Bench) {
    let registry = bench.registry().await;
    let mut otaru = agency("otaru", "小樽開発建設部", "Otaru Development Office");
    let id = otaru.id.clone();
    assert_eq!(registry.agency(&id).await.unwrap(), None);
    assert_eq!(registry.update_agency(&otaru).await.unwrap_err().kind(), ErrorKind::NotFound);
    registry.create_agency(&otaru).await.unwrap();
    assert_eq!(registry.create_agency(&otaru).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    otaru.contact = Some("data@example.jp".to_owned());
    otaru.name = Text::new("小樽'開発\"建設部\\%", "");
    registry.update_agency(&otaru).await.unwrap();
    assert_eq!(registry.agency(&id).await.unwrap(), Some(otaru));
}

pub(crate) async fn agencies_come_in_pages(bench: &Bench) {
    let registry = bench.registry().await;
    // A locale that sorts as people do puts "a_b" elsewhere than the order of bytes does.
    for id in ["b", "ab", "a_b", "a1", "a"] {
        registry.create_agency(&agency(id, "", id)).await.unwrap();
    }
    let ids = |list: Vec<hub_model::Agency>| -> Vec<String> {
        list.into_iter().map(|agency| agency.id.to_string()).collect()
    };
    assert_eq!(ids(registry.agencies(None, 2).await.unwrap()), ["a", "a1"]);
    let after = agency_id("a1");
    assert_eq!(ids(registry.agencies(Some(&after), 9).await.unwrap()), ["a_b", "ab", "b"]);
    assert_eq!(ids(registry.agencies(None, usize::MAX).await.unwrap()).len(), 5);
}

pub(crate) async fn a_text_with_a_nul_is_refused(bench: &Bench) {
    let registry = bench.registry().await;
    let mut otaru = agency("otaru", "小\0樽", "Otaru");
    // In a document the character is escaped, and so kept as it came.
    registry.create_agency(&otaru).await.unwrap();
    assert_eq!(registry.agency(&otaru.id).await.unwrap(), Some(otaru.clone()));
    otaru.contact = Some("a\0b".to_owned());
    let error = registry.update_agency(&otaru).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
}
