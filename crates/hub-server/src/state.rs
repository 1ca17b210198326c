//! What every handler can reach.

use std::sync::Arc;

use hub_app::App;

use crate::telemetry::HttpMetrics;

/// Shared by all requests. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ServerState {
    /// The use cases.
    pub(crate) app: App,
    /// Counters of requests, and the registry of all counters.
    pub(crate) metrics: HttpMetrics,
    /// The address people reach the hub by, without a slash at its end; empty for relative links.
    pub(crate) public_url: Arc<str>,
}

impl ServerState {
    /// Composes the state around an application.
    pub(crate) fn new(app: App, public_url: &str) -> Self {
        let metrics = HttpMetrics::new(&app);
        Self { app, metrics, public_url: public_url.trim_end_matches('/').into() }
    }
}
