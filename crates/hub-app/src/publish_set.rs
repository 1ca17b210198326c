//! A set of datasets out of one archive: every table of it is a dataset of its own, and all are published
//! or none, as far as there is one commit a dataset.
//!
//! Every table is checked and staged before the first is committed. Only a commit itself can break off in
//! the middle, as when a store goes away; then it is said which tables are published, and the same request
//! sent again publishes the others.

mod plan;
mod work;

use hub_intake::{FormatHint, TableLink};
use hub_model::{AgencyId, DatasetId, OnError, Principal, UploadId, UploadMode, UploadReport};

use crate::{
    App, AppError, Body, Publication,
    policy::{Action, permit},
};
use work::Work;

/// What an agency asks for with an archive of several tables.
#[derive(Debug, Clone)]
pub struct SetRequest {
    /// Whose datasets they are.
    pub agency: AgencyId,
    /// What the datasets' names begin with: `bus` for `bus_stops`.
    pub name: String,
    /// How each table changes its dataset.
    pub mode: UploadMode,
    /// What is done with cells that break a contract.
    pub on_error: OnError,
    /// What is known of the archive.
    pub hint: FormatHint,
    /// A name for this request, so that it can be sent again safely.
    pub idempotency_key: Option<String>,
    /// The SHA-256 the sender computed.
    pub expected_sha256: Option<[u8; 32]>,
}

/// A published set.
#[derive(Debug)]
pub struct SetPublication {
    /// Its tables, in the order in which they were published.
    pub tables: Vec<PublishedTable>,
    /// How they hang together, where that is known.
    pub links: Vec<TableLink>,
    /// Datasets of the set that this archive has no table for; they are as they were.
    pub untouched: Vec<DatasetId>,
}

/// One table of a published set.
#[derive(Debug)]
pub struct PublishedTable {
    /// The table's name.
    pub table: String,
    /// Whether its dataset was made for it.
    pub is_new: bool,
    /// What became of it.
    pub publication: Publication,
}

/// One table of a refused set that breaks its contract.
#[derive(Debug)]
pub struct RefusedTable {
    /// The table's name.
    pub table: String,
    /// The dataset it is for.
    pub dataset: DatasetId,
    /// Its upload; none where the dataset is not there yet.
    pub upload: Option<UploadId>,
    /// What is wrong and where.
    pub report: UploadReport,
}

impl App {
    /// Takes an archive and publishes every table of it, or says all that is wrong with them.
    pub async fn publish_set(
        &self,
        principal: &Principal,
        request: SetRequest,
        body: Body,
    ) -> Result<SetPublication, AppError> {
        if self.inner.stopping.is_cancelled() {
            return Err(AppError::Stopping);
        }
        permit(principal, Action::WriteDatasets(&request.agency))?;
        self.agency(&request.agency).await?;
        let set = DatasetId::new(request.agency.clone(), &request.name)?;
        let place = self.upload_place()?;
        let spooled = self.spool(&UploadId::generate().to_string(), body).await?;
        spooled.check(request.expected_sha256)?;
        let work = Work::new(self.clone(), principal.clone(), set, request, spooled);
        // What has begun comes to its end, whether or not its sender stays.
        let work = self.inner.tasks.spawn(async move {
            let _place = place;
            work.run().await
        });
        work.await.map_err(|error| AppError::Broken(error.to_string()))?
    }
}
