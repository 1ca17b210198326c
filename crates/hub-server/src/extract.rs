//! Parameters and bodies of requests, strictly: what is not known is refused with a problem.

use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use hub_app::VersionSelector;
use hub_model::{AgencyId, DatasetId, ErrorKind};
use serde::de::DeserializeOwned;

use crate::{problem::Problem, state::ServerState};

/// The largest JSON body, in bytes. Files are streamed and have a limit of their own.
const MAX_JSON_BYTES: usize = 4 << 20;

/// Query parameters. Types used here deny unknown fields.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|query| Self(query.0))
            .map_err(|rejection| {
                let text = rejection.body_text();
                let cause = text.rsplit_once(": ").map_or(text.as_str(), |(_, cause)| cause);
                Problem::new(
                    ErrorKind::InvalidRequest,
                    format!(
                        "a query parameter is not right: {cause}; see /docs for those there are"
                    ),
                )
            })
    }
}

/// For addresses that take no query parameters.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoParams {}

/// A path's ids, checked.
#[derive(Debug)]
pub(crate) struct DatasetPath(pub(crate) DatasetId);

impl<S: Send + Sync> FromRequestParts<S> for DatasetPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(serde::Deserialize)]
        struct Ids {
            agency: String,
            dataset: String,
        }
        let ids = path::<Ids, S>(parts, state).await?;
        // An id that can't be is one that isn't there.
        AgencyId::parse(&ids.agency)
            .and_then(|agency| DatasetId::new(agency, &ids.dataset))
            .map(Self)
            .map_err(|_| not_found(&format!("dataset \"{}.{}\"", ids.agency, ids.dataset)))
    }
}

/// A path's last id beside the dataset's, such as a version's number.
#[derive(Debug)]
pub(crate) struct LastSegment<T>(pub(crate) T);

impl<T: std::str::FromStr, S: Send + Sync> FromRequestParts<S> for LastSegment<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let values = path::<std::collections::BTreeMap<String, String>, S>(parts, state).await?;
        let text = values.get("id").or_else(|| values.get("agency")).cloned().unwrap_or_default();
        text.parse().map(Self).map_err(|_| not_found(&format!("{text:?}")))
    }
}

async fn path<T: DeserializeOwned + Send, S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
) -> Result<T, Problem> {
    axum::extract::Path::<T>::from_request_parts(parts, state)
        .await
        .map(|path| path.0)
        .map_err(|_| not_found("address of this form"))
}

fn not_found(what: &str) -> Problem {
    Problem::new(ErrorKind::NotFound, format!("there is no {what}, or you may not see it"))
}

/// A version as text has it: its number, or the instant at which it was the newest.
pub(crate) fn version_of_word(text: &str) -> Option<VersionSelector> {
    text.parse()
        .map(VersionSelector::Number)
        .ok()
        .or_else(|| instant_of_word(text).map(VersionSelector::AsOf))
}

/// An instant as text has it, seconds left out or not; without an offset it is Japanese time. A plus
/// sign that an address was given without its escape has become a space, and is taken for what it was.
pub(crate) fn instant_of_word(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let mended = match text.rsplit_once(' ') {
        Some((time, offset)) if time.contains('T') && offset.len() == 5 => {
            format!("{time}+{offset}")
        }
        _ => text.to_owned(),
    };
    if let Ok(instant) = DateTime::parse_from_rfc3339(&mended)
        .or_else(|_| DateTime::parse_from_str(&mended, "%Y-%m-%dT%H:%M%:z"))
    {
        return Some(instant.to_utc());
    }
    let local = NaiveDateTime::parse_from_str(&mended, "%Y-%m-%dT%H:%M:%S")
        .or_else(|_| NaiveDateTime::parse_from_str(&mended, "%Y-%m-%dT%H:%M"))
        .ok()?;
    local.and_local_timezone(FixedOffset::east_opt(9 * 3600)?).single().map(|at| at.to_utc())
}

/// Which version a pair of parameters asks for; the newest where neither is given.
pub(crate) fn version_selector(
    version: Option<&str>,
    as_of: Option<&str>,
) -> Result<VersionSelector, Problem> {
    const INSTANT: &str = "an instant such as 2026-04-01T00:00:00+09:00";
    match (version, as_of) {
        (Some(_), Some(_)) => {
            Err(Problem::parameter("as_of", "give either version or as_of, not both"))
        }
        (Some(text), None) => version_of_word(text)
            .ok_or_else(|| Problem::parameter("version", format!("give a number, or {INSTANT}"))),
        (None, Some(text)) => instant_of_word(text)
            .map(VersionSelector::AsOf)
            .ok_or_else(|| Problem::parameter("as_of", format!("give {INSTANT}"))),
        (None, None) => Ok(VersionSelector::Latest),
    }
}

/// A JSON body.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<ServerState> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ServerState) -> Result<Self, Problem> {
        let limited = request
            .map(|body| axum::body::Body::new(http_body_util::Limited::new(body, MAX_JSON_BYTES)));
        let read = axum::Json::<T>::from_request(limited, state);
        let read = tokio::time::timeout(state.body_timeout, read).await.map_err(|_| {
            let ms = state.body_timeout.as_millis();
            let detail = format!("the JSON body did not come whole within {ms} ms; send it again");
            Problem::new(ErrorKind::InvalidRequest, detail)
        })?;
        read.map(|json| Self(json.0)).map_err(|rejection| match rejection {
            JsonRejection::MissingJsonContentType(_) => Problem::of_status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-format",
                "Format not read",
                "send the body as JSON, with \"Content-Type: application/json\"",
            ),
            JsonRejection::BytesRejection(_) => Problem::of_status(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "The body is too large",
                "the JSON body did not arrive whole or is larger than 4 MiB",
            ),
            JsonRejection::JsonDataError(error) => {
                Problem::new(ErrorKind::InvalidDescriptor, strip(&error.body_text()))
            }
            other => Problem::new(ErrorKind::InvalidRequest, strip(&other.body_text())),
        })
    }
}

fn strip(text: &str) -> String {
    let detail = text.split_once(": ").map_or(text, |(_, detail)| detail);
    format!("the JSON body is not right: {detail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_with_and_without_its_seconds_offset_and_escape() {
        let expected = DateTime::parse_from_rfc3339("2026-03-31T15:00:00Z").unwrap().to_utc();
        for text in [
            "2026-04-01T00:00:00+09:00",
            "2026-04-01T00:00+09:00",
            "2026-04-01T00:00:00 09:00",
            "2026-04-01T00:00 09:00",
            "2026-03-31T15:00:00Z",
            "2026-04-01T00:00:00",
            "2026-04-01T00:00",
        ] {
            assert_eq!(instant_of_word(text), Some(expected), "{text}");
        }
        for text in ["2026-04-01", "yesterday", "", "2026-04-31T00:00", "T 12345"] {
            assert_eq!(instant_of_word(text), None, "{text}");
        }
    }

    #[test]
    fn a_version_and_an_instant_at_once_are_refused() {
        assert_eq!(version_selector(None, None).unwrap(), VersionSelector::Latest);
        assert_eq!(version_selector(Some("3"), None).unwrap(), VersionSelector::Number(3));
        assert!(version_selector(Some("3"), Some("2026-04-01T00:00Z")).is_err());
        assert!(version_selector(None, Some("3")).is_err());
    }
}
