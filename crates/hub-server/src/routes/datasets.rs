//! Datasets: listing and search, description, contract.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use hub_app::{DatasetDescription, DatasetSummary};
use hub_model::{
    AgencyId, Contract, DatasetId, DatasetMetadata, Principal, Visibility, format_instant,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ReadProblems, WriteProblems, agencies::TextBody, coverage::PeriodResponse, page_cursor,
    page_limit, versions::VersionResponse,
};
use crate::{
    auth::Caller,
    caching::Etag,
    extract::{DatasetPath, JsonBody, Params},
    problem::Problem,
    state::ServerState,
};

/// Which datasets.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DatasetsQuery {
    /// Words that must all occur in id, title, description, keywords, column names or agency.
    #[param(example = "流量")]
    q: Option<String>,
    /// Only this agency's.
    agency: Option<String>,
    /// How many at most, up to 1,000; 100 where nothing is said.
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A dataset as listings show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatasetSummaryResponse {
    /// Its id, `agency.name`, as SQL names it.
    #[schema(example = "kisho.weather_hourly")]
    id: String,
    /// What it is called.
    title: TextBody,
    /// The owning agency's name.
    publisher: TextBody,
    /// The licence's id.
    #[schema(example = "PDL-1.0")]
    licence: &'static str,
    /// `public` or `private`.
    visibility: &'static str,
    /// Whether the data was generated rather than observed.
    synthetic: bool,
    /// How often new data comes.
    #[schema(example = "PT1H")]
    cadence: Option<String>,
    /// The newest version; 0 where nothing was published.
    version: u64,
    /// Its rows.
    rows: u64,
    /// When data or description last changed.
    updated_at: String,
}

impl From<DatasetSummary> for DatasetSummaryResponse {
    fn from(summary: DatasetSummary) -> Self {
        let DatasetSummary { record, publisher, latest } = summary;
        let updated =
            latest.as_ref().map_or(record.updated_at, |v| v.committed_at.max(record.updated_at));
        Self {
            id: record.id.to_string(),
            title: record.metadata.title.into(),
            publisher: publisher.into(),
            licence: record.metadata.licence.terms().id,
            visibility: visibility(record.metadata.visibility),
            synthetic: record.metadata.synthetic,
            cadence: record.metadata.cadence.map(|cadence| cadence.to_string()),
            version: latest.as_ref().map_or(0, |v| v.number),
            rows: latest.as_ref().map_or(0, |v| v.rows_total),
            updated_at: format_instant(updated),
        }
    }
}

fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
    }
}

/// A page of datasets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatasetListResponse {
    /// The datasets, by id.
    datasets: Vec<DatasetSummaryResponse>,
    /// Give it as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// A dataset to make, or what it is to become.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "metadata": {
        "title": {"ja": "時間流量", "en": "Hourly discharge"},
        "keywords": ["河川", "river"], "licence": "CC-BY-4.0", "attribution": "出典：小樽開発建設部",
        "cadence": "PT1H", "visibility": "public"
    },
    "contract": {
        "fields": [
            {"name": "station", "type": "string", "role": "key"},
            {"name": "time", "type": "datetime", "role": "time", "interval": "PT1H", "label": "end"},
            {"name": "flow", "type": "number", "role": "value", "unit": "m3/s"}
        ],
        "primaryKey": ["station", "time"]
    }
}))]
pub(crate) struct DatasetRequest {
    /// Title, description, keywords, licence, attribution, cadence, visibility.
    #[schema(value_type = Object)]
    metadata: DatasetMetadata,
    /// The columns, as Table Schema with the hub's keys.
    #[schema(value_type = Object)]
    contract: Contract,
}

/// A dataset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatasetResponse {
    /// Its id, `agency.name`, as SQL names it.
    #[schema(example = "kisho.weather_hourly")]
    id: String,
    /// Title, description, keywords, licence, attribution, cadence, visibility.
    #[schema(value_type = Object)]
    metadata: DatasetMetadata,
    /// The columns, as Table Schema with the hub's keys.
    #[schema(value_type = Object)]
    contract: Contract,
    /// How often metadata or contract changed.
    revision: u64,
    /// When it was made.
    created_at: String,
    /// When data or description last changed.
    updated_at: String,
    /// The newest version; null where nothing was published.
    latest_version: Option<VersionResponse>,
    /// Between which times it has data; null where it has no rows with a time.
    period: Option<PeriodResponse>,
}

impl From<DatasetDescription> for DatasetResponse {
    fn from(description: DatasetDescription) -> Self {
        let updated_at = format_instant(description.changed_at());
        let DatasetDescription { record, latest, period } = description;
        Self {
            id: record.id.to_string(),
            metadata: record.metadata,
            contract: record.contract,
            revision: record.revision,
            created_at: format_instant(record.created_at),
            updated_at,
            latest_version: latest.map(VersionResponse::from),
            period: period.map(PeriodResponse::from),
        }
    }
}

/// List and search datasets
#[utoipa::path(get, path = "/v1/datasets", tag = "datasets", params(DatasetsQuery),
    responses((status = 200, body = DatasetListResponse), ReadProblems))]
pub(crate) async fn list_datasets(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(query): Params<DatasetsQuery>,
) -> Result<Json<DatasetListResponse>, Problem> {
    let agency = query
        .agency
        .as_deref()
        .map(AgencyId::parse)
        .transpose()
        .map_err(|error| Problem::parameter_of("agency", error))?;
    let after = page_cursor::<DatasetId>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let page = state.app.datasets(&principal, query.q, agency, after, limit).await?;
    Ok(Json(DatasetListResponse {
        datasets: page.datasets.into_iter().map(DatasetSummaryResponse::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}

/// Read a dataset's description
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly")),
    responses((status = 200, body = DatasetResponse), (status = 304, description = "Unchanged"), ReadProblems))]
pub(crate) async fn read_dataset(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(id): DatasetPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let description = state.app.describe_dataset(&principal, &id).await?;
    let etag = Etag::of(&["dataset", &description.state()]);
    Ok(validated(&etag, &headers, &principal, || DatasetResponse::from(description)))
}

/// Read a dataset's contract
///
/// As a Frictionless Table Schema with the hub's keys, ready for other tools.
#[utoipa::path(get, path = "/v1/datasets/{agency}/{dataset}/contract", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly")),
    responses((status = 200, body = Object), (status = 304, description = "Unchanged"), ReadProblems))]
pub(crate) async fn read_contract(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(id): DatasetPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let record = state.app.describe_dataset(&principal, &id).await?.record;
    let etag = Etag::of(&["contract", &record.id.to_string(), &record.revision.to_string()]);
    Ok(validated(&etag, &headers, &principal, || record.contract))
}

pub(super) fn validated<T: Serialize>(
    etag: &Etag,
    headers: &HeaderMap,
    principal: &Principal,
    body: impl FnOnce() -> T,
) -> Response {
    if etag.is_held(headers) {
        return etag.not_modified(principal);
    }
    let mut response = Json(body()).into_response();
    etag.mark(&mut response, principal);
    response
}

/// Make or change a dataset
///
/// For publishers of the agency. The contract can grow by columns that may be empty; a change that would
/// break readers is refused with the reason.
#[utoipa::path(put, path = "/v1/datasets/{agency}/{dataset}", tag = "datasets",
    params(("agency" = String, Path, example = "kisho"), ("dataset" = String, Path, example = "weather_hourly")),
    request_body = DatasetRequest,
    responses((status = 201, body = DatasetResponse), (status = 200, body = DatasetResponse), WriteProblems),
    security(("token" = [])))]
pub(crate) async fn put_dataset(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    axum::extract::Path((agency, name)): axum::extract::Path<(String, String)>,
    JsonBody(body): JsonBody<DatasetRequest>,
) -> Result<(StatusCode, Json<DatasetResponse>), Problem> {
    // Unlike in reading, an id that can't be is told what it should be like.
    let id = DatasetId::new(AgencyId::parse(&agency)?, &name)?;
    let (description, new) =
        state.app.put_dataset(&principal, &id, &body.metadata, body.contract).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(description.into())))
}
