//! Measures of several datasets on one grid of time, without SQL.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use hub_app::AlignRequest;
use hub_model::{DatasetId, Text};
use hub_query::{GridMeasure, GridRequest, RowFilter};
use utoipa::IntoParams;

use super::{
    QueryProblems,
    answer::{AnswerBody, Manner, kept_key, output_format, respond_again, respond_as},
    rows::Parameters,
    sql::versions_of_text,
};
use crate::{
    auth::Caller,
    caching::{Etag, cache_scope},
    extract::version_selector,
    problem::Problem,
    state::ServerState,
};

/// What to put on the grid. Any other parameter chooses series: a column that names them with an operator and
/// a value, such as `station_id=eq.16217` for every dataset that has the column, or
/// `kisho.weather_hourly.station_id=in.(16217,16091)` for one.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described: filters have names that no struct knows")]
pub(crate) struct AlignQuery {
    /// A column as `agency.dataset.column`, and after a colon how its values are put together: `mean`, `sum`,
    /// `min`, `max`, `first`, `last` or `count`; as its unit suggests where nothing is said. Give the parameter
    /// once for each measure.
    #[param(example = json!(["otaru_kaihatsu.river_hourly.flow", "kisho.weather_hourly.precipitation:sum"]))]
    measure: Vec<String>,
    /// The width of the grid: an interval such as `1 hour`, `1 day`, `1 month` or `PT10M`.
    #[param(example = "1 day")]
    every: String,
    /// Where the grid begins, in Japanese time where nothing else is said. With `from` and `to` every bucket
    /// between is a row of each series; without, those that have data are.
    #[param(example = "2025-01-10")]
    from: Option<String>,
    /// The time before which the last bucket begins.
    #[param(example = "2025-02-01")]
    to: Option<String>,
    /// Columns that name series in every dataset, separated by commas: rows are joined by them, too.
    by: Option<String>,
    /// Where the values of empty buckets come from: `none`, `locf` (the last before) or `interpolate`.
    fill: Option<String>,
    /// The greatest gap that is filled, such as `3 hours`.
    max_gap: Option<String>,
    /// The share of values that are shown, from 0 to 1, below which a value is left out.
    #[param(minimum = 0, maximum = 1)]
    min_coverage: Option<f64>,
    /// Versions to read, as `agency.dataset@3`, separated by commas.
    versions: Option<String>,
    /// Read datasets that `versions` does not name as they were known at this instant.
    as_of: Option<String>,
    /// `json`, `ndjson`, `csv`, `arrow`, `parquet`, `geojson` or `xlsx`; goes before `Accept`.
    format: Option<String>,
    /// `false` reads rows where what is kept of them by series, hour and day would tell the same.
    #[param(default = true)]
    rollups: Option<bool>,
}

/// Put measures on one grid
///
/// Columns of one or several datasets, joined on buckets of time. Each value stands under the measure as it was
/// asked for; beside it are the share of values that are shown among those expected (`…_coverage`) and, with `fill`,
/// whether it was filled (`…_filled`). A value whose time names the end of its interval is in the bucket that
/// the interval lies in. One dataset may show several series; of the others one is chosen. Nothing is lost by the
/// join: a bucket that only one dataset has is a row in which the others' values, and the columns that tell their
/// series, are null. The answer is streamed to its end, within the limits that answers in SQL have.
#[utoipa::path(get, path = "/v1/align", tag = "query", params(AlignQuery),
    responses((status = 200, description = "The grid", content(
        (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"), (Object = "application/geo+json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 304, description = "Unchanged"), QueryProblems))]
pub(crate) async fn align(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::new(query.as_deref());
    let format = output_format(parameters.take("format")?.as_deref(), &headers)?;
    let request = request(parameters)?;
    let prepared = state.app.prepare_align(&principal, request).await?;
    let question = ["align", query.as_deref().unwrap_or_default()];
    let etag = prepared.state().map(|read| {
        Etag::of(&[question[0], question[1], read, format.name(), cache_scope(&principal)])
    });
    if let Some(etag) = &etag
        && etag.is_held(&headers)
    {
        return Ok(etag.not_modified(&principal));
    }
    let key = kept_key(&question, prepared.state(), format, &principal);
    let mut response = match key.and_then(|key| state.app.answers().find(&key)) {
        Some(kept) => respond_again(&kept),
        None => {
            let answer = prepared.run().await?;
            let manner = Manner { key, ..Manner::default() };
            respond_as(&state, answer.stream, answer.sources, format, manner).await?
        }
    };
    match etag {
        Some(etag) => etag.mark(&mut response, &principal),
        None => {
            let no_store = HeaderValue::from_static("no-store");
            response.headers_mut().insert(header::CACHE_CONTROL, no_store);
        }
    }
    Ok(response)
}

fn request(mut parameters: Parameters) -> Result<AlignRequest, Problem> {
    let measures = parameters.take_all("measure");
    let measures = measures.iter().map(|text| measure(text)).collect::<Result<_, _>>()?;
    let every = parameters.take("every")?.ok_or_else(|| {
        Problem::parameter(
            "every",
            Text::new(
                "1 hour、1 day、1 month のように、格子の幅を指定してください",
                "give the width of the grid, such as 1 hour, 1 day or 1 month",
            ),
        )
    })?;
    let min_coverage = parameters.take("min_coverage")?.map(|text| {
        let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| {
            Problem::parameter(
                "min_coverage",
                Text::new("0から1までの数を指定してください", "give a number from 0 to 1"),
            )
        })
    });
    let by = parameters.take("by")?.unwrap_or_default();
    let versions = parameters.take("versions")?;
    let as_of = parameters.take("as_of")?;
    let rollups = parameters.take("rollups")?.map(|word| {
        let refused = |_| {
            Problem::parameter(
                "rollups",
                Text::new("true か false を指定してください", "say true or false"),
            )
        };
        word.parse::<bool>().map_err(refused)
    });
    let grid = GridRequest {
        measures,
        every,
        from: parameters.take("from")?,
        to: parameters.take("to")?,
        by: by
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        fill: parameters.take("fill")?,
        max_gap: parameters.take("max_gap")?,
        min_coverage: min_coverage.transpose()?,
        filters: parameters.into_filters()?.into_iter().map(chosen).collect(),
    };
    Ok(AlignRequest {
        grid,
        versions: versions_of_text("versions", versions.as_deref())?,
        others: version_selector(None, as_of.as_deref())?,
        without_rollups: !rollups.transpose()?.unwrap_or(true),
    })
}

/// A measure as `agency.dataset.column`, perhaps with `:sum` behind it.
fn measure(text: &str) -> Result<GridMeasure, Problem> {
    let form = || {
        Text::new(
            "「機関.データセット.列」か「機関.データセット.列:sum」の形で指定してください",
            "write agency.dataset.column, or agency.dataset.column:sum",
        )
    };
    let refused = || Problem::parameter("measure", form());
    let (name, method) = match text.rsplit_once(':') {
        Some((name, method)) => (name, Some(method.to_owned())),
        None => (text, None),
    };
    let (dataset, column) = of_dataset(name).ok_or_else(refused)?;
    Ok(GridMeasure { dataset, column, method })
}

/// A column's name behind that of its dataset; it may have points itself.
fn of_dataset(name: &str) -> Option<(DatasetId, String)> {
    let mut parts = name.splitn(3, '.');
    let (agency, dataset, column) = (parts.next()?, parts.next()?, parts.next()?);
    let dataset = DatasetId::parse(&format!("{agency}.{dataset}")).ok()?;
    (!column.is_empty()).then(|| (dataset, column.to_owned()))
}

/// A filter of one dataset, where its name says which.
fn chosen(filter: RowFilter) -> (Option<DatasetId>, RowFilter) {
    match of_dataset(&filter.column) {
        Some((dataset, column)) => (Some(dataset), RowFilter { column, ..filter }),
        None => (None, filter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_columns_of_datasets_with_a_way_behind_them() {
        let read = |text: &str| measure(text).map(|m| (m.dataset.to_string(), m.column, m.method));
        let (dataset, column, method) = read("kisho.weather.降水量.合計:sum").unwrap();
        assert_eq!((dataset.as_str(), column.as_str()), ("kisho.weather", "降水量.合計"));
        assert_eq!(method.as_deref(), Some("sum"));
        assert_eq!(read("kisho.weather.rain").unwrap().2, None);
        for broken in ["", "rain", "kisho.weather", "kisho.weather.", "Kisho.weather.rain"] {
            assert_eq!(read(broken).unwrap_err().status, 400, "{broken:?}");
        }
    }
}
