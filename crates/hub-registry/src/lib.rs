//! The registry: agencies, datasets with what is said of them, API tokens, uploads with their reports,
//! idempotency keys, and the list of versions. It records; it decides nothing. Who may do what is
//! decided in the application layer, and what readers can see is decided by the lake alone.
//!
//! It lives in a SQLite file, or in PostgreSQL where several nodes share it. Both are held to the same
//! behaviour by one suite of tests.

mod agencies;
mod clock;
mod database;
mod datasets;
mod error;
mod idempotency;
mod permalinks;
mod queries;
mod registry;
mod search;
mod tokens;
mod uploads;
mod versions;

pub use clock::Clock;
pub use datasets::{DatasetFilter, DatasetRecord, DatasetState, Readable};
pub use error::RegistryError;
pub use idempotency::{Reservation, Reserved};
pub use queries::{QueryProblem, QueryProgress, QueryRecord, QueryResult, QueryState};
pub use registry::Registry;
pub use tokens::{DrawnToken, NewToken, SecretToken, TokenRecord};
pub use uploads::{UploadRecord, UploadState};
