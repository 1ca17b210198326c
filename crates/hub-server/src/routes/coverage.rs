//! Coverage and freshness: what there is by month, and whether feeds keep their promise.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use hub_app::{
    Coverage, CoveredSeries, CoveredStretch, DataPeriod, DatasetCoverage, Reading, Standing,
    StandingSummary,
};
use hub_model::{DatasetId, Freshness, format_instant};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PageQuery, QueryProblems, ReadProblems, agencies::TextBody, datasets::validated};
use crate::{
    auth::Caller,
    caching::{Etag, cache_scope},
    extract::{DatasetPath, Params},
    problem::Problem,
    state::ServerState,
};

/// Between which times there is data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeriodResponse {
    /// The time of the first row, as the column shows times.
    #[schema(example = "2024-04-01T01:00:00+09:00")]
    pub(super) first: String,
    /// The time of the last row.
    #[schema(example = "2026-04-01T00:00:00+09:00")]
    pub(super) last: String,
}

impl From<DataPeriod> for PeriodResponse {
    fn from(period: DataPeriod) -> Self {
        Self { first: period.first(), last: period.last() }
    }
}

/// How a feed stands against the cadence that its metadata promises.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FreshnessResponse {
    /// How often new data is to come.
    #[schema(example = "PT1H")]
    cadence: String,
    /// `observation`: the end of the newest one tells, for cadences of a day or less. `version`: when the
    /// newest one was published, for longer ones, and where there is no observation that could tell.
    judged_by: &'static str,
    /// When new data is, or was, due next: one cadence after that.
    #[schema(example = "2026-04-01T01:00:00+09:00")]
    due_at: String,
    /// Whether it should be there by now and is not. What is due may take one cadence more, 30 days at most.
    late: bool,
    /// How long ago it was due, in seconds, where it is late: in whole minutes for cadences below a day, in
    /// whole hours for others.
    late_by_s: Option<i64>,
}

impl From<Freshness> for FreshnessResponse {
    fn from(freshness: Freshness) -> Self {
        Self {
            cadence: freshness.cadence.to_string(),
            judged_by: freshness.judged_by.as_str(),
            due_at: format_instant(freshness.due_at),
            late: freshness.is_late(),
            late_by_s: freshness.late_by.map(|late_by| late_by.num_seconds()),
        }
    }
}

/// How a dataset stands in time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StandingResponse {
    /// Between which times it has data; null where it has no rows with a time.
    period: Option<PeriodResponse>,
    /// How it stands against its cadence; null where none is promised.
    freshness: Option<FreshnessResponse>,
}

impl From<Standing> for StandingResponse {
    fn from(standing: Standing) -> Self {
        let period = standing
            .period
            .map(|period| PeriodResponse { first: period.first(), last: period.last() });
        Self { period, freshness: standing.freshness.map(FreshnessResponse::from) }
    }
}

/// A dataset in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StandingSummaryResponse {
    /// Its id.
    #[schema(example = "kisho.weather_hourly")]
    dataset: String,
    /// What it is called.
    title: TextBody,
    /// The newest version; 0 where nothing was published.
    version: u64,
    /// Its rows.
    rows: u64,
    #[serde(flatten)]
    standing: StandingResponse,
}

impl From<StandingSummary> for StandingSummaryResponse {
    fn from(summary: StandingSummary) -> Self {
        let StandingSummary { dataset, standing } = summary;
        let latest = dataset.latest.as_ref();
        Self {
            dataset: dataset.record.id.to_string(),
            title: dataset.record.metadata.title.into(),
            version: latest.map_or(0, |latest| latest.number),
            rows: latest.map_or(0, |latest| latest.rows_total),
            standing: standing.into(),
        }
    }
}

/// A page of datasets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CoverageListResponse {
    /// The datasets, by id.
    datasets: Vec<StandingSummaryResponse>,
    /// Give it as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// What there is of one value column in a stretch of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnCoverageResponse {
    /// The column.
    #[schema(example = "temperature")]
    name: String,
    /// Values, those aside that SQL leaves out because of their quality.
    present: u64,
    /// Those of them that are `normal` or `quasi_normal`; all where no quality is kept.
    good: u64,
    /// `present` in `expected` rows, cut to four places.
    ratio: Option<f64>,
}

/// What there is in a month or a year.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StretchResponse {
    /// The month, or the year of yearly data. A row is of the month that its interval is in.
    #[schema(example = "2026-03")]
    period: String,
    /// Rows.
    rows: u64,
    /// Rows that the contract's interval leads to expect of all series, each from its own first row to the
    /// last row of all; null where it can't be said.
    expected: Option<u64>,
    /// Values in all value columns, those aside that SQL leaves out because of their quality.
    present: u64,
    /// Those of them that are `normal` or `quasi_normal`; all where no quality is kept.
    good: u64,
    /// `present` in `expected` × value columns, or `rows` in `expected` where there are none. Cut to four
    /// places, so that only what is whole is 1.
    ratio: Option<f64>,
    /// Each value column; of a series they are not told apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<ColumnCoverageResponse>,
}

/// One series.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeriesCoverageResponse {
    /// The values of the columns that name it.
    #[schema(value_type = Object)]
    key: BTreeMap<String, Option<String>>,
    /// When its first interval begins.
    first: String,
    /// When its last interval begins.
    last: String,
    /// Each month, or year, from its first on.
    periods: Vec<StretchResponse>,
}

/// What there is of a dataset by time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CoverageResponse {
    /// Its id.
    #[schema(example = "kisho.weather_hourly")]
    dataset: String,
    /// What it is called.
    title: TextBody,
    /// The version that was counted; 0 where nothing was published.
    version: u64,
    /// Its rows.
    rows: u64,
    #[serde(flatten)]
    standing: StandingResponse,
    /// `month` or `year`; null where rows have no time.
    stretch: Option<&'static str>,
    /// The interval at which rows are expected, by the contract.
    #[schema(example = "PT1H")]
    interval: Option<String>,
    /// Each month, or year, from the first row to the last, those without any among them; the newest 1,200.
    periods: Vec<StretchResponse>,
    /// How many older ones are not told.
    older_periods: u64,
    /// Rows without a time.
    undated_rows: u64,
    /// How many series there are; null where each row stands for itself.
    series_count: Option<u64>,
    /// Each series, where there are 50 or fewer; null otherwise.
    series: Option<Vec<SeriesCoverageResponse>>,
}

impl From<DatasetCoverage> for CoverageResponse {
    fn from(answer: DatasetCoverage) -> Self {
        let coverage = answer.coverage.as_deref();
        let periods = coverage.map(|coverage| {
            let periods = coverage.stretches.iter();
            periods.map(|one| stretch(coverage, one, true)).collect()
        });
        let series = coverage.and_then(|coverage| {
            let series = coverage.series.as_ref()?;
            Some(series.iter().map(|one| of_series(coverage, one)).collect())
        });
        Self {
            dataset: answer.id.to_string(),
            title: answer.title.into(),
            version: answer.version,
            rows: answer.rows,
            standing: answer.standing.into(),
            stretch: coverage.map(|coverage| match coverage.stretch {
                hub_query::Stretch::Month => "month",
                hub_query::Stretch::Year => "year",
            }),
            interval: coverage.and_then(|coverage| Some(coverage.interval?.to_string())),
            periods: periods.unwrap_or_default(),
            older_periods: coverage.map_or(0, |coverage| coverage.older_stretches),
            undated_rows: coverage.map_or(0, |coverage| coverage.undated_rows),
            series_count: coverage.and_then(|coverage| coverage.series_count),
            series,
        }
    }
}

fn of_series(coverage: &Coverage, series: &CoveredSeries) -> SeriesCoverageResponse {
    let key = coverage.key.iter().cloned().zip(series.key.iter().cloned());
    SeriesCoverageResponse {
        key: key.collect(),
        first: series.first.clone(),
        last: series.last.clone(),
        periods: series.stretches.iter().map(|one| stretch(coverage, one, false)).collect(),
    }
}

fn stretch(coverage: &Coverage, stretch: &CoveredStretch, columns: bool) -> StretchResponse {
    let format = match coverage.stretch {
        hub_query::Stretch::Month => "%Y-%m",
        hub_query::Stretch::Year => "%Y",
    };
    let values = &stretch.counts.values;
    let column = |(at, name): (usize, &String)| ColumnCoverageResponse {
        name: name.clone(),
        present: values.get(at).map_or(0, |value| value.0),
        good: values.get(at).map_or(0, |value| value.1),
        ratio: stretch.column_ratio(at),
    };
    let named: &[String] = if columns { &coverage.columns } else { &[] };
    StretchResponse {
        period: stretch.first_day.format(format).to_string(),
        rows: stretch.counts.rows,
        expected: stretch.expected,
        present: values.iter().map(|value| value.0).sum(),
        good: values.iter().map(|value| value.1).sum(),
        ratio: stretch.ratio(),
        columns: named.iter().enumerate().map(column).collect(),
    }
}

/// Read what a dataset has by month
///
/// Rows and values of the newest version by month, or by year where data is yearly, against what the contract's
/// interval leads to expect, for the whole dataset and for each series where there are few; and whether the
/// feed keeps the cadence that its metadata promises.
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/coverage", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly")),
    responses((status = 200, body = CoverageResponse), (status = 304, description = "Unchanged"), QueryProblems))]
pub(crate) async fn read_coverage(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(id): DatasetPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let etag = |state: &str| Etag::of(&["coverage", state, cache_scope(&principal)]);
    let held = |state: &str| etag(state).is_held(&headers);
    match state.app.dataset_coverage(&principal, &id, held).await? {
        Reading::Unchanged(state) => Ok(etag(&state).not_modified(&principal)),
        Reading::Read { answer, state } => {
            let mut response = Json(CoverageResponse::from(answer)).into_response();
            etag(&state).mark(&mut response, &principal);
            Ok(response)
        }
    }
}

/// List how far datasets reach, and which feeds are late
///
/// Told from what is kept beside the data, without reading any of it.
#[utoipa::path(get, path = "/v1/coverage", tag = "datasets", params(PageQuery),
    responses((status = 200, body = CoverageListResponse), (status = 304, description = "Unchanged"), ReadProblems))]
pub(crate) async fn list_coverage(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(query): Params<PageQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = state.app.standings(&principal, query.after::<DatasetId>()?, query.limit()?).await?;
    let body = CoverageListResponse {
        datasets: page.datasets.into_iter().map(StandingSummaryResponse::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    };
    let told = serde_json::to_string(&body).unwrap_or_default();
    let etag = Etag::of(&["coverage list", &told, cache_scope(&principal)]);
    Ok(validated(&etag, &headers, &principal, || body))
}
