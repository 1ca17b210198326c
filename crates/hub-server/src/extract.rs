//! Parameters and bodies of requests, strictly: what is not known is refused with a problem.

use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use hub_app::VersionSelector;
use hub_model::{
    AgencyId, DatasetId, ErrorKind, PermalinkId, QueryId, Text, TokenId, UploadId, VersionNumber,
};
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
                let cause = text.strip_prefix(NOT_READ).unwrap_or(&text);
                Problem::wrong_request(wrong_parameter(cause))
            })
    }
}

/// What the library puts before each of its reasons.
const NOT_READ: &str = "Failed to deserialize query string: ";

/// The library's reason, in words for who wrote the address.
fn wrong_parameter(cause: &str) -> Text {
    let quoted = |mark: &str| {
        let (_, rest) = cause.split_once(mark)?;
        rest.split_once('`')
            .map(|(name, rest)| (name, rest.trim_start_matches(", ").replace('`', "")))
    };
    if let Some((name, _)) = quoted("missing field `") {
        Text::new(
            format!("{name}：このパラメーターが必要です。意味は /docs にあります"),
            format!("{name}: give this parameter; /docs says what it means"),
        )
    } else if let Some((name, _)) = quoted("duplicate field `") {
        Text::new(format!("{name}：1回だけ指定してください"), format!("{name}: give it once"))
    } else if let Some((name, known)) = quoted("unknown field `") {
        let (ja, en) = if known == "there are no fields" {
            (
                "パラメーターは取りません。POSTでは本文のJSONに書きます".to_owned(),
                "none is taken; with POST what is asked goes into the body, in JSON".to_owned(),
            )
        } else if known.is_empty() {
            ("使えるものは /docs にあります".to_owned(), "/docs lists those that there are".into())
        } else {
            (listed(&known), known)
        };
        Text::new(
            format!("「{name}」というパラメーターはここにはありません。{ja}"),
            format!("there is no parameter {name} here; {en}"),
        )
    } else if let Some((value, known)) = quoted("unknown variant `") {
        let before = cause.split("unknown variant").next().unwrap_or_default();
        let name = before.trim_end_matches([':', ' ']);
        Text::new(
            format!("{name}：「{value}」は使えません。{}", listed(&known)),
            format!("{before}{value:?} is not known; {known}"),
        )
    } else {
        let cause = cause.replace('`', "");
        let name = cause.split(':').next().filter(|name| !name.contains(' '));
        let ja = match name {
            Some(name) => format!("{name}：値が正しくありません。書き方は /docs にあります"),
            None => "パラメーターの値が正しくありません。書き方は /docs にあります".to_owned(),
        };
        Text::new(ja, format!("a parameter is not right: {cause}"))
    }
}

/// What the library says would be right, in Japanese: `expected one of a, b` or `expected a or b`.
pub(crate) fn listed(known: &str) -> String {
    let names = known.trim_start_matches("expected ").trim_start_matches("one of ");
    format!("使えるのは {} です", names.replace(" or ", ", "))
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
            // A set of datasets is named as a dataset is.
            #[serde(alias = "set")]
            dataset: String,
        }
        let ids = path::<Ids, S>(parts, state).await?;
        // An id that can't be is one that isn't there.
        AgencyId::parse(&ids.agency)
            .and_then(|agency| DatasetId::new(agency, &ids.dataset))
            .map(Self)
            .map_err(|_| not_found(&format!("dataset {}.{}", ids.agency, ids.dataset)))
    }
}

/// What a path's last segment can be.
pub(crate) trait Segment: std::str::FromStr {
    /// What it names, in a word.
    const NAMES: &str;
}

impl Segment for AgencyId {
    const NAMES: &str = "agency";
}

impl Segment for UploadId {
    const NAMES: &str = "upload";
}

impl Segment for TokenId {
    const NAMES: &str = "token";
}

impl Segment for QueryId {
    const NAMES: &str = "query";
}
impl Segment for PermalinkId {
    const NAMES: &str = "permalink";
}
impl Segment for VersionNumber {
    const NAMES: &str = "version";
}

/// A path's last id beside the dataset's, such as a version's number.
#[derive(Debug)]
pub(crate) struct LastSegment<T>(pub(crate) T);

impl<T: Segment, S: Send + Sync> FromRequestParts<S> for LastSegment<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let values = path::<std::collections::BTreeMap<String, String>, S>(parts, state).await?;
        let text = values.get("id").or_else(|| values.get("agency")).cloned().unwrap_or_default();
        text.parse().map(Self).map_err(|_| not_found(&format!("{} {text:?}", T::NAMES)))
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
    const INSTANT_JA: &str = "2026-04-01T00:00:00+09:00 のような時刻";
    match (version, as_of) {
        (Some(_), Some(_)) => Err(Problem::parameter(
            "as_of",
            Text::new(
                "version と as_of は、どちらか一方だけを指定してください",
                "give either version or as_of, not both",
            ),
        )),
        (Some(text), None) => version_of_word(text).ok_or_else(|| {
            Problem::parameter(
                "version",
                Text::new(
                    format!("版の番号か、{INSTANT_JA}を指定してください"),
                    format!("give a number, or {INSTANT}"),
                ),
            )
        }),
        (None, Some(text)) => instant_of_word(text).map(VersionSelector::AsOf).ok_or_else(|| {
            Problem::parameter(
                "as_of",
                Text::new(format!("{INSTANT_JA}を指定してください"), format!("give {INSTANT}")),
            )
        }),
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
    fn a_wrong_parameter_is_named_with_what_is_wrong_about_it() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only read")]
        struct Query {
            q: String,
            limit: Option<usize>,
            mode: Option<Mode>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Mode {
            Append,
            Replace,
        }
        let told = |text: &str| wrong_parameter(text).ja;
        for (cause, said) in [
            ("missing field `q`", "q：このパラメーターが必要です。意味は /docs にあります"),
            (
                "unknown field `limt`, expected one of `q`, `limit`",
                "「limt」というパラメーターはここにはありません。使えるのは q, limit です",
            ),
            (
                "unknown field `limt`",
                "「limt」というパラメーターはここにはありません。使えるものは /docs にあります",
            ),
            (
                "mode: unknown variant `x`, expected `append` or `replace`",
                "mode：「x」は使えません。使えるのは append, replace です",
            ),
            (
                "limit: invalid digit found in string",
                "limit：値が正しくありません。書き方は /docs にあります",
            ),
        ] {
            assert_eq!(told(cause), said);
        }
        for (address, said) in [
            ("/?limit=1", "q: give this parameter; /docs says what it means"),
            ("/?q=a&q=b", "q: give it once"),
            ("/?q=a&limt=1", "there is no parameter limt here; expected one of q, limit, mode"),
            ("/?q=a&limit=x", "a parameter is not right: limit: invalid digit found in string"),
            ("/?q=a&mode=x", "mode: \"x\" is not known; expected append or replace"),
        ] {
            let error = axum::extract::Query::<Query>::try_from_uri(&address.parse().unwrap());
            let text = error.unwrap_err().body_text();
            assert_eq!(wrong_parameter(text.strip_prefix(NOT_READ).unwrap()).en, said, "{text}");
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
