//! Support for tests: real servers to test against (PostgreSQL, an S3 protocol server, the hub itself)
//! and the real files beside the project. A dev-dependency only.
#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test stops where its support fails"
)]

pub mod hub;
pub mod postgres;
pub mod s3;
pub mod shared;
