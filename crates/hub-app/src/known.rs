//! What is kept of the registry and the lake between requests. Nothing here is believed without asking. Where
//! no other process writes, asking is comparing two numbers: what was read holds as long as this process
//! wrote nothing. Elsewhere a dataset's record holds as long as its revision does, which every request reads,
//! and a version's record never changes. Who may read is decided anew for every request, from a record that
//! holds.

use std::sync::Arc;

use hub_lake::Lake;
use hub_model::{Contract, DatasetId, Text, VersionNumber, VersionRecord};
use hub_registry::{DatasetRecord, Registry};
use moka::future::Cache;

use crate::{
    AnswerKey, AppError, Coverage,
    joinable::{Advice, Profile},
    snapshots::OpenDataset,
};

/// How many datasets' records are kept; a wide contract takes some hundred kilobytes.
const DATASETS: u64 = 1_000;

/// Bytes of what is kept of coverage.
const COVERAGE_BYTES: u64 = 32 << 20;

/// Bytes of what is kept of the values by which datasets can be joined.
const PROFILE_BYTES: u64 = 32 << 20;

/// How many datasets' joins are kept; what is told of one takes some ten kilobytes.
const ADVICE: u64 = 500;

/// How many versions' records are kept.
const VERSIONS: u64 = 10_000;

/// Of how many statements it is kept what they were opened at.
const STATEMENTS: u64 = 10_000;

/// A dataset's record, shared by those who read it at once.
#[derive(Debug)]
pub(crate) struct KnownDataset {
    pub(crate) record: DatasetRecord,
    /// The record's contract. What was prepared for reading is found by its address.
    pub(crate) contract: Arc<Contract>,
}

/// The records of late.
#[derive(Debug)]
pub(crate) struct Known {
    datasets: Cache<DatasetId, Arc<KnownDataset>>,
    versions: Cache<(DatasetId, VersionNumber), VersionRecord>,
    /// By the state that it was counted at.
    coverage: Cache<String, Option<Arc<Coverage>>>,
    /// By the state that they were looked at.
    profiles: Cache<String, Arc<Profile>>,
    /// By the states of all that it was made from.
    advice: Cache<String, Arc<Advice>>,
    /// Datasets as they were opened at their newest version.
    newest: Cache<DatasetId, (Stand, OpenDataset)>,
    /// What statements were opened at.
    states: Cache<AnswerKey, (Stand, Arc<str>)>,
}

/// How much this process, the only one that writes, has written: what was read at a stand is what there is
/// at the same stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stand {
    registry: u64,
    lake: u64,
}

impl Stand {
    /// Where things stand; none where other processes write.
    pub(crate) fn now(registry: &Registry, lake: &Lake) -> Option<Self> {
        // The lake first: what reads it on the way may write to the registry what it finds.
        Some(Self { lake: lake.changes(), registry: registry.writes()? })
    }
}

impl Known {
    pub(crate) fn new() -> Self {
        let coverage = Cache::builder()
            .max_capacity(COVERAGE_BYTES)
            .weigher(|_: &String, coverage: &Option<Arc<Coverage>>| {
                coverage.as_ref().map_or(256, |coverage| coverage.bytes())
            })
            .build();
        let profiles = Cache::builder()
            .max_capacity(PROFILE_BYTES)
            .weigher(|_: &String, profile: &Arc<Profile>| profile.bytes())
            .build();
        Self {
            datasets: Cache::new(DATASETS),
            versions: Cache::new(VERSIONS),
            coverage,
            profiles,
            advice: Cache::new(ADVICE),
            newest: Cache::new(DATASETS),
            states: Cache::new(STATEMENTS),
        }
    }

    /// The dataset as it was opened at this stand, for whoever; who may read it is not decided here.
    pub(crate) async fn newest(&self, id: &DatasetId, stand: Stand) -> Option<OpenDataset> {
        let (of, opened) = self.newest.get(id).await?;
        (of == stand).then_some(opened)
    }

    /// Keeps a dataset as it was opened after things stood so.
    pub(crate) async fn keep_newest(&self, stand: Stand, opened: OpenDataset) {
        self.newest.insert(opened.snapshot.dataset.clone(), (stand, opened)).await;
    }

    /// The state that a question was opened at, where that was at this stand.
    pub(crate) async fn state(&self, question: &AnswerKey, stand: Stand) -> Option<Arc<str>> {
        let (of, state) = self.states.get(question).await?;
        (of == stand).then_some(state)
    }

    /// Keeps the state that a question was opened at after things stood so.
    pub(crate) async fn keep_state(&self, question: AnswerKey, stand: Stand, state: &str) {
        self.states.insert(question, (stand, state.into())).await;
    }

    /// The dataset as the registry has it now, with its agency's name; whoever may see it.
    pub(crate) async fn dataset(
        &self,
        registry: &Registry,
        id: &DatasetId,
    ) -> Result<Option<(Arc<KnownDataset>, Text)>, AppError> {
        let Some(state) = registry.dataset_state(id).await? else { return Ok(None) };
        if let Some(known) = self.datasets.get(id).await
            && known.record.revision == state.revision
        {
            return Ok(Some((known, state.publisher)));
        }
        let Some(record) = registry.dataset(id).await? else { return Ok(None) };
        let contract = Arc::new(record.contract.clone());
        let known = Arc::new(KnownDataset { record, contract });
        self.datasets.insert(id.clone(), Arc::clone(&known)).await;
        Ok(Some((known, state.publisher)))
    }

    /// The record of a version, where it is recorded by now.
    pub(crate) async fn version(
        &self,
        registry: &Registry,
        id: &DatasetId,
        number: VersionNumber,
    ) -> Result<Option<VersionRecord>, AppError> {
        let key = (id.clone(), number);
        if let Some(record) = self.versions.get(&key).await {
            return Ok(Some(record));
        }
        let record = registry.version(id, number).await?;
        if let Some(record) = &record {
            self.versions.insert(key, record.clone()).await;
        }
        Ok(record)
    }

    /// The coverage of a dataset at this state, where it was counted.
    pub(crate) async fn coverage(&self, state: &str) -> Option<Option<Arc<Coverage>>> {
        self.coverage.get(state).await
    }

    /// Keeps the coverage of a dataset at this state.
    pub(crate) async fn keep_coverage(&self, state: String, coverage: Option<Arc<Coverage>>) {
        self.coverage.insert(state, coverage).await;
    }

    /// What is known for joining a dataset at this state.
    pub(crate) async fn profile(&self, state: &str) -> Option<Arc<Profile>> {
        self.profiles.get(state).await
    }

    /// Keeps what is known for joining a dataset at this state.
    pub(crate) async fn keep_profile(&self, state: String, profile: Arc<Profile>) {
        self.profiles.insert(state, profile).await;
    }

    /// The joins that were told at this state.
    pub(crate) async fn advice(&self, state: &str) -> Option<Arc<Advice>> {
        self.advice.get(state).await
    }

    /// Keeps the joins that are told at this state.
    pub(crate) async fn keep_advice(&self, state: String, advice: Arc<Advice>) {
        self.advice.insert(state, advice).await;
    }
}
