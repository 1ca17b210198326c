//! API tokens. A token's secret is random and shown once; only its SHA-256 is kept, and a token is found
//! by that digest, so that no comparison ever touches the secret itself.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use hub_model::{AgencyId, Role, TokenId};
use rand::Rng;
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;

use crate::{
    Registry, RegistryError,
    database::{Reference, Row, binds, count},
};

/// What every token begins with, so that scanners for leaked secrets can know it.
const PREFIX: &str = "mcy_";
/// Random bytes in a token; in base64url they are 43 characters.
const SECRET_BYTES: usize = 32;
const SECRET_LENGTH: usize = PREFIX.len() + 43;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What people call it; records name its holder so.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The agency it belongs to; an admin's may have none.
    pub agency: Option<AgencyId>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What is recorded of a token; none of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its id.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The agency it belongs to.
    pub agency: Option<AgencyId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is refused by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A token's text. It can be read once, right after it was made; `Debug` hides it.
pub struct SecretToken(String);

impl SecretToken {
    fn generate() -> Self {
        let mut bytes = [0; SECRET_BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The text that its holder sends.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretToken(hidden)")
    }
}

/// A first admin's token before it is accepted. Keep it where it can be found again, then hand it to
/// [`Registry::accept_first_admin_token`]: a token that got lost in between was never good for anything.
#[derive(Debug)]
pub struct DrawnToken {
    secret: SecretToken,
    number: u64,
}

impl DrawnToken {
    /// The text that its holder will send.
    pub fn reveal(&self) -> &str {
        self.secret.reveal()
    }
}

fn digest(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

const COLUMNS: &str = "id, name, role, agency, created_at, expires_at, revoked_at";

impl Registry {
    /// Makes a token. Its secret is in this answer and nowhere else.
    pub async fn create_token(
        &self,
        new: NewToken,
    ) -> Result<(TokenRecord, SecretToken), RegistryError> {
        let secret = SecretToken::generate();
        let id = TokenId::generate();
        let created_at = self.now();
        let agency = new.agency.as_ref().map(AgencyId::as_str);
        self.database
            .write_under(
                "adding a token",
                Reference("agency", &agency.unwrap_or_default()),
                "INSERT INTO tokens (id, sha256, name, role, agency, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                binds![
                    id.to_string(),
                    digest(secret.reveal()),
                    new.name.as_str(),
                    new.role.as_str(),
                    agency,
                    created_at,
                    new.expires_at,
                ],
            )
            .await?;
        let record = self.token(&id).await?.ok_or_else(|| RegistryError::not_found("token", id))?;
        Ok((record, secret))
    }

    /// The token of this secret, where it is known, not past its end, and not revoked.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<TokenRecord>, RegistryError> {
        if secret.len() != SECRET_LENGTH || !secret.starts_with(PREFIX) {
            return Ok(None);
        }
        let row = self
            .database
            .read_one(
                "looking up a token",
                AssertSqlSafe(format!(
                    "SELECT {COLUMNS} FROM tokens WHERE sha256 = $1 AND revoked_at IS NULL
                     AND (expires_at IS NULL OR expires_at > $2)"
                )),
                binds![digest(secret), self.now()],
            )
            .await?;
        row.as_ref().map(record).transpose()
    }

    /// Takes a token back; it is refused from now on. A token taken back before stays as it was.
    pub async fn revoke_token(&self, id: &TokenId) -> Result<TokenRecord, RegistryError> {
        self.database
            .write(
                "revoking a token",
                "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
                binds![id.to_string(), self.now()],
            )
            .await?;
        self.token(id).await?.ok_or_else(|| RegistryError::not_found("token", id))
    }

    /// The token of this id, whatever became of it.
    pub async fn token(&self, id: &TokenId) -> Result<Option<TokenRecord>, RegistryError> {
        let row = self
            .database
            .read_one(
                "reading a token",
                AssertSqlSafe(format!("SELECT {COLUMNS} FROM tokens WHERE id = $1")),
                binds![id.to_string()],
            )
            .await?;
        row.as_ref().map(record).transpose()
    }

    /// At most `limit` tokens in the order they were made, from the first one past `after`; those past
    /// their end and those taken back too.
    pub async fn tokens(
        &self,
        after: Option<&TokenId>,
        limit: usize,
    ) -> Result<Vec<TokenRecord>, RegistryError> {
        let rows = self
            .database
            .read(
                "listing tokens",
                AssertSqlSafe(format!(
                    "SELECT {COLUMNS} FROM tokens WHERE id > $1 ORDER BY id LIMIT $2"
                )),
                binds![after.map(ToString::to_string).unwrap_or_default(), limit],
            )
            .await?;
        rows.iter().map(record).collect()
    }

    /// A token for the hub's first admin, to be kept and then accepted; none where an admin's token is
    /// accepted already.
    pub async fn draw_first_admin_token(&self) -> Result<Option<DrawnToken>, RegistryError> {
        let row = self
            .database
            .read_one(
                "looking for an admin's token",
                "SELECT (SELECT COALESCE(MAX(first_admin), 0) FROM tokens) AS newest,
                        (SELECT COUNT(*) FROM tokens WHERE role = 'admin' AND revoked_at IS NULL
                         AND (expires_at IS NULL OR expires_at > $1)) AS accepted",
                binds![self.now()],
            )
            .await?;
        let row = row.ok_or_else(|| RegistryError::not_found("count", "of tokens"))?;
        if row.count("accepted")? > 0 {
            return Ok(None);
        }
        let number = row.count("newest")? + 1;
        Ok(Some(DrawnToken { secret: SecretToken::generate(), number }))
    }

    /// Makes a drawn token good, unless another process did so with its own since this one was drawn.
    pub async fn accept_first_admin_token(
        &self,
        drawn: DrawnToken,
    ) -> Result<Option<SecretToken>, RegistryError> {
        let added = self
            .database
            .write(
                "adding the first admin's token",
                "INSERT INTO tokens (id, sha256, name, role, created_at, first_admin)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (first_admin) DO NOTHING",
                binds![
                    TokenId::generate().to_string(),
                    digest(drawn.reveal()),
                    "first admin",
                    Role::Admin.as_str(),
                    self.now(),
                    count(drawn.number)?,
                ],
            )
            .await?;
        Ok((added == 1).then_some(drawn.secret))
    }
}

fn record(row: &Row) -> Result<TokenRecord, RegistryError> {
    Ok(TokenRecord {
        id: row.word("id")?,
        name: row.text("name")?,
        role: row.word("role")?,
        agency: row.optional_word("agency")?,
        created_at: row.instant("created_at")?,
        expires_at: row.optional_instant("expires_at")?,
        revoked_at: row.optional_instant("revoked_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_have_their_form_and_stay_out_of_logs() {
        let (one, other) = (SecretToken::generate(), SecretToken::generate());
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.reveal().len(), SECRET_LENGTH);
        assert!(one.reveal().starts_with(PREFIX));
        assert_eq!(format!("{one:?}"), "SecretToken(hidden)");
    }
}
