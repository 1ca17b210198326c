//! The hub over HTTP: routes, OpenAPI, authentication, problems, configuration, and the command line.
//! It decides nothing: every handler asks one use case of `hub-app`.

mod auth;
mod caching;
pub mod cli;
pub mod config;
pub mod demo;
mod extract;
mod language;
mod linger;
mod openapi;
mod problem;
mod public_base;
mod request_id;
mod router;
mod routes;
mod run_demo;
pub mod serve;
mod state;
pub mod telemetry;

pub use router::openapi_json;
pub use run_demo::run_demo;
