//! Sources to be cited: of a statement without running it, and of versions by their names.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hub_model::{DatasetId, Principal, Source};

use crate::{App, AppError, SqlRequest, VersionSelector};

/// How many versions are cited at once.
const MAX_SOURCES: usize = 100;

impl App {
    /// The versions that a statement reads, without running it.
    pub async fn sources_of_query(
        &self,
        principal: &Principal,
        request: SqlRequest,
    ) -> Result<Vec<Source>, AppError> {
        self.prepare_query(principal, request).await?.checked_sources()
    }

    /// What is to be said of these versions.
    pub async fn sources_of_versions(
        &self,
        principal: &Principal,
        versions: &BTreeMap<DatasetId, VersionSelector>,
    ) -> Result<Vec<Source>, AppError> {
        if versions.is_empty() || versions.len() > MAX_SOURCES {
            return Err(AppError::InvalidRequest(format!(
                "name 1 to {MAX_SOURCES} dataset versions"
            )));
        }
        let mut sources = Vec::with_capacity(versions.len());
        for (dataset, version) in versions {
            sources.push(self.open_dataset(principal, dataset, *version).await?.source);
        }
        Ok(sources)
    }

    /// Now, as citations say when something was viewed.
    pub fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now()
    }
}
