//! Sets of datasets: an archive of several tables handed over at once.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use hub_app::{PublishedTable, SetPublication, SetRequest};
use hub_intake::{FormatHint, TableLink};
use hub_model::UploadMode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    WriteProblems,
    headers::{body_stream, content_digest, idempotency_key},
    hints::FileQuery,
    uploads::{ModeBody, OnErrorBody, PublicationResponse},
};
use crate::{
    auth::Caller,
    extract::{DatasetPath, Params},
    problem::Problem,
    state::ServerState,
};

/// How an archive is to be taken.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SetQuery {
    /// How each table changes its dataset. `replace`, which is the default here, puts its rows in the place
    /// of all that are there: an archive such as a timetable feed is a whole.
    mode: Option<ModeBody>,
    /// What is done with cells that break a contract: `reject`, which is the default, publishes none of the
    /// tables; `quarantine` keeps back the rows with such cells; `flag` publishes values as doubtful.
    on_error: Option<OnErrorBody>,
    /// The archive's name, for the record.
    #[param(example = "feed.zip")]
    file_name: Option<String>,
    /// The text encoding of its files, such as `cp932`; told from each where nothing is said.
    encoding: Option<String>,
}

/// A published set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetPublicationResponse {
    /// What its datasets' names begin with.
    #[schema(example = "otaru.bus")]
    set: String,
    /// Its tables, in the order in which they were published.
    tables: Vec<PublishedTableResponse>,
    /// How they hang together, where that is known.
    links: Vec<LinkResponse>,
    /// Datasets whose names begin so and that the archive has no table for; they are as they were.
    #[schema(example = json!(["otaru.bus_shapes"]))]
    untouched: Vec<String>,
}

/// One table of a published set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishedTableResponse {
    /// The table's name.
    #[schema(example = "stop_times")]
    table: String,
    /// Whether its dataset was made for it.
    is_new: bool,
    /// Whether this repeats the answer to an earlier request with the same idempotency key.
    is_replayed: bool,
    /// Its upload, and the version that became of it.
    #[serde(flatten)]
    publication: PublicationResponse,
}

impl From<PublishedTable> for PublishedTableResponse {
    fn from(table: PublishedTable) -> Self {
        Self {
            table: table.table,
            is_new: table.is_new,
            is_replayed: table.publication.replayed,
            publication: table.publication.into(),
        }
    }
}

/// A column of one table that names a row of another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkResponse {
    /// The table that the column is in.
    #[schema(example = "stop_times")]
    table: String,
    /// The column.
    #[schema(example = "stop_id")]
    column: String,
    /// The table whose row it names.
    #[schema(example = "stops")]
    to_table: String,
    /// The column that names the row there.
    #[schema(example = "stop_id")]
    to_column: String,
}

impl From<TableLink> for LinkResponse {
    fn from(link: TableLink) -> Self {
        let TableLink { table, column, to_table, to_column } = link;
        Self { table, column, to_table, to_column }
    }
}

/// Upload an archive of several tables
///
/// For publishers of the agency. Each table of a ZIP archive, such as a timetable feed (GTFS), goes into a
/// dataset of its own: `stops` of the set `bus` into `bus_stops`. One that is not there yet is made where
/// the layout is a known one. Every table is checked before the first is published: if one can't be, none
/// is. Should publishing itself break off in the middle, the problem says which tables are published; the
/// same request sent again publishes the others.
#[utoipa::path(post, path = "/v1/sets/{agency}/{set}/uploads", tag = "uploads",
    params(("agency" = String, Path, example = "otaru"),
           ("set" = String, Path, description = "What the datasets' names begin with", example = "bus"), SetQuery,
           ("Idempotency-Key" = Option<String>, Header, description = "A name for this request, up to 255 characters"),
           ("Content-Digest" = Option<String>, Header, description = "`sha-256=:<base64>:`, checked where given")),
    request_body(content = Vec<u8>, content_type = "application/zip"),
    responses((status = 201, body = SetPublicationResponse), WriteProblems), security(("token" = [])))]
pub(crate) async fn upload_set(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    DatasetPath(set): DatasetPath,
    Params(query): Params<SetQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<SetPublicationResponse>), Problem> {
    let SetQuery { mode, on_error, file_name, encoding } = query;
    let said = FileQuery { file_name, encoding, ..FileQuery::default() };
    // The archive's own media type says nothing of the files in it.
    let hint = FormatHint { media_type: None, ..said.hint(&headers)? };
    let request = SetRequest {
        agency: set.agency().clone(),
        name: set.name().to_owned(),
        mode: mode.map_or(UploadMode::Replace, UploadMode::from),
        on_error: on_error.unwrap_or_default().into(),
        hint,
        idempotency_key: idempotency_key(&headers)?,
        expected_sha256: content_digest(&headers)?,
    };
    let published = state.app.publish_set(&principal, request, body_stream(body)).await?;
    let SetPublication { tables, links, untouched } = published;
    let response = SetPublicationResponse {
        set: set.to_string(),
        tables: tables.into_iter().map(PublishedTableResponse::from).collect(),
        links: links.into_iter().map(LinkResponse::from).collect(),
        untouched: untouched.iter().map(ToString::to_string).collect(),
    };
    Ok((StatusCode::CREATED, Json(response)))
}
