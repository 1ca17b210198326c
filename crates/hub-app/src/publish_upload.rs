//! The way of an upload: received, recorded, decoded and conformed, staged, committed, recorded again.
//!
//! A sender waits for all of it, or only until the file is received ([`crate::Accepted`]); the steps are
//! the same. The lake's commit is the only step that makes data visible. Everything before it can be thrown
//! away, everything after it can be made up for from the lake's log.

mod check;

use std::sync::Arc;

use hub_intake::FormatHint;
use hub_lake::{Prepared, Staged};
use hub_model::{
    Contract, DatasetId, ErrorKind, OnError, Principal, Text, UploadId, UploadMode, VersionRecord,
};
use hub_registry::{DatasetRecord, UploadRecord, UploadState};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    Accepted, App, AppError, Body, Job, Progress, Stage,
    jobs::{StoredRequestV1, Terms},
    modes,
    spool::{Spooled, hex},
};

/// What an agency asks for with a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UploadRequest {
    /// The dataset it is for.
    pub dataset: DatasetId,
    /// How it changes the dataset.
    pub mode: UploadMode,
    /// What is done with cells that break the contract.
    #[serde(default, skip_serializing_if = "is_reject")]
    pub on_error: OnError,
    /// What is known of the file's format.
    pub hint: FormatHint,
    /// A name for this request, so that it can be sent again safely.
    pub idempotency_key: Option<String>,
    /// The SHA-256 the sender computed.
    pub expected_sha256: Option<[u8; 32]>,
}

fn is_reject(on_error: &OnError) -> bool {
    *on_error == OnError::Reject
}

/// A published upload.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The upload's record.
    pub upload: UploadRecord,
    /// The version it became.
    pub version: VersionRecord,
    /// Whether this repeats the answer to an earlier request with the same idempotency key.
    pub replayed: bool,
}

/// What of a file can be published, and what is kept back of it.
#[derive(Debug)]
pub(crate) struct Publishable {
    rows: Rows,
    kept_back: Option<NamedTempFile>,
}

/// Rows in the store that nobody sees yet.
#[derive(Debug)]
enum Rows {
    Staged(Staged),
    /// Held against the dataset too.
    Prepared(Box<Prepared>),
}

/// How often an upload under way says so, for other nodes that share the registry.
const HEARTBEAT: std::time::Duration = std::time::Duration::from_secs(60);

impl App {
    /// Takes a file and publishes it as a new version, or says all that is wrong with it.
    pub async fn publish_upload(
        &self,
        principal: &Principal,
        request: UploadRequest,
        body: Body,
    ) -> Result<Publication, AppError> {
        let (dataset, place) = self.begin_receiving(principal, &request).await?;
        let id = UploadId::generate();
        let spooled = self.spool(&id.to_string(), body).await?;
        let terms = Terms::WaitedFor;
        match self.accept(principal, dataset, request, id, spooled, Some(place), terms).await? {
            Accepted::Repeated(publication) => Ok(*publication),
            Accepted::UnderWay(job) => job.wait().await,
        }
    }

    /// Records a file that was received whole, and begins to work on it. That is done to its end, even if
    /// the client leaves: a record of which no file is kept could not be worked on.
    #[expect(clippy::too_many_arguments, reason = "each is another fact about one upload")]
    pub(crate) async fn accept(
        &self,
        principal: &Principal,
        dataset: DatasetRecord,
        request: UploadRequest,
        id: UploadId,
        spooled: Spooled,
        place: Option<OwnedSemaphorePermit>,
        terms: Terms,
    ) -> Result<Accepted, AppError> {
        let (app, principal) = (self.clone(), principal.clone());
        let begun = self.inner.tasks.spawn(async move {
            spooled.check(request.expected_sha256)?;
            let sha256 = hex(&spooled.sha256);
            let upload = app.record_of(id, &principal, &request, &spooled);
            app.inner.registry.begin_upload(&upload).await?;
            if let Some(key) = &request.idempotency_key {
                match app.reserve(&principal, &request, key, &sha256, &id).await {
                    Ok(None) => {}
                    repeated => {
                        app.inner.registry.discard_upload(&id).await?;
                        let publication = app.answer_again(repeated?, key).await?;
                        return Ok(Accepted::Repeated(Box::new(publication)));
                    }
                }
            }
            if terms == Terms::Job {
                // Whoever is told that the work goes on must not depend on this process.
                let stored = StoredRequestV1::new(&request, &upload, terms);
                if let Err(error) = app.keep_original(&upload, &stored, &spooled).await {
                    // Its sender hears that it was not taken in, and may ask for the same again.
                    app.inner.registry.discard_upload(&id).await?;
                    return Err(error);
                }
            }
            let begun = upload.clone();
            let work = app.carry_out(dataset, upload, request, spooled, place, terms);
            Ok(Accepted::UnderWay(Job { upload: Box::new(begun), work }))
        });
        begun.await.map_err(|error| AppError::Broken(error.to_string()))?
    }

    /// What is recorded of an upload when it begins.
    pub(crate) fn record_of(
        &self,
        id: UploadId,
        principal: &Principal,
        request: &UploadRequest,
        spooled: &Spooled,
    ) -> UploadRecord {
        UploadRecord {
            id,
            dataset: request.dataset.clone(),
            mode: request.mode,
            state: UploadState::Checking,
            file_name: request.hint.file_name.clone(),
            format: None,
            bytes: spooled.bytes,
            sha256: Some(hex(&spooled.sha256)),
            by: principal.label().to_owned(),
            idempotency_key: request.idempotency_key.clone(),
            created_at: self.inner.clock.now(),
            finished_at: None,
            version: None,
            report: None,
            problem: None,
        }
    }

    /// Works on a recorded upload to its end, and records the end.
    pub(crate) async fn publish(
        &self,
        dataset: DatasetRecord,
        mut upload: UploadRecord,
        request: UploadRequest,
        spooled: Spooled,
        place: Option<OwnedSemaphorePermit>,
        terms: Terms,
    ) -> Result<Publication, AppError> {
        let listed = self.inner.under_way.begin(upload.id);
        let outcome = {
            let id = upload.id;
            let progress = Arc::clone(&listed.progress);
            let work = async {
                let _place = match place {
                    Some(place) => place,
                    None => self.wait_for_upload_place().await?,
                };
                self.publish_file(&dataset, &mut upload, request, spooled, progress, terms).await
            };
            tokio::pin!(work);
            let mut heartbeat = tokio::time::interval(HEARTBEAT);
            loop {
                tokio::select! {
                    outcome = &mut work => break outcome,
                    _ = heartbeat.tick() => {
                        if let Err(error) = self.inner.registry.touch_upload(&id).await {
                            tracing::warn!(%error, upload = %id, "could not note that an upload goes on");
                        }
                    }
                }
            }
        };
        if terms == Terms::Job && matches!(outcome, Err(AppError::Stopping)) {
            // It was not begun, and is taken up again at the next start.
            return Err(AppError::Stopping);
        }
        self.end_upload(&mut upload, outcome.as_ref()).await?;
        Ok(Publication { upload, version: outcome?, replayed: false })
    }

    /// Records how an upload ended.
    pub(crate) async fn end_upload(
        &self,
        upload: &mut UploadRecord,
        outcome: Result<&VersionRecord, &AppError>,
    ) -> Result<(), AppError> {
        upload.finished_at = Some(self.inner.clock.now());
        match outcome {
            Ok(version) => {
                upload.state = UploadState::Committed;
                upload.version = Some(version.number);
            }
            Err(error) => {
                upload.state = end_state(error.kind());
                upload.problem = Some(told(error));
            }
        }
        if upload.state == UploadState::Failed {
            self.forget_original(&upload.dataset, &upload.id).await;
        }
        if upload.state != UploadState::Committed {
            // A key stands for what was published. A file that was refused may be mended, or its contract
            // may be, and it is looked at anew when it is sent again.
            self.inner.registry.release(&upload.id).await?;
        }
        self.inner.registry.update_upload(upload).await?;
        if upload.state == UploadState::Committed {
            // Upkeep that is not listening any more looks again at the next start.
            let _ = self.inner.upkeep.send(upload.dataset.clone());
        }
        Ok(())
    }

    async fn publish_file(
        &self,
        dataset: &DatasetRecord,
        upload: &mut UploadRecord,
        request: UploadRequest,
        spooled: Spooled,
        progress: Arc<Progress>,
        terms: Terms,
    ) -> Result<VersionRecord, AppError> {
        let spooled = Arc::new(spooled);
        progress.enter(Stage::Checking);
        let keeping = async {
            if terms == Terms::Job {
                return Ok(());
            }
            let stored = StoredRequestV1::new(&request, upload, terms);
            self.keep_original(upload, &stored, &spooled).await
        };
        let checking = {
            let (app, spooled, progress) =
                (self.clone(), Arc::clone(&spooled), Arc::clone(&progress));
            let (id, contract) = (dataset.id.clone(), dataset.contract.clone());
            let (upload_id, request) = (upload.id, request.clone());
            tokio::task::spawn_blocking(move || {
                app.check_and_stage(upload_id, &id, &contract, &spooled, &request, &progress)
            })
        };
        // Both come to their end: a file that is rejected is kept too.
        let (kept, checked) = tokio::join!(keeping, checking);
        if let Err(error) = &kept {
            tracing::warn!(%error, upload = %upload.id, "an uploaded file is not kept");
        }
        let checked = checked.map_err(|error| AppError::Broken(error.to_string()))?;
        let (report, publishable) = checked?;
        upload.format = Some(report.format.clone());
        upload.report = Some(report.clone());
        let Some(publishable) = publishable else {
            return Err(AppError::ContractViolated { upload: upload.id, report: Box::new(report) });
        };
        kept?;
        progress.enter(Stage::Committing);
        self.commit_checked(&dataset.contract, upload, publishable).await
    }

    /// Holds what was checked and staged of an upload against its dataset, without publishing it.
    pub(crate) async fn prepare_checked(
        &self,
        contract: &Contract,
        upload: &mut UploadRecord,
        publishable: Publishable,
    ) -> Result<Publishable, AppError> {
        let Publishable { rows: Rows::Staged(staged), kept_back } = publishable else {
            return Ok(publishable);
        };
        let prepared = self.inner.lake.prepare(staged, upload.mode).await;
        let cap = self.inner.config.report_cap;
        let prepared = prepared.map_err(|error| modes::refused(error, upload, contract, cap))?;
        Ok(Publishable { rows: Rows::Prepared(Box::new(prepared)), kept_back })
    }

    /// Makes visible what was checked and staged of an upload whose file is kept.
    pub(crate) async fn commit_checked(
        &self,
        contract: &Contract,
        upload: &mut UploadRecord,
        publishable: Publishable,
    ) -> Result<VersionRecord, AppError> {
        self.keep_kept_back(upload, publishable.kept_back).await?;
        let publication = hub_lake::Publication {
            mode: upload.mode,
            upload_id: upload.id,
            committed_by: upload.by.clone(),
            committed_at: self.inner.clock.now(),
        };
        let lake = &self.inner.lake;
        let committed = match publishable.rows {
            Rows::Staged(staged) => lake.commit(staged, publication).await,
            Rows::Prepared(prepared) => lake.commit_prepared(*prepared, publication).await,
        };
        let cap = self.inner.config.report_cap;
        let version = committed.map_err(|error| modes::refused(error, upload, contract, cap))?;
        // The data is visible from here on. A record that fails is made up for from the lake's log.
        if let Err(error) = self.record_version(&upload.dataset, &version).await {
            tracing::warn!(%error, dataset = %upload.dataset, "a version is committed and not yet recorded");
        }
        self.inner.metrics.rows_published.inc_by(version.rows_added);
        Ok(version)
    }
}

/// What is recorded of an error for the sender to read.
fn told(error: &AppError) -> Text {
    match error.kind() {
        ErrorKind::Internal | ErrorKind::Unavailable => Text::new(
            "ハブの側の問題です。ファイルをもう一度送ってください",
            "a fault of the hub's; send the file again",
        ),
        _ => Text::new(error.ja().unwrap_or_default(), error.to_string()),
    }
}

/// Whether an upload that met this kind of error is refused for good, or failed and may be sent again
/// under the same key.
fn end_state(kind: ErrorKind) -> UploadState {
    match kind {
        ErrorKind::ContractViolated | ErrorKind::UnreadableFile | ErrorKind::UnsupportedFormat => {
            UploadState::Rejected
        }
        _ => UploadState::Failed,
    }
}
