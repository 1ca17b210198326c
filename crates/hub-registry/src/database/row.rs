//! Values that come out of a statement. A stored value that can't be read is the hub's own fault.

use chrono::{DateTime, Utc};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IntoDeserializer, value::Error as WordError},
};
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow};

use crate::RegistryError;

const READING: &str = "reading a stored record";

/// One row of an answer.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    fn get<'r, T>(&'r self, column: &str) -> Result<T, RegistryError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(|e| RegistryError::internal(READING, e))
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, RegistryError> {
        self.get(column)
    }

    pub(crate) fn optional_text(&self, column: &str) -> Result<Option<String>, RegistryError> {
        self.get(column)
    }

    /// A whole number from 0.
    pub(crate) fn count(&self, column: &str) -> Result<u64, RegistryError> {
        natural(self.get::<i64>(column)?)
    }

    pub(crate) fn optional_count(&self, column: &str) -> Result<Option<u64>, RegistryError> {
        self.get::<Option<i64>>(column)?.map(natural).transpose()
    }

    pub(crate) fn instant(&self, column: &str) -> Result<DateTime<Utc>, RegistryError> {
        instant(self.get::<i64>(column)?)
    }

    pub(crate) fn optional_instant(
        &self,
        column: &str,
    ) -> Result<Option<DateTime<Utc>>, RegistryError> {
        self.get::<Option<i64>>(column)?.map(instant).transpose()
    }

    /// An id or a word of a closed list, as serde writes it.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T, RegistryError> {
        word(&self.get::<String>(column)?)
    }

    pub(crate) fn optional_word<T: DeserializeOwned>(
        &self,
        column: &str,
    ) -> Result<Option<T>, RegistryError> {
        self.get::<Option<String>>(column)?.map(|text| word(&text)).transpose()
    }

    /// A document.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, RegistryError> {
        json(&self.get::<String>(column)?)
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(
        &self,
        column: &str,
    ) -> Result<Option<T>, RegistryError> {
        self.get::<Option<String>>(column)?.map(|text| json(&text)).transpose()
    }
}

fn natural(value: i64) -> Result<u64, RegistryError> {
    u64::try_from(value).map_err(|e| RegistryError::internal(READING, e))
}

fn instant(micros: i64) -> Result<DateTime<Utc>, RegistryError> {
    DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| RegistryError::internal(READING, "an instant is out of range"))
}

fn word<T: DeserializeOwned>(text: &str) -> Result<T, RegistryError> {
    let deserializer: serde::de::value::StringDeserializer<WordError> =
        text.to_owned().into_deserializer();
    T::deserialize(deserializer).map_err(|e| RegistryError::internal(READING, e))
}

fn json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, RegistryError> {
    serde_json::from_str(text).map_err(|e| RegistryError::internal(READING, e))
}
