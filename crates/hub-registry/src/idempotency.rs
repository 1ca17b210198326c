//! Idempotency keys: the same request sent twice is carried out once. The database's primary key decides
//! who is first, whichever process or node asks.

use chrono::{DateTime, Utc};
use hub_model::{DatasetId, UploadId};

use crate::{
    Registry, RegistryError, UploadState,
    database::{Reference, binds},
};

/// A key that an upload asks for.
#[derive(Debug, Clone)]
pub struct Reservation<'a> {
    /// Whose key it is, such as a token's id: keys of different principals never meet.
    pub scope: &'a str,
    /// The dataset the upload is for.
    pub dataset: &'a DatasetId,
    /// The key, as the sender gave it.
    pub key: &'a str,
    /// SHA-256 of the body, in hexadecimal.
    pub body_sha256: &'a str,
    /// The upload that asks. It has begun.
    pub upload: &'a UploadId,
}

/// Whether an upload may go on under its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// It is the first with this key: go on.
    New,
    /// This upload had the same key and body, and is finished: answer as it was answered.
    Same(UploadId),
    /// The key was used with another body.
    OtherBody,
    /// This upload has the same key and body, and is still being worked on.
    Running(UploadId),
}

/// How long a key may be, in bytes; databases bound what an index holds.
const MAX_KEY_BYTES: usize = 255;

/// How often a key that is released while it is looked at is asked for again.
const ATTEMPTS: usize = 5;

impl Registry {
    /// Asks for a key. Of any number that ask at once, one gets `New`. The upload must have begun
    /// ([`Self::begin_upload`]), so that a crash leaves no key without an upload to recover it by.
    pub async fn reserve(&self, asked: &Reservation<'_>) -> Result<Reserved, RegistryError> {
        if asked.key.is_empty() || asked.key.len() > MAX_KEY_BYTES {
            return Err(RegistryError::InvalidRequest {
                what: "idempotency key",
                expected: "give 1 to 255 bytes, such as a UUID",
            });
        }
        for _ in 0..ATTEMPTS {
            let added = self
                .database
                .write_under(
                    "reserving an idempotency key",
                    Reference("upload", asked.upload),
                    "INSERT INTO reservations (scope, dataset, key, body_sha256, upload, reserved_at)
                     VALUES ($1, $2, $3, $4, $5, $6)
                     ON CONFLICT (scope, dataset, key) DO NOTHING",
                    binds![
                        asked.scope,
                        asked.dataset.to_string(),
                        asked.key,
                        asked.body_sha256,
                        asked.upload.to_string(),
                        self.now(),
                    ],
                )
                .await?;
            if added > 0 {
                return Ok(Reserved::New);
            }
            if let Some(held) = self.held(asked).await? {
                return Ok(held);
            }
        }
        Err(RegistryError::conflict("idempotency key", asked.key, "send the request again"))
    }

    async fn held(&self, asked: &Reservation<'_>) -> Result<Option<Reserved>, RegistryError> {
        let row = self
            .database
            .read_one(
                "reading an idempotency key",
                "SELECT r.body_sha256, r.upload, u.state
                 FROM reservations r JOIN uploads u ON u.id = r.upload
                 WHERE r.scope = $1 AND r.dataset = $2 AND r.key = $3",
                binds![asked.scope, asked.dataset.to_string(), asked.key],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let upload: UploadId = row.word("upload")?;
        let state: UploadState = row.word("state")?;
        Ok(Some(if row.text("body_sha256")? != asked.body_sha256 {
            Reserved::OtherBody
        } else if upload == *asked.upload {
            // The first answer was lost on the way, and the same upload asks again.
            Reserved::New
        } else if state.is_finished() {
            Reserved::Same(upload)
        } else {
            Reserved::Running(upload)
        }))
    }

    /// Gives back the key that an upload holds, where it failed for a reason that may have passed when
    /// the sender tries again.
    pub async fn release(&self, upload: &UploadId) -> Result<(), RegistryError> {
        self.database
            .write(
                "releasing an idempotency key",
                "DELETE FROM reservations WHERE upload = $1",
                binds![upload.to_string()],
            )
            .await
            .map(drop)
    }

    /// Forgets the keys of finished uploads that were reserved before this instant; answers how many.
    pub async fn forget_reservations(&self, before: DateTime<Utc>) -> Result<u64, RegistryError> {
        self.database
            .write(
                "forgetting old idempotency keys",
                "DELETE FROM reservations WHERE reserved_at < $1 AND upload IN
                     (SELECT id FROM uploads WHERE state NOT IN ('receiving', 'checking'))",
                binds![before],
            )
            .await
    }
}
