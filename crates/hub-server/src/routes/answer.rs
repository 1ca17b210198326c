//! Answers of queries: the format the client asked for, the sources in the head, the batches as a body
//! that is written as they come.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use futures::{StreamExt, stream};
use hub_app::{AnswerHead, AnswerKey, AppError, KeptAnswer};
use hub_model::{ErrorKind, Principal, Source, Text, format_instant};
use hub_query::{AnswerHeader, EncodeOptions, OutputFormat, QUALITY_KEY, QueryStream};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{extract::listed, problem::Problem, state::ServerState};

const FORMATS: &str = "json, ndjson, csv, arrow, parquet, geojson or xlsx";

/// An answer as JSON has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "columns": [{"name": "time", "type": "datetime", "role": "time", "interval": "PT1H", "label": "end"},
                {"name": "flow", "type": "number", "unit": "m3/s", "role": "value"}],
    "sources": [{"dataset": "otaru_kaihatsu.river_hourly", "version": 1, "committed_at": "2026-04-01T00:00:00Z",
                 "title": {"ja": "時間水位・流量"}, "publisher": {"ja": "小樽開発建設部"},
                 "licence": "CC-BY-4.0", "licence_url": "https://creativecommons.org/licenses/by/4.0/",
                 "attribution": "合成データ", "synthetic": true}],
    "citation": "/v1/citations?sources=otaru_kaihatsu.river_hourly@1",
    "query_id": "0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11",
    "rows": [{"time": "2025-04-01T01:00:00+09:00", "flow": 88.62}],
    "row_count": 1
}))]
pub(crate) struct AnswerBody {
    /// Each column's name, type, unit and meaning.
    columns: Vec<serde_json::Value>,
    /// The dataset versions that were read, with licence and attribution.
    sources: Vec<serde_json::Value>,
    /// The columns of which values of bad quality were left out, with the qualities that were, and how many
    /// values of the whole version they are (`left_out_in_version`, where its files tell); absent where no column
    /// read has a quality. `with_quality('agency.dataset')` in SQL, and `quality=all` for rows, show them all.
    #[schema(required = false)]
    quality: Vec<serde_json::Value>,
    /// Where it is told how the answer is cited, and what the licences together oblige to; absent where it
    /// was read from no dataset.
    citation: Option<String>,
    /// The id under which logs know the query.
    query_id: String,
    /// The rows, by column name.
    rows: Vec<serde_json::Value>,
    /// How many there are.
    row_count: u64,
    /// For pages of rows only: give it as `cursor` for the next page; null after the last.
    next_cursor: Option<String>,
}

/// In which form a result is taken that is asked for by its address alone.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormatQuery {
    /// `json`, `ndjson`, `csv`, `arrow`, `parquet`, `geojson` or `xlsx`; goes before `Accept`.
    #[param(example = "csv")]
    pub(crate) format: Option<String>,
}

/// The format by the `format` parameter, or else by `Accept`; JSON where neither says.
pub(crate) fn output_format(
    parameter: Option<&str>,
    headers: &HeaderMap,
) -> Result<OutputFormat, Problem> {
    if let Some(name) = parameter {
        return OutputFormat::parse(name).ok_or_else(|| {
            Problem::parameter("format", Text::new(listed(FORMATS), format!("use {FORMATS}")))
        });
    }
    let mut accepted: Vec<(f32, &str)> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let quality = parts.find_map(|p| p.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            (quality, media_type)
        })
        .filter(|(quality, media_type)| *quality > 0.0 && !media_type.is_empty())
        .collect();
    if accepted.is_empty() {
        return Ok(OutputFormat::Json);
    }
    accepted.sort_by(|a, b| b.0.total_cmp(&a.0));
    accepted
        .into_iter()
        .find_map(|(_, media_type)| match media_type {
            "*/*" | "application/*" => Some(OutputFormat::Json),
            "text/*" => Some(OutputFormat::Csv),
            other => OutputFormat::of_media_type(other),
        })
        .ok_or_else(|| {
            Problem::new(
                ErrorKind::NotAcceptable,
                format!("none of the accepted media types is offered; use ?format= with {FORMATS}"),
            )
        })
}

/// How a page ends, for answers that are one.
pub(crate) struct PageEnd {
    /// Where the next begins; none after the last.
    pub(crate) next_cursor: Option<String>,
}

/// The key under which an answer is kept, where it may be: the question's parts, and the state that its
/// datasets were opened at for who asks.
pub(crate) fn kept_key(
    question: &[&str],
    state: Option<&str>,
    format: OutputFormat,
    principal: &Principal,
) -> Option<AnswerKey> {
    let parts: Vec<&str> = question.iter().copied().chain([format.name()]).collect();
    state.map(|state| AnswerKey::of(&parts, state, principal))
}

/// An answer that was given before.
pub(crate) fn respond_again(kept: &KeptAnswer) -> Response {
    let pieces: Vec<_> = kept.body.iter().cloned().map(Ok::<_, std::convert::Infallible>).collect();
    let body = match kept.body.as_slice() {
        [one] => Body::from(one.clone()),
        _ => Body::from_stream(futures::stream::iter(pieces)),
    };
    with_head(body, &kept.head)
}

/// The answer's head and body. An error after the first batch breaks the body off, so that no client
/// takes a part for the whole.
pub(crate) async fn respond(
    state: &ServerState,
    answer: QueryStream,
    sources: Vec<Source>,
    format: OutputFormat,
) -> Result<Response, Problem> {
    respond_as(state, answer, sources, format, Manner::default()).await
}

/// What else there is to an answer.
#[derive(Default)]
pub(crate) struct Manner {
    /// How the page ends, where it is one.
    pub(crate) page: Option<PageEnd>,
    /// The address by which to cite it, where it has one of its own.
    pub(crate) cite_as: Option<String>,
    /// The key under which it is kept for the next who asks, where it may be.
    pub(crate) key: Option<AnswerKey>,
}

/// As [`respond`], in this manner.
pub(crate) async fn respond_as(
    state: &ServerState,
    answer: QueryStream,
    sources: Vec<Source>,
    format: OutputFormat,
    manner: Manner,
) -> Result<Response, Problem> {
    let query_id = Uuid::now_v7().to_string();
    let cite_as = manner.cite_as.as_deref();
    let citation = match cite_as {
        Some(address) => format!("{address}/citation"),
        None => citation_address(state, &sources),
    };
    let paged = manner.page.is_some();
    let next_cursor = manner.page.and_then(|page| page.next_cursor);
    let quality = answer.schema().metadata().get(QUALITY_KEY).map(|said| ascii(said));
    let mut head = Head::of_format(format);
    head.put("mochiyori-next-cursor", next_cursor.as_deref());
    head.put("mochiyori-quality", quality.as_deref());
    head.put_sources(&state.public_url, &sources, cite_as);
    let Head(head) = head;
    let header = AnswerHeader { sources, citation, query_id, paged, next_cursor };
    let mut body = Box::pin(hub_query::encode(answer, format, header, EncodeOptions::default()));
    // What a format cannot hold shows with its first piece, while it can still be told as a problem.
    let first = body.next().await.transpose().map_err(AppError::from)?;
    let bytes = stream::iter(first.map(Ok)).chain(body);
    let body = match manner.key {
        None => Body::from_stream(bytes),
        Some(key) => Body::from_stream(state.app.answers().keeping(key, head.clone(), bytes)),
    };
    Ok(with_head(body, &head))
}

fn with_head(body: Body, head: &AnswerHead) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.reserve(head.len());
    for (name, value) in head {
        if let Ok(value) = HeaderValue::from_maybe_shared(value.clone()) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    response
}

/// Where it is told how these sources are cited; empty where there are none.
fn citation_address(state: &ServerState, sources: &[Source]) -> String {
    if sources.is_empty() {
        return String::new();
    }
    let versions = sources.iter().map(|source| format!("{}@{}", source.dataset, source.version));
    let versions = versions.collect::<Vec<_>>().join(",");
    format!("{}/v1/citations?sources={versions}", state.public_url)
}

/// The head of an answer, put together.
struct Head(AnswerHead);

impl Head {
    fn of_format(format: OutputFormat) -> Self {
        let mut head = Self(AnswerHead::new());
        head.put("content-type", Some(format.media_type()));
        if !matches!(format, OutputFormat::Json | OutputFormat::NdJson) {
            let name = format!("attachment; filename=\"mochiyori.{}\"", format.name());
            head.put("content-disposition", Some(&name));
        }
        head
    }

    /// What a header cannot carry is left out.
    fn put(&mut self, name: &'static str, value: Option<&str>) {
        let value = value.filter(|value| HeaderValue::from_str(value).is_ok());
        self.0.extend(value.map(|value| (name, Bytes::copy_from_slice(value.as_bytes()))));
    }

    /// What must be said of the sources, for formats that have no room for it: a link to each version and to
    /// each licence, the address by which to cite, and the attributions as one JSON header in ASCII.
    fn put_sources(&mut self, base: &str, sources: &[Source], cite_as: Option<&str>) {
        let addresses: Vec<_> = sources
            .iter()
            .map(|source| {
                let (agency, name) = (source.dataset.agency(), source.dataset.name());
                let dataset = format!("{base}/v1/datasets/{agency}/{name}");
                let version = format!("{dataset}/versions/{}", source.version);
                (source, dataset, version)
            })
            .collect();
        for (Source { dataset: id, licence_url, .. }, dataset, version) in &addresses {
            let described = format!("<{version}>; rel=\"describedby\"; title=\"{id}\"");
            self.put("link", Some(&described));
            let licence = format!("<{licence_url}>; rel=\"license\"; anchor=\"{dataset}\"");
            self.put("link", Some(&licence));
        }
        // An answer of several versions has no address of its own to be cited by, unless it is a permalink's.
        let only_version = match addresses.as_slice() {
            [(source, _, version)] if source.version > 0 => Some(version.as_str()),
            _ => None,
        };
        let cited = cite_as.or(only_version).map(|at| format!("<{at}>; rel=\"cite-as\""));
        self.put("link", cited.as_deref());
        let short: Vec<_> = sources
            .iter()
            .map(|source| {
                serde_json::json!({
                    "dataset": source.dataset.to_string(),
                    "version": source.version,
                    "committed_at": source.committed_at.map(format_instant),
                    "licence": source.licence,
                    "attribution": source.attribution,
                    "synthetic": source.synthetic,
                })
            })
            .collect();
        self.put("mochiyori-sources", Some(&ascii(&serde_json::Value::from(short).to_string())));
    }
}

/// Text of JSON in which every character beyond ASCII is escaped, since headers carry nothing else.
fn ascii(json: &str) -> String {
    use std::fmt::Write;
    let mut ascii = String::with_capacity(json.len());
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => ascii.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => _ = write!(ascii, "\\u{unit:04x}"),
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_format_follows_the_parameter_then_the_accepted_types_by_their_weight() {
        let none = HeaderMap::new();
        assert_eq!(output_format(None, &none).unwrap(), OutputFormat::Json);
        assert_eq!(
            output_format(Some("arrow"), &accept("text/csv")).unwrap(),
            OutputFormat::ArrowStream
        );
        assert_eq!(
            output_format(None, &accept("application/json;q=0.5, text/csv")).unwrap(),
            OutputFormat::Csv
        );
        assert_eq!(
            output_format(None, &accept("image/png, */*;q=0.1")).unwrap(),
            OutputFormat::Json
        );
        assert_eq!(output_format(None, &accept("image/png")).unwrap_err().status, 406);
        assert_eq!(output_format(Some("ods"), &none).unwrap_err().status, 400);
    }

    #[test]
    fn japanese_attributions_travel_in_headers() {
        let value = serde_json::json!([{"attribution": "出典：𠮷野"}]);
        let ascii = ascii(&value.to_string());
        assert!(ascii.is_ascii());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&ascii).unwrap(), value);
    }
}
