//! Tests of the engine as its callers see it.

mod answers;
mod diff;
mod hostile;
mod limits;
mod output;
mod paging;
mod quality;
mod rollups;
mod scan;
pub(crate) mod support;
mod units;
