//! The steps of a set: every table planned, checked and staged; then the datasets made that are not there;
//! then each table committed.

use std::sync::Arc;

use hub_intake::{ArchiveTable, ArchiveTables, IntakeError};
use hub_model::{DatasetId, Principal, UploadId, UploadReport};
use hub_registry::DatasetFilter;

use super::{
    PublishedTable, RefusedTable, SetPublication, SetRequest,
    plan::{Part, Target, hint},
};
use crate::{
    App, AppError, Progress, Publication, UploadRequest,
    jobs::{StoredRequestV1, Terms},
    policy,
    publish_upload::Publishable,
    spool::Spooled,
};

/// How many of an agency's datasets are looked through for those of a set.
const LOOKED_THROUGH: usize = 1_000;

/// One archive being worked on.
pub(super) struct Work {
    app: App,
    principal: Principal,
    set: DatasetId,
    request: SetRequest,
    spooled: Arc<Spooled>,
}

impl Work {
    pub(super) fn new(
        app: App,
        principal: Principal,
        set: DatasetId,
        request: SetRequest,
        spooled: Spooled,
    ) -> Self {
        Self { app, principal, set, request, spooled: Arc::new(spooled) }
    }

    pub(super) async fn run(self) -> Result<SetPublication, AppError> {
        let archive = self.archive().await?;
        let mut parts = self.plan(&archive).await?;
        if let Err(error) = self.check(&mut parts).await {
            for part in parts.iter_mut().filter(|part| part.is_recorded) {
                self.app.end_upload(&mut part.upload, Err(&error)).await?;
            }
            return Err(error);
        }
        let tables = self.commit(parts).await?;
        let untouched = self.untouched(&archive).await?;
        Ok(SetPublication { tables, links: archive.links, untouched })
    }

    async fn archive(&self) -> Result<ArchiveTables, AppError> {
        let (app, spooled, hint) =
            (self.app.clone(), Arc::clone(&self.spooled), self.request.hint.clone());
        let listing = tokio::task::spawn_blocking(move || {
            let options = app.intake_options();
            let archive = app.inner.config.decoding.list(spooled.open()?, &hint, &options)?;
            archive.ok_or_else(|| AppError::from(IntakeError::not_several()))
        });
        listing.await.map_err(|error| AppError::Broken(error.to_string()))?
    }

    /// Finds each table's dataset and records the uploads of those that are there.
    async fn plan(&self, archive: &ArchiveTables) -> Result<Vec<Part>, AppError> {
        let mut targets = Vec::new();
        let mut unknown = Vec::new();
        for table in &archive.tables {
            let propose = async |hint| {
                let (app, spooled) = (self.app.clone(), Arc::clone(&self.spooled));
                let proposing = tokio::task::spawn_blocking(move || {
                    let options = app.intake_options();
                    let decoding = &app.inner.config.decoding;
                    Ok::<_, AppError>(decoding.propose(spooled.open()?, &hint, &options)?)
                });
                proposing.await.map_err(|error| AppError::Broken(error.to_string()))?
            };
            match self.app.target(&self.set, &self.request, archive, table, propose).await? {
                Some(target) => targets.push((table, target)),
                None => unknown.push(table.file_name.clone()),
            }
        }
        if !unknown.is_empty() {
            return Err(AppError::UnknownTables { set: self.set.clone(), files: unknown });
        }
        let mut parts = Vec::new();
        for (table, target) in targets {
            match self.part(table, target).await {
                Ok(part) => parts.push(part),
                Err(error) => {
                    for part in parts.iter_mut().filter(|part: &&mut Part| part.is_recorded) {
                        self.app.end_upload(&mut part.upload, Err(&error)).await?;
                    }
                    return Err(error);
                }
            }
        }
        Ok(parts)
    }

    async fn part(&self, table: &ArchiveTable, target: Target) -> Result<Part, AppError> {
        let Target { dataset, contract, new } = target;
        let request = UploadRequest {
            dataset: dataset.clone(),
            mode: self.request.mode,
            on_error: self.request.on_error,
            hint: hint(&self.request, table),
            idempotency_key: self.request.idempotency_key.clone(),
            expected_sha256: None,
        };
        let id = UploadId::generate();
        let upload = self.app.record_of(id, &self.principal, &request, &self.spooled);
        let mut part = Part {
            table: table.name.clone(),
            dataset,
            contract,
            new,
            request,
            upload,
            is_recorded: false,
            replayed: None,
            staged: None,
        };
        if part.new.is_none() {
            self.record(&mut part).await?;
        }
        Ok(part)
    }

    /// Records a table's upload in its dataset, unless this very request published it before.
    async fn record(&self, part: &mut Part) -> Result<(), AppError> {
        let registry = &self.app.inner.registry;
        registry.begin_upload(&part.upload).await?;
        if let Some(key) = &part.request.idempotency_key {
            let (id, sha256) = (part.upload.id, part.upload.sha256.clone().unwrap_or_default());
            let reserving = self.app.reserve(&self.principal, &part.request, key, &sha256, &id);
            match reserving.await {
                Ok(None) => {}
                repeated => {
                    registry.discard_upload(&id).await?;
                    part.replayed = Some(self.app.answer_again(repeated?, key).await?);
                    return Ok(());
                }
            }
        }
        let stored = StoredRequestV1::new(&part.request, &part.upload, Terms::WaitedFor);
        if let Err(error) = self.app.keep_original(&part.upload, &stored, &self.spooled).await {
            self.app.end_upload(&mut part.upload, Err(&error)).await?;
            return Err(error);
        }
        part.is_recorded = true;
        Ok(())
    }

    /// Checks and stages every table; an error where one of them can't be published.
    async fn check(&self, parts: &mut [Part]) -> Result<(), AppError> {
        let mut refused = Vec::new();
        for part in parts.iter_mut().filter(|part| part.replayed.is_none()) {
            if part.is_recorded {
                self.app.inner.registry.touch_upload(&part.upload.id).await?;
            }
            let checked = self.stage(part).await;
            let (report, staged) = checked.map_err(|error| in_table(error, &part.table))?;
            part.upload.format = Some(report.format.clone());
            part.upload.report = Some(report);
            part.staged = staged;
            // Keys that an append meets in the dataset are found before any table is published.
            if let Some(staged) = part.staged.take_if(|_| part.new.is_none()) {
                match self.app.prepare_checked(&part.contract, &mut part.upload, staged).await {
                    Ok(prepared) => part.staged = Some(prepared),
                    Err(AppError::ContractViolated { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            if part.staged.is_none()
                && let Some(report) = part.upload.report.clone()
            {
                refused.push(RefusedTable {
                    table: part.table.clone(),
                    dataset: part.dataset.clone(),
                    upload: part.is_recorded.then_some(part.upload.id),
                    report,
                });
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(AppError::SetRefused { tables: refused }) }
    }

    async fn stage(&self, part: &Part) -> Result<(UploadReport, Option<Publishable>), AppError> {
        let (app, spooled) = (self.app.clone(), Arc::clone(&self.spooled));
        let (id, dataset, contract) = (part.upload.id, part.dataset.clone(), part.contract.clone());
        let request = part.request.clone();
        let staging = tokio::task::spawn_blocking(move || {
            app.check_and_stage(id, &dataset, &contract, &spooled, &request, &Progress::default())
        });
        staging.await.map_err(|error| AppError::Broken(error.to_string()))?
    }

    /// Makes the datasets that are not there, and makes every table visible.
    async fn commit(&self, mut parts: Vec<Part>) -> Result<Vec<PublishedTable>, AppError> {
        let mut published = Vec::new();
        let mut failed = None;
        for part in &mut parts {
            let is_new = part.new.is_some();
            let table = part.table.clone();
            if let Some(publication) = part.replayed.take() {
                published.push(PublishedTable { table, is_new, publication });
                continue;
            }
            match self.commit_one(part).await {
                Ok(publication) => published.push(PublishedTable { table, is_new, publication }),
                Err(error) => {
                    failed = Some((part.dataset.clone(), error));
                    break;
                }
            }
        }
        let Some((dataset, cause)) = failed else { return Ok(published) };
        let done: Vec<_> = published
            .iter()
            .map(|table| {
                (table.publication.upload.dataset.clone(), table.publication.version.number)
            })
            .collect();
        let left: Vec<&mut Part> = parts.iter_mut().skip(done.len() + 1).collect();
        let error = AppError::SetIncomplete {
            published: done,
            failed: dataset,
            cause: Box::new(cause),
            left: left.iter().map(|part| part.dataset.clone()).collect(),
        };
        for part in left.into_iter().filter(|part| part.is_recorded) {
            self.app.end_upload(&mut part.upload, Err(&AppError::Stopping)).await?;
        }
        Err(error)
    }

    async fn commit_one(&self, part: &mut Part) -> Result<Publication, AppError> {
        if let Some(metadata) = part.new.take() {
            let contract = part.contract.clone();
            self.app.put_dataset(&self.principal, &part.dataset, &metadata, contract).await?;
            self.record(part).await?;
            if let Some(publication) = part.replayed.take() {
                return Ok(publication);
            }
        }
        let Some(staged) = part.staged.take() else {
            return Err(AppError::Broken("a table was not staged".to_owned()));
        };
        let outcome = self.app.commit_checked(&part.contract, &mut part.upload, staged).await;
        self.app.end_upload(&mut part.upload, outcome.as_ref()).await?;
        let kind = outcome.as_ref().err().map(AppError::kind);
        self.app.inner.metrics.count_upload(kind);
        Ok(Publication { upload: part.upload.clone(), version: outcome?, replayed: false })
    }

    /// The set's datasets that the archive has no table for.
    async fn untouched(&self, archive: &ArchiveTables) -> Result<Vec<DatasetId>, AppError> {
        let filter = DatasetFilter {
            text: None,
            agency: Some(self.set.agency().clone()),
            readable: policy::readable(&self.principal),
            after: None,
            limit: LOOKED_THROUGH,
        };
        let datasets = self.app.inner.registry.datasets(&filter).await?;
        let of_set = |id: &DatasetId| {
            let table = id.name().strip_prefix(self.set.name())?.strip_prefix('_')?.to_owned();
            Some(!archive.tables.iter().any(|known| known.name == table))
        };
        let ids = datasets.into_iter().map(|record| record.id);
        Ok(ids.filter(|id| of_set(id) == Some(true)).collect())
    }
}

/// Says of a file's fault which table of the archive it is in.
fn in_table(error: AppError, table: &str) -> AppError {
    match error {
        AppError::Intake(error) => AppError::Intake(error.in_file(table)),
        other => other,
    }
}
