//! Opening a database, and bringing its tables up to date.

mod postgres_url;

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    PgPool, SqlSafeStr, SqlitePool,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::Database;
use crate::{RegistryError, error::classify};

const OPENING: &str = "opening its database";
const MIGRATING: &str = "bringing its tables up to date";

/// How long a statement waits for another process's write to a SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;
/// How often the change to a write-ahead log is tried, and how long after each time it is tried again.
const OPEN_ATTEMPTS: u32 = 200;
const OPEN_PAUSE: Duration = Duration::from_millis(25);

/// Every migration of a dialect, in order. One that was released never changes.
const SQLITE: [(i64, &str, &str); 5] = [
    (1, "registry", include_str!("../../migrations/sqlite/0001_registry.sql")),
    (10, "revisions", include_str!("../../migrations/sqlite/0010_revisions.sql")),
    (11, "first_admin", include_str!("../../migrations/sqlite/0011_first_admin.sql")),
    (20, "permalinks", include_str!("../../migrations/sqlite/0020_permalinks.sql")),
    (21, "queries", include_str!("../../migrations/sqlite/0021_queries.sql")),
];
const POSTGRES: [(i64, &str, &str); 5] = [
    (1, "registry", include_str!("../../migrations/postgres/0001_registry.sql")),
    (10, "revisions", include_str!("../../migrations/postgres/0010_revisions.sql")),
    (11, "first_admin", include_str!("../../migrations/postgres/0011_first_admin.sql")),
    (20, "permalinks", include_str!("../../migrations/postgres/0020_permalinks.sql")),
    (21, "queries", include_str!("../../migrations/postgres/0021_queries.sql")),
];

fn migrator(list: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migration = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(list.iter().map(migration).collect())
}

impl Database {
    /// Opens the database at `sqlite://PATH`, `sqlite::memory:` or `postgres://…`, and migrates it.
    pub(crate) async fn connect(url: &str) -> Result<Self, RegistryError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => sqlite(url).await,
            Some("postgres" | "postgresql") => postgres(url).await,
            _ => Err(RegistryError::InvalidRequest {
                what: "registry's url",
                expected: "write sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE",
            }),
        }
    }
}

async fn postgres(url: &str) -> Result<Database, RegistryError> {
    let options = postgres_url::read(url)?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.application_name("mochiyori"))
        .await
        .map_err(|e| classify(OPENING, e))?;
    migrate_postgres(&pool).await?;
    Ok(Database::Postgres(pool))
}

/// The migrator takes an advisory lock, so that nodes which start together take turns.
async fn migrate_postgres(pool: &PgPool) -> Result<(), RegistryError> {
    let mut connection = pool.acquire().await.map_err(|e| classify(MIGRATING, e))?;
    let migrated = run(&migrator(&POSTGRES), &mut *connection).await;
    if migrated.is_err() {
        // The lock belongs to the connection: ending that is what sets the other nodes free.
        drop(connection.close().await);
    }
    migrated
}

async fn sqlite(url: &str) -> Result<Database, RegistryError> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|e| classify(OPENING, e))?
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // What was acknowledged survives a loss of power.
        .synchronous(SqliteSynchronous::Full);
    if url.contains(":memory:") {
        // A database in memory is its one connection.
        let only =
            one_connection().connect_with(options).await.map_err(|e| classify(OPENING, e))?;
        migrate_sqlite(&only).await?;
        return Ok(Database::Sqlite { read: only.clone(), write: only, writes: Arc::default() });
    }
    if let Some(folder) = options.get_filename().parent().filter(|p| *p != Path::new("")) {
        tokio::fs::create_dir_all(folder).await.map_err(|e| RegistryError::internal(OPENING, e))?;
    }
    let write = writer(options.clone().journal_mode(SqliteJournalMode::Wal)).await?;
    migrate_sqlite(&write).await?;
    let read = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.pragma("query_only", "ON"))
        .await
        .map_err(|e| classify(OPENING, e))?;
    Ok(Database::Sqlite { read, write, writes: Arc::default() })
}

fn one_connection() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Turning a new file to a write-ahead log takes a lock that SQLite does not wait for, so a process
/// that opens the file at the same moment tries again.
async fn writer(options: SqliteConnectOptions) -> Result<SqlitePool, RegistryError> {
    let mut attempt = 1;
    loop {
        match one_connection().connect_with(options.clone()).await {
            Ok(pool) => return Ok(pool),
            Err(error) if attempt < OPEN_ATTEMPTS && is_locked(&error) => {
                attempt += 1;
                tokio::time::sleep(OPEN_PAUSE).await;
            }
            Err(error) => return Err(classify(OPENING, error)),
        }
    }
}

fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code());
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// The whole migration is one transaction that holds the file's write lock from its beginning, since
/// the migrator itself takes no lock on SQLite.
async fn migrate_sqlite(pool: &SqlitePool) -> Result<(), RegistryError> {
    let mut transaction =
        pool.begin_with("BEGIN IMMEDIATE").await.map_err(|e| classify(MIGRATING, e))?;
    run(&migrator(&SQLITE), &mut *transaction).await?;
    transaction.commit().await.map_err(|e| classify(MIGRATING, e))
}

async fn run(migrator: &Migrator, connection: &mut impl Migrate) -> Result<(), RegistryError> {
    migrator.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            classify(MIGRATING, error)
        }
        other => RegistryError::internal(MIGRATING, other),
    })
}
