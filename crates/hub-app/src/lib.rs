//! The hub's use cases, and the one place that decides who may do what.
//!
//! A door authenticates a caller and hands a [`Principal`](hub_model::Principal) to a use case here; a
//! use case asks `policy` and orders the steps through registry, intake, lake and query. Nothing
//! here knows HTTP.

mod agencies;
mod align;
mod answers;
mod app;
mod citations;
mod coverage;
mod datasets;
mod decoding;
mod diff;
mod error;
mod idempotency;
mod jobs;
mod joinable;
mod kept_back;
mod known;
mod links;
mod maintain;
mod metrics;
mod modes;
mod originals;
mod pace;
mod partial;
mod permalinks;
mod policy;
mod preview;
mod propose;
mod publish_set;
mod publish_upload;
mod queries;
mod read_rows;
mod recover;
mod reports;
mod run_query;
mod snapshots;
mod spool;
mod tokens;
mod uploads;
mod versions;
mod withdraw;

pub use align::AlignRequest;
pub use answers::{AnswerHead, AnswerKey, Answers, KeptAnswer};
pub use app::{App, AppConfig, Parts};
pub use coverage::{
    Coverage, CoveredSeries, CoveredStretch, DataPeriod, DatasetCoverage, Standing, StandingPage,
    StandingSummary,
};
pub use datasets::{DatasetDescription, DatasetPage, DatasetSummary};
pub use decoding::Decoding;
pub use diff::DiffRead;
pub use error::AppError;
pub use jobs::{Accepted, Job, Progress, Stage};
pub use joinable::{Advice, ExpectedRows, JoinAdvice, KeyPair, Meaning, Relation, TimePair};
pub use links::UploadLink;
pub use metrics::Metrics;
pub use originals::OriginalFile;
pub use partial::{PartialUpload, PieceChecksum};
pub use permalinks::{PermalinkLimits, PermalinkRequest, Verification};
pub use preview::PreviewRequest;
pub use propose::ProposalFile;
pub use publish_set::{PublishedTable, RefusedTable, SetPublication, SetRequest};
pub use publish_upload::{Publication, UploadRequest};
pub use queries::{QueryJob, QueryJobLimits};
pub use read_rows::{LatestRead, Reading, RowsRead};
pub use recover::Recovery;
pub use reports::MarkedCopy;
pub use run_query::{Answer, PreparedQuery, SqlRequest};
pub use snapshots::VersionSelector;
pub use spool::Body;
pub use tokens::TokenRequest;
pub use versions::KnownVersion;
