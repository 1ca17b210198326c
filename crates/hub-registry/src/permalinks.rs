//! Permalinks, and which dataset versions they name. A permalink never changes and is never taken back,
//! since what was cited stays cited.

use chrono::{DateTime, Utc};
use hub_model::{DatasetId, Permalink, PermalinkId, TokenId, VersionNumber};
use rand::Rng;

use crate::{
    Registry, RegistryError,
    database::{Bind, binds, count},
};

impl Registry {
    /// An id that no permalink is likely to have.
    pub fn new_permalink_id(&self) -> PermalinkId {
        PermalinkId::of_random(rand::rng().next_u64())
    }

    /// Records a permalink. The versions that it names are recorded first, so that a crash between leaves
    /// versions that are kept for nobody, and never a permalink whose versions may go. `token` is whose it
    /// is; none where nobody in particular made it.
    pub async fn create_permalink(
        &self,
        permalink: &Permalink,
        token: Option<&TokenId>,
    ) -> Result<(), RegistryError> {
        let id = permalink.id.as_str();
        if self.permalink(&permalink.id).await?.is_some() {
            return Err(RegistryError::already_exists("permalink", id));
        }
        for source in &permalink.sources {
            self.database
                .write(
                    "recording a permalink's versions",
                    "INSERT INTO permalink_versions (permalink, dataset, number)
                     VALUES ($1, $2, $3)",
                    binds![id, source.dataset.to_string(), count(source.version)?],
                )
                .await?;
        }
        let added = self
            .database
            .write(
                "recording a permalink",
                "INSERT INTO permalinks (id, token, created_at, record) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (id) DO NOTHING",
                binds![
                    id,
                    token.map(ToString::to_string),
                    permalink.created_at,
                    Bind::json(permalink)?,
                ],
            )
            .await?;
        if added == 0 {
            return Err(RegistryError::already_exists("permalink", id));
        }
        Ok(())
    }

    /// Takes back a permalink that could not be made whole, and that nobody was told of.
    pub async fn discard_permalink(&self, id: &PermalinkId) -> Result<(), RegistryError> {
        for sql in [
            "DELETE FROM permalinks WHERE id = $1",
            "DELETE FROM permalink_versions WHERE permalink = $1",
        ] {
            self.database.write("discarding a permalink", sql, binds![id.as_str()]).await?;
        }
        Ok(())
    }

    /// The permalink of this id.
    pub async fn permalink(&self, id: &PermalinkId) -> Result<Option<Permalink>, RegistryError> {
        let row = self
            .database
            .read_one(
                "reading a permalink",
                "SELECT record FROM permalinks WHERE id = $1",
                binds![id.as_str()],
            )
            .await?;
        row.map(|row| row.json("record")).transpose()
    }

    /// How many permalinks this token made since an instant, or for none all who gave no token.
    pub async fn permalinks_since(
        &self,
        token: Option<&TokenId>,
        since: DateTime<Utc>,
    ) -> Result<u64, RegistryError> {
        let row = match token {
            Some(token) => self.database.read_one(
                "counting permalinks",
                "SELECT count(*) AS n FROM permalinks WHERE token = $1 AND created_at > $2",
                binds![token.to_string(), since],
            ),
            None => self.database.read_one(
                "counting permalinks",
                "SELECT count(*) AS n FROM permalinks WHERE token IS NULL AND created_at > $1",
                binds![since],
            ),
        };
        row.await?.map_or(Ok(0), |row| row.count("n"))
    }

    /// The versions of a dataset that permalinks name, each once, oldest first.
    pub async fn pinned_versions(
        &self,
        dataset: &DatasetId,
    ) -> Result<Vec<VersionNumber>, RegistryError> {
        let rows = self
            .database
            .read(
                "listing the versions that permalinks name",
                "SELECT DISTINCT number FROM permalink_versions WHERE dataset = $1 ORDER BY number",
                binds![dataset.to_string()],
            )
            .await?;
        rows.iter().map(|row| row.count("number")).collect()
    }
}
