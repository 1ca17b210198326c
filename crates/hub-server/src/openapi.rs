//! The OpenAPI document: gathered from the handlers, committed under `openapi/`, served at
//! `/openapi.json` and shown at `/docs`.

use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Mochiyori (持ち寄り)",
        description = "A regional open-data sharing hub: agencies bring observation datasets, and whoever \
            may see them reads them by REST and joins them in SQL.\n\nErrors are RFC 9457 problems. Times carry their \
            offset, +09:00. Unknown parameters are refused.\n\nThe functions of SQL, with syntax and \
            examples: [/functions](/functions), and as JSON [/v1/functions](/v1/functions)",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "query", description = "SQL across agencies"),
        (name = "citing", description = "Permalinks of queries, citations, and what licences oblige to"),
        (name = "datasets", description = "What there is, what it promises, and its rows"),
        (name = "uploads", description = "Files handed over, and their reports"),
        (name = "agencies", description = "Who takes part"),
        (name = "tokens", description = "Who may"),
        (name = "upkeep", description = "Care of stored files"),
        (name = "operations", description = "For those who run the hub"),
    ),
    modifiers(&TokenScheme),
)]
pub(crate) struct HubDocument;

#[derive(Debug)]
struct TokenScheme;

impl Modify for TokenScheme {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API token, made by an admin"))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}
