//! The lake as its callers see it, on every kind of store.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where something is not as it should be, and says which case it was"
)]

mod conformance;
mod golden;
mod leavings;
mod races;
mod revisions;
mod rollups;
mod staging;
mod support;
