//! API tokens.

use chrono::TimeDelta;
use hub_model::{ErrorKind, Role, TokenId};
use hub_registry::NewToken;

use crate::bench::{Bench, agency_id, river};

fn token(name: &str, role: Role) -> NewToken {
    let agency = (role != Role::Admin).then(|| agency_id("otaru"));
    NewToken { name: name.to_owned(), role, agency, expires_at: None }
}

pub(crate) async fn a_token_is_accepted_until_it_ends(bench: &Bench) {
    let registry = bench.registry().await;
    river(&registry).await;
    let end = bench.now() + TimeDelta::seconds(60);
    let new = NewToken { expires_at: Some(end), ..token("河川係", Role::Publisher) };
    let (record, secret) = registry.create_token(new).await.unwrap();
    assert_eq!((record.name.as_str(), record.role), ("河川係", Role::Publisher));
    assert_eq!((record.agency.as_ref(), record.expires_at), (Some(&agency_id("otaru")), Some(end)));
    assert_eq!((record.created_at, record.revoked_at), (bench.now(), None));
    bench.pass(59);
    assert_eq!(registry.authenticate(secret.reveal()).await.unwrap(), Some(record));
    bench.pass(1);
    assert_eq!(registry.authenticate(secret.reveal()).await.unwrap(), None);
}

pub(crate) async fn a_revoked_token_is_refused(bench: &Bench) {
    let registry = bench.registry().await;
    river(&registry).await;
    let (record, secret) = registry.create_token(token("reader", Role::Reader)).await.unwrap();
    let (_, other) = registry.create_token(token("reader", Role::Reader)).await.unwrap();
    bench.pass(10);
    let revoked = registry.revoke_token(&record.id).await.unwrap();
    assert_eq!(revoked.revoked_at, Some(bench.now()));
    // Another node refuses it too, and revoking again changes nothing.
    assert_eq!(bench.registry().await.authenticate(secret.reveal()).await.unwrap(), None);
    bench.pass(10);
    assert_eq!(registry.revoke_token(&record.id).await.unwrap(), revoked);
    assert!(registry.authenticate(other.reveal()).await.unwrap().is_some());
    let unknown = registry.revoke_token(&TokenId::generate()).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}

pub(crate) async fn what_is_no_token_is_refused(bench: &Bench) {
    let registry = bench.registry().await;
    let (record, secret) = registry.create_token(token("admin", Role::Admin)).await.unwrap();
    let secret = secret.reveal();
    let mut other = secret.to_owned();
    let last = if other.pop() == Some('A') { 'B' } else { 'A' };
    other.push(last);
    for wrong in [
        "",
        "mcy_",
        "%",
        &other,
        &secret.to_uppercase(),
        &format!("{secret} "),
        &secret[4..],
        &record.id.to_string(),
        &format!("mcy_{}", "\0".repeat(43)),
        &format!("mcy_{}1", "川".repeat(14)),
    ] {
        assert_eq!(registry.authenticate(wrong).await.unwrap(), None, "{wrong:?}");
    }
    assert_eq!(registry.authenticate(secret).await.unwrap(), Some(record));
}

pub(crate) async fn only_a_digest_is_stored(bench: &Bench) {
    use sha2::Digest as _;
    let registry = bench.registry().await;
    let (_, secret) = registry.create_token(token("admin", Role::Admin)).await.unwrap();
    let stored = bench.stored(&["id", "sha256", "name", "role"], "tokens").await;
    let digest: String =
        sha2::Sha256::digest(secret.reveal()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(stored[1], digest);
    let random = secret.reveal().strip_prefix("mcy_").unwrap();
    assert!(stored.iter().all(|value| !value.contains(random)), "{stored:?}");
    if let Some(path) = bench.url.strip_prefix("sqlite://") {
        registry.close().await;
        let bytes = std::fs::read(path).unwrap();
        let found = |text: &str| bytes.windows(text.len()).any(|bytes| bytes == text.as_bytes());
        assert!(found(&digest) && !found(random));
    }
}

pub(crate) async fn a_token_needs_its_agency(bench: &Bench) {
    let registry = bench.registry().await;
    let error = registry.create_token(token("reader", Role::Reader)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.to_string(), "there is no agency otaru");
    assert!(registry.tokens(None, 10).await.unwrap().is_empty());
}

pub(crate) async fn tokens_come_in_pages(bench: &Bench) {
    let registry = bench.registry().await;
    let mut made = Vec::new();
    for i in 0..5 {
        made.push(registry.create_token(token(&format!("t{i}"), Role::Admin)).await.unwrap().0);
    }
    made[1] = registry.revoke_token(&made[1].id).await.unwrap();
    let first = registry.tokens(None, 2).await.unwrap();
    assert_eq!(first, made[..2]);
    assert_eq!(registry.tokens(Some(&first[1].id), 10).await.unwrap(), made[2..]);
}

pub(crate) async fn an_admin_counts_only_while_accepted(bench: &Bench) {
    let registry = bench.registry().await;
    let lacks_admin = async || registry.draw_first_admin_token().await.unwrap().is_some();
    river(&registry).await;
    registry.create_token(token("reader", Role::Reader)).await.unwrap();
    assert!(lacks_admin().await);
    let end = Some(bench.now() + TimeDelta::seconds(60));
    registry
        .create_token(NewToken { expires_at: end, ..token("short", Role::Admin) })
        .await
        .unwrap();
    assert!(!lacks_admin().await);
    bench.pass(60);
    assert!(lacks_admin().await);
    let (record, _) = registry.create_token(token("long", Role::Admin)).await.unwrap();
    assert!(!lacks_admin().await);
    registry.revoke_token(&record.id).await.unwrap();
    assert!(lacks_admin().await);
}

pub(crate) async fn of_nodes_that_start_together_one_makes_the_first_admins_token(bench: &Bench) {
    let mut nodes = Vec::new();
    for _ in 0..8 {
        let registry = bench.registry().await;
        // Each has looked before any has written.
        let drawn = registry.draw_first_admin_token().await.unwrap().unwrap();
        nodes.push((registry, drawn));
    }
    let first = nodes[0].0.clone();
    let starts: Vec<_> = nodes
        .into_iter()
        .map(|(registry, drawn)| {
            tokio::spawn(async move { registry.accept_first_admin_token(drawn).await })
        })
        .collect();
    let mut made = Vec::new();
    for start in starts {
        made.extend(start.await.unwrap().unwrap());
    }
    assert_eq!(made.len(), 1, "one of them makes the token");
    assert_eq!(first.tokens(None, 10).await.unwrap().len(), 1);
    let record = first.authenticate(made[0].reveal()).await.unwrap().unwrap();
    assert_eq!((record.role, record.name.as_str()), (Role::Admin, "first admin"));
}

pub(crate) async fn the_first_admins_token_can_be_made_again_when_none_is_accepted(bench: &Bench) {
    let registry = bench.registry().await;
    let drawn = registry.draw_first_admin_token().await.unwrap().unwrap();
    let first = registry.accept_first_admin_token(drawn).await.unwrap().unwrap();
    assert!(registry.draw_first_admin_token().await.unwrap().is_none());
    let record = registry.authenticate(first.reveal()).await.unwrap().unwrap();
    registry.revoke_token(&record.id).await.unwrap();
    let drawn = registry.draw_first_admin_token().await.unwrap().unwrap();
    let second = registry.accept_first_admin_token(drawn).await.unwrap().unwrap();
    assert!(registry.authenticate(second.reveal()).await.unwrap().is_some());
    assert!(registry.authenticate(first.reveal()).await.unwrap().is_none());
}

pub(crate) async fn a_first_token_that_is_only_drawn_is_not_accepted(bench: &Bench) {
    let registry = bench.registry().await;
    let drawn = registry.draw_first_admin_token().await.unwrap().unwrap();
    assert_eq!(registry.authenticate(drawn.reveal()).await.unwrap(), None);
    assert!(registry.tokens(None, 10).await.unwrap().is_empty());
    assert!(!format!("{drawn:?}").contains(drawn.reveal()));
    // Who drew it and died leaves the next one free to draw its own.
    assert!(registry.draw_first_admin_token().await.unwrap().is_some());
}
