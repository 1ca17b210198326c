//! Files that go to the object store without passing through the hub: a signed link to put the file to,
//! and the word that it is there. What came by a link is copied before it is an upload's file: who has the
//! link may write to it as long as it is valid.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hub_model::{DatasetId, Principal, UploadId};

use crate::{
    Accepted, App, AppError, UploadRequest,
    jobs::{StoredRequestV1, Terms},
    modes,
    spool::Spooled,
};

/// How long a link may be used to begin sending.
const VALID: Duration = Duration::from_secs(6 * 3_600);

/// A link to put a file to.
#[derive(Debug, Clone)]
pub struct UploadLink {
    /// The upload it is for.
    pub id: UploadId,
    /// Where the file goes, by PUT. Whoever has it may use it.
    pub url: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl App {
    /// Makes a link by which a file for a dataset can be sent to the object store.
    pub async fn create_upload_link(
        &self,
        principal: &Principal,
        request: UploadRequest,
    ) -> Result<UploadLink, AppError> {
        if self.inner.stopping.is_cancelled() {
            return Err(AppError::Stopping);
        }
        let record = self.writable_dataset(principal, &request.dataset).await?;
        modes::check_mode(request.mode, &record.contract)?;
        let dataset = record.id;
        let id = UploadId::generate();
        let expires_at = self.inner.clock.now() + VALID;
        let url = self.inner.lake.upload_link(&dataset, &id, VALID).await?;
        let url = url.ok_or(AppError::NoLinks)?;
        let by = principal.label().to_owned();
        let stored = StoredRequestV1 { request, is_job: true, by };
        self.inner.lake.keep_upload_record(&dataset, &id, stored.to_json()?).await?;
        Ok(UploadLink { id, url, expires_at })
    }

    /// Works on a file that was sent by a link. That is done once: asked again, it is an error.
    pub async fn complete_upload(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<Accepted, AppError> {
        let record = self.writable_dataset(principal, dataset).await?;
        // Another request may be at it just now.
        let writing = self.inner.writers.begin(*id);
        let _writing = writing.map_err(|_| AppError::StillChecked { upload: *id })?;
        let not_there = || AppError::not_found("upload by a link", id);
        match self.inner.registry.upload(id).await? {
            Some(upload) if upload.dataset == *dataset => {
                return Err(AppError::AlreadyComplete { upload: *id });
            }
            // What other datasets have is not told.
            Some(_) => return Err(not_there()),
            None => {}
        }
        let request = self.stored_request(dataset, id).await?.ok_or_else(not_there)?.request;
        let spooled = self.spool_sent(dataset, id).await?;
        let accepted = self.accept(principal, record, request, *id, spooled, None, Terms::Job);
        let accepted = accepted.await.map_err(|error| error.of_file_at_hand(*id))?;
        // A file that repeats another's idempotency key is let be: the same may be asked again, and has the
        // same answer.
        if matches!(accepted, Accepted::UnderWay(_))
            && let Err(error) = self.inner.lake.forget_sent(dataset, id).await
        {
            tracing::warn!(%error, upload = %id, "what came by a link is removed later");
        }
        Ok(accepted)
    }

    async fn spool_sent(&self, dataset: &DatasetId, id: &UploadId) -> Result<Spooled, AppError> {
        let _place = self.upload_place()?;
        let sent = self.inner.lake.sent(dataset, id).await?;
        let sent = sent.ok_or(AppError::NotSent { upload: *id })?;
        let max_bytes = self.inner.config.max_upload_bytes;
        if sent.size > max_bytes {
            self.inner.lake.forget_upload(dataset, id).await?;
            return Err(AppError::UploadTooLarge { max_bytes });
        }
        self.spool(&id.to_string(), sent.bytes).await
    }
}
