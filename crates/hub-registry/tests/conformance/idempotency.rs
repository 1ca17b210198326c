//! Idempotency keys.

use hub_model::{DatasetId, ErrorKind, UploadId};
use hub_registry::{Registry, RegistryError, Reservation, Reserved, UploadRecord, UploadState};

use crate::bench::{Bench, contract, dataset_id, metadata, river};

async fn ask(
    registry: &Registry,
    dataset: &DatasetId,
    body_sha256: &str,
    upload: &UploadId,
) -> Result<Reserved, RegistryError> {
    let asked = Reservation { scope: "token-1", dataset, key: "nightly", body_sha256, upload };
    registry.reserve(&asked).await
}

async fn begun(bench: &Bench, registry: &Registry, dataset: &DatasetId) -> UploadRecord {
    let upload = bench.upload(dataset);
    registry.begin_upload(&upload).await.unwrap();
    upload
}

async fn finish(registry: &Registry, upload: &UploadRecord, state: UploadState) {
    registry.update_upload(&UploadRecord { state, ..upload.clone() }).await.unwrap();
}

pub(crate) async fn of_many_at_once_one_is_first(bench: &Bench) {
    let dataset = river(&bench.registry().await).await.id;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let registry = bench.registry().await;
        let upload = begun(bench, &registry, &dataset).await.id;
        let dataset = dataset.clone();
        tasks.push(tokio::spawn(async move {
            (upload, ask(&registry, &dataset, "aa", &upload).await.unwrap())
        }));
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    let winners: Vec<_> =
        answers.iter().filter(|(_, answer)| *answer == Reserved::New).map(|(id, _)| *id).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    for (upload, answer) in answers.into_iter().filter(|(id, _)| *id != winners[0]) {
        assert_eq!(answer, Reserved::Running(winners[0]), "{upload}");
    }
}

pub(crate) async fn a_repeat_is_answered_by_how_the_first_went(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    for (state, key) in
        [(UploadState::Committed, "k1"), (UploadState::Rejected, "k2"), (UploadState::Failed, "k3")]
    {
        let (first, repeat) =
            (begun(bench, &registry, &dataset).await, begun(bench, &registry, &dataset).await);
        let asked =
            |upload| Reservation { scope: "t", dataset: &dataset, key, body_sha256: "aa", upload };
        assert_eq!(registry.reserve(&asked(&first.id)).await.unwrap(), Reserved::New);
        // The first asks again, as when the database's answer was lost.
        assert_eq!(registry.reserve(&asked(&first.id)).await.unwrap(), Reserved::New);
        finish(&registry, &first, UploadState::Checking).await;
        let running = registry.reserve(&asked(&repeat.id)).await.unwrap();
        assert_eq!(running, Reserved::Running(first.id));
        finish(&registry, &first, state).await;
        let same = registry.reserve(&asked(&repeat.id)).await.unwrap();
        assert_eq!(same, Reserved::Same(first.id), "{state:?}");
    }
}

pub(crate) async fn another_body_is_refused(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let (first, other) =
        (begun(bench, &registry, &dataset).await, begun(bench, &registry, &dataset).await);
    assert_eq!(ask(&registry, &dataset, "aa", &first.id).await.unwrap(), Reserved::New);
    assert_eq!(ask(&registry, &dataset, "bb", &other.id).await.unwrap(), Reserved::OtherBody);
    finish(&registry, &first, UploadState::Committed).await;
    assert_eq!(ask(&registry, &dataset, "bb", &other.id).await.unwrap(), Reserved::OtherBody);
}

pub(crate) async fn a_released_key_can_be_used_again(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let (first, second, third) = (
        begun(bench, &registry, &dataset).await,
        begun(bench, &registry, &dataset).await,
        begun(bench, &registry, &dataset).await,
    );
    assert_eq!(ask(&registry, &dataset, "aa", &first.id).await.unwrap(), Reserved::New);
    finish(&registry, &first, UploadState::Failed).await;
    registry.release(&first.id).await.unwrap();
    assert_eq!(ask(&registry, &dataset, "bb", &second.id).await.unwrap(), Reserved::New);
    // Releasing what the first no longer holds takes nothing from the second.
    registry.release(&first.id).await.unwrap();
    let third_asks = ask(&registry, &dataset, "bb", &third.id).await.unwrap();
    assert_eq!(third_asks, Reserved::Running(second.id));
    // A discarded upload leaves no key behind.
    registry.discard_upload(&second.id).await.unwrap();
    assert_eq!(ask(&registry, &dataset, "bb", &third.id).await.unwrap(), Reserved::New);
}

pub(crate) async fn keys_of_others_are_others(bench: &Bench) {
    let registry = bench.registry().await;
    let river = river(&registry).await.id;
    let level = dataset_id("otaru.level");
    registry.create_dataset(&level, &metadata("水位", ""), &contract()).await.unwrap();
    for (scope, dataset, key) in [
        ("token-1", &river, "nightly"),
        ("token-2", &river, "nightly"),
        ("token-1", &level, "nightly"),
        ("token-1", &river, "Nightly"),
    ] {
        let upload = &begun(bench, &registry, dataset).await.id;
        let asked = Reservation { scope, dataset, key, body_sha256: "aa", upload };
        assert_eq!(registry.reserve(&asked).await.unwrap(), Reserved::New, "{asked:?}");
    }
}

pub(crate) async fn a_key_needs_an_upload_that_began(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let error = ask(&registry, &dataset, "aa", &UploadId::generate()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

pub(crate) async fn a_key_is_bounded(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let upload = &begun(bench, &registry, &dataset).await.id;
    for (length, fits) in [(0, false), (1, true), (255, true), (256, false), (100_000, false)] {
        let key = &"k".repeat(length);
        let asked =
            Reservation { scope: "token-1", dataset: &dataset, key, body_sha256: "aa", upload };
        match registry.reserve(&asked).await {
            Ok(answer) => assert!(fits && answer == Reserved::New, "{length}: {answer:?}"),
            Err(error) => {
                assert!(!fits && error.kind() == ErrorKind::InvalidRequest, "{length}: {error:?}");
            }
        }
    }
}

pub(crate) async fn old_keys_are_forgotten(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let (first, second) =
        (begun(bench, &registry, &dataset).await, begun(bench, &registry, &dataset).await);
    ask(&registry, &dataset, "aa", &first.id).await.unwrap();
    bench.pass(3_600);
    assert_eq!(registry.forget_reservations(bench.now()).await.unwrap(), 0, "it is still at work");
    finish(&registry, &first, UploadState::Committed).await;
    let earlier = bench.now() - chrono::TimeDelta::seconds(3_600);
    assert_eq!(registry.forget_reservations(earlier).await.unwrap(), 0, "it is not that old");
    assert_eq!(registry.forget_reservations(bench.now()).await.unwrap(), 1);
    assert_eq!(ask(&registry, &dataset, "bb", &second.id).await.unwrap(), Reserved::New);
}
