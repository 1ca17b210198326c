//! Agencies: the organisations with a space of their own.

use hub_model::{Agency, AgencyId};

use crate::{
    Registry, RegistryError,
    database::{Bind, Row, binds},
    search,
};

impl Registry {
    /// Adds an agency.
    pub async fn create_agency(&self, agency: &Agency) -> Result<(), RegistryError> {
        let mut values = values(agency)?;
        values.push(self.now().into());
        let added = self
            .database
            .write(
                "adding an agency",
                "INSERT INTO agencies (id, name, contact, search, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (id) DO NOTHING",
                values,
            )
            .await?;
        if added == 0 {
            return Err(RegistryError::already_exists("agency", &agency.id));
        }
        Ok(())
    }

    /// Puts what is said of an agency in place of what was.
    pub async fn update_agency(&self, agency: &Agency) -> Result<(), RegistryError> {
        let mut values = values(agency)?;
        values.push(self.now().into());
        let changed = self
            .database
            .write(
                "changing an agency",
                "UPDATE agencies SET name = $2, contact = $3, search = $4, updated_at = $5
                 WHERE id = $1",
                values,
            )
            .await?;
        if changed == 0 {
            return Err(RegistryError::not_found("agency", &agency.id));
        }
        Ok(())
    }

    /// The agency of this id.
    pub async fn agency(&self, id: &AgencyId) -> Result<Option<Agency>, RegistryError> {
        let row = self
            .database
            .read_one(
                "reading an agency",
                "SELECT id, name, contact FROM agencies WHERE id = $1",
                binds![id.as_str()],
            )
            .await?;
        row.as_ref().map(agency).transpose()
    }

    /// At most `limit` agencies in the order of their ids, from the first one past `after`.
    pub async fn agencies(
        &self,
        after: Option<&AgencyId>,
        limit: usize,
    ) -> Result<Vec<Agency>, RegistryError> {
        let rows = self
            .database
            .read(
                "listing agencies",
                "SELECT id, name, contact FROM agencies WHERE id > $1 ORDER BY id LIMIT $2",
                binds![after.map_or("", AgencyId::as_str), limit],
            )
            .await?;
        rows.iter().map(agency).collect()
    }
}

fn values(agency: &Agency) -> Result<Vec<Bind>, RegistryError> {
    Ok(binds![
        agency.id.as_str(),
        Bind::json(&agency.name)?,
        agency.contact.as_deref(),
        search::agency_text(agency),
    ])
}

fn agency(row: &Row) -> Result<Agency, RegistryError> {
    Ok(Agency {
        id: row.word("id")?,
        name: row.json("name")?,
        contact: row.optional_text("contact")?,
    })
}
