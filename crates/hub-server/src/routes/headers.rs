//! Headers that requests and answers about files share, and their bodies as streams.

use axum::{body::Body, http::HeaderMap};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::TryStreamExt;
use hub_model::Text;

use crate::problem::Problem;

pub(crate) fn body_stream(body: Body) -> hub_app::Body {
    Box::pin(body.into_data_stream().map_err(std::io::Error::other))
}

/// The key by which a request can be sent again safely.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    headers
        .get("idempotency-key")
        .map(|value| {
            value
                .to_str()
                .ok()
                .map(|key| key.trim().trim_matches('"').to_owned())
                .filter(|key| !key.is_empty() && key.len() <= 255)
                .ok_or_else(|| {
                    Problem::parameter(
                        "Idempotency-Key",
                        Text::new(
                            "空白でないASCII文字を255文字まで指定してください",
                            "give up to 255 visible ASCII characters",
                        ),
                    )
                })
        })
        .transpose()
}

/// The SHA-256 of an RFC 9530 `Content-Digest`.
pub(crate) fn content_digest(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Problem> {
    let Some(value) = headers.get("content-digest") else { return Ok(None) };
    let digest = value.to_str().ok().and_then(|text| {
        text.split(',').find_map(|member| {
            let encoded = member.trim().strip_prefix("sha-256=:")?.strip_suffix(':')?;
            STANDARD.decode(encoded).ok()?.try_into().ok()
        })
    });
    digest.map(Some).ok_or_else(|| {
        Problem::parameter(
            "Content-Digest",
            Text::new(
                "「sha-256=:<32バイトのbase64>:」の形で書いてください",
                "write it as sha-256=:<base64 of the 32 bytes>:",
            ),
        )
    })
}

/// A file's digest as RFC 9530 writes it, from its SHA-256 in hexadecimal.
pub(crate) fn digest_header(sha256: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = (0..sha256.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(sha256.get(at..at + 2)?, 16).ok())
        .collect();
    Some(format!("sha-256=:{}:", STANDARD.encode(bytes?)))
}

/// A file's name for browsers, in the form that any name can take (RFC 6266).
pub(crate) fn disposition(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename*=UTF-8''{encoded}")
}

/// Whether the sender asks not to wait (RFC 7240).
pub(crate) fn prefers_async(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences
        .flat_map(|value| value.split(','))
        .any(|preference| preference.trim().eq_ignore_ascii_case("respond-async"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_encoded_whatever_it_holds() {
        let shown = disposition("四月 \"x\"\r\n.csv");
        assert_eq!(shown, "attachment; filename*=UTF-8''%E5%9B%9B%E6%9C%88%20%22x%22%0D%0A.csv");
    }

    #[test]
    fn a_digest_is_read_among_others_and_a_broken_one_is_refused() {
        let mut headers = HeaderMap::new();
        assert_eq!(content_digest(&headers).unwrap(), None);
        let encoded = STANDARD.encode([7; 32]);
        headers.insert(
            "content-digest",
            format!("sha-512=:AAAA:, sha-256=:{encoded}:").parse().unwrap(),
        );
        assert_eq!(content_digest(&headers).unwrap(), Some([7; 32]));
        for broken in ["sha-256=:AAAA:", "sha-256=xyz", "md5=:AAAA:"] {
            headers.insert("content-digest", broken.parse().unwrap());
            assert!(content_digest(&headers).is_err(), "{broken} was accepted");
        }
    }
}
