//! Datasets: what is said of them and what they promise.

use chrono::{DateTime, Utc};
use hub_lake::SnapshotAt;
use hub_model::{Contract, DatasetId, DatasetMetadata, Principal, Text, VersionRecord};
use hub_registry::{DatasetFilter, DatasetRecord};

use crate::{
    App, AppError, DataPeriod,
    policy::{self, Action, permit},
};

/// All that is known of a dataset beside its rows.
#[derive(Debug, Clone)]
pub struct DatasetDescription {
    /// Metadata, contract and revision.
    pub record: DatasetRecord,
    /// The newest version, if anything was published.
    pub latest: Option<VersionRecord>,
    /// Between which times it has data; none where it has no rows with a time.
    pub period: Option<DataPeriod>,
}

/// A dataset as listings show it.
#[derive(Debug, Clone)]
pub struct DatasetSummary {
    /// Metadata, contract and revision.
    pub record: DatasetRecord,
    /// The owning agency's name.
    pub publisher: Text,
    /// The newest version, if anything was published.
    pub latest: Option<VersionRecord>,
}

/// A page of a listing.
#[derive(Debug, Clone)]
pub struct DatasetPage {
    /// The datasets, by id.
    pub datasets: Vec<DatasetSummary>,
    /// Where the next page begins, if there is one.
    pub next: Option<DatasetId>,
}

impl DatasetDescription {
    /// Names the state of the description, for caches.
    pub fn state(&self) -> String {
        let version = self.latest.as_ref().map_or(0, |v| v.number);
        format!("{}@{version}r{}", self.record.id, self.record.revision)
    }

    /// When the data or what is said of it last changed.
    pub fn changed_at(&self) -> DateTime<Utc> {
        self.latest
            .as_ref()
            .map_or(self.record.updated_at, |v| v.committed_at.max(self.record.updated_at))
    }
}

impl App {
    /// Makes a dataset, or changes its metadata and lets its contract grow. Answers whether it is new.
    pub async fn put_dataset(
        &self,
        principal: &Principal,
        id: &DatasetId,
        metadata: &DatasetMetadata,
        contract: Contract,
    ) -> Result<(DatasetDescription, bool), AppError> {
        permit(principal, Action::WriteDatasets(id.agency()))?;
        let existing = self.inner.registry.dataset(id).await?;
        self.agency(id.agency()).await?;
        metadata.validate()?;
        let (record, new) = match existing {
            None => {
                let contract = contract.validated()?;
                // The table comes first: a registered dataset always has one.
                self.inner.lake.create(id, &contract).await?;
                (self.inner.registry.create_dataset(id, metadata, &contract).await?, true)
            }
            Some(old) => {
                let contract = old.contract.grown_to(contract)?;
                if contract.storage_schema() != old.contract.storage_schema() {
                    self.inner.lake.change_contract(id, &contract).await?;
                }
                let revision = old.revision;
                (
                    self.inner.registry.update_dataset(id, metadata, &contract, revision).await?,
                    false,
                )
            }
        };
        Ok((self.describe(record).await?, new))
    }

    /// One dataset.
    pub async fn describe_dataset(
        &self,
        principal: &Principal,
        id: &DatasetId,
    ) -> Result<DatasetDescription, AppError> {
        let record = self.readable_dataset(principal, id).await?;
        self.describe(record).await
    }

    async fn describe(&self, record: DatasetRecord) -> Result<DatasetDescription, AppError> {
        let snapshot = self.inner.lake.snapshot(&record.id, SnapshotAt::Latest).await?;
        let latest = self.recorded_version(&record.id, &snapshot).await?;
        let period = DataPeriod::of(&record.contract, &snapshot);
        Ok(DatasetDescription { record, latest, period })
    }

    /// Datasets the principal may read, by id, that match every word of `text`.
    pub async fn datasets(
        &self,
        principal: &Principal,
        text: Option<String>,
        agency: Option<hub_model::AgencyId>,
        after: Option<DatasetId>,
        limit: usize,
    ) -> Result<DatasetPage, AppError> {
        let filter = DatasetFilter {
            text,
            agency,
            readable: policy::readable(principal),
            after,
            limit: limit + 1,
        };
        let mut records = self.inner.registry.datasets(&filter).await?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = if more { records.last().map(|r| r.id.clone()) } else { None };
        let ids: Vec<_> = records.iter().map(|r| r.id.clone()).collect();
        let mut latest = self.inner.registry.latest_versions(&ids).await?;
        let mut datasets = Vec::with_capacity(records.len());
        let mut publisher: Option<hub_model::Agency> = None;
        for record in records {
            if publisher.as_ref().is_none_or(|agency| agency.id != *record.id.agency()) {
                publisher = Some(self.agency(record.id.agency()).await?);
            }
            let name = publisher.as_ref().map(|agency| agency.name.clone()).unwrap_or_default();
            let latest = latest.remove(&record.id);
            datasets.push(DatasetSummary { record, publisher: name, latest });
        }
        Ok(DatasetPage { datasets, next })
    }

    /// The dataset's record, if the principal may change its agency's datasets. Whether it exists is not
    /// asked before, so that the answer tells others nothing.
    pub(crate) async fn writable_dataset(
        &self,
        principal: &Principal,
        id: &DatasetId,
    ) -> Result<DatasetRecord, AppError> {
        permit(principal, Action::WriteDatasets(id.agency()))?;
        let record = self.inner.registry.dataset(id).await?;
        record.ok_or_else(|| AppError::not_found("dataset", id))
    }
}
