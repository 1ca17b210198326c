//! Logs and counters.

use std::{io::IsTerminal, sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use hub_app::App;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{LogConfig, LogFormat},
    state::ServerState,
};

/// Libraries that say much at the level of information, unless the filter names them.
const QUIET: &str = "buoyant_kernel=warn,deltalake_core=warn";

/// Sends logs to standard error for the rest of the process. Called once, by the binary.
pub fn start_logging(config: &LogConfig) -> Result<(), String> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.filter))
        .map_err(|error| format!("log.filter {:?} is not usable: {error}", config.filter))?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match config.format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json()).try_init(),
    }
    .map_err(|error| error.to_string())
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: String,
    status: u16,
}

/// Counters of requests, and the registry of everything that is counted.
#[derive(Debug, Clone)]
pub(crate) struct HttpMetrics {
    requests: Family<RequestLabels, Counter>,
    seconds: Histogram,
    engine: EngineGaugesMetrics,
    registry: Arc<Registry>,
}

#[derive(Debug, Clone, Default)]
struct EngineGaugesMetrics {
    memory: Gauge,
    running: Gauge,
    spilled: Gauge,
    cached: Gauge,
    pages: Gauge,
}

impl HttpMetrics {
    pub(crate) fn new(app: &App) -> Self {
        let mut registry = Registry::with_prefix("mochiyori");
        app.metrics().register(&mut registry);
        let requests = Family::default();
        let seconds = Histogram::new([0.002, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0]);
        let engine = EngineGaugesMetrics::default();
        registry.register("http_requests", "Requests by route and status", requests.clone());
        registry.register("http_head_seconds", "Time until an answer's head", seconds.clone());
        registry.register(
            "query_memory_bytes",
            "Memory reserved by queries",
            engine.memory.clone(),
        );
        registry.register("queries_running", "Queries running now", engine.running.clone());
        registry.register(
            "query_spilled_bytes",
            "Bytes spilled to disk now",
            engine.spilled.clone(),
        );
        registry.register(
            "metadata_cache_bytes",
            "File metadata held in memory",
            engine.cached.clone(),
        );
        registry.register(
            "page_cache_bytes",
            "Pages of files held in memory for point lookups",
            engine.pages.clone(),
        );
        Self { requests, seconds, engine, registry: Arc::new(registry) }
    }

    /// Everything counted, in the OpenMetrics text form.
    pub(crate) fn text(&self, app: &App) -> Result<String, std::fmt::Error> {
        let gauges = app.engine_gauges();
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.engine.memory.set(number(gauges.memory_reserved_bytes));
        self.engine.running.set(i64::try_from(gauges.running).unwrap_or(i64::MAX));
        self.engine.spilled.set(number(gauges.spilled_bytes));
        self.engine.cached.set(number(gauges.metadata_cached_bytes));
        self.engine.pages.set(number(gauges.pages_cached_bytes));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Counts a request by the route it matched, never by its address, so that labels stay few.
pub(crate) async fn count(
    state: &ServerState,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().to_string();
    let start = Instant::now();
    let response = next(request).await;
    state.metrics.seconds.observe(start.elapsed().as_secs_f64());
    let labels = RequestLabels { route, method, status: response.status().as_u16() };
    state.metrics.requests.get_or_create(&labels).inc();
    response
}
