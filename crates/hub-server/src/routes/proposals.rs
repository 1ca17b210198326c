//! A contract proposed from a file.

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use hub_app::ProposalFile;
use hub_model::{Contract, DatasetMetadata, PresetName};
use serde::Serialize;
use utoipa::ToSchema;

use super::{WriteProblems, agencies::TextBody, headers::body_stream, hints::FileQuery};
use crate::{auth::Caller, extract::Params, problem::Problem, state::ServerState};

/// Why a column was proposed as it was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalNoteResponse {
    /// The column; null where the whole file is meant.
    column: Option<String>,
    /// The reason.
    message: TextBody,
}

/// A contract for a person to confirm or to change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalResponse {
    /// The columns, as Table Schema with the hub's keys.
    #[schema(value_type = Object)]
    contract: Contract,
    /// Why each column was proposed as it was.
    notes: Vec<ProposalNoteResponse>,
    /// How many rows the file has.
    rows: u64,
    /// The publisher's layout that the file is in, where it is a known one.
    preset: Option<PresetResponse>,
    /// What a dataset of that layout says of itself, for a person to correct; null where the layout is not
    /// known.
    #[schema(value_type = Option<Object>)]
    metadata: Option<DatasetMetadata>,
}

/// A publisher's layout.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PresetResponse {
    /// Its id.
    #[schema(example = "jma_obsdl_daily")]
    id: String,
    /// What it is called.
    title: TextBody,
}

impl From<PresetName> for PresetResponse {
    fn from(preset: PresetName) -> Self {
        Self { id: preset.id, title: preset.title.into() }
    }
}

/// Propose a contract from a file
///
/// The whole file is read, nothing is kept of it. Confirm by making a dataset with the contract.
#[utoipa::path(post, path = "/v1/proposals", tag = "datasets", params(FileQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = ProposalResponse), WriteProblems), security(("token" = [])))]
pub(crate) async fn propose_contract(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    Params(query): Params<FileQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ProposalResponse>, Problem> {
    let request = ProposalFile { hint: query.hint(&headers)? };
    let proposal = state.app.propose_contract(&principal, request, body_stream(body)).await?;
    let notes = proposal
        .notes
        .into_iter()
        .map(|note| ProposalNoteResponse { column: note.column, message: note.message.into() })
        .collect();
    let preset = proposal.preset.map(PresetResponse::from);
    Ok(Json(ProposalResponse {
        contract: proposal.contract,
        notes,
        rows: proposal.rows,
        preset,
        metadata: proposal.metadata,
    }))
}
