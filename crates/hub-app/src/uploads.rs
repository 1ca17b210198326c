//! What became of uploads, with their reports.

use hub_model::{DatasetId, Principal, UploadId};
use hub_registry::UploadRecord;

use crate::{
    App, AppError,
    policy::{Action, permit},
};

impl App {
    /// A dataset's uploads, newest first, before one of them; without the reports' lists.
    pub async fn uploads(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        before: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<UploadRecord>, AppError> {
        permit(principal, Action::ReadUploads(dataset.agency()))?;
        self.readable_dataset(principal, dataset).await?;
        Ok(self.inner.registry.uploads(dataset, before.as_ref(), limit).await?)
    }

    /// One upload with its report.
    pub async fn upload(
        &self,
        principal: &Principal,
        dataset: &DatasetId,
        id: &UploadId,
    ) -> Result<UploadRecord, AppError> {
        permit(principal, Action::ReadUploads(dataset.agency()))?;
        let upload = self.inner.registry.upload(id).await?;
        upload
            .filter(|upload| upload.dataset == *dataset)
            .ok_or_else(|| AppError::not_found("upload", id))
    }
}
