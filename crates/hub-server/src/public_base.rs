//! The address that people reach the hub by, for what is printed and cited: as it is configured, or else as
//! this request reached it.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use crate::{problem::Problem, state::ServerState};

/// Scheme and host, without a slash at its end.
#[derive(Debug)]
pub(crate) struct PublicBase(pub(crate) String);

impl FromRequestParts<ServerState> for PublicBase {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        if !state.public_url.is_empty() {
            return Ok(Self(state.public_url.to_string()));
        }
        let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = parts.uri.authority().map(|authority| authority.as_str()).or(named);
        // Only what can be a host and a port; anything else stays out of texts that are passed on.
        let plain = |host: &&str| {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
            !host.is_empty() && host.bytes().all(fits)
        };
        Ok(Self(host.filter(plain).map_or_else(String::new, |host| format!("http://{host}"))))
    }
}
