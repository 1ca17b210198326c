//! Parameters and bodies of requests, strictly: what is not known is refused with a problem.

use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use chrono::DateTime;
use hub_app::VersionSelector;
use hub_model::{AgencyId, DatasetId, ErrorKind};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

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
    text.parse().map(VersionSelector::Number).ok().or_else(|| {
        DateTime::parse_from_rfc3339(text).ok().map(|at| VersionSelector::AsOf(at.to_utc()))
    })
}

/// A JSON body.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let limited = request
            .map(|body| axum::body::Body::new(http_body_util::Limited::new(body, MAX_JSON_BYTES)));
        axum::Json::<T>::from_request(limited, state).await.map(|json| Self(json.0)).map_err(
            |rejection| match rejection {
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
            },
        )
    }
}

fn strip(text: &str) -> String {
    let detail = text.split_once(": ").map_or(text, |(_, detail)| detail);
    format!("the JSON body is not right: {detail}")
}
