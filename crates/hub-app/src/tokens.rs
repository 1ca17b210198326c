//! Tokens: made by an admin, shown once, recognised ever after by their hash.

use chrono::{DateTime, Duration, Utc};
use hub_model::{AgencyId, Principal, Role, TokenId};
use hub_registry::{DrawnToken, NewToken, SecretToken, TokenRecord};

use crate::{
    App, AppError,
    policy::{Action, permit},
};

/// The longest time a token can be given, in days; far later instants can't be computed with.
const MAX_DAYS: u32 = 36_500;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// What records call it.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The agency it belongs to; needed for publishers and readers.
    pub agency: Option<AgencyId>,
    /// For how many days it holds; for ever where none is given.
    pub expires_in_days: Option<u32>,
}

impl App {
    /// Recognises a token's text. Unknown, expired and revoked tokens are one and the same error.
    pub async fn authenticate(&self, secret: &str) -> Result<Principal, AppError> {
        let record =
            self.inner.registry.authenticate(secret).await?.ok_or(AppError::Unauthenticated(
                "the token is unknown, expired or revoked; ask the hub's admin for a new one",
            ))?;
        Ok(Principal::Token {
            id: record.id,
            name: record.name,
            role: record.role,
            agency: record.agency,
        })
    }

    /// Makes a token. Its text is not kept and cannot be shown again.
    pub async fn create_token(
        &self,
        principal: &Principal,
        request: TokenRequest,
    ) -> Result<(TokenRecord, SecretToken), AppError> {
        permit(principal, Action::Administer)?;
        if request.name.trim().is_empty() || request.name.chars().count() > 100 {
            return Err(AppError::InvalidRequest(
                "give the token a name of up to 100 characters, so that it is known later"
                    .to_owned(),
            ));
        }
        match &request.agency {
            Some(agency) => {
                self.agency(agency).await?;
            }
            None if request.role != Role::Admin => {
                return Err(AppError::InvalidRequest(
                    "a publisher's or reader's token belongs to an agency: name it".to_owned(),
                ));
            }
            None => {}
        }
        if request.expires_in_days.is_some_and(|days| days > MAX_DAYS) {
            return Err(AppError::InvalidRequest(format!(
                "expires_in_days is at most {MAX_DAYS}; leave it out for a token that stays good"
            )));
        }
        let expires_at = request.expires_in_days.map(|days| self.days_from_now(days));
        let token =
            NewToken { name: request.name, role: request.role, agency: request.agency, expires_at };
        Ok(self.inner.registry.create_token(token).await?)
    }

    /// A token for the hub's first admin, where it has none yet. It is good for nothing until it is
    /// accepted, so that it can be kept before.
    pub async fn draw_first_admin_token(&self) -> Result<Option<DrawnToken>, AppError> {
        Ok(self.inner.registry.draw_first_admin_token().await?)
    }

    /// Makes the drawn token good; none where another process was first with its own.
    pub async fn accept_first_admin_token(
        &self,
        drawn: DrawnToken,
    ) -> Result<Option<SecretToken>, AppError> {
        Ok(self.inner.registry.accept_first_admin_token(drawn).await?)
    }

    /// Tokens by id, after one of them, without their secrets.
    pub async fn tokens(
        &self,
        principal: &Principal,
        after: Option<&TokenId>,
        limit: usize,
    ) -> Result<Vec<TokenRecord>, AppError> {
        permit(principal, Action::Administer)?;
        Ok(self.inner.registry.tokens(after, limit).await?)
    }

    /// Ends a token's validity at once.
    pub async fn revoke_token(&self, principal: &Principal, id: &TokenId) -> Result<(), AppError> {
        permit(principal, Action::Administer)?;
        self.inner.registry.revoke_token(id).await?;
        Ok(())
    }

    fn days_from_now(&self, days: u32) -> DateTime<Utc> {
        self.inner.clock.now() + Duration::days(i64::from(days))
    }
}
