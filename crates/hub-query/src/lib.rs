//! DataFusion behind a narrow door: SQL is bounded and parsed, planned in a session whose catalog holds
//! only the tables it was handed, run under limits on a runtime of its own, and encoded batch by batch.
//!
//! Nothing here decides who may read what: a query sees the tables of its request and no others. Nothing
//! here writes: no function, table or statement reaches storage but the scan of a snapshot's files.

mod alias;
mod align;
mod asof;
mod bounds;
mod catalog;
mod checked;
mod classify;
mod cost;
mod cursor;
mod dialect;
mod diff;
mod disk;
mod encode;
mod engine;
mod error;
mod estimates;
mod explain;
mod filter;
mod fingerprint;
mod functions;
mod gapfill;
mod geometry;
mod japan_time;
mod kept;
mod latest;
mod limits;
mod lineage;
mod literals;
mod parse;
mod point;
mod progress;
mod quality;
mod rollup;
mod rows;
mod rules;
mod session;
mod spatial;
mod stream;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod units;

pub use align::{GridMeasure, GridRequest, fitting_aggregate};
pub use bounds::SqlBounds;
pub use cost::{Cost, MemoryNeed, TableCost};
pub use cursor::Cursor;
pub use diff::DiffRequest;
pub use encode::{AnswerHeader, EncodeOptions, OutputFormat, SOURCES_KEY, encode};
pub use engine::{
    EngineConfig, EngineGauges, QueryEngine, QueryRequest, ReadableTable, engine_version,
};
pub use error::{Position, QueryError};
pub use filter::{FilterOperator, FilterValue, RowFilter};
pub use fingerprint::{Fingerprint, fingerprint};
pub use functions::{
    FunctionArgument, FunctionEntry, FunctionExample, FunctionKind, function_catalog,
    functions_document,
};
pub use latest::LatestRequest;
pub use lineage::{ColumnLineage, DatasetColumn, Derivation, Influence, Lineage};
pub use parse::{ParsedQuery, TableName, parse};
pub use progress::{ScanProgress, Scanned};
pub use quality::QUALITY_KEY;
pub use rollup::{Counted, CountedSeries, Counts, Stretch};
pub use rows::{Direction, MAX_PAGE_ROWS, OrderBy, RowsPage, RowsRequest};
pub use stream::QueryStream;
