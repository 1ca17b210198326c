//! A dataset's rows without SQL: filters in PostgREST's manner, an order, and pages that stay with the
//! version they began in.

use std::sync::{Arc, OnceLock};

use axum::{
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use hub_app::{AnswerKey, KeptAnswer, LatestRead, Reading, RowsRead};
use hub_model::{Principal, Text};
use hub_query::{
    Cursor, Direction, FilterOperator, FilterValue, MAX_PAGE_ROWS, OrderBy, OutputFormat, RowFilter,
};
use utoipa::IntoParams;

use super::{
    QueryProblems,
    answer::{AnswerBody, Manner, PageEnd, kept_key, output_format, respond_again, respond_as},
};
use crate::{
    auth::Caller,
    caching::{Etag, cache_scope},
    extract::{DatasetPath, version_selector},
    problem::Problem,
    state::ServerState,
};

/// Rows a page has where nothing is said.
const DEFAULT_PAGE_ROWS: usize = 100;

/// The parameter that asks for values of every quality.
const QUALITY: &str = "quality";

/// What to read of a dataset's rows. Any other parameter is a filter: a column's name or alias with an
/// operator and a value, such as `level=gte.2.5`, `station=in.(a,b)` or `flow=is.null`.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described: filters have names that no struct knows")]
pub(crate) struct RowsQuery {
    /// Columns, separated by commas; all where nothing is said.
    #[param(example = "time,level")]
    select: Option<String>,
    /// `all` shows values of every quality; otherwise those of bad quality are left out.
    #[param(example = "all")]
    quality: Option<String>,
    /// Columns to order by, each with `.asc` or `.desc`, separated by commas; the key where nothing is said.
    #[param(example = "time.desc")]
    order: Option<String>,
    /// Rows of a page, up to 10,000; 100 where nothing is said.
    #[param(example = 100, minimum = 1, maximum = 10000)]
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// A version's number, or an instant whose newest version is meant.
    #[param(example = "1")]
    version: Option<String>,
    /// Read the dataset as it was known at this instant: the newest version published by then.
    #[param(example = "2026-04-01T00:00:00+09:00")]
    as_of: Option<String>,
    /// `json`, `ndjson`, `csv`, `arrow`, `parquet`, `geojson` or `xlsx`; goes before `Accept`.
    format: Option<String>,
}

/// What to read of the newest rows. Any other parameter is a filter, as for rows.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described: filters have names that no struct knows")]
pub(crate) struct LatestQuery {
    /// Columns, separated by commas; all where nothing is said.
    select: Option<String>,
    /// `all` shows values of every quality; otherwise those of bad quality are left out.
    quality: Option<String>,
    /// A version's number, or an instant whose newest version is meant.
    version: Option<String>,
    /// Read the dataset as it was known at this instant: the newest version published by then.
    as_of: Option<String>,
    /// `json`, `ndjson`, `csv`, `arrow`, `parquet`, `geojson` or `xlsx`; goes before `Accept`.
    format: Option<String>,
}

/// A request's parameters, taken one by one; what is left at the end are filters.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn new(query: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().filter(|(name, _)| !name.is_empty()).collect())
    }

    /// Takes the parameter of this name; twice is once too often.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut found = None;
        let mut rest = Vec::with_capacity(self.0.len());
        for (key, value) in self.0.drain(..) {
            if key != name {
                rest.push((key, value));
            } else if found.replace(value).is_some() {
                return Err(Problem::parameter(
                    name,
                    Text::new("1回だけ指定してください", "give it once"),
                ));
            }
        }
        self.0 = rest;
        Ok(found)
    }

    /// Takes every parameter of this name.
    pub(super) fn take_all(&mut self, name: &str) -> Vec<String> {
        let (found, rest) = self.0.drain(..).partition(|(key, _)| key == name);
        self.0 = rest;
        let found: Vec<(String, String)> = found;
        found.into_iter().map(|(_, value)| value).collect()
    }

    fn version(&mut self) -> Result<hub_app::VersionSelector, Problem> {
        let (version, as_of) = (self.take("version")?, self.take("as_of")?);
        version_selector(version.as_deref(), as_of.as_deref())
    }

    /// Takes `quality=all`. With an operator it is a condition on a column of that name.
    fn with_quality(&mut self) -> Result<bool, Problem> {
        let before = self.0.len();
        self.0.retain(|(name, value)| name != QUALITY || value != "all");
        let is_word = |(name, value): &(String, String)| name == QUALITY && !value.contains('.');
        if self.0.iter().any(is_word) {
            return Err(Problem::parameter(
                QUALITY,
                Text::new(
                    "すべての品質の値を見るには quality=all とし、良い値だけなら指定しないでください",
                    "write quality=all to see values of every quality; leave it out for good values",
                ),
            ));
        }
        Ok(self.0.len() < before)
    }

    pub(super) fn into_filters(self) -> Result<Vec<RowFilter>, Problem> {
        self.0.into_iter().map(|(column, condition)| filter(column, &condition)).collect()
    }
}

fn filter(column: String, condition: &str) -> Result<RowFilter, Problem> {
    let refused = || Problem::parameter(&column, forms());
    let one = |operator, value: &str| (operator, FilterValue::One(value.to_owned()));
    let (operator, value) = match condition {
        "is.null" => (FilterOperator::IsNull, FilterValue::None),
        "not.is.null" => (FilterOperator::IsNotNull, FilterValue::None),
        _ => match condition.split_once('.') {
            Some(("eq", value)) => one(FilterOperator::Eq, value),
            Some(("neq", value)) => one(FilterOperator::NotEq, value),
            Some(("gt", value)) => one(FilterOperator::Gt, value),
            Some(("gte", value)) => one(FilterOperator::Gte, value),
            Some(("lt", value)) => one(FilterOperator::Lt, value),
            Some(("lte", value)) => one(FilterOperator::Lte, value),
            Some(("like", value)) => one(FilterOperator::Like, value),
            Some(("in", list)) => {
                let list = list.strip_prefix('(').and_then(|list| list.strip_suffix(')'));
                let list = list.ok_or_else(refused)?;
                (FilterOperator::In, FilterValue::Many(list_items(list)))
            }
            _ => return Err(refused()),
        },
    };
    Ok(RowFilter { column, operator, value })
}

/// The forms of conditions.
fn forms() -> Text {
    Text::new(
        "パラメーターでも条件でもありません。列で絞り込むには「列=eq.値」のように書いてください。使えるのは eq, neq, gt, gte, lt, lte, like, in.(a,b), is.null, not.is.null です",
        "this is no parameter and no condition; to filter by a column write column=eq.value, with eq, neq, gt, \
         gte, lt, lte, like, in.(a,b), is.null or not.is.null",
    )
}

/// Items separated by commas; one in double quotes may hold commas itself.
fn list_items(list: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    for c in list.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => items.push(String::new()),
            _ => {
                if let Some(item) = items.last_mut() {
                    item.push(c);
                }
            }
        }
    }
    items
}

fn names(list: Option<String>) -> Result<Option<Vec<String>>, Problem> {
    let Some(list) = list else { return Ok(None) };
    let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
    if names.iter().any(String::is_empty) {
        let said = Text::new(
            "列の名前をコンマで区切って指定してください。すべての列を読むには select を省いてください",
            "name columns, separated by commas; leave select out for all of them",
        );
        return Err(Problem::parameter("select", said));
    }
    Ok(Some(names))
}

fn order(list: Option<String>) -> Result<Vec<OrderBy>, Problem> {
    list.as_deref()
        .unwrap_or_default()
        .split(',')
        .filter(|item| !item.is_empty())
        .map(|item| {
            let (column, direction) = match item.rsplit_once('.') {
                None => (item, Direction::Ascending),
                Some((column, "asc")) => (column, Direction::Ascending),
                Some((column, "desc")) => (column, Direction::Descending),
                Some(_) => {
                    return Err(Problem::parameter(
                        "order",
                        Text::new(
                            "「列.asc」か「列.desc」の形で指定してください",
                            "write column.asc or column.desc",
                        ),
                    ));
                }
            };
            Ok(OrderBy { column: column.trim().to_owned(), direction })
        })
        .collect()
}

/// Read a dataset's rows
///
/// A page of rows in a total order, which goes on in the same version by `next_cursor` (for formats other
/// than JSON in the `Mochiyori-Next-Cursor` header). After the last page it is null, and the header is absent.
///
/// Values marked doubtful, missing, not observed or closed are left out, as in SQL: they are null, and filters
/// and orders take them so. The answer says of which columns (`quality`, the `Mochiyori-Quality` header);
/// `quality=all` shows the rows as they were published.
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/rows", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly"), RowsQuery),
    responses((status = 200, description = "The rows", content(
        (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"), (Object = "application/geo+json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 304, description = "Unchanged"), QueryProblems))]
pub(crate) async fn read_rows(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::new(query.as_deref());
    let format = output_format(parameters.take("format")?.as_deref(), &headers)?;
    let limit = match parameters.take("limit")?.map(|limit| limit.parse()) {
        None => DEFAULT_PAGE_ROWS,
        Some(Ok(limit @ 1..=MAX_PAGE_ROWS)) => limit,
        Some(_) => {
            return Err(Problem::parameter(
                "limit",
                Text::new(
                    format!("1から{MAX_PAGE_ROWS}までの数を指定してください"),
                    format!("give a number from 1 to {MAX_PAGE_ROWS}"),
                ),
            ));
        }
    };
    let version = parameters.version()?;
    let cursor = parameters
        .take("cursor")?
        .map(|text| Cursor::parse(&text))
        .transpose()
        .map_err(hub_app::AppError::from)?;
    let read = RowsRead {
        dataset,
        version,
        select: names(parameters.take("select")?)?,
        with_quality: parameters.with_quality()?,
        order: order(parameters.take("order")?)?,
        limit,
        cursor,
        filters: parameters.into_filters()?,
    };
    let etag = |state: &str| row_etag(query.as_deref(), state, format, &principal);
    let known = Known::new(&state, "rows", query.as_deref(), format, &principal);
    let held = |at: &str| etag(at).is_held(&headers) || known.find(at);
    let (page, source, at) = match state.app.read_rows(&principal, read, held).await? {
        Reading::Unchanged(at) => return Ok(known.respond(&etag(&at))),
        Reading::Read { answer, state } => (answer.0, answer.1, state),
    };
    let end = PageEnd { next_cursor: page.next_cursor.map(|cursor| cursor.to_string()) };
    let manner = Manner { page: Some(end), key: known.key(&at), ..Manner::default() };
    let mut response = respond_as(&state, page.stream, vec![source], format, manner).await?;
    etag(&at).mark(&mut response, &principal);
    Ok(response)
}

/// Read the newest row of each series
///
/// Values of bad quality are left out and `quality=all` shows them, as for rows. A series whose newest value is
/// left out still shows its newest row.
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/latest", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly"), LatestQuery),
    responses((status = 200, description = "The rows", content(
        (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"), (Object = "application/geo+json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 304, description = "Unchanged"), QueryProblems))]
pub(crate) async fn read_latest(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(dataset): DatasetPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::new(query.as_deref());
    let format = output_format(parameters.take("format")?.as_deref(), &headers)?;
    let read = LatestRead {
        dataset,
        version: parameters.version()?,
        select: names(parameters.take("select")?)?,
        with_quality: parameters.with_quality()?,
        filters: parameters.into_filters()?,
    };
    let etag = |state: &str| row_etag(query.as_deref(), state, format, &principal);
    let known = Known::new(&state, "latest", query.as_deref(), format, &principal);
    let held = |at: &str| etag(at).is_held(&headers) || known.find(at);
    let (answer, at) = match state.app.read_latest(&principal, read, held).await? {
        Reading::Unchanged(at) => return Ok(known.respond(&etag(&at))),
        Reading::Read { answer, state } => (answer, state),
    };
    let manner = Manner { key: known.key(&at), ..Manner::default() };
    let mut response = respond_as(&state, answer.stream, answer.sources, format, manner).await?;
    etag(&at).mark(&mut response, &principal);
    Ok(response)
}

/// A question that may have been answered before, to the client or to another.
struct Known<'a> {
    state: &'a ServerState,
    question: [&'a str; 2],
    format: OutputFormat,
    principal: &'a Principal,
    found: OnceLock<Arc<KeptAnswer>>,
}

impl<'a> Known<'a> {
    fn new(
        state: &'a ServerState,
        what: &'a str,
        query: Option<&'a str>,
        format: OutputFormat,
        principal: &'a Principal,
    ) -> Self {
        let question = [what, query.unwrap_or_default()];
        Self { state, question, format, principal, found: OnceLock::new() }
    }

    fn key(&self, at: &str) -> Option<AnswerKey> {
        kept_key(&self.question, Some(at), self.format, self.principal)
    }

    /// Looks for an answer at this state.
    fn find(&self, at: &str) -> bool {
        let found = self.key(at).and_then(|key| self.state.app.answers().find(&key));
        found.is_some_and(|found| self.found.set(found).is_ok())
    }

    /// The answer that was found; where there is none, the client holds it.
    fn respond(&self, etag: &Etag) -> Response {
        let Some(found) = self.found.get() else { return etag.not_modified(self.principal) };
        let mut response = respond_again(found);
        etag.mark(&mut response, self.principal);
        response
    }
}

fn row_etag(query: Option<&str>, state: &str, format: OutputFormat, principal: &Principal) -> Etag {
    Etag::of(&["rows", query.unwrap_or_default(), state, format.name(), cache_scope(principal)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_in_postgrests_manner() {
        let read =
            |condition: &str| filter("c".to_owned(), condition).map(|f| (f.operator, f.value));
        let one = |text: &str| FilterValue::One(text.to_owned());
        assert_eq!(read("gte.2.5").unwrap(), (FilterOperator::Gte, one("2.5")));
        assert_eq!(read("eq.").unwrap(), (FilterOperator::Eq, one("")));
        assert_eq!(
            read("in.(a,\"b,c\")").unwrap().1,
            FilterValue::Many(vec!["a".to_owned(), "b,c".to_owned()])
        );
        assert_eq!(read("not.is.null").unwrap().0, FilterOperator::IsNotNull);
        for broken in ["2.5", "equals.1", "in.a,b", ""] {
            assert_eq!(read(broken).unwrap_err().status, 400, "{broken:?}");
        }
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let mut parameters = Parameters::new(Some("limit=1&limit=2&a=eq.1"));
        assert!(parameters.take("limit").is_err());
    }
}
