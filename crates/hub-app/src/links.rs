//! Files that go to the object store without passing through the hub: a signed link to put the file to,
//! and the word that it is there.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hub_model::{DatasetId, Principal, UploadId};

use crate::{
    Accepted, App, AppError, UploadRequest,
    jobs::{StoredRequestV1, Terms},
    modes,
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
        let stored = StoredRequestV1 { request, is_job: true, is_kept: true, by };
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
        if self.inner.registry.upload(id).await?.is_some() {
            return Err(AppError::AlreadyComplete { upload: *id });
        }
        let not_there = || AppError::not_found("upload by a link", id);
        let stored = self.stored_request(dataset, id).await?.ok_or_else(not_there)?;
        let max_bytes = self.inner.config.max_upload_bytes;
        match self.inner.lake.original_size(dataset, id).await? {
            None => return Err(AppError::NotSent { upload: *id }),
            Some(size) if size > max_bytes => {
                self.inner.lake.forget_upload(dataset, id).await?;
                return Err(AppError::UploadTooLarge { max_bytes });
            }
            Some(_) => {}
        }
        let place = self.upload_place()?;
        let spooled = self.spool_original(dataset, id).await?;
        let spooled = spooled.ok_or(AppError::NotSent { upload: *id })?;
        drop(place);
        let terms = Terms { is_job: true, is_kept: true };
        self.accept(principal, record, stored.request, *id, spooled, None, terms).await
    }
}
