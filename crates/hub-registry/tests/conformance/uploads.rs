//! Uploads and their reports.

use hub_model::{CellError, ErrorKind, ReportBuilder, Rule, Text, UploadId, UploadReport};
use hub_registry::{UploadRecord, UploadState};

use crate::bench::{Bench, dataset_id, river};

fn report() -> UploadReport {
    let mut builder = ReportBuilder::new("csv", 2);
    for row in 2..5 {
        builder.error(Rule::Type, || CellError {
            file: None,
            row: Some(row),
            column: Some("水位".to_owned()),
            cell: None,
            value: Some("欠\0測'\"\\".to_owned()),
            rule: Rule::Type,
            message: Text::new("数ではありません", "not a number"),
            fix: Text::default(),
        });
    }
    builder.finish()
}

fn rejected(mut upload: UploadRecord) -> UploadRecord {
    upload.finished_at = Some(upload.created_at);
    upload.state = UploadState::Rejected;
    upload.report = Some(report());
    upload
}

pub(crate) async fn an_upload_is_kept_with_its_report(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let mut upload = bench.upload(&dataset);
    upload.file_name = Some("２０２４年１月 流量.csv".to_owned());
    upload.idempotency_key = Some("nightly-1".to_owned());
    registry.begin_upload(&upload).await.unwrap();
    assert_eq!(registry.upload(&upload.id).await.unwrap(), Some(upload.clone()));
    bench.pass(5);
    upload.state = UploadState::Checking;
    (upload.bytes, upload.format) = (1 << 40, Some("csv".to_owned()));
    upload.sha256 = Some("ab".repeat(32));
    registry.update_upload(&upload).await.unwrap();
    assert_eq!(registry.upload(&upload.id).await.unwrap(), Some(upload.clone()));
    let upload = rejected(upload);
    registry.update_upload(&upload).await.unwrap();
    assert_eq!(registry.upload(&upload.id).await.unwrap(), Some(upload.clone()));

    let again = registry.begin_upload(&upload).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    let orphan = bench.upload(&dataset_id("otaru.none"));
    let error = registry.begin_upload(&orphan).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::NotFound, "there is no dataset otaru.none")
    );
    let unknown = registry.update_upload(&bench.upload(&dataset)).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    assert_eq!(registry.upload(&UploadId::generate()).await.unwrap(), None);
}

pub(crate) async fn lists_are_newest_first_and_leave_out_the_errors(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let mut made = Vec::new();
    for _ in 0..7 {
        let upload = rejected(bench.upload(&dataset));
        registry.begin_upload(&upload).await.unwrap();
        made.insert(0, upload);
    }
    let mut listed = registry.uploads(&dataset, None, 3).await.unwrap();
    let last = listed[2].id;
    listed.extend(registry.uploads(&dataset, Some(&last), 100).await.unwrap());
    for upload in &mut made {
        upload.report.as_mut().unwrap().errors.clear();
    }
    assert_eq!(listed, made);
    assert_eq!(listed[0].report.as_ref().unwrap().error_count, 3);
    assert!(registry.uploads(&dataset_id("otaru.other"), None, 9).await.unwrap().is_empty());
}

pub(crate) async fn a_finished_upload_stays(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let upload = rejected(bench.upload(&dataset));
    registry.begin_upload(&upload).await.unwrap();
    // Recording the same again is no change.
    registry.update_upload(&upload).await.unwrap();
    for state in [UploadState::Checking, UploadState::Failed, UploadState::Committed] {
        let other = UploadRecord { state, ..upload.clone() };
        let error = registry.update_upload(&other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{state:?}");
    }
    assert_eq!(registry.upload(&upload.id).await.unwrap(), Some(upload));
}

pub(crate) async fn the_lake_has_the_last_word(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let mut upload = bench.upload(&dataset);
    (upload.state, upload.problem) =
        (UploadState::Failed, Some(Text::new("使えません", "unavailable")));
    registry.begin_upload(&upload).await.unwrap();
    (upload.state, upload.problem) = (UploadState::Committed, None);
    upload.version = Some(4);
    registry.update_upload(&upload).await.unwrap();
    assert_eq!(registry.upload(&upload.id).await.unwrap(), Some(upload));
}

pub(crate) async fn unfinished_uploads_are_found_after_a_crash(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let (first, done) = (bench.upload(&dataset), bench.upload(&dataset));
    let second = UploadRecord { state: UploadState::Checking, ..bench.upload(&dataset) };
    for upload in [&first, &done, &second] {
        registry.begin_upload(upload).await.unwrap();
    }
    registry.update_upload(&rejected(done)).await.unwrap();
    drop(registry);

    let registry = bench.registry().await;
    let all = registry.unfinished_uploads(None).await.unwrap();
    assert_eq!(all, [first.clone(), second.clone()]);
    // Another node works on the second; nothing is heard of the first.
    bench.pass(600);
    registry.touch_upload(&second.id).await.unwrap();
    let quiet = registry.unfinished_uploads(Some(bench.now() - chrono::TimeDelta::seconds(60)));
    assert_eq!(quiet.await.unwrap(), [first]);
}

pub(crate) async fn a_repeated_upload_is_discarded(bench: &Bench) {
    let registry = bench.registry().await;
    let dataset = river(&registry).await.id;
    let (repeat, done) = (bench.upload(&dataset), rejected(bench.upload(&dataset)));
    for upload in [&repeat, &done] {
        registry.begin_upload(upload).await.unwrap();
        registry.discard_upload(&upload.id).await.unwrap();
    }
    assert_eq!(registry.upload(&repeat.id).await.unwrap(), None);
    assert_eq!(registry.upload(&done.id).await.unwrap(), Some(done));
}
