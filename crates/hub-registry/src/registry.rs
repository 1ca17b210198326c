//! The handle that everything else hangs on.

use chrono::{DateTime, Utc};

use crate::{Clock, RegistryError, database::Database};

/// The registry's database. Cloning it is cheap; clones share their connections.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) database: Database,
    clock: Clock,
}

impl Registry {
    /// Opens the database at `url` and brings its tables up to date. `sqlite://PATH` is made where it is
    /// missing, folder included; `sqlite::memory:` lasts as long as the handle; `postgres://…` must be
    /// there. Processes that open the same database at once take turns.
    pub async fn connect(url: &str, clock: Clock) -> Result<Self, RegistryError> {
        Ok(Self { database: Database::connect(url).await?, clock })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), RegistryError> {
        self.database.read("asking for a sign of life", "SELECT 1", Vec::new()).await.map(drop)
    }

    /// A number that every write changes before it is acknowledged, so that what was read at the same
    /// number still holds. None where the database is shared with other processes, whose writes are not
    /// seen here; a SQLite file belongs to one.
    pub fn writes(&self) -> Option<u64> {
        self.database.writes()
    }

    /// Ends the connections once what they do is done; further calls answer `Unavailable`.
    pub async fn close(&self) {
        self.database.close().await;
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}
