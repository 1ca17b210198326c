//! API tokens, for admins; and who one is.

use axum::{Json, extract::State, http::StatusCode};
use hub_app::TokenRequest;
use hub_model::{AgencyId, ErrorKind, Principal, Role, TokenId, format_instant};
use hub_registry::TokenRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PageQuery, ReadProblems, WriteProblems, cut};
use crate::{
    auth::Caller,
    extract::{JsonBody, LastSegment, Params},
    problem::Problem,
    state::ServerState,
};

/// What a token is for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoleBody {
    /// Runs the hub.
    Admin,
    /// Writes its agency's datasets.
    Publisher,
    /// Reads its agency's private datasets.
    Reader,
}

impl From<Role> for RoleBody {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Publisher => Self::Publisher,
            Role::Reader => Self::Reader,
        }
    }
}

impl From<RoleBody> for Role {
    fn from(role: RoleBody) -> Self {
        match role {
            RoleBody::Admin => Self::Admin,
            RoleBody::Publisher => Self::Publisher,
            RoleBody::Reader => Self::Reader,
        }
    }
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "river office uploads", "role": "publisher", "agency": "otaru_kaihatsu", "expires_in_days": 365}))]
pub(crate) struct CreateTokenRequest {
    /// What records call it.
    name: String,
    /// What it is for.
    role: RoleBody,
    /// The agency it belongs to; needed for publishers and readers.
    agency: Option<String>,
    /// For how many days it holds; for ever where nothing is said.
    expires_in_days: Option<u32>,
}

/// A token's record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenResponse {
    /// Its id; no secret.
    id: String,
    /// What records call it.
    name: String,
    /// What it is for.
    role: RoleBody,
    /// The agency it belongs to.
    agency: Option<String>,
    /// When it was made.
    created_at: String,
    /// Until when it holds.
    expires_at: Option<String>,
    /// When it was revoked.
    revoked_at: Option<String>,
    /// The token itself; only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl From<TokenRecord> for TokenResponse {
    fn from(record: TokenRecord) -> Self {
        Self {
            id: record.id.to_string(),
            name: record.name,
            role: record.role.into(),
            agency: record.agency.map(|agency| agency.to_string()),
            created_at: format_instant(record.created_at),
            expires_at: record.expires_at.map(format_instant),
            revoked_at: record.revoked_at.map(format_instant),
            token: None,
        }
    }
}

/// A page of tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenListResponse {
    /// The tokens' records.
    tokens: Vec<TokenResponse>,
    /// Give it as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// Make a token
///
/// For admins. The answer is the only one that shows the token; the hub keeps a hash of it.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = CreateTokenRequest,
    responses((status = 201, body = TokenResponse), WriteProblems), security(("token" = [])))]
pub(crate) async fn create_token(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    JsonBody(body): JsonBody<CreateTokenRequest>,
) -> Result<(StatusCode, Json<TokenResponse>), Problem> {
    let request = TokenRequest {
        name: body.name,
        role: body.role.into(),
        agency: body.agency.as_deref().map(AgencyId::parse).transpose()?,
        expires_in_days: body.expires_in_days,
    };
    let (record, secret) = state.app.create_token(&principal, request).await?;
    let mut response = TokenResponse::from(record);
    response.token = Some(secret.reveal().to_owned());
    Ok((StatusCode::CREATED, Json(response)))
}

/// List tokens
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", params(PageQuery),
    responses((status = 200, body = TokenListResponse), WriteProblems), security(("token" = [])))]
pub(crate) async fn list_tokens(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(page): Params<PageQuery>,
) -> Result<Json<TokenListResponse>, Problem> {
    let limit = page.limit()?;
    let after = page.after::<TokenId>()?;
    let mut tokens = state.app.tokens(&principal, after.as_ref(), limit + 1).await?;
    let next_cursor = cut(&mut tokens, limit, |token| token.id.to_string());
    let tokens = tokens.into_iter().map(TokenResponse::from).collect();
    Ok(Json(TokenListResponse { tokens, next_cursor }))
}

/// Revoke a token
///
/// For admins. It is refused from the next request on.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens", params(("id" = String, Path)),
    responses((status = 204, description = "Revoked"), WriteProblems), security(("token" = [])))]
pub(crate) async fn revoke_token(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    LastSegment(id): LastSegment<TokenId>,
) -> Result<StatusCode, Problem> {
    state.app.revoke_token(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The holder of the token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeResponse {
    /// The token's id.
    id: String,
    /// What records call it.
    name: String,
    /// What it is for.
    role: RoleBody,
    /// The agency it belongs to.
    agency: Option<String>,
}

/// Whose token this is
#[utoipa::path(get, path = "/v1/me", tag = "tokens",
    responses((status = 200, body = MeResponse), ReadProblems), security(("token" = [])))]
pub(crate) async fn read_me(Caller(principal): Caller) -> Result<Json<MeResponse>, Problem> {
    match principal {
        Principal::Anonymous => {
            Err(Problem::new(ErrorKind::Unauthenticated, "no token came with the request"))
        }
        Principal::Token { id, name, role, agency } => Ok(Json(MeResponse {
            id: id.to_string(),
            name,
            role: role.into(),
            agency: agency.map(|agency| agency.to_string()),
        })),
    }
}
