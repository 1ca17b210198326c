//! The versions of a dataset, and what is known of each.

use hub_lake::SnapshotAt;
use hub_model::{DatasetId, Principal, VersionNumber, VersionRecord};

use crate::{App, AppError};

/// A version, and what was made known of it later.
#[derive(Debug, Clone)]
pub struct KnownVersion {
    /// Its record.
    pub record: VersionRecord,
    /// The version that took it out of sight, where one did.
    pub withdrawn_by: Option<VersionRecord>,
}

impl App {
    /// Versions, newest first, before one of them; withdrawn ones among them.
    pub async fn versions(
        &self,
        principal: &Principal,
        id: &DatasetId,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Result<Vec<KnownVersion>, AppError> {
        self.readable_dataset(principal, id).await?;
        let latest = self.inner.lake.snapshot(id, SnapshotAt::Latest).await?;
        self.recorded_version(id, &latest).await?;
        let versions = self.inner.registry.versions(id, before, limit).await?;
        let withdrawals = self.inner.registry.withdrawals(id).await?;
        let known = |record: VersionRecord| {
            let shown = record.shows();
            let takes =
                |w: &&VersionRecord| w.withdrawal.as_ref().is_some_and(|w| w.version == shown);
            KnownVersion { withdrawn_by: withdrawals.iter().find(takes).cloned(), record }
        };
        Ok(versions.into_iter().map(known).collect())
    }

    /// One version.
    pub async fn version(
        &self,
        principal: &Principal,
        id: &DatasetId,
        number: VersionNumber,
    ) -> Result<KnownVersion, AppError> {
        self.readable_dataset(principal, id).await?;
        let record = self.version_record(id, number).await?;
        Ok(KnownVersion { withdrawn_by: self.withdrawal_of(id, &record).await?, record })
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
