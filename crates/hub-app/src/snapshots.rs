//! From a dataset's id to the version a reader gets, with what must be said beside it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hub_lake::{Snapshot, SnapshotAt};
use hub_model::{DatasetId, Principal, Source, Text, VersionNumber, VersionRecord};
use hub_query::ReadableTable;
use hub_registry::DatasetRecord;
use sha2::{Digest, Sha256};

use crate::{
    App, AppError,
    app::Inner,
    known::{KnownDataset, Stand},
    policy,
    spool::hex,
};

/// Which version of a dataset a reader asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VersionSelector {
    /// The newest.
    #[default]
    Latest,
    /// The one of this number.
    Number(VersionNumber),
    /// The one that was newest at this instant.
    AsOf(DateTime<Utc>),
    /// The one that the lake's log entry belongs to, as a cursor names it.
    Log(u64),
}

/// A dataset opened at one version for one principal.
#[derive(Debug, Clone)]
pub(crate) struct OpenDataset {
    pub(crate) known: Arc<KnownDataset>,
    pub(crate) snapshot: Snapshot,
    pub(crate) source: Source,
}

impl OpenDataset {
    pub(crate) fn table(&self) -> ReadableTable {
        ReadableTable {
            contract: Arc::clone(&self.known.contract),
            snapshot: self.snapshot.clone(),
        }
    }

    /// Names the state that an answer depends on: two equal texts promise equal answers. What is said of
    /// the source goes with an answer, and the agency's name changes without the dataset.
    pub(crate) fn state(&self) -> String {
        let record = &self.known.record;
        let Text { ja, en } = &self.source.publisher;
        let publisher = Sha256::digest(format!("{ja}\0{en}"));
        format!(
            "{}@{}r{}p{}",
            record.id,
            self.snapshot.version,
            record.revision,
            hex(&publisher[..6])
        )
    }
}

impl App {
    /// The dataset's record, if the principal may read it; otherwise it does not exist.
    pub(crate) async fn readable_dataset(
        &self,
        principal: &Principal,
        id: &DatasetId,
    ) -> Result<DatasetRecord, AppError> {
        let record = self.inner.registry.dataset(id).await?;
        record
            .filter(|r| policy::may_read(principal, r.id.agency(), r.metadata.visibility))
            .ok_or_else(|| AppError::not_found("dataset", id))
    }

    pub(crate) async fn open_dataset(
        &self,
        principal: &Principal,
        id: &DatasetId,
        version: VersionSelector,
    ) -> Result<OpenDataset, AppError> {
        let may_read = |known: &KnownDataset| {
            policy::may_read(principal, id.agency(), known.record.metadata.visibility)
        };
        let newest = version == VersionSelector::Latest;
        let Inner { known, registry, .. } = self.inner.as_ref();
        let stand = self.stand().filter(|_| newest);
        if let Some(stand) = stand
            && let Some(opened) = known.newest(id, stand).await
        {
            return if may_read(&opened.known) {
                Ok(opened)
            } else {
                Err(AppError::not_found("dataset", id))
            };
        }
        let found = known.dataset(registry, id).await?;
        let (known, publisher) = found
            .filter(|(known, _)| may_read(known))
            .ok_or_else(|| AppError::not_found("dataset", id))?;
        let record = &known.record;
        let (snapshot, version) = self.snapshot(id, version).await?;
        if let Some(version) = version.as_ref().filter(|_| !newest) {
            self.check_seen(principal, id, version).await?;
        }
        let licence = record.metadata.licence.terms();
        let source = Source {
            dataset: id.clone(),
            version: snapshot.version,
            committed_at: version.map(|v| v.committed_at),
            title: record.metadata.title.clone(),
            publisher,
            homepage: record.metadata.homepage.clone(),
            licence: licence.id.to_owned(),
            licence_url: licence.url.to_owned(),
            attribution: record.metadata.attribution.clone(),
            synthetic: record.metadata.synthetic,
        };
        let opened = OpenDataset { known, snapshot, source };
        if let Some(stand) = stand {
            self.inner.known.keep_newest(stand, opened.clone()).await;
        }
        Ok(opened)
    }

    /// How much was written, where this is the only process that writes.
    pub(crate) fn stand(&self) -> Option<Stand> {
        Stand::now(&self.inner.registry, &self.inner.lake)
    }

    async fn snapshot(
        &self,
        id: &DatasetId,
        version: VersionSelector,
    ) -> Result<(Snapshot, Option<VersionRecord>), AppError> {
        let latest = self.inner.lake.snapshot(id, SnapshotAt::Latest).await?;
        let newest = self.recorded_version(id, &latest).await?;
        let wanted = match version {
            VersionSelector::Latest => return Ok((latest, newest)),
            VersionSelector::Log(log_version) => {
                let snapshot = self.inner.lake.snapshot(id, SnapshotAt::Log(log_version)).await?;
                let record = self.recorded_version(id, &snapshot).await?;
                return Ok((snapshot, record));
            }
            VersionSelector::Number(number) => self.version_record(id, number).await?,
            VersionSelector::AsOf(instant) => {
                self.inner.registry.version_at(id, instant).await?.ok_or_else(|| {
                    AppError::not_found(
                        "version",
                        format!("{id} as of {}", hub_model::format_instant(instant)),
                    )
                })?
            }
        };
        if wanted.number == latest.version {
            return Ok((latest, Some(wanted)));
        }
        let snapshot = self.inner.lake.snapshot(id, SnapshotAt::Log(wanted.log_version)).await?;
        Ok((snapshot, Some(wanted)))
    }

    /// The record of the snapshot's version. Where a process died between the lake's commit and the
    /// registry's record, or another process is just between them, the lake's log fills the gap.
    pub(crate) async fn recorded_version(
        &self,
        id: &DatasetId,
        snapshot: &Snapshot,
    ) -> Result<Option<VersionRecord>, AppError> {
        if snapshot.version == 0 {
            return Ok(None);
        }
        let Inner { known, registry, .. } = self.inner.as_ref();
        if let Some(record) = known.version(registry, id, snapshot.version).await? {
            return Ok(Some(record));
        }
        self.copy_versions_from_log(id).await?;
        known.version(registry, id, snapshot.version).await
    }

    /// Records a version. Where the one before it is not recorded, because its process died or the
    /// registry was away, the log fills the gap, so that no withdrawal goes unnoticed.
    pub(crate) async fn record_version(
        &self,
        id: &DatasetId,
        version: &VersionRecord,
    ) -> Result<(), AppError> {
        let before = version.number - 1;
        if before > 0 && self.inner.registry.version(id, before).await?.is_none() {
            self.copy_versions_from_log(id).await?;
        }
        Ok(self.inner.registry.record_version(id, version).await?)
    }

    pub(crate) async fn copy_versions_from_log(&self, id: &DatasetId) -> Result<(), AppError> {
        let mut after = self.inner.registry.latest_version(id).await?.map(|v| v.log_version);
        loop {
            let records = self.inner.lake.versions_since(id, after).await?;
            let Some(last) = records.last() else { return Ok(()) };
            after = Some(last.log_version);
            for record in &records {
                self.inner.registry.record_version(id, record).await?;
            }
        }
    }
}
