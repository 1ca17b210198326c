//! Agencies: who takes part.

use axum::{Json, extract::State, http::StatusCode};
use hub_model::{Agency, AgencyId, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PageQuery, ReadProblems, WriteProblems, cut};
use crate::{
    auth::Caller,
    extract::{JsonBody, LastSegment, Params},
    problem::Problem,
    state::ServerState,
};

/// A text in Japanese, in English, or in both.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ja": "小樽開発建設部", "en": "Otaru Development and Construction Department"}))]
pub(crate) struct TextBody {
    /// In Japanese.
    #[serde(default)]
    pub(crate) ja: String,
    /// In English.
    #[serde(default)]
    pub(crate) en: String,
}

impl From<Text> for TextBody {
    fn from(text: Text) -> Self {
        Self { ja: text.ja, en: text.en }
    }
}

/// An agency to make or to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgencyRequest {
    /// What it is called.
    name: TextBody,
    /// Where it can be reached.
    contact: Option<String>,
}

/// An agency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "otaru_kaihatsu",
    "name": {"ja": "小樽開発建設部", "en": "Otaru Development and Construction Department"},
    "contact": "https://www.hkd.mlit.go.jp/ot/"
}))]
pub(crate) struct AgencyResponse {
    /// Its id, which never changes.
    id: String,
    /// What it is called.
    name: TextBody,
    /// Where it can be reached.
    contact: Option<String>,
}

impl From<Agency> for AgencyResponse {
    fn from(agency: Agency) -> Self {
        Self { id: agency.id.to_string(), name: agency.name.into(), contact: agency.contact }
    }
}

/// A page of agencies.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgencyListResponse {
    /// The agencies, by id.
    agencies: Vec<AgencyResponse>,
    /// Give it as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// List agencies
#[utoipa::path(get, path = "/v1/agencies", tag = "agencies", params(PageQuery),
    responses((status = 200, body = AgencyListResponse), ReadProblems))]
pub(crate) async fn list_agencies(
    State(state): State<ServerState>,
    Params(page): Params<PageQuery>,
) -> Result<Json<AgencyListResponse>, Problem> {
    let limit = page.limit()?;
    let mut agencies = state.app.agencies(page.after::<AgencyId>()?.as_ref(), limit + 1).await?;
    let next_cursor = cut(&mut agencies, limit, |agency| agency.id.to_string());
    let agencies = agencies.into_iter().map(AgencyResponse::from).collect();
    Ok(Json(AgencyListResponse { agencies, next_cursor }))
}

/// Read an agency
#[utoipa::path(get, path = "/v1/agencies/{agency}", tag = "agencies",
    params(("agency" = String, Path, example = "kisho")),
    responses((status = 200, body = AgencyResponse), ReadProblems))]
pub(crate) async fn read_agency(
    State(state): State<ServerState>,
    LastSegment(id): LastSegment<AgencyId>,
) -> Result<Json<AgencyResponse>, Problem> {
    Ok(Json(state.app.agency(&id).await?.into()))
}

/// Make or change an agency
///
/// For admins. The id in the path stays for good.
#[utoipa::path(put, path = "/v1/agencies/{agency}", tag = "agencies",
    params(("agency" = String, Path, example = "kisho")),
    request_body = AgencyRequest,
    responses((status = 201, body = AgencyResponse), (status = 200, body = AgencyResponse), WriteProblems),
    security(("token" = [])))]
pub(crate) async fn put_agency(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    axum::extract::Path(id): axum::extract::Path<String>,
    JsonBody(body): JsonBody<AgencyRequest>,
) -> Result<(StatusCode, Json<AgencyResponse>), Problem> {
    let agency = Agency {
        id: AgencyId::parse(&id)?,
        name: Text::new(body.name.ja, body.name.en),
        contact: body.contact,
    };
    let new = state.app.put_agency(&principal, &agency).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(agency.into())))
}
