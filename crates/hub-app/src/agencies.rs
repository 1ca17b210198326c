//! Agencies: who takes part.

use hub_model::{Agency, AgencyId, Principal};

use crate::{
    App, AppError,
    policy::{Action, permit},
};

impl App {
    /// Makes an agency, or changes what is said of it. Answers whether it is new.
    pub async fn put_agency(
        &self,
        principal: &Principal,
        agency: &Agency,
    ) -> Result<bool, AppError> {
        permit(principal, Action::Administer)?;
        if agency.name.is_empty() {
            return Err(AppError::InvalidRequest(
                "give the agency a name in ja, en or both".to_owned(),
            ));
        }
        if self.inner.registry.agency(&agency.id).await?.is_some() {
            self.inner.registry.update_agency(agency).await?;
            return Ok(false);
        }
        self.inner.registry.create_agency(agency).await?;
        Ok(true)
    }

    /// One agency.
    pub async fn agency(&self, id: &AgencyId) -> Result<Agency, AppError> {
        self.inner.registry.agency(id).await?.ok_or_else(|| AppError::not_found("agency", id))
    }

    /// Agencies by id, after one of them.
    pub async fn agencies(
        &self,
        after: Option<&AgencyId>,
        limit: usize,
    ) -> Result<Vec<Agency>, AppError> {
        Ok(self.inner.registry.agencies(after, limit).await?)
    }
}
