//! The routes put together, with the layers around them.

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, CompressionLevel,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    cors::{AllowOrigin, CorsLayer},
    set_header::SetRequestHeaderLayer,
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    linger,
    openapi::HubDocument,
    problem::Problem,
    request_id,
    routes::{
        agencies, align, citations, cost, coverage, coverage_page, datasets, diff, functions,
        functions_page, home, joinable, lineage, links, ops, originals, permalinks, previews,
        proposals, queries, reports, rows, sets, sql, tokens, tus, upkeep, uploads, versions,
    },
    state::ServerState,
    telemetry,
};

fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::with_openapi(HubDocument::openapi())
        .routes(routes!(sql::run_sql, sql::run_sql_by_address))
        .routes(routes!(align::align))
        .routes(routes!(functions::list_functions))
        .routes(routes!(cost::tell_cost))
        .routes(routes!(lineage::tell_lineage))
        .routes(routes!(queries::submit_query, queries::list_queries))
        .routes(routes!(queries::read_query, queries::remove_query))
        .routes(routes!(queries::read_query_result))
        .routes(routes!(permalinks::create_permalink))
        .routes(routes!(permalinks::read_permalink))
        .routes(routes!(permalinks::read_permalink_result))
        .routes(routes!(permalinks::verify_permalink))
        .routes(routes!(permalinks::cite_permalink))
        .routes(routes!(citations::cite_versions, citations::cite_statement))
        .routes(routes!(datasets::list_datasets))
        .routes(routes!(datasets::read_dataset, datasets::put_dataset))
        .routes(routes!(datasets::read_contract))
        .routes(routes!(coverage::list_coverage))
        .routes(routes!(coverage::read_coverage))
        .routes(routes!(joinable::find_joins))
        .routes(routes!(versions::list_versions))
        .routes(routes!(versions::read_version))
        .routes(routes!(versions::withdraw_version))
        .routes(routes!(diff::read_diff))
        .routes(routes!(rows::read_rows))
        .routes(routes!(rows::read_latest))
        .routes(routes!(proposals::propose_contract))
        .routes(routes!(previews::preview_file))
        .routes(routes!(sets::upload_set))
        .routes(routes!(uploads::create_upload, uploads::list_uploads))
        .routes(routes!(uploads::read_upload))
        .routes(routes!(originals::read_original, originals::remove_original))
        .routes(routes!(reports::read_report))
        .routes(routes!(reports::read_kept_back))
        .routes(routes!(links::create_upload_link))
        .routes(routes!(links::complete_upload))
        .routes(routes!(tus::begin_tus_upload))
        .routes(routes!(tus::read_tus_upload, tus::send_tus_piece, tus::drop_tus_upload))
        .routes(routes!(upkeep::compact_dataset))
        .routes(routes!(upkeep::vacuum_dataset))
        .routes(routes!(agencies::list_agencies))
        .routes(routes!(agencies::read_agency, agencies::put_agency))
        .routes(routes!(tokens::create_token, tokens::list_tokens))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(tokens::read_me))
        .routes(routes!(ops::read_liveness))
        .routes(routes!(ops::read_readiness))
        .routes(routes!(ops::read_metrics))
}

/// The OpenAPI document of all routes, as it is committed: indented JSON with a newline at its end.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&routes().split_for_parts().1)?;
    text.push('\n');
    Ok(text)
}

/// Every route with every layer. `cors_origins` may read from browsers; `*` stands for all.
pub(crate) fn router(state: ServerState, cors_origins: &[String]) -> Router {
    let (router, document) = routes().split_for_parts();
    router
        .merge(SwaggerUi::new("/docs").url("/openapi.json", document))
        .route("/", get(home::show_home))
        .route("/coverage", get(coverage_page::show_coverage))
        .route("/functions", get(functions_page::show_functions))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        // One layer of all, outermost first: the router boxes each of its own, and clones all that is inside of
        // it for every request.
        .layer((
            SetRequestHeaderLayer::overriding(header::ACCEPT_ENCODING, accept_plain),
            // Around what writes the bodies of problems.
            compression(),
            middleware::from_fn_with_state(state.clone(), surround),
            cors(cors_origins),
            CatchPanicLayer::custom(answer_panic),
        ))
        .with_state(state)
}

/// What every answer says to browsers, where a handler says nothing else.
const FIXED: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// What is done around every request.
async fn surround(State(state): State<ServerState>, request: Request, next: Next) -> Response {
    let inside = async |request| next.run(request).await;
    let counted = async |request| telemetry::count(&state, request, inside).await;
    let spoken = async |request| tus::speak(request, counted).await;
    let mut response = request_id::assign(linger::read_rest(request), spoken).await;
    for (name, value) in FIXED {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// Text is compressed; Parquet and Arrow are compressed inside already.
fn compression() -> CompressionLayer<impl Predicate> {
    let worth = SizeAbove::new(1_024)
        .and(NotForContentType::const_new("application/vnd.apache."))
        .and(NotForContentType::const_new("application/vnd.openxmlformats"))
        .and(NotForContentType::IMAGES)
        .and(no_kept_file);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth)
}

/// Asks for no compression where a client takes none of the forms there are, plain included, so that it is
/// answered all the same. The layer for compression would do what is asked and then call it not acceptable.
fn accept_plain(request: &Request) -> Option<HeaderValue> {
    let values = request.headers().get_all(header::ACCEPT_ENCODING).iter();
    let listed: Vec<(String, bool)> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parts.find_map(|p| p.strip_prefix("q=")?.parse::<f32>().ok());
            (name, quality.is_none_or(|quality| quality > 0.0))
        })
        .collect();
    let said =
        |name: &str| listed.iter().find(|(listed, _)| listed == name).map(|(_, taken)| *taken);
    let taken = |name| said(name).or_else(|| said("*"));
    let plain = taken("identity").unwrap_or(true);
    let nothing = !plain && taken("gzip") != Some(true) && taken("zstd") != Some(true);
    nothing.then_some(HeaderValue::from_static("identity"))
}

/// A file is answered byte for byte, as its digest says.
fn no_kept_file(
    _: StatusCode,
    _: Version,
    headers: &HeaderMap,
    _: &axum::http::Extensions,
) -> bool {
    !headers.contains_key(originals::REPR_DIGEST)
}

/// Public data may be read by any page; tokens are headers, which no browser sends on its own.
fn cors(origins: &[String]) -> CorsLayer {
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers(named(&[
            "authorization",
            "accept",
            "content-type",
            "if-none-match",
            "range",
            "prefer",
            "idempotency-key",
            "content-digest",
        ]))
        .expose_headers(named(&[
            "etag",
            "link",
            "mochiyori-sources",
            "mochiyori-quality",
            "mochiyori-next-cursor",
            "x-request-id",
            "content-disposition",
            "content-range",
            "repr-digest",
        ]))
        .max_age(Duration::from_secs(3_600))
}

/// These headers and those of uploads in pieces.
fn named(names: &[&'static str]) -> Vec<HeaderName> {
    names.iter().chain(&tus::HEADERS).map(|name| HeaderName::from_static(name)).collect()
}

async fn no_such_route() -> Problem {
    Problem::of_status(
        StatusCode::NOT_FOUND,
        "no-such-address",
        "No such address",
        "nothing is at this address; /docs lists what there is",
    )
}

async fn no_such_method() -> Problem {
    Problem::of_status(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Method not allowed",
        "this address does not take the method; the Allow header and /docs say which it takes",
    )
}

fn answer_panic(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    use axum::response::IntoResponse;
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    tracing::error!(panic = text, "a handler panicked");
    Problem::new(
        hub_model::ErrorKind::Internal,
        "the hub could not do this, and it is not your doing; quote the instance when you ask for help",
    )
    .into_response()
}
