//! The way of a grid: its datasets are opened for the principal, their contracts make a statement of the
//! request, and that goes the way of every statement.

use std::collections::BTreeMap;

use hub_model::{DatasetId, Principal};
use hub_query::GridRequest;

use crate::{App, AppError, PreparedQuery, SqlRequest, VersionSelector};

/// Measures to put on one grid.
#[derive(Debug, Clone, Default)]
pub struct AlignRequest {
    /// The measures, the grid and what is said of gaps.
    pub grid: GridRequest,
    /// Which versions to read.
    pub versions: BTreeMap<DatasetId, VersionSelector>,
    /// Which version to read of datasets that `versions` does not name; the newest by default.
    pub others: VersionSelector,
    /// Whether rows are read where rollups would tell the same.
    pub without_rollups: bool,
}

impl App {
    /// Opens what the grid reads, each dataset at one version. A dataset that the principal may not read is
    /// one that does not exist.
    pub async fn prepare_align(
        &self,
        principal: &Principal,
        request: AlignRequest,
    ) -> Result<PreparedQuery, AppError> {
        let mut contracts = Vec::new();
        for id in request.grid.datasets() {
            let version = request.versions.get(id).copied().unwrap_or(request.others);
            let opened = self.open_dataset(principal, id, version).await?;
            contracts.push((id.clone(), opened.table().contract));
        }
        let statement = SqlRequest {
            sql: request.grid.statement(&contracts)?,
            parameters: Vec::new(),
            versions: request.versions,
            others: request.others,
            without_rollups: request.without_rollups,
        };
        self.prepare_query(principal, statement).await
    }
}
