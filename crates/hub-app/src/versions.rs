//! The versions of a dataset, and what is known of each.

use hub_lake::SnapshotAt;
use hub_model::{DatasetId, Principal, VersionNumber, VersionRecord};

use crate::{App, AppError};

impl App {
    /// Versions, newest first, before one of them.
    pub async fn versions(
        &self,
        principal: &Principal,
        id: &DatasetId,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Result<Vec<VersionRecord>, AppError> {
        self.readable_dataset(principal, id).await?;
        let latest = self.inner.lake.snapshot(id, SnapshotAt::Latest).await?;
        self.recorded_version(id, &latest).await?;
        Ok(self.inner.registry.versions(id, before, limit).await?)
    }

    /// One version.
    pub async fn version(
        &self,
        principal: &Principal,
        id: &DatasetId,
        number: VersionNumber,
    ) -> Result<VersionRecord, AppError> {
        self.readable_dataset(principal, id).await?;
        self.version_record(id, number).await
    }

    pub(crate) async fn version_record(
        &self,
        id: &DatasetId,
        number: VersionNumber,
    ) -> Result<VersionRecord, AppError> {
        self.inner
            .registry
            .version(id, number)
            .await?
            .ok_or_else(|| AppError::not_found("version", format!("{number} of {id}")))
    }
}
