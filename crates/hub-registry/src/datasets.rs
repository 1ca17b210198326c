//! Datasets: what is said of them, and what they promise.

use chrono::{DateTime, Utc};
use hub_model::{AgencyId, Contract, DatasetId, DatasetMetadata, Text, Visibility};
use sqlx::AssertSqlSafe;

use crate::{
    Registry, RegistryError,
    database::{Bind, Reference, Row, binds, count},
    search,
};

/// A dataset as the registry knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetRecord {
    /// Its id.
    pub id: DatasetId,
    /// What is said of it.
    pub metadata: DatasetMetadata,
    /// What it promises of its columns.
    pub contract: Contract,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When metadata or contract last changed.
    pub updated_at: DateTime<Utc>,
    /// How many times they were set: 1 when it was made, and one more with every change.
    pub revision: u64,
}

/// What tells whether a record that was read before still holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetState {
    /// The dataset's revision; its record changes with it and not without it.
    pub revision: u64,
    /// The owning agency's name, which changes by itself.
    pub publisher: Text,
}

/// Which datasets the asker may see; the application layer says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Readable {
    /// All of them.
    Everything,
    /// Those that are public.
    #[default]
    Public,
    /// Those that are public, and all of one agency.
    PublicAnd(AgencyId),
}

/// Which datasets a list is to have.
#[derive(Debug, Clone)]
pub struct DatasetFilter {
    /// Words that must all occur in the id, the title, the description, the keywords, the columns' names
    /// and titles or the agency's name; full-width forms and upper case don't matter.
    pub text: Option<String>,
    /// Only this agency's.
    pub agency: Option<AgencyId>,
    /// Only what the asker may see.
    pub readable: Readable,
    /// Only those past this id.
    pub after: Option<DatasetId>,
    /// At most this many.
    pub limit: usize,
}

impl DatasetFilter {
    /// Every dataset the asker may see, from the first.
    pub fn new(readable: Readable, limit: usize) -> Self {
        Self { text: None, agency: None, readable, after: None, limit }
    }
}

const COLUMNS: &str = "d.id, d.metadata, d.contract, d.created_at, d.updated_at, d.revision";

/// Conditions of a statement that is put together, and their values.
#[derive(Default)]
struct Conditions {
    sql: Vec<String>,
    values: Vec<Bind>,
}

impl Conditions {
    /// Adds a value; answers how the statement names it.
    fn value(&mut self, value: impl Into<Bind>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn readable(&mut self, readable: &Readable) {
        let condition = match readable {
            Readable::Everything => return,
            Readable::Public => "d.visibility = 'public'".to_owned(),
            Readable::PublicAnd(agency) => {
                let agency = self.value(agency.as_str());
                format!("(d.visibility = 'public' OR d.agency = {agency})")
            }
        };
        self.sql.push(condition);
    }

    fn clause(&self) -> String {
        if self.sql.is_empty() { "1 = 1".to_owned() } else { self.sql.join(" AND ") }
    }
}

impl Registry {
    /// Adds a dataset. Its agency must be there.
    pub async fn create_dataset(
        &self,
        id: &DatasetId,
        metadata: &DatasetMetadata,
        contract: &Contract,
    ) -> Result<DatasetRecord, RegistryError> {
        let now = self.now();
        let mut values = values(id, metadata, contract)?;
        values.extend(binds![now, id.agency().as_str()]);
        let added = self
            .database
            .write_under(
                "adding a dataset",
                Reference("agency", id.agency()),
                "INSERT INTO datasets
                     (id, visibility, metadata, contract, search, created_at, updated_at, agency, revision)
                 VALUES ($1, $2, $3, $4, $5, $6, $6, $7, 1) ON CONFLICT (id) DO NOTHING",
                values,
            )
            .await?;
        if added == 0 {
            return Err(RegistryError::already_exists("dataset", id));
        }
        Ok(DatasetRecord {
            id: id.clone(),
            metadata: metadata.clone(),
            contract: contract.clone(),
            created_at: now,
            updated_at: now,
            revision: 1,
        })
    }

    /// Sets metadata and contract of a dataset whose revision is still `expected_revision`; otherwise
    /// nothing changes and the error is a conflict.
    pub async fn update_dataset(
        &self,
        id: &DatasetId,
        metadata: &DatasetMetadata,
        contract: &Contract,
        expected_revision: u64,
    ) -> Result<DatasetRecord, RegistryError> {
        let now = self.now();
        let mut values = values(id, metadata, contract)?;
        values.extend(binds![now, count(expected_revision)?]);
        let changed = self
            .database
            .write(
                "changing a dataset",
                "UPDATE datasets SET visibility = $2, metadata = $3, contract = $4, search = $5,
                     updated_at = $6, revision = revision + 1
                 WHERE id = $1 AND revision = $7",
                values,
            )
            .await?;
        // A dataset is never removed and keeps the moment it was made, so reading it after the change
        // tells of that only; the rest of the answer is what was written here.
        let there =
            self.dataset(id).await?.ok_or_else(|| RegistryError::not_found("dataset", id))?;
        if changed == 0 {
            return Err(RegistryError::conflict(
                "dataset",
                id,
                "read it again and repeat the change on what is there now",
            ));
        }
        Ok(DatasetRecord {
            id: id.clone(),
            metadata: metadata.clone(),
            contract: contract.clone(),
            created_at: there.created_at,
            updated_at: now,
            revision: expected_revision + 1,
        })
    }

    /// The dataset of this id, whoever may see it.
    pub async fn dataset(&self, id: &DatasetId) -> Result<Option<DatasetRecord>, RegistryError> {
        let row = self
            .database
            .read_one(
                "reading a dataset",
                AssertSqlSafe(format!("SELECT {COLUMNS} FROM datasets d WHERE d.id = $1")),
                binds![id.to_string()],
            )
            .await?;
        row.as_ref().map(record).transpose()
    }

    /// What of this dataset may have changed, without its descriptions, which are much larger.
    pub async fn dataset_state(
        &self,
        id: &DatasetId,
    ) -> Result<Option<DatasetState>, RegistryError> {
        let row = self
            .database
            .read_one(
                "reading a dataset's state",
                "SELECT d.revision, a.name FROM datasets d JOIN agencies a ON a.id = d.agency
                 WHERE d.id = $1",
                binds![id.to_string()],
            )
            .await?;
        row.map(|row| {
            Ok(DatasetState { revision: row.count("revision")?, publisher: row.json("name")? })
        })
        .transpose()
    }

    /// The datasets a filter lets through, in the order of their ids.
    pub async fn datasets(
        &self,
        filter: &DatasetFilter,
    ) -> Result<Vec<DatasetRecord>, RegistryError> {
        let mut conditions = Conditions::default();
        conditions.readable(&filter.readable);
        if let Some(agency) = &filter.agency {
            let agency = conditions.value(agency.as_str());
            conditions.sql.push(format!("d.agency = {agency}"));
        }
        if let Some(after) = &filter.after {
            let after = conditions.value(after.to_string());
            conditions.sql.push(format!("d.id > {after}"));
        }
        for pattern in search::patterns(filter.text.as_deref().unwrap_or_default())? {
            let (pattern, escape) = (conditions.value(pattern), search::ESCAPE);
            conditions.sql.push(format!(
                "(d.search LIKE {pattern} ESCAPE '{escape}' OR a.search LIKE {pattern} ESCAPE '{escape}')"
            ));
        }
        let limit = conditions.value(filter.limit);
        let sql = format!(
            "SELECT {COLUMNS} FROM datasets d JOIN agencies a ON a.id = d.agency
             WHERE {} ORDER BY d.id LIMIT {limit}",
            conditions.clause()
        );
        let rows =
            self.database.read("listing datasets", AssertSqlSafe(sql), conditions.values).await?;
        rows.iter().map(record).collect()
    }

    /// The ids of every dataset the asker may see, in order.
    pub async fn dataset_ids(&self, readable: &Readable) -> Result<Vec<DatasetId>, RegistryError> {
        let mut conditions = Conditions::default();
        conditions.readable(readable);
        let sql =
            format!("SELECT d.id FROM datasets d WHERE {} ORDER BY d.id", conditions.clause());
        let rows = self
            .database
            .read("listing datasets' ids", AssertSqlSafe(sql), conditions.values)
            .await?;
        rows.iter().map(|row| row.word("id")).collect()
    }
}

fn values(
    id: &DatasetId,
    metadata: &DatasetMetadata,
    contract: &Contract,
) -> Result<Vec<Bind>, RegistryError> {
    let visibility = match metadata.visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
    };
    Ok(binds![
        id.to_string(),
        visibility,
        Bind::json(metadata)?,
        Bind::json(contract)?,
        search::dataset_text(id, metadata, contract),
    ])
}

fn record(row: &Row) -> Result<DatasetRecord, RegistryError> {
    Ok(DatasetRecord {
        id: row.word("id")?,
        metadata: row.json("metadata")?,
        contract: row.json("contract")?,
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
        revision: row.count("revision")?,
    })
}
