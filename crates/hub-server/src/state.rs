//! What every handler can reach.

use std::{ops::Deref, sync::Arc, time::Duration};

use hub_app::App;

use crate::{config::ServerConfig, telemetry::HttpMetrics};

/// What all requests share. One pointer, since the router clones it in each of its layers for every request.
#[derive(Debug, Clone)]
pub(crate) struct ServerState(Arc<Shared>);

/// What [`ServerState`] points to.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The use cases.
    pub(crate) app: App,
    /// Counters of requests, and the registry of all counters.
    pub(crate) metrics: HttpMetrics,
    /// How long a JSON body may take to arrive.
    pub(crate) body_timeout: Duration,
    /// The address people reach the hub by, without a slash at its end; empty for relative links.
    pub(crate) public_url: Arc<str>,
}

impl ServerState {
    /// Composes the state around an application.
    pub(crate) fn new(app: App, config: &ServerConfig) -> Self {
        Self(Arc::new(Shared {
            metrics: HttpMetrics::new(&app),
            app,
            body_timeout: Duration::from_millis(config.body_timeout_ms),
            public_url: config.public_url.trim_end_matches('/').into(),
        }))
    }
}

impl Deref for ServerState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
