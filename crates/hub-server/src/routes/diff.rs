//! What differs between two versions.

use axum::{extract::State, http::HeaderMap, response::Response};
use hub_app::{DiffRead, Reading};
use hub_model::{Text, VersionNumber};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    QueryProblems,
    answer::{AnswerBody, output_format, respond},
};
use crate::{
    auth::Caller,
    caching::{Etag, cache_scope},
    extract::{DatasetPath, LastSegment, Params, Segment},
    problem::Problem,
    state::ServerState,
};

/// How a difference is told.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffQuery {
    /// The most rows; all where nothing is said.
    #[param(example = 100, minimum = 1)]
    limit: Option<usize>,
    /// `json`, `ndjson`, `csv`, `arrow`, `parquet`, `geojson` or `xlsx`; goes before `Accept`.
    format: Option<String>,
}

/// Two versions as a path has them: `2..5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VersionRange {
    old: VersionNumber,
    new: VersionNumber,
}

impl std::str::FromStr for VersionRange {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (old, new) = text.split_once("..").ok_or(())?;
        Ok(Self { old: old.parse().map_err(|_| ())?, new: new.parse().map_err(|_| ())? })
    }
}

impl Segment for VersionRange {
    const NAMES: &str = "pair of versions";
}

/// Compare two versions
///
/// The rows added, changed and removed from the one version to the other, by primary key and in its order:
/// `change`, the key, and each other column as it was and is, as `<column>_old` and `<column>_new`. Only
/// files that differ are read. Version 0 is the empty dataset.
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/versions/{id}/diff", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly"),
           ("id" = String, Path, description = "Two versions, the older first", example = "0..1"), DiffQuery),
    responses((status = 200, description = "The rows that differ", content(
        (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"), (Object = "application/geo+json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 304, description = "Unchanged"), QueryProblems))]
pub(crate) async fn read_diff(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    LastSegment(range): LastSegment<VersionRange>,
    Params(query): Params<DiffQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = output_format(query.format.as_deref(), &headers)?;
    if query.limit == Some(0) {
        return Err(Problem::parameter(
            "limit",
            Text::new("1以上の数を指定してください", "give a number from 1 on"),
        ));
    }
    let limit = query.limit.map(|limit| limit.to_string()).unwrap_or_default();
    let etag =
        |state: &str| Etag::of(&["diff", &limit, state, format.name(), cache_scope(&principal)]);
    let read = DiffRead { dataset, old: range.old, new: range.new, limit: query.limit };
    let held = |state: &str| etag(state).is_held(&headers);
    let (answer, version_state) = match state.app.read_diff(&principal, read, held).await? {
        Reading::Unchanged(state) => return Ok(etag(&state).not_modified(&principal)),
        Reading::Read { answer, state } => (answer, state),
    };
    let mut response = respond(&state, answer.stream, answer.sources, format).await?;
    etag(&version_state).mark(&mut response, &principal);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_two_numbers() {
        assert_eq!("2..5".parse(), Ok(VersionRange { old: 2, new: 5 }));
        for broken in ["2", "2..", "..5", "2...5", "a..b", "2..-1", ""] {
            assert!(broken.parse::<VersionRange>().is_err(), "{broken}");
        }
    }
}
