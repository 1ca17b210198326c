//! A file looked at before it is published: what it is taken for, its first rows, and what is wrong with
//! it. Nothing is kept of the file.

use hub_intake::{FormatHint, Trial};
use hub_model::{Contract, DatasetId, Principal, UploadId};

use crate::{
    App, AppError, Body,
    policy::{Action, permit},
};

/// A file to look at.
#[derive(Debug, Clone)]
pub struct PreviewRequest {
    /// What is known of the file's format.
    pub hint: FormatHint,
    /// The dataset it is for; a contract is proposed where there is none.
    pub dataset: Option<DatasetId>,
}

impl App {
    /// Reads the whole file as an upload does, and says what it would come to, and by which contract: the
    /// dataset's, or the one that is proposed. None is there for an archive of several tables.
    pub async fn preview_file(
        &self,
        principal: &Principal,
        request: PreviewRequest,
        body: Body,
    ) -> Result<(Trial, Option<Contract>), AppError> {
        permit(principal, Action::Propose)?;
        let contract = match &request.dataset {
            Some(dataset) => Some(self.writable_dataset(principal, dataset).await?.contract),
            None => None,
        };
        let place = self.upload_place()?;
        let spooled = self.spool(&UploadId::generate().to_string(), body).await?;
        let app = self.clone();
        let trial = tokio::task::spawn_blocking(move || {
            let _place = place;
            let (file, options) = (spooled.open()?, app.intake_options());
            let decoding = &app.inner.config.decoding;
            let trial = decoding.try_file(file, &request.hint, contract.as_ref(), &options)?;
            let proposed = trial.proposal.as_ref().map(|proposal| proposal.contract.clone());
            let contract = contract.filter(|_| trial.report.is_some()).or(proposed);
            Ok::<_, AppError>((trial, contract))
        });
        trial.await.map_err(|error| AppError::Broken(error.to_string()))?
    }
}
