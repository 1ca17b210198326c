//! Who asks: a bearer token becomes a principal. What the principal may do is not decided here.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use hub_model::{ErrorKind, Principal};

use crate::{problem::Problem, state::ServerState};

/// The principal of a request. No header means anonymous; a bad one is refused, not ignored.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) Principal);

impl FromRequestParts<ServerState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &ServerState,
    ) -> Result<Self, Self::Rejection> {
        let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(Self(Principal::Anonymous)) };
        let token = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .filter(|token| !token.is_empty());
        match (token, values.next()) {
            (Some(token), None) => Ok(Self(state.app.authenticate(token).await?)),
            _ => Err(Problem::new(
                ErrorKind::Unauthenticated,
                "the Authorization header is not understood: send \"Authorization: Bearer <token>\" once",
            )),
        }
    }
}
