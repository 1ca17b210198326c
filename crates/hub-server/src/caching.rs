//! Validators and freshness: strong ETags from dataset versions, and 304 where nothing changed.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hub_model::Principal;
use sha2::{Digest, Sha256};

/// The validator of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Etag(String);

impl Etag {
    /// From everything the answer's bytes depend on. A new build of the hub may write them otherwise, so
    /// its version is among the parts.
    pub(crate) fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.finalize()[..18])))
    }

    /// Whether the client holds this answer already.
    pub(crate) fn is_held(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok()).any(|value| {
            value
                .split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.0)
        })
    }

    /// Marks an answer with the validator. Answers are kept, and asked about before each use.
    pub(crate) fn mark(&self, response: &mut Response, principal: &Principal) {
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            headers.insert(header::ETAG, value);
        }
        headers.insert(header::CACHE_CONTROL, cache_control(principal));
        headers.insert(
            header::VARY,
            HeaderValue::from_static("authorization, accept, accept-encoding"),
        );
    }

    /// The answer to a client that holds it already.
    pub(crate) fn not_modified(&self, principal: &Principal) -> Response {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        self.mark(&mut response, principal);
        response
    }
}

/// Marks an answer that nobody keeps, since who may have it, or what it says, can change at any time.
pub(crate) fn not_stored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether an answer may lie in shared caches: only what anyone may see.
fn cache_control(principal: &Principal) -> HeaderValue {
    match principal {
        Principal::Anonymous => HeaderValue::from_static("public, no-cache"),
        Principal::Token { .. } => HeaderValue::from_static("private, no-cache"),
    }
}

/// Answers to anonymous callers and to token holders are kept apart.
pub(crate) fn cache_scope(principal: &Principal) -> &'static str {
    match principal {
        Principal::Anonymous => "anyone",
        Principal::Token { .. } => "token",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_answer_is_recognised_among_others() {
        let etag = Etag::of(&["a", "b"]);
        let mut headers = HeaderMap::new();
        assert!(!etag.is_held(&headers));
        headers.insert(
            header::IF_NONE_MATCH,
            HeaderValue::from_str(&format!("\"x\", W/{}", etag.0)).unwrap(),
        );
        assert!(etag.is_held(&headers));
        assert!(!Etag::of(&["ab", ""]).is_held(&headers), "parts must not run together");
    }
}
