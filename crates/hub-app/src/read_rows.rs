//! A dataset's rows without SQL: filtered, ordered, by pages that stay with one version.

use hub_model::{DatasetId, Principal, Source};
use hub_query::{Cursor, LatestRequest, OrderBy, RowFilter, RowsPage, RowsRequest};

use crate::{Answer, App, AppError, VersionSelector};

/// Rows to read.
#[derive(Debug, Clone)]
pub struct RowsRead {
    /// Of which dataset.
    pub dataset: DatasetId,
    /// In which version. A cursor brings its own.
    pub version: VersionSelector,
    /// Which columns; all where none are named.
    pub select: Option<Vec<String>>,
    /// Which rows.
    pub filters: Vec<RowFilter>,
    /// Whether values of bad quality are shown too.
    pub with_quality: bool,
    /// In which order.
    pub order: Vec<OrderBy>,
    /// How many at most.
    pub limit: usize,
    /// After which page.
    pub cursor: Option<Cursor>,
}

/// The newest row of each series.
#[derive(Debug, Clone)]
pub struct LatestRead {
    /// Of which dataset.
    pub dataset: DatasetId,
    /// In which version.
    pub version: VersionSelector,
    /// Which columns; all where none are named.
    pub select: Option<Vec<String>>,
    /// Which rows.
    pub filters: Vec<RowFilter>,
    /// Whether values of bad quality are shown too.
    pub with_quality: bool,
}

/// What reading came to.
#[derive(Debug)]
pub enum Reading<T> {
    /// The caller holds the answer to this state already.
    Unchanged(String),
    /// The answer, and the name of the state it depends on.
    Read {
        /// What was read.
        answer: T,
        /// Equal names promise equal answers.
        state: String,
    },
}

impl App {
    /// Opens the dataset and reads a page of its rows; `unchanged` is asked with the state's name first
    /// and may spare the reading.
    pub async fn read_rows(
        &self,
        principal: &Principal,
        read: RowsRead,
        unchanged: impl FnOnce(&str) -> bool,
    ) -> Result<Reading<(RowsPage, Source)>, AppError> {
        let version = match &read.cursor {
            Some(cursor) => VersionSelector::Log(cursor.log_version()),
            None => read.version,
        };
        let opened = self.open_dataset(principal, &read.dataset, version).await?;
        let state = opened.state();
        if unchanged(&state) {
            return Ok(Reading::Unchanged(state));
        }
        let request = RowsRequest {
            table: opened.table(),
            select: read.select,
            filters: read.filters,
            order: read.order,
            with_quality: read.with_quality,
            limit: read.limit,
            cursor: read.cursor,
        };
        let page = self.inner.engine.rows(request).await;
        self.inner.metrics.count_query(page.as_ref().err().map(hub_query::QueryError::kind));
        Ok(Reading::Read { answer: (page?, opened.source), state })
    }

    /// Opens the dataset and reads the newest row of each series; `unchanged` as for rows.
    pub async fn read_latest(
        &self,
        principal: &Principal,
        read: LatestRead,
        unchanged: impl FnOnce(&str) -> bool,
    ) -> Result<Reading<Answer>, AppError> {
        let opened = self.open_dataset(principal, &read.dataset, read.version).await?;
        let state = opened.state();
        if unchanged(&state) {
            return Ok(Reading::Unchanged(state));
        }
        let request = LatestRequest {
            table: opened.table(),
            select: read.select,
            filters: read.filters,
            with_quality: read.with_quality,
        };
        let stream = self.inner.engine.latest(request).await;
        self.inner.metrics.count_query(stream.as_ref().err().map(hub_query::QueryError::kind));
        let answer = Answer { stream: stream?, sources: vec![opened.source] };
        Ok(Reading::Read { answer, state })
    }
}
