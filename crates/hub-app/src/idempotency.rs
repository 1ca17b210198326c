//! Requests that are sent again under the same key: the same file is published once.

use hub_model::{OnError, Principal, UploadId};
use hub_registry::{Reservation, Reserved};

use crate::{App, AppError, Publication, UploadRequest};

impl App {
    /// Asks for the key; answers the upload that holds it with the same file, if one does.
    pub(crate) async fn reserve(
        &self,
        principal: &Principal,
        request: &UploadRequest,
        key: &str,
        sha256: &str,
        upload: &UploadId,
    ) -> Result<Option<UploadId>, AppError> {
        let scope = match principal {
            Principal::Anonymous => String::new(),
            Principal::Token { id, .. } => id.to_string(),
        };
        // The mode is part of the request: the same file appended and put in place are two things.
        let mut body_sha256 = format!("{sha256} {}", request.mode.as_str());
        if request.on_error != OnError::Reject {
            // So is the answer to errors; keys from before there was a choice stay what they are.
            body_sha256 = format!("{body_sha256} {}", request.on_error.as_str());
        }
        let asked = Reservation {
            scope: &scope,
            dataset: &request.dataset,
            key,
            body_sha256: &body_sha256,
            upload,
        };
        match self.inner.registry.reserve(&asked).await? {
            Reserved::New => Ok(None),
            Reserved::Same(first) => Ok(Some(first)),
            Reserved::Running(_) => Err(AppError::StillRunning { key: key.to_owned() }),
            Reserved::OtherBody => Err(AppError::IdempotencyMismatch { key: key.to_owned() }),
        }
    }

    /// Answers a request that repeats a published one as that one was answered.
    pub(crate) async fn answer_again(
        &self,
        first: Option<UploadId>,
        key: &str,
    ) -> Result<Publication, AppError> {
        let still_running = || AppError::StillRunning { key: key.to_owned() };
        let id = first.ok_or_else(still_running)?;
        let upload = self.inner.registry.upload(&id).await?.ok_or_else(still_running)?;
        let number = upload.version.ok_or_else(still_running)?;
        let version = self.version_record(&upload.dataset, number).await?;
        Ok(Publication { upload, version, replayed: true })
    }
}
