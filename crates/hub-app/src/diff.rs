//! What differs between two versions of a dataset.

use hub_model::{DatasetId, Principal, VersionNumber};
use hub_query::DiffRequest;

use crate::{Answer, App, AppError, Reading, VersionSelector};

/// Two versions to compare.
#[derive(Debug, Clone)]
pub struct DiffRead {
    /// Of which dataset.
    pub dataset: DatasetId,
    /// The version that counts as the old one; 0 is the empty dataset.
    pub old: VersionNumber,
    /// The version that counts as the new one.
    pub new: VersionNumber,
    /// How many rows at most; all where nothing is said.
    pub limit: Option<usize>,
}

impl App {
    /// Opens both versions and compares them; `unchanged` as for rows.
    pub async fn read_diff(
        &self,
        principal: &Principal,
        read: DiffRead,
        unchanged: impl FnOnce(&str) -> bool,
    ) -> Result<Reading<Answer>, AppError> {
        let new = VersionSelector::Number(read.new);
        let new = self.open_dataset(principal, &read.dataset, new).await?;
        let (old, mut sources) = match read.old {
            0 => {
                let mut empty = new.snapshot.clone();
                empty.files = [].into();
                (empty, Vec::new())
            }
            number => {
                let number = VersionSelector::Number(number);
                let old = self.open_dataset(principal, &read.dataset, number).await?;
                (old.snapshot, vec![old.source])
            }
        };
        let state = format!("{}-{}", read.old, new.state());
        if unchanged(&state) {
            return Ok(Reading::Unchanged(state));
        }
        let request = DiffRequest {
            contract: new.table().contract,
            old,
            new: new.snapshot,
            limit: read.limit,
        };
        let stream = self.inner.engine.diff(request).await;
        self.inner.metrics.count_query(stream.as_ref().err().map(hub_query::QueryError::kind));
        sources.push(new.source);
        Ok(Reading::Read { answer: Answer { stream: stream?, sources }, state })
    }
}
