//! The list of versions, for people and for selecting by number or instant. The lake is the truth; what
//! is missing here can be recorded again from its commits.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use hub_model::{DatasetId, UploadId, VersionNumber, VersionRecord, Withdrawal};
use sqlx::AssertSqlSafe;

use crate::{
    Registry, RegistryError,
    database::{Bind, Reference, Row, binds, count},
};

const COLUMNS: &str = "v.number, v.log_version, v.committed_at, v.committed_by, v.upload, v.mode, \
     v.rows_added, v.rows_total, v.bytes_added, v.bytes_total, v.rows_changed, v.rows_removed, \
     v.rows_unchanged, v.withdraws, v.restores, v.reason";

/// How many datasets one statement asks for; databases bound the number of a statement's values.
const DATASETS_AT_ONCE: usize = 500;

impl Registry {
    /// Records a version. The same record again changes nothing; another one of the same number is a
    /// conflict.
    pub async fn record_version(
        &self,
        dataset: &DatasetId,
        version: &VersionRecord,
    ) -> Result<(), RegistryError> {
        let withdrawal = version.withdrawal.as_ref();
        let added = self
            .database
            .write_under(
                "recording a version",
                Reference("dataset", dataset),
                "INSERT INTO versions (dataset, number, log_version, committed_at, committed_by,
                     upload, mode, rows_added, rows_total, bytes_added, bytes_total,
                     rows_changed, rows_removed, rows_unchanged, withdraws, restores, reason)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                     $17)
                 ON CONFLICT (dataset, number) DO NOTHING",
                binds![
                    dataset.to_string(),
                    count(version.number)?,
                    count(version.log_version)?,
                    version.committed_at,
                    version.committed_by.as_str(),
                    version.upload_id.to_string(),
                    version.mode.as_str(),
                    count(version.rows_added)?,
                    count(version.rows_total)?,
                    count(version.bytes_added)?,
                    count(version.bytes_total)?,
                    version.rows_changed.map(count).transpose()?,
                    version.rows_removed.map(count).transpose()?,
                    version.rows_unchanged.map(count).transpose()?,
                    withdrawal.map(|w| count(w.version)).transpose()?,
                    withdrawal.map(|w| count(w.restores)).transpose()?,
                    withdrawal.map(|w| w.reason.as_str()),
                ],
            )
            .await?;
        if added > 0 {
            return Ok(());
        }
        let there = self.version(dataset, version.number).await?;
        if there.is_some_and(|there| is_same(&there, version)) {
            return Ok(());
        }
        Err(RegistryError::conflict(
            "list of versions of",
            dataset,
            "another version has this number; read the lake's log again",
        ))
    }

    /// The version of this number.
    pub async fn version(
        &self,
        dataset: &DatasetId,
        number: VersionNumber,
    ) -> Result<Option<VersionRecord>, RegistryError> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        let list = self
            .select("v.dataset = $1 AND v.number = $2", binds![dataset.to_string(), number])
            .await?;
        Ok(list.into_iter().next())
    }

    /// The versions that withdraw others, oldest first. There are few in a dataset.
    pub async fn withdrawals(
        &self,
        dataset: &DatasetId,
    ) -> Result<Vec<VersionRecord>, RegistryError> {
        self.select(
            "v.dataset = $1 AND v.withdraws IS NOT NULL ORDER BY v.number",
            binds![dataset.to_string()],
        )
        .await
    }

    /// The version that an upload became, if it was recorded.
    pub async fn version_of_upload(
        &self,
        dataset: &DatasetId,
        upload: &UploadId,
    ) -> Result<Option<VersionRecord>, RegistryError> {
        let list = self
            .select(
                "v.dataset = $1 AND v.upload = $2",
                binds![dataset.to_string(), upload.to_string()],
            )
            .await?;
        Ok(list.into_iter().next())
    }

    /// The newest version that could be read at this instant.
    pub async fn version_at(
        &self,
        dataset: &DatasetId,
        instant: DateTime<Utc>,
    ) -> Result<Option<VersionRecord>, RegistryError> {
        let list = self
            .select(
                "v.dataset = $1 AND v.committed_at <= $2 ORDER BY v.number DESC LIMIT 1",
                binds![dataset.to_string(), instant],
            )
            .await?;
        Ok(list.into_iter().next())
    }

    /// At most `limit` versions, newest first, from the first one older than `before`.
    pub async fn versions(
        &self,
        dataset: &DatasetId,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Result<Vec<VersionRecord>, RegistryError> {
        let before = before.and_then(|number| i64::try_from(number).ok()).unwrap_or(i64::MAX);
        self.select(
            "v.dataset = $1 AND v.number < $2 ORDER BY v.number DESC LIMIT $3",
            binds![dataset.to_string(), before, limit],
        )
        .await
    }

    /// The newest version.
    pub async fn latest_version(
        &self,
        dataset: &DatasetId,
    ) -> Result<Option<VersionRecord>, RegistryError> {
        Ok(self.versions(dataset, None, 1).await?.into_iter().next())
    }

    /// The newest version of each of these datasets; those without versions are not in the answer.
    pub async fn latest_versions(
        &self,
        datasets: &[DatasetId],
    ) -> Result<HashMap<DatasetId, VersionRecord>, RegistryError> {
        let mut latest = HashMap::with_capacity(datasets.len());
        for some in datasets.chunks(DATASETS_AT_ONCE) {
            let places: Vec<String> = (1..=some.len()).map(|place| format!("${place}")).collect();
            let sql = format!(
                "SELECT v.dataset, {COLUMNS} FROM versions v
                 JOIN (SELECT dataset, MAX(number) AS newest FROM versions
                       WHERE dataset IN ({}) GROUP BY dataset) AS m
                   ON m.dataset = v.dataset AND m.newest = v.number",
                places.join(", ")
            );
            let values = some.iter().map(|dataset| Bind::from(dataset.to_string())).collect();
            let rows =
                self.database.read("reading newest versions", AssertSqlSafe(sql), values).await?;
            for row in &rows {
                latest.insert(row.word("dataset")?, record(row)?);
            }
        }
        Ok(latest)
    }

    async fn select(
        &self,
        clause: &'static str,
        values: Vec<Bind>,
    ) -> Result<Vec<VersionRecord>, RegistryError> {
        let sql = format!("SELECT {COLUMNS} FROM versions v WHERE {clause}");
        let rows = self.database.read("reading versions", AssertSqlSafe(sql), values).await?;
        rows.iter().map(record).collect()
    }
}

/// Whether two records say the same; instants are kept to the microsecond.
fn is_same(there: &VersionRecord, new: &VersionRecord) -> bool {
    there.committed_at.timestamp_micros() == new.committed_at.timestamp_micros()
        && *there == VersionRecord { committed_at: there.committed_at, ..new.clone() }
}

fn record(row: &Row) -> Result<VersionRecord, RegistryError> {
    Ok(VersionRecord {
        number: row.count("number")?,
        log_version: row.count("log_version")?,
        committed_at: row.instant("committed_at")?,
        committed_by: row.text("committed_by")?,
        upload_id: row.word("upload")?,
        mode: row.word("mode")?,
        rows_added: row.count("rows_added")?,
        rows_total: row.count("rows_total")?,
        bytes_added: row.count("bytes_added")?,
        bytes_total: row.count("bytes_total")?,
        rows_changed: row.optional_count("rows_changed")?,
        rows_removed: row.optional_count("rows_removed")?,
        rows_unchanged: row.optional_count("rows_unchanged")?,
        withdrawal: match row.optional_count("withdraws")? {
            None => None,
            Some(version) => Some(Withdrawal {
                version,
                restores: row.count("restores")?,
                reason: row.text("reason")?,
            }),
        },
    })
}
