//! Uploads whose sender does not wait: what was asked for is kept with the file, so that the work goes on
//! after a restart, and how far it has come can be asked.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use hub_intake::worker::Watch;
use hub_model::{DatasetId, Principal, UploadId};
use hub_registry::{DatasetRecord, UploadRecord};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use tokio::{sync::OwnedSemaphorePermit, task::JoinHandle};

use crate::{App, AppError, Body, Publication, UploadRequest, modes, spool::Spooled};

/// What was asked for with an upload, as it is kept beside its file. It is added to and never changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredRequestV1 {
    /// What was asked for.
    pub(crate) request: UploadRequest,
    /// Whether the work is to be taken up again after a restart: its sender was told that it goes on.
    pub(crate) is_job: bool,
    /// The label of the principal that asked.
    #[serde(default)]
    pub(crate) by: String,
}

impl StoredRequestV1 {
    pub(crate) fn new(request: &UploadRequest, upload: &UploadRecord, terms: Terms) -> Self {
        Self { request: request.clone(), is_job: terms == Terms::Job, by: upload.by.clone() }
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, AppError> {
        serde_json::to_vec(self).map_err(|error| AppError::Broken(error.to_string()))
    }
}

/// What an upload is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// It waits for others to be done.
    Waiting = 0,
    /// Its cells are read and checked.
    Checking = 1,
    /// Its rows are sorted and stored.
    Storing = 2,
    /// It is made visible.
    Committing = 3,
}

impl Stage {
    /// The word in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Checking => "checking",
            Self::Storing => "storing",
            Self::Committing => "committing",
        }
    }
}

/// How far an upload under way in this process has come.
#[derive(Debug, Default)]
pub struct Progress {
    stage: AtomicU8,
    pub(crate) watch: Watch,
}

impl Progress {
    /// What is being done.
    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Relaxed) {
            0 => Stage::Waiting,
            1 => Stage::Checking,
            2 => Stage::Storing,
            _ => Stage::Committing,
        }
    }

    /// How far into the file the reader has got, in bytes.
    pub fn bytes_read(&self) -> u64 {
        self.watch.bytes_read()
    }

    /// Rows that were found to keep the contract.
    pub fn rows_read(&self) -> u64 {
        self.watch.rows_read()
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }
}

/// The uploads under way in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<HashMap<UploadId, Arc<Progress>>>>);

impl UnderWay {
    /// Lists an upload until what this answers is dropped.
    pub(crate) fn begin(&self, id: UploadId) -> Listed {
        let progress = Arc::new(Progress::default());
        self.0.lock().insert(id, Arc::clone(&progress));
        Listed { id, progress, list: self.clone() }
    }

    pub(crate) fn get(&self, id: &UploadId) -> Option<Arc<Progress>> {
        self.0.lock().get(id).cloned()
    }
}

/// An upload's place in the list of those under way.
#[derive(Debug)]
pub(crate) struct Listed {
    id: UploadId,
    pub(crate) progress: Arc<Progress>,
    list: UnderWay,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.list.0.lock().remove(&self.id);
    }
}

/// An upload that was received whole.
#[derive(Debug)]
pub enum Accepted {
    /// It repeats one that was published.
    Repeated(Box<Publication>),
    /// It is being worked on, and will be until its end, whoever waits.
    UnderWay(Job),
}

/// An upload being worked on.
#[derive(Debug)]
pub struct Job {
    /// Its record as it was when it began.
    pub upload: Box<UploadRecord>,
    pub(crate) work: JoinHandle<Result<Publication, AppError>>,
}

impl Job {
    /// Waits for the end. Dropping this leaves the work alone.
    pub async fn wait(self) -> Result<Publication, AppError> {
        self.work.await.map_err(|error| AppError::Broken(error.to_string()))?
    }
}

impl App {
    /// Takes a file and answers once it is kept: it is worked on from there, also after a restart.
    pub async fn accept_upload(
        &self,
        principal: &Principal,
        request: UploadRequest,
        body: Body,
    ) -> Result<Accepted, AppError> {
        let (dataset, place) = self.begin_receiving(principal, &request).await?;
        let id = UploadId::generate();
        let spooled = self.spool(&id.to_string(), body).await?;
        // Others may send meanwhile; the work waits for a place of its own.
        drop(place);
        self.accept(principal, dataset, request, id, spooled, None, Terms::Job).await
    }

    /// Whether a file may be sent to this dataset now, and a place among those worked on.
    pub(crate) async fn begin_receiving(
        &self,
        principal: &Principal,
        request: &UploadRequest,
    ) -> Result<(DatasetRecord, OwnedSemaphorePermit), AppError> {
        if self.inner.stopping.is_cancelled() {
            return Err(AppError::Stopping);
        }
        let dataset = self.writable_dataset(principal, &request.dataset).await?;
        modes::check_mode(request.mode, &dataset.contract)?;
        Ok((dataset, self.upload_place()?))
    }

    /// Works on a recorded upload to its end, even if the client leaves: the record must come to an end.
    pub(crate) fn carry_out(
        &self,
        dataset: DatasetRecord,
        upload: UploadRecord,
        request: UploadRequest,
        spooled: Spooled,
        place: Option<OwnedSemaphorePermit>,
        terms: Terms,
    ) -> JoinHandle<Result<Publication, AppError>> {
        let app = self.clone();
        self.inner.tasks.spawn(async move {
            let outcome = app.publish(dataset, upload, request, spooled, place, terms).await;
            app.inner.metrics.count_upload(outcome.as_ref().err().map(AppError::kind));
            outcome
        })
    }

    /// How far an upload has come, where this process works on it.
    pub fn upload_progress(&self, id: &UploadId) -> Option<Arc<Progress>> {
        self.inner.under_way.get(id)
    }

    pub(crate) async fn stored_request(
        &self,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<Option<StoredRequestV1>, AppError> {
        let json = self.inner.lake.upload_record(dataset, id).await?;
        json.map(|json| serde_json::from_slice(&json))
            .transpose()
            .map_err(|error| AppError::Broken(format!("the record of the upload {id}: {error}")))
    }

    /// Takes an upload up again that a process that died was told to carry through. Answers whether that
    /// can be done; the file is fetched from the store in the background.
    pub(crate) async fn take_up_again(&self, upload: &UploadRecord) -> Result<bool, AppError> {
        let stored = self.stored_request(&upload.dataset, &upload.id).await?;
        let Some(stored) = stored.filter(|stored| stored.is_job) else { return Ok(false) };
        let Some(dataset) = self.inner.registry.dataset(&upload.dataset).await? else {
            return Ok(false);
        };
        if self.inner.lake.original_size(&upload.dataset, &upload.id).await?.is_none() {
            return Ok(false);
        }
        tracing::info!(upload = %upload.id, "an upload is taken up again");
        let (app, upload) = (self.clone(), upload.clone());
        self.inner.tasks.spawn(async move {
            match app.fetch_again(&upload).await {
                // It ends by itself; nobody waits for it.
                Ok(spooled) => {
                    let request = stored.request;
                    drop(app.carry_out(dataset, upload, request, spooled, None, Terms::Job));
                }
                // It is tried again at the next start.
                Err(error) => {
                    tracing::warn!(%error, upload = %upload.id, "a kept file could not be fetched");
                }
            }
        });
        Ok(true)
    }

    async fn fetch_again(&self, upload: &UploadRecord) -> Result<Spooled, AppError> {
        let original = self.inner.lake.original(&upload.dataset, &upload.id, None).await?;
        let original =
            original.ok_or_else(|| AppError::not_found("kept file of the upload", upload.id))?;
        let spooled = self.spool(&upload.id.to_string(), original.bytes).await?;
        let sha256 = crate::spool::hex(&spooled.sha256);
        if upload.sha256.as_deref().is_some_and(|known| known != sha256) {
            return Err(AppError::Broken(format!("the kept file has the SHA-256 {sha256}")));
        }
        Ok(spooled)
    }
}

/// How an upload is carried through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terms {
    /// Its sender waits for what becomes of it.
    WaitedFor,
    /// Its sender does not wait, and is told that it goes on.
    Job,
}

#[cfg(test)]
mod tests {
    use hub_model::OnError;

    use super::*;

    #[test]
    fn a_stored_request_reads_as_it_was_written_by_the_first_version() {
        let first = r#"{"request":{"dataset":"otaru.river","mode":"append","hint":{"file_name":"四月.csv","media_type":"text/csv","format":"csv"},"idempotency_key":"k","expected_sha256":null},"is_job":true,"is_kept":false,"by":"publisher of otaru"}"#;
        let stored: StoredRequestV1 = serde_json::from_str(first).unwrap();
        assert!(stored.is_job);
        assert_eq!(stored.request.hint.file_name.as_deref(), Some("四月.csv"));
        assert_eq!(stored.request.on_error, OnError::Reject);
        // What it said of where the file was is not asked any more.
        let now = first.replace(r#","is_kept":false"#, "");
        assert_eq!(String::from_utf8(stored.to_json().unwrap()).unwrap(), now);
    }

    #[test]
    fn the_answer_to_errors_is_stored_where_it_is_another_than_the_first_version_knew() {
        let second = r#"{"request":{"dataset":"otaru.river","mode":"upsert","on_error":"quarantine","hint":{"file_name":null,"media_type":null,"format":null},"idempotency_key":null,"expected_sha256":null},"is_job":true,"by":"publisher of otaru"}"#;
        let stored: StoredRequestV1 = serde_json::from_str(second).unwrap();
        assert_eq!(stored.request.on_error, OnError::Quarantine);
        assert_eq!(String::from_utf8(stored.to_json().unwrap()).unwrap(), second);
    }
}
