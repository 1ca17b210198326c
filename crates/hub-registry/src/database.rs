//! One way to speak to two databases. Statements are written once, in the SQL that SQLite and PostgreSQL
//! share, over two types of value: text and 64-bit whole numbers. This module knows no table.

mod bind;
mod connect;
mod row;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::{PgPool, SqlSafeStr, SqlitePool};

pub(crate) use bind::{Bind, binds, count};
pub(crate) use row::Row;

use crate::{
    RegistryError,
    error::{classify, is_missing_reference},
};

/// The pools of one database.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// A SQLite file: one connection writes, the others read.
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
        /// How many writes this process has done.
        writes: Arc<AtomicU64>,
    },
    Postgres(PgPool),
}

macro_rules! query {
    ($sql:expr, $binds:expr) => {
        $binds.into_iter().fold(sqlx::query($sql), |query, bind| match bind {
            Bind::Text(text) => query.bind(text),
            Bind::Int(int) => query.bind(int),
        })
    };
}

/// What is missing when a statement names a row of another table that is not there.
pub(crate) struct Reference<'a>(pub(crate) &'static str, pub(crate) &'a (dyn ToString + Sync));

impl Database {
    /// The rows a reading statement answers.
    pub(crate) async fn read(
        &self,
        doing: &'static str,
        sql: impl SqlSafeStr,
        binds: Vec<Bind>,
    ) -> Result<Vec<Row>, RegistryError> {
        bind::check(&binds)?;
        match self {
            Self::Sqlite { read, .. } => query!(sql, binds)
                .fetch_all(read)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Self::Postgres(pool) => query!(sql, binds)
                .fetch_all(pool)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        }
        .map_err(|e| classify(doing, e))
    }

    /// The first row a reading statement answers.
    pub(crate) async fn read_one(
        &self,
        doing: &'static str,
        sql: impl SqlSafeStr,
        binds: Vec<Bind>,
    ) -> Result<Option<Row>, RegistryError> {
        Ok(self.read(doing, sql, binds).await?.into_iter().next())
    }

    /// Runs one writing statement; answers how many rows it touched. It is a transaction of its own.
    pub(crate) async fn write(
        &self,
        doing: &'static str,
        sql: impl SqlSafeStr,
        binds: Vec<Bind>,
    ) -> Result<u64, RegistryError> {
        self.run(sql, binds).await?.map_err(|e| classify(doing, e))
    }

    /// As [`Self::write`], for a statement whose row belongs to a row of another table.
    pub(crate) async fn write_under(
        &self,
        doing: &'static str,
        parent: Reference<'_>,
        sql: impl SqlSafeStr,
        binds: Vec<Bind>,
    ) -> Result<u64, RegistryError> {
        self.run(sql, binds).await?.map_err(|e| {
            if is_missing_reference(&e) {
                RegistryError::not_found(parent.0, parent.1.to_string())
            } else {
                classify(doing, e)
            }
        })
    }

    async fn run(
        &self,
        sql: impl SqlSafeStr,
        binds: Vec<Bind>,
    ) -> Result<Result<u64, sqlx::Error>, RegistryError> {
        bind::check(&binds)?;
        Ok(match self {
            Self::Sqlite { write, writes, .. } => {
                let (write, writes) = (write.clone(), Arc::clone(writes));
                let sql = sql.into_sql_str();
                // A task of its own, since a write whose caller leaves is done all the same, and counts.
                let task = tokio::spawn(async move {
                    let done = query!(sql, binds).execute(&write).await;
                    // What touches no row changes nothing; the background's looking after queries is such.
                    if !matches!(&done, Ok(done) if done.rows_affected() == 0) {
                        writes.fetch_add(1, Ordering::SeqCst);
                    }
                    done.map(|done| done.rows_affected())
                });
                task.await.map_err(|e| RegistryError::internal("waiting for a write", e))?
            }
            Self::Postgres(pool) => {
                query!(sql, binds).execute(pool).await.map(|done| done.rows_affected())
            }
        })
    }

    /// A number that every write of this process changes before it is acknowledged; none where other
    /// processes may write.
    pub(crate) fn writes(&self) -> Option<u64> {
        match self {
            Self::Sqlite { writes, .. } => Some(writes.load(Ordering::SeqCst)),
            Self::Postgres(_) => None,
        }
    }

    /// Ends the connections once what they do is done.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
