//! A contract proposed from a file, for a person to confirm. Nothing is kept of the file.

use hub_intake::{FormatHint, Proposal};
use hub_model::{Principal, UploadId};

use crate::{
    App, AppError, Body,
    policy::{Action, permit},
};

/// A file to propose a contract from.
#[derive(Debug, Clone)]
pub struct ProposalFile {
    /// What is known of the file's format.
    pub hint: FormatHint,
}

impl App {
    /// Reads the whole file and proposes what its contract could be.
    pub async fn propose_contract(
        &self,
        principal: &Principal,
        request: ProposalFile,
        body: Body,
    ) -> Result<Proposal, AppError> {
        permit(principal, Action::Propose)?;
        let place = self.upload_place()?;
        let spooled = self.spool(&UploadId::generate().to_string(), body).await?;
        let app = self.clone();
        let proposal = tokio::task::spawn_blocking(move || {
            let _place = place;
            let options = app.intake_options();
            let decoding = &app.inner.config.decoding;
            Ok::<_, AppError>(decoding.propose(spooled.open()?, &request.hint, &options)?)
        });
        proposal.await.map_err(|error| AppError::Broken(error.to_string()))?
    }
}
